//! The second look at a rebuilt JPEG. Shares no parsing with the rebuild.

use super::super::{Unclean, icc};
use crate::item::Header;

const UNKNOWN_PART: Unclean = "a part of the JPEG is not picture";
const CUT: Unclean = "the rebuilt JPEG does not end properly";

/// Accepts a JPEG made of nothing but the allowed segments and scans, that ends
/// with its end-of-image marker.
pub(in super::super) fn verify(rebuilt: &[u8]) -> Result<Header, Unclean> {
    let mut at = expect(rebuilt, 0, &[0xFF, 0xD8])?;
    let mut profile = Vec::new();
    let mut size = None;
    let mut scans = 0;
    loop {
        let &[0xFF, marker] = slice(rebuilt, at, 2)? else {
            return Err(UNKNOWN_PART);
        };
        at += 2;
        if marker == 0xD9 {
            break;
        }
        let length = be16(rebuilt, at)?;
        let payload = slice(rebuilt, at + 2, length.checked_sub(2).ok_or(UNKNOWN_PART)?)?;
        at += length;
        match marker {
            0xE0 if size.is_none() => check_jfif(payload)?,
            0xEE if size.is_none() => check_adobe(payload)?,
            0xE2 if size.is_none() => profile.extend_from_slice(profile_chunk(payload)?),
            0xDB => check_quantisation(payload)?,
            0xC4 => check_huffman(payload)?,
            0xDD if length == 4 => {}
            0xC0..=0xC2 if size.is_none() => size = Some(check_frame(payload)?),
            0xDA if size.is_some() => {
                check_scan(payload)?;
                at = end_of_scan(rebuilt, at)?;
                scans += 1;
            }
            _ => return Err(UNKNOWN_PART),
        }
    }
    if !profile.is_empty() {
        icc::verify(&profile)?;
    }
    if at != rebuilt.len() || scans == 0 {
        return Err(CUT);
    }
    let (width, height) = size.ok_or(CUT)?;
    Ok(Header {
        width,
        height,
        frames: 1,
    })
}

/// Version 1.01, any density, no thumbnail.
fn check_jfif(payload: &[u8]) -> Result<(), Unclean> {
    match payload {
        [b'J', b'F', b'I', b'F', 0, 1, 1, 0..=2, _, _, _, _, 0, 0] => Ok(()),
        _ => Err(UNKNOWN_PART),
    }
}

fn check_adobe(payload: &[u8]) -> Result<(), Unclean> {
    match payload {
        [b'A', b'd', b'o', b'b', b'e', 0, 100, 0, 0, 0, 0, 0..=2] => Ok(()),
        _ => Err(UNKNOWN_PART),
    }
}

fn profile_chunk(payload: &[u8]) -> Result<&[u8], Unclean> {
    match payload.strip_prefix(b"ICC_PROFILE\0") {
        Some([number, count, chunk @ ..]) if (1..=*count).contains(number) => Ok(chunk),
        _ => Err(UNKNOWN_PART),
    }
}

/// One table a segment: 64 steps of one or two bytes.
fn check_quantisation(payload: &[u8]) -> Result<(), Unclean> {
    match (payload.first(), payload.len()) {
        (Some(0..=3), 65) | (Some(0x10..=0x13), 129) => Ok(()),
        _ => Err(UNKNOWN_PART),
    }
}

/// One table a segment: as many symbols as the 16 counts say.
fn check_huffman(payload: &[u8]) -> Result<(), Unclean> {
    let Some(([0..=3 | 0x10..=0x13, counts @ ..], symbols)) = payload.split_first_chunk::<17>()
    else {
        return Err(UNKNOWN_PART);
    };
    let expected: usize = counts.iter().copied().map(usize::from).sum();
    if symbols.len() == expected {
        Ok(())
    } else {
        Err(UNKNOWN_PART)
    }
}

fn check_frame(payload: &[u8]) -> Result<(u32, u32), Unclean> {
    let &[8, hh, hl, wh, wl, components, ref rest @ ..] = payload else {
        return Err(UNKNOWN_PART);
    };
    if rest.len() != 3 * usize::from(components) {
        return Err(UNKNOWN_PART);
    }
    Ok((
        u32::from(u16::from_be_bytes([wh, wl])),
        u32::from(u16::from_be_bytes([hh, hl])),
    ))
}

fn check_scan(payload: &[u8]) -> Result<(), Unclean> {
    match payload {
        [components @ 1..=4, rest @ ..] if rest.len() == 2 * usize::from(*components) + 3 => Ok(()),
        _ => Err(UNKNOWN_PART),
    }
}

/// Where the marker after a scan stands: the first 0xFF that neither stands for
/// a data byte nor begins a restart marker.
fn end_of_scan(rebuilt: &[u8], start: usize) -> Result<usize, Unclean> {
    let mut at = start;
    loop {
        let rest = rebuilt.get(at..).ok_or(CUT)?;
        let before = rest.iter().position(|byte| *byte == 0xFF).ok_or(CUT)?;
        at += before;
        match rest.get(before + 1) {
            Some(0 | 0xD0..=0xD7) => at += 2,
            Some(_) => return Ok(at),
            None => return Err(CUT),
        }
    }
}

fn expect(bytes: &[u8], at: usize, expected: &[u8]) -> Result<usize, Unclean> {
    if slice(bytes, at, expected.len())? == expected {
        Ok(at + expected.len())
    } else {
        Err(UNKNOWN_PART)
    }
}

fn slice(bytes: &[u8], at: usize, length: usize) -> Result<&[u8], Unclean> {
    bytes
        .get(at..)
        .and_then(|rest| rest.get(..length))
        .ok_or(CUT)
}

fn be16(bytes: &[u8], at: usize) -> Result<usize, Unclean> {
    let two = slice(bytes, at, 2)?;
    Ok(usize::from(u16::from_be_bytes([two[0], two[1]])))
}
