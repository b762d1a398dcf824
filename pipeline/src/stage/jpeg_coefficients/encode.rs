//! Writes coefficients as one sequential scan with the best Huffman tables
//! (T.81, F.1.2).

use super::BROKEN;
use super::geometry::Geometry;
use super::optimal::BestCode;
use super::plane::{Block, Kept};
use crate::error::Reject;

const SIXTEEN_ZEROS: u8 = 0xF0;
const END_OF_BLOCK: u8 = 0;

/// Sizes that an 8-bit picture's DC differences and AC have (F.1.2.1 and
/// F.1.2.2). Decoders need not know larger ones.
const DC_SIZE_MAX: u32 = 11;
const AC_SIZE_MAX: u32 = 10;

/// The codes of a scan: DC and AC, for brightness and for colour.
pub(super) struct Codes {
    pub(super) dc: [BestCode; 2],
    pub(super) ac: [BestCode; 2],
}

/// Which of the two codes of each kind a component uses. The fourth is black,
/// which is like brightness.
pub(super) fn table_of(component_idx: usize) -> usize {
    usize::from(matches!(component_idx, 1 | 2))
}

impl Codes {
    /// The best codes for these planes.
    ///
    /// # Errors
    /// [`Reject::Malformed`] for coefficients that a sequential scan cannot hold.
    pub(super) fn new(geometry: &Geometry, planes: &[Kept]) -> Result<Self, Reject> {
        let mut counter = Counter {
            dc: [[0; 256]; 2],
            ac: [[0; 256]; 2],
            large: 0,
        };
        each_block(geometry, planes, &mut counter)?;
        if counter.large > 0 {
            return Err(BROKEN);
        }
        let [luma, chroma] = &counter.dc;
        let dc = [BestCode::new(luma)?, BestCode::new(chroma)?];
        let [luma, chroma] = &counter.ac;
        let ac = [BestCode::new(luma)?, BestCode::new(chroma)?];
        Ok(Self { dc, ac })
    }

    /// The coded data of the planes, all components in one scan.
    pub(super) fn write(
        &self,
        geometry: &Geometry,
        planes: &[Kept],
        out: &mut Vec<u8>,
    ) -> Result<(), Reject> {
        let mut writer = Writer {
            codes: self,
            out,
            window: 0,
            n_bits: 0,
        };
        each_block(geometry, planes, &mut writer)?;
        writer.pad();
        Ok(())
    }
}

/// What is done with a block's symbols.
trait Sink {
    fn dc(&mut self, table: usize, size: u32, bits: u16);
    fn ac(&mut self, table: usize, symbol: u8, size: u32, bits: u16);
}

/// Shows every block's symbols in the order of the scan.
fn each_block<S: Sink>(geometry: &Geometry, planes: &[Kept], sink: &mut S) -> Result<(), Reject> {
    let mut previous = [0; 4];
    for row in 0..geometry.units_down {
        for column in 0..geometry.units_across {
            for (idx, (plane, previous)) in planes.iter().zip(&mut previous).enumerate() {
                let grid = &plane.grid;
                for y in row * grid.down..(row + 1) * grid.down {
                    let first = y * grid.columns + column * grid.across;
                    let blocks = plane.blocks.get(first..first + grid.across);
                    let masks = plane.masks.get(first..first + grid.across);
                    let (blocks, masks) = blocks.zip(masks).ok_or(BROKEN)?;
                    for (block, mask) in blocks.iter().zip(masks) {
                        one_block(block, *mask, previous, table_of(idx), sink);
                    }
                }
            }
        }
    }
    Ok(())
}

