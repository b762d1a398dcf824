//! The boolean entropy decoder of a VP8 partition (RFC 6386, section 7), and how
//! much of the partition it has needed.

use super::lossy::HALF;
use crate::error::Reject;
use crate::stage::scrub::malformed;

/// Reads from a partition; behind its end there are zeros.
pub(super) struct Bools<'a> {
    data: &'a [u8],
    /// The next byte to load.
    at: usize,
    value: u32,
    range: u32,
    /// Shifts since a byte was loaded.
    shifts: u32,
}

impl<'a> Bools<'a> {
    /// A partition from its first byte on. The value always lies below the range,
    /// which is 255 at first; of a partition that says otherwise every decoder
    /// makes something else.
    pub(super) fn new(data: &'a [u8]) -> Result<Self, Reject> {
        if data.first() == Some(&u8::MAX) {
            return Err(malformed("a partition begins as none can"));
        }
        let mut bools = Self {
            data,
            at: 0,
            value: 0,
            range: 255,
            shifts: 0,
        };
        bools.value = (bools.load() << 8) | bools.load();
        Ok(bools)
    }

    fn load(&mut self) -> u32 {
        let byte = self.data.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        byte.into()
    }

    /// One decision that is false with a probability of `probability` in 256.
    pub(super) fn decide(&mut self, probability: u8) -> bool {
        let split = 1 + (((self.range - 1) * u32::from(probability)) >> 8);
        let decision = self.value >= split << 8;
        if decision {
            self.range -= split;
            self.value -= split << 8;
        } else {
            self.range = split;
        }
        while self.range < 128 {
            self.value <<= 1;
            self.range <<= 1;
            self.shifts += 1;
            if self.shifts == 8 {
                self.shifts = 0;
                self.value |= self.load();
            }
        }
        decision
    }

    pub(super) fn flag(&mut self) -> bool {
        self.decide(HALF)
    }

    /// An unsigned number, its highest bit first.
    pub(super) fn number(&mut self, n_bits: usize) -> u32 {
        (0..n_bits).fold(0, |number, _| number << 1 | u32::from(self.flag()))
    }

    /// A number of `n_bits` with a sign, if it is there at all.
    pub(super) fn skip_optional(&mut self, n_bits: usize) {
        if self.flag() {
            self.number(n_bits + 1);
        }
    }

    /// A leaf of a tree of decisions: positive entries lead on, the others are
    /// leaves.
    pub(super) fn leaf(&mut self, tree: &[i8], probabilities: &[u8]) -> usize {
        let mut at = 0;
        loop {
            let branch = usize::from(self.decide(probabilities[at >> 1]));
            let next = tree[at + branch];
            if next <= 0 {
                return usize::from(next.unsigned_abs());
            }
            at = usize::from(next.unsigned_abs());
        }
    }

    /// The part of the partition that any decision so far hangs on.
    pub(super) fn consumed(&self) -> &'a [u8] {
        &self.data[..self.at.min(self.data.len())]
    }
}
