//! The picture of a JPEG at one, two or four eighths of its size, without ever
//! making all its pixels.

use super::broken;
use super::drawn::Drawn;
use super::geometry::Grid;
use super::plane::{Kept, Laid, Plane};
use super::scan::Unfollowed;
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

    /// Those for a component whose samples are `stretch` times as far apart as the
    /// finest one's: no more than twice as far apart in the end, if four eighths
    /// can do that.
    pub(super) fn of_coarse(self, stretch: usize) -> Self {
        match (self, stretch) {
            (Self::Four, _) | (_, 0..=2) => self,
            (Self::One, 3..=4) => Self::Two,
            _ => Self::Four,
        }
    }
}

/// What the components of a [`Reduced`] picture are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage) enum Colours {
    /// Brightness alone.
    Grey,
    /// Red, green, blue.
    Rgb,
    /// Luma, blue and red difference.
    YCbCr,
}

/// A small picture.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::stage) struct Reduced {
    pub(in crate::stage) colours: Colours,
    /// One, or three.
    pub(in crate::stage) components: Vec<Samples>,
}

/// The samples of one component, row-major, as coarse against the others as the
/// file has them.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::stage) struct Samples {
    /// How many a row and a column have, those of padding included.
    pub(in crate::stage) size: (u32, u32),
    /// How many of a row and of a column show the picture. Fractions: at the edge
    /// a sample may do so in part.
    pub(in crate::stage) shown: (f64, f64),
    pub(in crate::stage) samples: Vec<u8>,
}

/// The picture reduced, or `None` for inks.
///
/// # Errors
/// As [`super::without_tails`].
pub(in crate::stage) fn reduced(file: &[u8], eighths: Eighths) -> Result<Option<Reduced>, Reject> {
    let mut source = Source::<Drawn>::new(eighths);
    let mut segments = Segments::new(file)?;
    loop {
        let segment = segments.next()?;
        match segment.marker {
            SOS if colours(&source)?.is_none() => return Ok(None),
            SOS if source.frame()?.progressive() => return from_all_scans(file, eighths),
            SOS => source.read_scan(segment.payload, &mut segments, &mut Unfollowed)?,
            EOI => break,
            _ => source.read(&segment)?,
        }
    }
    let drawn = source.take_planes()?;
    finished(&source, drawn)
}

/// A progressive file's coefficients are known only when all scans are read.
fn from_all_scans(file: &[u8], eighths: Eighths) -> Result<Option<Reduced>, Reject> {
    let mut source = Source::<Kept>::new(Turn::NONE);
    let mut segments = Segments::new(file)?;
    loop {
        let segment = segments.next()?;
        match segment.marker {
            SOS => source.read_scan(segment.payload, &mut segments, &mut Unfollowed)?,
            EOI => break,
            _ => source.read(&segment)?,
        }
    }
    let kept = source.planes()?;
    let geometry = source.geometry()?;
    let components = source.frame()?.components().iter().zip(kept);
    let drawn = components.map(|(component, kept)| {
        let laid = Laid {
            grid: &kept.grid,
            is_progressive: true,
            stretch: geometry.stretch(&kept.grid),
            quantisation: Some(source.quantisation(component.quantisation)?),
        };
        let mut drawn = Drawn::new(&laid, eighths)?;
        draw(kept, &mut drawn);
        Ok(drawn)
    });
    let drawn: Vec<Drawn> = drawn.collect::<Result<_, _>>()?;
    finished(&source, drawn)
}

fn draw(kept: &Kept, drawn: &mut Drawn) {
    for row in 0..kept.grid.rows {
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
}

/// `None` for inks.
pub(super) fn colours<P: Plane>(source: &Source<'_, P>) -> Result<Option<Colours>, Reject> {
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

fn finished<P: Plane>(
    source: &Source<'_, P>,
    drawn: Vec<Drawn>,
) -> Result<Option<Reduced>, Reject> {
    let Some(colours) = colours(source)? else {
        return Ok(None);
    };
    let grids = &source.geometry()?.grids;
    let finest = |factor: fn(&Grid) -> usize| grids.iter().map(factor).max().unwrap_or(1);
    let (across_max, down_max) = (finest(|grid| grid.across), finest(|grid| grid.down));
    let (width, height) = source.frame()?.size();
    let shown =
        |side: u16, own: usize, most: usize| f64::from(side) * own as f64 / (most * 8) as f64;
    let components = drawn.into_iter().zip(grids).map(|(drawn, grid)| {
        let (stride, side) = (drawn.stride, drawn.side);
        let samples = drawn.into_samples();
        Ok(Samples {
            size: (
                stride.try_into().map_err(broken)?,
                (samples.len() / stride).try_into().map_err(broken)?,
            ),
            shown: (
                shown(width, grid.across * side, across_max),
                shown(height, grid.down * side, down_max),
            ),
            samples,
        })
    });
    Ok(Some(Reduced {
        colours,
        components: components.collect::<Result<_, Reject>>()?,
    }))
}
