//! Metadata goes in and is nowhere afterwards, judged by exiftool and by a
//! search for the planted marker over every byte the server keeps or sends.

use std::path::Path;

use imgshare_tests::cache;
use imgshare_tests::carriers;
use imgshare_tests::client::Client;
use imgshare_tests::data_dir;
use imgshare_tests::decode;
use imgshare_tests::exiftool;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::{Format, Jpeg, Picture};
use imgshare_tests::response::Response;

#[test]
fn p02_metadata_is_gone_from_a_jpeg() {
    prove_clean(
        Format::Jpeg,
        &Picture::scene(320, 200, 1).jpeg(Jpeg::Baseline),
    );
}

#[test]
fn p02_metadata_is_gone_from_a_progressive_jpeg() {
    prove_clean(
        Format::Jpeg,
        &Picture::scene(320, 200, 2).jpeg(Jpeg::Progressive),
    );
}

#[test]
fn p02_metadata_is_gone_from_a_png() {
    prove_clean(Format::Png, &Picture::scene(320, 200, 3).png());
}

#[test]
fn p02_metadata_is_gone_from_a_webp() {
    prove_clean(
        Format::Webp,
        &Picture::scene(320, 200, 4).encode(Format::Webp),
    );
}

#[test]
fn p02_metadata_is_gone_from_a_gif() {
    prove_clean(
        Format::Gif,
        &Picture::scene(320, 200, 5).encode(Format::Gif),
    );
}

#[test]
fn p02_metadata_of_a_refused_upload_is_not_kept_either() {
    let installation = Installation::new();
    let server = installation.serve();
    let marker = "MARKERrefused7351";
    for format in Format::ALL {
        let file = Picture::scene(320, 200, 6).encode(format);
        let planted = carriers::planted(&file, format, marker, installation.scratch());
        let broken = match format {
            // Here it stands behind the pixels, so that half a file has none.
            Format::Webp => [&planted[..100], &[0; 1000], &planted[1100..]].concat(),
            _ => planted[..planted.len() / 2].to_vec(),
        };
        assert!(data_dir::contains(&broken, marker), "{format:?}");
        let refused = server.client().upload("a", &broken);
        assert_eq!(refused.status, 422, "{format:?}: {}", refused.text());
    }
    let log = server.stop();
    assert!(!data_dir::contains(log.as_bytes(), marker), "{log}");
    assert_not_kept(installation.data(), marker);
}

#[test]
fn p02_a_turned_photo_stands_upright_without_its_tag() {
    let installation = Installation::new();
    let server = installation.serve();
    let picture = Picture::scene(64, 40, 7);
    for (format, orientation) in [Format::Jpeg, Format::Png, Format::Webp]
        .into_iter()
        .flat_map(|f| (1..=8).map(move |o| (f, o)))
    {
        let path = installation
            .scratch()
            .join(format!("turned-{orientation}.{}", format.extension()));
        std::fs::write(&path, picture.encode(format)).expect("scratch is writable");
        exiftool::plant(&path, &[format!("-IFD0:Orientation#={orientation}")]);
        let file = std::fs::read(&path).expect("exiftool left a file");
        let answer = server.client().upload("turned", &file).expect(201).json();
        let upright = if orientation < 5 { (64, 40) } else { (40, 64) };
        assert_eq!(
            (&answer["width"], &answer["height"]),
            (&upright.0.into(), &upright.1.into()),
            "{format:?}, orientation {orientation}"
        );
    }
    server.stop();
}

