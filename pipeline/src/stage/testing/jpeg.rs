//! JPEGs.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::gradient;

/// What kind of JPEG to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JpegKind {
    /// Sequential YCbCr with halved colour.
    Baseline,
    /// Progressive YCbCr with halved colour.
    Progressive,
    /// Sequential with a restart marker every four units.
    Restarts,
    /// One component.
    Grey,
    /// Four inks, inverted as Adobe does.
    Cmyk,
    /// Four inks as luma, colour and black.
    Ycck,
}

/// A baseline JPEG of the gradient.
#[must_use]
pub fn jpeg(width: u16, height: u16) -> Vec<u8> {
    jpeg_of_kind(width, height, JpegKind::Baseline)
}

/// A JPEG of the gradient.
#[must_use]
pub fn jpeg_of_kind(width: u16, height: u16, kind: JpegKind) -> Vec<u8> {
    let rgb = gradient(width.into(), height.into());
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    if kind != JpegKind::Cmyk {
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
    }
    let (samples, color) = match kind {
        JpegKind::Baseline => (rgb, ColorType::Rgb),
        JpegKind::Progressive => {
            encoder.set_progressive(true);
            (rgb, ColorType::Rgb)
        }
        JpegKind::Restarts => {
            encoder.set_restart_interval(4);
            (rgb, ColorType::Rgb)
        }
        JpegKind::Grey => (green_of(&rgb), ColorType::Luma),
        JpegKind::Cmyk => (inks_of(&rgb), ColorType::Cmyk),
        JpegKind::Ycck => (inks_of(&rgb), ColorType::CmykAsYcck),
    };
    encoder
        .encode(&samples, width, height, color)
        .expect("the samples fit the size");
    bytes
}

/// A sequential JPEG of the gradient whose components come one after another.
#[must_use]
pub fn jpeg_of_several_scans(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    // The encoder optimises the tables of each component by itself.
    encoder.set_optimized_huffman_tables(true);
    let rgb = gradient(width.into(), height.into());
    encoder
        .encode(&rgb, width, height, ColorType::Rgb)
        .expect("the samples fit the size");
    bytes
}

/// A progressive JPEG whose coefficients come bit by bit, in restart intervals,
/// and a sequential JPEG of the same coefficients: 64 x 48 pixels.
#[must_use]
pub fn jpeg_refined() -> (Vec<u8>, Vec<u8>) {
    (
        include_bytes!("../../../../tests/fixtures/refined.jpg").to_vec(),
        include_bytes!("../../../../tests/fixtures/refined_baseline.jpg").to_vec(),
    )
}

/// A small JPEG whose frame header claims another size.
#[must_use]
pub fn jpeg_with_size(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = jpeg(16, 16);
    let frame = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .expect("it is baseline");
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

fn green_of(rgb: &[u8]) -> Vec<u8> {
    rgb.iter().skip(1).step_by(3).copied().collect()
}

fn inks_of(rgb: &[u8]) -> Vec<u8> {
    rgb.as_chunks::<3>()
        .0
        .iter()
        .flat_map(|&[r, g, b]| [255 - r, 255 - g, 255 - b, 0])
        .collect()
}
