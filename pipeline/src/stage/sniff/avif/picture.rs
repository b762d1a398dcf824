//! The primary picture, followed through the tables: its coded parts, its alpha,
//! its colours, how it is turned.

use std::borrow::Cow;

use super::UNSUPPORTED;
use super::boxes::Part;
use super::meta::{Place, Property, Tables};
use super::obu::Coded;
use crate::error::Reject;
use crate::stage::cursor::Cursor;

/// Coded samples take at most 4.5 bytes a pixel (three of 12 bits) where nothing
/// compresses; the rest is room for headers. More could only be ballast.
const CODED_BYTES_PER_PIXEL_MAX: u64 = 8;
const HEADER_BYTES_MAX: u64 = 1 << 16;

/// Head and two sides of a grid, of 32 bits each.
const GRID_BYTES_MAX: u64 = 12;

const CONTRADICTION: Reject = Reject::Malformed {
    detail: "the AVIF's sizes contradict each other",
};

/// A still AVIF.
#[derive(Debug)]
pub(crate) struct Avif<'a> {
    pub(crate) colour: Layer<'a>,
    pub(crate) alpha: Option<Layer<'a>>,
    /// Whether the colours are multiplied by the alpha already.
    pub(crate) premultiplied: bool,
    /// What the colours mean, where that is not left to the coded data.
    pub(crate) nclx: Option<Nclx>,
    /// An ICC profile, which says it better.
    pub(crate) profile: Option<&'a [u8]>,
    /// Quarter turns to the left, 0 to 3.
    pub(crate) quarter_turns: u8,
    /// After turning: 0 swaps top and bottom, 1 left and right.
    pub(crate) mirror: Option<u8>,
}

/// One picture of the size of the whole, coded at once or in tiles.
#[derive(Debug)]
pub(crate) struct Layer<'a> {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Absent when the picture is coded at once.
    pub(crate) grid: Option<Grid>,
    pub(crate) tile_width: u32,
    pub(crate) tile_height: u32,
    /// Row by row.
    pub(crate) tiles: Vec<Coded<'a>>,
}

/// Tiles across and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) columns: u16,
    pub(crate) rows: u16,
}

/// Colours by their numbers in ITU-T H.273.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nclx {
    pub(crate) primaries: u8,
    pub(crate) transfer: u8,
    pub(crate) matrix: u8,
    pub(crate) full_range: bool,
}

impl<'a> Avif<'a> {
    /// Finds the picture in the file. What follows the tables is only looked at
    /// where they say that the picture lies there.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Reject> {
        let tables = find_tables(bytes)?;
        let primary = tables.primary.ok_or(Reject::Malformed {
            detail: "the AVIF names no picture as its own",
        })?;
        let properties = ItemProperties::of(&tables, primary)?;
        if properties.cropped {
            return Err(Reject::UnsupportedFormat {
                advice: Some("This AVIF keeps what was cropped off: save it as PNG or JPEG."),
            });
        }
        let colour = Layer::read(&tables, bytes, primary)?;
        let alpha_item = find_alpha(&tables, primary)?;
        let alpha = alpha_item
            .map(|item| Layer::read(&tables, bytes, item))
            .transpose()?;
        if let Some(alpha) = &alpha {
            if (alpha.width, alpha.height) != (colour.width, colour.height) {
                return Err(CONTRADICTION);
            }
            if !alpha
                .tiles
                .iter()
                .all(|tile| tile.sequence.colours.monochrome)
            {
                return Err(UNSUPPORTED);
            }
        }
        let premultiplied = tables.references.iter().any(|reference| {
            reference.name == *b"prem"
                && reference.from == primary
                && Some(reference.to) == alpha_item
        });
        Ok(Self {
            colour,
            alpha,
            premultiplied,
            nclx: properties.nclx,
            profile: properties.profile,
            quarter_turns: properties.quarter_turns.unwrap_or(0),
            mirror: properties.mirror,
        })
    }

    /// Width and height once it is turned.
    pub(crate) fn shown_size(&self) -> (u32, u32) {
        let Layer { width, height, .. } = self.colour;
        if self.quarter_turns % 2 == 1 {
            (height, width)
        } else {
            (width, height)
        }
    }
}

fn find_tables(bytes: &[u8]) -> Result<Tables<'_>, Reject> {
    let mut file = Cursor::new(bytes);
    while let Some(part) = Part::read(&mut file)? {
        if part.name == *b"meta" {
            return Tables::read(part);
        }
    }
    Err(Reject::Truncated)
}

