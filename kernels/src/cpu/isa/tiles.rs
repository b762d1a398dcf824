//! Products of two-digit numbers, a tile of sixteen positions by sixteen output
//! channels at a time.
//!
//! Tile instructions multiply bytes. A number of up to sixteen bits is two
//! signed digits to the base of 256, so a product of two such numbers is four
//! products of bytes, whose sums over all inputs are kept apart and joined at
//! the end. Everything is integers, so the result is the one that products of
//! 16-bit numbers have, to the bit.

use super::{DigitLanes, Lanes, PairLanes};

/// Positions of a tile, and its output channels.
pub(crate) const TILE_SIDE: usize = 16;

/// Sixty-four digits in memory, four a word, the first in the lowest byte.
pub(crate) type DigitLine = [i32; 16];

/// Lines of weights that a step of sixty-four inputs has: sixteen with the low
/// digits, sixteen with the high ones. Line `r` has for each of the sixteen
/// channels in turn the digits of inputs `4 * r` to `4 * r + 3`.
pub(crate) const STEP_LINES: usize = 2 * TILE_SIDE;

/// For each of sixteen positions the sums of sixteen channels, of high times
/// high digits, of high (input) times low, of low times high, of low times low.
pub(crate) type DigitSums = [[PairLanes; TILE_SIDE]; 4];

/// The largest number that two signed digits make.
pub(crate) const DIGITS_MAX: i16 = 127 * 256 + 127;

/// What computes tiles on a thread.
pub(crate) trait Tiles {
    /// Sums of the products of `inputs` with `weights`. From one position to the
    /// next are `pitch` lines of inputs; each position has a line of low and one
    /// of high digits for every [`STEP_LINES`] of weights.
    ///
    /// # Panics
    /// If there are no lines for sixteen positions.
    fn multiply(
        &mut self,
        inputs: &[DigitLine],
        pitch: usize,
        weights: &[DigitLine],
        sums: &mut DigitSums,
    );
}

/// The operands of [`Tiles::multiply`] known to be long enough.
pub(super) struct Operands<'a> {
    pub(super) inputs: &'a [DigitLine],
    pub(super) pitch: usize,
    pub(super) weights: &'a [DigitLine],
    pub(super) n_steps: usize,
}

impl<'a> Operands<'a> {
    #[inline(always)]
    pub(super) fn new(inputs: &'a [DigitLine], pitch: usize, weights: &'a [DigitLine]) -> Self {
        let n_steps = weights.len() / STEP_LINES;
        assert!(
            n_steps > 0 && weights.len() == n_steps * STEP_LINES,
            "weights of whole steps"
        );
        // Far from where a product could wrap.
        assert!(
            pitch >= 2 * n_steps && pitch <= usize::MAX >> 16,
            "lines of a position"
        );
        assert!(
            inputs.len() >= (TILE_SIDE - 1) * pitch + 2 * n_steps,
            "lines for sixteen positions"
        );
        Self {
            inputs,
            pitch,
            weights,
            n_steps,
        }
    }
}

/// Tiles in plain Rust: any CPU, and the twin that the others are compared with.
pub(crate) struct PlainTiles;

impl Tiles for PlainTiles {
    fn multiply(
        &mut self,
        inputs: &[DigitLine],
        pitch: usize,
        weights: &[DigitLine],
        sums: &mut DigitSums,
    ) {
        let operands = Operands::new(inputs, pitch, weights);
        *sums = [[[0; 16]; TILE_SIDE]; 4];
        for step in 0..operands.n_steps {
            let (low, high) =
                operands.weights[step * STEP_LINES..][..STEP_LINES].split_at(TILE_SIDE);
            for position in 0..TILE_SIDE {
                let inputs = &operands.inputs[position * pitch + 2 * step..][..2];
                let pairs = [(1, high), (1, low), (0, high), (0, low)];
                for (sums, (digit, weights)) in sums.iter_mut().zip(pairs) {
                    add_products(&inputs[digit], weights, &mut sums[position]);
                }
            }
        }
    }
}

/// Adds to the sums of sixteen channels the products of one position.
fn add_products(inputs: &DigitLine, weights: &[DigitLine], sums: &mut PairLanes) {
    for (&four, weights) in inputs.iter().zip(weights) {
        for (sum, &weights) in sums.iter_mut().zip(weights) {
            for (input, weight) in digits(four).into_iter().zip(digits(weights)) {
                *sum = sum.wrapping_add(input * weight);
            }
        }
    }
}

/// The four digits of a word.
fn digits(word: i32) -> [i32; 4] {
    word.to_le_bytes().map(|byte| i32::from(byte.cast_signed()))
}

/// Rounds to integers and stores their digits; values are within ±[`DIGITS_MAX`].
pub(super) fn store_digits(values: &Lanes, low: &mut DigitLanes, high: &mut DigitLanes) {
    let (mut lows, mut highs) = ([0; 16], [0; 16]);
    for ((value, low), high) in values.iter().zip(&mut lows).zip(&mut highs) {
        (*low, *high) = split(round(*value));
    }
    *low = words(&lows);
    *high = words(&highs);
}

/// The low and the high digit of `number`, which is within ±[`DIGITS_MAX`].
pub(crate) fn split(number: i16) -> (i8, i8) {
    let [low, _] = number.to_le_bytes();
    let low = low.cast_signed();
    let [_, high] = number.wrapping_sub(i16::from(low)).to_le_bytes();
    (low, high.cast_signed())
}

/// Sixteen digits, four a word.
fn words(digits: &[i8; 16]) -> DigitLanes {
    let mut words = [0; 4];
    for (word, digits) in words.iter_mut().zip(digits.as_chunks::<4>().0) {
        *word = i32::from_le_bytes(digits.map(i8::cast_unsigned));
    }
    words
}

#[expect(clippy::cast_possible_truncation, reason = "a float cast saturates")]
fn round(value: f32) -> i16 {
    value.round_ties_even() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_make_every_number() {
        for number in -DIGITS_MAX..=DIGITS_MAX {
            let (low, high) = split(number);
            assert_eq!(i32::from(high) * 256 + i32::from(low), i32::from(number));
        }
    }

    #[test]
    fn digits_lie_in_order() {
        let digits = std::array::from_fn(|i| i8::try_from(i).unwrap() - 5);
        let words = words(&digits);
        let back: Vec<i32> = words.into_iter().flat_map(super::digits).collect();
        assert_eq!(back, (-5..11).collect::<Vec<_>>());
    }
}
