//! What is taken in, and what bad input gets.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::*;

#[tokio::test]
async fn an_upload_is_stored_and_everything_about_it_told() {
    let service = Service::saying(SAFE);
    let answer = service.upload(&photo()).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    let image = answer.json();
    let id = image["id"].as_str().unwrap();
    let token = image["delete_token"].as_str().unwrap();
    assert_eq!(id.len(), 12);
    let base = "http://img.example";
    for (field, link) in [
        ("url", format!("{base}/{id}")),
        ("direct_url", format!("{base}/i/{id}.jpg")),
        ("thumbnail_url", format!("{base}/i/{id}/thumb.jpg")),
        ("delete_url", format!("{base}/d/{id}#{token}")),
    ] {
        assert_eq!(image[field], link);
    }
    assert_eq!(
        answer.header(header::LOCATION),
        format!("{base}/api/v1/images/{id}")
    );
    assert_eq!(
        (image["width"].as_u64(), image["height"].as_u64()),
        (Some(64), Some(48))
    );
    assert_eq!(
        (&image["mime"], &image["state"]),
        (&"image/jpeg".into(), &"public".into())
    );
    assert_eq!(image["label"], "safe");
    assert!((image["confidence"].as_f64().unwrap() - 0.97).abs() < 1e-4);
    assert!((image["scores"]["neutral"].as_f64().unwrap() - 0.96).abs() < 1e-6);

    let facts = service.get(&format!("/api/v1/images/{id}")).await.json();
    assert_eq!(
        facts["direct_url"],
        format!("http://127.0.0.1:8080/i/{id}.jpg")
    );
    assert!(facts.get("delete_token").is_none());
}

