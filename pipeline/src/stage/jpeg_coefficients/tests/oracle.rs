//! A decoder of Huffman codes as T.81 draws it, bit by bit, that the quick one must
//! agree with on any code and any data.

use super::super::bits::Bits;
use super::super::block;
use super::super::codes::{AcCode, Code};
use super::super::plane::{Laid, Plane};
use super::*;

/// The codes of a table in order (C.2): length, code, symbol.
fn codes(table: &[u8]) -> Vec<(u32, u32, u8)> {
    let (counts, symbols) = table[1..].split_at(16);
    let mut symbols = symbols.iter();
    let (mut next, mut codes) = (0, Vec::new());
    for (length, count) in (1..).zip(counts) {
        for symbol in symbols.by_ref().take(usize::from(*count)) {
            codes.push((length, next, *symbol));
            next += 1;
        }
        next *= 2;
    }
    codes
}

/// Data and how many bits of it were read; behind its end stand zeros.
struct Reader<'a>(&'a [u8], usize);

impl Reader<'_> {
    fn bits(&mut self, count: u32) -> i32 {
        (0..count).fold(0, |bits, _| {
            let byte = self.0.get(self.1 / 8).copied().unwrap_or(0);
            let bit = byte >> (7 - self.1 % 8) & 1;
            self.1 += 1;
            bits << 1 | i32::from(bit)
        })
    }

    /// DECODE (F.2.2.3).
    fn symbol(&mut self, codes: &[(u32, u32, u8)]) -> Option<u8> {
        let mut code = 0;
        for length in 1..=16 {
            code = code << 1 | self.bits(1).cast_unsigned();
            let found = codes.iter().find(|it| (it.0, it.1) == (length, code));
            if let Some((_, _, symbol)) = found {
                return Some(*symbol);
            }
        }
        None
    }

    /// RECEIVE and EXTEND (F.2.2.1).
    fn number(&mut self, size: u32) -> i32 {
        let bits = self.bits(size);
        if size > 0 && bits < 1 << (size - 1) {
            bits - (1 << size) + 1
        } else {
            bits
        }
    }

    /// Figures F.12 to F.14, with the DC as a difference. Sixteen zeros may lead
    /// beyond the last place.
    fn block(&mut self, dc: &[(u32, u32, u8)], ac: &[(u32, u32, u8)]) -> Option<Block> {
        let mut block = [0; 64];
        let size = self.symbol(dc).filter(|size| *size < 16)?;
        block[0] = i16::try_from(self.number(size.into())).ok()?;
        let mut position = 1;
        while position < 64 {
            let symbol = self.symbol(ac)?;
            match (symbol >> 4, symbol & 15) {
                (15, 0) => position += 16,
                (_, 0) => break,
                (zeros, size) => {
                    position += usize::from(zeros);
                    *block.get_mut(position)? = i16::try_from(self.number(size.into())).ok()?;
                    position += 1;
                }
            }
        }
        Some(block)
    }
}

/// The coefficients of one block, and nothing that only progressive scans need.
struct OneBlock(Block);

impl Plane for OneBlock {
    type Purpose = ();

    fn new(_: &Laid<'_>, (): ()) -> Result<Self, Reject> {
        Ok(Self([0; 64]))
    }

    fn block(&self, _: usize, _: usize) -> usize {
        0
    }

    fn set(&mut self, _: usize, position: usize, value: i16) {
        self.0[position] = value;
    }

    fn is_set(&self, _: usize, position: usize) -> bool {
        self.0[position] != 0
    }

    fn grow(&mut self, _: usize, position: usize, by: i16) -> Result<(), Reject> {
        self.0[position] += by;
        Ok(())
    }

    fn or_dc(&mut self, _: usize, bit: i16) {
        self.0[0] |= bit;
    }
}

fn quick_block(bits: &mut Bits<'_>, dc: &Code, ac: &AcCode) -> Result<Block, Reject> {
    let mut plane = OneBlock([0; 64]);
    plane.0[0] = block::dc(bits, dc, &mut 0)?;
    *bits = block::ac(*bits, ac, &mut plane, 0)?;
    Ok(plane.0)
}

/// Class and id, counts and symbols: for each symbol that is wanted a code of the
/// wanted length, or of the next longer that is free.
fn table(class: u8, wanted: Vec<(usize, u8)>) -> Vec<u8> {
    let mut by_length = vec![Vec::new(); 17];
    let mut free = 1_usize << 16;
    for (length, symbol) in wanted {
        let fits = (length..=16).find(|length| 1 << (16 - length) <= free);
        if let Some(length) = fits {
            free -= 1 << (16 - length);
            by_length[length].push(symbol);
        }
    }
    let counts = by_length[1..]
        .iter()
        .map(|symbols| u8::try_from(symbols.len()).expect("no more than 120"));
    let mut table = vec![class << 4];
    table.extend(counts);
    table.extend(by_length.concat());
    table
}

/// Codes of many lengths, of which the longest pass the quick look.
fn any_table(class: u8, symbols: std::ops::RangeInclusive<u8>) -> impl Strategy<Value = Vec<u8>> {
    let wanted = prop::collection::vec((1..=16_usize, symbols), 1..120);
    wanted.prop_map(move |wanted| table(class, wanted))
}

/// Symbols as pictures have them: short runs, small numbers, ends.
fn pictures_table() -> impl Strategy<Value = Vec<u8>> {
    let symbol = prop_oneof![
        Just(0x00),
        Just(0xF0),
        (0..4_u8, 1..6_u8).prop_map(|(r, s)| r << 4 | s)
    ];
    let wanted = prop::collection::vec((2..=9_usize, symbol), 1..60);
    wanted.prop_map(|wanted| table(1, wanted))
}

fn any_data() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(prop_oneof![Just(0), Just(0xFF), any::<u8>()], 0..200),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_symbol_is_the_naive_one(table in any_table(0, 0..=255), data in any_data()) {
        let codes = codes(&table);
        let code = Code::new(&table).expect("a code");
        let mut naive = Reader(&data, 0);
        let mut bits = Bits::new(&data);
        while naive.1 < data.len() * 8 {
            bits.refill();
            let (expected, found) = (naive.symbol(&codes), code.symbol(&mut bits).ok());
            prop_assert_eq!(found, expected);
            if expected.is_none() {
                break;
            }
            prop_assert_eq!(bits.consumed(), naive.1);
        }
    }

    #[test]
    fn every_block_is_the_naive_one(
        dc in any_table(0, 0..=16),
        ac in prop_oneof![any_table(1, 0..=255), pictures_table()],
        data in any_data(),
    ) {
        let (dc_codes, ac_codes) = (codes(&dc), codes(&ac));
        let (dc, ac) = (Code::new(&dc).expect("a code"), AcCode::new(&ac).expect("a code"));
        let mut naive = Reader(&data, 0);
        let mut bits = Bits::new(&data);
        while naive.1 < data.len() * 8 {
            let expected = naive.block(&dc_codes, &ac_codes);
            let found = quick_block(&mut bits, &dc, &ac).ok();
            prop_assert_eq!(found, expected);
            if expected.is_none() {
                break;
            }
            prop_assert_eq!(bits.consumed(), naive.1);
        }
    }
}
