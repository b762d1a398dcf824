//! PNG (third edition, which includes APNG): walks the chunks to the end.

use super::tally::Tally;
use crate::error::Reject;
use crate::item::Header;
use crate::limits::Limits;
use crate::stage::cursor::Cursor;

const SIGNATURE_LENGTH: usize = 8;
const CRC_LENGTH: usize = 4;

const PNG_INTEGER_MAX: u32 = 0x7FFF_FFFF;

pub(super) fn header(bytes: &[u8], limits: &Limits) -> Result<Header, Reject> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(SIGNATURE_LENGTH)?;
    let (name, mut first) = chunk(&mut cursor)?;
    if name != *b"IHDR" {
        return Err(Reject::Malformed {
            detail: "the PNG does not start with its header",
        });
    }
    let mut tally = Tally::new(first.u32_be()?, first.u32_be()?, limits)?;

    let mut frames_announced = None;
    let mut seen_pixels = false;
    loop {
        let (name, mut data) = chunk(&mut cursor)?;
        match &name {
            b"acTL" if !seen_pixels => {
                let (frames, plays) = (data.u32_be()?, data.u32_be()?);
                // Beyond 31 bits (PNG, 7.1) decoders show the still image.
                if plays <= PNG_INTEGER_MAX {
                    tally.expect_frames(frames)?;
                    frames_announced = Some(frames);
                }
            }
            b"fcTL" if frames_announced.is_some() => add_frame(&mut tally, data)?,
            b"IDAT" => seen_pixels = true,
            b"IEND" => break,
            _ => {}
        }
    }
    if !seen_pixels {
        return Err(Reject::Malformed {
            detail: "the PNG has no pixels",
        });
    }
    if frames_announced.is_some_and(|frames| frames == 0 || frames != tally.frames()) {
        return Err(Reject::Malformed {
            detail: "the PNG announces other frames than it has",
        });
    }
    Ok(tally.into_header())
}

fn add_frame(tally: &mut Tally<'_>, mut control: Cursor<'_>) -> Result<(), Reject> {
    let _sequence_number = control.u32_be()?;
    let (width, height) = (control.u32_be()?, control.u32_be()?);
    let (left, top) = (control.u32_be()?, control.u32_be()?);
    let inside = |start: u32, length: u32, canvas: u32| {
        start.checked_add(length).is_some_and(|end| end <= canvas)
    };
    if !inside(left, width, tally.width()) || !inside(top, height, tally.height()) {
        return Err(Reject::Malformed {
            detail: "a frame lies outside the image",
        });
    }
    tally.add_frame(width, height)
}

fn chunk<'a>(cursor: &mut Cursor<'a>) -> Result<([u8; 4], Cursor<'a>), Reject> {
    let length = cursor.u32_be()?;
    let name = cursor.array()?;
    let data = cursor.take_u32(length)?;
    cursor.take(CRC_LENGTH)?;
    Ok((name, Cursor::new(data)))
}
