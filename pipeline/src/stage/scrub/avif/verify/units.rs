//! The second look at the coded data: a sequence header of the expected bits, one
//! frame, its tile groups, and no byte more. Shares no parsing with the rebuild.

use super::super::super::Unclean;

const UNKNOWN_PART: Unclean = "the coded picture holds more than a picture";

/// Head bytes of the units there may be: type, no extension, a length.
const SEQUENCE_HEADER: u8 = 0x0A;
const FRAME: u8 = 0x32;
const TILE_GROUP: u8 = 0x22;

/// What a sequence header says of its picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coded {
    pub(super) size: (u32, u32),
    pub(super) depth: u8,
    pub(super) grey: bool,
    /// The `av1C` that belongs to it.
    pub(super) configuration: [u8; 4],
    reduced: bool,
}

/// Accepts the units of one still picture.
pub(super) fn check(data: &[u8]) -> Result<Coded, Unclean> {
    let mut rest = data;
    let header = next(&mut rest, SEQUENCE_HEADER)?;
    let coded = read(header).ok_or("a sequence header says more than a picture needs")?;
    let first = next(&mut rest, FRAME)?.first().ok_or(UNKNOWN_PART)?;
    // Shown, a key frame, and no frame again; a reduced header means that.
    if !coded.reduced && first & 0xF0 != 0x10 {
        return Err("the coded picture is not shown");
    }
    while !rest.is_empty() {
        next(&mut rest, TILE_GROUP)?;
    }
    Ok(coded)
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

/// A sequence header that has neither timing nor further operating points, and
/// ends where its fields do. `None` for any other.
fn read(payload: &[u8]) -> Option<Coded> {
    let mut bits = payload
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |shift| byte >> shift & 1));
    let mut take =
        |n: u32| (0..n).try_fold(0_u32, |value, _| Some(value << 1 | u32::from(bits.next()?)));

    let profile = take(3).filter(|profile| *profile < 3)?;
    let _still = take(1)?;
    let reduced = take(1)? == 1;
    if !reduced && take(19)? != 0 {
        return None;
    }
    let level = take(5)?;
    let tier = if !reduced && level > 7 { take(1)? } else { 0 };
    let side_bits = [take(4)? + 1, take(4)? + 1];
    let size = (take(side_bits[0])? + 1, take(side_bits[1])? + 1);
    skip_tools(&mut take, reduced)?;
    let high = take(1)?;
    let twelve = u32::from(profile == 2 && high == 1 && take(1)? == 1);
    let grey = profile != 1 && take(1)? == 1;
    let described = if take(1)? == 1 { take(24)? } else { 0x02_02_02 };
    let mut chroma = [u32::from(grey), u32::from(grey), 0];
    if grey {
        take(1)?;
    } else {
        if described != 0x01_0D_00 {
            take(1)?;
            chroma = halving(&mut take, profile, twelve == 1)?;
        }
        take(1)?;
    }
    let _film_grain = take(1)?;
    // A one, then zeros to the end of the byte.
    let ends = take(1)? == 1;
    let padding: Vec<u8> = bits.collect();
    let second = profile << 5 | level;
    let [across, down, position] = chroma;
    let third = tier << 7 | high << 6 | twelve << 5 | u32::from(grey) << 4;
    let third = third | across << 3 | down << 2 | position;
    (ends && padding.len() < 8 && padding.iter().all(|bit| *bit == 0)).then_some(Coded {
        size,
        depth: 8 + 2 * u8::try_from(high + twelve).ok()?,
        grey,
        configuration: [
            0x81,
            u8::try_from(second).ok()?,
            u8::try_from(third).ok()?,
            0,
        ],
        reduced,
    })
}

/// The coding tools between size and colours.
fn skip_tools(take: &mut impl FnMut(u32) -> Option<u32>, reduced: bool) -> Option<()> {
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
    take(3).map(|_| ())
}

/// Whether chroma is halved across and down, and where it lies then.
fn halving(
    take: &mut impl FnMut(u32) -> Option<u32>,
    profile: u32,
    twelve: bool,
) -> Option<[u32; 3]> {
    let (across, down) = match profile {
        0 => (1, 1),
        1 => (0, 0),
        _ if !twelve => (1, 0),
        _ if take(1)? == 1 => (1, take(1)?),
        _ => (0, 0),
    };
    let position = if down == 1 { take(2)? } else { 0 };
    Some([across, down, position])
}
