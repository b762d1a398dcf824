//! Finds the end of a lossless bitstream and cuts it there: what follows the last
//! pixel is shown by no decoder (RFC 9649, section 3).
//!
//! The codes are read, the pixels are not made: only of the image that chooses
//! the codes are the values needed.

use super::bits::{Bits, Code};
use super::neighbours::NEIGHBOURS;
use crate::error::Reject;
use crate::stage::scrub::malformed;

const BROKEN: Reject = malformed("a lossless picture does not add up");
const HEADER_BYTES: usize = 5;
const N_LENGTHS: usize = 24;
const N_DISTANCES: usize = 40;
const CACHE_BITS_MAX: usize = 11;

/// A `VP8L` chunk's data without what follows the picture. `width` and `height`
/// are those of its header.
pub(super) fn exact(data: &[u8], width: u32, height: u32) -> Result<Vec<u8>, Reject> {
    let (header, stream) = data
        .split_at_checked(HEADER_BYTES)
        .ok_or(Reject::Truncated)?;
    Ok([header, &exact_stream(stream, width, height)?].concat())
}

/// A compressed alpha plane's bitstream, which has no header of its own.
pub(super) fn exact_stream(stream: &[u8], width: u32, height: u32) -> Result<Vec<u8>, Reject> {
    let side = |pixels: u32| usize::try_from(pixels).map_err(|_| BROKEN);
    let (mut width, height) = (side(width)?, side(height)?);
    let mut bits = Bits::new(stream);
    let mut seen = [false; 4];
    while bits.flag()? {
        let kind = bits.read(2)? as usize;
        if std::mem::replace(&mut seen[kind], true) {
            return Err(BROKEN);
        }
        match kind {
            // Predictor and colour transform: an image of a pixel a block.
            0 | 1 => {
                let block_bits = bits.read(3)? as usize + 2;
                let (across, down) = blocks(width, height, block_bits);
                read_image(&mut bits, across, down, Role::Part)?;
            }
            2 => {}
            _ => {
                let n_colours = bits.read(8)? as usize + 1;
                read_image(&mut bits, n_colours, 1, Role::Part)?;
                let packed_bits = match n_colours {
                    0..=2 => 3,
                    3..=4 => 2,
                    5..=16 => 1,
                    _ => 0,
                };
                width = width.div_ceil(1 << packed_bits);
            }
        }
    }
    read_image(&mut bits, width, height, Role::Picture)?;
    Ok(bits.consumed())
}

/// What an image is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The picture itself, whose codes may change from block to block.
    Picture,
    /// Parameters of a transform.
    Part,
    /// The codes of each block of the picture: its values are needed.
    Chooser,
}

fn blocks(width: usize, height: usize, block_bits: usize) -> (usize, usize) {
    (
        width.div_ceil(1 << block_bits),
        height.div_ceil(1 << block_bits),
    )
}

/// The five codes of a block: green with lengths and cache, red, blue, alpha,
/// distance.
struct Group([Code; 5]);

impl Group {
    fn read(bits: &mut Bits<'_>, cache_colours: usize) -> Result<Self, Reject> {
        let mut code = |n_symbols| Code::read(bits, n_symbols);
        Ok(Self([
            code(256 + N_LENGTHS + cache_colours)?,
            code(256)?,
            code(256)?,
            code(256)?,
            code(N_DISTANCES)?,
        ]))
    }
}

/// Which group each block of a picture uses.
struct Choice {
    block_bits: usize,
    across: usize,
    groups: Vec<usize>,
}

impl Choice {
    fn read(bits: &mut Bits<'_>, width: usize, height: usize) -> Result<Self, Reject> {
        let block_bits = bits.read(3)? as usize + 2;
        let (across, down) = blocks(width, height, block_bits);
        let pixels = read_image(bits, across, down, Role::Chooser)?;
        // Red and green hold the number.
        let number = |pixel: &u32| (pixel >> 8 & 0xFFFF) as usize;
        Ok(Self {
            block_bits,
            across,
            groups: pixels.iter().map(number).collect(),
        })
    }

    fn n_groups(&self) -> usize {
        self.groups.iter().max().map_or(1, |most| most + 1)
    }

    fn at(&self, x: usize, y: usize) -> usize {
        let block = (y >> self.block_bits) * self.across + (x >> self.block_bits);
        self.groups.get(block).copied().unwrap_or(0)
    }
}

