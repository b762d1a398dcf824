//! WebP: canvas, name of the colour space, alpha, picture or animation, in a RIFF container
//! with sizes and flags computed anew (RFC 9649).
//!
//! Not copied: EXIF, `XMP `, unknown chunks at either level, padding, what
//! follows the RIFF chunk, and what follows the last pixel or coefficient inside
//! a bitstream.

mod bits;
mod bools;
pub(in crate::stage) mod chunk;
mod image;
mod lossless;
mod lossy;
mod lossy_tables;
mod neighbours;
mod verify;

#[cfg(test)]
mod tests;

use self::chunk::Chunk;
use self::image::Image;
pub(super) use self::verify::verify;
use super::icc::{self, Channels};
use super::malformed;
use crate::error::Reject;
use crate::stage::cursor::Cursor;

const FLAG_ICC: u8 = 0x20;
const FLAG_ALPHA: u8 = 0x10;
const FLAG_ANIMATION: u8 = 0x02;

/// Writes the WebP again from the parts that are picture.
pub(super) fn rebuild(bytes: &[u8]) -> Result<Vec<u8>, Reject> {
    let mut file = Cursor::new(bytes);
    if file.array()? != *b"RIFF" {
        return Err(malformed("a WebP must begin as a RIFF file"));
    }
    let size = file.u32_le()?;
    let mut body = Cursor::new(file.take_u32(size)?);
    if body.array()? != *b"WEBP" {
        return Err(malformed("a WebP must begin as a RIFF file"));
    }
    let first = Chunk::read(&mut body)?.ok_or(Reject::Truncated)?;
    let mut chunks = Vec::with_capacity(bytes.len());
    match &first.name {
        b"VP8 " | b"VP8L" => Image::new(&first, None)?.write(&mut chunks)?,
        b"VP8X" => Extended::read(first.data, body)?.write(&mut chunks)?,
        _ => return Err(malformed("a WebP must begin with a picture or a canvas")),
    }
    let mut out = Vec::with_capacity(chunks.len() + 12);
    chunk::write(*b"RIFF", &[b"WEBP", &chunks[..]].concat(), &mut out)?;
    Ok(out)
}

/// The extended file format (2.7): a canvas and what is on it.
struct Extended<'a> {
    canvas: Canvas,
    profile: Option<&'static [u8]>,
    content: Content<'a>,
}

struct Canvas {
    width: u32,
    height: u32,
    alpha: bool,
    animated: bool,
}

enum Content<'a> {
    Still(Image),
    Animation {
        control: &'a [u8; 6],
        frames: Vec<Frame>,
    },
}

impl<'a> Extended<'a> {
    fn read(canvas: &[u8], body: Cursor<'a>) -> Result<Self, Reject> {
        let canvas = Canvas::parse(canvas)?;
        let profile = find_profile(body)?;
        let content = if canvas.animated {
            read_animation(body, &canvas)?
        } else {
            let image = Image::find(&mut body.clone())?;
            if (image.width, image.height) != (canvas.width, canvas.height) {
                return Err(malformed("the picture does not fill its canvas"));
            }
            Content::Still(image)
        };
        Ok(Self {
            canvas,
            profile,
            content,
        })
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Reject> {
        chunk::write(*b"VP8X", &self.canvas.data(self.profile.is_some()), out)?;
        if let Some(profile) = self.profile {
            chunk::write(*b"ICCP", profile, out)?;
        }
        match &self.content {
            Content::Still(image) => image.write(out),
            Content::Animation { control, frames } => {
                chunk::write(*b"ANIM", &loops_of(control), out)?;
                frames.iter().try_for_each(|frame| frame.write(out))
            }
        }
    }
}

impl Canvas {
    fn parse(data: &[u8]) -> Result<Self, Reject> {
        let mut cursor = Cursor::new(data);
        let [flags, ..] = cursor.array::<4>()?;
        let (width, height) = (cursor.u24_le()? + 1, cursor.u24_le()? + 1);
        // The alpha flag is only a hint to decoders, but some follow it.
        let (alpha, animated) = (flags & FLAG_ALPHA != 0, flags & FLAG_ANIMATION != 0);
        Ok(Self {
            width,
            height,
            alpha,
            animated,
        })
    }

    fn data(&self, has_profile: bool) -> Vec<u8> {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let flags = flag(has_profile, FLAG_ICC)
            | flag(self.alpha, FLAG_ALPHA)
            | flag(self.animated, FLAG_ANIMATION);
        [
            &[flags, 0, 0, 0],
            &u24(self.width - 1)[..],
            &u24(self.height - 1),
        ]
        .concat()
    }
}

/// One frame of an animation (2.7.1.1).
struct Frame {
    /// Left, top, width less one, height less one, duration, flags.
    head: [u8; 16],
    image: Image,
}

impl Frame {
    fn parse(data: &[u8], canvas: &Canvas) -> Result<Self, Reject> {
        let mut cursor = Cursor::new(data);
        let mut head: [u8; 16] = cursor.array()?;
        // Disposal and blending; the other bits are reserved.
        head[15] &= 3;
        let field = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], 0]);
        let (left, top) = (2 * field(0), 2 * field(3));
        let (width, height) = (field(6) + 1, field(9) + 1);
        let image = Image::find(&mut cursor)?;
        let outside = left + width > canvas.width || top + height > canvas.height;
        if outside || (image.width, image.height) != (width, height) {
            return Err(malformed("an animation frame does not fit its canvas"));
        }
        Ok(Self { head, image })
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Reject> {
        let mut data = self.head.to_vec();
        self.image.write(&mut data)?;
        chunk::write(*b"ANMF", &data, out)
    }
}

/// The first profile's replacement.
fn find_profile(mut body: Cursor<'_>) -> Result<Option<&'static [u8]>, Reject> {
    while let Some(chunk) = Chunk::read(&mut body)? {
        if chunk.name == *b"ICCP" {
            return icc::replacement(chunk.data, Channels::Rgb);
        }
    }
    Ok(None)
}

/// The control of an animation with nothing but its loop count: the background,
/// which viewers do not show, could be any four bytes.
fn loops_of([_, _, _, _, low, high]: &[u8; 6]) -> [u8; 6] {
    [0, 0, 0, 0, *low, *high]
}

fn read_animation<'a>(mut body: Cursor<'a>, canvas: &Canvas) -> Result<Content<'a>, Reject> {
    let mut control = None;
    let mut frames = Vec::new();
    while let Some(chunk) = Chunk::read(&mut body)? {
        match &chunk.name {
            b"ANIM" => control = control.or(chunk.data.first_chunk()),
            b"ANMF" => frames.push(Frame::parse(chunk.data, canvas)?),
            _ => {}
        }
    }
    match control {
        Some(control) if !frames.is_empty() => Ok(Content::Animation { control, frames }),
        _ => Err(malformed("an animation without frames")),
    }
}

fn u24(value: u32) -> [u8; 3] {
    let [a, b, c, _] = value.to_le_bytes();
    [a, b, c]
}
