//! Structures nested, repeated, pointing at themselves, or swelling when they
//! are unpacked.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::answer;
use crate::stage::testing::{
    JpegKind, PngFrame, WebpFrame, apng, gif, jpeg, jpeg_of_kind, png, png_chunk, webp,
    webp_animation, webp_chunk,
};

/// A flood is refused, or stored like any file; either way the answer comes soon.
fn assert_answered(floods: Vec<(&str, Vec<u8>)>) {
    for (name, file) in floods {
        let _answer = answer(name, &file);
    }
}

fn segment(marker: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2).expect("a segment");
    [&[0xFF, marker], &length.to_be_bytes()[..], payload].concat()
}

fn insert(file: &[u8], at: usize, more: &[u8]) -> Vec<u8> {
    [&file[..at], more, &file[at..]].concat()
}

/// A zlib stream of zeros.
fn bomb(bytes: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![0; 1 << 16];
    for _ in 0..bytes / zeros.len() {
        encoder.write_all(&zeros).expect("a Vec takes it");
    }
    encoder.finish().expect("a Vec takes it")
}

#[test]
fn of_jpeg() {
    let plain = jpeg(40, 24);
    let early = |more: &[u8]| insert(&plain, 2, more);
    let exif = |block: &[u8]| early(&segment(0xE1, &[b"Exif\0\0", block].concat()));
    // One entry, which is a directory and this one, and a link to itself.
    let to_itself = b"MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\x08";
    let endless = b"MM\0*\0\0\0\x08\xFF\xFF\x01\x12\0\x03\xFF\xFF\xFF\xFF\0\x06\0\0";
    let progressive = jpeg_of_kind(40, 24, JpegKind::Progressive);
    let scan = progressive
        .windows(2)
        .rposition(|two| two == [0xFF, 0xDA])
        .expect("scans");
    let last_scan = &progressive[scan..progressive.len() - 2];
    let restarts = jpeg_of_kind(40, 24, JpegKind::Restarts);
    assert_answered(vec![
        ("starts", early(&[0xFF, 0xD8].repeat(10_000))),
        ("fill bytes", early(&[0xFF; 1_000_000])),
        ("stray bytes", early(&vec![7; 1_000_000])),
        ("empty comments", early(&segment(0xFE, b"").repeat(200_000))),
        ("frames", early(&plain[2..plain.len() - 2].repeat(50))),
        ("a directory in itself", exif(to_itself)),
        ("a directory without an end", exif(endless)),
        (
            "Exif blocks",
            early(&segment(0xE1, &[b"Exif\0\0", &to_itself[..]].concat()).repeat(10_000)),
        ),
        (
            "scans",
            insert(&progressive, scan, &last_scan.repeat(3_000)),
        ),
        (
            "restarts",
            insert(&restarts, restarts.len() - 2, &[0xFF, 0xD0].repeat(100_000)),
        ),
        ("files in a row", plain.repeat(500)),
        ("files in one another", early(&early(&early(&plain)))),
    ]);
}

#[test]
fn of_png() {
    let plain = png(40, 24);
    let early = |more: &[u8]| insert(&plain, 33, more);
    let header = |size: u32| {
        let size = size.to_be_bytes();
        png_chunk(b"IHDR", &[&size[..], &size, &[8, 0, 0, 0, 0]].concat())
    };
    let whole = |chunks: &[Vec<u8>]| {
        let parts = [chunks, &[png_chunk(b"IEND", b"")]].concat().concat();
        [b"\x89PNG\r\n\x1a\n", &parts[..]].concat()
    };
    let (bomb, short) = (bomb(64 << 20), bomb(1 << 16));
    let animated = apng(&PngFrame::plain_colours(40, 24), (40, 24), false);
    let frame = animated
        .windows(4)
        .rposition(|name| name == b"fcTL")
        .expect("frames")
        - 4;
    assert_answered(vec![
        (
            "a profile that swells",
            early(&png_chunk(b"iCCP", &[b"a\0\0", &bomb[..]].concat())),
        ),
        (
            "a text that swells",
            early(&png_chunk(b"zTXt", &[b"a\0\0", &bomb[..]].concat())),
        ),
        (
            "a picture that swells",
            whole(&[header(10), png_chunk(b"IDAT", &bomb)]),
        ),
        (
            "a picture that is short",
            whole(&[header(500), png_chunk(b"IDAT", &short)]),
        ),
        (
            "empty data",
            insert(
                &plain,
                plain.len() - 12,
                &png_chunk(b"IDAT", b"").repeat(200_000),
            ),
        ),
        ("texts", early(&png_chunk(b"tEXt", b"a\0b").repeat(100_000))),
        ("headers", early(&header(10).repeat(1_000))),
        (
            "palettes",
            early(&png_chunk(b"PLTE", &[0; 768]).repeat(1_000)),
        ),
        (
            "frame controls",
            insert(
                &animated,
                frame,
                &animated[frame..frame + 38].repeat(10_000),
            ),
        ),
        (
            "animation controls",
            early(&png_chunk(b"acTL", &[0, 0, 0, 1, 0, 0, 0, 0]).repeat(10_000)),
        ),
        ("files in a row", plain.repeat(500)),
        ("a file in a chunk", early(&png_chunk(b"prVt", &plain))),
    ]);
}

