//! Bits of a VP8L stream, the lowest of each byte first.

use crate::error::Reject;

/// A position in a stream of bits.
pub(super) struct Bits<'a> {
    rest: &'a [u8],
    buffer: u64,
    n_buffered: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            buffer: 0,
            n_buffered: 0,
        }
    }

    /// The next `n` bits, at most 32.
    pub(super) fn read(&mut self, n: u32) -> Result<u32, Reject> {
        while self.n_buffered < n {
            let (&byte, rest) = self.rest.split_first().ok_or(Reject::Truncated)?;
            self.rest = rest;
            self.buffer |= u64::from(byte) << self.n_buffered;
            self.n_buffered += 8;
        }
        let value = self.buffer & ((1 << n) - 1);
        self.buffer >>= n;
        self.n_buffered -= n;
        u32::try_from(value).map_err(|_| Reject::Truncated)
    }
}
