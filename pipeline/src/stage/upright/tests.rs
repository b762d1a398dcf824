mod animations;
mod packing;

use std::time::{Duration, Instant};

use ::png::{BitDepth, ColorType};
use image_webp::{ColorType as WebpColour, WebPEncoder};

use super::*;
use crate::item::{Pixels, Upload};
use crate::limits::Limits;
use crate::stage::decode::decode;
use crate::stage::sniff::sniff;
use crate::stage::testing::{
    JpegKind, gradient, jpeg, jpeg_of_kind, jpeg_refined, png, png_chunk, png_of_kind, rgba_png,
    webp, webp_chunk,
};

const WIDTH: u16 = 40;
const HEIGHT: u16 = 24;

/// An Exif block with an orientation of the given type and value.
fn exif(kind: u16, value: u16) -> Vec<u8> {
    let mut block = b"MM\0*\0\0\0\x08\0\x02\x01\x0F\0\x02\0\0\0\x04Acme\x01\x12".to_vec();
    block.extend_from_slice(&kind.to_be_bytes());
    block.extend_from_slice(&[0, 0, 0, 1]);
    block.extend_from_slice(&value.to_be_bytes());
    block.extend_from_slice(&[0; 6]);
    block
}

fn jpeg_with_exif(jpeg: &[u8], block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len() + 8).expect("small").to_be_bytes();
    [
        &jpeg[..2],
        &[0xFF, 0xE1],
        &length,
        b"Exif\0\0",
        block,
        &jpeg[2..],
    ]
    .concat()
}

fn png_with_exif(png: &[u8], block: &[u8]) -> Vec<u8> {
    [&png[..33], &png_chunk(b"eXIf", block), &png[33..]].concat()
}

fn webp_with_exif(webp: &[u8], block: &[u8]) -> Vec<u8> {
    let canvas = webp_chunk(b"VP8X", &[8, 0, 0, 0, 39, 0, 0, 23, 0, 0]);
    let chunks = if webp[12..].starts_with(b"VP8X") {
        webp[12..].to_vec()
    } else {
        [&canvas, &webp[12..]].concat()
    };
    webp_chunk(
        b"RIFF",
        &[b"WEBP", &chunks[..], &webp_chunk(b"EXIF", block)].concat(),
    )
}

fn decoded(file: Vec<u8>) -> Decoded {
    let limits = Limits::default();
    decode(
        sniff(Upload { bytes: file.into() }, &limits).expect("sniffed"),
        &limits,
    )
    .expect("decoded")
}

fn turned(file: Vec<u8>) -> Result<Upright, Reject> {
    upright(decoded(file))
}

/// What the picture must look like: each pixel of `n` bytes moved by the words of
/// the Exif standard, which says where the stored first row and first column belong.
/// Width and height before and after.
fn moved(
    source: &[u8],
    n: usize,
    (width, height): (u32, u32),
    orientation: u16,
) -> ((u32, u32), Vec<u8>) {
    let (rows_at_right, rows_at_bottom, swapped, columns_reversed) = match orientation {
        2 => (false, false, false, true),
        3 => (false, true, false, true),
        4 => (false, true, false, false),
        5 => (false, false, true, false),
        6 => (true, false, true, false),
        7 => (true, false, true, true),
        8 => (false, false, true, true),
        _ => (false, false, false, false),
    };
    let size = if swapped {
        (height, width)
    } else {
        (width, height)
    };
    let mut target = vec![0; source.len()];
    for row in 0..height {
        for column in 0..width {
            let along = if columns_reversed {
                width - 1 - column
            } else {
                column
            };
            let across = if rows_at_right || rows_at_bottom {
                height - 1 - row
            } else {
                row
            };
            let (x, y) = if swapped {
                (across, along)
            } else {
                (along, across)
            };
            let at =
                |x: u32, y: u32, width: u32| usize::try_from(y * width + x).expect("small") * n;
            target[at(x, y, size.0)..][..n].copy_from_slice(&source[at(column, row, width)..][..n]);
        }
    }
    (size, target)
}

fn expected(source: &[u8], orientation: u16) -> Pixels {
    let size = (u32::from(WIDTH), u32::from(HEIGHT));
    let ((width, height), rgb) = moved(source, 3, size, orientation);
    Pixels {
        width,
        height,
        rgb,
        alpha: None,
    }
}

