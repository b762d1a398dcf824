//! The second look at a rebuilt AVIF. Shares no parsing with the rebuild.

use super::super::{Unclean, icc};
use super::units;
use crate::item::Header;

const UNKNOWN_PART: Unclean = "a part of the AVIF is not picture";
const CUT: Unclean = "the rebuilt AVIF does not end properly";

/// All there is before the tables: what the file is.
const START: &[u8] = b"\0\0\0\x1Cftypavif\0\0\0\0avifmif1miaf";
/// A handler of pictures without a name, and the first item as the picture.
const TABLES_START: &[u8] = b"\0\0\0\0\0\0\0\x21hdlr\0\0\0\0\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0\
    \0\0\0\x0Epitm\0\0\0\0\0\x01";

/// Accepts an AVIF made of nothing but the picture's items, in order, with allowed
/// properties, whose data fills the rest of the file without a gap.
pub(in super::super) fn verify(rebuilt: &[u8]) -> Result<Header, Unclean> {
    let mut rest = rebuilt.strip_prefix(START).ok_or(UNKNOWN_PART)?;
    let tables = next_box(&mut rest, b"meta")?;
    let data = next_box(&mut rest, b"mdat")?;
    if !rest.is_empty() {
        return Err(CUT);
    }
    let mut tables = tables.strip_prefix(TABLES_START).ok_or(UNKNOWN_PART)?;
    let locations = next_box(&mut tables, b"iloc")?;
    let kinds = next_box(&mut tables, b"iinf")?;
    let arrows = if tables.get(4..8) == Some(b"iref") {
        next_box(&mut tables, b"iref")?
    } else {
        &[0; 4]
    };
    let properties = next_box(&mut tables, b"iprp")?;
    if !tables.is_empty() {
        return Err(UNKNOWN_PART);
    }

    let kinds = read_kinds(kinds)?;
    check_data(&kinds, locations, rebuilt, data)?;
    check_arrows(&kinds, arrows)?;
    check_properties(kinds.len(), properties)
}

/// Whether each item is a grid; nothing else is said of it but whether it is
/// shown by itself.
fn read_kinds(table: &[u8]) -> Result<Vec<bool>, Unclean> {
    let (head, entries) = table.split_first_chunk::<6>().ok_or(CUT)?;
    let (entries, rest) = entries.as_chunks::<21>();
    let mut kinds = Vec::with_capacity(entries.len());
    for (entry, id) in entries.iter().zip(1_u16..) {
        let [high, low] = id.to_be_bytes();
        let grid = match entry {
            [
                0,
                0,
                0,
                21,
                b'i',
                b'n',
                b'f',
                b'e',
                2,
                0,
                0,
                0 | 1,
                h,
                l,
                0,
                0,
                kind @ ..,
                0,
            ] if [*h, *l] == [high, low] => match kind {
                b"av01" => false,
                b"grid" => true,
                _ => return Err(UNKNOWN_PART),
            },
            _ => return Err(UNKNOWN_PART),
        };
        kinds.push(grid);
    }
    let n_items = u16::try_from(kinds.len()).map_err(|_| UNKNOWN_PART)?;
    let [high, low] = n_items.to_be_bytes();
    if *head == [0, 0, 0, 0, high, low] && rest.is_empty() && n_items > 0 {
        Ok(kinds)
    } else {
        Err(UNKNOWN_PART)
    }
}

