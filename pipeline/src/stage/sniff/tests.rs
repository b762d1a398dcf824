use std::time::{Duration, Instant};

use super::*;
use crate::stage::testing;

fn sniff_with(bytes: &[u8], limits: &Limits) -> Result<Sniffed, Reject> {
    sniff(
        Upload {
            bytes: bytes.into(),
        },
        limits,
    )
}

fn sniffed(bytes: &[u8]) -> Result<(Format, Header), Reject> {
    sniff_with(bytes, &Limits::default()).map(|sniffed| (sniffed.format, sniffed.header))
}

fn header(width: u32, height: u32, frames: u32) -> Header {
    Header {
        width,
        height,
        frames,
    }
}

/// Sniffs several times, for a machine that does other work, and expects one of
/// them to take no time worth naming.
fn sniffed_at_once(bytes: &[u8]) -> Result<(Format, Header), Reject> {
    let timed = (0..20).map(|_| {
        let upload = Upload {
            bytes: bytes.into(),
        };
        let started = Instant::now();
        let sniffed = sniff(upload, &Limits::default());
        (
            started.elapsed(),
            sniffed.map(|sniffed| (sniffed.format, sniffed.header)),
        )
    });
    let (took, result) = timed.min_by_key(|(took, _)| *took).unwrap();
    assert!(took < Duration::from_millis(1), "{took:?}");
    result
}

#[test]
fn names_every_kind_and_reads_its_size() {
    for (name, bytes) in testing::every_kind() {
        let (format, found) = sniffed(&bytes).unwrap_or_else(|reject| panic!("{name}: {reject}"));
        assert!(
            name.contains(format.extension().trim_end_matches('g')),
            "{name}: {format:?}"
        );
        let frames = match name {
            "apng" | "apng beside a still" | "animated webp" => 3,
            "animated gif" => 4,
            _ => 1,
        };
        assert_eq!(found, header(40, 24, frames), "{name}");
    }
}

#[test]
fn an_empty_file_is_empty() {
    assert_eq!(sniffed(&[]), Err(Reject::Empty));
}

#[test]
fn text_is_no_image_whatever_its_name() {
    for bytes in [
        &b"Dear diary"[..],
        b"\xFF\xD8",
        b"GIF88a",
        b"RIFF....WAVE",
        b"\x89PNG\n",
    ] {
        assert_eq!(
            sniffed(bytes),
            Err(Reject::UnsupportedFormat { advice: None }),
            "{bytes:?}"
        );
    }
}