#[inline(always)]
fn one_block<S: Sink>(block: &Block, mask: u64, previous: &mut i32, table: usize, sink: &mut S) {
    let dc = i32::from(block[0]);
    let (size, bits) = number(dc - *previous);
    sink.dc(table, size, bits);
    *previous = dc;

    let (mut left, mut position) = (mask, 0);
    while left != 0 {
        let next = left.trailing_zeros();
        left &= left - 1;
        let mut zeros = next - position - 1;
        while zeros > 15 {
            sink.ac(table, SIXTEEN_ZEROS, 0, 0);
            zeros -= 16;
        }
        let (size, bits) = number(block[next as usize & 63].into());
        sink.ac(table, symbol(zeros, size), size, bits);
        position = next;
    }
    if position != 63 {
        sink.ac(table, END_OF_BLOCK, 0, 0);
    }
}

/// Size of a number and the bits that tell it from others of that size.
#[inline(always)]
fn number(value: i32) -> (u32, u16) {
    let size = 32 - value.unsigned_abs().leading_zeros();
    // Negative numbers are sent less one.
    let bits = (value + (value >> 31)).cast_unsigned() & ((1 << size) - 1);
    (size, u16::try_from(bits & 0xFFFF).unwrap_or(0))
}

#[inline(always)]
fn symbol(zeros: u32, size: u32) -> u8 {
    u8::try_from((zeros << 4 | size) & 0xFF).unwrap_or(0)
}

/// Counts how often symbols occur.
struct Counter {
    dc: [[u32; 256]; 2],
    ac: [[u32; 256]; 2],
    /// Numbers that are too large for a sequential scan.
    large: u32,
}

impl Sink for Counter {
    #[inline(always)]
    fn dc(&mut self, table: usize, size: u32, _bits: u16) {
        self.large |= u32::from(size > DC_SIZE_MAX);
        self.dc[table & 1][size as usize & 255] += 1;
    }

    #[inline(always)]
    fn ac(&mut self, table: usize, symbol: u8, size: u32, _bits: u16) {
        self.large |= u32::from(size > AC_SIZE_MAX);
        self.ac[table & 1][usize::from(symbol)] += 1;
    }
}

/// Writes codes and numbers, most significant bit first.
struct Writer<'a> {
    codes: &'a Codes,
    out: &'a mut Vec<u8>,
    /// The last `n_bits` are still to be written.
    window: u64,
    n_bits: u32,
}

impl Sink for Writer<'_> {
    #[inline(always)]
    fn dc(&mut self, table: usize, size: u32, bits: u16) {
        let code = self.codes.dc[table & 1].of(symbol(0, size));
        self.put(code, size, bits);
    }

    #[inline(always)]
    fn ac(&mut self, table: usize, symbol: u8, size: u32, bits: u16) {
        let code = self.codes.ac[table & 1].of(symbol);
        self.put(code, size, bits);
    }
}

impl Writer<'_> {
    /// At most 27 bits, on top of at most 31 that wait.
    #[inline(always)]
    fn put(&mut self, (code, length): (u16, u8), size: u32, bits: u16) {
        self.window = self.window << length | u64::from(code);
        self.window = self.window << size | u64::from(bits);
        self.n_bits += u32::from(length) + size;
        if self.n_bits >= 32 {
            self.n_bits -= 32;
            let [.., a, b, c, d] = (self.window >> self.n_bits).to_be_bytes();
            self.write([a, b, c, d]);
        }
    }

    #[inline(always)]
    fn write(&mut self, bytes: [u8; 4]) {
        if bytes.contains(&0xFF) {
            for byte in bytes {
                self.write_byte(byte);
            }
        } else {
            self.out.extend_from_slice(&bytes);
        }
    }

    fn write_byte(&mut self, byte: u8) {
        self.out.push(byte);
        if byte == 0xFF {
            self.out.push(0);
        }
    }

    /// Fills the last byte with ones (F.1.2.3).
    fn pad(&mut self) {
        while self.n_bits >= 8 {
            self.n_bits -= 8;
            let [.., byte] = (self.window >> self.n_bits).to_be_bytes();
            self.write_byte(byte);
        }
        if self.n_bits > 0 {
            let [.., byte] = (self.window << (8 - self.n_bits)).to_be_bytes();
            self.write_byte(byte | 0xFF >> self.n_bits);
        }
    }
}