#[tokio::test]
async fn every_format_is_named_by_its_bytes() {
    let service = Service::saying(SAFE);
    for (name, file) in testing::every_kind() {
        let image = service.uploaded(&file).await;
        let direct = service.get(path_of(&image["direct_url"])).await;
        assert_eq!(direct.status, StatusCode::OK, "{name}");
        assert_eq!(
            direct.header(header::CONTENT_TYPE),
            image["mime"].as_str().unwrap(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn the_setting_names_the_links() {
    let settings = Settings {
        base_url: "https://pics.example".to_owned(),
        ..Settings::default()
    };
    let service = Service::start(&Oracle::says(SAFE), settings);
    let image = service.uploaded(&photo()).await;
    assert!(
        image["url"]
            .as_str()
            .unwrap()
            .starts_with("https://pics.example/")
    );
}

#[tokio::test]
async fn bad_input_is_refused_with_a_code_and_nothing_is_stored() {
    let service = Service::saying(SAFE);
    let jpeg = photo();
    let file = part("file", "a.jpg", &jpeg);
    for (parts, status, code) in [
        (Vec::new(), 400, "file-missing"),
        (part("picture", "a.jpg", &jpeg), 400, "file-missing"),
        (part("file", "a.jpg", b""), 400, "empty-file"),
        ([file.clone(), file.clone()].concat(), 400, "too-many-files"),
        (
            part("file", "a.jpg", b"just some words\n"),
            415,
            "unsupported-format",
        ),
        (
            part("file", "a.jpg", &jpeg[..jpeg.len() / 2]),
            422,
            "truncated-image",
        ),
        (
            part("file", "a.jpg", &testing::jpeg_with_size(65_500, 65_500)),
            422,
            "side-too-long",
        ),
        (
            part("file", "a.gif", &testing::gif_animation(4, 4, 1_000)),
            422,
            "too-many-frames",
        ),
    ] {
        service
            .send(multipart_request("/api/v1/images", &parts))
            .await
            .assert_problem(status, code);
    }
    let malformed = Request::post("/api/v1/images")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=XX")
        .body(Body::from("--XX\r\nContent-Disposition"))
        .unwrap();
    service
        .send(malformed)
        .await
        .assert_problem(400, "malformed-multipart");
    let untyped = Request::post("/api/v1/images")
        .body(Body::from(jpeg))
        .unwrap();
    service
        .send(untyped)
        .await
        .assert_problem(400, "malformed-multipart");
    let empty = Request::post("/api/v1/images").body(Body::empty()).unwrap();
    service
        .send(empty)
        .await
        .assert_problem(400, "file-missing");
    assert_eq!(service.n_stored(), 0);
    // Places are given back just after the answer.
    assert!(service.app.pipeline.drain(Duration::from_secs(5)));
    assert_eq!(service.app.pipeline.in_flight(), (0, 0));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_announced_or_not() {
    let mut settings = Settings::default();
    settings.limits.upload_bytes_max = 100_000;
    let service = Service::start(&Oracle::says(SAFE), settings);
    let large = vec![0_u8; 200_000];
    service
        .upload(&large)
        .await
        .assert_problem(413, "body-too-large");
    let mut unannounced = upload_request("/api/v1/images", &large);
    unannounced.headers_mut().remove(header::CONTENT_LENGTH);
    service
        .send(unannounced)
        .await
        .assert_problem(413, "body-too-large");
    assert_eq!(
        (service.n_stored(), service.app.pipeline.in_flight()),
        (0, (0, 0))
    );
}

#[tokio::test]
async fn a_body_that_stops_gives_its_place_back() {
    let mut settings = Settings::default();
    settings.http.body_stall_seconds_max = 1;
    let service = Service::start(&Oracle::says(SAFE), settings);
    let start = Bytes::from(part("file", "a.jpg", &photo()[..100]));
    let body = stream::iter([Ok::<_, std::io::Error>(start)]).chain(stream::pending());
    let stalled = Request::post("/api/v1/images")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=XX")
        .body(Body::from_stream(body))
        .unwrap();
    service
        .send(stalled)
        .await
        .assert_problem(408, "body-timeout");
    assert_eq!(
        (service.n_stored(), service.app.pipeline.in_flight()),
        (0, (0, 0))
    );
}

#[tokio::test]
async fn without_room_an_upload_is_refused_at_once() {
    let mut settings = Settings::default();
    settings.pipeline.images_in_flight_max = 1;
    let service = Service::start(&Oracle::says(SAFE), settings);
    let held = service.app.pipeline.admit(1).unwrap();
    let refused = service.upload(&photo()).await;
    refused.assert_problem(429, "overloaded");
    assert!(refused.header(header::RETRY_AFTER).parse::<u64>().unwrap() >= 1);
    drop(held);
    service.uploaded(&photo()).await;
}

#[tokio::test]
async fn while_stopping_uploads_are_refused_and_images_served() {
    let service = Service::saying(SAFE);
    let image = service.uploaded(&photo()).await;
    service.app.pipeline.drain(Duration::from_secs(5));
    service
        .upload(&photo())
        .await
        .assert_problem(503, "shutting-down");
    assert_eq!(
        service.get(path_of(&image["direct_url"])).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_client_that_leaves_early_leaves_nothing() {
    let service = Service::saying(SAFE);
    let body = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"--XX\r\n"))])
        .chain(stream::pending());
    let request = Request::post("/api/v1/images")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=XX")
        .body(Body::from_stream(body))
        .unwrap();
    let answer = tokio::time::timeout(Duration::from_millis(50), service.send(request)).await;
    assert!(answer.is_err(), "it was still sending");
    assert_eq!(
        (service.n_stored(), service.app.pipeline.in_flight()),
        (0, (0, 0))
    );
}

#[tokio::test]
async fn borderline_images_are_held_back_where_somebody_releases_them() {
    let borderline = Scores::from_array([0.2, 0.3, 0.2, 0.27, 0.03]);
    let image = Service::saying(borderline).uploaded(&photo()).await;
    assert_eq!(
        (&image["state"], &image["label"]),
        (&"public".into(), &"safe".into())
    );
    let mut settings = Settings::default();
    settings.moderation.hold_review = true;
    let service = Service::start(&Oracle::says(borderline), settings);
    let image = service.uploaded(&photo()).await;
    assert_eq!(image["state"], "review");
    let id = image["id"].as_str().unwrap();
    service
        .get(&format!("/api/v1/images/{id}"))
        .await
        .assert_problem(404, "not-found");
    service
        .get(path_of(&image["direct_url"]))
        .await
        .assert_problem(404, "not-found");
}

/// Lists that others share have hashes of files as they are passed around, with the
/// metadata that is taken out here.
#[tokio::test]
async fn a_banned_file_is_known_as_it_came() {
    use imgshare_storage::audit::Actor;
    use imgshare_storage::moderation::{BankEntry, BankHash, BankPolicy, Note, Policy, TakenOff};
    use sha2::{Digest, Sha256};

    let service = Service::saying(SAFE);
    let mut file = photo();
    // A comment behind the start of the image.
    let comment = [&[0xFF, 0xFE, 0, 9][..], b"by jane"].concat();
    file.splice(2..2, comment);
    let taken = service.uploaded(&file).await;
    let stored = service.get(path_of(&taken["direct_url"])).await.body;
    let arrived: [u8; 32] = Sha256::digest(&file).into();
    assert_ne!(Sha256::digest(&stored)[..], arrived, "it was rewritten");
    let entry = BankEntry {
        hash: BankHash::Sha256(arrived),
        policy: BankPolicy::Refuse,
        against: Policy::Illegal,
        reason: Note::default(),
        added_by: "operator".to_owned(),
        added_at_ms: 7,
        image: None,
    };
    let bank = service.app.queue.bank();
    bank.add(&Actor::Operator, &entry, 7).unwrap();
    let refused = service.upload(&file).await;
    refused.assert_problem(422, "image-refused");
    service.uploaded(&stored).await;
    // P1, P2: of the file as it came nothing is kept, its hash neither.
    let record = service
        .app
        .store
        .find(&taken["id"].as_str().unwrap().parse().unwrap());
    assert_ne!(record.unwrap().unwrap().sha256, arrived);
    bank.remove(&Actor::Operator, &entry.hash, &TakenOff::default(), 8)
        .unwrap();
    service.uploaded(&file).await;
}
