//! Huffman tables as the second look needs them: how many bits to pass over,
//! and how many coefficients they stand for.

use super::super::super::Unclean;
use super::bits::Bits;

const NO_CODE: Unclean = "the compressed data is no code of its table";

/// Bits that are looked at together.
const LOOK: u32 = 12;

/// What the next [`LOOK`] bits hold of a block, in whole symbols: 4 bits for how
/// many bits they take, 1 for whether the last one ends the block, and from bit 8
/// how many coefficients they stand for. 0 where not even one symbol fits.
#[derive(Clone, Copy, Default)]
pub(super) struct Stretch(u16);

impl Stretch {
    const ENDS_AT: u16 = 4;
    const COEFFICIENTS_AT: u16 = 8;

    fn new(n_bits: u8, n_coefficients: u8, ends: bool) -> Self {
        let coefficients = u16::from(n_coefficients) << Self::COEFFICIENTS_AT;
        Self(u16::from(n_bits) | u16::from(ends) << Self::ENDS_AT | coefficients)
    }

    #[inline(always)]
    pub(super) fn n_bits(self) -> u32 {
        u32::from(self.0 & 15)
    }

    #[inline(always)]
    pub(super) fn n_coefficients(self) -> u32 {
        u32::from(self.0 >> Self::COEFFICIENTS_AT)
    }

    /// 1 if it ends the block, else 0.
    #[inline(always)]
    pub(super) fn ends(self) -> u32 {
        u32::from(self.0 >> Self::ENDS_AT & 1)
    }
}

/// One Huffman table.
#[derive(Clone)]
pub(super) struct Lengths {
    /// By the next [`LOOK`] bits: length of the code and its symbol.
    short: Vec<(u8, u8)>,
    stretches: Vec<Stretch>,
    /// By the next [`LOOK`] bits: those of a code and of the number behind it; 0
    /// for a long code, or none.
    numbers: Vec<u8>,
    /// First code, number of codes and place of the first symbol, by length.
    long: Vec<(u32, u32, usize)>,
    symbols: Vec<u8>,
}

impl Lengths {
    /// From the counts and symbols of a table. `is_ac` if it is for AC.
    pub(super) fn new(counts: &[u8], symbols: &[u8], is_ac: bool) -> Result<Self, Unclean> {
        let mut short = vec![(0, 0); 1 << LOOK];
        let mut long = Vec::new();
        let (mut code, mut place) = (0_u32, 0_usize);
        for (length, count) in (1_u8..=16).zip(counts) {
            let n_codes = usize::from(*count);
            long.push((code, u32::from(*count), place));
            if code + u32::from(*count) > 1 << length {
                return Err(NO_CODE);
            }
            let of_length = symbols.get(place..place + n_codes).ok_or(NO_CODE)?;
            if let Some(spare) = LOOK.checked_sub(length.into()) {
                for (idx, symbol) in (code as usize..).zip(of_length) {
                    short[idx << spare..(idx + 1) << spare].fill((length, *symbol));
                }
            }
            code = (code + u32::from(*count)) << 1;
            place += n_codes;
        }
        let stretches = if is_ac { stretches(&short) } else { Vec::new() };
        let number = |&(length, size): &(u8, u8)| if size < 16 { length + size } else { 0 };
        Ok(Self {
            numbers: short.iter().map(number).collect(),
            short,
            stretches,
            long,
            symbols: symbols.to_vec(),
        })
    }

    /// What the next bits hold; those of an AC table.
    #[inline(always)]
    pub(super) fn stretch(&self, bits: &Bits<'_>) -> Stretch {
        let stretch = self.stretches.get(bits.peek(LOOK));
        stretch.copied().unwrap_or_default()
    }

    /// Bits of the number that comes next, its code included, where that is short:
    /// those of a DC table.
    #[inline(always)]
    pub(super) fn number(&self, bits: &Bits<'_>) -> u32 {
        let number = self.numbers.get(bits.peek(LOOK));
        number.copied().unwrap_or_default().into()
    }

    /// Passes over a code; the bits must be ready.
    #[inline(always)]
    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> Result<u8, Unclean> {
        let (length, symbol) = self.short[bits.peek(LOOK)];
        if length > 0 {
            bits.pass(length.into());
            return Ok(symbol);
        }
        let (after, symbol) = self.long_symbol(*bits)?;
        *bits = after;
        Ok(symbol)
    }

    #[inline(never)]
    fn long_symbol<'a>(&self, mut bits: Bits<'a>) -> Result<(Bits<'a>, u8), Unclean> {
        let ahead = bits.peek(16);
        for (length, (first, n_codes, place)) in (1_u32..).zip(&self.long) {
            let beyond = (ahead >> (16 - length)).checked_sub(*first as usize);
            if let Some(beyond) = beyond.filter(|beyond| *beyond < *n_codes as usize) {
                bits.pass(length);
                let symbol = self.symbols.get(place + beyond).ok_or(NO_CODE)?;
                return Ok((bits, *symbol));
            }
        }
        Err(NO_CODE)
    }
}

fn stretches(short: &[(u8, u8)]) -> Vec<Stretch> {
    (0..short.len())
        .map(|ahead| longest_stretch(short, ahead))
        .collect()
}

fn longest_stretch(short: &[(u8, u8)], ahead: usize) -> Stretch {
    let (mut taken, mut n_coefficients) = (0, 0);
    loop {
        let (length, symbol) = short[ahead << taken & ((1 << LOOK) - 1)];
        let (zeros, size) = (symbol >> 4, symbol & 15);
        let n_bits = taken + length + size;
        if length == 0 || u32::from(n_bits) > LOOK {
            return Stretch::new(taken, n_coefficients, false);
        }
        if size == 0 && zeros < 15 {
            return Stretch::new(n_bits, n_coefficients, true);
        }
        n_coefficients += zeros + 1;
        // More than a block has: symbol by symbol it will be found out.
        if n_coefficients > 63 {
            return Stretch::default();
        }
        taken = n_bits;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_taken_together_while_they_are_whole() {
        let mut counts = [0; 16];
        (counts[0], counts[1], counts[13]) = (1, 1, 1);
        let lengths = Lengths::new(&counts, &[0x01, 0x00, 0x21], true).expect("a code");
        let stretch = |bytes: &[u8; 2]| {
            let mut bits = Bits::new(bytes, 0);
            bits.ready();
            let stretch = lengths.stretch(&bits);
            (stretch.n_bits(), stretch.n_coefficients(), stretch.ends())
        };
        // 0 and a bit, twice; then the end of the block.
        assert_eq!(stretch(&[0b0001_1000, 0]), (6, 2, 1));
        assert_eq!(stretch(&[0, 0]), (12, 6, 0));
        assert_eq!(stretch(&[0b1100_0000, 0]), (0, 0, 0));
        let mut bits = Bits::new(&[0b1100_0000, 0], 0);
        bits.ready();
        assert_eq!(lengths.symbol(&mut bits), Ok(0x21));
        bits.pass_many(1);
        assert!(!bits.is_past_end());
    }

    #[test]
    fn what_is_no_code_is_found() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Lengths::new(&counts, &[1, 2, 3], true).is_err());
        let none = Lengths::new(&[0; 16], &[], true).expect("no codes");
        let mut bits = Bits::new(&[0; 8], 0);
        bits.ready();
        assert_eq!(none.symbol(&mut bits), Err(NO_CODE));
        assert_eq!(none.stretch(&bits).n_bits(), 0);
    }
}
