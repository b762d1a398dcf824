//! What an upload is answered with, and what is kept of it.

use std::path::PathBuf;

use imgshare_tests::data_dir;
use imgshare_tests::installation::Installation;
use imgshare_tests::multipart::{self, FormPart};
use imgshare_tests::picture::{Format, Picture};
use serde_json::Value;

#[test]
fn p03_an_upload_is_answered_with_links_facts_and_a_verdict() {
    let installation = Installation::new();
    let server = installation.serve();
    for (seed, format) in (1..).zip(Format::ALL) {
        let file = Picture::scene(320, 200, seed).encode(format);
        let uploaded = server.client().upload("holiday.bin", &file).expect(201);
        let answer = uploaded.json();

        assert_eq!(
            answer["mime"],
            format.mime(),
            "our own sniffing names the type"
        );
        assert_eq!(
            (&answer["width"], &answer["height"]),
            (&320.into(), &200.into())
        );
        assert_eq!(answer["state"], "public");
        assert!(
            ["safe", "nsfw"].map(Value::from).contains(&answer["label"]),
            "{answer}"
        );
        let confidence = answer["confidence"].as_f64().expect("a number");
        assert!((0.0..=1.0).contains(&confidence), "{answer}");
        let mass: f64 = ["drawing", "hentai", "neutral", "porn", "sexy"]
            .iter()
            .map(|class| {
                answer["scores"][class]
                    .as_f64()
                    .expect("every class has a number")
            })
            .sum();
        assert!((mass - 1.0).abs() < 1e-3, "{answer}");

        let id = uploaded.field("id");
        assert_eq!(uploaded.link("url"), format!("/{id}"));
        assert_eq!(
            uploaded.link("direct_url"),
            format!("/i/{id}.{}", format.extension())
        );
        assert!(uploaded.link("delete_url").starts_with(&format!("/d/{id}")));
        let served = server
            .client()
            .get(&uploaded.link("direct_url"))
            .expect(200);
        assert_eq!(answer["bytes"], served.body.len());
    }
}

#[test]
fn p01_nothing_else_about_an_upload_is_kept() {
    let installation = Installation::new();
    let server = installation.serve();
    let form = multipart::body(&[FormPart {
        content_type: "image/x-claimed-type",
        ..FormPart::file(
            "secret-folder/Größe 1.png",
            &Picture::scene(50, 40, 6).png(),
        )
    }]);
    let headers = [
        ("Content-Type", multipart::content_type()),
        ("User-Agent", "secret-agent/1.0".to_owned()),
        ("Referer", "http://secret-referrer.example/".to_owned()),
        ("X-Forwarded-For", "203.0.113.77".to_owned()),
    ];
    let headers = headers
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let uploaded = server
        .client()
        .request("POST", "/api/v1/images", &headers, &form)
        .expect(201);
    let token = uploaded.field("delete_token");
    let viewer = server
        .client()
        .get(&uploaded.link("url"))
        .expect(200)
        .text();
    assert!(
        !viewer.contains("Größe"),
        "the owner's name for it is not for strangers:\n{viewer}"
    );
    assert!(!viewer.contains(&token), "{viewer}");
    assert!(
        !server
            .client()
            .get(&format!("/api/v1/images/{}", uploaded.field("id")))
            .text()
            .contains(&token)
    );
    server.stop();
    let kept = data_dir::files_containing(installation.data(), "Größe 1.png");
    assert!(
        !kept.is_empty(),
        "the original filename is part of the record"
    );
    let secrets = [
        "secret-folder",
        "claimed-type",
        "secret-agent",
        "secret-referrer",
        "203.0.113.77",
        &token,
    ];
    for secret in secrets {
        let found = data_dir::files_containing(installation.data(), secret);
        // The log alone has the program and the page that asked (P4), until it ends.
        let is_elsewhere = |path: &PathBuf| !path.starts_with(installation.data().join("log"));
        let is_kept = match secret {
            "secret-agent" | "secret-referrer" => found.iter().any(is_elsewhere),
            _ => !found.is_empty(),
        };
        assert!(!is_kept, "{secret} in {found:?}");
    }
}

#[test]
fn p18_ids_are_random_and_long() {
    let installation = Installation::new();
    let server = installation.serve();
    let file = Picture::scene(16, 16, 10).png();
    let mut ids: Vec<String> = (0..40)
        .map(|_| server.client().upload("a", &file).expect(201).field("id"))
        .collect();
    for id in &ids {
        assert_eq!(id.len(), 12, "{id}");
        assert!(
            id.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() && !b"0OIl".contains(&byte))
        );
    }
    // No place in the id is the same in all 40, as a clock's digits would be.
    for place in 0..12 {
        let first = ids[0].as_bytes()[place];
        assert!(
            ids.iter().any(|id| id.as_bytes()[place] != first),
            "place {place} never changes"
        );
    }
    ids.sort();
    ids.dedup();
    assert_eq!(
        ids.len(),
        40,
        "the same file gets an id of its own each time"
    );
}

#[test]
fn other_fields_of_the_form_are_ignored() {
    let installation = Installation::new();
    let server = installation.serve();
    let file = Picture::scene(16, 16, 11).png();
    let field = FormPart {
        name: "album",
        filename: None,
        content_type: "text/plain",
        bytes: b"x",
    };
    let _ = server
        .client()
        .upload_parts(&[field, FormPart::file("a.png", &file)])
        .expect(201);
}
