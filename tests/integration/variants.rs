//! Variants of real uploads, over HTTP: sizes, cards, and what an nsfw image
//! shows to strangers who did not ask for it.

use imgshare_tests::cache;
use imgshare_tests::client::Client;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::{Jpeg, Picture};
use imgshare_tests::response::Response;
use zune_core::bytestream::ZCursor;

const CARD_SIZE: (usize, usize) = (1200, 630);

fn address(uploaded: &Response, name: &str) -> String {
    format!("/i/{}/{name}.jpg", uploaded.field("id"))
}

fn preview(client: Client, uploaded: &Response) -> String {
    let page = client.get(&uploaded.link("url")).expect(200).text();
    let link = page
        .split("og:image\" content=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_else(|| panic!("no preview in {page}"));
    let path = link.find("/i/").map(|start| &link[start..]);
    path.expect("a preview is an image").to_owned()
}

/// Size and RGB of a JPEG.
fn decoded(file: &[u8]) -> ((usize, usize), Vec<u8>) {
    let mut decoder = zune_jpeg::JpegDecoder::new(ZCursor::new(file));
    let pixels = decoder.decode().expect("a JPEG");
    (decoder.dimensions().expect("a size"), pixels)
}

/// Mean square of the steps between neighbours in a row: what a pattern
/// consists of.
fn energy(((width, _), pixels): &((usize, usize), Vec<u8>)) -> f64 {
    let steps = pixels.chunks_exact(width * 3).flat_map(|row| {
        row.iter()
            .zip(&row[3..])
            .map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2))
    });
    steps.sum::<f64>() / pixels.len() as f64
}

#[test]
fn p03_the_preview_of_an_nsfw_image_is_a_blur() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let fixture = cache::workspace().join("tests/fixtures/pattern_scored_porn.png");
    let file = std::fs::read(fixture).expect("a fixture");
    let uploaded = client.upload("a.png", &file).expect(201);
    assert_eq!(uploaded.field("label"), "nsfw");

    let blurred = address(&uploaded, "social-blurred");
    assert_eq!(preview(client, &uploaded), blurred);
    let unblurred = client.get(&address(&uploaded, "social"));
    assert_eq!(unblurred.expect(307).expect_header("location"), blurred);

    let card = decoded(&client.get(&blurred).expect(200).body);
    assert_eq!(card.0, CARD_SIZE);
    let picture = Picture::from_png(&file);
    let size = (picture.width.into(), picture.height.into());
    let left = energy(&card) / energy(&(size, picture.rgb));
    assert!(left < 1e-3, "{left} of the pattern is left");
}

#[test]
fn p06_every_variant_has_its_size_and_none_is_larger_than_the_image() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let large = client
        .upload("a", &Picture::scene(1600, 1000, 7).jpeg(Jpeg::Baseline))
        .expect(201);
    let small = Picture::scene(200, 120, 8).jpeg(Jpeg::Baseline);
    let small = client.upload("b", &small).expect(201);
    for (uploaded, name, size) in [
        (&large, "thumb", (320, 200)),
        (&large, "small", (512, 320)),
        (&large, "medium", (1280, 800)),
        (&large, "social-blurred", CARD_SIZE),
        (&small, "thumb", (200, 120)),
        (&small, "medium", (200, 120)),
        (&small, "social-blurred", CARD_SIZE),
    ] {
        let answer = client.get(&address(uploaded, name)).expect(200);
        assert_eq!(answer.expect_header("content-type"), "image/jpeg");
        assert_eq!(decoded(&answer.body).0, size, "{name}");
        let is_card = name.starts_with("social");
        let original = client.get(&uploaded.link("direct_url")).expect(200);
        assert!(
            is_card || answer.body.len() <= original.body.len(),
            "{name}"
        );
    }
}

#[test]
fn p06_a_variant_that_was_kept_is_served_after_a_restart() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let file = Picture::scene(1600, 1000, 9).jpeg(Jpeg::Baseline);
    let uploaded = client.upload("a", &file).expect(201);
    let path = address(&uploaded, "medium");
    let made = client.get(&path).expect(200);
    server.stop();
    let kept = walkdir::WalkDir::new(installation.data().join("variants"))
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .count();
    assert_eq!(kept, 1);
    let server = installation.serve();
    let again = server.client().get(&path).expect(200);
    assert_eq!(again.body, made.body);
    assert_eq!(again.header("etag"), made.header("etag"));
    server.stop();
}
