//! Follows coded data bit by bit in the file itself, stuffed bytes and all.

/// A position in coded data. Behind the data, where a marker stands, it makes
/// up zeros and counts them.
///
/// Functions that are not inlined take it by value, so that it need not leave the
/// registers in the loop over a block.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    file: &'a [u8],
    /// Of the next byte that is not in `window`.
    at: usize,
    /// The next bits, from the most significant down: `n_bits`, and zeros or a
    /// part of the byte at `at` below them.
    window: u64,
    n_bits: u32,
    n_made_up: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(file: &'a [u8], at: usize) -> Self {
        Self {
            file,
            at,
            window: 0,
            n_bits: 0,
            n_made_up: 0,
        }
    }

    /// Makes at least 48 bits ready.
    #[inline(always)]
    pub(super) fn ready(&mut self) {
        if self.n_bits >= 48 {
            return;
        }
        let eight = self.file.get(self.at..).and_then(<[u8]>::first_chunk);
        let next = eight.map_or(u64::MAX, |eight| u64::from_be_bytes(*eight));
        if has_ff(next) {
            *self = self.with_bytes();
        } else {
            // Below the whole bytes a part of the next one comes along. It is no
            // 0xFF, so the next load finds the same bits there.
            self.window |= next >> self.n_bits;
            self.at += ((63 - self.n_bits) / 8) as usize;
            self.n_bits |= 56;
        }
    }

    #[inline(never)]
    fn with_bytes(mut self) -> Self {
        while self.n_bits <= 56 {
            let byte = match self.file.get(self.at..).unwrap_or_default() {
                [0xFF, 0, ..] => {
                    self.at += 2;
                    0xFF
                }
                [0xFF, ..] | [] => {
                    self.n_made_up = self.n_made_up.saturating_add(8);
                    0
                }
                [byte, ..] => {
                    self.at += 1;
                    *byte
                }
            };
            self.window |= u64::from(byte) << 56 >> self.n_bits;
            self.n_bits += 8;
        }
        self
    }

    /// The next `count` bits, 1 to 32, of those made ready.
    #[inline(always)]
    pub(super) fn peek(&self, count: u32) -> usize {
        usize::try_from(self.window >> (64 - count)).unwrap_or(0)
    }

    /// Passes over at most 32 bits of those made ready.
    #[inline(always)]
    pub(super) fn pass(&mut self, count: u32) {
        self.window <<= count;
        self.n_bits -= count;
    }

    /// Passes over any number of bits.
    pub(super) fn pass_many(&mut self, mut count: u32) {
        while count > 0 {
            self.ready();
            let now = count.min(32);
            self.pass(now);
            count -= now;
        }
    }

    /// The next `count` bits, 0 to 16, of those made ready.
    pub(super) fn number(&mut self, count: u32) -> u32 {
        let bits = self.window >> 1 >> (63 - count);
        self.pass(count);
        u32::try_from(bits).unwrap_or(u32::MAX)
    }

    /// Whether bits were passed that the file does not have.
    pub(super) fn is_past_end(&self) -> bool {
        self.n_made_up > self.n_bits
    }

    /// Where the marker behind the data stands, if nothing is left before it
    /// but the ones that fill the last byte (T.81, F.1.2.3).
    pub(super) fn end(&mut self) -> Option<usize> {
        *self = self.with_bytes();
        let n_left = self.n_bits.checked_sub(self.n_made_up)?;
        let ones = !0_u64 << 1 << 63_u32.checked_sub(n_left)?;
        let is_filled = n_left < 8 && self.window & ones == ones;
        is_filled.then_some(self.at)
    }
}

/// Whether one of the eight bytes is 0xFF: inverted, that is a byte of zeros.
#[inline(always)]
fn has_ff(eight: u64) -> bool {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    (!eight).wrapping_sub(LOW) & eight & HIGH != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stuffed_bytes_are_one_and_markers_end() {
        let file = [1, 0xFF, 0, 2, 0xFF, 0xD9];
        let mut bits = Bits::new(&file, 0);
        for expected in [1, 0xFF, 2] {
            bits.ready();
            assert_eq!(bits.number(8), expected);
            assert!(!bits.is_past_end());
        }
        assert_eq!(bits.end(), Some(4));
        bits.pass_many(1);
        assert!(bits.is_past_end() && bits.end().is_none());
    }

    #[test]
    fn only_the_ones_of_the_last_byte_may_be_left() {
        for (file, passed, end) in [
            (&[0x1F, 0xFF, 0xD9][..], 3, Some(1)),
            (&[0x1E, 0xFF, 0xD9], 3, None),
            (&[0x1F, 0xFF, 0xD9], 0, None),
            (&[0x1F, 0xFF, 0, 0xFF, 0xD9], 3, None),
            (&[0xFF, 0, 0xFF, 0xD9], 1, Some(2)),
            (&[0xFF, 0, 0xFF, 0xD9], 8, Some(2)),
        ] {
            let mut bits = Bits::new(file, 0);
            bits.pass_many(passed);
            assert_eq!(bits.end(), end, "{file:?} after {passed}");
        }
    }

    #[test]
    fn long_data_is_followed_exactly() {
        let file: Vec<u8> = (0..=254).cycle().take(4_000).collect();
        let mut bits = Bits::new(&file, 0);
        for byte in &file {
            bits.ready();
            assert_eq!(bits.number(8), u32::from(*byte));
        }
        assert_eq!(bits.end(), Some(4_000));
    }

    #[test]
    fn ff_is_found_wherever_it_stands() {
        assert!(!has_ff(0x8001_7FFE_0080_FE01));
        for at in 0..8 {
            assert!(has_ff(0xFF << (8 * at)) && has_ff(!0 << (8 * at)));
        }
    }
}
