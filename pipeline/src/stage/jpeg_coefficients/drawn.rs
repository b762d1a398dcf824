//! A component drawn at some eighths of its size, a few blocks at once, while its
//! scan is read.

use super::TOO_LARGE;
use super::inverse::{Coefficients, Draw, LANES, LOW, Lanes, draw_of, sample_of, scale};
use super::plane::{Laid, Plane, filled, steps};
use super::reduced::Eighths;
use super::turn::ZIGZAG;
use crate::error::Reject;

/// Frequencies of a block, in each direction.
const SIDE: usize = 8;

/// Where coefficients go that no block of these sizes takes.
const HIGH: u8 = 16;

/// The samples of one component, and blocks that are not among them yet: the last
/// of those is being read.
pub(super) struct Drawn {
    draw: Draw,
    /// Samples of a drawn block's side.
    pub(super) side: usize,
    /// Samples of a row, those of padding included.
    pub(super) stride: usize,
    samples: Vec<u8>,
    /// By zigzag position: step and scale, and the place among the coefficients.
    factors: [(f32, u8); 64],
    /// The low coefficients, then room for the others.
    waiting: [Lanes; 2 * LOW * LOW],
    /// Where the first sample of each goes.
    starts: [usize; LANES],
    n_waiting: usize,
    /// The bits of all the read block's places together: those of its mean are
    /// none.
    places: u8,
}

impl Drawn {
    /// All samples, row-major.
    pub(super) fn into_samples(mut self) -> Vec<u8> {
        self.draw_waiting();
        self.samples
    }

    fn factors(table: Option<&[u8]>) -> Result<[(f32, u8); 64], Reject> {
        let steps = steps(table)?;
        let mut factors = [(0.0, HIGH); 64];
        for (position, (factor, natural)) in factors.iter_mut().zip(ZIGZAG).enumerate() {
            let (row, column) = (usize::from(natural) / SIDE, usize::from(natural) % SIDE);
            if row < LOW && column < LOW {
                let place = u8::try_from(row * LOW + column).unwrap_or(HIGH);
                *factor = (
                    f32::from(steps[position]) * scale(row) * scale(column),
                    place,
                );
            }
        }
        Ok(factors)
    }

    #[inline(never)]
    fn draw_waiting(&mut self) {
        let Some(low) = self.waiting.first_chunk_mut::<{ LOW * LOW }>() else {
            return;
        };
        let rows = (self.draw)(low);
        *low = Coefficients::default();
        for (lane, start) in self.starts.iter().take(self.n_waiting).enumerate() {
            let samples = self.samples[*start..].chunks_mut(self.stride);
            for (to, row) in samples.zip(&rows).take(self.side) {
                match (to.first_chunk_mut::<LOW>(), self.side) {
                    (Some(to), LOW) => *to = row[lane],
                    _ => to[..self.side].copy_from_slice(&row[lane][..self.side]),
                }
            }
        }
        self.n_waiting = 0;
    }

    fn fill(&mut self, start: usize, sample: u8) {
        for row in self.samples[start..]
            .chunks_mut(self.stride)
            .take(self.side)
        {
            row[..self.side].fill(sample);
        }
    }
}

impl Plane for Drawn {
    type Purpose = Eighths;

    fn new(component: &Laid<'_>, eighths: Eighths) -> Result<Self, Reject> {
        let eighths = eighths.of_coarse(component.stretch);
        let side = eighths.count();
        let stride = component.grid.columns * side;
        let length = stride.checked_mul(component.grid.rows * side);
        Ok(Self {
            draw: draw_of(eighths),
            side,
            stride,
            samples: filled(length.ok_or(TOO_LARGE)?, 0)?,
            factors: Self::factors(component.quantisation)?,
            waiting: Default::default(),
            starts: [0; LANES],
            n_waiting: 0,
            places: 0,
        })
    }

    /// Where its first sample is.
    #[inline(always)]
    fn block(&self, column: usize, row: usize) -> usize {
        (row * self.stride + column) * self.side
    }

    #[inline(always)]
    fn set(&mut self, _block: usize, position: usize, value: i16) {
        let (factor, place) = self.factors[position & 63];
        let lane = self.n_waiting & (LANES - 1);
        self.waiting[usize::from(place & 31)][lane] = f32::from(value) * factor;
        self.places |= place;
    }

    #[inline(always)]
    fn complete(&mut self, block: usize) {
        let lane = self.n_waiting & (LANES - 1);
        if self.places & (HIGH - 1) == 0 {
            self.fill(block, sample_of(self.waiting[0][lane]));
        } else {
            self.starts[lane] = block;
            self.n_waiting += 1;
            if self.n_waiting == LANES {
                self.draw_waiting();
            }
        }
        self.places = 0;
    }
}
