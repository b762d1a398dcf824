//! The second look at a rebuilt WebP. Shares no parsing with the rebuild.

use super::super::{Unclean, icc};
use crate::item::Header;

const UNKNOWN_PART: Unclean = "a part of the WebP is not picture";
const CUT: Unclean = "the rebuilt WebP does not end properly";

/// Accepts a WebP made of nothing but allowed chunks, in order, whose flags say
/// what is there and whose sizes add up to the file.
pub(in super::super) fn verify(rebuilt: &[u8]) -> Result<Header, Unclean> {
    let mut file = rebuilt;
    let (name, body) = next_chunk(&mut file)?;
    let mut rest = body.strip_prefix(b"WEBP").ok_or(UNKNOWN_PART)?;
    if name != b"RIFF" || !file.is_empty() {
        return Err(CUT);
    }
    let (name, data) = next_chunk(&mut rest)?;
    if name != b"VP8X" {
        let (width, height) = picture_size(name, data)?;
        return if rest.is_empty() {
            Ok(Header {
                width,
                height,
                frames: 1,
            })
        } else {
            Err(UNKNOWN_PART)
        };
    }

    let &[flags, 0, 0, 0, w0, w1, w2, h0, h1, h2] = data else {
        return Err(UNKNOWN_PART);
    };
    let width = u32::from_le_bytes([w0, w1, w2, 0]) + 1;
    let height = u32::from_le_bytes([h0, h1, h2, 0]) + 1;
    if flags & !0b11_0010 != 0 {
        return Err(UNKNOWN_PART);
    }
    if flags & 0x20 != 0 {
        let (name, profile) = next_chunk(&mut rest)?;
        if name != b"ICCP" {
            return Err(UNKNOWN_PART);
        }
        icc::verify(profile)?;
    }
    if flags & 0x02 == 0 {
        check_picture(rest)?;
        return Ok(Header {
            width,
            height,
            frames: 1,
        });
    }
    let frames = check_animation(rest)?;
    Ok(Header {
        width,
        height,
        frames,
    })
}

fn check_animation(mut rest: &[u8]) -> Result<u32, Unclean> {
    let (name, control) = next_chunk(&mut rest)?;
    if name != b"ANIM" || !matches!(control, [0, 0, 0, 0, _, _]) {
        return Err(UNKNOWN_PART);
    }
    let mut frames = 0;
    while !rest.is_empty() {
        let (name, frame) = next_chunk(&mut rest)?;
        let (head, picture) = frame.split_first_chunk::<16>().ok_or(CUT)?;
        if name != b"ANMF" || head[15] > 3 {
            return Err(UNKNOWN_PART);
        }
        check_picture(picture)?;
        frames += 1;
    }
    Ok(frames)
}

/// An optional alpha plane, one picture, nothing else.
fn check_picture(mut chunks: &[u8]) -> Result<(), Unclean> {
    let (mut name, mut data) = next_chunk(&mut chunks)?;
    if name == b"ALPH" {
        (name, data) = next_chunk(&mut chunks)?;
        if name != b"VP8 " {
            return Err(UNKNOWN_PART);
        }
    }
    picture_size(name, data)?;
    if chunks.is_empty() {
        Ok(())
    } else {
        Err(UNKNOWN_PART)
    }
}

fn picture_size(name: &[u8; 4], data: &[u8]) -> Result<(u32, u32), Unclean> {
    match (name, data) {
        (b"VP8 ", &[_, _, _, 0x9D, 0x01, 0x2A, w0, w1, h0, h1, ..]) => {
            let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3FFF);
            Ok((side(w0, w1), side(h0, h1)))
        }
        (b"VP8L", &[0x2F, a, b, c, d, ..]) => {
            let fields = u32::from_le_bytes([a, b, c, d]);
            Ok(((fields & 0x3FFF) + 1, (fields >> 14 & 0x3FFF) + 1))
        }
        _ => Err(UNKNOWN_PART),
    }
}

/// A chunk whose padding, if any, is a zero.
fn next_chunk<'a>(rest: &mut &'a [u8]) -> Result<(&'a [u8; 4], &'a [u8]), Unclean> {
    let (name, after) = rest.split_first_chunk::<4>().ok_or(CUT)?;
    let (length, after) = after.split_first_chunk::<4>().ok_or(CUT)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| CUT)?;
    let (data, after) = after.split_at_checked(length).ok_or(CUT)?;
    *rest = if length % 2 == 1 {
        after.strip_prefix(&[0]).ok_or(CUT)?
    } else {
        after
    };
    Ok((name, data))
}
