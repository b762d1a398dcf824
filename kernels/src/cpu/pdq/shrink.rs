//! The form that runs. The filter is linear and separable, so the rows of a
//! sample are summed first, byte by byte, where every step is the same for
//! neighbouring bytes; what is left for luma and columns is 64 rows.

use super::tent::{Tent, tents};
use super::{SIDE, Samples};
use crate::cpu::bilinear::{CHANNELS, RgbView};

/// Rec. 601, as the reference has it.
const LUMA: [f32; CHANNELS] = [0.299, 0.587, 0.114];

/// Rows added at once: the sums are loaded and stored once for all of them.
pub(super) const ROWS: usize = 4;

/// Independent sums of a dot product, which may then be added in parallel.
const LANES: usize = 8;

pub(super) fn shrink(src: RgbView<'_>) -> Samples {
    let columns = tents(src.width);
    let mut sums = vec![0.0; src.width * CHANNELS];
    let mut luma = vec![0.0; src.width];
    let mut samples = [[0.0; SIDE]; SIDE];
    for (row, out) in tents(src.height).iter().zip(&mut samples) {
        sum_rows(src, row, &mut sums);
        for (luma, rgb) in luma.iter_mut().zip(sums.as_chunks::<CHANNELS>().0) {
            *luma = dot(rgb, &LUMA);
        }
        for (value, column) in out.iter_mut().zip(&columns) {
            let n_weights = column.weights.len();
            *value = dot(&luma[column.first..][..n_weights], &column.weights);
        }
    }
    samples
}

/// The weighted sum of a sample's rows, channel by channel.
fn sum_rows(src: RgbView<'_>, tent: &Tent, sums: &mut [f32]) {
    sums.fill(0.0);
    let (fours, rest) = tent.weights.as_chunks::<ROWS>();
    let mut row_idx = tent.first;
    for weights in fours {
        let rows = std::array::from_fn(|offset| src.row(row_idx + offset));
        add_rows(rows, weights, sums);
        row_idx += ROWS;
    }
    for weight in rest {
        add_rows([src.row(row_idx)], &[*weight], sums);
        row_idx += 1;
    }
}

#[inline(always)]
pub(super) fn add_rows<const N: usize>(rows: [&[u8]; N], weights: &[f32; N], sums: &mut [f32]) {
    // Of one length, so that no index is checked inside the loop.
    let rows = rows.map(|row| &row[..sums.len()]);
    for (idx, sum) in sums.iter_mut().enumerate() {
        let mut added = 0.0;
        for (row, weight) in rows.iter().zip(weights) {
            added += f32::from(row[idx]) * weight;
        }
        *sum += added;
    }
}

#[inline(always)]
pub(super) fn dot(values: &[f32], weights: &[f32]) -> f32 {
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
