//! Pictures of floats, rounded to 16-bit integers as fine as the sums that read
//! them allow.

use super::super::isa::{Isa, Job, LANES, Lanes};
use super::layer::Padding;
use super::matrix::{INPUT_MAX, inputs_norm};
use super::shape::Shape;
use super::words::Stored;

/// The largest 16-bit integer.
pub(super) const HALF_MAX: f32 = 32_767.0;
/// Sums of squares are rounded, some thousand times at most.
pub(super) const NORM_SLACK: f32 = 0.999;
/// Steps finer than this come of values whose squares are too small for f32.
const FINENESS_MAX: f32 = 1e20;

/// How many steps of the integers 1.0 is, so that the largest value becomes
/// [`INPUT_MAX`].
pub(super) struct ByLargest<'a> {
    pub(super) source: &'a [Lanes],
}

impl Job for ByLargest<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> f32 {
        let mut largest = isa.splat(0.0);
        for values in self.source {
            largest = isa.max(magnitude(isa, isa.load(values)), largest);
        }
        finite(f32::from(INPUT_MAX) / largest_lane(isa, largest))
    }
}

/// How many steps of the integers 1.0 is, so that the values under any place of
/// a window have no larger norm than [`inputs_norm`].
pub(super) struct ByNorm<'a> {
    pub(super) source: &'a [Lanes],
    pub(super) shape: Shape,
    /// Rows and columns of the window.
    pub(super) window: [usize; 2],
    /// Memory for [`ByNorm::n_sums`] values.
    pub(super) sums: &'a mut [f32],
}

impl ByNorm<'_> {
    /// Values that it needs memory for.
    pub(super) fn n_sums(shape: Shape) -> usize {
        shape.positions() + 2 * shape.width
    }
}

impl Job for ByNorm<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> f32 {
        let Shape { height, width, .. } = self.shape;
        let (squares, sums) = self.sums.split_at_mut(self.shape.positions());
        let mut largest = isa.splat(0.0);
        let positions = self.source.chunks_exact(self.shape.blocks());
        for (square, position) in squares.iter_mut().zip(positions) {
            let mut sum = isa.splat(0.0);
            for values in position {
                let values = isa.load(values);
                largest = isa.max(magnitude(isa, values), largest);
                sum = isa.mul_add(values, values, sum);
            }
            *square = sum_of_lanes(isa, sum);
        }
        // No square is negative, so a window that is partly outside has no more
        // under it than one inside.
        let [rows, columns] = [self.window[0].min(height), self.window[1].min(width)];
        let (of_rows, of_window) = sums.split_at_mut(width);
        let mut squares_max = 0.0_f32;
        for top in 0..=height - rows {
            of_rows.fill(0.0);
            for row in squares[top * width..][..rows * width].chunks_exact(width) {
                add(of_rows, row);
            }
            let of_window = &mut of_window[..=width - columns];
            of_window.fill(0.0);
            for left in 0..columns {
                add(of_window, &of_rows[left..]);
            }
            squares_max = of_window.iter().fold(squares_max, |a, &b| larger(a, b));
        }
        let n_inputs = self.window[0] * self.window[1] * self.shape.channels;
        let by_norm = inputs_norm(n_inputs) * NORM_SLACK / squares_max.sqrt();
        let by_size = HALF_MAX / largest_lane(isa, largest);
        finite(if by_norm < by_size { by_norm } else { by_size })
    }
}

/// Rounds a picture, `fineness` steps for each 1.0, into the middle of a padded
/// one.
pub(super) struct Round<'a, W: Stored> {
    pub(super) source: &'a [Lanes],
    pub(super) shape: Shape,
    pub(super) padding: Padding,
    pub(super) fineness: f32,
    pub(super) out: &'a mut [W::Channels],
}

impl<W: Stored> Job for Round<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let blocks = self.shape.blocks();
        let pitch = W::pitch(blocks);
        let (left, right) = (self.padding.left * pitch, self.padding.right * pitch);
        let (source_row, row) = (self.shape.width * blocks, self.shape.width * pitch);
        // Where nothing lies between positions, a row is one long position.
        let (blocks, pitch) = if pitch == blocks {
            (source_row, row)
        } else {
            (blocks, pitch)
        };
        let padded_row = left + row + right;
        let fineness = isa.splat(self.fineness);
        let zero = W::Channels::default();
        let (above, rest) = self.out.split_at_mut(self.padding.top * padded_row);
        let (rows, below) = rest.split_at_mut(self.shape.height * padded_row);
        above.fill(zero);
        below.fill(zero);
        let rows = rows.chunks_exact_mut(padded_row);
        for (out, source) in rows.zip(self.source.chunks_exact(source_row)) {
            let (before, rest) = out.split_at_mut(left);
            let (out, after) = rest.split_at_mut(row);
            before.fill(zero);
            after.fill(zero);
            let positions = source.chunks_exact(blocks);
            for (values, out) in positions.zip(out.chunks_exact_mut(pitch)) {
                for (block, values) in values.iter().enumerate() {
                    W::store(isa, isa.mul(isa.load(values), fineness), out, block);
                }
            }
        }
    }
}

/// What is neither a number nor of any use becomes 0, and so does what comes of
/// values that are nothing beside any bias.
pub(super) fn finite(fineness: f32) -> f32 {
    if (0.0..=FINENESS_MAX).contains(&fineness) {
        fineness
    } else {
        0.0
    }
}

#[inline(always)]
fn magnitude<I: Isa>(isa: I, values: I::F32) -> I::F32 {
    isa.max(values, isa.mul(values, isa.splat(-1.0)))
}

#[inline(always)]
fn add(sums: &mut [f32], values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}

/// Which is one comparison where `f32::max` also looks for what is no number.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

#[inline(always)]
fn largest_lane<I: Isa>(isa: I, values: I::F32) -> f32 {
    let mut lanes = [0.0; LANES];
    isa.store(values, &mut lanes);
    lanes.into_iter().fold(0.0, f32::max)
}

/// In halves, so that no addition waits for more than four.
#[inline(always)]
fn sum_of_lanes<I: Isa>(isa: I, values: I::F32) -> f32 {
    let mut lanes = [0.0; LANES];
    isa.store(values, &mut lanes);
    let mut n_lanes = LANES;
    while n_lanes > 1 {
        n_lanes /= 2;
        for lane in 0..n_lanes {
            lanes[lane] += lanes[lane + n_lanes];
        }
    }
    lanes[0]
}
