//! A component's samples while its scan is read: one row of units at a time, and a
//! sample row of the one before.

use imgshare_kernels::cpu::dct::{self, BLOCKS, InverseDct, SIDE, Steps};
use imgshare_kernels::cpu::ycbcr::Rows;

use super::TOO_LARGE;
use super::plane::{Laid, Plane, filled, steps};
use crate::error::Reject;

/// Sample rows kept of the row of units before: what interpolating chroma needs.
pub(super) const CARRIED: usize = 1;

/// The samples, and blocks that are not among them yet: the last of those is being
/// read.
pub(super) struct Strip {
    inverse: InverseDct,
    steps: Steps,
    /// Samples of a row, those of padding included.
    stride: usize,
    /// Blocks of a unit, one below the other.
    down: usize,
    /// The [`CARRIED`] rows, then those of this row of units.
    samples: Vec<u8>,
    /// How many rows of units have ended.
    n_ended: usize,
    waiting: Box<dct::Coefficients>,
    drawn: Box<dct::Samples>,
    /// Where the first sample of each goes.
    starts: [usize; BLOCKS],
    n_waiting: usize,
}

impl Strip {
    /// The samples at hand, at the end of a row of units.
    pub(super) fn rows(&self) -> Rows<'_> {
        // Nothing is carried into the first row of units.
        let carried = if self.n_ended == 0 { 0 } else { CARRIED };
        Rows {
            samples: &self.samples[(CARRIED - carried) * self.stride..],
            stride: self.stride,
            first: self.n_ended * self.down * SIDE - carried,
        }
    }

    /// Draws what waits.
    #[inline(never)]
    pub(super) fn draw_waiting(&mut self) {
        self.inverse
            .run(&self.waiting, &self.steps, &mut self.drawn);
        *self.waiting = [[0; BLOCKS]; SIDE * SIDE];
        for (lane, start) in self.starts.iter().take(self.n_waiting).enumerate() {
            let rows = self.samples[*start..].chunks_mut(self.stride);
            for (to, rows) in rows.zip(self.drawn.iter()) {
                to[..SIDE].copy_from_slice(&rows[lane]);
            }
        }
        self.n_waiting = 0;
    }

    /// Begins the next row of units.
    pub(super) fn advance(&mut self) {
        self.n_ended += 1;
        let last = self.samples.len() - CARRIED * self.stride;
        self.samples.copy_within(last.., 0);
    }
}

impl Plane for Strip {
    type Purpose = InverseDct;

    fn new(component: &Laid<'_>, inverse: InverseDct) -> Result<Self, Reject> {
        let stride = component.grid.columns * SIDE;
        let down = component.grid.down;
        let length = stride.checked_mul(CARRIED + down * SIDE).ok_or(TOO_LARGE)?;
        Ok(Self {
            inverse,
            steps: Steps::new(&steps(component.quantisation)?),
            stride,
            down,
            samples: filled(length, 0)?,
            n_ended: 0,
            waiting: Box::new([[0; BLOCKS]; SIDE * SIDE]),
            drawn: Box::new([[[0; SIDE]; BLOCKS]; SIDE]),
            starts: [0; BLOCKS],
            n_waiting: 0,
        })
    }

    /// Where its first sample is.
    #[inline(always)]
    fn block(&self, column: usize, row: usize) -> usize {
        let row = row.wrapping_sub(self.n_ended * self.down);
        (CARRIED + row * SIDE) * self.stride + column * SIDE
    }

    #[inline(always)]
    fn set(&mut self, _block: usize, position: usize, value: i16) {
        self.waiting[position & 63][self.n_waiting & (BLOCKS - 1)] = value;
    }

    #[inline(always)]
    fn complete(&mut self, block: usize) {
        self.starts[self.n_waiting & (BLOCKS - 1)] = block;
        self.n_waiting += 1;
        if self.n_waiting == BLOCKS {
            self.draw_waiting();
        }
    }
}
