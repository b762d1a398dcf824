//! What a matrix product multiplies: floats, or pairs of 16-bit integers.
//!
//! Both are words of four bytes, of which a step broadcasts one of the input
//! and multiplies it with sixteen of the weights. A pair carries two inputs, so
//! a product of pairs takes half the steps.

use super::super::isa::{HalfLanes, Isa, LANES, Lanes};

/// A kind of word.
pub(super) trait Words: Copy + 'static {
    /// A word in memory.
    type Word: Copy + Default + 'static;
    /// Sixteen channels in memory.
    type Channels: Copy;
    /// A vector of words, or of their sums.
    type Vector<I: Isa>: Copy;
    /// Whether sums stand for floats only after multiplication with a scale.
    const IS_SCALED: bool;

    fn splat<I: Isa>(isa: I, word: Self::Word) -> Self::Vector<I>;
    fn load<I: Isa>(isa: I, words: &[Self::Word; LANES]) -> Self::Vector<I>;
    /// `sum + a * b`, over both halves of a pair.
    fn mul_add<I: Isa>(
        isa: I,
        a: Self::Vector<I>,
        b: Self::Vector<I>,
        sum: Self::Vector<I>,
    ) -> Self::Vector<I>;
    fn to_floats<I: Isa>(isa: I, sum: Self::Vector<I>) -> I::F32;
    /// Stores sixteen channels.
    fn store<I: Isa>(isa: I, values: I::F32, out: &mut Self::Channels);
    /// The words of stored channels.
    fn flat(channels: &[Self::Channels]) -> &[Self::Word];
}

/// f32.
#[derive(Clone, Copy)]
pub(super) struct Floats;

impl Words for Floats {
    type Word = f32;
    type Channels = Lanes;
    type Vector<I: Isa> = I::F32;
    const IS_SCALED: bool = false;

    #[inline(always)]
    fn splat<I: Isa>(isa: I, word: f32) -> I::F32 {
        isa.splat(word)
    }

    #[inline(always)]
    fn load<I: Isa>(isa: I, words: &Lanes) -> I::F32 {
        isa.load(words)
    }

    #[inline(always)]
    fn mul_add<I: Isa>(isa: I, a: I::F32, b: I::F32, sum: I::F32) -> I::F32 {
        isa.mul_add(a, b, sum)
    }

    #[inline(always)]
    fn to_floats<I: Isa>(_: I, sum: I::F32) -> I::F32 {
        sum
    }

    #[inline(always)]
    fn store<I: Isa>(isa: I, values: I::F32, out: &mut Lanes) {
        isa.store(values, out);
    }

    fn flat(channels: &[Lanes]) -> &[f32] {
        channels.as_flattened()
    }
}

/// Two 16-bit integers a word, summed in 32 bits.
#[derive(Clone, Copy)]
pub(super) struct Pairs;

impl Words for Pairs {
    type Word = i32;
    type Channels = HalfLanes;
    type Vector<I: Isa> = I::I32;
    const IS_SCALED: bool = true;

    #[inline(always)]
    fn splat<I: Isa>(isa: I, word: i32) -> I::I32 {
        isa.splat_pair(word)
    }

    #[inline(always)]
    fn load<I: Isa>(isa: I, words: &[i32; LANES]) -> I::I32 {
        isa.load_pairs(words)
    }

    #[inline(always)]
    fn mul_add<I: Isa>(isa: I, a: I::I32, b: I::I32, sum: I::I32) -> I::I32 {
        isa.add_pair_products(a, b, sum)
    }

    #[inline(always)]
    fn to_floats<I: Isa>(isa: I, sum: I::I32) -> I::F32 {
        isa.to_floats(sum)
    }

    #[inline(always)]
    fn store<I: Isa>(isa: I, values: I::F32, out: &mut HalfLanes) {
        isa.store_halves(values, out);
    }

    fn flat(channels: &[HalfLanes]) -> &[i32] {
        channels.as_flattened()
    }
}
