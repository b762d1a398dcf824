//! PNG and APNG, turned without loss: the samples are moved as they are stored, at
//! their depth, and the chunks that give them meaning are taken over. The frames of
//! an animation are turned where they lie, and meet each other as before.

use png::{
    ColorType, DeflateCompression, Encoder, EncodingError, Filter, FrameControl, Transformations,
};

use super::bounded::Bounded;
use super::orientation::Orientation;
use super::place::Place;
use super::{UNTURNABLE, grows_too_large};
use crate::error::Reject;
use crate::item::Header;
use crate::stage::cursor::Cursor;
use crate::stage::png_pictures::{self, Picture, Pictures};
use crate::stage::scrub::png::chunk::{self, Chunk, SIGNATURE};

/// Decodes, turns and encodes; palette, transparency and colour space stay. Frames
/// of an animation may come to `animation_bytes_max` together.
pub(super) fn turn(
    bytes: &[u8],
    header: Header,
    orientation: Orientation,
    animation_bytes_max: usize,
) -> Result<Vec<u8>, Reject> {
    let pictures = Pictures::open(bytes, header, Transformations::IDENTITY);
    let pictures = pictures.map_err(|_| UNTURNABLE)?;
    let is_animated = pictures.info().animation_control.is_some();
    let bytes_max = if is_animated {
        animation_bytes_max
    } else {
        usize::MAX
    };
    let mut encoded = Bounded::new(bytes_max);
    let packing = pictures.packing(header, bytes.len());
    encode(pictures, header, orientation, packing, &mut encoded).map_err(|error| match error {
        EncodingError::IoError(_) => grows_too_large(bytes_max),
        _ => UNTURNABLE,
    })?;
    splice(bytes, &encoded.into_bytes())
}

fn encode(
    mut pictures: Pictures<'_>,
    header: Header,
    orientation: Orientation,
    packing: DeflateCompression,
    out: &mut Bounded,
) -> Result<(), EncodingError> {
    let unreadable = || EncodingError::LimitsExceeded;
    let (color_type, depth) = pictures.shape();
    let bits = color_type.samples() * depth as usize;
    let canvas = (header.width, header.height);
    let (width, height) = orientation.turned_size(header.width, header.height);
    let mut encoder = Encoder::new(out, width, height);
    encoder.set_color(color_type);
    encoder.set_depth(depth);
    if color_type == ColorType::Indexed {
        let palette = pictures.info().palette.clone().ok_or_else(unreadable)?;
        encoder.set_palette(palette.into_owned());
    }
    encoder.set_deflate_compression(packing);
    if color_type == ColorType::Indexed || bits < 8 {
        // Differences of indices mean nothing (PNG 3rd edition, 12.7).
        encoder.set_filter(Filter::NoFilter);
    }
    pictures.announce(&mut encoder)?;
    let mut writer = encoder.write_header()?;
    while let Some(picture) = pictures.next().map_err(|_| unreadable())? {
        let Picture { width, height, .. } = picture;
        let control = match picture.control {
            Some(control) => Some(turned(&control, orientation, canvas).ok_or_else(unreadable)?),
            None => None,
        };
        let samples = turn_samples(picture.samples, (width, height), bits, orientation);
        png_pictures::write(&mut writer, control, &samples)?;
    }
    writer.finish()
}

/// The control of a frame that was turned.
fn turned(
    control: &FrameControl,
    orientation: Orientation,
    canvas: (u32, u32),
) -> Option<FrameControl> {
    let place = Place {
        left: control.x_offset,
        top: control.y_offset,
        width: control.width,
        height: control.height,
    };
    let place = place.turned(orientation, canvas)?;
    Some(FrameControl {
        x_offset: place.left,
        y_offset: place.top,
        width: place.width,
        height: place.height,
        ..*control
    })
}

/// Turns pixels of `bits` bits each, next to each other in rows of whole bytes.
fn turn_samples(
    packed: &[u8],
    (width, height): (u32, u32),
    bits: usize,
    orientation: Orientation,
) -> Vec<u8> {
    match bits {
        8 => orientation.turn::<1>(packed, width, height),
        16 => orientation.turn::<2>(packed, width, height),
        24 => orientation.turn::<3>(packed, width, height),
        32 => orientation.turn::<4>(packed, width, height),
        48 => orientation.turn::<6>(packed, width, height),
        64 => orientation.turn::<8>(packed, width, height),
        _ => {
            let bytes = unpack(packed, width, bits);
            let turned = orientation.turn::<1>(&bytes, width, height);
            pack(&turned, orientation.turned_size(width, height).0, bits)
        }
    }
}

fn row_pixels(width: u32) -> usize {
    usize::try_from(width).expect("a side fits into memory")
}

/// Rows of 1, 2 or 4 bits a pixel, first pixel highest, as one byte a pixel.
fn unpack(packed: &[u8], width: u32, bits: usize) -> Vec<u8> {
    let width = row_pixels(width);
    let mask = u8::MAX >> (8 - bits);
    let rows = packed.chunks_exact((width * bits).div_ceil(8));
    rows.flat_map(|row| {
        (0..width).map(move |x| row[x * bits / 8] >> (8 - bits - x * bits % 8) & mask)
    })
    .collect()
}

fn pack(bytes: &[u8], width: u32, bits: usize) -> Vec<u8> {
    let pixels_a_byte = 8 / bits;
    let rows = bytes.chunks_exact(row_pixels(width));
    rows.flat_map(|row| {
        row.chunks(pixels_a_byte).map(move |pixels| {
            let joined = pixels.iter().fold(0, |byte, pixel| byte << bits | pixel);
            joined << (bits * (pixels_a_byte - pixels.len()))
        })
    })
    .collect()
}

/// The header and the pictures of `encoded` with the other chunks of `source`
/// that stand before its picture. Density and Exif are measured along the old
/// sides and stay behind.
fn splice(source: &[u8], encoded: &[u8]) -> Result<Vec<u8>, Reject> {
    let mut out = SIGNATURE.to_vec();
    let mut picture = Cursor::new(encoded);
    picture.take(SIGNATURE.len())?;
    let header = Chunk::read(&mut picture)?;
    chunk::write(header.name, header.data, &mut out)?;

    let mut meaning = Cursor::new(source);
    meaning.take(SIGNATURE.len())?;
    loop {
        let chunk = Chunk::read(&mut meaning)?;
        match &chunk.name {
            b"IDAT" | b"IEND" => break,
            b"IHDR" | b"pHYs" | b"eXIf" | b"acTL" | b"fcTL" => {}
            name if chunk.is_intact() => chunk::write(*name, chunk.data, &mut out)?,
            _ => {}
        }
    }
    loop {
        let chunk = Chunk::read(&mut picture)?;
        if matches!(&chunk.name, b"acTL" | b"fcTL" | b"IDAT" | b"fdAT" | b"IEND") {
            chunk::write(chunk.name, chunk.data, &mut out)?;
        }
        if chunk.name == *b"IEND" {
            return Ok(out);
        }
    }
}
