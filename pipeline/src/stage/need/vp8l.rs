//! Reads a VP8L bitstream (RFC 9649, section 3) as far as it says how many
//! groups of prefix codes the picture has.
//!
//! One pixel of the entropy image can announce 65,536 groups, of which image-webp
//! 0.2 builds each with its tables, needed or not: a file of one megabyte takes
//! gigabytes that way. Encoders make hundreds, libwebp 2,600 at most.

mod bits;
mod prefix;

#[cfg(test)]
mod tests;

use self::bits::Bits;
use self::prefix::{PlaneDistances, PrefixCode};
use crate::error::Reject;

const BROKEN: Reject = Reject::Malformed {
    detail: "its compressed data is broken",
};

/// Symbols of the five codes of a group; a colour cache adds to the first.
const ALPHABETS: [usize; 5] = [256 + N_LENGTHS, 256, 256, 256, 40];
const N_LENGTHS: usize = 24;

/// Bytes of the tables that a `VP8L` chunk's codes take when decoded.
pub(super) fn tables_bytes_of_picture(data: &[u8]) -> Result<u64, Reject> {
    let mut bits = Bits::new(data);
    let _signature = bits.read(8)?;
    let (width, height) = (bits.read(14)? + 1, bits.read(14)? + 1);
    let _alpha_and_version = bits.read(4)?;
    Vp8l { bits }.tables_bytes(width, height)
}

/// As [`tables_bytes_of_picture`], of an alpha plane, which lacks the header.
pub(super) fn tables_bytes_of_plane(
    data: &[u8],
    (width, height): (u32, u32),
) -> Result<u64, Reject> {
    let bits = Bits::new(data);
    Vp8l { bits }.tables_bytes(width, height)
}

struct Vp8l<'a> {
    bits: Bits<'a>,
}

impl Vp8l<'_> {
    fn tables_bytes(mut self, width: u32, height: u32) -> Result<u64, Reject> {
        let width = self.pass_transforms(width, height)?;
        let cache_bits = self.cache_bits()?;
        let mut n_groups = 1;
        if self.bits.read(1)? == 1 {
            let (across, down) = self.blocks(width, height)?;
            let entropy_image = self.small_image(across, down)?;
            let last_group = entropy_image.into_iter().map(|argb| argb >> 8 & 0xFFFF);
            n_groups = last_group.max().unwrap_or(0) + 1;
        }
        Ok(u64::from(n_groups) * group_bytes(cache_bits))
    }

    /// Reads over the transforms (section 4). Returns the width that is left
    /// when pixels of few colours are packed.
    fn pass_transforms(&mut self, width: u32, height: u32) -> Result<u32, Reject> {
        const SUBTRACT_GREEN: u32 = 2;
        const COLOUR_INDEXING: u32 = 3;
        let mut width = width;
        let mut seen = [false; 4];
        while self.bits.read(1)? == 1 {
            let transform = self.bits.read(2)?;
            let seen = seen
                .iter_mut()
                .zip(0..)
                .find(|&(_, kind)| kind == transform);
            if seen.is_none_or(|(seen, _)| std::mem::replace(seen, true)) {
                return Err(BROKEN);
            }
            match transform {
                SUBTRACT_GREEN => {}
                COLOUR_INDEXING => {
                    let n_colours = self.bits.read(8)? + 1;
                    self.small_image(n_colours, 1)?;
                    width = width.div_ceil(match n_colours {
                        0..=2 => 8,
                        3..=4 => 4,
                        5..=16 => 2,
                        _ => 1,
                    });
                }
                _ => {
                    let (across, down) = self.blocks(width, height)?;
                    self.small_image(across, down)?;
                }
            }
        }
        Ok(width)
    }

    /// Sides of an image with a pixel for each block of the picture.
    fn blocks(&mut self, width: u32, height: u32) -> Result<(u32, u32), Reject> {
        let side = 1 << (self.bits.read(3)? + 2);
        Ok((width.div_ceil(side), height.div_ceil(side)))
    }

    fn cache_bits(&mut self) -> Result<Option<u32>, Reject> {
        if self.bits.read(1)? == 0 {
            return Ok(None);
        }
        let bits = self.bits.read(4)?;
        if (1..=11).contains(&bits) {
            Ok(Some(bits))
        } else {
            Err(BROKEN)
        }
    }

    /// Decodes an image that has one group of codes (section 5); ARGB.
    fn small_image(&mut self, width: u32, height: u32) -> Result<Vec<u32>, Reject> {
        let mut cache = self.cache_bits()?.map(Cache::new);
        let n_cached = cache.as_ref().map_or(0, |cache| cache.colours.len());
        let mut codes = Vec::with_capacity(ALPHABETS.len());
        for (code_idx, alphabet) in ALPHABETS.into_iter().enumerate() {
            let n_cached = if code_idx == 0 { n_cached } else { 0 };
            codes.push(PrefixCode::read(&mut self.bits, alphabet + n_cached)?);
        }
        let [green, red, blue, alpha, distance] = codes.as_slice() else {
            return Err(BROKEN);
        };
        let n_pixels = usize::try_from(u64::from(width) * u64::from(height)).map_err(|_| BROKEN)?;
        let plane = PlaneDistances { width };
        let mut pixels: Vec<u32> = Vec::with_capacity(n_pixels);
        while pixels.len() < n_pixels {
            let symbol = green.symbol(&mut self.bits)?;
            let first_new = pixels.len();
            if symbol < 256 {
                let [red, blue, alpha] = [
                    red.symbol(&mut self.bits)?,
                    blue.symbol(&mut self.bits)?,
                    alpha.symbol(&mut self.bits)?,
                ];
                pixels.push(alpha << 24 | red << 16 | symbol << 8 | blue);
            } else if let Some(length_code) = (symbol - 256 < 24).then_some(symbol - 256) {
                let length = prefix::value(length_code, &mut self.bits)?;
                let distance_code = distance.symbol(&mut self.bits)?;
                let distance = plane.distance(prefix::value(distance_code, &mut self.bits)?);
                copy(&mut pixels, distance, length, n_pixels)?;
            } else {
                let cache = cache.as_ref().ok_or(BROKEN)?;
                pixels.push(cache.colour(symbol - 280)?);
            }
            if let Some(cache) = &mut cache {
                pixels[first_new..].iter().for_each(|&argb| cache.add(argb));
            }
        }
        Ok(pixels)
    }
}