#[test]
fn all_eight_orientations_come_out_upright_in_every_format() {
    let source = gradient(WIDTH.into(), HEIGHT.into());
    for orientation in 1..=8 {
        let block = exif(3, orientation);
        let expected = expected(&source, orientation);
        for (file, loss_max) in [
            (png_with_exif(&png(WIDTH, HEIGHT), &block), 0),
            (webp_with_exif(&webp(WIDTH, HEIGHT), &block), 0),
            (jpeg_with_exif(&jpeg(WIDTH, HEIGHT), &block), 24),
        ] {
            let upright = turned(file).expect("turned");
            let format = upright.format;
            assert_eq!(
                (upright.header.width, upright.header.height),
                (expected.width, expected.height)
            );
            let again = decoded(upright.bytes.to_vec());
            assert_eq!(again.sniffed.header, upright.header);
            for pixels in [&upright.frames[0], &again.frames[0]] {
                let loss = pixels
                    .rgb
                    .iter()
                    .zip(&expected.rgb)
                    .map(|(a, b)| a.abs_diff(*b))
                    .max();
                assert!(loss <= Some(loss_max), "{format:?} {orientation}: {loss:?}");
            }
        }
    }
}

#[test]
fn what_shines_through_turns_with_the_picture() {
    let rgba = [[9, 9, 9, 0], [9, 9, 9, 100], [9, 9, 9, 255]].concat();
    for (orientation, alpha) in [(1, [0, 100, 255]), (3, [255, 100, 0]), (6, [0, 100, 255])] {
        let file = png_with_exif(&rgba_png(3, 1, &rgba), &exif(3, orientation));
        let upright = turned(file).expect("turned");
        let frame = &upright.frames[0];
        assert_eq!(frame.alpha.as_deref(), Some(&alpha[..]), "{orientation}");
        assert_eq!(frame.width, if orientation == 6 { 1 } else { 3 });
    }
}

#[test]
fn an_upright_file_keeps_its_bytes() {
    for file in [
        jpeg(WIDTH, HEIGHT),
        jpeg_with_exif(&jpeg(WIDTH, HEIGHT), &exif(3, 1)),
    ] {
        let upright = turned(file.clone()).expect("upright");
        assert!(upright.bytes[..] == file[..]);
    }
}

#[test]
fn damaged_exif_counts_as_upright() {
    let whole = exif(3, 6);
    let mut far_away = exif(3, 6);
    far_away[4..8].fill(0xFF);
    let mut blocks = vec![exif(3, 0), exif(3, 9), exif(3, 700), exif(2, 6), far_away];
    // An entry that is whole is believed whatever follows it.
    let entry_end = 10 + 2 * 12;
    blocks.extend((0..entry_end).map(|length| whole[..length].to_vec()));
    for block in blocks {
        for file in [
            jpeg_with_exif(&jpeg(WIDTH, HEIGHT), &block),
            png_with_exif(&png(WIDTH, HEIGHT), &block),
            webp_with_exif(&webp(WIDTH, HEIGHT), &block),
        ] {
            let upright = turned(file.clone()).expect("upright");
            assert!(upright.bytes[..] == file[..], "{block:?}");
        }
    }
}

/// A directory that links to itself and entries that claim four gigabytes would
/// hold little_exif up for ever, or bring it down.
#[test]
fn hostile_exif_costs_no_time_and_no_memory() {
    let mut block = b"II*\0\x08\0\0\0\x03\0".to_vec();
    for entry in [
        b"\x69\x87\x04\0\x01\0\0\0\x08\0\0\0",
        b"\x0F\x01\x02\0\xFF\xFF\xFF\xFF\x08\0\0\0",
        b"\x12\x01\x03\0\x01\0\0\0\x03\0\0\0",
    ] {
        block.extend_from_slice(entry);
    }
    block.extend_from_slice(&[8, 0, 0, 0]);
    let started = Instant::now();
    let upright = turned(png_with_exif(&png(WIDTH, HEIGHT), &block)).expect("turned");
    assert!(started.elapsed() < Duration::from_secs(2));
    let expected = expected(&gradient(WIDTH.into(), HEIGHT.into()), 3);
    assert!(upright.frames[0] == expected);
}

