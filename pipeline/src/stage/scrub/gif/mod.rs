//! GIF: screen, colour tables, frames with their graphic control, and the loop
//! count (GIF89a).
//!
//! Not copied: comments, plain text, application extensions (XMP and ICC among
//! them) except the loop count, which is rebuilt, what follows the trailer, and
//! what follows the last pixel inside a frame's data. Colours that no pixel has
//! are written as black: a table has no shorter form.

mod block;
mod lzw;
mod used;
mod verify;

#[cfg(test)]
mod tests;

use self::used::Used;
pub(super) use self::verify::verify;
use super::malformed;
use crate::error::Reject;
use crate::stage::cursor::Cursor;

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2C;
const TRAILER: u8 = 0x3B;
const GRAPHIC_CONTROL: u8 = 0xF9;
const APPLICATION: u8 = 0xFF;

const HAS_TABLE: u8 = 0x80;
const TABLE_SIZE: u8 = 0x07;
const INTERLACED: u8 = 0x40;

/// Writes the GIF again from the parts that are picture.
pub(super) fn rebuild(bytes: &[u8]) -> Result<Vec<u8>, Reject> {
    let mut cursor = Cursor::new(bytes);
    let signature: [u8; 6] = cursor.array()?;
    if !matches!(&signature, b"GIF87a" | b"GIF89a") {
        return Err(malformed("a GIF must begin with its signature"));
    }
    let screen: [u8; 7] = cursor.array()?;
    let palette = colour_table(&mut cursor, screen[4])?;
    let mut body = Body::default();
    body.read(&mut cursor)?;
    let screen = body.grown(screen)?;

    let mut out = Vec::with_capacity(body.frames.len() + 1024);
    // The features of version 89a are used even where the file says 87a.
    out.extend_from_slice(b"GIF89a");
    out.extend_from_slice(&screen);
    // The screen's background is one of the colours.
    body.used.mark(screen[5]);
    body.used.write_table(palette, &mut out);
    if let Some([low, high]) = body.loops {
        out.extend_from_slice(&[EXTENSION, APPLICATION, 11]);
        out.extend_from_slice(b"NETSCAPE2.0");
        out.extend_from_slice(&[3, 1, low, high, 0]);
    }
    out.extend_from_slice(&body.frames);
    out.push(TRAILER);
    Ok(out)
}

/// What follows the global colour table.
#[derive(Default)]
struct Body {
    /// The frames as they are to be written.
    frames: Vec<u8>,
    /// The colours of the global table that frames name.
    used: Used,
    /// Right and bottom edge of the first frame, in pixels.
    first_extent: Option<[u32; 2]>,
    /// The loop count, little-endian.
    loops: Option<[u8; 2]>,
}

impl Body {
    /// Reads to the trailer. A file that ends between two blocks lacks only its
    /// trailer, which is forgiven.
    fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Reject> {
        let mut control = None;
        while !cursor.is_empty() {
            match cursor.u8()? {
                EXTENSION => match cursor.u8()? {
                    GRAPHIC_CONTROL => control = read_control(cursor)?,
                    APPLICATION => self.loops = read_application(cursor)?.or(self.loops),
                    _ => block::skip(cursor)?,
                },
                IMAGE => {
                    if let Some(control) = control.take() {
                        write_control(control, &mut self.frames);
                    }
                    let extent = copy_image(cursor, &mut self.used, &mut self.frames)?;
                    self.first_extent.get_or_insert(extent);
                }
                TRAILER => break,
                _ => return Err(malformed("a block of an unknown kind")),
            }
        }
        Ok(())
    }

    /// The screen, large enough for the first frame: browsers enlarge it so, and
    /// some writers leave it 0 x 0.
    fn grown(&self, mut screen: [u8; 7]) -> Result<[u8; 7], Reject> {
        let Some(extent) = self.first_extent else {
            return Err(malformed("the image has no picture data"));
        };
        for (side_idx, edge) in extent.into_iter().enumerate() {
            let side = &mut screen[2 * side_idx..][..2];
            let stored = u32::from(u16::from_le_bytes([side[0], side[1]]));
            let grown = u16::try_from(stored.max(edge));
            let grown = grown.map_err(|_| malformed("a frame lies outside any screen"))?;
            side.copy_from_slice(&grown.to_le_bytes());
        }
        // Nobody shows other than square pixels.
        screen[6] = 0;
        Ok(screen)
    }
}

/// Flags, delay and transparent colour of the next frame (section 23).
fn read_control(cursor: &mut Cursor<'_>) -> Result<Option<[u8; 4]>, Reject> {
    let data = block::read(cursor)?;
    let control = data.first_chunk::<4>().copied();
    // The top three bits are reserved.
    Ok(control.map(|[flags, low, high, colour]| [flags & 0x1F, low, high, colour]))
}

fn write_control(control: [u8; 4], out: &mut Vec<u8>) {
    out.extend_from_slice(&[EXTENSION, GRAPHIC_CONTROL, 4]);
    out.extend_from_slice(&control);
    out.push(0);
}

/// The loop count, if this is the extension that holds it. Its chain of
/// sub-blocks begins with the application's name.
fn read_application(cursor: &mut Cursor<'_>) -> Result<Option<[u8; 2]>, Reject> {
    let name_length = usize::from(cursor.u8()?);
    if name_length == 0 {
        return Ok(None);
    }
    let name = cursor.take(name_length)?;
    if !matches!(name, b"NETSCAPE2.0" | b"ANIMEXTS1.0") {
        block::skip(cursor)?;
        return Ok(None);
    }
    match block::read(cursor)?.as_slice() {
        [1, low, high, ..] => Ok(Some([*low, *high])),
        _ => Ok(None),
    }
}

/// Descriptor, local colour table and compressed data of one frame; returns its
/// right and bottom edge. Colours of the global table that it names are marked in
/// `global`.
fn copy_image(
    cursor: &mut Cursor<'_>,
    global: &mut Used,
    out: &mut Vec<u8>,
) -> Result<[u32; 2], Reject> {
    let mut descriptor: [u8; 9] = cursor.array()?;
    let flags = descriptor[8];
    descriptor[8] = if flags & HAS_TABLE == 0 {
        flags & INTERLACED
    } else {
        flags & (HAS_TABLE | INTERLACED | TABLE_SIZE)
    };
    let field = |at: usize| u32::from(u16::from_le_bytes([descriptor[at], descriptor[at + 1]]));
    let [left, top, width, height] = [0, 2, 4, 6].map(field);
    let table = colour_table(cursor, flags)?;

    let min_code_bits = cursor.u8()?;
    // Eight bits name every colour; decoders differ on more.
    if !(1..=8).contains(&min_code_bits) {
        return Err(malformed("a picture of more colours than a table can hold"));
    }
    let pixels = u64::from(width) * u64::from(height);
    let mut used = Used::default();
    let stream = lzw::exact_stream(&block::read(cursor)?, min_code_bits, pixels, &mut used)?;
    if table.is_empty() {
        global.add(&used);
    }
    out.push(IMAGE);
    out.extend_from_slice(&descriptor);
    used.write_table(table, out);
    out.push(min_code_bits);
    block::write(&stream, out);
    Ok([left + width, top + height])
}

/// The table that `flags` announce: 2 to 256 colours, or none.
fn colour_table<'a>(cursor: &mut Cursor<'a>, flags: u8) -> Result<&'a [u8], Reject> {
    if flags & HAS_TABLE == 0 {
        return Ok(&[]);
    }
    cursor.take(3 << ((flags & TABLE_SIZE) + 1))
}
