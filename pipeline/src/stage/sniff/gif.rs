//! GIF (87a and 89a): walks the blocks and counts the image descriptors.

use super::tally::Tally;
use crate::error::Reject;
use crate::item::Header;
use crate::limits::Limits;
use crate::stage::cursor::Cursor;

const SIGNATURE_LENGTH: usize = 6;

pub(super) fn header(bytes: &[u8], limits: &Limits) -> Result<Header, Reject> {
    let mut tally: Option<Tally<'_>> = None;
    walk(bytes, &mut |screen, frame| {
        let tally = match &mut tally {
            Some(tally) => tally,
            none => none.insert(canvas(screen, frame, limits)?),
        };
        tally.add_frame(frame.width, frame.height)
    })
    .and_then(|is_cut| match tally {
        Some(tally) => Ok(tally.into_header()),
        None if is_cut => Err(Reject::Truncated),
        None => Err(Reject::Malformed {
            detail: "the GIF has no pixels",
        }),
    })
}

type Visit<'a> = dyn FnMut((u32, u32), &Descriptor) -> Result<(), Reject> + 'a;

/// Shows the screen's size and every frame to `visit`. True if the file ends
/// without a trailer.
fn walk(bytes: &[u8], visit: &mut Visit<'_>) -> Result<bool, Reject> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(SIGNATURE_LENGTH)?;
    let screen = (u32::from(cursor.u16_le()?), u32::from(cursor.u16_le()?));
    let flags = cursor.u8()?;
    let _background_and_aspect = cursor.u16_le()?;
    skip_palette(&mut cursor, flags)?;

    // Writers forget the trailer; a file that ends between two blocks is whole.
    while !cursor.is_empty() {
        match cursor.u8()? {
            0x21 => {
                let _label = cursor.u8()?;
                skip_sub_blocks(&mut cursor)?;
            }
            0x2C => {
                visit(screen, &Descriptor::read(&mut cursor)?)?;
                let _lzw_code_size = cursor.u8()?;
                skip_sub_blocks(&mut cursor)?;
            }
            0x3B => return Ok(cursor.is_empty()),
            _ => {
                return Err(Reject::Malformed {
                    detail: "the GIF has an unknown block",
                });
            }
        }
    }
    Ok(true)
}

/// Area of the largest frame of a GIF that was sniffed, in pixels. A frame may
/// reach beyond the canvas.
pub(crate) fn largest_frame(bytes: &[u8]) -> Result<u64, Reject> {
    let mut largest = 0;
    walk(bytes, &mut |_, frame| {
        largest = largest.max(u64::from(frame.width) * u64::from(frame.height));
        Ok(())
    })?;
    Ok(largest)
}

/// Browsers grow the logical screen to hold the first frame; some writers
/// leave it 0 x 0.
fn canvas<'a>(
    screen: (u32, u32),
    first: &Descriptor,
    limits: &'a Limits,
) -> Result<Tally<'a>, Reject> {
    let width = screen.0.max(first.left + first.width);
    let height = screen.1.max(first.top + first.height);
    Tally::new(width, height, limits)
}

struct Descriptor {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

impl Descriptor {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Reject> {
        let (left, top) = (cursor.u16_le()?, cursor.u16_le()?);
        let (width, height) = (cursor.u16_le()?, cursor.u16_le()?);
        let flags = cursor.u8()?;
        skip_palette(cursor, flags)?;
        Ok(Self {
            left: left.into(),
            top: top.into(),
            width: width.into(),
            height: height.into(),
        })
    }
}

fn skip_palette(cursor: &mut Cursor<'_>, flags: u8) -> Result<(), Reject> {
    if flags & 0x80 != 0 {
        cursor.take(3 << ((flags & 7) + 1))?;
    }
    Ok(())
}

fn skip_sub_blocks(cursor: &mut Cursor<'_>) -> Result<(), Reject> {
    loop {
        match cursor.u8()? {
            0 => return Ok(()),
            length => cursor.take(length.into())?,
        };
    }
}
