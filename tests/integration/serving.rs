//! How images are served: types, ranges, validators, thumbnails, and over a restart.

use imgshare_tests::client::Client;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::{Format, Picture, animation};
use imgshare_tests::response::Response;
use serde_json::Value;

#[test]
fn p06_an_image_is_served_from_a_cacheable_address() {
    let installation = Installation::new();
    let server = installation.serve();
    for format in Format::ALL {
        let file = Picture::scene(64, 48, 3).encode(format);
        let uploaded = server.client().upload("a", &file).expect(201);
        let path = uploaded.link("direct_url");
        let served = server.client().get(&path).expect(200);

        assert_eq!(served.expect_header("content-type"), format.mime());
        assert_eq!(served.expect_header("x-content-type-options"), "nosniff");
        assert!(
            served
                .expect_header("content-security-policy")
                .contains("sandbox")
        );
        assert!(served.expect_header("cache-control").contains("max-age"));

        let head = server.client().head(&path).expect(200);
        for name in ["content-length", "content-type", "etag", "cache-control"] {
            assert_eq!(head.header(name), served.header(name), "{name}");
        }
        let etag = served.expect_header("etag");
        let unchanged = server
            .client()
            .get_with(&path, &[("If-None-Match", etag)])
            .expect(304);
        assert_eq!(unchanged.expect_header("etag"), etag);
        assert!(unchanged.body.is_empty());
        assert_ranges(server.client(), &path, &served.body);
    }
}

fn assert_ranges(client: Client, path: &str, whole: &[u8]) {
    let length = whole.len();
    let last = length - 1;
    for (range, part) in [
        ("bytes=0-0".to_owned(), 0..1),
        ("bytes=5-9".to_owned(), 5..10),
        (format!("bytes={last}-"), last..length),
        ("bytes=-3".to_owned(), length - 3..length),
        (format!("bytes=7-{}", length * 2), 7..length),
    ] {
        let answer = client.get_with(path, &[("Range", &range)]).expect(206);
        let content_range = format!("bytes {}-{}/{length}", part.start, part.end - 1);
        assert_eq!(answer.body, whole[part], "{range}");
        assert_eq!(
            answer.expect_header("content-range"),
            content_range,
            "{range}"
        );
    }
    let beyond = client.get_with(path, &[("Range", &format!("bytes={length}-"))]);
    beyond.expect_problem(416, "range-not-satisfiable");
    assert_eq!(
        beyond.expect_header("content-range"),
        format!("bytes */{length}")
    );
    let nonsense = client.get_with(path, &[("Range", "lines=1-2")]).expect(200);
    assert_eq!(
        nonsense.body, whole,
        "a range in a unit of its own is ignored"
    );
}

#[test]
fn a_thumbnail_is_small_and_an_image_of_its_own() {
    let installation = Installation::new();
    let server = installation.serve();
    for format in Format::ALL {
        let file = Picture::scene(1600, 1200, 4).encode(format);
        let uploaded = server.client().upload("a", &file).expect(201);
        for _ in 0..2 {
            let thumbnail = server
                .client()
                .get(&uploaded.link("thumbnail_url"))
                .expect(200);
            let mime = thumbnail.expect_header("content-type");
            assert!(["image/jpeg", "image/png"].contains(&mime), "{mime}");
            assert!(
                thumbnail.body.len() < 100_000,
                "{} bytes",
                thumbnail.body.len()
            );
            assert_eq!(thumbnail.expect_header("x-content-type-options"), "nosniff");
        }
    }
    let id = server
        .client()
        .upload("a", &Picture::scene(9, 9, 1).png())
        .expect(201)
        .field("id");
    let made_up = server.client().get(&format!("/i/{id}/enormous.jpg"));
    made_up.expect_problem(404, "not-found");
}

#[test]
fn an_animation_keeps_all_its_frames() {
    let installation = Installation::new();
    let server = installation.serve();
    let frames: Vec<Picture> = (0..12).map(|seed| Picture::scene(40, 30, seed)).collect();
    let uploaded = server
        .client()
        .upload("moving.gif", &animation(&frames))
        .expect(201);
    let served = server
        .client()
        .get(&uploaded.link("direct_url"))
        .expect(200)
        .body;
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options
        .read_info(served.as_slice())
        .expect("a GIF is served");
    let mut n_frames = 0;
    while decoder
        .read_next_frame()
        .expect("every frame decodes")
        .is_some()
    {
        n_frames += 1;
    }
    assert_eq!(n_frames, frames.len());
}

#[test]
fn everything_survives_a_restart() {
    let installation = Installation::new();
    let server = installation.serve();
    let before: Vec<(Response, Vec<u8>, Value)> = Format::ALL
        .map(|format| {
            let file = Picture::scene(96, 64, 5).encode(format);
            let uploaded = server.client().upload("a", &file).expect(201);
            let served = server
                .client()
                .get(&uploaded.link("direct_url"))
                .expect(200)
                .body;
            let facts = server.client().facts(&uploaded);
            (uploaded, served, facts)
        })
        .into();
    server.stop();

    let server = installation.serve();
    for (uploaded, served, facts_before) in &before {
        let client = server.client();
        assert_eq!(
            &client.get(&uploaded.link("direct_url")).expect(200).body,
            served
        );
        let _ = client.get(&uploaded.link("url")).expect(200);
        assert_eq!(&client.facts(uploaded), facts_before);
        let _ = client
            .delete(&uploaded.field("id"), Some(&uploaded.field("delete_token")))
            .expect(204);
    }
    server.stop();

    let server = installation.serve();
    for (uploaded, ..) in &before {
        server
            .client()
            .get(&uploaded.link("direct_url"))
            .expect_problem(404, "not-found");
    }
}

#[test]
fn p13a_views_survive_an_orderly_stop() {
    let installation = Installation::new();
    let server = installation.serve();
    let uploaded = server
        .client()
        .upload("a", &Picture::scene(32, 32, 6).png())
        .expect(201);
    for _ in 0..3 {
        let _ = server.client().get(&uploaded.link("url")).expect(200);
    }
    let _ = server.client().head(&uploaded.link("url")).expect(200);
    server.stop();
    let server = installation.serve();
    let viewer = server
        .client()
        .get(&uploaded.link("url"))
        .expect(200)
        .text();
    let shown = viewer
        .split("<dt>Views</dt><dd>")
        .nth(1)
        .and_then(|rest| rest.split('<').next());
    // The fourth is the one that shows them, which may count itself.
    assert!(["3", "4"].contains(&shown.unwrap_or_default()), "{viewer}");
    server.stop();
}
