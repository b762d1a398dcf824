//! AVIF: the coded pictures, written into a container of our own with the few
//! properties that say what they are.
//!
//! Not copied: Exif, XMP, C2PA, thumbnails, gain maps and every other item that
//! the primary picture does not need; names of items and of the writer; unknown
//! properties and boxes; what follows the tables without belonging to an item. In
//! the coded data: metadata, padding, delimiters, repeated headers. `av1C` is
//! computed from the sequence header, and that is written anew.
//!
//! Turning and mirroring are structure here and stay as they are. An Exif
//! orientation is dropped without being obeyed, for browsers do not obey it in an
//! AVIF either: the file looks as it did. Brightness of the mastering screen and
//! the shape of pixels, which they ignore too, are dropped.
//!
//! Bytes that decoders ignore can still hide behind the last coefficient of a
//! tile: only decoding it could tell them apart.

mod container;
mod verify;

#[cfg(test)]
mod tests;

use self::container::{Container, Item, Property, boxed};
pub(super) use self::verify::verify;
use super::icc::{self, Channels, Meaning, NOT_CONVERTED};
use super::malformed;
use crate::error::Reject;
use crate::stage::sniff::avif::{Avif, ColourConfig, Layer, Nclx, Sequence};

const ALPHA: &[u8] = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0";

/// Writes the AVIF again from the parts that are picture.
pub(super) fn rebuild(bytes: &[u8]) -> Result<Vec<u8>, Reject> {
    let avif = Avif::parse(bytes)?;
    let mut container = Container::default();
    let primary = add_layer(&mut container, &avif.colour, picture_properties(&avif)?)?;
    if let Some(alpha) = &avif.alpha {
        let auxiliary = boxed(*b"auxC", &[&[0; 4], ALPHA])?;
        let alpha = add_layer(&mut container, alpha, vec![Property::from(auxiliary)])?;
        container.refer(*b"auxl", alpha, vec![primary]);
        if avif.premultiplied {
            container.refer(*b"prem", primary, vec![alpha]);
        }
    }
    container.write()
}

/// What an embedded profile means for the picture, if it means anything: its
/// word counts before that of the numbers beside it.
pub(in crate::stage) fn meaning(avif: &Avif<'_>) -> Option<(Meaning, Channels)> {
    let channels = match coded_colours(avif) {
        Some(coded) if coded.monochrome => Channels::Grey,
        _ => Channels::Rgb,
    };
    icc::meaning(avif.profile?, channels).map(|meaning| (meaning, channels))
}

fn coded_colours(avif: &Avif<'_>) -> Option<ColourConfig> {
    Some(avif.colour.tiles.first()?.sequence.colours)
}

/// Colours and turning, in the order that MIAF prescribes (7.3.6.7).
fn picture_properties(avif: &Avif<'_>) -> Result<Vec<Property>, Reject> {
    let mut properties = Vec::new();
    let mut nclx = avif.nclx;
    match meaning(avif) {
        None => {}
        Some((Meaning::Odd(_), _)) => return Err(NOT_CONVERTED),
        Some((Meaning::Known(space), _)) => match space.profile() {
            Some(profile) => {
                properties.extend(boxed(*b"colr", &[b"prof", profile]).map(Property::from));
            }
            // What the profile overruled must not come into force without it.
            None => nclx = nclx_of_srgb(avif),
        },
    }
    if let Some(nclx) = nclx {
        properties.extend(boxed(*b"colr", &[&nclx_data(nclx)]).map(Property::from));
    }
    if avif.quarter_turns > 0 {
        properties.extend(boxed(*b"irot", &[&[avif.quarter_turns]]).map(Property::essential));
    }
    if let Some(mirror) = avif.mirror {
        properties.extend(boxed(*b"imir", &[&[mirror]]).map(Property::essential));
    }
    Ok(properties)
}

/// The picture's samples as they are coded, in the colours of sRGB.
fn nclx_of_srgb(avif: &Avif<'_>) -> Option<Nclx> {
    let coded = coded_colours(avif)?;
    let (matrix, full_range) = match avif.nclx {
        Some(nclx) => (nclx.matrix, nclx.full_range),
        None => (coded.matrix, coded.full_range),
    };
    Some(Nclx {
        primaries: 1,
        transfer: 13,
        matrix,
        full_range,
    })
}

