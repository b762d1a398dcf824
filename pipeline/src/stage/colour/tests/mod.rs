mod damage;
mod pngs;

use image_webp::{WebPDecoder, WebPEncoder};

use super::*;
use crate::item::{Clean, Header, Pixels, Upload};
use crate::limits::Limits;
use crate::stage::decode::decode;
use crate::stage::scrub::fixtures::{
    ODD_COLORANTS, ODD_GAMMA, has_marker, odd_profile, press_profile, segment, webp_file,
    with_segments,
};
use crate::stage::scrub::icc::Space;
use crate::stage::scrub::jpeg::outline::Outline;
use crate::stage::scrub::scrub;
use crate::stage::sniff::sniff;
use crate::stage::testing::{self, JpegKind};
use crate::stage::upright::upright;

/// The whole path up to what is stored, and what it decodes to.
pub(super) fn through(file: &[u8]) -> Result<(Clean, Vec<Pixels>), Reject> {
    let limits = Limits::default();
    let decoded = |bytes: &[u8]| {
        let bytes = bytes.into();
        decode(sniff(Upload { bytes }, &limits)?, &limits)
    };
    let clean = scrub(colour(upright(decoded(file)?)?)?)?;
    let stored = decoded(clean.scrubbed.bytes())?.frames;
    Ok((clean, stored))
}

fn with_profile(jpeg: &[u8], profile: &[u8]) -> Vec<u8> {
    with_segments(
        jpeg,
        &segment(0xE2, &[b"ICC_PROFILE\0\x01\x01", profile].concat()),
    )
}

/// sRGB of an RGB pixel in [`odd_profile`]'s colours, by the book: curve,
/// matrix to XYZ, the inverse of sRGB's matrix, sRGB's curve.
fn by_the_book(pixel: [u8; 3]) -> [f64; 3] {
    // The inverse of sRGB's colorants, adapted to D50.
    const TO_SRGB: [[f64; 3]; 3] = [
        [3.134_19, -1.617_21, -0.490_69],
        [-0.978_75, 1.916_13, 0.033_45],
        [0.071_94, -0.228_98, 1.405_21],
    ];
    let exponent = f64::from(ODD_GAMMA) / 256.0;
    let light = pixel.map(|value| (f64::from(value) / 255.0).powf(exponent));
    let xyz = [0, 1, 2].map(|axis| {
        let parts = (0..3).map(|c| f64::from(ODD_COLORANTS[c][axis]) / 65_536.0 * light[c]);
        parts.sum::<f64>()
    });
    TO_SRGB.map(|row| {
        let light: f64 = row.iter().zip(xyz).map(|(a, b)| a * b).sum();
        let light = light.clamp(0.0, 1.0);
        255.0
            * if light <= 0.003_130_8 {
                light * 12.92
            } else {
                1.055 * light.powf(1.0 / 2.4) - 0.055
            }
    })
}

/// Mean and greatest difference between pixels and what they should be.
fn errors(found: &[u8], source: &[u8]) -> (f64, f64) {
    let (found, source) = (found.as_chunks::<3>().0, source.as_chunks::<3>().0);
    let (mut sum, mut worst) = (0.0, 0.0_f64);
    for (found, source) in found.iter().zip(source) {
        for (found, expected) in found.iter().zip(by_the_book(*source)) {
            let error = (f64::from(*found) - expected).abs();
            sum += error;
            worst = worst.max(error);
        }
    }
    (
        sum / 3.0 / f64::from(u32::try_from(source.len()).unwrap()),
        worst,
    )
}

#[test]
fn p02_an_odd_jpeg_is_converted_and_its_profile_gone() {
    let source = testing::jpeg(40, 24);
    let (clean, stored) = through(&with_profile(&source, &odd_profile())).unwrap();
    let bytes = clean.scrubbed.bytes();
    assert!(!has_marker(bytes) && !contains(bytes, b"ICC_PROFILE"));
    let (_, before) = through(&source).unwrap();
    let (mean, worst) = errors(&clean.frames[0].rgb, &before[0].rgb);
    assert!(mean < 0.4 && worst < 1.5, "{mean} {worst}");
    let (mean, worst) = errors(&stored[0].rgb, &before[0].rgb);
    assert!(mean < 1.5 && worst < 24.0, "{mean} {worst}");
}

#[test]
fn a_known_profile_changes_no_pixel_but_those_looked_at() {
    let source = testing::jpeg(40, 24);
    let in_p3 = with_profile(&source, Space::DisplayP3.profile().unwrap());
    let (clean, stored) = through(&in_p3).unwrap();
    let (_, before) = through(&source).unwrap();
    assert!(stored == before && clean.frames != before);
    assert!(contains(
        clean.scrubbed.bytes(),
        Space::DisplayP3.profile().unwrap()
    ));
}

#[test]
fn p02_inks_become_rgb_and_their_profile_is_gone() {
    for kind in [JpegKind::Cmyk, JpegKind::Ycck] {
        let source = testing::jpeg_of_kind(40, 24, kind);
        let (clean, stored) = through(&with_profile(&source, &press_profile())).unwrap();
        let bytes = clean.scrubbed.bytes();
        assert!(!has_marker(bytes) && !contains(bytes, b"ICC_PROFILE"));
        // The gradient's corners: no blue at the upper left, all at the lower right.
        let frame = &clean.frames[0];
        for (frame, loss_max) in [(frame, 3), (&stored[0], 8)] {
            // All three inks, and none: L* of 0 and of 100.
            let (first, last) = (&frame.rgb[..3], &frame.rgb[frame.rgb.len() - 3..]);
            assert!(
                first.iter().all(|sample| *sample <= 2 + loss_max),
                "{kind:?} {first:?}"
            );
            assert!(
                last.iter().all(|sample| *sample >= 252 - loss_max),
                "{kind:?} {last:?}"
            );
            let grey = |pixel: &[u8; 3]| {
                pixel
                    .iter()
                    .max()
                    .zip(pixel.iter().min())
                    .is_some_and(|(a, b)| a - b <= loss_max)
            };
            assert!(frame.rgb.as_chunks::<3>().0.iter().all(grey), "{kind:?}");
        }
        let outline = Outline::read(bytes).unwrap();
        assert_eq!(outline.channels, Channels::Rgb);
    }
}

