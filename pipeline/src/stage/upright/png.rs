//! PNG, turned without loss: the samples are moved as they are stored, at their
//! depth, and the chunks that give them meaning are taken over.

use std::io;

use png::{ColorType, Decoder, Encoder, Transformations};

use super::SIDEWAYS_ANIMATION;
use super::orientation::Orientation;
use crate::error::Reject;
use crate::stage::cursor::Cursor;
use crate::stage::scrub::png::chunk::{self, Chunk, SIGNATURE};

const UNTURNABLE: Reject = Reject::Malformed {
    detail: "it could not be turned upright",
};

/// Samples of one pixel next to each other, `bits` for each pixel.
struct Samples {
    width: u32,
    height: u32,
    bits: usize,
    packed: Vec<u8>,
}

/// Decodes, turns and encodes; palette, transparency and colour space stay.
pub(super) fn turn(bytes: &[u8], orientation: Orientation) -> Result<Vec<u8>, Reject> {
    let mut decoder = Decoder::new(io::Cursor::new(bytes));
    decoder.set_transformations(Transformations::IDENTITY);
    // Neither is taken over from here, and both may inflate to no end.
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(|_| UNTURNABLE)?;
    if reader.info().animation_control.is_some() {
        return Err(SIDEWAYS_ANIMATION);
    }
    let mut packed = vec![0; reader.output_buffer_size().ok_or(UNTURNABLE)?];
    let shape = reader.next_frame(&mut packed).map_err(|_| UNTURNABLE)?;
    let bits = shape.color_type.samples() * shape.bit_depth as usize;
    let samples = Samples {
        width: shape.width,
        height: shape.height,
        bits,
        packed,
    };
    let turned = samples.turn(orientation);

    let mut encoded = Vec::new();
    let mut encoder = Encoder::new(&mut encoded, turned.width, turned.height);
    encoder.set_color(shape.color_type);
    encoder.set_depth(shape.bit_depth);
    if shape.color_type == ColorType::Indexed {
        encoder.set_palette(
            reader
                .info()
                .palette
                .clone()
                .ok_or(UNTURNABLE)?
                .into_owned(),
        );
    }
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&turned.packed))
        .map_err(|_| UNTURNABLE)?;
    splice(bytes, &encoded)
}

impl Samples {
    fn turn(self, orientation: Orientation) -> Self {
        let Self {
            width,
            height,
            bits,
            packed,
        } = self;
        let (turned_width, turned_height) = orientation.turned_size(width, height);
        let turned = match bits {
            8 => orientation.turn::<1>(&packed, width, height),
            16 => orientation.turn::<2>(&packed, width, height),
            24 => orientation.turn::<3>(&packed, width, height),
            32 => orientation.turn::<4>(&packed, width, height),
            48 => orientation.turn::<6>(&packed, width, height),
            64 => orientation.turn::<8>(&packed, width, height),
            _ => {
                let bytes = unpack(&packed, width, bits);
                pack(
                    &orientation.turn::<1>(&bytes, width, height),
                    turned_width,
                    bits,
                )
            }
        };
        Self {
            width: turned_width,
            height: turned_height,
            bits,
            packed: turned,
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

/// The header and the picture of `encoded` with the other chunks of `source`
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
            b"IHDR" | b"pHYs" | b"eXIf" => {}
            name if chunk.is_intact() => chunk::write(*name, chunk.data, &mut out)?,
            _ => {}
        }
    }
    loop {
        let chunk = Chunk::read(&mut picture)?;
        if matches!(&chunk.name, b"IDAT" | b"IEND") {
            chunk::write(chunk.name, chunk.data, &mut out)?;
        }
        if chunk.name == *b"IEND" {
            return Ok(out);
        }
    }
}
