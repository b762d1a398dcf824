//! Reads a file's segments and scans as far as its coefficients need them.

use std::mem;

use super::BROKEN;
use super::geometry::Geometry;
use super::plane::{Kept, Laid, Plane};
use super::scan::{self, Context, Follow, Progress};
use crate::error::Reject;
use crate::stage::scrub::jpeg::frame::{Frame, Scan};
use crate::stage::scrub::jpeg::segments::{Segment, Segments};
use crate::stage::scrub::jpeg::tables::{DHT, DQT, Tables};
use crate::stage::scrub::jpeg::{APP0, APP2, APP14, DRI, ICC, is_jfif, restart_interval};

/// As for decoding: each costs a pass over all blocks, however few bytes it takes.
const SCANS_MAX: u32 = 64;

/// The chunks of a profile, of which there are at most 255, and some more.
const SHOWN_BY_MAX: usize = 300;

/// A file, read up to some point.
pub(super) struct Source<'a, P: Plane> {
    pub(super) purpose: P::Purpose,
    /// Segments before the first scan that say how the picture is shown.
    pub(super) shown_by: Vec<(u8, &'a [u8])>,
    frame: Option<(Frame, Geometry)>,
    tables: Tables,
    restart_interval: u16,
    planes: Vec<P>,
    progress: Progress,
    n_scans: u32,
    /// The coded data of the scan being read.
    coded: Vec<u8>,
}

impl<'a, P: Plane> Source<'a, P> {
    pub(super) fn new(purpose: P::Purpose) -> Self {
        Self {
            purpose,
            shown_by: Vec::new(),
            frame: None,
            tables: Tables::default(),
            restart_interval: 0,
            planes: Vec::new(),
            progress: Progress::default(),
            n_scans: 0,
            coded: Vec::new(),
        }
    }

    /// Takes a segment other than a scan's header.
    pub(super) fn read(&mut self, segment: &Segment<'a>) -> Result<(), Reject> {
        let payload = segment.payload;
        match segment.marker {
            // Decoders disagree on when a table that comes later is in force.
            DQT if self.n_scans > 0 => return Err(BROKEN),
            DQT => self.tables.define_quantisation(payload)?,
            DHT => self.tables.define_huffman(payload)?,
            DRI => self.restart_interval = restart_interval(payload)?,
            0xC0..=0xC2 if self.frame.is_none() => {
                let frame = Frame::parse(segment.marker, payload)?;
                let geometry = Geometry::of(&frame)?;
                self.frame = Some((frame, geometry));
            }
            0xC0..=0xCF => return Err(BROKEN),
            marker if self.n_scans == 0 && shows(marker, payload) => {
                if self.shown_by.len() >= SHOWN_BY_MAX {
                    return Err(BROKEN);
                }
                self.shown_by.push((marker, payload));
            }
            _ => {}
        }
        Ok(())
    }

    /// Decodes a scan whose header has been read, while `follow` hears how far.
    pub(super) fn read_scan(
        &mut self,
        header: &[u8],
        segments: &mut Segments<'a>,
        follow: &mut impl Follow<P>,
    ) -> Result<(), Reject> {
        self.n_scans += 1;
        if self.n_scans > SCANS_MAX {
            return Err(BROKEN);
        }
        let mut coded = mem::take(&mut self.coded);
        coded.clear();
        segments.copy_entropy(self.restart_interval != 0, &mut coded)?;
        let (frame, geometry) = self.frame.as_ref().ok_or(BROKEN)?;
        let scan = Scan::parse(header, frame)?;
        self.progress.note(frame, &scan)?;
        if self.planes.is_empty() {
            let components = frame.components().iter().zip(&geometry.grids);
            let planes = components.map(|(component, grid)| {
                let laid = Laid {
                    grid,
                    is_progressive: frame.progressive(),
                    stretch: geometry.stretch(grid),
                    quantisation: self.tables.quantisation(component.quantisation),
                };
                P::new(&laid, self.purpose)
            });
            self.planes = planes.collect::<Result<_, _>>()?;
        }
        let context = Context {
            frame,
            geometry,
            tables: &self.tables,
            restart_interval: self.restart_interval,
        };
        scan::decode(&context, &scan, &coded, &mut self.planes, follow)?;
        self.coded = coded;
        Ok(())
    }

    pub(super) fn geometry(&self) -> Result<&Geometry, Reject> {
        let (_, geometry) = self.frame.as_ref().ok_or(BROKEN)?;
        Ok(geometry)
    }

    pub(super) fn frame(&self) -> Result<&Frame, Reject> {
        let (frame, _) = self.frame.as_ref().ok_or(BROKEN)?;
        Ok(frame)
    }

    /// The quantisation table of a component, as it stood before the first scan.
    pub(super) fn quantisation(&self, id: usize) -> Result<&[u8], Reject> {
        self.tables.quantisation(id).ok_or(BROKEN)
    }

    /// The coefficients of all components.
    ///
    /// # Errors
    /// [`Reject::Malformed`] unless every component has been begun.
    pub(super) fn planes(&self) -> Result<&[P], Reject> {
        let frame = self.frame()?;
        if !self.progress.has_begun(frame.components().len()) {
            return Err(BROKEN);
        }
        Ok(&self.planes)
    }

    /// As [`Self::planes`], for keeps.
    pub(super) fn take_planes(&mut self) -> Result<Vec<P>, Reject> {
        self.planes()?;
        Ok(mem::take(&mut self.planes))
    }
}

impl Source<'_, Kept> {
    /// Bytes of all planes.
    pub(super) fn bytes_needed(&self) -> Result<u64, Reject> {
        let n_blocks = u64::try_from(self.geometry()?.n_blocks()).map_err(super::broken)?;
        n_blocks.checked_mul(Kept::BLOCK_BYTES).ok_or(BROKEN)
    }
}

/// Whether a segment says how the picture is shown.
fn shows(marker: u8, payload: &[u8]) -> bool {
    match marker {
        APP0 => is_jfif(payload),
        APP2 => payload.starts_with(ICC),
        APP14 => payload.starts_with(b"Adobe"),
        _ => false,
    }
}
