//! Decodes the scans of a frame, interval by interval.

use super::BROKEN;
use super::bits::Bits;
use super::block::{self, Band};
use super::codes::{AcCode, Code};
use super::geometry::{Geometry, Grid};
use super::intervals::Intervals;
use super::plane::Plane;
use crate::error::Reject;
use crate::stage::scrub::jpeg::frame::{self, Frame, Scan};
use crate::stage::scrub::jpeg::tables::{Class, Tables};

/// One component's part in a scan, ready for decoding.
struct Part {
    component_idx: usize,
    grid: Grid,
    dc: Option<Code>,
    ac: Option<Ac>,
    /// The DC value of the block before.
    previous: i32,
}

enum Ac {
    Sequential(AcCode),
    Progressive(Code),
}

/// What a scan needs to know of the file before it.
pub(super) struct Context<'a> {
    pub(super) frame: &'a Frame,
    pub(super) geometry: &'a Geometry,
    pub(super) tables: &'a Tables,
    /// Units between restart markers; 0 for none.
    pub(super) restart_interval: u16,
}

/// Hears how far a scan has been decoded.
pub(super) trait Follow<P> {
    /// A row of units has been.
    #[inline(always)]
    fn row_ended(&mut self, _planes: &mut [P], _unit_row: usize) {}

    /// A restart interval has been, of whose data so many bits were needed.
    #[inline(always)]
    fn interval_ended(&mut self, _data: &[u8], _n_bits: usize) {}
}

/// Nobody listens.
pub(super) struct Unfollowed;

impl<P> Follow<P> for Unfollowed {}

/// Decodes a scan into the components' planes, while `follow` hears how far.
///
/// # Errors
/// [`Reject::Malformed`] for data that are no code; [`Reject::Truncated`] for
/// too few of them.
pub(super) fn decode<P: Plane>(
    context: &Context<'_>,
    scan: &Scan,
    coded: &[u8],
    planes: &mut [P],
    follow: &mut impl Follow<P>,
) -> Result<(), Reject> {
    let mut parts = parts(context, scan)?;
    let alone = parts.len() == 1;
    let (columns, rows) = match parts.as_slice() {
        [part] => (part.grid.shown_columns, part.grid.shown_rows),
        _ => (context.geometry.units_across, context.geometry.units_down),
    };
    let n_units = columns * rows;
    let interval = match usize::from(context.restart_interval) {
        0 => n_units,
        units => units,
    };
    let band = Band::of(context.frame, scan);
    let mut intervals = Intervals::new(coded);
    let mut unit = 0;
    while unit < n_units {
        let data = intervals.next()?;
        let mut bits = Bits::new(data);
        let mut run = 0;
        for part in &mut parts {
            part.previous = 0;
        }
        let end = n_units.min(unit.saturating_add(interval));
        let (mut column, mut row) = (unit % columns, unit / columns);
        while unit < end {
            for part in &mut parts {
                let plane = planes.get_mut(part.component_idx).ok_or(BROKEN)?;
                let (across, down) = if alone {
                    (1, 1)
                } else {
                    (part.grid.across, part.grid.down)
                };
                for y in 0..down {
                    for x in 0..across {
                        let idx = plane.block(column * across + x, row * down + y);
                        decode_block(&band, part, &mut bits, &mut run, plane, idx)?;
                    }
                }
            }
            unit += 1;
            column += 1;
            if column == columns {
                // What follows the end of the data would be made up.
                check_end(&bits, data)?;
                follow.row_ended(planes, row);
                (column, row) = (0, row + 1);
            }
        }
        check_end(&bits, data)?;
        follow.interval_ended(data, bits.consumed());
    }
    Ok(())
}

fn check_end(bits: &Bits<'_>, data: &[u8]) -> Result<(), Reject> {
    if bits.consumed() > data.len() * 8 {
        return Err(Reject::Truncated);
    }
    Ok(())
}