impl<'a> Layer<'a> {
    fn read(tables: &Tables<'a>, bytes: &'a [u8], item: u32) -> Result<Self, Reject> {
        let (width, height) = ItemProperties::of(tables, item)?
            .size
            .ok_or(CONTRADICTION)?;
        match &item_type(tables, item)? {
            b"av01" => Ok(Self {
                width,
                height,
                grid: None,
                tile_width: width,
                tile_height: height,
                tiles: vec![read_coded(tables, bytes, item, (width, height))?],
            }),
            b"grid" => Self::read_grid(tables, bytes, item, (width, height)),
            _ => Err(UNSUPPORTED),
        }
    }

    /// ISO/IEC 23008-12, 6.6.2.3.
    fn read_grid(
        tables: &Tables<'a>,
        bytes: &'a [u8],
        item: u32,
        size: (u32, u32),
    ) -> Result<Self, Reject> {
        let data = item_data(tables, bytes, item, GRID_BYTES_MAX)?;
        let mut data = Cursor::new(&data);
        let [version, flags, rows, columns] = data.array()?;
        if version != 0 {
            return Err(UNSUPPORTED);
        }
        let (width, height) = if flags & 1 == 1 {
            (data.u32_be()?, data.u32_be()?)
        } else {
            (data.u16_be()?.into(), data.u16_be()?.into())
        };
        let grid = Grid {
            columns: u16::from(columns) + 1,
            rows: u16::from(rows) + 1,
        };
        let items: Vec<u32> = tables
            .references
            .iter()
            .filter(|reference| reference.name == *b"dimg" && reference.from == item)
            .map(|reference| reference.to)
            .collect();
        let first = *items.first().ok_or(CONTRADICTION)?;
        let tile_size = ItemProperties::of(tables, first)?
            .size
            .ok_or(CONTRADICTION)?;
        let n_tiles = usize::from(grid.columns) * usize::from(grid.rows);
        if (width, height) != size
            || items.len() != n_tiles
            || !is_covered(width, tile_size.0, grid.columns)
            || !is_covered(height, tile_size.1, grid.rows)
        {
            return Err(CONTRADICTION);
        }
        let tiles = items
            .into_iter()
            .map(|item| Self::read_tile(tables, bytes, item, tile_size))
            .collect::<Result<Vec<_>, _>>()?;
        let same = |tile: &Coded<'_>| tile.sequence.colours == tiles[0].sequence.colours;
        if !tiles.iter().all(same) {
            return Err(UNSUPPORTED);
        }
        Ok(Self {
            width,
            height,
            grid: Some(grid),
            tile_width: tile_size.0,
            tile_height: tile_size.1,
            tiles,
        })
    }

    fn read_tile(
        tables: &Tables<'a>,
        bytes: &'a [u8],
        item: u32,
        size: (u32, u32),
    ) -> Result<Coded<'a>, Reject> {
        if item_type(tables, item)? != *b"av01" || find_alpha(tables, item)?.is_some() {
            return Err(UNSUPPORTED);
        }
        if ItemProperties::of(tables, item)?.size != Some(size) {
            return Err(CONTRADICTION);
        }
        read_coded(tables, bytes, item, size)
    }

    /// Pixels of all its tiles.
    pub(crate) fn coded_pixels(&self) -> u64 {
        let tile = u64::from(self.tile_width) * u64::from(self.tile_height);
        tile.saturating_mul(self.tiles.len() as u64)
    }
}

/// Whether so many tiles are needed, and suffice, for a side of that length. They
/// may reach beyond it by less than phones' tiles of 512 pixels, and one alone by
/// less than a superblock of 64: nobody is shown what lies there, nor the
/// classifier.
pub(super) fn is_covered(length: u32, tile: u32, n_tiles: u16) -> bool {
    const BEYOND_MAX: u64 = 512;
    const BEYOND_ALONE_MAX: u64 = 64;
    let beyond_max = if n_tiles == 1 {
        BEYOND_ALONE_MAX
    } else {
        BEYOND_MAX
    };
    let covered = u64::from(tile) * u64::from(n_tiles);
    tile > 0
        && length.div_ceil(tile) == u32::from(n_tiles)
        && covered - u64::from(length) < beyond_max
}

fn item_type(tables: &Tables<'_>, item: u32) -> Result<[u8; 4], Reject> {
    match tables.infos.get(&item) {
        Some(info) if !info.protected => Ok(info.item_type),
        Some(_) => Err(UNSUPPORTED),
        None => Err(Reject::Malformed {
            detail: "a part of the picture is missing",
        }),
    }
}

/// The item that holds the alpha of another.
fn find_alpha(tables: &Tables<'_>, master: u32) -> Result<Option<u32>, Reject> {
    for reference in &tables.references {
        if reference.name == *b"auxl"
            && reference.to == master
            && ItemProperties::of(tables, reference.from)?.is_alpha
        {
            return Ok(Some(reference.from));
        }
    }
    Ok(None)
}

