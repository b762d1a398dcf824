//! Finds the end of a GIF picture inside its compressed data and cuts the data
//! there: what follows the last pixel or the end code is shown by no decoder.
//!
//! Only the lengths of the strings behind the codes are tracked, which is all
//! it takes to count pixels (GIF89a, appendix F). A string is made of colours
//! that were sent as codes of their own before it, so those are all there are.

use super::used::Used;
use crate::error::Reject;
use crate::stage::scrub::malformed;

const CODE_BITS_MAX: u32 = 12;
const CODES_MAX: usize = 1 << CODE_BITS_MAX;

/// The code stream of exactly the first `pixels` pixels of `data`, or of as many
/// as there are, closed with an end code. Marks the colours it names in `used`.
pub(super) fn exact_stream(
    data: &[u8],
    min_code_bits: u8,
    pixels: u64,
    used: &mut Used,
) -> Result<Vec<u8>, Reject> {
    let mut dictionary = Dictionary::new(u32::from(min_code_bits));
    let mut bits = Bits { data, at: 0 };
    let mut shown = 0;
    while shown < pixels {
        let Some(code) = bits.peek(dictionary.code_bits) else {
            break;
        };
        match dictionary.step(code)? {
            Step::Pixels(run) => {
                shown += u64::from(run);
                // Codes of strings are above those of colours.
                if let Ok(colour) = u8::try_from(code)
                    && u16::from(colour) + 1 < dictionary.end_code
                {
                    used.mark(colour);
                }
            }
            Step::Cleared => {}
            Step::End => break,
        }
        bits.at += u64::from(dictionary.bits_read);
    }
    Ok(bits.closed_with(dictionary.end_code, dictionary.code_bits))
}

enum Step {
    Pixels(u32),
    Cleared,
    End,
}

struct Dictionary {
    min_code_bits: u32,
    end_code: u16,
    code_bits: u32,
    /// Width of the code taken last: `code_bits` may have grown since.
    bits_read: u32,
    /// How many pixels each known code stands for.
    lengths: Vec<u32>,
    previous: Option<u32>,
}

impl Dictionary {
    fn new(min_code_bits: u32) -> Self {
        let n_colours = 1_usize << min_code_bits;
        let mut dictionary = Self {
            min_code_bits,
            end_code: u16::try_from(n_colours + 1).unwrap_or(0),
            code_bits: 0,
            bits_read: 0,
            lengths: vec![1; n_colours + 2],
            previous: None,
        };
        dictionary.clear();
        dictionary
    }

    fn clear(&mut self) {
        self.lengths.truncate(usize::from(self.end_code) + 1);
        self.code_bits = self.min_code_bits + 1;
        self.previous = None;
    }

    fn step(&mut self, code: u16) -> Result<Step, Reject> {
        self.bits_read = self.code_bits;
        if code == self.end_code {
            return Ok(Step::End);
        }
        if code + 1 == self.end_code {
            self.clear();
            return Ok(Step::Cleared);
        }
        let known = self.lengths.get(usize::from(code)).copied();
        let run = match (known, self.previous) {
            (Some(run), _) => run,
            // The one code not yet known may be the next: previous and its
            // own first pixel.
            (None, Some(previous)) if usize::from(code) == self.lengths.len() => previous + 1,
            _ => return Err(malformed("a picture uses a code that does not exist")),
        };
        if let Some(previous) = self.previous
            && self.lengths.len() < CODES_MAX
        {
            self.lengths.push(previous + 1);
            if self.lengths.len() == 1 << self.code_bits && self.code_bits < CODE_BITS_MAX {
                self.code_bits += 1;
            }
        }
        self.previous = Some(run);
        Ok(Step::Pixels(run))
    }
}

/// Codes are packed from the lowest bit up, across byte borders.
struct Bits<'a> {
    data: &'a [u8],
    at: u64,
}

impl Bits<'_> {
    fn peek(&self, width: u32) -> Option<u16> {
        let (byte_idx, shift) = (usize::try_from(self.at / 8).ok()?, self.at % 8);
        if u64::from(width) > (self.data.len() as u64) * 8 - self.at {
            return None;
        }
        let mut window = [0; 4];
        for (slot, byte) in window.iter_mut().zip(self.data.get(byte_idx..)?) {
            *slot = *byte;
        }
        let code = u32::from_le_bytes(window) >> shift & ((1 << width) - 1);
        u16::try_from(code).ok()
    }

    /// The bits before `at`, then one more code, then zeros to the end of the byte.
    fn closed_with(&self, code: u16, width: u32) -> Vec<u8> {
        let whole = usize::try_from(self.at / 8).unwrap_or(0);
        let shift = self.at % 8;
        let mut out = self.data[..whole].to_vec();
        let kept = self
            .data
            .get(whole)
            .map_or(0, |byte| u32::from(*byte) & ((1 << shift) - 1));
        let tail = (kept | u32::from(code) << shift).to_le_bytes();
        let tail_bits = usize::try_from(shift).unwrap_or(0) + usize::try_from(width).unwrap_or(0);
        out.extend_from_slice(&tail[..tail_bits.div_ceil(8)]);
        out
    }
}
