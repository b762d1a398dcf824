//! What zune-jpeg 0.5 and the reading of rows allocate for a JPEG, by its frame header.

use crate::error::Reject;
use crate::stage::cursor::Cursor;
use crate::stage::sniff::jpeg::{next_marker, segment};

/// Samples along a side of a block.
const BLOCK: u64 = 8;

/// A coefficient is an i16.
const COEFFICIENT_BYTES: u64 = 2;

/// A frame header (T.81, B.2.2).
#[derive(Debug)]
pub(super) struct Frame {
    progressive: bool,
    width: u64,
    /// Samples of all components, in whole units.
    samples: u64,
}

impl Frame {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Reject> {
        let mut cursor = Cursor::new(bytes);
        cursor.take(2)?;
        loop {
            match next_marker(&mut cursor)? {
                // What has no segment; what else may come was sniffed.
                0x01 | 0xD0..=0xD8 => {}
                code @ 0xC0..=0xC2 => {
                    return Self::parse(Cursor::new(segment(&mut cursor)?), code == 0xC2);
                }
                _ => {
                    segment(&mut cursor)?;
                }
            }
        }
    }

    fn parse(mut header: Cursor<'_>, progressive: bool) -> Result<Self, Reject> {
        let _precision = header.u8()?;
        let (height, width) = (u64::from(header.u16_be()?), u64::from(header.u16_be()?));
        let n_components = header.u8()?;
        let mut sampling = Vec::with_capacity(n_components.into());
        for _ in 0..n_components {
            let [_id, factors, _table] = header.array()?;
            sampling.push((u64::from(factors >> 4), u64::from(factors & 0x0F)));
        }
        // No more than 15 each: no product below comes near 64 bits.
        let across_max = sampling.iter().map(|&(across, _)| across).max();
        let down_max = sampling.iter().map(|&(_, down)| down).max();
        let unit = |sampling: Option<u64>| BLOCK * sampling.unwrap_or(1).max(1);
        let n_units = width.div_ceil(unit(across_max)) * height.div_ceil(unit(down_max));
        let blocks: u64 = sampling.iter().map(|(across, down)| across * down).sum();
        Ok(Self {
            progressive,
            width,
            samples: n_units * blocks * BLOCK * BLOCK,
        })
    }

    /// The coefficients that a decoder must keep, because each scan brings a
    /// part of every one.
    pub(super) fn progressive_bytes(&self) -> u64 {
        if self.progressive {
            self.samples * COEFFICIENT_BYTES
        } else {
            0
        }
    }

    /// What is decoded before it is written out.
    pub(super) fn rows_bytes(&self) -> u64 {
        rows_bytes(self.width)
    }
}

/// One row of units, decoded and upsampled, and the rows that it is blended with.
pub(super) fn rows_bytes(width: u64) -> u64 {
    const COLUMN_BYTES: u64 = 1 << 10;
    width.saturating_mul(COLUMN_BYTES)
}
