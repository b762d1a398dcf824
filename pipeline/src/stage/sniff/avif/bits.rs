//! Bits of an AV1 header, from the highest of each byte down.

use crate::error::Reject;

/// A position within a header.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bits were read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next `n_bits` bits, 32 at most, as a number.
    pub(super) fn number(&mut self, n_bits: u32) -> Result<u32, Reject> {
        let mut value = 0;
        for _ in 0..n_bits {
            value = value << 1 | u32::from(self.flag()?);
        }
        Ok(value)
    }

    /// As [`Self::number`], for up to eight bits.
    pub(super) fn small(&mut self, n_bits: u32) -> Result<u8, Reject> {
        self.number(n_bits)
            .map(|value| u8::try_from(value).expect("eight bits at most were read"))
    }

    pub(super) fn flag(&mut self) -> Result<bool, Reject> {
        let byte = self.bytes.get(self.at / 8).ok_or(Reject::Truncated)?;
        let flag = byte >> (7 - self.at % 8) & 1 == 1;
        self.at += 1;
        Ok(flag)
    }
}

/// Bits put together to bytes.
#[derive(Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    n_bits: usize,
}

impl BitWriter {
    pub(super) fn flag(&mut self, flag: bool) {
        if self.n_bits.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(flag) << (7 - self.n_bits % 8);
        }
        self.n_bits += 1;
    }

    pub(super) fn number(&mut self, value: u32, n_bits: u32) {
        for bit in (0..n_bits).rev() {
            self.flag(value >> bit & 1 == 1);
        }
    }

    /// Closes with a one and zeros up to a whole byte (AV1, 5.3.4).
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.flag(true);
        self.bytes
    }
}
