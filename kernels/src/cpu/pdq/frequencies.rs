//! From 64 x 64 samples to the 256 bits: a discrete cosine transform, of which
//! the frequencies 1..=16 along each axis are kept.

use std::f64::consts::PI;
use std::sync::LazyLock;

use super::{SIDE, Samples, Turned, Way, Ways};

/// Frequencies kept along each axis.
const KEPT: usize = 16;

/// How much of what varies how fast: a row a frequency from top to bottom, a
/// column one from left to right.
type Frequencies = [[f32; KEPT]; KEPT];

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

/// The hash of the picture, and those of the picture turned.
///
/// Read backwards, a cosine of an odd frequency is its own negative and one of
/// an even frequency is itself. So the frequencies of a turned picture are those
/// of the upright one with signs of their own: nothing is turned. The bits are
/// not the upright one's with some of them inverted, because the median of what
/// changed its sign is another.
pub(super) fn hashes(ways: &Ways) -> ([u8; 32], Turned) {
    let of = |rows: Way, columns: Way| {
        let mut frequencies = transform(&ways[rows as usize][columns as usize]);
        for (row, frequencies) in frequencies.iter_mut().enumerate() {
            for (column, frequency) in frequencies.iter_mut().enumerate() {
                if rows.negates(row) != columns.negates(column) {
                    *frequency = -*frequency;
                }
            }
        }
        hash(&frequencies)
    };
    let turned = Turned {
        mirrored: of(Way::Forwards, Way::Backwards),
        flipped: of(Way::Backwards, Way::Forwards),
        half_turned: of(Way::Backwards, Way::Backwards),
    };
    (of(Way::Forwards, Way::Forwards), turned)
}

impl Way {
    /// Whether the frequency of a row or column changes its sign: the first is 1.
    fn negates(self, idx: usize) -> bool {
        self == Self::Backwards && idx.is_multiple_of(2)
    }
}

fn hash(frequencies: &Frequencies) -> [u8; 32] {
    let mut ordered = *frequencies;
    let ordered = ordered.as_flattened_mut();
    let middle = ordered.len() / 2 - 1;
    let (_, &mut median, _) = ordered.select_nth_unstable_by(middle, f32::total_cmp);
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
fn transform(samples: &Samples) -> Frequencies {
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
