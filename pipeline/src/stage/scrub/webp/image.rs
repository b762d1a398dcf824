//! One compressed picture: a lossy frame, perhaps with its alpha plane, or a
//! lossless one.

use super::chunk::{self, Chunk};
use super::{lossless, lossy};
use crate::error::Reject;
use crate::stage::cursor::Cursor;
use crate::stage::scrub::malformed;

/// The chunks that make one picture.
#[derive(Debug)]
pub(super) struct Image {
    alpha: Option<Vec<u8>>,
    name: [u8; 4],
    data: Vec<u8>,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Image {
    /// Takes the first picture among the chunks of `cursor`, and the alpha plane
    /// that stands before it. Other chunks are passed over.
    pub(super) fn find(cursor: &mut Cursor<'_>) -> Result<Self, Reject> {
        let mut alpha = None;
        while let Some(chunk) = Chunk::read(cursor)? {
            match &chunk.name {
                b"ALPH" => alpha = alpha.or(Some(chunk.data)),
                b"VP8 " | b"VP8L" => return Self::new(&chunk, alpha),
                _ => {}
            }
        }
        Err(malformed("a frame has no picture data"))
    }

    /// A picture from its chunk; `alpha` belongs to lossy ones only.
    pub(super) fn new(chunk: &Chunk<'_>, alpha: Option<&[u8]>) -> Result<Self, Reject> {
        let Chunk { name, data } = *chunk;
        let is_lossy = name == *b"VP8 ";
        let (width, height) = if is_lossy {
            lossy_size(data)?
        } else {
            lossless_size(data)?
        };
        let data = if is_lossy {
            lossy::exact(data, width, height)?
        } else {
            lossless::exact(data, width, height)?
        };
        let alpha = alpha
            .filter(|_| is_lossy)
            .map(|plane| alpha_plane(plane, width, height));
        Ok(Self {
            alpha: alpha.transpose()?,
            name,
            data,
            width,
            height,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), Reject> {
        if let Some(alpha) = &self.alpha {
            chunk::write(*b"ALPH", alpha, out)?;
        }
        chunk::write(self.name, &self.data, out)
    }
}

/// RFC 6386, 9.1: frame tag, start code, two 14-bit sides with a scale each.
fn lossy_size(data: &[u8]) -> Result<(u32, u32), Reject> {
    let mut cursor = Cursor::new(data);
    let tag = cursor.u24_le()?;
    let start_code: [u8; 3] = cursor.array()?;
    let [width, height] = [cursor.u16_le()?, cursor.u16_le()?].map(|side| u32::from(side & 0x3FFF));
    let (inter_frame, shown) = (tag & 1 == 1, tag >> 4 & 1 == 1);
    if inter_frame || !shown || start_code != [0x9D, 0x01, 0x2A] || width == 0 || height == 0 {
        return Err(malformed("a lossy picture does not begin as one"));
    }
    cursor.take_u32(tag >> 5)?;
    Ok((width, height))
}

/// RFC 9649, 3.4: signature, two 14-bit sides less one, an alpha hint, version 0.
fn lossless_size(data: &[u8]) -> Result<(u32, u32), Reject> {
    let mut cursor = Cursor::new(data);
    let (signature, fields) = (cursor.u8()?, cursor.u32_le()?);
    if signature != 0x2F || fields >> 29 != 0 {
        return Err(malformed("a lossless picture does not begin as one"));
    }
    Ok(((fields & 0x3FFF) + 1, (fields >> 14 & 0x3FFF) + 1))
}

/// RFC 9649, 2.7.1.2: the reserved bits cleared, and the plane cut at its end:
/// after one byte a pixel, or after its bitstream.
fn alpha_plane(data: &[u8], width: u32, height: u32) -> Result<Vec<u8>, Reject> {
    let mut cursor = Cursor::new(data);
    let head = cursor.u8()? & 0x3F;
    let plane = match head & 3 {
        0 => cursor.take_u32(width.saturating_mul(height))?.to_vec(),
        1 => lossless::exact_stream(cursor.rest(), width, height)?,
        _ => return Err(malformed("an alpha plane of an unknown kind")),
    };
    Ok([&[head], &plane[..]].concat())
}
