//! The form that runs. The filter is linear and separable, so the rows of a
//! sample are summed first, byte by byte, where every step is the same for
//! neighbouring bytes; what is left for luma and columns is 64 rows.

use super::tent::{Tent, backwards, tents};
use super::{SIDE, Ways};
use crate::cpu::bilinear::{CHANNELS, RgbView};

/// Rec. 601, as the reference has it.
const LUMA: [f32; CHANNELS] = [0.299, 0.587, 0.114];

/// Rows added at once: the sums are loaded and stored once for all of them.
const ROWS: usize = 4;

/// Independent sums of a dot product, which may then be added in parallel.
const LANES: usize = 8;

pub(super) fn shrink(src: RgbView<'_>) -> Ways {
    let columns = [tents(src.width), backwards(src.width)];
    let mut sums = [(); 2].map(|()| vec![0.0; src.width * CHANNELS]);
    let mut luma = vec![0.0; src.width];
    let mut ways = [[[[0.0; SIDE]; SIDE]; 2]; 2];
    let rows = tents(src.height).into_iter().zip(backwards(src.height));
    for (row_idx, (forwards, backwards)) in rows.enumerate() {
        sum_rows(src, [&forwards, &backwards], &mut sums);
        for (sums, ways) in sums.iter().zip(&mut ways) {
            for (luma, rgb) in luma.iter_mut().zip(sums.as_chunks::<CHANNELS>().0) {
                *luma = dot(rgb, &LUMA);
            }
            for (columns, samples) in columns.iter().zip(ways) {
                for (value, column) in samples[row_idx].iter_mut().zip(columns) {
                    *value = dot(&luma[column.first..column.end()], &column.weights);
                }
            }
        }
    }
    ways
}

/// The weighted sums of a sample's rows from both ends, channel by channel. The
/// two have almost the same rows, and each is read once for both.
fn sum_rows(src: RgbView<'_>, tents: [&Tent; 2], [forwards, backwards]: &mut [Vec<f32>; 2]) {
    forwards.fill(0.0);
    backwards.fill(0.0);
    let mut row_idx = tents[0].first.min(tents[1].first);
    let end = tents[0].end().max(tents[1].end());
    while row_idx + ROWS <= end {
        add_rows::<ROWS>(src, row_idx, tents, forwards, backwards);
        row_idx += ROWS;
    }
    for row_idx in row_idx..end {
        add_rows::<1>(src, row_idx, tents, forwards, backwards);
    }
}

fn add_rows<const N: usize>(
    src: RgbView<'_>,
    first: usize,
    tents: [&Tent; 2],
    forwards: &mut [f32],
    backwards: &mut [f32],
) {
    // Of one length, so that no index is checked inside the loop.
    let n_sums = forwards.len();
    let backwards = &mut backwards[..n_sums];
    let rows: [&[u8]; N] = std::array::from_fn(|offset| &src.row(first + offset)[..n_sums]);
    let [ahead, back]: [[f32; N]; 2] =
        tents.map(|tent| std::array::from_fn(|offset| tent.weight(first + offset)));
    for idx in 0..n_sums {
        let mut added = [0.0; 2];
        for ((row, ahead), back) in rows.iter().zip(&ahead).zip(&back) {
            let value = f32::from(row[idx]);
            added[0] += value * ahead;
            added[1] += value * back;
        }
        forwards[idx] += added[0];
        backwards[idx] += added[1];
    }
}

fn dot(values: &[f32], weights: &[f32]) -> f32 {
    let (value_chunks, values_rest) = values.as_chunks::<LANES>();
    let (weight_chunks, weights_rest) = weights.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (values, weights) in value_chunks.iter().zip(weight_chunks) {
        for ((lane, value), weight) in lanes.iter_mut().zip(values).zip(weights) {
            *lane += value * weight;
        }
    }
    let rest = values_rest.iter().zip(weights_rest);
    lanes.iter().sum::<f32>() + rest.map(|(value, weight)| value * weight).sum::<f32>()
}
