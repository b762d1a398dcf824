//! Huffman codes, prepared for reading (T.81, C and F.2.2.3).

use super::bits::{Bits, extend};
use super::{BROKEN, broken};
use crate::error::Reject;

/// Codes up to this length are found by one look. Longer ones are rare by
/// construction: they stand for less than a thousandth of the symbols.
const QUICK_BITS: u32 = 10;

/// A symbol of an AC code with its number, read at once.
#[derive(Clone, Copy, Default)]
pub(super) struct Step {
    /// Bits taken by the code and the number; 0 if they were too many.
    pub(super) length: u8,
    /// Zeros before the number.
    pub(super) run: u8,
    pub(super) number: i16,
}

/// One table of a file.
pub(super) struct Code {
    /// By the next [`QUICK_BITS`]: the length of the code and its symbol.
    quick: Vec<(u8, u8)>,
    /// By the next [`QUICK_BITS`]: code and number, where they fit.
    steps: Vec<Step>,
    /// By length: the first 16 bits that are no code of that length or less.
    limits: [u32; 17],
    /// By length: what leads from a code to the place of its symbol.
    offsets: [i32; 17],
    symbols: Vec<u8>,
}

impl Code {
    /// From a table's class and id, 16 counts and symbols.
    pub(super) fn new(table: &[u8]) -> Result<Self, Reject> {
        let (counts, symbols) = table
            .get(1..)
            .and_then(<[u8]>::split_first_chunk::<16>)
            .ok_or(BROKEN)?;
        let mut code = Self {
            quick: vec![(0, 0); 1 << QUICK_BITS],
            steps: vec![Step::default(); 1 << QUICK_BITS],
            limits: [0; 17],
            offsets: [0; 17],
            symbols: symbols.to_vec(),
        };
        let (mut next, mut at) = (0_u32, 0_usize);
        for (length, count) in (1_u8..).zip(counts) {
            let idx = usize::from(length);
            code.offsets[idx] = i32::try_from(at).map_err(broken)? - next.cast_signed();
            for symbol in symbols.get(at..at + usize::from(*count)).ok_or(BROKEN)? {
                if next >= 1 << length {
                    return Err(BROKEN);
                }
                code.fill(next, length, *symbol);
                next += 1;
            }
            at += usize::from(*count);
            code.limits[idx] = next << (16 - length);
            next *= 2;
        }
        code.find_steps();
        Ok(code)
    }

    fn fill(&mut self, code: u32, length: u8, symbol: u8) {
        let Some(spare) = QUICK_BITS.checked_sub(length.into()) else {
            return;
        };
        let first = (code as usize) << spare;
        self.quick[first..first + (1 << spare)].fill((length, symbol));
    }

    fn find_steps(&mut self) {
        for (bits, (&(length, symbol), step)) in self.quick.iter().zip(&mut self.steps).enumerate()
        {
            let size = symbol & 15;
            let Some(spare) = QUICK_BITS.checked_sub(u32::from(length) + u32::from(size)) else {
                continue;
            };
            if length == 0 || size == 0 {
                continue;
            }
            let number = (bits >> spare) & ((1 << size) - 1);
            let number = i32::try_from(number).unwrap_or(0);
            *step = Step {
                length: length + size,
                run: symbol >> 4,
                number: i16::try_from(extend(number, size.into())).unwrap_or(0),
            };
        }
    }

    /// The next symbol with its number, if both are short. The bits must have
    /// been refilled.
    #[inline(always)]
    pub(super) fn step(&self, bits: &Bits<'_>) -> Step {
        self.steps[bits.peek(QUICK_BITS)]
    }

    /// Reads the next symbol. The bits must have been refilled.
    #[inline(always)]
    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> Result<u8, Reject> {
        let (length, symbol) = self.quick[bits.peek(QUICK_BITS)];
        if length == 0 {
            let (after, symbol) = self.long_symbol(*bits)?;
            *bits = after;
            return Ok(symbol);
        }
        bits.skip(length.into());
        Ok(symbol)
    }

    #[cold]
    #[inline(never)]
    fn long_symbol<'a>(&self, mut bits: Bits<'a>) -> Result<(Bits<'a>, u8), Reject> {
        let ahead = u32::try_from(bits.peek(16)).map_err(broken)?;
        for length in QUICK_BITS + 1..=16 {
            let idx = length as usize;
            if ahead < self.limits[idx] {
                let code = (ahead >> (16 - length)).cast_signed();
                let at = usize::try_from(code + self.offsets[idx]).map_err(broken)?;
                bits.skip(length);
                let symbol = self.symbols.get(at).ok_or(BROKEN)?;
                return Ok((bits, *symbol));
            }
        }
        Err(BROKEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two codes of 2 bits, one of 3 and one of 12.
    fn table() -> Vec<u8> {
        let mut counts = [0; 16];
        (counts[1], counts[2], counts[11]) = (2, 1, 1);
        [&[0x10][..], &counts, &[0x00, 0x12, 0xF0, 0x35]].concat()
    }

    #[test]
    fn short_and_long_codes_are_read() {
        let code = Code::new(&table()).expect("a code");
        // 01 and the number 10, 00, 100, 101000000000 and the number 00101.
        let bytes = [0b0110_0010, 0b0101_0000, 0b0000_0001, 0b0100_0000];
        let mut bits = Bits::new(&bytes);
        bits.refill();
        let step = code.step(&bits);
        assert_eq!((step.length, step.run, step.number), (4, 1, 2));
        bits.skip(4);
        for symbol in [0x00, 0xF0, 0x35] {
            assert_eq!(code.step(&bits).length, 0);
            assert_eq!(code.symbol(&mut bits), Ok(symbol));
        }
        assert_eq!(bits.number(5), 5 - 31);
    }

    #[test]
    fn what_is_no_code_is_an_error() {
        let code = Code::new(&table()).expect("a code");
        let mut bits = Bits::new(&[0xFF; 4]);
        bits.refill();
        assert_eq!(code.symbol(&mut bits), Err(BROKEN));
        let empty = Code::new(&[0; 17]).expect("no codes at all");
        assert_eq!(empty.symbol(&mut bits), Err(BROKEN));
        let mut too_many = [0; 17];
        too_many[1] = 3;
        assert!(Code::new(&[&too_many[..], &[1, 2, 3]].concat()).is_err());
        assert!(Code::new(&[&too_many[..], &[1]].concat()).is_err());
    }
}
