//! A component drawn at some eighths of its size, block by block, while its scan
//! is read: a row of units at a time, which stays in the cache.

use std::slice::ChunksExact;

use super::inverse::{Coefficients, Draw, SIDE, draw_low, draw_of, scale};
use super::plane::{Laid, Plane, filled};
use super::reduced::Eighths;
use super::turn::ZIGZAG;
use super::{BROKEN, TOO_LARGE};
use crate::error::Reject;

/// The bits of a place, row * 8 + column, that the four lowest frequencies of
/// both directions do not have.
const HIGH: u8 = 0b100_100;

/// The samples of one component, and the block being read.
pub(super) struct Drawn {
    draw: Draw,
    /// Samples of a drawn block.
    across: usize,
    down: usize,
    /// Samples of a row, those of padding included.
    stride: usize,
    /// The row of units being read.
    samples: Vec<u8>,
    /// Its first row of blocks, and how many it has.
    first_row: usize,
    n_rows: usize,
    /// By zigzag position: step and scale, and the place among the coefficients.
    factors: [(f32, u8); 64],
    block: Coefficients,
    /// The bits of all its places together: those of a block's mean are none.
    places: u8,
}

/// Samples of a drawn block, across and down, of a component that is stretched
/// so; `None` where it cannot be drawn at that size.
pub(super) fn block_size(
    stretch: Option<(usize, usize)>,
    eighths: Eighths,
) -> Option<(usize, usize)> {
    let (across, down) = stretch?;
    let size = (across * eighths.count(), down * eighths.count());
    draw_of(size.0, size.1).map(|_| size)
}

impl Drawn {
    /// The rows of samples that are drawn.
    pub(super) fn rows(&self) -> ChunksExact<'_, u8> {
        self.samples.chunks_exact(self.stride)
    }

    /// From now on the next row of units is drawn.
    pub(super) fn next_row(&mut self) {
        self.first_row += self.n_rows;
    }

    fn factors(table: &[u8], (across, down): (usize, usize)) -> Result<[(f32, u8); 64], Reject> {
        let (head, steps) = table.split_first().ok_or(BROKEN)?;
        let step = |position: usize| match head >> 4 {
            0 => steps.get(position).map(|step| f32::from(*step)),
            _ => {
                let wide = steps.get(2 * position..)?.first_chunk()?;
                Some(f32::from(u16::from_be_bytes(*wide)))
            }
        };
        let mut factors = [(0.0, 0); 64];
        for (position, (factor, natural)) in factors.iter_mut().zip(ZIGZAG).enumerate() {
            let at = usize::from(natural);
            let scale = scale(down, at / SIDE) * scale(across, at % SIDE);
            *factor = (step(position).ok_or(BROKEN)? * scale, natural);
        }
        Ok(factors)
    }
}

impl Plane for Drawn {
    type Purpose = Eighths;

    fn new(component: &Laid<'_>, eighths: Eighths) -> Result<Self, Reject> {
        let size = block_size(component.stretch, eighths).ok_or(BROKEN)?;
        let (across, down) = size;
        let stride = component.grid.columns * across;
        let length = stride
            .checked_mul(component.grid.down * down)
            .ok_or(TOO_LARGE)?;
        Ok(Self {
            draw: draw_of(across, down).ok_or(BROKEN)?,
            across,
            down,
            stride,
            samples: filled(length, 0)?,
            first_row: 0,
            n_rows: component.grid.down,
            factors: Self::factors(component.quantisation.ok_or(BROKEN)?, size)?,
            block: [0.0; 64],
            places: 0,
        })
    }

    /// Where its first sample is.
    #[inline(always)]
    fn block(&self, column: usize, row: usize) -> usize {
        (row - self.first_row) * self.down * self.stride + column * self.across
    }

    #[inline(always)]
    fn set(&mut self, _block: usize, position: usize, value: i16) {
        let (factor, at) = self.factors[position & 63];
        self.block[usize::from(at & 63)] = f32::from(value) * factor;
        self.places |= at;
    }

    fn is_set(&self, _block: usize, _position: usize) -> bool {
        false
    }

    fn grow(&mut self, _block: usize, _position: usize, _by: i16) -> Result<(), Reject> {
        Err(BROKEN)
    }

    fn or_dc(&mut self, _block: usize, _bit: i16) {}

    #[inline(always)]
    fn complete(&mut self, block: usize) {
        let samples = &mut self.samples[block..];
        let is_whole = (self.across, self.down) == (SIDE, SIDE);
        if is_whole && self.places & HIGH == 0 {
            draw_low(&self.block, samples, self.stride);
        } else {
            (self.draw)(&self.block, samples, self.stride);
        }
        if self.places != 0 {
            self.block = [0.0; 64];
            self.places = 0;
        }
    }
}
