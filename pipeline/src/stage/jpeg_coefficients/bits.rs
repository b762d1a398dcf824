//! Reads bits, most significant first, from coded data without stuffed bytes.

/// A position in an interval's data. Past the end it reads zeros; whether that
/// happened is asked at the end of a row, by [`Bits::consumed`].
///
/// Nothing on the way through a block's loop takes its address, so that it stays
/// in registers there, and nothing asks whether numbers overflow: no more bits are
/// taken than a refill makes available.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    /// What has not been taken into the window, but for zeros behind the end.
    rest: &'a [u8],
    /// The next bits, from the most significant down. Below the `n_bits` that
    /// count stand zeros or a part of the first byte of `rest`.
    window: u64,
    n_bits: u32,
    /// Bytes at the start, and made up since the end.
    n_bytes: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            window: 0,
            n_bits: 0,
            n_bytes: bytes.len(),
        }
    }

    /// Makes at least 56 bits available: a code and what follows it take 31. Doing
    /// it every time is cheaper than guessing wrong when it is needed.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        let n_taken = (63_u32.wrapping_sub(self.n_bits) >> 3) as usize & 7;
        if let Some(eight) = self.rest.first_chunk() {
            self.window |= u64::from_be_bytes(*eight) >> (self.n_bits & 63);
            self.rest = &self.rest[n_taken..];
        } else {
            self.window |= last_bytes(self.rest) >> (self.n_bits & 63);
            let n_left = self.rest.len().min(n_taken);
            self.rest = &self.rest[n_left..];
            self.n_bytes = self.n_bytes.wrapping_add(n_taken - n_left);
        }
        self.n_bits |= 56;
    }

    /// The next `count` bits, 1 to 32, of those that a refill made available.
    #[inline(always)]
    pub(super) fn peek(&self, count: u32) -> usize {
        usize::try_from(self.window >> (64 - count)).unwrap_or(0)
    }

    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.window <<= count & 63;
        self.n_bits = self.n_bits.wrapping_sub(count);
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
        (self.n_bytes - self.rest.len()) * 8 - self.n_bits as usize
    }
}

/// Fewer than eight bytes, and zeros behind them.
#[cold]
#[inline(never)]
fn last_bytes(rest: &[u8]) -> u64 {
    let mut eight = [0; 8];
    if let Some(bytes) = eight.get_mut(..rest.len()) {
        bytes.copy_from_slice(rest);
    }
    u64::from_be_bytes(eight)
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
