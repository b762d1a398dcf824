//! What becomes of the coefficients that a scan yields.

use super::geometry::Grid;
use super::turn::Turn;
use super::{BROKEN, TOO_LARGE};
use crate::error::Reject;

/// The coefficients of a block, in zigzag order.
pub(super) type Block = [i16; 64];

/// Takes the coefficients of one component, block by block. Blocks are named
/// by the index that [`Plane::block`] gives.
pub(super) trait Plane: Sized {
    /// What the coefficients are read for.
    type Purpose: Copy;

    fn new(component: &Laid<'_>, purpose: Self::Purpose) -> Result<Self, Reject>;

    /// The index of the block at (`column`, `row`).
    fn block(&self, column: usize, row: usize) -> usize;

    /// Sets a coefficient. A zero, which is what all of them are at first, may be
    /// set before the true value.
    fn set(&mut self, block: usize, position: usize, value: i16);

    /// Whether a coefficient of higher frequency than 0 has been set. Progressive
    /// scans alone ask; so it is with [`Plane::grow`] and [`Plane::or_dc`].
    fn is_set(&self, _block: usize, _position: usize) -> bool {
        false
    }

    /// Moves a coefficient that has been set away from zero.
    fn grow(&mut self, _block: usize, _position: usize, _by: i16) -> Result<(), Reject> {
        Err(BROKEN)
    }

    /// Sets one bit of the coefficient of frequency 0.
    fn or_dc(&mut self, _block: usize, _bit: i16) {}

    /// Hears that all coefficients of a block of a sequential scan are set.
    #[inline(always)]
    fn complete(&mut self, _block: usize) {}
}

/// A component as the first scan finds it.
pub(super) struct Laid<'a> {
    pub(super) grid: &'a Grid,
    /// Whether several scans make up a block.
    pub(super) is_progressive: bool,
    /// How many samples of the finest component one of this one's is as wide or
    /// as high as, whichever is more.
    pub(super) stretch: usize,
    /// The quantisation table's segment: precision and id, then the steps.
    pub(super) quantisation: Option<&'a [u8]>,
}

/// The steps of a quantisation table's segment, by zigzag position.
pub(super) fn steps(table: Option<&[u8]>) -> Result<[u16; 64], Reject> {
    let (head, steps) = table.and_then(<[u8]>::split_first).ok_or(BROKEN)?;
    let mut found = [0; 64];
    for (position, found) in found.iter_mut().enumerate() {
        let step = match head >> 4 {
            0 => steps.get(position).map(|step| u16::from(*step)),
            _ => {
                let wide = steps.get(2 * position..).and_then(<[u8]>::first_chunk);
                wide.map(|wide| u16::from_be_bytes(*wide))
            }
        };
        *found = step.ok_or(BROKEN)?;
    }
    Ok(found)
}

/// Keeps every coefficient, where and as a turn puts it.
pub(super) struct Kept {
    source: Grid,
    turn: Turn,
    within: [(u8, i16); 64],
    pub(super) grid: Grid,
    pub(super) blocks: Vec<Block>,
    /// By block: which coefficients are not zero. Position 0 is not in it.
    pub(super) masks: Vec<u64>,
}

impl Kept {
    /// Bytes that a block needs.
    pub(super) const BLOCK_BYTES: u64 = 128 + 8;
}

impl Plane for Kept {
    type Purpose = Turn;

    fn new(component: &Laid<'_>, turn: Turn) -> Result<Self, Reject> {
        let grid = component.grid;
        Ok(Self {
            source: *grid,
            turn,
            within: turn.within_blocks(),
            grid: turn.grid(grid),
            blocks: filled(grid.n_blocks(), [0; 64])?,
            masks: filled(grid.n_blocks(), 0)?,
        })
    }

    #[inline(always)]
    fn block(&self, column: usize, row: usize) -> usize {
        self.turn.block(&self.source, column, row)
    }

    #[inline(always)]
    fn set(&mut self, block: usize, position: usize, value: i16) {
        let (position, sign) = self.within[position & 63];
        let position = usize::from(position & 63);
        // Values come from at most 15 bits, and keep within them negated.
        self.blocks[block][position] = value.wrapping_mul(sign);
        self.masks[block] |= u64::from(position != 0 && value != 0) << position;
    }

    #[inline(always)]
    fn is_set(&self, block: usize, position: usize) -> bool {
        let (position, _) = self.within[position & 63];
        self.masks[block] >> (position & 63) & 1 == 1
    }

    fn grow(&mut self, block: usize, position: usize, by: i16) -> Result<(), Reject> {
        let (position, _) = self.within[position & 63];
        let value = &mut self.blocks[block][usize::from(position)];
        *value = value.checked_add(by * value.signum()).ok_or(BROKEN)?;
        Ok(())
    }

    fn or_dc(&mut self, block: usize, bit: i16) {
        self.blocks[block][0] |= bit;
    }
}

/// Keeps which coefficients are set, and nothing more: what following the bits
/// of a progressive scan needs.
pub(super) struct Marked {
    columns: usize,
    /// By block; none of a sequential file, where nobody asks.
    masks: Vec<u64>,
}

impl Plane for Marked {
    type Purpose = ();

    fn new(component: &Laid<'_>, (): ()) -> Result<Self, Reject> {
        let grid = component.grid;
        Ok(Self {
            columns: grid.columns,
            masks: if component.is_progressive {
                filled(grid.n_blocks(), 0)?
            } else {
                Vec::new()
            },
        })
    }

    #[inline(always)]
    fn block(&self, column: usize, row: usize) -> usize {
        row * self.columns + column
    }

    #[inline(always)]
    fn set(&mut self, block: usize, position: usize, value: i16) {
        if let Some(mask) = self.masks.get_mut(block) {
            *mask |= u64::from(value != 0) << (position & 63);
        }
    }

    #[inline(always)]
    fn is_set(&self, block: usize, position: usize) -> bool {
        self.masks[block] >> (position & 63) & 1 == 1
    }

    fn grow(&mut self, _block: usize, _position: usize, _by: i16) -> Result<(), Reject> {
        Ok(())
    }

    fn or_dc(&mut self, _block: usize, _bit: i16) {}
}

pub(super) fn filled<T: Clone>(length: usize, value: T) -> Result<Vec<T>, Reject> {
    let mut all = Vec::new();
    all.try_reserve_exact(length).map_err(|_| TOO_LARGE)?;
    all.resize(length, value);
    Ok(all)
}