/// Goes through an image; answers its pixels if it is a chooser.
fn read_image(
    bits: &mut Bits<'_>,
    width: usize,
    height: usize,
    role: Role,
) -> Result<Vec<u32>, Reject> {
    let cache_bits = if bits.flag()? {
        bits.read(4)? as usize
    } else {
        0
    };
    if cache_bits > CACHE_BITS_MAX {
        return Err(BROKEN);
    }
    let cache_colours = if cache_bits > 0 { 1 << cache_bits } else { 0 };
    let choice = if role == Role::Picture && bits.flag()? {
        Some(Choice::read(bits, width, height)?)
    } else {
        None
    };
    let n_groups = choice.as_ref().map_or(1, Choice::n_groups);
    // Encoders number the groups in use; more would be room for something else.
    if choice
        .as_ref()
        .is_some_and(|choice| n_groups > choice.groups.len())
    {
        return Err(BROKEN);
    }
    let groups: Vec<Group> = (0..n_groups)
        .map(|_| Group::read(bits, cache_colours))
        .collect::<Result<_, _>>()?;

    let n_pixels = width.checked_mul(height).ok_or(BROKEN)?;
    let mut pixels = Pixels::new(width, cache_bits, role == Role::Chooser);
    let (mut x, mut y, mut n_read) = (0, 0, 0);
    while n_read < n_pixels {
        let group_idx = choice.as_ref().map_or(0, |choice| choice.at(x, y));
        let Group([green, red, blue, alpha, distance]) = &groups[group_idx];
        let run = match green.symbol(bits)? {
            value @ 0..256 => {
                let others = [red, blue, alpha].map(|code| code.symbol(bits));
                let [red, blue, alpha] = others;
                pixels.push([alpha?, red?, value, blue?]);
                1
            }
            symbol if symbol < 256 + N_LENGTHS => {
                let length = read_number(bits, symbol - 256)?;
                let distance = distance.symbol(bits)?;
                let distance = read_number(bits, distance)?;
                pixels.copy(length, distance, n_pixels - n_read)?;
                length
            }
            symbol => {
                pixels.push_cached(symbol - 256 - N_LENGTHS)?;
                1
            }
        };
        n_read += run;
        x += run;
        while x >= width {
            x -= width;
            y += 1;
        }
    }
    Ok(pixels.values)
}

/// A length or a distance: its highest bits by symbol, the others as they are.
fn read_number(bits: &mut Bits<'_>, symbol: usize) -> Result<usize, Reject> {
    if symbol < 4 {
        return Ok(symbol + 1);
    }
    let extra_bits = (symbol - 2) >> 1;
    let offset = (2 + (symbol & 1)) << extra_bits;
    Ok(offset + bits.read(extra_bits)? as usize + 1)
}

/// The pixels of a chooser so far; of other images nothing is kept.
struct Pixels {
    width: usize,
    is_kept: bool,
    values: Vec<u32>,
    cache_bits: usize,
    cache: Vec<u32>,
}

impl Pixels {
    fn new(width: usize, cache_bits: usize, is_kept: bool) -> Self {
        let cached = if is_kept { 1 << cache_bits } else { 0 };
        Self {
            width,
            is_kept,
            values: Vec::new(),
            cache_bits,
            cache: vec![0; cached],
        }
    }

    fn push(&mut self, argb: [usize; 4]) {
        if self.is_kept {
            let value = argb.iter().fold(0, |value, sample| {
                value << 8 | u32::try_from(*sample).unwrap_or(0)
            });
            self.keep(value);
        }
    }

    fn push_cached(&mut self, cache_idx: usize) -> Result<(), Reject> {
        if self.is_kept {
            let value = *self.cache.get(cache_idx).ok_or(BROKEN)?;
            self.keep(value);
        }
        Ok(())
    }

    /// `distance` is as it was read: small ones mean neighbours.
    fn copy(&mut self, length: usize, distance: usize, room: usize) -> Result<(), Reject> {
        if length > room {
            return Err(BROKEN);
        }
        if !self.is_kept {
            return Ok(());
        }
        let distance = match distance.checked_sub(NEIGHBOURS.len() + 1) {
            Some(beyond) => beyond + 1,
            None => {
                let (left, up) = NEIGHBOURS[distance - 1];
                let rows = isize::from(up) * self.width.cast_signed();
                (rows + isize::from(left)).max(1).unsigned_abs()
            }
        };
        for _ in 0..length {
            let from = self.values.len().checked_sub(distance).ok_or(BROKEN)?;
            self.keep(self.values[from]);
        }
        Ok(())
    }

    fn keep(&mut self, value: u32) {
        self.values.push(value);
        if self.cache_bits > 0 {
            let slot = value.wrapping_mul(0x1E35_A7BD) >> (32 - self.cache_bits);
            self.cache[slot as usize] = value;
        }
    }
}
