//! The picture of a JPEG at one, two or four eighths of its size, without ever
//! making all its pixels.

use super::BROKEN;
use super::drawn::{Drawn, block_size};
use super::plane::{Kept, Laid, Plane, filled};
use super::source::Source;
use super::turn::Turn;
use crate::error::Reject;
use crate::stage::decode::colour_transform;
use crate::stage::scrub::jpeg::segments::{EOI, SOS, Segments};
use crate::stage::scrub::jpeg::{APP0, APP14};

/// To how many eighths of its size a picture is reduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage) enum Eighths {
    One = 1,
    Two = 2,
    Four = 4,
}

impl Eighths {
    pub(super) fn count(self) -> usize {
        self as usize
    }
}

/// What the samples of a [`Reduced`] picture are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage) enum Colours {
    /// One sample a pixel.
    Grey,
    /// Red, green, blue, and one that means nothing: fours are moved faster.
    Rgb,
    /// Luma, blue and red difference, and one that means nothing.
    YCbCr,
}

/// A small picture, row-major without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::stage) struct Reduced {
    /// Whole pixels; the last of a row and of a column may lie partly beyond
    /// the picture's edge.
    pub(in crate::stage) width: u32,
    pub(in crate::stage) height: u32,
    pub(in crate::stage) colours: Colours,
    pub(in crate::stage) samples: Vec<u8>,
}

/// The picture reduced, or `None` for inks and for subsampling that has no such
/// size.
///
/// # Errors
/// As [`super::without_tails`].
pub(in crate::stage) fn reduced(file: &[u8], eighths: Eighths) -> Result<Option<Reduced>, Reject> {
    let mut source = Source::<Drawn>::new(eighths);
    let mut segments = Segments::new(file)?;
    loop {
        let segment = segments.next()?;
        match segment.marker {
            SOS if !is_possible(&source, eighths)? => return Ok(None),
            SOS if source.frame()?.progressive() => return from_all_scans(file, eighths),
            SOS => source.read_scan(segment.payload, &mut segments, |_, _| {})?,
            EOI => break,
            _ => source.read(&segment)?,
        }
    }
    let colours = colours(&source)?.ok_or(BROKEN)?;
    picture(&source, colours, eighths, source.planes()?).map(Some)
}

/// A progressive file's coefficients are known only when all scans are read.
fn from_all_scans(file: &[u8], eighths: Eighths) -> Result<Option<Reduced>, Reject> {
    let mut source = Source::<Kept>::new(Turn::NONE);
    let mut segments = Segments::new(file)?;
    loop {
        let segment = segments.next()?;
        match segment.marker {
            SOS => source.read_scan(segment.payload, &mut segments, |_, _| {})?,
            EOI => break,
            _ => source.read(&segment)?,
        }
    }
    let colours = colours(&source)?.ok_or(BROKEN)?;
    let geometry = source.geometry()?;
    let components = source.frame()?.components().iter().zip(&geometry.grids);
    let mut drawn = Vec::new();
    for ((component, grid), kept) in components.zip(source.planes()?) {
        let laid = Laid {
            grid,
            stretch: geometry.stretch(grid),
            quantisation: Some(source.quantisation(component.quantisation)?),
        };
        let mut plane = Drawn::new(&laid, eighths)?;
        draw_all(kept, &mut plane);
        drawn.push(plane);
    }
    picture(&source, colours, eighths, &drawn).map(Some)
}

fn draw_all(kept: &Kept, drawn: &mut Drawn) {
    let (mut column, mut row) = (0, 0);
    for (block, mask) in kept.blocks.iter().zip(&kept.masks) {
        let at = drawn.block(column, row);
        drawn.set(at, 0, block[0]);
        let mut left = *mask;
        while left != 0 {
            let position = left.trailing_zeros() as usize;
            drawn.set(at, position, block[position]);
            left &= left - 1;
        }
        drawn.complete(at);
        column += 1;
        if column == kept.grid.columns {
            (column, row) = (0, row + 1);
        }
    }
}

fn is_possible<P: Plane>(source: &Source<'_, P>, eighths: Eighths) -> Result<bool, Reject> {
    let geometry = source.geometry()?;
    let mut grids = geometry.grids.iter();
    let can_be_drawn = grids.all(|grid| block_size(geometry.stretch(grid), eighths).is_some());
    Ok(can_be_drawn && colours(source)?.is_some())
}

/// `None` for inks.
fn colours<P: Plane>(source: &Source<'_, P>) -> Result<Option<Colours>, Reject> {
    let is_jfif = source.shown_by.iter().any(|(marker, _)| *marker == APP0);
    let adobe = source.shown_by.iter().rev();
    let adobe = adobe.filter(|(marker, _)| *marker == APP14);
    let transform = adobe
        .filter_map(|(_, payload)| payload.get(11).copied())
        .next();
    let components = source.frame()?.components();
    let ids = components.iter().map(|component| component.id);
    Ok(
        match (components.len(), colour_transform(ids, is_jfif, transform)) {
            (1, _) => Some(Colours::Grey),
            (3, Some(0)) => Some(Colours::Rgb),
            (3, _) => Some(Colours::YCbCr),
            _ => None,
        },
    )
}

fn picture<'p, P: Plane>(
    source: &Source<'_, P>,
    colours: Colours,
    eighths: Eighths,
    planes: &'p [Drawn],
) -> Result<Reduced, Reject> {
    let (width, height) = source.frame()?.size();
    let side = |side: u16| (usize::from(side) * eighths.count()).div_ceil(8);
    let (across, down) = (side(width), side(height));
    let rows = |plane: &'p Drawn| {
        plane
            .samples
            .chunks_exact(plane.stride)
            .map(move |row| &row[..across])
    };
    let samples = match planes {
        [grey] => rows(grey).take(down).flatten().copied().collect(),
        [first, second, third] => {
            let mut samples = filled(across * down * 4, 0)?;
            let rows = rows(first).zip(rows(second).zip(rows(third)));
            for (out, (first, (second, third))) in samples.chunks_exact_mut(across * 4).zip(rows) {
                interleave(out, first, second, third);
            }
            samples
        }
        _ => return Err(BROKEN),
    };
    Ok(Reduced {
        width: u32::try_from(across).map_err(super::broken)?,
        height: u32::try_from(down).map_err(super::broken)?,
        colours,
        samples,
    })
}

fn interleave(out: &mut [u8], first: &[u8], second: &[u8], third: &[u8]) {
    let (pixels, _) = out.as_chunks_mut::<4>();
    let samples = first.iter().zip(second.iter().zip(third));
    for (pixel, (first, (second, third))) in pixels.iter_mut().zip(samples) {
        *pixel = [*first, *second, *third, 0];
    }
}
