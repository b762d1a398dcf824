//! Prefix codes of a VP8L stream (RFC 9649, 6.2) and the numbers they stand for
//! (5.2.2).

use super::BROKEN;
use super::bits::Bits;
use crate::error::Reject;

const LENGTH_MAX: usize = 15;

/// Order in which the lengths of the code for lengths are sent.
const ORDER: [usize; 19] = [
    17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
];

/// A canonical code: symbols in the order of their codes.
pub(super) struct PrefixCode {
    /// How many symbols have a code of each length.
    counts: [u32; LENGTH_MAX + 1],
    symbols: Vec<u32>,
}

impl PrefixCode {
    /// Reads the code of an alphabet of `n_symbols` symbols.
    pub(super) fn read(bits: &mut Bits<'_>, n_symbols: usize) -> Result<Self, Reject> {
        if bits.read(1)? == 1 {
            Self::simple(bits, n_symbols)
        } else {
            Self::of_lengths(&normal_lengths(bits, n_symbols)?)
        }
    }

    /// One or two symbols, named in full. Of two, image-webp gives the first the
    /// code 0, where libwebp gives it to the smaller: ours must read on where
    /// image-webp does.
    fn simple(bits: &mut Bits<'_>, n_symbols: usize) -> Result<Self, Reject> {
        let has_two = bits.read(1)? == 1;
        let first_bits = if bits.read(1)? == 1 { 8 } else { 1 };
        let mut symbols = vec![bits.read(first_bits)?];
        if has_two {
            symbols.push(bits.read(8)?);
        }
        let is_known = |symbol: &u32| usize::try_from(*symbol).is_ok_and(|idx| idx < n_symbols);
        if !symbols.iter().all(is_known) {
            return Err(BROKEN);
        }
        let mut counts = [0; LENGTH_MAX + 1];
        counts[1] = 2;
        Ok(Self { counts, symbols })
    }

    fn of_lengths(lengths: &[usize]) -> Result<Self, Reject> {
        let mut counts = [0; LENGTH_MAX + 1];
        for length in lengths {
            *counts.get_mut(*length).ok_or(BROKEN)? += 1;
        }
        counts[0] = 0;
        let of_length = |wanted| {
            let numbered = (0_u32..).zip(lengths);
            numbered.filter_map(move |(symbol, length)| (*length == wanted).then_some(symbol))
        };
        let symbols: Vec<u32> = (1..=LENGTH_MAX).flat_map(of_length).collect();
        // A code is complete, or of one symbol, which then takes no bit.
        let used: u32 = (1..=LENGTH_MAX)
            .map(|length| counts[length] << (LENGTH_MAX - length))
            .sum();
        match symbols.len() {
            0 => Err(BROKEN),
            1 => Ok(Self { counts, symbols }),
            _ if used == 1 << LENGTH_MAX => Ok(Self { counts, symbols }),
            _ => Err(BROKEN),
        }
    }