/// Each item's bytes are a picture or a grid, and every byte is some item's.
fn check_data(grids: &[bool], table: &[u8], file: &[u8], data: &[u8]) -> Result<(), Unclean> {
    let (head, entries) = table.split_first_chunk::<8>().ok_or(CUT)?;
    let (entries, rest) = entries.as_chunks::<14>();
    let n_items = head.last_chunk::<2>().map(|two| u16::from_be_bytes(*two));
    if !head.starts_with(&[0, 0, 0, 0, 0x44, 0])
        || n_items.map(usize::from) != Some(grids.len())
        || entries.len() != grids.len()
        || !rest.is_empty()
    {
        return Err(UNKNOWN_PART);
    }
    let mut filled = file.len() - data.len();
    let mut seen = Vec::new();
    for ((entry, id), grid) in entries.iter().zip(1_u16..).zip(grids) {
        let [h, l, 0, 0, 0, 1, a, b, c, d, e, f, g, i] = *entry else {
            return Err(UNKNOWN_PART);
        };
        if [h, l] != id.to_be_bytes() {
            return Err(UNKNOWN_PART);
        }
        let [start, length] = [[a, b, c, d], [e, f, g, i]]
            .map(|four| usize::try_from(u32::from_be_bytes(four)).unwrap_or(usize::MAX));
        // Next in line, or the same as an item before it.
        if start == filled {
            filled = start.checked_add(length).ok_or(CUT)?;
            seen.push((start, length));
        } else if !seen.contains(&(start, length)) {
            return Err(UNKNOWN_PART);
        }
        let bytes = file.get(start..).and_then(|from| from.get(..length));
        let bytes = bytes.ok_or(CUT)?;
        if *grid {
            let sides = match bytes {
                [0, 0, _, _, sides @ ..] if sides.len() == 4 => sides,
                [0, 1, _, _, sides @ ..] if sides.len() == 8 => sides,
                _ => return Err(UNKNOWN_PART),
            };
            if sides.iter().all(|byte| *byte == 0) {
                return Err(UNKNOWN_PART);
            }
        } else {
            units::check(bytes)?;
        }
    }
    if filled == file.len() {
        Ok(())
    } else {
        Err(CUT)
    }
}

/// Every item but the first is a tile of another, or the alpha of the first.
fn check_arrows(grids: &[bool], table: &[u8]) -> Result<(), Unclean> {
    let mut arrows = table.strip_prefix(&[0; 4]).ok_or(UNKNOWN_PART)?;
    let mut needed = vec![false; grids.len()];
    needed[0] = true;
    while !arrows.is_empty() {
        let name = arrows.get(4..8).ok_or(CUT)?;
        let arrow = next_box(&mut arrows, name)?;
        let (words, odd) = arrow.as_chunks::<2>();
        let words: Vec<usize> = words
            .iter()
            .map(|two| u16::from_be_bytes(*two).into())
            .collect();
        let [from, n_targets, targets @ ..] = words.as_slice() else {
            return Err(CUT);
        };
        let from_idx = from.checked_sub(1).filter(|idx| *idx < grids.len());
        let from_idx = from_idx.ok_or(UNKNOWN_PART)?;
        if !odd.is_empty() || *n_targets != targets.len() {
            return Err(UNKNOWN_PART);
        }
        match (name, targets) {
            (b"dimg", tiles) if grids[from_idx] => {
                for tile in tiles {
                    let tile_idx = tile.checked_sub(1).ok_or(UNKNOWN_PART)?;
                    *needed.get_mut(tile_idx).ok_or(UNKNOWN_PART)? = true;
                }
            }
            (b"auxl", [1]) => needed[from_idx] = true,
            (b"prem", [alpha]) if *from == 1 && *alpha <= grids.len() => {}
            _ => return Err(UNKNOWN_PART),
        }
    }
    if needed.iter().all(|needed| *needed) {
        Ok(())
    } else {
        Err("the AVIF keeps a picture that is not shown")
    }
}

