//! A 3x3 convolution of each channel by itself, over rows that wait in a ring.
//!
//! A tile of positions in a row stays in registers: each input column is loaded
//! once for the three rows and goes into every position that it lies under.

use std::ops::Range;

use super::super::isa::{Isa, Job, Lanes};
use super::words::Stored;

/// Weights of sixteen channels: the kernel row by row, then the bias.
#[derive(Clone, Copy)]
pub(super) struct Kernel {
    pub(super) taps: [Lanes; 9],
    pub(super) bias: Lanes,
}

/// Rows of sixteen channels that wait, by `row % n_rows`, with the columns of
/// padding on both sides, so that no tile has to ask where it lies.
#[derive(Clone, Copy)]
pub(super) struct Ring<'a> {
    pub(super) lanes: &'a [Lanes],
    pub(super) n_rows: usize,
    /// Rows of the whole picture.
    pub(super) height: usize,
    /// Columns of a row, padding included.
    pub(super) width: usize,
}

/// Padding around the picture, as far as a kernel asks for it, and the stride.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    pub(super) top: usize,
    pub(super) left: usize,
    pub(super) right: usize,
    pub(super) stride: usize,
}

/// Some output rows of some sixteens of channels.
pub(super) struct Depthwise<'a, W: Stored> {
    pub(super) ring: Ring<'a>,
    pub(super) steps: Steps,
    pub(super) kernels: &'a [Kernel],
    pub(super) rows: Range<usize>,
    pub(super) width: usize,
    pub(super) low: f32,
    pub(super) high: f32,
    /// As long as a row of the ring, all zero.
    pub(super) zeros: &'a [Lanes],
    /// By position, then by sixteen channels as their product reads them.
    pub(super) out: &'a mut [W::Channels],
}

impl<W: Stored> Job for Depthwise<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        for block in 0..self.kernels.len() {
            for row in self.rows.clone() {
                match self.steps.stride {
                    1 => self.row::<I, 1>(isa, block, row),
                    _ => self.row::<I, 2>(isa, block, row),
                }
            }
        }
    }
}

impl<'a, W: Stored> Depthwise<'a, W> {
    #[inline(always)]
    fn row<I: Isa, const S: usize>(&mut self, isa: I, block: usize, row: usize) {
        let mut inputs: [&[Lanes]; 3] = [&[]; 3];
        for (tap, input) in inputs.iter_mut().enumerate() {
            *input = self.input(block, (row * S + tap).wrapping_sub(self.steps.top));
        }
        let mut column = 0;
        while column < self.width {
            let at = ((row - self.rows.start) * self.width + column, block);
            column += match (I::TILE_ROWS, S, self.width - column) {
                (7.., 1, 7..) => self.tile::<I, S, 7>(isa, &inputs, column, at),
                (7.., 2, 4..) => self.tile::<I, S, 4>(isa, &inputs, column, at),
                (6, _, 4..) => self.tile::<I, S, 4>(isa, &inputs, column, at),
                (_, _, 3..) => self.tile::<I, S, 3>(isa, &inputs, column, at),
                (_, _, 2..) => self.tile::<I, S, 2>(isa, &inputs, column, at),
                _ => self.tile::<I, S, 1>(isa, &inputs, column, at),
            };
        }
    }

    /// A row of the picture; beyond its edges all is zero.
    #[inline(always)]
    fn input(&self, block: usize, row: usize) -> &'a [Lanes] {
        let ring = self.ring;
        if row < ring.height {
            let slot = block * ring.n_rows + row % ring.n_rows;
            &ring.lanes[slot * ring.width..][..ring.width]
        } else {
            &self.zeros[..ring.width]
        }
    }

    #[inline(always)]
    fn tile<I: Isa, const S: usize, const T: usize>(
        &mut self,
        isa: I,
        inputs: &[&[Lanes]; 3],
        column: usize,
        (position, block): (usize, usize),
    ) -> usize {
        // Cut out before the work: were a place checked behind the result before
        // it, the compiler would put the work for it off until then, and spill.
        let pitch = W::pitch(self.kernels.len());
        let mut rest = &mut self.out[position * pitch..];
        let mut places = [const { None }; T];
        for place in &mut places {
            let (first, others) = rest.split_at_mut(pitch);
            (*place, rest) = (Some(first), others);
        }
        let kernel = &self.kernels[block];
        let mut sums = [isa.load(&kernel.bias); T];
        // As many columns as the tile lies over, so that no load checks bounds.
        let n_columns = (T - 1) * S + 3;
        let inputs = inputs.map(|row| &row[column * S..][..n_columns]);
        for (tap_row, input) in inputs.into_iter().enumerate() {
            let mut taps = [isa.splat(0.0); 3];
            for (tap, weights) in taps.iter_mut().zip(&kernel.taps[tap_row * 3..]) {
                *tap = isa.load(weights);
            }
            for offset in 0..n_columns {
                let value = isa.load(&input[offset]);
                for t in 0..T {
                    if offset >= t * S && offset < t * S + 3 {
                        sums[t] = isa.mul_add(value, taps[offset - t * S], sums[t]);
                    }
                }
            }
        }
        let (low, high) = (isa.splat(self.low), isa.splat(self.high));
        for (sum, place) in sums.into_iter().zip(places) {
            if let Some(place) = place {
                W::store(isa, isa.min(isa.max(sum, low), high), place, block);
            }
        }
        T
    }
}
