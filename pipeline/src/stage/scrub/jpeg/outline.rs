//! What a picture that replaces a JPEG must have in common with it.

use super::segments::{EOI, SOS, Segments};
use super::{Parts, assemble_icc};
use crate::error::Reject;
use crate::stage::scrub::icc::Channels;
use crate::stage::scrub::malformed;

/// Colours and chroma resolution of a JPEG.
#[derive(Debug)]
pub(in crate::stage) struct Outline {
    /// 1 for grey, 3 for colour, 4 for CMYK.
    pub(in crate::stage) n_components: usize,
    /// What its components stand for.
    pub(in crate::stage) channels: Channels,
    /// How many luma samples share one chroma sample, across and down.
    pub(in crate::stage) luma_sampling: (u8, u8),
    /// The colour profile as the file has it.
    pub(in crate::stage) profile: Option<Vec<u8>>,
}

impl Outline {
    /// Reads up to the first scan.
    pub(in crate::stage) fn read(bytes: &[u8]) -> Result<Self, Reject> {
        let mut segments = Segments::new(bytes)?;
        let mut parts = Parts::default();
        loop {
            let segment = segments.next()?;
            match segment.marker {
                SOS | EOI => break,
                _ => parts.read(&segment)?,
            }
        }
        let frame = parts
            .frame
            .ok_or(malformed("a scan before the frame header"))?;
        Ok(Self {
            n_components: frame.components().len(),
            channels: frame.channels(),
            luma_sampling: frame.luma_sampling(),
            profile: assemble_icc(&parts.icc),
        })
    }
}
