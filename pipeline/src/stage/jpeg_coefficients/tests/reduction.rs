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

/// The mean of each field of a picture in RGB that becomes one sample. Fields
/// that reach over the edge are left out.
fn means(rgb: &[u8], (width, height): (u16, u16), eighths: Eighths) -> Vec<Vec<[f64; 3]>> {
    let (width, height) = (usize::from(width), usize::from(height));
    let side = 8 / eighths as usize;
    let mean = |left: usize, top: usize| {
        let mut sum = [0.0; 3];
        for y in top..top + side {
            for x in left..left + side {
                let at = (y * width + x) * 3;
                for (sum, sample) in sum.iter_mut().zip(&rgb[at..at + 3]) {
                    *sum += f64::from(*sample);
                }
            }
        }
        sum.map(|sum| sum / (side * side) as f64)
    };
    (0..height / side)
        .map(|row| {
            (0..width / side)
                .map(|column| mean(column * side, row * side))
                .collect()
        })
        .collect()
}

fn as_rgb(picture: &Reduced, at: usize) -> [f64; 3] {
    let n_samples = picture.samples.len() / (picture.width * picture.height) as usize;
    let samples = picture.samples.chunks(n_samples).nth(at).expect("within");
    let samples: Vec<f64> = samples.iter().copied().map(f64::from).collect();
    match (picture.colours, samples.as_slice()) {
        (Colours::YCbCr, [luma, blue, red, _]) => [
            luma + 1.402 * (red - 128.0),
            luma - 0.344_136 * (blue - 128.0) - 0.714_136 * (red - 128.0),
            luma + 1.772 * (blue - 128.0),
        ],
        (Colours::Rgb, [red, green, blue, _]) => [*red, *green, *blue],
        (_, samples) => [samples[0]; 3],
    }
}

fn assert_shows(rgb: &[u8], name: &str, file: &[u8], size: (u16, u16), eighths: Eighths) {
    let picture = reduced(file, eighths)
        .expect("readable")
        .unwrap_or_else(|| panic!("{name} can be reduced"));
    let side = |side: u16| (u32::from(side) * eighths as u32).div_ceil(8);
    assert_eq!(
        (picture.width, picture.height),
        (side(size.0), side(size.1)),
        "{name}"
    );
    for (y, row) in means(rgb, size, eighths).iter().enumerate() {
        for (x, mean) in row.iter().enumerate() {
            let found = as_rgb(&picture, y * picture.width as usize + x);
            for (found, mean) in found.iter().zip(mean) {
                let found = found.clamp(0.0, 255.0);
                assert!(
                    (found - mean).abs() < 7.0,
                    "{name} {eighths:?} at {x}, {y}: {found} {mean}"
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

#[test]
fn every_usual_subsampling_is_reduced() {
    let size = (99, 67);
    let rgb = gradient(size.0.into(), size.1.into());
    let usual = [
        SamplingFactor::F_1_1,
        SamplingFactor::F_2_1,
        SamplingFactor::F_1_2,
        SamplingFactor::F_2_2,
    ];
    for factor in usual {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, 95);
        encoder.set_sampling_factor(factor);
        encoder
            .encode(&rgb, size.0, size.1, ColorType::Rgb)
            .expect("it fits");
        for eighths in SIZES {
            assert_shows(&rgb, &format!("{factor:?}"), &file, size, eighths);
        }
    }
}

#[test]
fn components_one_after_another_are_left_to_others() {
    let file = jpeg_of_several_scans(64, 48);
    assert_eq!(reduced(&file, Eighths::Four), Ok(None));
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
