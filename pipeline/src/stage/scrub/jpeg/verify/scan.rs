//! Follows the coded data of a scan to its last bit, and decodes nothing: a scan
//! must end where its last block does (T.81, F.2 and G.2).

use super::super::super::Unclean;
use super::bits::Bits;
use super::lengths::Lengths;
use super::picture::{Band, Component, Picture};
use super::progressive;
use super::{CUT, TAIL, UNKNOWN_PART};

pub(super) const NO_BLOCK: Unclean = "the compressed data does not make up its blocks";

/// The Huffman tables defined so far: DC and AC.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) dc: [Option<Lengths>; 4],
    pub(super) ac: [Option<Lengths>; 4],
}

/// A component's part in a scan.
#[derive(Clone, Copy)]
struct Part {
    component_idx: usize,
    dc: usize,
    ac: usize,
}

/// A scan header.
pub(super) struct Scan {
    parts: Vec<Part>,
    band: Band,
}

impl Scan {
    pub(super) fn new(payload: &[u8], picture: &Picture) -> Result<Self, Unclean> {
        let (n_parts, rest) = payload.split_first().ok_or(UNKNOWN_PART)?;
        let (parts, fields) = rest.as_chunks::<2>();
        let n_parts = usize::from(*n_parts);
        // Three bytes follow the parts: one more pair and one byte.
        if !(1..=4).contains(&n_parts) || parts.len() != n_parts + 1 || fields.len() != 1 {
            return Err(UNKNOWN_PART);
        }
        let ([first, last], bits) = (parts[n_parts], fields[0]);
        let (high, low) = (bits >> 4, bits & 15);
        let legal = if picture.is_progressive {
            let one_kind = (first, last) == (0, 0) || first > 0 && n_parts == 1;
            one_kind && first <= last && last <= 63 && high <= 13 && low <= 13
        } else {
            (first, last, bits) == (0, 63, 0)
        };
        if !legal {
            return Err(UNKNOWN_PART);
        }
        let part = |[id, tables]: &[u8; 2]| -> Result<Part, Unclean> {
            Ok(Part {
                component_idx: picture.place(*id)?,
                dc: usize::from(tables >> 4 & 3),
                ac: usize::from(tables & 3),
            })
        };
        let parts = parts[..n_parts].iter().map(part);
        Ok(Self {
            parts: parts.collect::<Result<_, _>>()?,
            band: Band {
                first: first.into(),
                last: last.into(),
                high,
                low,
            },
        })
    }

    /// Follows the scan whose data begins at `at`; returns where it ends.
    pub(super) fn follow(
        &self,
        file: &[u8],
        mut at: usize,
        picture: &mut Picture,
        tables: &Tables,
        restart_interval: u16,
    ) -> Result<usize, Unclean> {
        for part in &self.parts {
            let component = &mut picture.components[part.component_idx];
            component.note(&self.band)?;
            if picture.is_progressive {
                component.remember()?;
            }
        }
        let (across, down) = match self.parts.as_slice() {
            [part] => picture.components[part.component_idx].shown,
            _ => picture.units,
        };
        let n_units = across * down;
        let interval = match u32::from(restart_interval) {
            0 => n_units,
            interval => interval,
        };
        let mut restarts = (0xD0..=0xD7).cycle();
        let mut unit = 0;
        let (mut column, mut row) = (0, 0);
        loop {
            let mut bits = Bits::new(file, at);
            let mut run = 0;
            let end = n_units.min(unit + interval.min(n_units));
            while unit < end {
                self.unit((column, row), picture, tables, &mut bits, &mut run)?;
                // Zeros that are made up could go on for the whole picture.
                if bits.is_past_end() {
                    return Err(CUT);
                }
                unit += 1;
                column += 1;
                if column == across {
                    (column, row) = (0, row + 1);
                }
            }
            if run > 0 {
                return Err(NO_BLOCK);
            }
            at = bits.end().ok_or(TAIL)?;
            match file.get(at..at + 2) {
                Some([0xFF, 0xD0..=0xD7]) if unit == n_units => return Err(TAIL),
                _ if unit == n_units => return Ok(at),
                Some([0xFF, marker]) if Some(*marker) == restarts.next() => at += 2,
                _ => return Err(CUT),
            }
        }
    }

