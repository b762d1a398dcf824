//! PNG and APNG: palettes change their colours only; other pictures are decoded,
//! converted and encoded again at their depth.

mod encode;

use super::convert::Converter;
use crate::error::Reject;
use crate::item::{Header, Pixels};
use crate::stage::cursor::Cursor;
use crate::stage::decode::Layout;
use crate::stage::scrub::icc::{Channels, Meaning};
use crate::stage::scrub::png::chunk::{self, Chunk, SIGNATURE};
use crate::stage::scrub::png::colours::{Colours, Statement};

/// What the file says of its colours.
struct Stated {
    statement: Statement,
    channels: Channels,
    indexed: bool,
}

/// What the chunks say of the picture, and what its samples stand for.
pub(super) fn meaning(bytes: &[u8]) -> Result<Option<(Meaning, Channels)>, Reject> {
    let stated = read(bytes)?;
    Ok(match stated.statement {
        Statement::None => None,
        Statement::Profile(meaning) | Statement::CodePoints(_, meaning) => {
            Some((meaning, stated.channels))
        }
    })
}

/// Converts the frames, and returns the file of them if the stored one cannot stay.
pub(super) fn convert(
    bytes: &[u8],
    header: Header,
    frames: &mut [Pixels],
) -> Result<Option<Vec<u8>>, Reject> {
    let stated = read(bytes)?;
    let (meaning, stays) = match &stated.statement {
        Statement::None => return Ok(None),
        Statement::CodePoints(_, meaning) => (meaning, true),
        Statement::Profile(meaning) => (meaning, matches!(meaning, Meaning::Known(_))),
    };
    let Some(converter) = Converter::of(meaning, stated.channels)? else {
        return Ok(None);
    };
    converter.frames(frames)?;
    if stays {
        Ok(None)
    } else if stated.indexed {
        with_palette_converted(bytes, &converter).map(Some)
    } else {
        encode::again(bytes, header, &converter).map(Some)
    }
}

/// Reads up to the palette or the picture.
fn read(bytes: &[u8]) -> Result<Stated, Reject> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(SIGNATURE.len())?;
    let colour_type = Chunk::read(&mut cursor)?.data.get(9).copied();
    let channels = match colour_type {
        Some(0 | 4) => Channels::Grey,
        _ => Channels::Rgb,
    };
    let mut colours = Colours::default();
    loop {
        let chunk = Chunk::read(&mut cursor)?;
        if matches!(&chunk.name, b"PLTE" | b"IDAT" | b"IEND") {
            return Ok(Stated {
                statement: colours.statement(channels),
                channels,
                indexed: colour_type == Some(3),
            });
        }
        colours.read(&chunk);
    }
}

/// The file with another palette, without any word on colours.
fn with_palette_converted(bytes: &[u8], converter: &Converter) -> Result<Vec<u8>, Reject> {
    let mut cursor = Cursor::new(bytes);
    let mut out = cursor.take(SIGNATURE.len())?.to_vec();
    loop {
        let chunk = Chunk::read(&mut cursor)?;
        match &chunk.name {
            b"iCCP" | b"cICP" | b"sRGB" | b"gAMA" | b"cHRM" => {}
            b"PLTE" => {
                let mut palette = chunk.data.to_vec();
                palette.truncate(palette.len() / 3 * 3);
                converter.samples(&mut palette, Layout::Rgb)?;
                chunk::write(chunk.name, &palette, &mut out)?;
            }
            _ if chunk.is_intact() => chunk::write(chunk.name, chunk.data, &mut out)?,
            _ => {}
        }
        if chunk.name == *b"IEND" {
            return Ok(out);
        }
    }
}
