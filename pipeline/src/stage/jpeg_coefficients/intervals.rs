//! Cuts a scan's coded data at its restart markers and takes out stuffed bytes.

use std::io::BufRead;

use super::BROKEN;
use crate::error::Reject;

/// The restart intervals of a scan, in order.
pub(super) struct Intervals<'a> {
    rest: &'a [u8],
    /// Which of the eight restart markers comes next.
    restart: u8,
    bytes: Vec<u8>,
}

impl<'a> Intervals<'a> {
    pub(super) fn new(coded: &'a [u8]) -> Self {
        Self {
            rest: coded,
            restart: 0xD0,
            bytes: Vec::new(),
        }
    }

    /// The next interval's data, without stuffed bytes and without the restart
    /// marker behind it.
    pub(super) fn next(&mut self) -> Result<&[u8], Reject> {
        self.bytes.clear();
        loop {
            let before = self.rest;
            // On a slice this is memchr, and cannot fail.
            let length = self.rest.skip_until(0xFF).unwrap_or(0);
            let run = &before[..length];
            let Some(run) = run.strip_suffix(&[0xFF]) else {
                self.bytes.extend_from_slice(run);
                return Ok(&self.bytes);
            };
            self.bytes.extend_from_slice(run);
            match self.rest.split_first() {
                Some((0, rest)) => {
                    self.bytes.push(0xFF);
                    self.rest = rest;
                }
                Some((marker, rest)) if *marker == self.restart => {
                    self.restart = 0xD0 | (marker + 1) & 7;
                    self.rest = rest;
                    return Ok(&self.bytes);
                }
                _ => return Err(BROKEN),
            }
        }
    }
}

/// Writes the part of an interval's data that `n_bits` need, its bytes stuffed again
/// and the last one filled with ones (T.81, F.1.2.3).
pub(super) fn stuff_until(bytes: &[u8], n_bits: usize, out: &mut Vec<u8>) {
    let needed = &bytes[..bytes.len().min(n_bits.div_ceil(8))];
    match (needed.split_last(), n_bits % 8) {
        (Some((last, before)), used @ 1..) => {
            stuff(before, out);
            stuff(&[*last | 0xFF >> used], out);
        }
        _ => stuff(needed, out),
    }
}

/// Writes an interval's data with its bytes stuffed again.
fn stuff(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let before = rest;
        let length = rest.skip_until(0xFF).unwrap_or(0);
        out.extend_from_slice(&before[..length]);
        if before[..length].ends_with(&[0xFF]) {
            out.push(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_end_at_restart_markers_in_turn() {
        let coded = [1, 0xFF, 0, 2, 0xFF, 0xD0, 3, 0xFF, 0xD1, 0xFF, 0];
        let mut intervals = Intervals::new(&coded);
        for expected in [&[1, 0xFF, 2][..], &[3], &[0xFF], &[]] {
            assert_eq!(intervals.next(), Ok(expected));
        }
        for broken in [&[0xFF, 0xD1][..], &[0xFF, 0xFF, 0], &[0xFF], &[0xFF, 0xD9]] {
            assert_eq!(Intervals::new(broken).next(), Err(BROKEN));
        }
    }

    #[test]
    fn an_interval_ends_with_ones() {
        let until = |bytes: &[u8], n_bits| {
            let mut out = Vec::new();
            stuff_until(bytes, n_bits, &mut out);
            out
        };
        assert_eq!(until(&[1, 2, 3], 16), [1, 2]);
        assert_eq!(until(&[1, 0x80, 3], 9), [1, 0xFF, 0]);
        assert_eq!(until(&[1, 2, 3], 15), [1, 3]);
        assert_eq!(until(&[1], 0), [0; 0]);
    }

    #[test]
    fn stuffing_is_undone_by_reading() {
        for bytes in [&[][..], &[0xFF], &[1, 2], &[0xFF, 0xFF, 3, 0xFF]] {
            let mut coded = Vec::new();
            stuff(bytes, &mut coded);
            assert_eq!(Intervals::new(&coded).next(), Ok(bytes));
        }
    }
}
