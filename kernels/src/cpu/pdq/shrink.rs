//! The form that runs. The filter is linear and separable, so the rows of a
//! sample are summed first, byte by byte, where every step is the same for
//! neighbouring bytes; what is left for luma and columns is 64 rows.

use std::array;
use std::ops::Range;

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
    for (row_idx, pair) in pairs(src.height).iter().enumerate() {
        sums.iter_mut().for_each(|sums| sums.fill(0.0));
        sum_rows(pair, pair.rows(), &mut sums, |row_idx| src.row(row_idx));
        for (sums, ways) in sums.iter().zip(&mut ways) {
            for (luma, rgb) in luma.iter_mut().zip(sums.as_chunks::<CHANNELS>().0) {
                *luma = dot(rgb, &LUMA);
            }
            for (columns, samples) in columns.iter().zip(ways) {
                sum_columns(&luma, columns, &mut samples[row_idx]);
            }
        }
    }
    ways
}

/// A sample's rows from both ends. The two are almost the same rows.
pub(super) struct Pair([Tent; 2]);

impl Pair {
    /// The rows of either.
    pub(super) fn rows(&self) -> Range<usize> {
        let Self([forwards, backwards]) = self;
        forwards.first.min(backwards.first)..forwards.end().max(backwards.end())
    }

    fn weights<const N: usize>(&self, first: usize) -> [[f32; N]; 2] {
        let Self(tents) = self;
        tents
            .each_ref()
            .map(|tent| array::from_fn(|offset| tent.weight(first + offset)))
    }
}

/// Those of all samples, each of which begins and ends with or after the one before.
pub(super) fn pairs(height: usize) -> Vec<Pair> {
    let pairs = tents(height).into_iter().zip(backwards(height));
    pairs.map(|(ahead, back)| Pair([ahead, back])).collect()
}

/// Adds some of a pair's rows to its weighted sums. Each row is read once for both.
#[inline(always)]
pub(super) fn sum_rows<'a>(
    pair: &Pair,
    rows: Range<usize>,
    sums: &mut [Vec<f32>; 2],
    row: impl Fn(usize) -> &'a [u8],
) {
    let mut row_idx = rows.start;
    while row_idx + ROWS <= rows.end {
        let four = [0, 1, 2, 3].map(|offset: usize| row(row_idx + offset));
        add_rows(four, pair.weights::<ROWS>(row_idx), sums);
        row_idx += ROWS;
    }
    for row_idx in row_idx..rows.end {
        add_rows([row(row_idx)], pair.weights::<1>(row_idx), sums);
    }
}

#[inline(always)]
fn add_rows<const N: usize>(
    rows: [&[u8]; N],
    [ahead, back]: [[f32; N]; 2],
    [forwards, backwards]: &mut [Vec<f32>; 2],
) {
    // Of one length, so that no index is checked inside the loop.
    let n_sums = forwards.len();
    let forwards = &mut forwards[..n_sums];
    let backwards = &mut backwards[..n_sums];
    let rows = rows.map(|row| &row[..n_sums]);
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

/// The samples of a row, from its luma.
#[inline(always)]
pub(super) fn sum_columns(luma: &[f32], columns: &[Tent], samples: &mut [f32; SIDE]) {
    for (sample, column) in samples.iter_mut().zip(columns) {
        *sample = dot(&luma[column.first..column.end()], &column.weights);
    }
}

#[inline(always)]
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