#[test]
fn inks_stored_sideways_are_converted_by_their_profile_too() {
    let source = testing::jpeg_of_kind(40, 24, JpegKind::Cmyk);
    let tag = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let printed = with_profile(&source, &press_profile());
    let (clean, stored) = through(&with_segments(&printed, &segment(0xE1, tag))).unwrap();
    assert_eq!(clean.scrubbed.header().width, 24);
    for frame in [&clean.frames[0], &stored[0]] {
        let grey = |pixel: &[u8; 3]| {
            pixel
                .iter()
                .max()
                .zip(pixel.iter().min())
                .is_some_and(|(a, b)| a - b < 9)
        };
        assert!(frame.rgb.as_chunks::<3>().0.iter().all(grey));
    }
}

#[test]
fn inks_are_the_complements_of_what_the_file_holds() {
    for kind in [JpegKind::Cmyk, JpegKind::Ycck] {
        let file = testing::jpeg_of_kind(40, 24, kind);
        let header = Header {
            width: 40,
            height: 24,
            frames: 1,
        };
        let inks = crate::stage::decode::inks(&file, header).unwrap();
        let (_, shown) = through(&file).unwrap();
        for ([c, m, y, k], rgb) in inks
            .as_chunks::<4>()
            .0
            .iter()
            .zip(shown[0].rgb.as_chunks::<3>().0)
        {
            for (ink, shown) in [c, m, y].into_iter().zip(rgb) {
                let light = u32::from(255 - ink) * u32::from(255 - k) / 255;
                assert!(light.abs_diff(u32::from(*shown)) <= 2, "{kind:?}");
            }
        }
    }
}

#[test]
fn inks_without_a_profile_and_untagged_files_keep_their_bytes() {
    for (name, file) in testing::every_kind() {
        let limits = Limits::default();
        let bytes = file[..].into();
        let sniffed = sniff(Upload { bytes }, &limits).unwrap();
        let upright = upright(decode(sniffed, &limits).unwrap()).unwrap();
        let frames = upright.frames.clone();
        let coloured = colour(upright).unwrap();
        assert!(
            coloured.bytes[..] == file[..] && coloured.frames == frames,
            "{name}"
        );
    }
}

#[test]
fn a_grey_jpeg_stays_grey() {
    let source = testing::jpeg_of_kind(40, 24, JpegKind::Grey);
    let (clean, stored) = through(&with_profile(&source, &odd_profile())).unwrap();
    assert_eq!(
        Outline::read(clean.scrubbed.bytes()).unwrap().channels,
        Channels::Grey
    );
    let (_, before) = through(&source).unwrap();
    for ((before, after), stored) in before[0]
        .rgb
        .iter()
        .zip(&clean.frames[0].rgb)
        .zip(&stored[0].rgb)
    {
        let expected = by_the_book([*before; 3])[1];
        assert!(
            (f64::from(*after) - expected).abs() < 1.0,
            "{before} {after} {expected}"
        );
        assert!(after.abs_diff(*stored) < 8);
    }
}

#[test]
fn p02_an_odd_webp_is_stored_without_loss_and_keeps_its_alpha() {
    let rgba: Vec<u8> = (0..=255).cycle().take(40 * 24 * 4).collect();
    let mut file = Vec::new();
    let mut encoder = WebPEncoder::new(&mut file);
    encoder.set_icc_profile(odd_profile());
    encoder
        .encode(&rgba, 40, 24, image_webp::ColorType::Rgba8)
        .unwrap();
    let (clean, stored) = through(&file).unwrap();
    let bytes = clean.scrubbed.bytes();
    assert!(!has_marker(bytes) && !contains(bytes, b"ICCP"));
    assert!(clean.frames == stored);
    let mut decoder = WebPDecoder::new(std::io::Cursor::new(&bytes[..])).unwrap();
    let mut samples = vec![0; rgba.len()];
    decoder.read_image(&mut samples).unwrap();
    let alpha = |samples: &[u8]| {
        samples
            .iter()
            .skip(3)
            .step_by(4)
            .copied()
            .collect::<Vec<_>>()
    };
    assert_eq!(alpha(&samples), alpha(&rgba));
}

#[test]
fn an_odd_animated_webp_is_refused_and_a_known_one_is_not() {
    let frames = testing::WebpFrame::plain_colours(40, 24);
    let file = testing::webp_animation(&frames, (40, 24));
    let with = |profile: &[u8]| {
        // The canvas, with the flag of a profile, comes first.
        let mut canvas = file[12..30].to_vec();
        canvas[8] |= 0x20;
        webp_file(&[&canvas, &testing::webp_chunk(b"ICCP", profile), &file[30..]].concat())
    };
    let refused = through(&with(&odd_profile())).err().unwrap();
    assert_eq!(refused.code(), "metadata-not-removable");
    assert!(refused.to_string().contains("animated WebP"));
    let in_p3 = Space::DisplayP3.profile().unwrap();
    let (clean, stored) = through(&with(in_p3)).unwrap();
    assert!(contains(clean.scrubbed.bytes(), in_p3));
    assert_eq!(stored, through(&file).unwrap().1);
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
