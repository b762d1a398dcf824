//! The second look at a rebuilt PNG. Shares no parsing with the rebuild.

use std::io::Read;

use super::super::{Unclean, icc};
use crate::item::Header;

const UNKNOWN_PART: Unclean = "a part of the PNG is not picture";
const CUT: Unclean = "the rebuilt PNG does not end properly";

/// Accepts a PNG made of nothing but allowed chunks of their proper length, in
/// order and intact, that ends with IEND. Where the compressed pictures end is
/// not looked at again: decompressing them is most of a scrub's time.
pub(in super::super) fn verify(rebuilt: &[u8]) -> Result<Header, Unclean> {
    let mut rest = rebuilt
        .strip_prefix(b"\x89PNG\x0d\x0a\x1a\x0a")
        .ok_or(UNKNOWN_PART)?;
    let (mut size, mut indexed) = (None, false);
    let (mut frames, mut frame_controls) = (None, 0);
    let mut rank = 0;
    loop {
        let (name, data) = next_chunk(&mut rest)?;
        let (chunk_rank, length_is_right) = match name {
            b"IHDR" => {
                let side = |at: usize| {
                    data[at..]
                        .first_chunk()
                        .map(|four| u32::from_be_bytes(*four))
                };
                size = if data.len() == 13 {
                    side(0).zip(side(4))
                } else {
                    None
                };
                indexed = data.get(9) == Some(&3);
                (1, size.is_some())
            }
            // One statement about colours at most: hence one rank for all three.
            b"cICP" => (2, matches!(data, [1 | 9 | 12, 1 | 8 | 13..=18, 0, 1])),
            b"iCCP" => (2, profile_is_clean(data)?),
            b"sRGB" => (2, data == [0]),
            b"pHYs" => (7, data.len() == 9),
            b"acTL" => {
                frames = data.first_chunk().map(|four| u32::from_be_bytes(*four));
                (8, data.len() == 8)
            }
            b"PLTE" => (9, indexed && data.len() <= 768 && data.len() % 3 == 0),
            b"tRNS" => (10, data.len() <= 256),
            b"fcTL" => {
                frame_controls += 1;
                (if rank < 12 { 11 } else { 13 }, data.len() == 26)
            }
            b"IDAT" => (12, true),
            b"fdAT" => (13, frames.is_some() && data.len() > 4),
            b"IEND" => (14, data.is_empty()),
            _ => return Err(UNKNOWN_PART),
        };
        let may_repeat = matches!(chunk_rank, 12 | 13);
        if !length_is_right || chunk_rank < rank || (chunk_rank == rank && !may_repeat) {
            return Err(UNKNOWN_PART);
        }
        rank = chunk_rank;
        if name == b"IEND" {
            break;
        }
    }
    if !rest.is_empty() {
        return Err(CUT);
    }
    let (width, height) = size.ok_or(CUT)?;
    if frames.unwrap_or(0) != frame_controls {
        return Err(UNKNOWN_PART);
    }
    Ok(Header {
        width,
        height,
        frames: frames.unwrap_or(1),
    })
}

fn next_chunk<'a>(rest: &mut &'a [u8]) -> Result<(&'a [u8; 4], &'a [u8]), Unclean> {
    let (length, after) = rest.split_first_chunk::<4>().ok_or(CUT)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| CUT)?;
    let body = after.get(..4 + length).ok_or(CUT)?;
    let (crc, next) = after[4 + length..].split_first_chunk::<4>().ok_or(CUT)?;
    if crc32fast::hash(body) != u32::from_be_bytes(*crc) {
        return Err(CUT);
    }
    *rest = next;
    body.split_first_chunk::<4>().ok_or(CUT)
}

fn profile_is_clean(data: &[u8]) -> Result<bool, Unclean> {
    let Some(stream) = data.strip_prefix(b"ICC\0\0") else {
        return Ok(false);
    };
    let mut profile = Vec::new();
    let mut inflate = flate2::bufread::ZlibDecoder::new(stream);
    inflate
        .read_to_end(&mut profile)
        .map_err(|_| UNKNOWN_PART)?;
    icc::verify(&profile)?;
    Ok(inflate.into_inner().is_empty())
}