    /// Follows one unit: a block of a component alone, or several blocks each.
    #[inline(always)]
    fn unit(
        &self,
        (column, row): (u32, u32),
        picture: &mut Picture,
        tables: &Tables,
        bits: &mut Bits<'_>,
        run: &mut u32,
    ) -> Result<(), Unclean> {
        let alone = self.parts.len() == 1;
        for part in &self.parts {
            let component = &mut picture.components[part.component_idx];
            let (across, down) = if alone {
                (1, 1)
            } else {
                (component.across, component.down)
            };
            if !picture.is_progressive {
                let dc = tables.dc[part.dc].as_ref().ok_or(UNKNOWN_PART)?;
                let ac = tables.ac[part.ac].as_ref().ok_or(UNKNOWN_PART)?;
                for _ in 0..across * down {
                    dc_of_block(bits, dc)?;
                    ac_of_block(bits, ac)?;
                }
                continue;
            }
            for y in row * down..(row + 1) * down {
                for x in column * across..(column + 1) * across {
                    let block = (y * component.columns + x) as usize;
                    let mut at = *bits;
                    self.progressive_block(part, component, block, tables, &mut at, run)?;
                    *bits = at;
                }
            }
        }
        Ok(())
    }

    fn progressive_block(
        &self,
        part: &Part,
        component: &mut Component,
        block: usize,
        tables: &Tables,
        bits: &mut Bits<'_>,
        run: &mut u32,
    ) -> Result<(), Unclean> {
        if self.band.first == 0 {
            if self.band.high > 0 {
                bits.pass_many(1);
                return Ok(());
            }
            return dc_of_block(bits, tables.dc[part.dc].as_ref().ok_or(UNKNOWN_PART)?);
        }
        let ac = tables.ac[part.ac].as_ref().ok_or(UNKNOWN_PART)?;
        let set = component.set.get_mut(block).ok_or(UNKNOWN_PART)?;
        if self.band.high == 0 {
            progressive::first(&self.band, bits, ac, run, set)
        } else {
            progressive::refinement(&self.band, bits, ac, run, set)
        }
    }
}

#[inline(always)]
fn dc_of_block(bits: &mut Bits<'_>, table: &Lengths) -> Result<(), Unclean> {
    bits.ready();
    let n_bits = table.number(bits);
    if n_bits > 0 {
        bits.pass(n_bits);
        return Ok(());
    }
    let size = table.symbol(bits)?;
    if size > 15 {
        return Err(NO_BLOCK);
    }
    bits.pass(size.into());
    Ok(())
}

#[inline(always)]
fn ac_of_block(bits: &mut Bits<'_>, table: &Lengths) -> Result<(), Unclean> {
    /// Stretches that the bits made ready suffice for.
    const AT_ONCE: usize = 4;
    let mut next = 1;
    while next < 64 {
        bits.ready();
        for _ in 0..AT_ONCE {
            let stretch = table.stretch(bits);
            let behind = next + stretch.n_coefficients();
            if stretch.n_bits() == 0 || behind + stretch.ends() > 64 {
                (*bits, next) = one_symbol(*bits, table, next)?;
                break;
            }
            bits.pass(stretch.n_bits());
            next = behind;
            if stretch.ends() == 1 || next == 64 {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// A symbol that is long, or the last before another block's begin. Returns
/// which coefficient is next.
#[inline(never)]
fn one_symbol<'a>(
    mut bits: Bits<'a>,
    table: &Lengths,
    next: u32,
) -> Result<(Bits<'a>, u32), Unclean> {
    bits.ready();
    let symbol = table.symbol(&mut bits)?;
    let (zeros, size) = (symbol >> 4, symbol & 15);
    if size == 0 && zeros < 15 {
        return Ok((bits, 64));
    }
    bits.pass(size.into());
    let behind = next + u32::from(zeros) + 1;
    if behind > 64 && size > 0 {
        return Err(NO_BLOCK);
    }
    Ok((bits, behind))
}
