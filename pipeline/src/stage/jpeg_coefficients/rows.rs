//! Reads a sequential JPEG from top to bottom, a row of units at a time: all of its
//! pixels are proved, and none is kept longer than it is looked at.

use std::ops::Range;

use imgshare_kernels::cpu::dct::{InverseDct, SIDE};
use imgshare_kernels::cpu::ycbcr::{Chroma, ReadRows, YcbcrRows};

use super::BROKEN;
use super::geometry::{Geometry, Grid};
use super::reduced::{Colours, colours};
use super::scan::Follow;
use super::source::Source;
use super::strip::{CARRIED, Strip};
use crate::error::Reject;
use crate::stage::scrub::jpeg::segments::{EOI, SOS, Segments};

/// Whether [`read_rows`] can read a file, by what stands before its first scan.
///
/// # Errors
/// As [`super::without_tails`].
pub(in crate::stage) fn has_rows(file: &[u8]) -> Result<bool, Reject> {
    let mut source = Source::<Strip>::new(InverseDct::new());
    let mut segments = Segments::new(file)?;
    loop {
        let segment = segments.next()?;
        match segment.marker {
            SOS => return Ok(Layout::of(&source, segment.payload)?.is_some()),
            EOI => return Ok(false),
            _ => source.read(&segment)?,
        }
    }
}

/// Shows every row to `readers`, who expect a picture of `size`, width and height.
///
/// # Errors
/// As [`super::without_tails`], also if the file is of another size or has no rows to
/// read: a progressive one, inks, RGB, components in scans of their own, or chroma
/// neither as fine as luma nor half as fine. Some rows may have been shown then.
pub(in crate::stage) fn read_rows(
    file: &[u8],
    size: (usize, usize),
    readers: &mut [&mut dyn ReadRows],
) -> Result<(), Reject> {
    let mut source = Source::<Strip>::new(InverseDct::new());
    let mut segments = Segments::new(file)?;
    let mut is_read = false;
    loop {
        let segment = segments.next()?;
        match segment.marker {
            SOS => {
                let layout = Layout::of(&source, segment.payload)?.ok_or(BROKEN)?;
                if layout.size != size || is_read {
                    return Err(BROKEN);
                }
                let mut follow = Shown { layout, readers };
                source.read_scan(segment.payload, &mut segments, &mut follow)?;
                is_read = true;
            }
            EOI if is_read => return Ok(()),
            EOI => return Err(BROKEN),
            _ => source.read(&segment)?,
        }
    }
}

/// How the rows of units make up the picture.
struct Layout {
    /// Width and height in pixels.
    size: (usize, usize),
    units_down: usize,
    /// Pixel rows of a row of units.
    unit_rows: usize,
    /// Whether there is chroma of half the width and of half the height.
    chroma: Option<[bool; 2]>,
}

impl Layout {
    /// `None` where the picture cannot be read row by row.
    fn of(source: &Source<'_, Strip>, scan: &[u8]) -> Result<Option<Self>, Reject> {
        let (frame, geometry) = (source.frame()?, source.geometry()?);
        let is_whole = scan.first().copied().map(usize::from) == Some(frame.components().len());
        if frame.progressive() || !is_whole {
            return Ok(None);
        }
        let chroma = match colours(source)? {
            Some(Colours::Grey) => None,
            Some(Colours::YCbCr) => match halves(geometry) {
                None => return Ok(None),
                halves => halves,
            },
            Some(Colours::Rgb) | None => return Ok(None),
        };
        let (width, height) = frame.size();
        let down = geometry.grids.first().map_or(1, |luma| luma.down);
        Ok(Some(Self {
            size: (width.into(), height.into()),
            units_down: geometry.units_down,
            unit_rows: down * SIDE,
            chroma,
        }))
    }

    /// The pixel rows that can be read once this row of units has been: but for the
    /// last ones, whose chroma lies between this row's and the next.
    fn ready(&self, unit_row: usize) -> Range<usize> {
        let carried = match self.chroma {
            Some([_, true]) => CARRIED,
            _ => 0,
        };
        let (_, height) = self.size;
        let start = (unit_row * self.unit_rows).saturating_sub(carried);
        let end = if unit_row + 1 == self.units_down {
            height
        } else {
            (unit_row + 1) * self.unit_rows - carried
        };
        start..end
    }
}

/// Whether chroma is half as wide and half as high as luma; `None` if it is anything
/// else than that or as fine, or said so by factors that not every decoder reads.
fn halves(geometry: &Geometry) -> Option<[bool; 2]> {
    let [luma, blue, red] = geometry.grids.as_slice() else {
        return None;
    };
    let half = |of: fn(&Grid) -> usize| match (of(luma), of(blue), of(red)) {
        (2, 1, 1) => Some(true),
        (1, 1, 1) | (2, 2, 2) => Some(false),
        _ => None,
    };
    Some([half(|grid| grid.across)?, half(|grid| grid.down)?])
}

/// Shows rows to readers while their scan is decoded.
struct Shown<'a, 'b> {
    layout: Layout,
    readers: &'a mut [&'b mut dyn ReadRows],
}

impl Follow<Strip> for Shown<'_, '_> {
    fn row_ended(&mut self, strips: &mut [Strip], unit_row: usize) {
        for strip in &mut *strips {
            strip.draw_waiting();
        }
        let ready = self.layout.ready(unit_row);
        let chroma = match (self.layout.chroma, &*strips) {
            (Some([half_width, half_height]), [_, blue, red]) => Some(Chroma {
                planes: [blue.rows(), red.rows()],
                half_width,
                half_height,
            }),
            _ => None,
        };
        if let [luma, ..] = &*strips {
            let rows = YcbcrRows {
                size: self.layout.size,
                luma: luma.rows(),
                chroma,
            };
            for reader in &mut *self.readers {
                reader.read(&rows, ready.clone());
            }
        }
        for strip in strips {
            strip.advance();
        }
    }
}