#[test]
fn a_turned_jpeg_stays_as_grey_or_coloured_as_it_was() {
    // The last is encoded again, which takes CMYK to RGB.
    for (kind, height, n_components) in [
        (JpegKind::Grey, HEIGHT, 1),
        (JpegKind::Grey, HEIGHT - 1, 1),
        (JpegKind::Progressive, HEIGHT, 3),
        (JpegKind::Progressive, 2 * HEIGHT, 3),
        (JpegKind::Cmyk, HEIGHT, 4),
        (JpegKind::Cmyk, HEIGHT - 1, 3),
    ] {
        let file = jpeg_with_exif(&jpeg_of_kind(WIDTH, height, kind), &exif(3, 6));
        let upright = turned(file).expect("turned");
        let outline = crate::stage::scrub::jpeg::outline::Outline::read(&upright.bytes);
        let outline = outline.expect("a JPEG");
        assert_eq!(outline.n_components, n_components, "{kind:?} {height}");
        if kind == JpegKind::Progressive {
            assert_eq!(outline.luma_sampling, (2, 2));
        }
    }
}

#[test]
fn a_jpeg_of_whole_units_comes_back_after_four_quarter_turns() {
    for kind in [
        JpegKind::Baseline,
        JpegKind::Progressive,
        JpegKind::Restarts,
        JpegKind::Grey,
        JpegKind::Cmyk,
        JpegKind::Ycck,
    ] {
        let plain = jpeg_of_kind(64, 48, kind);
        let mut file = plain.clone();
        for _ in 0..4 {
            let upright = turned(jpeg_with_exif(&file, &exif(3, 6))).expect("turned");
            file = upright.bytes.to_vec();
        }
        assert!(decoded(file).frames == decoded(plain).frames, "{kind:?}");
    }
}

#[test]
fn a_turned_jpeg_shows_the_turned_pixels() {
    let (refined, _) = jpeg_refined();
    for orientation in 2..=8 {
        let upright = turned(jpeg_with_exif(&refined, &exif(3, orientation))).expect("turned");
        let again = decoded(upright.bytes.to_vec());
        let pairs = again.frames[0].rgb.iter().zip(&upright.frames[0].rgb);
        // The inverse transform rounds rows before columns; colour is spread likewise.
        assert!(
            pairs.map(|(a, b)| a.abs_diff(*b)).max() <= Some(3),
            "{orientation}"
        );
    }
}

#[test]
fn every_kind_of_png_is_turned_at_its_depth() {
    for (colour, depth) in [
        (ColorType::Grayscale, BitDepth::One),
        (ColorType::Grayscale, BitDepth::Two),
        (ColorType::Grayscale, BitDepth::Four),
        (ColorType::Grayscale, BitDepth::Sixteen),
        (ColorType::GrayscaleAlpha, BitDepth::Eight),
        (ColorType::Indexed, BitDepth::One),
        (ColorType::Indexed, BitDepth::Eight),
        (ColorType::Rgb, BitDepth::Sixteen),
        (ColorType::Rgba, BitDepth::Eight),
        (ColorType::Rgba, BitDepth::Sixteen),
    ] {
        // An odd width leaves the last byte of a row of few bits half used.
        let plain = png_of_kind(37, HEIGHT, colour, depth);
        let mut file = png_with_exif(&plain, &exif(3, 6));
        for _ in 0..4 {
            let before = file.clone();
            let upright = turned(file).expect("turned");
            assert_eq!(
                upright.bytes[24..26],
                before[24..26],
                "depth and colour type"
            );
            file = png_with_exif(&upright.bytes, &exif(3, 6));
        }
        let original = decoded(plain);
        assert!(
            decoded(file).frames == original.frames,
            "four quarter turns: {colour:?} {depth:?}"
        );
    }
}

#[test]
fn alpha_and_profile_are_turned_with_their_webp() {
    let rgba: Vec<u8> = (0..=255_u8).cycle().take(40 * 24 * 4).collect();
    let mut file = Vec::new();
    let mut encoder = WebPEncoder::new(&mut file);
    encoder.set_icc_profile(b"a profile".to_vec());
    encoder.set_exif_metadata(exif(3, 3));
    encoder
        .encode(&rgba, 40, 24, WebpColour::Rgba8)
        .expect("memory");
    let upright = turned(file).expect("turned");
    let mut decoder =
        image_webp::WebPDecoder::new(std::io::Cursor::new(&upright.bytes[..])).expect("a WebP");
    assert_eq!(
        decoder.icc_profile().expect("readable").as_deref(),
        Some(&b"a profile"[..])
    );
    let mut turned = vec![0; rgba.len()];
    decoder.read_image(&mut turned).expect("readable");
    let reversed: Vec<u8> = rgba.chunks_exact(4).rev().flatten().copied().collect();
    assert_eq!(turned, reversed);
}