/// Allowed properties, each of use to an item; the picture's size as shown.
fn check_properties(n_items: usize, table: &[u8]) -> Result<Header, Unclean> {
    let mut rest = table;
    let mut written = next_box(&mut rest, b"ipco")?;
    let associations = next_box(&mut rest, b"ipma")?;
    if !rest.is_empty() {
        return Err(UNKNOWN_PART);
    }
    let mut properties = Vec::new();
    while !written.is_empty() {
        let name = written.get(4..8).ok_or(CUT)?;
        let data = next_box(&mut written, name)?;
        check_property(name, data)?;
        properties.push((name, data, false));
    }
    let (head, mut entries) = associations.split_first_chunk::<8>().ok_or(CUT)?;
    let [0, 0, 0, 0, 0, 0, high, low] = *head else {
        return Err(UNKNOWN_PART);
    };
    if usize::from(u16::from_be_bytes([high, low])) != n_items {
        return Err(UNKNOWN_PART);
    }
    let mut header = Err("the rebuilt AVIF does not say its size");
    for id in (1_u16..).take(n_items) {
        let (entry, after) = entries.split_first_chunk::<3>().ok_or(CUT)?;
        let [h, l, n_properties] = *entry;
        let (numbers, after) = after.split_at_checked(n_properties.into()).ok_or(CUT)?;
        entries = after;
        if [h, l] != id.to_be_bytes() {
            return Err(UNKNOWN_PART);
        }
        let mut of_item = Vec::new();
        for number in numbers {
            let property_idx = usize::from(number & 0x7F).checked_sub(1);
            let property = property_idx.and_then(|idx| properties.get_mut(idx));
            let (name, data, used) = property.ok_or(UNKNOWN_PART)?;
            *used = true;
            of_item.push((*name, *data));
        }
        if id == 1 {
            header = shown_size(&of_item);
        }
    }
    if entries.is_empty() && properties.iter().all(|(_, _, used)| *used) {
        header
    } else {
        Err(UNKNOWN_PART)
    }
}

fn shown_size(properties: &[(&[u8], &[u8])]) -> Result<Header, Unclean> {
    let data_of = |name: &[u8]| {
        let property = properties.iter().find(|(known, _)| *known == name);
        property.map(|(_, data)| *data)
    };
    let Some(&[0, 0, 0, 0, a, b, c, d, e, f, g, h]) = data_of(b"ispe") else {
        return Err("the rebuilt AVIF does not say its size");
    };
    let [width, height] = [[a, b, c, d], [e, f, g, h]].map(u32::from_be_bytes);
    let (width, height) = match data_of(b"irot") {
        Some([1 | 3]) => (height, width),
        _ => (width, height),
    };
    Ok(Header {
        width,
        height,
        frames: 1,
    })
}

fn check_property(name: &[u8], data: &[u8]) -> Result<(), Unclean> {
    let allowed = match (name, data) {
        (b"ispe", [0, 0, 0, 0, sides @ ..]) => sides.len() == 8,
        (b"pixi", [0, 0, 0, 0, n, depths @ ..]) => {
            usize::from(*n) == depths.len()
                && matches!(
                    depths,
                    [8 | 10 | 12] | [8 | 10 | 12, 8 | 10 | 12, 8 | 10 | 12]
                )
        }
        (b"av1C", [0x81, _, _, 0]) => true,
        (b"colr", [b'n', b'c', b'l', b'x', 0, _, 0, _, 0, _, 0 | 0x80]) => true,
        (b"colr", [b'p', b'r', b'o', b'f', profile @ ..]) => return icc::verify(profile),
        (b"irot", [turns]) => (1..4).contains(turns),
        (b"imir", [axis]) => *axis < 2,
        (b"auxC", name) => name == b"\0\0\0\0urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0",
        _ => false,
    };
    if allowed { Ok(()) } else { Err(UNKNOWN_PART) }
}

/// The data of the next box, which must have that name.
fn next_box<'a>(rest: &mut &'a [u8], name: &[u8]) -> Result<&'a [u8], Unclean> {
    let (length, after) = rest.split_first_chunk::<4>().ok_or(CUT)?;
    let after = after.strip_prefix(name).ok_or(UNKNOWN_PART)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| CUT)?;
    let length = length.checked_sub(8).ok_or(CUT)?;
    let (data, after) = after.split_at_checked(length).ok_or(CUT)?;
    *rest = after;
    Ok(data)
}
