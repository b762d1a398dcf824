//! Files that are no image, not a whole one, or more than the limits allow.

use imgshare_tests::hostile;
use imgshare_tests::picture::{Format, Jpeg, Picture, animation};

use crate::refusals::Refusals;

#[test]
fn what_is_no_accepted_image() {
    let refusals = Refusals::start();
    let unsupported = "unsupported-format";
    refusals.file(
        "text.jpg",
        b"This is not a picture at all.\n",
        415,
        unsupported,
    );
    refusals.file(
        "page.png",
        b"<!doctype html><script>alert(1)</script>",
        415,
        unsupported,
    );
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    refusals.file("drawing.svg", svg, 415, unsupported);
    refusals.file(
        "photo.heic",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        415,
        unsupported,
    );
    refusals.file(
        "moving.avif",
        b"\0\0\0\x1cftypavis\0\0\0\0avifavis",
        415,
        unsupported,
    );
    refusals.file(
        "image.bmp",
        b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0",
        415,
        unsupported,
    );
    refusals.file("image.tif", b"II*\0\x08\0\0\0", 415, unsupported);
    refusals.file("one-byte.jpg", b"\xFF", 415, unsupported);
    refusals.end();
}

#[test]
fn files_that_end_before_their_image_does() {
    let refusals = Refusals::start();
    let picture = Picture::scene(200, 150, 2);
    for format in Format::ALL {
        let whole = picture.encode(format);
        for (share, keep) in [("half", whole.len() / 2), ("most", whole.len() * 9 / 10)] {
            let name = format!("{share} a {format:?}");
            refusals.file(&name, &hostile::cut(&whole, keep), 422, "truncated-image");
        }
    }
    let progressive = picture.jpeg(Jpeg::Progressive);
    let cut = hostile::cut(&progressive, progressive.len() / 2);
    refusals.file("half a progressive JPEG", &cut, 422, "truncated-image");
    refusals.end();
}

#[test]
fn noise_behind_a_familiar_beginning() {
    let refusals = Refusals::start();
    for format in Format::ALL {
        let answer = refusals
            .server
            .client()
            .upload("noise", &hostile::magic_then_noise(format));
        let code = answer.field("code");
        let known = [
            "malformed-image",
            "truncated-image",
            "side-too-long",
            "too-many-pixels",
        ];
        assert!(known.contains(&code.as_str()), "{format:?}: {code}");
        refusals.answer("noise", &answer, 422, &code);
    }
    refusals.end();
}

#[test]
fn headers_that_promise_more_than_the_limits() {
    let refusals = Refusals::start();
    refusals.file(
        "65535x65535.jpg",
        &hostile::huge_jpeg(),
        422,
        "side-too-long",
    );
    let wide = hostile::png_of_size(u32::MAX >> 1, 1);
    refusals.file("one-line.png", &wide, 422, "side-too-long");
    let large = hostile::png_of_size(11_000, 11_000);
    refusals.file("121-megapixels.png", &large, 422, "too-many-pixels");
    refusals.file(
        "no-width.png",
        &hostile::png_of_size(0, 10),
        422,
        "malformed-image",
    );
    refusals.end();
}

#[test]
fn animations_beyond_the_limits() {
    let refusals = Refusals::start();
    refusals.file(
        "10000-frames.gif",
        &hostile::gif_of_frames(10_000),
        422,
        "too-many-frames",
    );
    refusals.end();

    let refusals = Refusals::start_with(&[("IMGSHARE_LIMITS_ANIMATION_PIXELS_MAX", "10000")]);
    let long = animation(&vec![Picture::scene(64, 64, 1); 3]);
    refusals.file("too-large.gif", &long, 422, "animation-too-large");
    refusals.end();
}
