//! A convolution's input, made ready for the product: samples become floats,
//! padding becomes memory.

use super::super::isa::{HalfLanes, Isa, Job, LANES};
use super::aligned::Aligned;
use super::layer::{Levels, Padding};
use super::matrix::INPUT_MAX;
use super::shape::Shape;

/// What a convolution reads.
#[derive(Clone, Copy)]
pub(super) enum Input<'a> {
    /// The network's input, and what it stands for.
    Samples(&'a [u16], Levels),
    /// What another step left.
    Values(&'a [f32]),
}

/// Memory for inputs made ready, as large as the largest of a plan.
#[derive(Default)]
pub(super) struct Prepared {
    pub(super) floats: Aligned<f32>,
    pub(super) integers: Aligned<i32>,
    /// A padded picture of samples, for one plan's first step alone.
    pub(super) samples: Aligned<i32>,
    /// What several branches read, and what 1 in it stands for.
    pub(super) shared: Aligned<i32>,
    pub(super) shared_scale: f32,
    /// Squares of a picture's values, summed up.
    pub(super) squares: Aligned<f32>,
    /// The padded picture that `floats` is laid out for, and the values of its
    /// positions.
    pub(super) layout: Option<(Shape, Padding, usize)>,
}

/// Values that [`Prepared`] must hold.
#[derive(Clone, Copy, Default)]
pub(super) struct PreparedSizes {
    pub(super) floats: usize,
    pub(super) integers: usize,
    pub(super) samples: usize,
    pub(super) squares: usize,
    pub(super) shared: usize,
}

impl Prepared {
    pub(super) fn new(sizes: PreparedSizes) -> Self {
        Self {
            floats: Aligned::zeros(sizes.floats),
            integers: Aligned::zeros(sizes.integers),
            samples: Aligned::zeros(sizes.samples),
            shared: Aligned::zeros(sizes.shared),
            shared_scale: 0.0,
            squares: Aligned::zeros(sizes.squares),
            layout: None,
        }
    }
}

/// An input made ready.
#[derive(Clone, Copy)]
pub(super) enum Ready<'a> {
    Floats(&'a [f32]),
    Integers { words: &'a [i32], scale: f32 },
}

/// The largest sample.
const SAMPLE_MAX: f32 = 65_535.0;

/// Copies `source` into the middle of a padded picture, converting as it goes.
/// The padding itself is left as it is: zero, as all memory starts.
pub(super) struct Pad<'a, T> {
    pub(super) source: &'a [T],
    pub(super) rows: usize,
    /// Values of a row of the source.
    pub(super) row: usize,
    /// Values before the first row and column.
    pub(super) before: usize,
    /// Values of a row of the padded picture.
    pub(super) padded_row: usize,
    /// What samples stand for.
    pub(super) levels: Levels,
    pub(super) out: &'a mut [f32],
}

/// Where a picture lies in its padded form, in values.
pub(super) fn padded_sizes(shape: Shape, values: usize, padding: Padding) -> (usize, usize) {
    let row = (shape.width + padding.left + padding.right) * values;
    (row, row * (shape.height + padding.top + padding.bottom))
}

/// A value that a picture can be padded from.
pub(super) trait Sample: Copy {
    /// What it stands for: `low`, and `step` more for each 1 of a sample.
    fn to_f32(self, low: f32, step: f32) -> f32;
}

impl Sample for u16 {
    #[inline(always)]
    fn to_f32(self, low: f32, step: f32) -> f32 {
        f32::from(self) * step + low
    }
}

impl Sample for f32 {
    #[inline(always)]
    fn to_f32(self, _: f32, _: f32) -> f32 {
        self
    }
}

impl<T: Sample> Job for Pad<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let Levels { low, high } = self.levels;
        let step = (high - low) / SAMPLE_MAX;
        let rows = self.source.chunks_exact(self.row).take(self.rows);
        for (row_idx, row) in rows.enumerate() {
            let out = &mut self.out[self.before + row_idx * self.padded_row..][..self.row];
            for (value, sample) in out.iter_mut().zip(row) {
                *value = sample.to_f32(low, step);
            }
        }
    }
}

/// Copies samples into the middle of a padded picture of 16-bit integers, of
/// which none exceeds [`INPUT_MAX`], two a word. Returns what 1 stands for. The
/// padding itself is left as it is.
pub(super) struct PadPairs<'a> {
    pub(super) source: &'a [u16],
    /// Values of a row of the source.
    pub(super) row: usize,
    /// Words before the first row and column.
    pub(super) before: usize,
    /// Words of a row of the padded picture.
    pub(super) padded_row: usize,
    pub(super) levels: Levels,
    pub(super) out: &'a mut [i32],
}

impl Job for PadPairs<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> f32 {
        let Levels { low, high } = self.levels;
        let largest = match low.abs().max(high.abs()) {
            0.0 => 1.0,
            largest => largest,
        };
        let fineness = f32::from(INPUT_MAX) / largest;
        let step = isa.splat((high - low) / SAMPLE_MAX * fineness);
        let low = isa.splat(low * fineness);
        let n_words = self.row.div_ceil(2);
        let rows = self.source.chunks_exact(self.row);
        for (row, out) in rows.zip(self.out[self.before..].chunks_mut(self.padded_row)) {
            let out = &mut out[..n_words];
            for (samples, out) in row.chunks(LANES).zip(out.chunks_mut(LANES / 2)) {
                let mut values = [0.0; LANES];
                for (value, &sample) in values.iter_mut().zip(samples) {
                    *value = f32::from(sample);
                }
                let values = isa.mul_add(isa.load(&values), step, low);
                if let Ok(out) = <&mut HalfLanes>::try_from(&mut *out) {
                    isa.store_halves(values, out);
                } else {
                    let mut words = [0; LANES / 2];
                    isa.store_halves(values, &mut words);
                    out.copy_from_slice(&words[..out.len()]);
                }
            }
            // An odd row ends in half a word, which is padding.
            if let (false, Some(last)) = (self.row.is_multiple_of(2), out.last_mut()) {
                *last &= 0xffff;
            }
        }
        largest / f32::from(INPUT_MAX)
    }
}
