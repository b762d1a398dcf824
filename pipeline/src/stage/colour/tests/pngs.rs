use std::io::Write;

use ::png::{BitDepth, ColorType};
use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::*;
use crate::stage::scrub::fixtures::with_chunks;
use crate::stage::testing::{PngFrame, apng, png_chunk, png_of_kind};

fn profile_chunk(profile: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(b"Some One's\0\0".to_vec(), Compression::none());
    encoder.write_all(profile).unwrap();
    png_chunk(b"iCCP", &encoder.finish().unwrap())
}

fn gamma_chunk(gamma: u32) -> Vec<u8> {
    png_chunk(b"gAMA", &gamma.to_be_bytes())
}

#[test]
fn p02_every_kind_of_png_is_converted_at_its_depth() {
    for (colour, depth) in [
        (ColorType::Indexed, BitDepth::One),
        (ColorType::Indexed, BitDepth::Eight),
        (ColorType::Rgb, BitDepth::Eight),
        (ColorType::Rgb, BitDepth::Sixteen),
        (ColorType::Rgba, BitDepth::Eight),
        (ColorType::Rgba, BitDepth::Sixteen),
    ] {
        let source = png_of_kind(40, 24, colour, depth);
        let (clean, stored) =
            through(&with_chunks(&source, &profile_chunk(&odd_profile()))).unwrap();
        let bytes = clean.scrubbed.bytes();
        assert!(!has_marker(bytes) && !contains(bytes, b"iCCP"));
        assert!(contains(bytes, &png_chunk(b"sRGB", &[0])) || colour == ColorType::Indexed);
        assert_eq!(bytes[24..26], source[24..26], "depth and colour type");
        let (_, before) = through(&source).unwrap();
        for frame in [&clean.frames[0], &stored[0]] {
            let (mean, worst) = errors(&frame.rgb, &before[0].rgb);
            assert!(
                mean < 0.6 && worst < 1.6,
                "{colour:?} {depth:?}: {mean} {worst}"
            );
        }
        if colour == ColorType::Indexed {
            let picture = |file: &[u8]| {
                let at = file.windows(4).position(|name| name == b"IDAT").unwrap();
                file[at - 4..].to_vec()
            };
            assert!(picture(bytes) == picture(&source), "no index changes");
        }
    }
}

#[test]
fn grey_pngs_are_converted_by_their_gamma() {
    for (colour, depth) in [
        (ColorType::Grayscale, BitDepth::One),
        (ColorType::Grayscale, BitDepth::Four),
        (ColorType::Grayscale, BitDepth::Eight),
        (ColorType::Grayscale, BitDepth::Sixteen),
        (ColorType::GrayscaleAlpha, BitDepth::Eight),
    ] {
        let source = png_of_kind(40, 24, colour, depth);
        let (clean, stored) = through(&with_chunks(&source, &gamma_chunk(55_556))).unwrap();
        let bytes = clean.scrubbed.bytes();
        assert!(!contains(bytes, b"gAMA"));
        let (plain, before) = through(&source).unwrap();
        // libpng passes over a profile for RGB here, and so do we.
        let (ignored, _) = through(&with_chunks(&source, &profile_chunk(&odd_profile()))).unwrap();
        assert!(ignored.scrubbed.bytes() == plain.scrubbed.bytes());
        for frame in [&clean.frames[0], &stored[0]] {
            for (before, after) in before[0].rgb.iter().zip(&frame.rgb) {
                let light = (f64::from(*before) / 255.0).powf(1.8);
                let expected = 255.0 * crate::stage::scrub::icc::space::srgb_value(light);
                let error = (f64::from(*after) - expected).abs();
                assert!(
                    error < 1.6,
                    "{colour:?} {depth:?}: {before} {after} {expected}"
                );
            }
        }
    }
}

#[test]
fn code_points_that_no_profile_can_say_stay_and_are_only_looked_at() {
    let source = testing::png(40, 24);
    let said = png_chunk(b"cICP", &[9, 16, 0, 1]);
    let (clean, stored) = through(&with_chunks(&source, &said)).unwrap();
    assert!(contains(clean.scrubbed.bytes(), &said));
    assert_eq!(stored, through(&source).unwrap().1);
    assert!(clean.frames != stored);
}

#[test]
fn a_transparent_colour_stays_the_only_one() {
    // Two reds that the conversion makes one; the darker is the transparent one.
    let mut bytes = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut bytes, 2, 1);
    encoder.set_color(ColorType::Rgb);
    encoder.set_trns(vec![0, 1, 0, 0, 0, 0]);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[1, 0, 0, 0, 0, 0]).unwrap();
    writer.finish().unwrap();
    let (clean, _) = through(&with_chunks(&bytes, &gamma_chunk(20_000))).unwrap();
    let header = clean.scrubbed.header();
    let (bytes, format) = (clean.scrubbed.bytes(), clean.scrubbed.format());
    let raster = crate::stage::decode::first_picture(bytes, format, header, &Limits::default());
    let samples = raster.unwrap().samples;
    assert_eq!((samples[3], samples[7]), (0, 255));
}

#[test]
fn p02_an_odd_apng_keeps_its_frames_and_its_timing() {
    let size = (40, 24);
    let mut frames = PngFrame::plain_colours(40, 24);
    frames[1].area = [3, 5, 20, 10];
    for still in [false, true] {
        let source = apng(&frames, size, still);
        let (clean, stored) =
            through(&with_chunks(&source, &profile_chunk(&odd_profile()))).unwrap();
        let bytes = clean.scrubbed.bytes();
        assert!(!has_marker(bytes));
        assert!(clean.frames == stored, "still {still}");
        let (original, before) = through(&source).unwrap();
        assert_eq!(clean.scrubbed.header(), original.scrubbed.header());
        let controls = |file: &[u8]| -> Vec<Vec<u8>> {
            let named = file
                .windows(30)
                .filter(|window| [&b"fcTL"[..], b"acTL"].contains(&&window[..4]));
            named
                .map(|window| window[..if &window[..4] == b"fcTL" { 30 } else { 12 }].to_vec())
                .collect()
        };
        assert_eq!(controls(bytes), controls(original.scrubbed.bytes()));
        for (after, before) in clean.frames.iter().zip(&before) {
            let (_, worst) = errors(&after.rgb, &before.rgb);
            assert!(worst < 1.6);
        }
    }
}