fn read_coded<'a>(
    tables: &Tables<'a>,
    bytes: &'a [u8],
    item: u32,
    (width, height): (u32, u32),
) -> Result<Coded<'a>, Reject> {
    let pixels = u64::from(width) * u64::from(height);
    let bytes_max = pixels
        .saturating_mul(CODED_BYTES_PER_PIXEL_MAX)
        .saturating_add(HEADER_BYTES_MAX);
    let coded = Coded::parse(item_data(tables, bytes, item, bytes_max)?)?;
    if (coded.sequence.width, coded.sequence.height) == (width, height) {
        Ok(coded)
    } else {
        Err(CONTRADICTION)
    }
}

/// An item's bytes; copied only where they lie in several places.
fn item_data<'a>(
    tables: &Tables<'a>,
    bytes: &'a [u8],
    item: u32,
    bytes_max: u64,
) -> Result<Cow<'a, [u8]>, Reject> {
    let location = tables.locations.get(&item).ok_or(Reject::Malformed {
        detail: "a part of the picture is missing",
    })?;
    let source = match location.place {
        Place::File => bytes,
        Place::Inside => tables.inside,
        Place::Elsewhere => return Err(UNSUPPORTED),
    };
    let lengths = location.extents.iter().map(|(_, length)| *length);
    if lengths.fold(0, u64::saturating_add) > bytes_max {
        return Err(Reject::Malformed {
            detail: "its coded data is longer than its pixels need",
        });
    }
    let mut data = Cow::Borrowed(&[][..]);
    for &(offset, length) in &location.extents {
        let range = usize::try_from(offset).ok().and_then(|start| {
            let length = usize::try_from(length).ok()?;
            Some(start..start.checked_add(length)?)
        });
        let extent = range.and_then(|range| source.get(range));
        let extent = extent.ok_or(Reject::Truncated)?;
        if data.is_empty() {
            data = Cow::Borrowed(extent);
        } else {
            data.to_mut().extend_from_slice(extent);
        }
    }
    Ok(data)
}

/// The properties of one item.
#[derive(Default)]
struct ItemProperties<'a> {
    size: Option<(u32, u32)>,
    nclx: Option<Nclx>,
    profile: Option<&'a [u8]>,
    quarter_turns: Option<u8>,
    mirror: Option<u8>,
    cropped: bool,
    is_alpha: bool,
}

impl<'a> ItemProperties<'a> {
    fn of(tables: &Tables<'a>, item: u32) -> Result<Self, Reject> {
        let mut all = Self::default();
        for property in tables.properties_of(item) {
            let (property, essential) = property?;
            all.add(property, essential)?;
        }
        Ok(all)
    }

    fn add(&mut self, property: Property<'a>, essential: bool) -> Result<(), Reject> {
        let mut data = Cursor::new(property.data);
        match &property.name {
            b"ispe" if self.size.is_none() => {
                let _version = data.u32_be()?;
                self.size = Some((data.u32_be()?, data.u32_be()?));
            }
            b"colr" => self.add_colours(data)?,
            b"irot" if self.quarter_turns.is_none() && self.mirror.is_none() => {
                self.quarter_turns = Some(data.u8()? & 3);
            }
            b"imir" if self.mirror.is_none() => self.mirror = Some(data.u8()? & 1),
            // Twice, or turned after mirroring: readers differ (MIAF, 7.3.6.7).
            b"irot" | b"imir" => return Err(UNSUPPORTED),
            b"clap" => self.cropped = true,
            b"auxC" => {
                let _version = data.u32_be()?;
                self.is_alpha |= ALPHA_NAMES.iter().any(|name| data.rest().starts_with(name));
            }
            // The operating point that is taken anyway; all layers of one.
            b"a1op" if data.u8()? == 0 => {}
            b"lsel" if data.u16_be()? == u16::MAX => {}
            b"av1C" | b"pixi" | b"pasp" | b"ispe" => {}
            _ if essential => return Err(UNSUPPORTED),
            _ => {}
        }
        Ok(())
    }

    fn add_colours(&mut self, mut data: Cursor<'a>) -> Result<(), Reject> {
        match &data.array()? {
            b"nclx" if self.nclx.is_none() => {
                let [primaries, transfer, matrix] =
                    [data.u16_be()?, data.u16_be()?, data.u16_be()?]
                        .map(|number| u8::try_from(number).map_err(|_| UNSUPPORTED));
                self.nclx = Some(Nclx {
                    primaries: primaries?,
                    transfer: transfer?,
                    matrix: matrix?,
                    full_range: data.u8()? >> 7 == 1,
                });
            }
            b"prof" | b"rICC" if self.profile.is_none() => self.profile = Some(data.rest()),
            _ => {}
        }
        Ok(())
    }
}

/// What makes an auxiliary picture the alpha, now and in older files.
const ALPHA_NAMES: [&[u8]; 2] = [
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0",
    b"urn:mpeg:hevc:2015:auxid:1\0",
];
