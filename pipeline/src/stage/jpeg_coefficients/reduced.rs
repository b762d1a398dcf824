//! The picture of a JPEG at one, two or four eighths of its size, without ever
//! making all its pixels.

use super::drawn::{Drawn, block_size};
use super::plane::{Kept, Laid, Plane};
use super::scan::Told;
use super::source::Source;
use super::turn::Turn;
use super::{BROKEN, TOO_LARGE};
use crate::error::Reject;
use crate::stage::decode::colour_transform;
use crate::stage::scrub::jpeg::frame::Frame;
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
    let mut canvas = None;
    let mut segments = Segments::new(file)?;
    loop {
        let segment = segments.next()?;
        match segment.marker {
            SOS if !is_possible(&source, eighths)? => return Ok(None),
            SOS if source.frame()?.progressive() => return from_all_scans(file, eighths),
            // Sequential components one after another are refused as uploads.
            SOS if !has_all_components(segment.payload, source.frame()?) => return Ok(None),
            SOS => {
                let canvas = canvas.insert(Canvas::new(&source, eighths)?);
                source.read_scan(segment.payload, &mut segments, |told| {
                    if let Told::RowEnded(planes) = told {
                        canvas.add(planes);
                    }
                })?;
            }
            EOI => break,
            _ => source.read(&segment)?,
        }
    }
    canvas.ok_or(BROKEN)?.finished().map(Some)
}

/// A progressive file's coefficients are known only when all scans are read.
fn from_all_scans(file: &[u8], eighths: Eighths) -> Result<Option<Reduced>, Reject> {
    let mut source = Source::<Kept>::new(Turn::NONE);
    let mut segments = Segments::new(file)?;
    loop {
        let segment = segments.next()?;
        match segment.marker {
            SOS => source.read_scan(segment.payload, &mut segments, |_| {})?,
            EOI => break,
            _ => source.read(&segment)?,
        }
    }
    let geometry = source.geometry()?;
    let components = source.frame()?.components().iter().zip(&geometry.grids);
    let drawn = components.map(|(component, grid)| {
        let laid = Laid {
            grid,
            stretch: geometry.stretch(grid),
            quantisation: Some(source.quantisation(component.quantisation)?),
        };
        Drawn::new(&laid, eighths)
    });
    let mut drawn: Vec<Drawn> = drawn.collect::<Result<_, _>>()?;
    let mut canvas = Canvas::new(&source, eighths)?;
    for unit_row in 0..geometry.units_down {
        for (kept, drawn) in source.planes()?.iter().zip(&mut drawn) {
            let first_row = unit_row * kept.grid.down;
            for row in first_row..first_row + kept.grid.down {
                draw_row(kept, row, drawn);
            }
        }
        canvas.add(&mut drawn);
    }
    canvas.finished().map(Some)
}

fn draw_row(kept: &Kept, row: usize, drawn: &mut Drawn) {
    for column in 0..kept.grid.columns {
        let from = row * kept.grid.columns + column;
        let to = drawn.block(column, row);
        let block = &kept.blocks[from];
        drawn.set(to, 0, block[0]);
        let mut left = kept.masks[from];
        while left != 0 {
            let position = left.trailing_zeros() as usize;
            drawn.set(to, position, block[position]);
            left &= left - 1;
        }
        drawn.complete(to);
    }
}

fn has_all_components(scan_header: &[u8], frame: &Frame) -> bool {
    scan_header.first().copied().map(usize::from) == Some(frame.components().len())
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

/// Rows of pixels, as the rows of units come.
struct Canvas {
    across: usize,
    down: usize,
    colours: Colours,
    samples: Vec<u8>,
}

impl Canvas {
    fn new<P: Plane>(source: &Source<'_, P>, eighths: Eighths) -> Result<Self, Reject> {
        let (width, height) = source.frame()?.size();
        let side = |side: u16| (usize::from(side) * eighths.count()).div_ceil(8);
        let colours = colours(source)?.ok_or(BROKEN)?;
        let mut canvas = Self {
            across: side(width),
            down: side(height),
            colours,
            samples: Vec::new(),
        };
        let reserved = canvas.samples.try_reserve_exact(canvas.length());
        reserved.map_err(|_| TOO_LARGE)?;
        Ok(canvas)
    }

    /// Samples of the whole picture.
    fn length(&self) -> usize {
        let n_samples = match self.colours {
            Colours::Grey => 1,
            Colours::Rgb | Colours::YCbCr => 4,
        };
        self.across * self.down * n_samples
    }

    /// Adds a row of units, up to the picture's lower edge.
    fn add(&mut self, planes: &mut [Drawn]) {
        let row_length = self.length() / self.down;
        let Some(height) = planes.first().map(|plane| plane.rows().len()) else {
            return;
        };
        for y in 0..height {
            let start = self.samples.len();
            if start == self.length() {
                break;
            }
            let mut rows = planes.iter().filter_map(|plane| plane.rows().nth(y));
            match (rows.next(), rows.next(), rows.next()) {
                (Some(first), Some(second), Some(third)) => {
                    self.samples.resize(start + row_length, 0);
                    interleave(&mut self.samples[start..], first, second, third);
                }
                (Some(grey), ..) => self.samples.extend_from_slice(&grey[..row_length]),
                _ => {}
            }
        }
        planes.iter_mut().for_each(Drawn::next_row);
    }

    fn finished(self) -> Result<Reduced, Reject> {
        if self.samples.len() != self.length() {
            return Err(BROKEN);
        }
        Ok(Reduced {
            width: u32::try_from(self.across).map_err(super::broken)?,
            height: u32::try_from(self.down).map_err(super::broken)?,
            colours: self.colours,
            samples: self.samples,
        })
    }
}

fn interleave(out: &mut [u8], first: &[u8], second: &[u8], third: &[u8]) {
    let (pixels, _) = out.as_chunks_mut::<4>();
    let samples = first.iter().zip(second.iter().zip(third));
    for (pixel, (first, (second, third))) in pixels.iter_mut().zip(samples) {
        *pixel = [*first, *second, *third, 0];
    }
}
