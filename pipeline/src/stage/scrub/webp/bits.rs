//! Bits and prefix codes of a lossless bitstream (RFC 9649, sections 3.2 and
//! 3.7.2).

use crate::error::Reject;
use crate::stage::scrub::malformed;

const BROKEN: Reject = malformed("a lossless picture uses a code that does not exist");
/// Longest code.
const CODE_BITS_MAX: usize = 15;
/// Codes up to this length are found with one look; few are longer.
const TABLE_BITS: usize = 7;
/// The order in which the lengths of the code lengths' own code are sent.
const LENGTHS_ORDER: [usize; 19] = [
    17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
];

/// Reads from the lowest bit of each byte up.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    /// In bits.
    at: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    pub(super) fn read(&mut self, n_bits: usize) -> Result<u32, Reject> {
        let value = self.peek() & ((1 << n_bits) - 1);
        self.advance(n_bits)?;
        Ok(value)
    }

    pub(super) fn flag(&mut self) -> Result<bool, Reject> {
        self.read(1).map(|bit| bit == 1)
    }

    /// The next 25 bits at least, zeros behind the end.
    fn peek(&self) -> u32 {
        let rest = self.data.get(self.at / 8..).unwrap_or(&[]);
        let window = match rest.first_chunk() {
            Some(four) => *four,
            None => {
                let mut window = [0; 4];
                window[..rest.len()].copy_from_slice(rest);
                window
            }
        };
        u32::from_le_bytes(window) >> (self.at % 8)
    }

    fn advance(&mut self, n_bits: usize) -> Result<(), Reject> {
        self.at += n_bits;
        if self.at > 8 * self.data.len() {
            return Err(Reject::Truncated);
        }
        Ok(())
    }

    /// What has been read, zeros to the end of its last byte.
    pub(super) fn consumed(&self) -> Vec<u8> {
        let mut consumed = self.data[..self.at.div_ceil(8)].to_vec();
        if let (Some(last), used @ 1..) = (consumed.last_mut(), self.at % 8) {
            *last &= (1 << used) - 1;
        }
        consumed
    }
}

/// A canonical prefix code.
pub(super) enum Code {
    /// One symbol, for which no bits are sent.
    Single(u16),
    Several {
        /// Symbol and length for each value of the next bits; length 0 where the
        /// code is longer.
        table: Vec<(u16, u8)>,
        /// Symbols by length, then value.
        sorted: Vec<u16>,
        /// How many symbols have each length.
        counts: [usize; CODE_BITS_MAX + 1],
    },
}

impl Code {
    /// Reads the code for an alphabet of this size.
    pub(super) fn read(bits: &mut Bits<'_>, n_symbols: usize) -> Result<Self, Reject> {
        let mut lengths = vec![0_u8; n_symbols];
        if bits.flag()? {
            let is_pair = bits.flag()?;
            let first_bits = if bits.flag()? { 8 } else { 1 };
            let first = bits.read(first_bits)?;
            mark(&mut lengths, first)?;
            if is_pair {
                let second = bits.read(8)?;
                mark(&mut lengths, second)?;
            }
        } else {
            read_lengths(bits, &mut lengths)?;
        }
        Self::new(&lengths)
    }

    fn new(lengths: &[u8]) -> Result<Self, Reject> {
        let mut counts = [0; CODE_BITS_MAX + 1];
        for length in lengths {
            counts[usize::from(*length)] += 1;
        }
        counts[0] = 0;
        let mut sorted = Vec::with_capacity(counts.iter().sum());
        for length in 1..=CODE_BITS_MAX {
            let of_length = (0_u16..).zip(lengths);
            let of_length = of_length.filter(|(_, other)| usize::from(**other) == length);
            sorted.extend(of_length.map(|(symbol, _)| symbol));
        }
        if let [symbol] = sorted[..] {
            return Ok(Self::Single(symbol));
        }
        let mut table = vec![(0, 0); 1 << TABLE_BITS];
        let (mut code, mut sorted_idx) = (0_usize, 0);
        for (length, count) in counts.iter().enumerate().take(TABLE_BITS + 1).skip(1) {
            for _ in 0..*count {
                // The first bit sent is the highest of the code.
                let low = code.reverse_bits() >> (usize::BITS as usize - length);
                let entry = (
                    *sorted.get(sorted_idx).ok_or(BROKEN)?,
                    u8::try_from(length).unwrap_or(0),
                );
                let matching = table.get_mut(low..).ok_or(BROKEN)?;
                for slot in matching.iter_mut().step_by(1 << length) {
                    *slot = entry;
                }
                code += 1;
                sorted_idx += 1;
            }
            code <<= 1;
        }
        Ok(Self::Several {
            table,
            sorted,
            counts,
        })
    }

    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> Result<usize, Reject> {
        let (table, sorted, counts) = match self {
            Self::Single(symbol) => return Ok(usize::from(*symbol)),
            Self::Several {
                table,
                sorted,
                counts,
            } => (table, sorted, counts),
        };
        let next = bits.peek() as usize;
        let (symbol, length) = table[next & ((1 << TABLE_BITS) - 1)];
        if length > 0 {
            bits.advance(usize::from(length))?;
            return Ok(usize::from(symbol));
        }
        let (mut code, mut first, mut sorted_idx) = (0, 0, 0);
        for (length, count) in counts.iter().enumerate().skip(1) {
            code = code << 1 | (next >> (length - 1) & 1);
            if code < first + count {
                let at = (sorted_idx + code).checked_sub(first).ok_or(BROKEN)?;
                let symbol = sorted.get(at).ok_or(BROKEN)?;
                bits.advance(length)?;
                return Ok(usize::from(*symbol));
            }
            sorted_idx += count;
            first = (first + count) << 1;
        }
        Err(BROKEN)
    }
}

fn mark(lengths: &mut [u8], symbol: u32) -> Result<(), Reject> {
    let symbol = usize::try_from(symbol).map_err(|_| BROKEN)?;
    *lengths.get_mut(symbol).ok_or(BROKEN)? = 1;
    Ok(())
}

/// The lengths of a code, which are sent in a code of their own.
fn read_lengths(bits: &mut Bits<'_>, lengths: &mut [u8]) -> Result<(), Reject> {
    let mut own = [0; LENGTHS_ORDER.len()];
    let n_own = bits.read(4)? as usize + 4;
    for at in LENGTHS_ORDER.iter().take(n_own) {
        own[*at] = u8::try_from(bits.read(3)?).unwrap_or(0);
    }
    let own = Code::new(&own)?;
    let mut n_sent = lengths.len();
    if bits.flag()? {
        let n_bits = 2 + 2 * bits.read(3)? as usize;
        n_sent = 2 + bits.read(n_bits)? as usize;
    }
    let (mut at, mut previous) = (0, 8);
    while at < lengths.len() && n_sent > 0 {
        n_sent -= 1;
        let (value, times) = match own.symbol(bits)? {
            length @ 0..=15 => (u8::try_from(length).unwrap_or(0), 1),
            16 => (previous, 3 + bits.read(2)?),
            17 => (0, 3 + bits.read(3)?),
            _ => (0, 11 + bits.read(7)?),
        };
        if value != 0 {
            previous = value;
        }
        let end = at + times as usize;
        lengths.get_mut(at..end).ok_or(BROKEN)?.fill(value);
        at = end;
    }
    Ok(())
}