#[test]
fn p02_metadata_is_gone_from_an_avif() {
    let fixture = |name: &str| {
        let path = cache::workspace().join("tests/fixtures/avif").join(name);
        std::fs::read(path).expect("a fixture")
    };
    let installation = Installation::new();
    let by_exiftool = "MARKERavif";
    let plain = fixture("grid_alpha.avif");
    // The other was planted by an encoder of AVIF, of which none is in the tree.
    for (planted, marker) in [
        (fixture("metadata.avif"), "Gr1nzIng-48.2514N"),
        (
            carriers::planted_avif(&plain, by_exiftool, installation.scratch()),
            by_exiftool,
        ),
    ] {
        assert!(data_dir::contains(&planted, marker), "nothing is planted");
        prove_kept_nowhere(&installation, &planted, marker, |what, served| {
            if what == "image" {
                let shown = decode::avif(&planted).expect("an AVIF");
                assert!(
                    decode::avif(served) == Some(shown),
                    "the removal touched a pixel"
                );
            }
            // A profile of ours stands for the Adobe RGB of the first.
            let may_be_there = |tag: &String| tag.starts_with("ICC");
            let path = installation.scratch().join("served.avif");
            std::fs::write(&path, served).expect("scratch is writable");
            for (_, mut tags) in exiftool::tags_beyond_structure(&[path]) {
                tags.retain(|tag| !may_be_there(tag));
                assert!(tags.is_empty(), "exiftool finds in the {what}: {tags:?}");
            }
        });
    }
}

/// Uploads a file with the marker in every place its format has, and looks for
/// it everywhere.
fn prove_clean(format: Format, file: &[u8]) {
    let installation = Installation::new();
    let marker = format!("MARKER{format:?}{}", file.len());
    let planted = carriers::planted(file, format, &marker, installation.scratch());
    assert!(data_dir::contains(&planted, &marker), "the planting failed");

    prove_kept_nowhere(&installation, &planted, &marker, |what, served| {
        if what == "image" {
            let shown = decode::frames(format, file).expect("a picture of ours");
            assert!(
                decode::frames(format, served) == Some(shown),
                "the removal touched a pixel"
            );
        }
        assert_only_structure(what, served, installation.scratch());
    });
}

/// Uploads a file and looks for the marker in everything that is kept and sent.
fn prove_kept_nowhere(
    installation: &Installation,
    planted: &[u8],
    marker: &str,
    judge: impl Fn(&str, &[u8]),
) {
    let server = installation.serve_with(&[("IMGSHARE_LOG_LEVEL", "debug")]);
    let client = server.client();
    let uploaded = client.upload("holiday", planted).expect(201);
    let served = client.get(&uploaded.link("direct_url")).expect(200).body;
    let mut files = vec![("image", served)];
    for name in ["thumb", "small", "medium", "social", "social-blurred"] {
        let path = format!("/i/{}/{name}.jpg", uploaded.field("id"));
        files.push((name, client.get_where_it_lies(&path).expect(200).body));
    }
    for (what, bytes) in &files {
        judge(what, bytes);
        assert!(
            !data_dir::contains(bytes, marker),
            "the {what} carries the marker"
        );
    }
    assert_answers_are_clean(client, &uploaded, marker);
    assert_not_kept(installation.data(), marker);
    let log = server.stop();
    assert!(!data_dir::contains(log.as_bytes(), marker), "{log}");
    assert_not_kept(installation.data(), marker);
}

fn assert_answers_are_clean(client: Client, uploaded: &Response, marker: &str) {
    let facts = client
        .get(&format!("/api/v1/images/{}", uploaded.field("id")))
        .expect(200);
    let viewer = client.get(&uploaded.link("url")).expect(200);
    for answer in [uploaded, &facts, &viewer] {
        assert!(
            !data_dir::contains(&answer.body, marker),
            "{}",
            answer.text()
        );
    }
}

fn assert_not_kept(data: &Path, marker: &str) {
    let found = data_dir::files_containing(data, marker);
    assert!(found.is_empty(), "the marker is in {found:?}");
}

fn assert_only_structure(what: &str, file: &[u8], scratch: &Path) {
    let path = scratch.join("served.bin");
    std::fs::write(&path, file).expect("scratch is writable");
    let found = exiftool::tags_beyond_structure(&[path]);
    assert!(found.is_empty(), "exiftool finds in the {what}: {found:?}");
}
