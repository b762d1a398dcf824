//! What is done to squares before and after they are multiplied.
#![expect(
    clippy::needless_range_loop,
    reason = "a square is indexed in two directions, and its loops must unroll"
)]

use std::ops::Range;

use super::super::super::isa::{Isa, Job, LANES, Lanes};
use super::super::matrix::inputs_norm;
use super::super::round::{HALF_MAX, NORM_SLACK, finite};
use super::super::shape::Shape;
use super::super::words::Words;
use super::WinogradStep;
use super::minimal::{N_PRODUCTS, SIDE, STEP, give, take};

/// How the values of one place are rounded.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    /// Steps of the integers that 1.0 is.
    pub(super) fineness: f32,
    /// What one step stands for.
    pub(super) step: f32,
}

impl Scale {
    /// Of floats.
    pub(super) const NONE: Self = Self {
        fineness: 1.0,
        step: 1.0,
    };
}

/// Finds how fine the values of each place can be rounded, all squares alike.
pub(super) struct Measure<'a> {
    pub(super) step: &'a WinogradStep,
    pub(super) input: &'a [Lanes],
}

impl Job for Measure<'_> {
    type Output = [Scale; N_PRODUCTS];

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Self::Output {
        let blocks = self.step.from.blocks();
        // The largest sum of squares in each lane is no less than that of any
        // one square, and takes one addition over lanes in the end.
        let mut largest = [isa.splat(0.0); N_PRODUCTS];
        for square in 0..self.step.n_squares() {
            let places = self.step.places(square);
            let mut sums = [isa.splat(0.0); N_PRODUCTS];
            for block in 0..blocks {
                let values = taken(isa, self.input, &places, block);
                for product in 0..N_PRODUCTS {
                    let value = values[product];
                    sums[product] = isa.mul_add(value, value, sums[product]);
                }
            }
            for product in 0..N_PRODUCTS {
                // What is no number is passed over: the second operand stands then.
                largest[product] = isa.max(sums[product], largest[product]);
            }
        }
        let mut scales = [Scale::NONE; N_PRODUCTS];
        for (scale, largest) in scales.iter_mut().zip(largest) {
            let mut lanes = [0.0; LANES];
            isa.store(largest, &mut lanes);
            let norm_max = inputs_norm(blocks * LANES);
            *scale = rounding(&lanes, norm_max);
        }
        scales
    }
}

fn rounding(squares: &[f32; LANES], norm_max: f32) -> Scale {
    let sum: f32 = squares.iter().sum();
    let largest = squares.iter().copied().fold(0.0, f32::max);
    let by_norm = norm_max * NORM_SLACK / sum.sqrt();
    let by_size = HALF_MAX * NORM_SLACK / largest.sqrt();
    let fineness = finite(by_norm.min(by_size));
    Scale {
        fineness,
        step: if fineness > 0.0 { 1.0 / fineness } else { 0.0 },
    }
}

/// Brings the values of some squares into the form that is multiplied.
pub(super) struct Take<'a, W: Words> {
    pub(super) step: &'a WinogradStep,
    pub(super) input: &'a [Lanes],
    pub(super) squares: Range<usize>,
    pub(super) scales: &'a [Scale; N_PRODUCTS],
    /// By place in a square, square and sixteen channels.
    pub(super) out: &'a mut [W::Channels],
}

impl<W: Words> Job for Take<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let blocks = self.step.from.blocks();
        let product_step = self.squares.len() * blocks;
        for (square_idx, square) in self.squares.enumerate() {
            let places = self.step.places(square);
            for block in 0..blocks {
                let values = taken(isa, self.input, &places, block);
                let first = square_idx * blocks + block;
                for product in 0..N_PRODUCTS {
                    let value = if W::IS_SCALED {
                        isa.mul(values[product], isa.splat(self.scales[product].fineness))
                    } else {
                        values[product]
                    };
                    W::store(isa, value, self.out, product * product_step + first);
                }
            }
        }
    }
}

/// Sixteen channels of a square as they are multiplied.
#[inline(always)]
fn taken<I: Isa>(
    isa: I,
    input: &[Lanes],
    places: &[usize; N_PRODUCTS],
    block: usize,
) -> [I::F32; N_PRODUCTS] {
    let mut by_row = [[isa.splat(0.0); SIDE]; SIDE];
    for column in 0..SIDE {
        let mut values = [isa.splat(0.0); SIDE];
        for row in 0..SIDE {
            if let Some(lanes) = input.get(places[row * SIDE + column] + block) {
                values[row] = isa.load(lanes);
            }
        }
        let values = take(isa, values);
        for row in 0..SIDE {
            by_row[row][column] = values[row];
        }
    }
    let mut out = [isa.splat(0.0); N_PRODUCTS];
    for row in 0..SIDE {
        let values = take(isa, by_row[row]);
        for column in 0..SIDE {
            out[row * SIDE + column] = values[column];
        }
    }
    out
}

/// Turns the sums of some squares into results.
pub(super) struct Give<'a> {
    pub(super) step: &'a WinogradStep,
    /// By place in a square, square and sixteen channels.
    pub(super) sums: &'a [Lanes],
    pub(super) squares: Range<usize>,
    pub(super) blocks: Range<usize>,
    pub(super) out: &'a mut [Lanes],
    pub(super) position_step: usize,
}

impl Job for Give<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Shape { height, width, .. } = self.step.to;
        let (low, high) = self.step.bounds;
        let (low, high) = (isa.splat(low), isa.splat(high));
        let n_blocks = self.blocks.len();
        let product_step = self.squares.len() * n_blocks;
        for (square_idx, square) in self.squares.enumerate() {
            let (top, left) = self.step.place(square);
            for (block_idx, block) in self.blocks.clone().enumerate() {
                let bias = isa.load(&self.step.bias[block]);
                let first = square_idx * n_blocks + block_idx;
                let mut by_row = [[isa.splat(0.0); SIDE]; STEP];
                for column in 0..SIDE {
                    let mut sums = [isa.splat(0.0); SIDE];
                    for row in 0..SIDE {
                        let at = (row * SIDE + column) * product_step + first;
                        sums[row] = isa.load(&self.sums[at]);
                    }
                    let given = give(isa, sums);
                    for row in 0..STEP {
                        by_row[row][column] = given[row];
                    }
                }
                for row in 0..STEP.min(height - top) {
                    let given = give(isa, by_row[row]);
                    for column in 0..STEP.min(width - left) {
                        let position = (top + row) * width + left + column;
                        let value = isa.add(given[column], bias);
                        let slot = &mut self.out[position * self.position_step + block];
                        isa.store(isa.min(isa.max(value, low), high), slot);
                    }
                }
            }
        }
    }
}
