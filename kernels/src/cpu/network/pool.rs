//! The largest or the mean value under a window, and over a whole picture.

use std::ops::Range;

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
    /// Results are cut to this.
    pub(super) bounds: (f32, f32),
    pub(super) out: &'a mut [Lanes],
    /// From one position of the result to the next, in vectors.
    pub(super) position_step: usize,
}

impl Job for Pool<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        if self.is_max {
            self.all(isa, &Largest);
        } else {
            self.all(isa, &Sum);
        }
    }
}

impl Pool<'_> {
    #[inline(always)]
    fn all<I: Isa>(mut self, isa: I, fold: &impl Fold) {
        let padding = self.window.padding;
        for row in 0..self.to.height {
            let rows = self.covered(row, padding.top, self.from.height);
            for column in 0..self.to.width {
                let columns = self.covered(column, padding.left, self.from.width);
                let at = (row * self.to.width + column) * self.position_step;
                match (rows.len(), columns.len()) {
                    (3, 3) => self.position::<I, 3, 3>(isa, fold, (rows.start, columns.start), at),
                    (3, 2) => self.position::<I, 3, 2>(isa, fold, (rows.start, columns.start), at),
                    (2, 3) => self.position::<I, 2, 3>(isa, fold, (rows.start, columns.start), at),
                    (2, 2) => self.position::<I, 2, 2>(isa, fold, (rows.start, columns.start), at),
                    _ => self.any_position(isa, fold, (rows.clone(), columns), at),
                }
            }
        }
    }

    /// Places of an axis that the window covers and that are no padding.
    #[inline(always)]
    fn covered(&self, position: usize, before: usize, length: usize) -> Range<usize> {
        let first = position * self.window.stride;
        let end = (first + self.window.side).saturating_sub(before);
        first.saturating_sub(before)..end.min(length)
    }

    /// One position whose window covers `R` rows and `C` columns, as nearly all
    /// do: loops of known length, and slices that need no check.
    #[inline(always)]
    fn position<I: Isa, const R: usize, const C: usize>(
        &mut self,
        isa: I,
        fold: &impl Fold,
        (top, left): (usize, usize),
        at: usize,
    ) {
        let blocks = self.from.blocks();
        let mut places: [[&[Lanes]; C]; R] = [[&[]; C]; R];
        for (row, places) in places.iter_mut().enumerate() {
            for (column, place) in places.iter_mut().enumerate() {
                let first = ((top + row) * self.from.width + left + column) * blocks;
                *place = &self.input[first..][..blocks];
            }
        }
        let share = isa.splat(fold.share(R * C));
        let (low, high) = (isa.splat(self.bounds.0), isa.splat(self.bounds.1));
        let out = &mut self.out[at..][..blocks];
        for block in 0..blocks {
            let mut value = isa.splat(fold.start());
            for row in &places {
                for place in row {
                    value = fold.with(isa, value, isa.load(&place[block]));
                }
            }
            let value = isa.mul(value, share);
            isa.store(isa.min(isa.max(value, low), high), &mut out[block]);
        }
    }

    /// One position whatever its window covers.
    #[inline(always)]
    fn any_position<I: Isa>(
        &mut self,
        isa: I,
        fold: &impl Fold,
        (rows, columns): (Range<usize>, Range<usize>),
        at: usize,
    ) {
        let blocks = self.from.blocks();
        let share = isa.splat(fold.share(rows.len() * columns.len()));
        let (low, high) = (isa.splat(self.bounds.0), isa.splat(self.bounds.1));
        for block in 0..blocks {
            let mut value = isa.splat(fold.start());
            for row in rows.clone() {
                for column in columns.clone() {
                    let place = (row * self.from.width + column) * blocks + block;
                    value = fold.with(isa, value, isa.load(&self.input[place]));
                }
            }
            let value = isa.mul(value, share);
            isa.store(
                isa.min(isa.max(value, low), high),
                &mut self.out[at + block],
            );
        }
    }
}

/// What becomes of the values under a window.
trait Fold {
    fn start(&self) -> f32;
    fn with<I: Isa>(&self, isa: I, folded: I::F32, value: I::F32) -> I::F32;
    /// What the outcome of `n` values is multiplied with.
    fn share(&self, n: usize) -> f32;
}

struct Largest;

impl Fold for Largest {
    #[inline(always)]
    fn start(&self) -> f32 {
        f32::NEG_INFINITY
    }

    #[inline(always)]
    fn with<I: Isa>(&self, isa: I, folded: I::F32, value: I::F32) -> I::F32 {
        isa.max(folded, value)
    }

    #[inline(always)]
    fn share(&self, _: usize) -> f32 {
        1.0
    }
}

struct Sum;

impl Fold for Sum {
    #[inline(always)]
    fn start(&self) -> f32 {
        0.0
    }

    #[inline(always)]
    fn with<I: Isa>(&self, isa: I, folded: I::F32, value: I::F32) -> I::F32 {
        isa.add(folded, value)
    }

    #[inline(always)]
    fn share(&self, n: usize) -> f32 {
        1.0 / to_f32(n)
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
