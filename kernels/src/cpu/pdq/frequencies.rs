//! From 64 x 64 samples to the 256 bits: a discrete cosine transform, of which
//! the frequencies 1..=16 along each axis are kept.

use std::f64::consts::PI;
use std::sync::LazyLock;

use super::{SIDE, Samples};

/// Frequencies kept along each axis.
const KEPT: usize = 16;

/// Type II, orthonormal: row `i` holds the cosine of frequency `i + 1`. The
/// constant frequency is left out, and with it the picture's brightness.
static COSINES: LazyLock<[[f32; SIDE]; KEPT]> = LazyLock::new(|| {
    let scale = (2.0 / to_f64(SIDE)).sqrt();
    std::array::from_fn(|row| {
        std::array::from_fn(|column| {
            let angle = PI / 2.0 / to_f64(SIDE) * to_f64(row + 1) * to_f64(2 * column + 1);
            to_f32(scale * angle.cos())
        })
    })
});

pub(super) fn hash(samples: &Samples) -> [u8; 32] {
    let frequencies = transform(samples);
    let mut sorted = frequencies.as_flattened().to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let median = sorted[sorted.len() / 2 - 1];
    let mut hash = [0; 32];
    // The last bits come first, as in the reference's text.
    let bytes = frequencies.as_flattened().as_chunks::<8>().0.iter().rev();
    for (byte, frequencies) in hash.iter_mut().zip(bytes) {
        for (bit, frequency) in frequencies.iter().enumerate() {
            *byte |= u8::from(*frequency > median) << bit;
        }
    }
    hash
}

/// Added in the order of the reference, so that equal samples give equal bits.
fn transform(samples: &Samples) -> [[f32; KEPT]; KEPT] {
    let mut columns = [[0.0; SIDE]; KEPT];
    for (out, cosines) in columns.iter_mut().zip(COSINES.iter()) {
        for (cosine, row) in cosines.iter().zip(samples) {
            for (value, sample) in out.iter_mut().zip(row) {
                *value += cosine * sample;
            }
        }
    }
    columns.map(|row| {
        let along = |cosines: &[f32; SIDE]| {
            let products = row
                .iter()
                .zip(cosines)
                .map(|(value, cosine)| value * cosine);
            products.fold(0.0, |sum, product| sum + product)
        };
        std::array::from_fn(|frequency| along(&COSINES[frequency]))
    })
}

#[expect(clippy::cast_precision_loss, reason = "at most twice the side")]
fn to_f64(value: usize) -> f64 {
    value as f64
}

#[expect(clippy::cast_possible_truncation, reason = "a cosine, scaled down")]
fn to_f32(value: f64) -> f32 {
    value as f32
}
