//! The largest or the mean value under a window, and over a whole picture.

use super::super::isa::{Isa, Job, Lanes};
use super::layer::Window;
use super::shape::Shape;

/// A window moves over every channel.
pub(super) struct Pool<'a> {
    pub(super) is_max: bool,
    pub(super) window: Window,
    pub(super) input: &'a [Lanes],
    pub(super) from: Shape,
    pub(super) to: Shape,
    pub(super) out: &'a mut [Lanes],
    /// From one position of the result to the next, in vectors.
    pub(super) position_step: usize,
}

impl Job for Pool<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Window {
            side,
            stride,
            padding,
        } = self.window;
        let blocks = self.from.blocks();
        // Places of an axis that a window covers and that are no padding.
        let covered = |position: usize, before: usize, length: usize| {
            let first = (position * stride).saturating_sub(before);
            let end = (position * stride + side).saturating_sub(before);
            first..end.min(length)
        };
        for row in 0..self.to.height {
            let rows = covered(row, padding.top, self.from.height);
            for column in 0..self.to.width {
                let columns = covered(column, padding.left, self.from.width);
                let mean = isa.splat(1.0 / to_f32(rows.len() * columns.len()));
                let at = (row * self.to.width + column) * self.position_step;
                for block in 0..blocks {
                    let mut value = isa.splat(if self.is_max { f32::NEG_INFINITY } else { 0.0 });
                    for row in rows.clone() {
                        for column in columns.clone() {
                            let place = (row * self.from.width + column) * blocks + block;
                            let input = isa.load(&self.input[place]);
                            value = if self.is_max {
                                isa.max(value, input)
                            } else {
                                isa.add(value, input)
                            };
                        }
                    }
                    if !self.is_max {
                        value = isa.mul(value, mean);
                    }
                    isa.store(value, &mut self.out[at + block]);
                }
            }
        }
    }
}

/// The mean of each channel over all positions.
pub(super) struct Mean<'a> {
    pub(super) input: &'a [Lanes],
    pub(super) positions: usize,
    pub(super) out: &'a mut [Lanes],
}

impl Job for Mean<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let blocks = self.input.len() / self.positions;
        let mean = isa.splat(1.0 / to_f32(self.positions));
        for (block, out) in self.out.iter_mut().enumerate().take(blocks) {
            let mut sum = isa.splat(0.0);
            for position in 0..self.positions {
                sum = isa.add(sum, isa.load(&self.input[position * blocks + block]));
            }
            isa.store(isa.mul(sum, mean), out);
        }
    }
}

/// Turns values into probabilities: `exp(v - largest)`, divided by their sum.
pub(super) fn softmax(values: &mut [f32]) {
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for value in values.iter_mut() {
        *value = (*value - largest).exp();
        sum += *value;
    }
    for value in values {
        *value /= sum;
    }
}

#[expect(clippy::cast_precision_loss, reason = "positions are far below 2^24")]
fn to_f32(n: usize) -> f32 {
    n as f32
}
