//! What image-webp 0.2 allocates for a WebP, by its chunks.

use super::{RGB, RGBA, vp8l};
use crate::error::Reject;
use crate::stage::sniff::webp::{AnimationFrame, Chunks, is_animated};

/// How the pictures of a file are coded; of several, the most there is.
#[derive(Debug, Default)]
pub(super) struct Coding {
    pub(super) animated: bool,
    /// Bytes a pixel that the decoder and the picture it fills take together.
    pub(super) pixel_bytes: u64,
    /// What the tables of prefix codes take.
    pub(super) tables_bytes: u64,
}

impl Coding {
    pub(super) fn read(bytes: &[u8], size: (u32, u32)) -> Result<Self, Reject> {
        let mut coding = Self {
            animated: is_animated(bytes)?,
            ..Self::default()
        };
        for chunk in Chunks::of_file(bytes)? {
            let (name, data) = chunk?;
            if name == *b"ANMF" && coding.animated {
                let frame = AnimationFrame::parse(data)?;
                for chunk in frame.chunks() {
                    let (name, data) = chunk?;
                    coding.add(name, data, (frame.width, frame.height))?;
                }
            } else {
                coding.add(name, data, size)?;
            }
        }
        Ok(coding)
    }

    /// Every picture chunk counts, read or not: decoders choose differently
    /// where there are too many.
    fn add(&mut self, name: [u8; 4], data: &[u8], size: (u32, u32)) -> Result<(), Reject> {
        // Planes at half the chroma resolution, rounded up to whole blocks.
        const PLANES: u64 = 2;
        let (pixel_bytes, tables_bytes) = match (&name, data) {
            (b"VP8 ", _) => (PLANES + RGB, 0),
            // It decodes to RGBA, of which RGB may be copied; transforms take a
            // quarter of a byte each.
            (b"VP8L", _) => (RGBA + RGB + 1, vp8l::tables_bytes_of_picture(data)?),
            // An alpha plane is the green of a picture of its own.
            (b"ALPH", [head, plane @ ..]) => {
                let is_compressed = head & 3 == 1;
                let tables_bytes = if is_compressed {
                    vp8l::tables_bytes_of_plane(plane, size)?
                } else {
                    0
                };
                (PLANES + RGBA + RGBA + 1, tables_bytes)
            }
            _ => return Ok(()),
        };
        self.pixel_bytes = self.pixel_bytes.max(pixel_bytes);
        self.tables_bytes = self.tables_bytes.max(tables_bytes);
        Ok(())
    }
}
