//! The second look at a rebuilt AVIF. Shares no parsing with the rebuild.

mod properties;
mod references;
mod units;

#[cfg(test)]
mod tests;

use super::super::Unclean;
use crate::item::Header;
use properties::Properties;
use references::Role;
use units::Coded;

const UNKNOWN_PART: Unclean = "a part of the AVIF is not picture";
const CUT: Unclean = "the rebuilt AVIF does not end properly";
const CONTRADICTION: Unclean = "the rebuilt AVIF contradicts its coded data";

/// All there is before the tables: what the file is.
const START: &[u8] = b"\0\0\0\x1Cftypavif\0\0\0\0avifmif1miaf";
/// A handler of pictures without a name, and the first item as the picture.
const TABLES_START: &[u8] = b"\0\0\0\0\0\0\0\x21hdlr\0\0\0\0\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0\
    \0\0\0\x0Epitm\0\0\0\0\0\x01";

/// Accepts an AVIF made of nothing but the picture's items, in order, with the
/// properties that each needs, whose data fills the rest of the file without a gap.
pub(in super::super) fn verify(rebuilt: &[u8]) -> Result<Header, Unclean> {
    let mut rest = rebuilt.strip_prefix(START).ok_or(UNKNOWN_PART)?;
    let tables = next_box(&mut rest, b"meta")?;
    let data = next_box(&mut rest, b"mdat")?;
    if !rest.is_empty() {
        return Err(CUT);
    }
    let mut tables = tables.strip_prefix(TABLES_START).ok_or(UNKNOWN_PART)?;
    let locations = next_box(&mut tables, b"iloc")?;
    let infos = next_box(&mut tables, b"iinf")?;
    let references = if tables.get(4..8) == Some(b"iref") {
        next_box(&mut tables, b"iref")?
    } else {
        &[0; 4]
    };
    let properties = next_box(&mut tables, b"iprp")?;
    if !tables.is_empty() {
        return Err(UNKNOWN_PART);
    }

    let infos = read_infos(infos)?;
    let contents = read_contents(&infos, locations, rebuilt, data)?;
    let n_tiles: Vec<Option<usize>> = contents.iter().map(Content::n_tiles).collect();
    let roles = references::roles(&n_tiles, references)?;
    let properties = properties::read(infos.len(), properties)?;
    let mut items = Vec::with_capacity(infos.len());
    for ((info, content), (role, properties)) in infos
        .iter()
        .zip(contents)
        .zip(roles.into_iter().zip(properties))
    {
        properties.check(role, matches!(content, Content::Coded(_)))?;
        if info.hidden != matches!(role, Role::Tile { .. }) {
            return Err(UNKNOWN_PART);
        }
        items.push(Item {
            content,
            role,
            properties,
        });
    }
    check_sizes(&items)
}

/// What the table of items says of one.
struct Info {
    grid: bool,
    hidden: bool,
}

/// An item with all that is known of it.
struct Item<'a> {
    content: Content,
    role: Role,
    properties: Properties<'a>,
}

/// What an item's bytes are.
enum Content {
    Coded(Coded),
    Grid {
        rows: u32,
        columns: u32,
        size: (u32, u32),
    },
}

impl Content {
    fn n_tiles(&self) -> Option<usize> {
        match self {
            Self::Coded(_) => None,
            Self::Grid { rows, columns, .. } => usize::try_from(rows * columns).ok(),
        }
    }

    /// Rows and columns less one, then the sides, in 16 bits or in 32.
    fn grid(bytes: &[u8]) -> Result<Self, Unclean> {
        let (rows, columns, size) = match *bytes {
            [0, 0, rows, columns, a, b, c, d] => {
                let [width, height] = [[a, b], [c, d]].map(|two| u16::from_be_bytes(two).into());
                (rows, columns, (width, height))
            }
            [0, 1, rows, columns, a, b, c, d, e, f, g, h] => {
                let [width, height] = [[a, b, c, d], [e, f, g, h]].map(u32::from_be_bytes);
                (rows, columns, (width, height))
            }
            _ => return Err(UNKNOWN_PART),
        };
        Ok(Self::Grid {
            rows: u32::from(rows) + 1,
            columns: u32::from(columns) + 1,
            size,
        })
    }
}

