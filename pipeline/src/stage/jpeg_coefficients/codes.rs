//! Huffman codes, prepared for reading (T.81, C and F.2.2.3).

use super::bits::{Bits, extend};
use super::{BROKEN, broken};
use crate::error::Reject;

/// Codes up to this length are found by one look. Longer ones are rare in a code
/// that was made for its picture: they stand for less than a thousandth of it.
const QUICK_BITS: u32 = 11;
const QUICK: usize = 1 << QUICK_BITS;

/// A symbol of an AC code with its number: what one coefficient is.
#[derive(Clone, Copy, Default)]
pub(super) struct Step {
    /// Zeros before the number; [`Self::END`] where the block ends instead.
    pub(super) run: u8,
    pub(super) number: i16,
}

impl Step {
    /// More zeros than a block has places.
    pub(super) const END: u8 = 64;
}

/// One step or two, read at once. Eight bytes, so that a table of them stays in
/// the nearest cache.
#[derive(Clone, Copy, Default)]
pub(super) struct Steps {
    numbers: [i16; 2],
    runs: [u8; 2],
    /// Bits that the first takes, and both together: 0 if they are too many for a
    /// look, and no more than the first alone if there is no second, which then has
    /// no run and no number. Together, because the next look waits for that sum.
    pub(super) n_bits: [u8; 2],
}

impl Steps {
    /// A step whose bits have been taken.
    pub(super) fn taken(step: Step) -> Self {
        Self {
            numbers: [step.number, 0],
            runs: [step.run, 0],
            n_bits: [0; 2],
        }
    }

    #[inline(always)]
    pub(super) fn first(&self) -> Step {
        Step {
            run: self.runs[0],
            number: self.numbers[0],
        }
    }

    #[inline(always)]
    pub(super) fn second(&self) -> Step {
        Step {
            run: self.runs[1],
            number: self.numbers[1],
        }
    }
}

/// One table of a file.
pub(super) struct Code {
    /// By the next [`QUICK_BITS`]: the length of the code and its symbol.
    quick: Box<[(u8, u8); QUICK]>,
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
            quick: Box::new([(0, 0); QUICK]),
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
        Ok(code)
    }

    fn fill(&mut self, code: u32, length: u8, symbol: u8) {
        let Some(spare) = QUICK_BITS.checked_sub(length.into()) else {
            return;
        };
        let first = (code as usize) << spare;
        self.quick[first..first + (1 << spare)].fill((length, symbol));
    }

    /// The step that `bits`, of which the first `n_known` are known, begin with,
    /// and how many it takes.
    fn find_step(&self, bits: usize, n_known: u32) -> Option<(Step, u8)> {
        let (length, symbol) = self.quick[bits];
        let size = symbol & 15;
        let n_bits = length + size;
        let n_behind = QUICK_BITS.checked_sub(n_bits.into())?;
        if length == 0 || u32::from(n_bits) > n_known {
            return None;
        }
        let number = (bits >> n_behind) & ((1 << size) - 1);
        let number = extend(i32::try_from(number).ok()?, size.into());
        let run = match (symbol >> 4, size) {
            (15, 0) => 15,
            (_, 0) => Step::END,
            (run, _) => run,
        };
        let number = i16::try_from(number).ok()?;
        Some((Step { run, number }, n_bits))
    }

    /// Reads the next symbol. The bits must have been refilled.
    #[inline(always)]
    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> Result<u8, Reject> {
        let (mut length, mut symbol) = self.quick[bits.peek(QUICK_BITS) & (QUICK - 1)];
        if length == 0 {
            (length, symbol) = self.long_symbol(bits.peek(16)).ok_or(BROKEN)?;
        }
        bits.skip(length.into());
        Ok(symbol)
    }

    /// The length and symbol of the code that these 16 bits begin with.
    #[cold]
    #[inline(never)]
    fn long_symbol(&self, ahead: usize) -> Option<(u8, u8)> {
        let ahead = u32::try_from(ahead).ok()?;
        let (length, (_, offset)) = (0_u8..)
            .zip(self.limits.iter().zip(&self.offsets))
            .find(|(length, (limit, _))| u32::from(*length) > QUICK_BITS && ahead < **limit)?;
        let code = (ahead >> (16 - length)).cast_signed();
        let at = usize::try_from(code + offset).ok()?;
        Some((length, *self.symbols.get(at)?))
    }
}

/// A table for the AC of sequential scans, whose symbols are read with their
/// numbers.
pub(super) struct AcCode {
    code: Code,
    /// By the next [`QUICK_BITS`]: codes and numbers, as far as they fit.
    steps: Box<[Steps; QUICK]>,
}

impl AcCode {
    /// As [`Code::new`].
    pub(super) fn new(table: &[u8]) -> Result<Self, Reject> {
        let code = Code::new(table)?;
        let mut steps = Box::new([Steps::default(); QUICK]);
        for (bits, steps) in steps.iter_mut().enumerate() {
            let Some((first, n_bits)) = code.find_step(bits, QUICK_BITS) else {
                continue;
            };
            let behind = (bits << n_bits) & (QUICK - 1);
            let second = (first.run != Step::END)
                .then(|| code.find_step(behind, QUICK_BITS - u32::from(n_bits)))
                .flatten();
            let (second, n_more) = second.unwrap_or_default();
            *steps = Steps {
                numbers: [first.number, second.number],
                runs: [first.run, second.run],
                n_bits: [n_bits, n_bits + n_more],
            };
        }
        Ok(Self { code, steps })
    }

    /// The next symbols with their numbers, if they are short. The bits must have
    /// been refilled.
    #[inline(always)]
    pub(super) fn steps(&self, bits: &Bits<'_>) -> Steps {
        self.steps[bits.peek(QUICK_BITS) & (QUICK - 1)]
    }

    /// As [`Code::symbol`].
    #[inline(always)]
    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> Result<u8, Reject> {
        self.code.symbol(bits)
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
        let code = AcCode::new(&table()).expect("a code");
        // 01 and the number 10, 00, 100, 101000000000 and the number 00101.
        let bytes = [0b0110_0010, 0b0101_0000, 0b0000_0001, 0b0100_0000];
        let mut bits = Bits::new(&bytes);
        bits.refill();
        let steps = code.steps(&bits);
        assert_eq!(steps.n_bits, [4, 6]);
        assert_eq!((steps.first().run, steps.first().number), (1, 2));
        assert_eq!(steps.second().run, Step::END);
        bits.skip(4);
        assert_eq!(code.symbol(&mut bits), Ok(0x00));
        let steps = code.steps(&bits);
        assert_eq!(steps.n_bits, [3, 3]);
        assert_eq!((steps.first().run, steps.first().number), (15, 0));
        for symbol in [0xF0, 0x35] {
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
