//! A reduced picture is the picture that all pixels make, only smaller.

use super::*;
use crate::item::{Format, Header};
use crate::limits::Limits;
use crate::stage::decode::first_picture;

const SIZES: [Eighths; 3] = [Eighths::One, Eighths::Two, Eighths::Four];

/// All pixels of a file as RGB.
fn whole(file: &[u8], (width, height): (u16, u16)) -> Vec<u8> {
    let header = Header {
        width: width.into(),
        height: height.into(),
        frames: 1,
    };
    let whole = first_picture(file, Format::Jpeg, header, &Limits::default());
    whole.expect("it can be decoded").without_grey().samples
}

/// Components of a pixel as the picture's colours have them.
fn components(rgb: &[u8], colours: Colours) -> Vec<f64> {
    let [red, green, blue] = [0, 1, 2].map(|idx| f64::from(rgb[idx]));
    // T.871, 7.
    let luma = 0.299 * red + 0.587 * green + 0.114 * blue;
    match colours {
        Colours::Grey => vec![luma],
        Colours::Rgb => vec![red, green, blue],
        Colours::YCbCr => vec![
            luma,
            (blue - luma) / 1.772 + 128.0,
            (red - luma) / 1.402 + 128.0,
        ],
    }
}

/// The mean of a component over the pixels from `from` to below `to`.
fn mean(
    rgb: &[u8],
    width: usize,
    (colours, idx): (Colours, usize),
    from: (usize, usize),
    to: (usize, usize),
) -> f64 {
    let mut sum = 0.0;
    for y in from.1..to.1 {
        for x in from.0..to.0 {
            sum += components(&rgb[(y * width + x) * 3..], colours)[idx];
        }
    }
    sum / ((to.0 - from.0) * (to.1 - from.1)) as f64
}

/// Each sample is the mean of the pixels that it covers. Samples that reach over
/// the edge are left out.
fn assert_shows(rgb: &[u8], name: &str, file: &[u8], size: (u16, u16), eighths: Eighths) {
    let picture = reduced(file, eighths)
        .expect("readable")
        .unwrap_or_else(|| panic!("{name} can be reduced"));
    let (width, height) = (usize::from(size.0), usize::from(size.1));
    for (idx, samples) in picture.components.iter().enumerate() {
        let (columns, rows) = samples.size;
        assert_eq!(samples.samples.len(), (columns * rows) as usize, "{name}");
        assert!(samples.shown.0 <= columns.into() && samples.shown.1 <= rows.into());
        // How many pixels a sample covers: a power of two.
        let covered = |side: usize, shown: f64| {
            let exact = side as f64 / shown;
            (0..6)
                .map(|power| 1_u32 << power)
                .find(|covered| f64::from(*covered) > exact - 0.5)
        };
        let across = covered(width, samples.shown.0).expect("no more than 32") as usize;
        let down = covered(height, samples.shown.1).expect("no more than 32") as usize;
        for (y, row) in samples.samples.chunks(columns as usize).enumerate() {
            for (x, found) in row.iter().enumerate() {
                let to = ((x + 1) * across, (y + 1) * down);
                if to.0 > width || to.1 > height {
                    continue;
                }
                let from = (x * across, y * down);
                let mean = mean(rgb, width, (picture.colours, idx), from, to);
                assert!(
                    (f64::from(*found) - mean).abs() < 7.0,
                    "{name} {eighths:?} component {idx} at {x}, {y}: {found} {mean}"
                );
            }
        }
    }
}

#[test]
fn every_kind_of_colour_and_scan_is_reduced() {
    let kinds = [
        JpegKind::Baseline,
        JpegKind::Progressive,
        JpegKind::Restarts,
        JpegKind::Grey,
    ];
    for size in [(160, 96), (163, 101)] {
        for kind in kinds {
            let file = jpeg_of_kind(size.0, size.1, kind);
            for eighths in SIZES {
                assert_shows(
                    &whole(&file, size),
                    &format!("{kind:?}"),
                    &file,
                    size,
                    eighths,
                );
            }
        }
    }
    // The same coefficients in scans of both kinds.
    let (refined, baseline) = jpeg_refined();
    for eighths in SIZES {
        assert_eq!(reduced(&refined, eighths), reduced(&baseline, eighths));
    }
}

const FACTORS: [SamplingFactor; 6] = [
    SamplingFactor::F_1_1,
    SamplingFactor::F_2_1,
    SamplingFactor::F_1_2,
    SamplingFactor::F_2_2,
    SamplingFactor::F_4_1,
    SamplingFactor::F_1_4,
];

fn subsampled(rgb: &[u8], size: (u16, u16), factor: SamplingFactor) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 95);
    encoder.set_sampling_factor(factor);
    encoder
        .encode(rgb, size.0, size.1, ColorType::Rgb)
        .expect("it fits");
    file
}

#[test]
fn every_subsampling_is_reduced() {
    let size = (99, 67);
    let rgb = gradient(size.0.into(), size.1.into());
    for factor in FACTORS {
        let file = subsampled(&rgb, size, factor);
        for eighths in SIZES {
            assert_shows(&rgb, &format!("{factor:?}"), &file, size, eighths);
        }
    }
}

/// The one pixel fills its blocks, so each of their samples is that pixel.
#[test]
fn a_single_pixel_is_reduced_to_itself() {
    for pixel in [[200, 90, 30], [7, 250, 120], [0; 3], [255; 3]] {
        for factor in FACTORS {
            let file = subsampled(&pixel, (1, 1), factor);
            for eighths in SIZES {
                let picture = reduced(&file, eighths).expect("readable");
                let picture = picture.expect("it can be reduced");
                assert_eq!(picture.colours, Colours::YCbCr);
                let expected = components(&pixel, picture.colours);
                assert_eq!(picture.components.len(), expected.len());
                for (samples, expected) in picture.components.iter().zip(expected) {
                    let found = f64::from(samples.samples[0]);
                    assert!(
                        (found - expected).abs() < 2.0,
                        "{pixel:?} {factor:?} {eighths:?}: {found} {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn components_one_after_another_are_reduced() {
    let size = (64, 48);
    let file = jpeg_of_several_scans(size.0, size.1);
    let rgb = gradient(size.0.into(), size.1.into());
    for eighths in SIZES {
        assert_shows(&rgb, "several scans", &file, size, eighths);
    }
}

#[test]
fn colours_are_what_the_file_says() {
    let plain = jpeg(32, 32);
    let adobe = |transform| {
        let marker = [&b"Adobe"[..], &[0, 100, 0, 0, 0, 0, transform]].concat();
        let mut file = plain[..2].to_vec();
        write_segment(0xEE, &marker, &mut file).expect("short");
        // Without the JFIF marker, which comes first.
        file.extend_from_slice(&plain[20..]);
        file
    };
    let colours =
        |file: &[u8]| reduced(file, Eighths::One).map(|picture| picture.map(|it| it.colours));
    assert_eq!(colours(&plain), Ok(Some(Colours::YCbCr)));
    assert_eq!(colours(&adobe(0)), Ok(Some(Colours::Rgb)));
    assert_eq!(colours(&adobe(1)), Ok(Some(Colours::YCbCr)));
    assert_eq!(
        colours(&jpeg_of_kind(32, 32, JpegKind::Grey)),
        Ok(Some(Colours::Grey))
    );
    for inks in [JpegKind::Cmyk, JpegKind::Ycck] {
        assert_eq!(colours(&jpeg_of_kind(32, 32, inks)), Ok(None));
    }
}