#[inline(always)]
fn decode_block<P: Plane>(
    band: &Band,
    part: &mut Part,
    bits: &mut Bits<'_>,
    run: &mut u32,
    plane: &mut P,
    idx: usize,
) -> Result<(), Reject> {
    match (band, &part.dc, &part.ac) {
        (Band::All, Some(dc), Some(Ac::Sequential(ac))) => {
            let value = block::dc(bits, dc, &mut part.previous)?;
            plane.set(idx, 0, value);
            *bits = block::ac(*bits, ac, plane, idx)?;
            plane.complete(idx);
            Ok(())
        }
        (Band::Dc { low }, Some(dc), _) => {
            let value = block::dc(bits, dc, &mut part.previous)?;
            plane.set(idx, 0, block::scaled(value.into(), *low)?);
            Ok(())
        }
        (Band::DcBit { low }, ..) => {
            if bits.bit() {
                plane.or_dc(idx, block::scaled(1, *low)?);
            }
            Ok(())
        }
        (Band::Ac(band), _, Some(Ac::Progressive(ac))) => band.first(bits, ac, run, plane, idx),
        (Band::AcBit(band), _, Some(Ac::Progressive(ac))) => {
            let mut at = *bits;
            band.refine(&mut at, ac, run, plane, idx)?;
            *bits = at;
            Ok(())
        }
        _ => Err(BROKEN),
    }
}

fn parts(context: &Context<'_>, scan: &Scan) -> Result<Vec<Part>, Reject> {
    let table = |class, id: u8| context.tables.huffman(class, id.into()).ok_or(BROKEN);
    let ac_code = |id: u8| {
        let table = table(Class::Ac, id)?;
        if context.frame.progressive() {
            Code::new(table).map(Ac::Progressive)
        } else {
            AcCode::new(table).map(Ac::Sequential)
        }
    };
    let part = |part: &frame::Part| {
        let mut components = context.frame.components().iter();
        let component_idx = components
            .position(|component| component.id == part.id)
            .ok_or(BROKEN)?;
        let dc = scan
            .uses_dc
            .then(|| table(Class::Dc, part.dc).and_then(Code::new));
        let ac = scan.uses_ac.then(|| ac_code(part.ac));
        Ok(Part {
            component_idx,
            grid: *context.geometry.grids.get(component_idx).ok_or(BROKEN)?,
            dc: dc.transpose()?,
            ac: ac.transpose()?,
            previous: 0,
        })
    };
    scan.parts.iter().map(part).collect()
}

/// By component and coefficient: the lowest bit that scans have coded so far.
///
/// A scan that codes again what an earlier one has coded makes that one's data
/// invisible: it would be a place to hide bytes in. Decoders only warn.
#[derive(Default)]
pub(super) struct Progress {
    coded: [Vec<Option<u8>>; 4],
}

impl Progress {
    /// Notes a scan; T.81 G.1.1.1 says which may follow which.
    pub(super) fn note(&mut self, frame: &Frame, scan: &Scan) -> Result<(), Reject> {
        let (high, low) = (scan.approximation >> 4, scan.approximation & 15);
        let before = (high != 0).then_some(high);
        if before.is_some_and(|high| low + 1 != high) {
            return Err(BROKEN);
        }
        for part in &scan.parts {
            let mut components = frame.components().iter();
            let idx = components.position(|component| component.id == part.id);
            let coded = idx.and_then(|idx| self.coded.get_mut(idx)).ok_or(BROKEN)?;
            coded.resize(64, None);
            // The coefficients of a block begin with the DC.
            if scan.spectrum[0] > 0 && coded[0].is_none() {
                return Err(BROKEN);
            }
            let [first, last] = scan.spectrum.map(usize::from);
            for bit in coded.get_mut(first..=last).ok_or(BROKEN)? {
                if *bit != before {
                    return Err(BROKEN);
                }
                *bit = Some(low);
            }
        }
        Ok(())
    }

    /// Whether the DC of the first `n_components` have been coded.
    pub(super) fn has_begun(&self, n_components: usize) -> bool {
        let begun = |coded: &Vec<Option<u8>>| coded.first().is_some_and(Option::is_some);
        self.coded.iter().take(n_components).all(begun)
    }
}
