//! What a PNG takes, by the chunks before its picture.

use crate::error::Reject;
use crate::stage::cursor::Cursor;
use crate::stage::scrub::png::chunk::{Chunk, SIGNATURE};

/// How the samples lie in the file.
#[derive(Debug)]
pub(super) struct Outline {
    /// Of a pixel as it is stored; at least 1.
    pub(super) pixel_bytes: u64,
    pub(super) animated: bool,
    /// Whether a still that is no frame stands beside the animation.
    pub(super) beside: bool,
}

impl Outline {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Reject> {
        let mut cursor = Cursor::new(bytes);
        cursor.take(SIGNATURE.len())?;
        let mut header = Cursor::new(Chunk::read(&mut cursor)?.data);
        header.take(8)?;
        let (depth, colour) = (header.u8()?, header.u8()?);
        let channels = match colour {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        };
        let mut outline = Self {
            pixel_bytes: channels * u64::from(depth.div_ceil(8)),
            animated: false,
            beside: true,
        };
        loop {
            match &Chunk::read(&mut cursor)?.name {
                b"acTL" => outline.animated = true,
                b"fcTL" => outline.beside = false,
                b"IDAT" | b"IEND" => return Ok(outline),
                _ => {}
            }
        }
    }
}
