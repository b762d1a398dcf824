//! The second look at the coded data: a sequence header of the expected bits, one
//! frame, its tile groups, and no byte more. Shares no parsing with the rebuild.

use super::super::Unclean;

const UNKNOWN_PART: Unclean = "the coded picture holds more than a picture";

/// Head bytes of the units there may be: type, no extension, a length.
const SEQUENCE_HEADER: u8 = 0x0A;
const FRAME: u8 = 0x32;
const TILE_GROUP: u8 = 0x22;

/// Accepts the units of one still picture.
pub(super) fn check(data: &[u8]) -> Result<(), Unclean> {
    let mut rest = data;
    let header = next(&mut rest, SEQUENCE_HEADER)?;
    if sequence_is_bare(header) != Some(true) {
        return Err("a sequence header says more than a picture needs");
    }
    if next(&mut rest, FRAME)?.is_empty() {
        return Err(UNKNOWN_PART);
    }
    while !rest.is_empty() {
        next(&mut rest, TILE_GROUP)?;
    }
    Ok(())
}

/// The payload of a unit whose length is written in the fewest bytes.
fn next<'a>(rest: &mut &'a [u8], kind: u8) -> Result<&'a [u8], Unclean> {
    let after = rest.strip_prefix(&[kind]).ok_or(UNKNOWN_PART)?;
    let end = after.iter().take(5).position(|byte| *byte < 0x80);
    let (digits, after) = after.split_at(end.ok_or(UNKNOWN_PART)? + 1);
    if digits.len() > 1 && digits.last() == Some(&0) {
        return Err(UNKNOWN_PART);
    }
    let length = digits.iter().rev().fold(0_usize, |length, digit| {
        length << 7 | usize::from(digit & 0x7F)
    });
    let (payload, after) = after.split_at_checked(length).ok_or(UNKNOWN_PART)?;
    *rest = after;
    Ok(payload)
}

/// Whether a sequence header has neither timing nor further operating points, and
/// ends where its fields do. `None` when it ends before that.
fn sequence_is_bare(payload: &[u8]) -> Option<bool> {
    let mut bits = payload
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |shift| byte >> shift & 1));
    let mut take =
        |n: u32| (0..n).try_fold(0_u32, |value, _| Some(value << 1 | u32::from(bits.next()?)));

    let profile = take(3)?;
    let _still = take(1)?;
    let reduced = take(1)? == 1;
    if !reduced && take(19)? != 0 {
        return Some(false);
    }
    let level = take(5)?;
    if !reduced && level > 7 {
        take(1)?;
    }
    let sides = [take(4)?, take(4)?];
    for bits_less_one in sides {
        take(bits_less_one + 1)?;
    }
    if !reduced && take(1)? == 1 {
        take(7)?;
    }
    take(3)?;
    if !reduced {
        take(4)?;
        let ordered = take(1)?;
        take(2 * ordered)?;
        let (screen, forced) = match take(1)? {
            1 => (true, 0),
            _ => (false, take(1)?),
        };
        if (screen || forced == 1) && take(1)? == 0 {
            take(1)?;
        }
        take(3 * ordered)?;
    }
    take(3)?;
    let high = take(1)?;
    let twelve = profile == 2 && high == 1 && take(1)? == 1;
    let grey = profile != 1 && take(1)? == 1;
    let described = if take(1)? == 1 { take(24)? } else { 0x02_02_02 };
    if grey {
        take(1)?;
    } else {
        if described != 0x01_0D_00 {
            take(1)?;
            let quartered = match profile {
                0 => true,
                2 if twelve => take(1)? == 1 && take(1)? == 1,
                _ => false,
            };
            if quartered {
                take(2)?;
            }
        }
        take(1)?;
    }
    let _film_grain = take(1)?;
    // A one, then zeros to the end of the byte.
    let ends = take(1)? == 1;
    let padding: Vec<u8> = bits.collect();
    Some(ends && padding.len() < 8 && padding.iter().all(|bit| *bit == 0))
}