/// Adds a picture and its tiles; answers with the picture's item.
fn add_layer(
    container: &mut Container,
    layer: &Layer<'_>,
    properties: Vec<Property>,
) -> Result<u16, Reject> {
    let first = layer.tiles.first().ok_or(malformed("it has no pixels"))?;
    let colours = first.sequence.colours;
    let mut described = vec![size(layer.width, layer.height)?, depths(colours)?];
    let Some(grid) = layer.grid else {
        described.push(configuration(&first.sequence)?);
        described.extend(properties);
        return container.add(Item {
            item_type: *b"av01",
            hidden: false,
            properties: described,
            data: first.bitstream(),
        });
    };
    described.extend(properties);
    let picture = container.add(Item {
        item_type: *b"grid",
        hidden: false,
        properties: described,
        data: grid_data(layer, grid.columns, grid.rows)?,
    })?;
    let mut tiles = Vec::with_capacity(layer.tiles.len());
    for tile in &layer.tiles {
        tiles.push(container.add(Item {
            item_type: *b"av01",
            hidden: true,
            properties: vec![
                size(layer.tile_width, layer.tile_height)?,
                depths(colours)?,
                configuration(&tile.sequence)?,
            ],
            data: tile.bitstream(),
        })?);
    }
    container.refer(*b"dimg", picture, tiles);
    Ok(picture)
}

fn size(width: u32, height: u32) -> Result<Property, Reject> {
    let [width, height] = [width, height].map(u32::to_be_bytes);
    boxed(*b"ispe", &[&[0; 4], &width, &height]).map(Property::from)
}

fn depths(colours: ColourConfig) -> Result<Property, Reject> {
    let channels: u8 = if colours.monochrome { 1 } else { 3 };
    let depths = vec![colours.depth; channels.into()];
    boxed(*b"pixi", &[&[0, 0, 0, 0, channels], &depths]).map(Property::from)
}

/// AV1 Codec ISO Media File Format Binding, 2.3.3, without units of its own.
fn configuration(sequence: &Sequence) -> Result<Property, Reject> {
    let colours = sequence.colours;
    let flags = u8::from(colours.depth > 8) << 6
        | u8::from(colours.depth > 10) << 5
        | u8::from(colours.monochrome) << 4
        | u8::from(colours.halved_across) << 3
        | u8::from(colours.halved_down) << 2
        | colours.chroma_position;
    let data = [
        0x81,
        sequence.profile << 5 | sequence.level,
        sequence.tier << 7 | flags,
        0,
    ];
    boxed(*b"av1C", &[&data]).map(Property::essential)
}

fn nclx_data(nclx: Nclx) -> [u8; 11] {
    let Nclx {
        primaries,
        transfer,
        matrix,
        full_range,
    } = nclx;
    let range = u8::from(full_range) << 7;
    let [n, c, l, x] = *b"nclx";
    [n, c, l, x, 0, primaries, 0, transfer, 0, matrix, range]
}

/// ISO/IEC 23008-12, 6.6.2.3.2, its sides in 16 bits where they fit.
fn grid_data(layer: &Layer<'_>, columns: u16, rows: u16) -> Result<Vec<u8>, Reject> {
    let [columns, rows] = [columns, rows].map(|n| u8::try_from(n.saturating_sub(1)));
    let counts = rows.and_then(|rows| columns.map(|columns| [rows, columns]));
    let [rows, columns] = counts.map_err(|_| malformed("its grid is too fine"))?;
    let sides = [layer.width, layer.height];
    Ok(match sides.map(u16::try_from) {
        [Ok(width), Ok(height)] => {
            let [width, height] = [width, height].map(u16::to_be_bytes);
            [&[0, 0, rows, columns], &width[..], &height].concat()
        }
        _ => {
            let [width, height] = sides.map(u32::to_be_bytes);
            [&[0, 1, rows, columns], &width[..], &height].concat()
        }
    })
}
