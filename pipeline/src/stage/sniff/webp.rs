//! WebP (RFC 9649): walks the RIFF chunks to the end of the container.

use super::tally::Tally;
use crate::error::Reject;
use crate::item::Header;
use crate::limits::Limits;
use crate::stage::cursor::Cursor;

const ANIMATION_FLAG: u8 = 0b10;

/// The chunks of a WebP file or of an animation frame, in order.
#[derive(Debug, Clone)]
pub(crate) struct Chunks<'a> {
    rest: Cursor<'a>,
}

impl<'a> Chunks<'a> {
    /// The chunks of the whole file; what follows the container is left out.
    pub(crate) fn of_file(bytes: &'a [u8]) -> Result<Self, Reject> {
        container(bytes).map(Self::of_body)
    }

    fn of_body(body: &'a [u8]) -> Self {
        Self {
            rest: Cursor::new(body),
        }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<([u8; 4], &'a [u8]), Reject>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let chunk = chunk(&mut self.rest);
        if chunk.is_err() {
            self.rest = Cursor::new(&[]);
        }
        Some(chunk)
    }
}

fn chunk<'a>(rest: &mut Cursor<'a>) -> Result<([u8; 4], &'a [u8]), Reject> {
    let name = rest.array()?;
    let length = rest.u32_le()?;
    let data = rest.take_u32(length)?;
    // Chunks start at even offsets; writers forget the last one's padding.
    if length % 2 == 1 && !rest.is_empty() {
        rest.take(1)?;
    }
    Ok((name, data))
}

/// The container's body, after `RIFF`, size and `WEBP`.
fn container(bytes: &[u8]) -> Result<&[u8], Reject> {
    let mut cursor = Cursor::new(bytes);
    let _riff: [u8; 4] = cursor.array()?;
    let size = cursor.u32_le()?;
    let mut body = Cursor::new(cursor.take_u32(size)?);
    let _webp: [u8; 4] = body.array()?;
    Ok(body.rest())
}

/// One `ANMF` chunk.
#[derive(Debug, Clone)]
pub(crate) struct AnimationFrame<'a> {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) duration_ms: u32,
    pub(crate) blends: bool,
    pub(crate) disposes: bool,
    /// `ALPH`, `VP8 ` and `VP8L`, as in a still.
    pub(crate) image: &'a [u8],
}

impl<'a> AnimationFrame<'a> {
    pub(crate) fn parse(data: &'a [u8]) -> Result<Self, Reject> {
        let mut cursor = Cursor::new(data);
        let (left, top) = (cursor.u24_le()? * 2, cursor.u24_le()? * 2);
        let (width, height) = (cursor.u24_le()? + 1, cursor.u24_le()? + 1);
        let duration_ms = cursor.u24_le()?;
        let flags = cursor.u8()?;
        Ok(Self {
            left,
            top,
            width,
            height,
            duration_ms,
            blends: flags & 0b10 == 0,
            disposes: flags & 0b01 != 0,
            image: cursor.rest(),
        })
    }

    /// The frame's own chunks.
    pub(crate) fn chunks(&self) -> Chunks<'a> {
        Chunks::of_body(self.image)
    }
}

/// True if the file plays as an animation, be it of one frame.
pub(crate) fn is_animated(bytes: &[u8]) -> Result<bool, Reject> {
    match Chunks::of_file(bytes)?.next() {
        Some(Ok((name, data))) => Ok(name == *b"VP8X"
            && data
                .first()
                .is_some_and(|flags| flags & ANIMATION_FLAG != 0)),
        Some(Err(reject)) => Err(reject),
        None => Err(Reject::Truncated),
    }
}

pub(super) fn header(bytes: &[u8], limits: &Limits) -> Result<Header, Reject> {
    let mut chunks = Chunks::of_file(bytes)?;
    let (name, data) = chunks.next().ok_or(Reject::Truncated)??;
    match &name {
        b"VP8 " | b"VP8L" => {
            let (width, height) = bitstream_size(name, data)?;
            Ok(Tally::new(width, height, limits)?.into_header())
        }
        b"VP8X" => extended_header(data, chunks, limits),
        _ => Err(Reject::Malformed {
            detail: "the WebP does not start with an image",
        }),
    }
}

fn extended_header(data: &[u8], chunks: Chunks<'_>, limits: &Limits) -> Result<Header, Reject> {
    let mut extended = Cursor::new(data);
    let animated = extended.u8()? & ANIMATION_FLAG != 0;
    let _reserved = extended.u24_le()?;
    let mut tally = Tally::new(extended.u24_le()? + 1, extended.u24_le()? + 1, limits)?;
    let mut has_image = false;
    for chunk in chunks {
        let (name, data) = chunk?;
        match &name {
            b"ANMF" if animated => add_frame(&mut tally, data)?,
            b"VP8 " | b"VP8L" => {
                has_image = true;
                expect_size(name, data, (tally.width(), tally.height()))?;
            }
            _ => {}
        }
    }
    if animated && tally.frames() == 0 || !animated && !has_image {
        return Err(Reject::Malformed {
            detail: "the WebP has no pixels",
        });
    }
    Ok(tally.into_header())
}

fn add_frame(tally: &mut Tally<'_>, data: &[u8]) -> Result<(), Reject> {
    let frame = AnimationFrame::parse(data)?;
    // 24 bits each, doubled at most: no overflow.
    if frame.left + frame.width > tally.width() || frame.top + frame.height > tally.height() {
        return Err(Reject::Malformed {
            detail: "a frame lies outside the image",
        });
    }
    tally.add_frame(frame.width, frame.height)?;
    for chunk in frame.chunks() {
        let (name, data) = chunk?;
        if name == *b"VP8 " || name == *b"VP8L" {
            return expect_size(name, data, (frame.width, frame.height));
        }
    }
    Err(Reject::Malformed {
        detail: "a frame has no pixels",
    })
}

/// The decoder allocates by the bitstream's size, so it must be the one that
/// was held to the limits.
fn expect_size(name: [u8; 4], data: &[u8], size: (u32, u32)) -> Result<(), Reject> {
    if bitstream_size(name, data)? == size {
        Ok(())
    } else {
        Err(Reject::Malformed {
            detail: "the WebP's sizes contradict each other",
        })
    }
}

/// Width and height of a `VP8 ` (RFC 6386, 9.1) or `VP8L` (RFC 9649, 3.4) bitstream.
fn bitstream_size(name: [u8; 4], data: &[u8]) -> Result<(u32, u32), Reject> {
    let mut cursor = Cursor::new(data);
    if name == *b"VP8L" {
        let _signature = cursor.u8()?;
        let packed = cursor.u32_le()?;
        return Ok(((packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1));
    }
    let _frame_tag = cursor.u24_le()?;
    let _start_code = cursor.u24_le()?;
    let (width, height) = (cursor.u16_le()?, cursor.u16_le()?);
    Ok((u32::from(width & 0x3FFF), u32::from(height & 0x3FFF)))
}