/// Repeats what lies `distance` pixels back (section 5.2.2).
fn copy(pixels: &mut Vec<u32>, distance: u32, length: u32, n_pixels: usize) -> Result<(), Reject> {
    let distance = usize::try_from(distance).map_err(|_| BROKEN)?;
    let length = usize::try_from(length).map_err(|_| BROKEN)?;
    let start = pixels.len().checked_sub(distance).ok_or(BROKEN)?;
    if length > n_pixels - pixels.len() {
        return Err(BROKEN);
    }
    for source in start..start + length {
        pixels.push(pixels[source]);
    }
    Ok(())
}

/// Colours by their hash (section 5.2.3).
struct Cache {
    bits: u32,
    colours: Vec<u32>,
}

impl Cache {
    fn new(bits: u32) -> Self {
        Self {
            bits,
            colours: vec![0; 1 << bits],
        }
    }

    fn add(&mut self, argb: u32) {
        let hash = argb.wrapping_mul(0x1E35_A7BD) >> (32 - self.bits);
        if let Some(place) = usize::try_from(hash)
            .ok()
            .and_then(|idx| self.colours.get_mut(idx))
        {
            *place = argb;
        }
    }

    fn colour(&self, code: u32) -> Result<u32, Reject> {
        let place = usize::try_from(code)
            .ok()
            .and_then(|idx| self.colours.get(idx));
        place.copied().ok_or(BROKEN)
    }
}

/// Most that image-webp builds for one group: for each code a table of 2^10
/// entries of 4 bytes and two nodes of 16 bytes a symbol.
fn group_bytes(cache_bits: Option<u32>) -> u64 {
    const CODES: u64 = 5;
    const TABLE_BYTES: u64 = 4 << 10;
    const NODES_BYTES: u64 = 2 * 16;
    const SYMBOLS: u64 = 256 + 24 + 3 * 256 + 40;
    let cached = cache_bits.map_or(0, |bits| 1 << bits);
    CODES * (TABLE_BYTES + 64) + NODES_BYTES * (SYMBOLS + cached)
}
