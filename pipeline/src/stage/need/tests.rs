use super::*;
use crate::item::Upload;
use crate::limits::Limits;
use crate::stage::decode::decode_for;
use crate::stage::sniff::sniff;
use crate::stage::testing::{self, JpegKind};

const MP: u64 = 1_000_000;

fn sniffed(bytes: &[u8]) -> Sniffed {
    let upload = Upload {
        bytes: bytes.into(),
    };
    sniff(upload, &Limits::default()).unwrap()
}

/// What `bytes` would take if its picture had another size.
fn pixel_bytes(bytes: &[u8], (width, height): (u32, u32), frames: u32) -> u64 {
    let header = Header {
        width,
        height,
        frames,
    };
    let format = sniffed(bytes).format;
    let picture = Picture::read(bytes, format, header).unwrap();
    picture.decoding_bytes()
}

#[test]
fn of_what_is_only_looked_at_some_rows_are_kept() {
    let large = |kind| {
        let file = testing::jpeg_of_kind(1_600, 1_200, kind);
        memory_bytes(&sniffed(&file)).unwrap() - beside_the_pixels(length(&file))
    };
    assert_eq!(large(JpegKind::Baseline), jpeg::rows_bytes(1_600));
    assert!(large(JpegKind::Progressive) > 1_600 * 1_200 * RGB);
}

#[test]
fn every_kind_needs_at_least_what_is_kept_of_it() {
    for (name, bytes) in testing::every_kind() {
        let sniffed = sniffed(&bytes);
        let need = memory_bytes(&sniffed).unwrap() - beside_the_pixels(length(&bytes));
        let decoded = decode_for(sniffed, &Limits::default(), 8.into()).unwrap();
        let frames = decoded.frames;
        let kept: usize = frames
            .iter()
            .map(|frame| frame.rgb.len() + frame.alpha.as_ref().map_or(0, Vec::len))
            .sum();
        assert!(need >= length(&vec![0; kept]), "{name}: {need} for {kept}");
    }
}

#[test]
fn a_progressive_jpeg_needs_its_coefficients_too() {
    let file = |kind| {
        let mut bytes = testing::jpeg_of_kind(40, 24, kind);
        let at = bytes
            .windows(2)
            .position(|marker| matches!(marker, [0xFF, 0xC0 | 0xC2]))
            .unwrap();
        // 8,000 x 6,000 pixels.
        bytes[at + 5..at + 9].copy_from_slice(&[0x17, 0x70, 0x1F, 0x40]);
        bytes
    };
    let frame = |kind| Frame::read(&file(kind)).unwrap();
    let turning_bytes = |kind| jpeg_coefficients::bytes_needed(&file(kind));
    assert_eq!(frame(JpegKind::Baseline).progressive_bytes(), 0);
    // Colour at half the resolution both ways: one and a half samples a pixel.
    let progressive = frame(JpegKind::Progressive).progressive_bytes();
    assert_eq!(progressive, 2 * 48 * MP * 3 / 2);
    // Blocks of 64 coefficients, with a mask beside them.
    assert_eq!(turning_bytes(JpegKind::Grey), Ok(136 * 48 * MP / 64));
    assert_eq!(turning_bytes(JpegKind::Cmyk), Ok(4 * 136 * 48 * MP / 64));
    // Units that reach beyond the picture are whole: 17 x 1 pixels take two.
    let bytes = testing::jpeg_of_kind(17, 1, JpegKind::Progressive);
    let samples = 2 * 6 * 64;
    assert_eq!(
        Frame::read(&bytes).unwrap().progressive_bytes(),
        2 * samples
    );
}

#[test]
fn only_as_many_frames_count_as_are_kept() {
    let gif = testing::gif_animation(4, 4, 4);
    let of = |frames| pixel_bytes(&gif, (1_000, 1_000), frames);
    assert_eq!(of(2) - of(1), KEPT * MP);
    assert_eq!(of(7) - of(6), KEPT * MP);
    assert_eq!(of(900), of(7));
}

