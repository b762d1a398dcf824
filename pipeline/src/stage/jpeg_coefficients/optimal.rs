//! The best Huffman code for given counts, within JPEG's rules (T.81, K.2).

use super::{BROKEN, broken};
use crate::error::Reject;

/// Codes of more bits do not exist (C.1).
const LENGTH_MAX: usize = 16;

/// A code for writing.
pub(super) struct BestCode {
    /// By symbol: the code, and its length; 0 for symbols that do not occur.
    codes: Vec<(u16, u8)>,
    /// The 16 counts and the symbols, as a file defines them.
    table: Vec<u8>,
}

impl BestCode {
    /// From how often each symbol occurs; a symbol that does must have a code.
    pub(super) fn new(counts: &[u32; 256]) -> Result<Self, Reject> {
        let lengths = shortened(&lengths(counts))?;
        let mut symbols: Vec<u8> = (0..=255).filter(|&s| counts[usize::from(s)] > 0).collect();
        // The most frequent first; by value where that does not decide.
        symbols.sort_by_key(|&symbol| std::cmp::Reverse(counts[usize::from(symbol)]));
        let mut codes = vec![(0, 0); 256];
        let mut next: u32 = 0;
        let mut rest = symbols.iter();
        for (length, count) in (1_u8..).zip(lengths) {
            for symbol in rest.by_ref().take(count.into()) {
                codes[usize::from(*symbol)] = (u16::try_from(next).map_err(broken)?, length);
                next += 1;
            }
            next *= 2;
        }
        let table = [&lengths[..], &symbols].concat();
        Ok(Self { codes, table })
    }

    #[inline(always)]
    pub(super) fn of(&self, symbol: u8) -> (u16, u8) {
        self.codes[usize::from(symbol)]
    }

    pub(super) fn table(&self) -> &[u8] {
        &self.table
    }
}

/// How many symbols have a code of each length, 0 first. One more symbol, rarer
/// than all others, takes the code of ones alone, which no file may use (C.2).
fn lengths(counts: &[u32; 256]) -> Vec<usize> {
    let reserved = (1_u64, vec![0]);
    let occurring = counts.iter().filter(|count| **count > 0);
    // A tree is its weight and the depths of its leaves.
    let mut trees: Vec<(u64, Vec<usize>)> = occurring
        .map(|count| (u64::from(*count) * 2, vec![0]))
        .chain([reserved])
        .collect();
    while trees.len() > 1 {
        trees.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        let (Some(one), Some(other)) = (trees.pop(), trees.pop()) else {
            break;
        };
        let depths = one.1.iter().chain(&other.1).map(|depth| depth + 1);
        trees.push((one.0 + other.0, depths.collect()));
    }
    let mut n_by_length = vec![0; 258];
    for depth in trees.iter().flat_map(|(_, depths)| depths) {
        n_by_length[*depth] += 1;
    }
    n_by_length
}

/// Brings all codes to at most 16 bits: two too long ones become one bit
/// shorter, and a shorter code gives way to two of the next length (K.3). Then
/// takes out the reserved code, one of the longest.
fn shortened(n_by_length: &[usize]) -> Result<[u8; LENGTH_MAX], Reject> {
    let mut n_by_length = n_by_length.to_vec();
    for length in (LENGTH_MAX + 1..n_by_length.len()).rev() {
        while n_by_length[length] > 0 {
            let shorter = (1..length - 1).rev().find(|at| n_by_length[*at] > 0);
            let shorter = shorter.ok_or(BROKEN)?;
            n_by_length[length] -= 2;
            n_by_length[length - 1] += 1;
            n_by_length[shorter] -= 1;
            n_by_length[shorter + 1] += 2;
        }
    }
    let longest = n_by_length.iter().rposition(|count| *count > 0);
    n_by_length[longest.ok_or(BROKEN)?] -= 1;
    let mut lengths = [0; LENGTH_MAX];
    for (length, count) in lengths.iter_mut().zip(&n_by_length[1..]) {
        *length = u8::try_from(*count).map_err(broken)?;
    }
    Ok(lengths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::jpeg_coefficients::codes::Code;

    fn lengths_of(counts: &[u32; 256]) -> Vec<u8> {
        let code = BestCode::new(counts).expect("a code");
        (0..=255).map(|symbol| code.of(symbol).1).collect()
    }

    #[test]
    fn frequent_symbols_have_short_codes() {
        let mut counts = [0; 256];
        (counts[3], counts[7], counts[200]) = (100, 10, 1);
        let lengths = lengths_of(&counts);
        assert_eq!((lengths[3], lengths[7], lengths[200]), (1, 2, 3));
        assert_eq!(lengths.iter().filter(|length| **length > 0).count(), 3);
    }

    #[test]
    fn a_single_symbol_has_a_code() {
        let mut counts = [0; 256];
        counts[0] = u32::MAX;
        assert_eq!(lengths_of(&counts)[0], 1);
        assert!(BestCode::new(&[0; 256]).is_ok_and(|code| code.table() == [0; 16]));
    }

    #[test]
    fn steep_counts_stay_within_sixteen_bits() {
        let mut counts = [0; 256];
        let (mut one, mut two) = (1, 1);
        for count in counts.iter_mut().take(45) {
            *count = one;
            (one, two) = (two, one + two);
        }
        for counts in [counts, [1; 256]] {
            let code = BestCode::new(&counts).expect("a code");
            let lengths: Vec<u8> = (0..=255).map(|symbol| code.of(symbol).1).collect();
            let occurring = counts.iter().filter(|count| **count > 0).count();
            let coded: Vec<&u8> = lengths.iter().filter(|length| **length > 0).collect();
            assert_eq!(coded.len(), occurring);
            assert!(coded.iter().all(|length| **length <= 16));
            // The code of ones alone is free.
            let taken: u32 = coded.iter().map(|length| 1 << (16 - **length)).sum();
            assert!(taken < 1 << 16);
            assert!(Code::new(&[&[0], code.table()].concat()).is_ok());
        }
    }
}