    /// The next symbol.
    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> Result<u32, Reject> {
        if let [only] = *self.symbols {
            return Ok(only);
        }
        let (mut code, mut first, mut n_shorter) = (0, 0, 0);
        for count in &self.counts[1..] {
            code |= bits.read(1)?;
            if code < first + count {
                let symbol_idx = usize::try_from(n_shorter + code - first).map_err(|_| BROKEN)?;
                return self.symbols.get(symbol_idx).copied().ok_or(BROKEN);
            }
            n_shorter += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(BROKEN)
    }
}

/// The length of every symbol's code, themselves coded.
fn normal_lengths(bits: &mut Bits<'_>, n_symbols: usize) -> Result<Vec<usize>, Reject> {
    let n_sent = usize::try_from(bits.read(4)? + 4).map_err(|_| BROKEN)?;
    let mut code_lengths = [0; ORDER.len()];
    for place in &ORDER[..n_sent.min(ORDER.len())] {
        code_lengths[*place] = usize::try_from(bits.read(3)?).map_err(|_| BROKEN)?;
    }
    let code = PrefixCode::of_lengths(&code_lengths)?;
    let mut n_left = u32::MAX;
    if bits.read(1)? == 1 {
        let n_bits = 2 + 2 * bits.read(3)?;
        n_left = 2 + bits.read(n_bits)?;
    }
    let mut lengths = Vec::with_capacity(n_symbols);
    let mut previous = 8;
    while lengths.len() < n_symbols && n_left > 0 {
        n_left -= 1;
        let (length, repeats) = match code.symbol(bits)? {
            16 => (previous, 3 + bits.read(2)?),
            17 => (0, 3 + bits.read(3)?),
            18 => (0, 11 + bits.read(7)?),
            length => (usize::try_from(length).map_err(|_| BROKEN)?, 1),
        };
        if length != 0 {
            previous = length;
        }
        lengths.extend((0..repeats).map(|_| length));
    }
    if lengths.len() > n_symbols {
        return Err(BROKEN);
    }
    lengths.resize(n_symbols, 0);
    Ok(lengths)
}

/// The number that a prefix code and the bits after it stand for.
pub(super) fn value(prefix: u32, bits: &mut Bits<'_>) -> Result<u32, Reject> {
    if prefix < 4 {
        return Ok(prefix + 1);
    }
    let n_extra = (prefix - 2) >> 1;
    let offset = (2 + (prefix & 1)) << n_extra;
    Ok(offset + bits.read(n_extra)? + 1)
}

/// Distances in an image of `width` columns. The smallest 120 numbers name
/// places above and to the left by how near they are.
pub(super) struct PlaneDistances {
    pub(super) width: u32,
}

impl PlaneDistances {
    pub(super) fn distance(&self, number: u32) -> u32 {
        let near = usize::try_from(number.saturating_sub(1))
            .ok()
            .and_then(|idx| NEAR.get(idx));
        match near {
            None => number.saturating_sub(120),
            Some(&(left, up)) => {
                let distance = i64::from(up) * i64::from(self.width) + i64::from(left);
                u32::try_from(distance).unwrap_or(0).max(1)
            }
        }
    }
}

/// How far to the left and up the nearest places lie, nearest first.
#[rustfmt::skip]
const NEAR: [(i8, u8); 120] = [
    (0, 1), (1, 0), (1, 1), (-1, 1), (0, 2), (2, 0), (1, 2), (-1, 2), (2, 1), (-2, 1),
    (2, 2), (-2, 2), (0, 3), (3, 0), (1, 3), (-1, 3), (3, 1), (-3, 1), (2, 3), (-2, 3),
    (3, 2), (-3, 2), (0, 4), (4, 0), (1, 4), (-1, 4), (4, 1), (-4, 1), (3, 3), (-3, 3),
    (2, 4), (-2, 4), (4, 2), (-4, 2), (0, 5), (3, 4), (-3, 4), (4, 3), (-4, 3), (5, 0),
    (1, 5), (-1, 5), (5, 1), (-5, 1), (2, 5), (-2, 5), (5, 2), (-5, 2), (4, 4), (-4, 4),
    (3, 5), (-3, 5), (5, 3), (-5, 3), (0, 6), (6, 0), (1, 6), (-1, 6), (6, 1), (-6, 1),
    (2, 6), (-2, 6), (6, 2), (-6, 2), (4, 5), (-4, 5), (5, 4), (-5, 4), (3, 6), (-3, 6),
    (6, 3), (-6, 3), (0, 7), (7, 0), (1, 7), (-1, 7), (5, 5), (-5, 5), (7, 1), (-7, 1),
    (4, 6), (-4, 6), (6, 4), (-6, 4), (2, 7), (-2, 7), (7, 2), (-7, 2), (3, 7), (-3, 7),
    (7, 3), (-7, 3), (5, 6), (-5, 6), (6, 5), (-6, 5), (8, 0), (4, 7), (-4, 7), (7, 4),
    (-7, 4), (8, 1), (8, 2), (6, 6), (-6, 6), (8, 3), (5, 7), (-5, 7), (7, 5), (-7, 5),
    (8, 4), (6, 7), (-6, 7), (7, 6), (-7, 6), (8, 5), (7, 7), (-7, 7), (8, 6), (8, 7),
];