/// Nothing is said of an item but what it is, and whether it is shown by itself.
fn read_infos(table: &[u8]) -> Result<Vec<Info>, Unclean> {
    let (head, entries) = table.split_first_chunk::<6>().ok_or(CUT)?;
    let (entries, rest) = entries.as_chunks::<21>();
    let mut infos = Vec::with_capacity(entries.len());
    for (entry, id) in entries.iter().zip(1_u16..) {
        let (start, entry) = entry.split_at(8);
        let &[2, 0, 0, hidden @ (0 | 1), h, l, 0, 0, ref name @ .., 0] = entry else {
            return Err(UNKNOWN_PART);
        };
        let grid = match name {
            b"av01" => false,
            b"grid" => true,
            _ => return Err(UNKNOWN_PART),
        };
        if start != b"\0\0\0\x15infe" || [h, l] != id.to_be_bytes() {
            return Err(UNKNOWN_PART);
        }
        let hidden = hidden == 1;
        infos.push(Info { grid, hidden });
    }
    let n_items = u16::try_from(infos.len()).map_err(|_| UNKNOWN_PART)?;
    let [high, low] = n_items.to_be_bytes();
    if *head == [0, 0, 0, 0, high, low] && rest.is_empty() && n_items > 0 {
        Ok(infos)
    } else {
        Err(UNKNOWN_PART)
    }
}

/// Each item's bytes are a picture or a grid, and every byte is some item's.
fn read_contents(
    infos: &[Info],
    table: &[u8],
    file: &[u8],
    data: &[u8],
) -> Result<Vec<Content>, Unclean> {
    let (head, entries) = table.split_first_chunk::<8>().ok_or(CUT)?;
    let (entries, rest) = entries.as_chunks::<14>();
    let n_items = head.last_chunk::<2>().map(|two| u16::from_be_bytes(*two));
    if !head.starts_with(&[0, 0, 0, 0, 0x44, 0])
        || n_items.map(usize::from) != Some(infos.len())
        || entries.len() != infos.len()
        || !rest.is_empty()
    {
        return Err(UNKNOWN_PART);
    }
    let mut filled = file.len() - data.len();
    let mut seen = Vec::new();
    let mut contents = Vec::with_capacity(infos.len());
    for ((entry, id), info) in entries.iter().zip(1_u16..).zip(infos) {
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
        contents.push(if info.grid {
            Content::grid(bytes)?
        } else {
            Content::Coded(units::check(bytes)?)
        });
    }
    if filled == file.len() {
        Ok(contents)
    } else {
        Err(CUT)
    }
}

/// Sizes and depths are told three times, by the properties, the grids and the
/// coded data: with one voice. Answers with the picture's size as it is shown.
fn check_sizes(items: &[Item<'_>]) -> Result<Header, Unclean> {
    let shown = items.first().ok_or(CUT)?;
    let (width, height) = shown.properties.size()?;
    for (item_idx, item) in items.iter().enumerate() {
        let agrees = match &item.content {
            Content::Coded(coded) => agrees_with_coded(item, coded)?,
            Content::Grid {
                rows,
                columns,
                size,
            } => {
                let of_grid = |other: &&Item<'_>| other.role == Role::Tile { grid_idx: item_idx };
                let mut tiles = items.iter().filter(of_grid);
                let first = tiles.next().ok_or(CUT)?;
                let tile = first.properties.size()?;
                let covers = |length: u32, tile: u32, n: u32| length.div_ceil(tile.max(1)) == n;
                let equal = tiles.try_fold(true, |equal, other| {
                    Ok::<_, Unclean>(equal && other.properties.size()? == tile)
                });
                item.properties.size()? == *size
                    && equal?
                    && covers(size.0, tile.0, *columns)
                    && covers(size.1, tile.1, *rows)
                    && item.properties.depths() == first.properties.depths()
            }
        };
        let as_large = item.role != Role::Alpha || item.properties.size()? == (width, height);
        if !agrees || !as_large {
            return Err(CONTRADICTION);
        }
    }
    let alpha = items.iter().find(|item| item.role == Role::Alpha);
    // One channel: alpha has no colours.
    if alpha.is_some_and(|alpha| alpha.properties.depths().is_none_or(|all| all.len() != 1)) {
        return Err(CONTRADICTION);
    }
    let (width, height) = if shown.properties.lies() {
        (height, width)
    } else {
        (width, height)
    };
    Ok(Header {
        width,
        height,
        frames: 1,
    })
}

fn agrees_with_coded(item: &Item<'_>, coded: &Coded) -> Result<bool, Unclean> {
    let n_channels = if coded.grey { 1 } else { 3 };
    Ok(item.properties.size()? == coded.size
        && item.properties.configuration() == Some(&coded.configuration)
        && item.properties.depths() == Some(&[coded.depth; 3][..n_channels]))
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
