//! Pictures that are only looked at, beside zune-jpeg's whole ones.

use imgshare_kernels::RgbView;
use imgshare_kernels::cpu::bilinear::resize_align_corners;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use proptest::prelude::*;

use super::*;
use crate::stage::scrub::fixtures::{odd_profile, profile};
use crate::stage::testing::JpegKind;

const SIDES: Sides = Sides {
    first: 24,
    second: Some(31),
    shadow: Some(24),
};

/// A step of eight bits in a square's samples.
const STEP: f64 = 257.0;

fn decoded(file: &[u8], sides: Sides) -> Result<Decoded, Reject> {
    let (bytes, limits) = (file.into(), Limits::default());
    let sniffed = sniff(Upload { bytes }, &limits)?;
    decode_for(sniffed, &limits, sides)
}

/// The mean and the largest difference of a square from that of all pixels, in
/// steps of eight bits.
fn differences(square: &[u16], side: u32, whole: &Pixels) -> (f64, f64) {
    let view = RgbView::new(&whole.rgb, whole.width, whole.height).unwrap();
    let mut expected = vec![0; square.len()];
    resize_align_corners(view, side, &mut expected);
    let pairs = square.iter().zip(&expected);
    let steps = pairs.map(|(a, b)| f64::from(a.abs_diff(*b)) / STEP);
    let (sum, most) = steps.fold((0.0, 0.0), |(sum, most), step| {
        (sum + step, f64::max(most, step))
    });
    (sum / square.len() as f64, most)
}

#[test]
fn sequential_files_are_shrunk_and_others_kept_whole() {
    let is_shrunk = |kind| {
        let file = testing::jpeg_of_kind(64, 48, kind);
        let decoded = decoded(&file, SIDES).unwrap();
        assert_eq!(decoded.frames.is_empty(), decoded.shrunk.is_some());
        decoded.shrunk.is_some()
    };
    for kind in [JpegKind::Baseline, JpegKind::Restarts, JpegKind::Grey] {
        assert!(is_shrunk(kind), "{kind:?}");
    }
    for kind in [JpegKind::Progressive, JpegKind::Cmyk, JpegKind::Ycck] {
        assert!(!is_shrunk(kind), "{kind:?}");
    }
    assert!(
        decoded(&testing::png(40, 24), SIDES)
            .unwrap()
            .shrunk
            .is_none()
    );
    let scans = testing::jpeg_of_several_scans(64, 48);
    assert_eq!(
        decoded(&scans, SIDES).unwrap_err().code(),
        "unsupported-format"
    );
}

#[test]
fn pixels_that_are_turned_or_converted_are_kept() {
    let photo = testing::jpeg(64, 48);
    let with = |segment: &[u8]| [&photo[..2], segment, &photo[2..]].concat();
    let exif = |orientation: u8| {
        let entry = [0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0];
        let tiff = [&b"II*\0\x08\0\0\0\x01\0"[..], &entry, &[0; 4]].concat();
        let length = u8::try_from(2 + 6 + tiff.len()).unwrap();
        [&[0xFF, 0xE1, 0, length][..], b"Exif\0\0", &tiff].concat()
    };
    assert!(decoded(&with(&exif(1)), SIDES).unwrap().shrunk.is_some());
    assert!(decoded(&with(&exif(6)), SIDES).unwrap().shrunk.is_none());
    for profile in [profile(), odd_profile()] {
        let chunk = [b"ICC_PROFILE\0\x01\x01", &profile[..]].concat();
        let length = u16::try_from(2 + chunk.len()).unwrap().to_be_bytes();
        let segment = [&[0xFF, 0xE2], &length[..], &chunk].concat();
        assert!(decoded(&with(&segment), SIDES).unwrap().shrunk.is_none());
    }
}

#[test]
fn every_side_has_its_square() {
    let shrunk = decoded(&testing::jpeg(64, 48), SIDES)
        .unwrap()
        .shrunk
        .unwrap();
    let squares = shrunk.squares;
    assert_eq!(squares.first.len(), 24 * 24 * 3);
    assert_eq!(squares.second.unwrap().len(), 31 * 31 * 3);
    assert_eq!(squares.shadow, Some(squares.first));
}

#[test]
fn a_file_that_ends_early_is_refused() {
    for kind in [JpegKind::Baseline, JpegKind::Restarts, JpegKind::Grey] {
        let file = testing::jpeg_of_kind(64, 48, kind);
        for length in 2..file.len() {
            assert!(
                decoded(&file[..length], SIDES).is_err(),
                "{kind:?}: {length}"
            );
        }
    }
}

// zune-jpeg interpolates chroma at some edges otherwise than libjpeg, by some steps,
// more in pictures of a few pixels. What rows hold exactly is tested where they are
// made.
proptest! {
    #[test]
    fn a_shrunk_picture_shows_what_the_whole_one_does(
        (width, height) in (24..70_u16, 24..70_u16),
        seed in any::<u64>(),
        sampling in prop::sample::select(vec![
            SamplingFactor::F_1_1, SamplingFactor::F_2_1, SamplingFactor::F_1_2,
            SamplingFactor::F_2_2, SamplingFactor::F_4_1, SamplingFactor::F_1_4,
        ]),
        quality in 50..=100_u8,
        restart_interval in 0..5_u16,
        grey in any::<bool>(),
    ) {
        let mut state = seed | 1;
        let mut noisy = |sample: u8| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            sample ^ ((state >> 60) as u8)
        };
        let mut rgb = testing::gradient(width.into(), height.into());
        rgb.iter_mut().for_each(|sample| *sample = noisy(*sample));
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, quality);
        encoder.set_sampling_factor(sampling);
        encoder.set_restart_interval(restart_interval);
        let n_pixels = usize::from(width) * usize::from(height);
        if grey {
            encoder.encode(&rgb[..n_pixels], width, height, ColorType::Luma).unwrap();
        } else {
            encoder.encode(&rgb, width, height, ColorType::Rgb).unwrap();
        }

        let is_odd = matches!(sampling, SamplingFactor::F_4_1 | SamplingFactor::F_1_4);
        match decoded(&file, SIDES) {
            Ok(Decoded { shrunk: Some(shrunk), .. }) => {
                let (mean, most) = differences(&shrunk.squares.first, SIDES.first, &still(&file));
                prop_assert!(mean < 1.0 && most < 16.0, "{mean} {most}");
            }
            // Of these the encoder writes some that are read by nothing here.
            answer => prop_assert!(is_odd && !grey, "{answer:?}"),
        }
    }
}