#[test]
fn known_strangers_are_refused_with_advice() {
    for (bytes, word) in [
        (&b"\0\0\0\x18ftypheic\0\0\0\0"[..], "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0", "HEIC"),
        (b"\0\0\0\x1Cftypavis\0\0\0\0avifavis", "animated AVIF"),
        (b"\0\0\0\x1Cftypavif\0\0\0\0avisavif", "animated AVIF"),
        (b"\0\0\0\x14ftypcrx \0\0\0\0", "raw"),
        (b"\0\0\0\x14ftypmp42\0\0\0\0", "video"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0", "video"),
        (b"\0\0\0\x14ftyp3gp4\0\0\0\0", "video"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "video"),
        (b"\0\0\x10\0moov\0\0\0\x6Cmvhd", "video"),
        (b"RIFF....AVI LIST", "video"),
        (b"OggS....", "video"),
        (b"FLV\x01....", "video"),
        (b"\x30\x26\xB2\x75....", "video"),
        (b"\0\0\x01\xBA....", "video"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "video"),
        (b"\x1A\x45\xDF\xA3....", "video"),
        (b"\xFF\x0A....", "JPEG XL"),
        (b"\0\0\0\x0CJXL \r\n\x87\n", "JPEG XL"),
        (b"II*\0....", "TIFF"),
        (b"MM\0*....", "TIFF"),
        (b"BM......", "BMP"),
        (b"\0\0\x01\0\x01\0\x20\x20\0\0\x01\0\x20\0....", "icon"),
        (b"\0\0\x02\0\x02\0..", "icon"),
        (b"\0\0\x02\0\0\0\0\0\0\0\0\0\x40\x01\xF0\0\x18\x20..", "TGA"),
        (
            b"\x04\0\x0B\0\0\0\0\0\0\0\0\0\x40\x01\xF0\0\x08\0name",
            "TGA",
        ),
        (
            b"\0\x01\x09\0\0\0\x01\x18\0\0\0\0\x40\x01\xF0\0\x08\x20..",
            "TGA",
        ),
        (b"\x89PNG\r\n\x1A\n\0\0\0\x04CgBI\x50\0\x20\x02", "Apple"),
        (
            b"\xFF\xD8\xFF\xF7\0\x0B\x08\0\x18\0\x28\x01\x01\x11\0",
            "JPEG-LS",
        ),
        (b"\xFF\xD8\xFF\xE8\0\x04..\xFF\xF7\0\x0B", "JPEG-LS"),
        (b"%PDF-1.7", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
        (b"\xC5\xD0\xD3\xC6....", "PostScript"),
        (b"8BPS\0\x01....", "Photoshop"),
        (b"gimp xcf v011", "GIMP"),
        (b"\0\0\0\x0CjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xFF\x4F\xFF\x51....", "JPEG 2000"),
        (b"II\xBC\x01....", "JPEG XR"),
        (b"\x76\x2F\x31\x01....", "OpenEXR"),
        (b"qoif....", "QOI"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (
            b"\xEF\xBB\xBF \n<?xml version='1.0'?><!-- drawn --><svg>",
            "SVG",
        ),
    ] {
        match sniffed(bytes) {
            Err(Reject::UnsupportedFormat {
                advice: Some(advice),
            }) => {
                assert!(advice.contains(word), "{advice}");
            }
            other => panic!("{word}: {other:?}"),
        }
    }
}

#[test]
fn a_huge_jpeg_header_is_refused_at_once() {
    let bytes = testing::jpeg_with_size(65_535, 65_535);
    let refusal = sniffed_at_once(&bytes);
    let side_max = Limits::default().side_px_max;
    assert_eq!(
        refusal,
        Err(Reject::SideTooLong {
            width: 65_535,
            height: 65_535,
            side_max
        })
    );
}

#[test]
fn a_gif_of_ten_thousand_frames_is_refused_at_once() {
    let bytes = testing::gif_animation(2, 2, 10_000);
    let refusal = sniffed_at_once(&bytes);
    assert_eq!(refusal, Err(Reject::TooManyFrames { frames_max: 900 }));
}

#[test]
fn each_limit_is_inclusive() {
    let exact = Limits {
        side_px_max: 40,
        pixels_max: 40 * 24,
        frames_max: 3,
        animation_pixels_max: 3 * 40 * 24,
        ..Limits::default()
    };
    let still = testing::png(40, 24);
    let moving = testing::webp_animation(&testing::WebpFrame::plain_colours(40, 24), (40, 24));
    assert!(sniff_with(&still, &exact).is_ok());
    assert!(sniff_with(&moving, &exact).is_ok());

    let refusal = |bytes: &[u8], limits: Limits| sniff_with(bytes, &limits).unwrap_err();
    assert_eq!(
        refusal(
            &still,
            Limits {
                side_px_max: 39,
                ..exact.clone()
            }
        ),
        Reject::SideTooLong {
            width: 40,
            height: 24,
            side_max: 39
        }
    );
    assert_eq!(
        refusal(
            &still,
            Limits {
                pixels_max: 959,
                ..exact.clone()
            }
        ),
        Reject::TooManyPixels {
            pixels: 960,
            pixels_max: 959
        }
    );
    assert_eq!(
        refusal(
            &moving,
            Limits {
                frames_max: 2,
                ..exact.clone()
            }
        ),
        Reject::TooManyFrames { frames_max: 2 }
    );
    assert_eq!(
        refusal(
            &moving,
            Limits {
                animation_pixels_max: 2879,
                ..exact
            }
        ),
        Reject::AnimationTooLarge { pixels_max: 2879 }
    );
}

#[test]
fn a_side_of_zero_is_malformed() {
    for (width, height) in [(0, 8), (8, 0)] {
        let refusal = sniffed(&testing::jpeg_with_size(width, height)).unwrap_err();
        assert_eq!(refusal.code(), "malformed-image");
    }
}

#[test]
fn a_jpeg_header_behind_much_metadata_is_found() {
    let jpeg = testing::jpeg(40, 24);
    let segment = [&[0xFF, 0xE1, 0xFF, 0xFF][..], &[0xC0; 65_533]].concat();
    let bytes = [&jpeg[..2], &segment.repeat(20), b"odd bytes", &jpeg[2..]].concat();
    assert_eq!(sniffed(&bytes), Ok((Format::Jpeg, header(40, 24, 1))));
}

#[test]
fn a_jpeg_that_browsers_do_not_show_is_unsupported() {
    let jpeg = testing::jpeg(40, 24);
    let frame = jpeg
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    for (offset, value) in [(1, 0xC3), (1, 0xC5), (1, 0xC9), (1, 0xCA), (4, 12), (9, 2)] {
        let mut bytes = jpeg.clone();
        bytes[frame + offset] = value;
        assert_eq!(
            sniffed(&bytes).unwrap_err().code(),
            "unsupported-format",
            "{value:#X}"
        );
    }
}

#[test]
fn a_container_that_ends_early_is_truncated() {
    for (name, bytes) in testing::every_kind() {
        // A JPEG's and a GIF's pixels have no length that the header could tell.
        if name.contains("jpeg") || name.contains("gif") {
            continue;
        }
        for length in [bytes.len() - 1, bytes.len() / 2, 20] {
            assert_eq!(
                sniffed(&bytes[..length]),
                Err(Reject::Truncated),
                "{name} at {length}"
            );
        }
    }
    let jpeg = testing::jpeg(40, 24);
    assert_eq!(sniffed(&jpeg[..30]), Err(Reject::Truncated));
    let gif = testing::gif(40, 24);
    // One byte less lacks only the trailer.
    assert_eq!(sniffed(&gif[..gif.len() - 2]), Err(Reject::Truncated));
    assert_eq!(sniffed(&gif[..800]), Err(Reject::Truncated));
}

#[test]
fn what_follows_the_image_is_ignored() {
    for (name, bytes) in testing::every_kind() {
        let with_trailer = [&bytes[..], &testing::gif_animation(4, 4, 3), &[0; 9]].concat();
        assert_eq!(sniffed(&with_trailer), sniffed(&bytes), "{name}");
    }
}

#[test]
fn the_gif_screen_grows_to_its_first_frame() {
    let mut bytes = testing::gif(40, 24);
    bytes[6..10].fill(0);
    assert_eq!(sniffed(&bytes), Ok((Format::Gif, header(40, 24, 1))));
}

#[test]
fn a_frame_larger_than_its_screen_counts_in_full() {
    let mut bytes = testing::gif_animation(4, 4, 2);
    let second = bytes
        .windows(5)
        .rposition(|block| block == [0x2C, 0, 0, 0, 0])
        .unwrap();
    bytes[second + 5..second + 9].fill(0xFF);
    assert_eq!(sniffed(&bytes).unwrap_err().code(), "animation-too-large");
}

#[test]
fn an_apng_must_have_the_frames_it_announces() {
    let apng = testing::apng(&testing::PngFrame::plain_colours(8, 8), (8, 8), false);
    let control = apng.windows(4).position(|name| name == b"acTL").unwrap();
    for (frames, code) in [
        (2, "malformed-image"),
        (901, "too-many-frames"),
        (0, "malformed-image"),
    ] {
        let mut bytes = apng.clone();
        bytes[control + 4..control + 8].copy_from_slice(&u32::to_be_bytes(frames));
        assert_eq!(sniffed(&bytes).unwrap_err().code(), code, "{frames}");
    }
}

#[test]
fn a_webp_whose_bitstream_is_larger_than_it_says_is_refused() {
    let (width, height) = (8, 8);
    let frames = testing::WebpFrame::plain_colours(width, height);
    let mut bytes = testing::webp_animation(&frames, (width, height));
    let bitstream = bytes.windows(4).position(|name| name == b"VP8L").unwrap();
    bytes[bitstream + 9] = 0xFF;
    assert_eq!(sniffed(&bytes).unwrap_err().code(), "malformed-image");
}
