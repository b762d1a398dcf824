//! Sixteen lanes in plain Rust: any CPU, and the twin that the others are
//! compared with.

use super::tiles::{self, PlainTiles};
use super::{DigitLanes, HalfLanes, Isa, Job, LANES, Lanes, PairLanes};

/// Needs no proof.
#[derive(Clone, Copy)]
pub(crate) struct Scalar;

impl Isa for Scalar {
    const TILE_ROWS: usize = 2;
    const TILE_VECTORS: usize = 1;

    type F32 = Lanes;
    type I32 = PairLanes;
    type Tiles = PlainTiles;

    fn run<J: Job>(self, job: J) -> J::Output {
        job.run(self)
    }

    #[inline(always)]
    fn prefetch<T>(self, _: &T) {}

    #[inline(always)]
    fn splat(self, value: f32) -> Lanes {
        [value; LANES]
    }

    #[inline(always)]
    fn load(self, values: &Lanes) -> Lanes {
        *values
    }

    #[inline(always)]
    fn store(self, values: Lanes, out: &mut Lanes) {
        *out = values;
    }

    #[inline(always)]
    fn add(self, a: Lanes, b: Lanes) -> Lanes {
        std::array::from_fn(|i| a[i] + b[i])
    }

    #[inline(always)]
    fn mul(self, a: Lanes, b: Lanes) -> Lanes {
        std::array::from_fn(|i| a[i] * b[i])
    }

    /// Rounded twice: `f32::mul_add` is a call where the CPU has no FMA.
    #[inline(always)]
    fn mul_add(self, a: Lanes, b: Lanes, c: Lanes) -> Lanes {
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    fn min(self, a: Lanes, b: Lanes) -> Lanes {
        std::array::from_fn(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn max(self, a: Lanes, b: Lanes) -> Lanes {
        std::array::from_fn(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn store_halves(self, values: Lanes, out: &mut HalfLanes) {
        for (word, pair) in out.iter_mut().zip(values.as_chunks::<2>().0) {
            *word = join(to_half(pair[0]), to_half(pair[1]));
        }
    }

    #[inline(always)]
    fn store_digits(self, values: Lanes, low: &mut DigitLanes, high: &mut DigitLanes) {
        tiles::store_digits(&values, low, high);
    }

    #[inline(always)]
    fn splat_pair(self, word: i32) -> PairLanes {
        [word; LANES]
    }

    #[inline(always)]
    fn load_pairs(self, words: &PairLanes) -> PairLanes {
        *words
    }

    #[inline(always)]
    fn add_pair_products(self, a: PairLanes, b: PairLanes, sum: PairLanes) -> PairLanes {
        std::array::from_fn(|i| {
            let ((a_low, a_high), (b_low, b_high)) = (halves(a[i]), halves(b[i]));
            sum[i]
                .wrapping_add(a_low * b_low)
                .wrapping_add(a_high * b_high)
        })
    }

    #[inline(always)]
    fn join_digit_sums(self, [high, high_low, low_high, low]: [PairLanes; 4]) -> PairLanes {
        std::array::from_fn(|i| {
            let middle = high_low[i].wrapping_add(low_high[i]);
            let upper = (high[i] << 8).wrapping_add(middle);
            (upper << 8).wrapping_add(low[i])
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "rounded as the CPU rounds")]
    #[inline(always)]
    fn to_floats(self, values: PairLanes) -> Lanes {
        std::array::from_fn(|i| values[i] as f32)
    }

    fn tiles(self) -> PlainTiles {
        PlainTiles
    }
}

/// Two 16-bit integers in a word, the first in the low half.
#[inline(always)]
pub(crate) fn join(low: i16, high: i16) -> i32 {
    (i32::from(high) << 16) | i32::from(low.cast_unsigned())
}

/// The two 16-bit integers of a word.
#[expect(clippy::cast_possible_truncation, reason = "the low half is wanted")]
#[inline(always)]
pub(crate) fn halves(word: i32) -> (i32, i32) {
    (i32::from(word as i16), word >> 16)
}

#[expect(clippy::cast_possible_truncation, reason = "a float cast saturates")]
#[inline(always)]
fn to_half(value: f32) -> i16 {
    value.round_ties_even() as i16
}
