//! Reads bits, most significant first, from coded data without stuffed bytes.

/// A position in an interval's data. Past the end it reads zeros; whether that
/// happened is asked at the end of a row, by [`Bits::consumed`].
///
/// Functions that are not inlined take it by value, so that it need not leave the
/// registers in the loop over a block.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next bits, from the most significant down. Below the `n_bits` that
    /// count stand zeros or a part of the byte at `at`.
    window: u64,
    n_bits: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            window: 0,
            n_bits: 0,
        }
    }

    /// Makes at least 32 bits available: a code and what follows it take 31. Doing
    /// it every time is cheaper than guessing wrong when it is needed.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        let ahead = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk);
        let next = ahead.map_or_else(|| self.last_bytes(), |eight| u64::from_be_bytes(*eight));
        self.window |= next >> self.n_bits;
        self.at += ((63 - self.n_bits) >> 3) as usize;
        self.n_bits |= 56;
    }

    #[cold]
    #[inline(never)]
    fn last_bytes(self) -> u64 {
        let mut eight = [0; 8];
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let n_bytes = rest.len().min(eight.len());
        eight[..n_bytes].copy_from_slice(&rest[..n_bytes]);
        u64::from_be_bytes(eight)
    }

    /// The next `count` bits, 1 to 32, of those that a refill made available.
    #[inline(always)]
    pub(super) fn peek(&self, count: u32) -> usize {
        usize::try_from(self.window >> (64 - count)).unwrap_or(0)
    }

    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.window <<= count;
        self.n_bits -= count;
    }

    /// Reads `count` bits, 0 to 16, of those that a refill made available.
    #[inline(always)]
    pub(super) fn take(&mut self, count: u32) -> i32 {
        let bits = (self.window >> 1 >> (63 - count)) & 0xFFFF;
        self.skip(count);
        i32::try_from(bits).unwrap_or(0)
    }

    /// Reads a number of `size` bits, 0 to 16, as T.81 F.2.2.1 extends it: the
    /// lower half of the codes stands for the negative numbers.
    #[inline(always)]
    pub(super) fn number(&mut self, size: u32) -> i32 {
        extend(self.take(size), size)
    }

    /// Reads one bit, whether or not it was made available.
    #[inline(always)]
    pub(super) fn bit(&mut self) -> bool {
        self.refill();
        self.take(1) == 1
    }

    /// Bits read since the start, those past the end included.
    pub(super) fn consumed(&self) -> usize {
        self.at * 8 - self.n_bits as usize
    }
}

/// T.81 F.2.2.1, EXTEND.
#[inline(always)]
pub(super) fn extend(bits: i32, size: u32) -> i32 {
    let half = 1_i32 << size >> 1;
    if bits < half {
        bits - 2 * half + 1
    } else {
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_in_order_and_zeros_behind_them() {
        let bytes: Vec<u8> = (1..=20).collect();
        let mut bits = Bits::new(&bytes);
        for byte in 1..=20 {
            bits.refill();
            assert_eq!(bits.take(8), byte);
        }
        assert_eq!(bits.consumed(), bytes.len() * 8);
        for _ in 0..20 {
            assert!(!bits.bit());
        }
        assert_eq!(bits.consumed(), bytes.len() * 8 + 20);
    }

    #[test]
    fn numbers_are_extended() {
        assert_eq!(extend(0, 0), 0);
        assert_eq!([extend(0, 1), extend(1, 1)], [-1, 1]);
        let of_three: Vec<i32> = (0..8).map(|bits| extend(bits, 3)).collect();
        assert_eq!(of_three, [-7, -6, -5, -4, 4, 5, 6, 7]);
        assert_eq!(extend(0, 16), -65_535);
    }
}