#[test]
fn of_gif() {
    let plain = gif(40, 24);
    let early = |more: &[u8]| insert(&plain, 781, more);
    let frames = &plain[781..plain.len() - 1];
    let mut screen = plain.clone();
    screen[6..10].fill(0xFF);
    // Nothing but clear codes: nine bits of 256, and no pixel.
    let clears = [
        b"\x2C\0\0\0\0\x28\0\x18\0\0\x08".to_vec(),
        [&[255], &[0; 255][..]].concat().repeat(2_000),
        vec![0],
    ]
    .concat();
    assert_answered(vec![
        ("a screen of the largest size", screen),
        ("frames", early(&frames.repeat(5_000))),
        (
            "graphic controls",
            early(&b"\x21\xF9\x04\0\0\0\0\0".repeat(100_000)),
        ),
        (
            "loop counts",
            early(&b"\x21\xFF\x0BNETSCAPE2.0\x03\x01\0\0\0".repeat(50_000)),
        ),
        (
            "sub-blocks of a byte",
            early(&[b"\x21\xFE".to_vec(), b"\x01x".repeat(500_000), vec![0]].concat()),
        ),
        ("codes without pixels", early(&clears)),
        (
            "frames without a size",
            early(&b"\x2C\0\0\0\0\0\0\0\0\0\x08\0".repeat(10_000)),
        ),
        ("files in a row", plain.repeat(500)),
    ]);
}

#[test]
fn of_webp() {
    let plain = webp(40, 24);
    let file = |chunks: &[u8]| webp_chunk(b"RIFF", &[b"WEBP", chunks].concat());
    let canvas = |flags: u8| webp_chunk(b"VP8X", &[flags, 0, 0, 0, 39, 0, 0, 23, 0, 0]);
    let still = &plain[12..];
    let animated = webp_animation(&WebpFrame::plain_colours(40, 24), (40, 24));
    let frame = animated
        .windows(4)
        .rposition(|name| name == b"ANMF")
        .expect("frames");
    let frame = &animated[frame..];
    let mut nested = still.to_vec();
    for _ in 0..500 {
        let head = [0, 0, 0, 0, 0, 0, 39, 0, 0, 23, 0, 0, 100, 0, 0, 0];
        nested = webp_chunk(b"ANMF", &[&head[..], &nested].concat());
    }
    let animation =
        |more: &[u8]| file(&[&canvas(2), &webp_chunk(b"ANIM", &[0; 6])[..], more].concat());
    assert_answered(vec![
        ("frames", animation(&frame.repeat(5_000))),
        ("frames in one another", animation(&nested)),
        (
            "canvases",
            file(&[&canvas(0).repeat(10_000), still].concat()),
        ),
        (
            "alpha planes",
            file(
                &[
                    &canvas(16),
                    &webp_chunk(b"ALPH", &[0; 9]).repeat(50_000)[..],
                    still,
                ]
                .concat(),
            ),
        ),
        (
            "pictures",
            file(&[&canvas(0), &still.repeat(2_000)[..]].concat()),
        ),
        (
            "profiles",
            file(
                &[
                    &canvas(32),
                    &webp_chunk(b"ICCP", &[0; 200]).repeat(10_000)[..],
                    still,
                ]
                .concat(),
            ),
        ),
        (
            "empty chunks",
            file(&[&canvas(0), still, &webp_chunk(b"what", b"").repeat(200_000)].concat()),
        ),
        ("containers in a row", plain.repeat(500)),
        (
            "a container in a chunk",
            file(&[&canvas(0), still, &webp_chunk(b"what", &plain)].concat()),
        ),
    ]);
}