#[test]
fn a_frame_that_reaches_beyond_the_canvas_counts_whole() {
    let frame = |area| testing::GifFrame {
        area,
        colour: [1; 3],
        transparent_rows: 0,
        dispose: ::gif::DisposalMethod::Keep,
        interlaced: false,
    };
    let frames = [frame([0, 0, 4, 4]), frame([0, 0, 1_000, 900])];
    let gif = testing::gif_of_frames(&frames, (4, 4));
    assert!(memory_bytes(&sniffed(&gif)).unwrap() > 900_000);
}

#[test]
fn sideways_files_need_more() {
    let exif = [
        &b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"[..],
        &[0; 4],
    ]
    .concat();
    let jpeg = testing::jpeg(40, 24);
    let segment = [&b"\xFF\xE1\0\x22Exif\0\0"[..], &exif].concat();
    let sideways_jpeg = [&jpeg[..2], &segment, &jpeg[2..]].concat();
    let png = testing::png(40, 24);
    let sideways_png = [&png[..33], &testing::png_chunk(b"eXIf", &exif), &png[33..]].concat();
    for (upright, sideways) in [(jpeg, sideways_jpeg), (png, sideways_png)] {
        let format = sniffed(&upright).format;
        assert!(!upright::is_sideways(&upright, format));
        assert!(upright::is_sideways(&sideways, format));
        let header = Header {
            width: 4_000,
            height: 3_000,
            frames: 1,
        };
        let picture = Picture::read(&sideways, format, header).unwrap();
        assert!(picture.turning_bytes(&sideways) > picture.decoding_bytes());
        let fixed = beside_the_pixels(length(&sideways));
        assert!(memory_bytes(&sniffed(&sideways)).unwrap() > fixed);
    }
}

#[test]
fn a_sideways_animation_needs_a_bounded_file_more() {
    let plain = testing::WebpFrame::plain_colours(40, 24);
    let webp = testing::webp_animation(&plain, (40, 24));
    let plain = testing::PngFrame::plain_colours(40, 24);
    let apng = testing::apng(&plain, (40, 24), false);
    for bytes in [webp, apng] {
        let format = sniffed(&bytes).format;
        let need = |side, frames| {
            let header = Header {
                width: side,
                height: side,
                frames,
            };
            let picture = Picture::read(&bytes, format, header).unwrap();
            assert!(picture.turning_bytes(&bytes) > picture.decoding_bytes());
            picture.turning_bytes(&bytes)
        };
        let file = |frames: u64| (MP * frames * RGBA).min(96 << 20) * TURNED_COPIES;
        assert_eq!(need(1_000, 8) - file(8), need(1_000, 100) - file(100));
        assert_eq!(need(1_000, 100), need(1_000, 900));
        // A service as it comes turns most of what it lets in.
        assert!(need(2_000, 25) + beside_the_pixels(40 * MP) <= 1 << 30);
    }
}

/// The limits and the memory of the service as it comes.
#[test]
fn what_the_limits_let_in_fits_by_default() {
    const DEFAULT: u64 = 1 << 30;
    const UPLOAD: u64 = 40 * MP;
    let limits = Limits::default();
    assert!(limits.photo_memory_bytes(UPLOAD) < DEFAULT / 3);
    let fits = |pixel_bytes: u64| pixel_bytes + beside_the_pixels(UPLOAD) <= DEFAULT;
    let still = (7_000, 7_000);
    for (name, bytes) in testing::every_kind() {
        let is_apng = name.starts_with("apng");
        if !is_apng && !name.starts_with("animated") {
            assert!(fits(pixel_bytes(&bytes, still, 1)), "{name}");
            continue;
        }
        // One or two frames as large as may be are what can be too much.
        for (side, frames) in [(6_000, 1), (5_000, 3), (3_700, 7), (330, 900)] {
            assert!(
                fits(pixel_bytes(&bytes, (side, side), frames)),
                "{name}, {frames}"
            );
        }
    }
}

#[test]
fn nothing_overflows() {
    let huge = Picture {
        area: u64::MAX,
        frames: 900,
        sampled: 7,
        coding: Coding::Gif(u64::MAX),
    };
    assert_eq!(huge.decoding_bytes(), u64::MAX);
    assert_eq!(huge.turned_animation_bytes(8), u64::MAX);
    assert_eq!(photo_bytes(u32::MAX, u64::MAX, u64::MAX), u64::MAX);
}
