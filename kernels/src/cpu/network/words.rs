//! What a matrix product multiplies: floats, 16-bit integers in pairs, or
//! 16-bit integers as two digits each.
//!
//! All lie in words of four bytes. Of floats and pairs a step broadcasts one
//! word of the input and multiplies it with sixteen of the weights; a pair
//! carries two inputs, so a product of pairs takes half the steps. Digits are
//! multiplied a tile at a time.

use super::super::isa::{DigitLanes, HalfLanes, Isa, LANES, Lanes};

/// How the inputs of a product lie in memory.
pub(super) trait Stored: Copy + 'static {
    /// A word in memory.
    type Word: Copy + Default + 'static;
    /// Channels that lie together.
    type Channels: Copy + Default;

    /// How many [`Stored::Channels`] a position with `blocks` sixteens has.
    fn pitch(blocks: usize) -> usize;
    /// Stores the sixteen channels number `block` of a position.
    fn store<I: Isa>(isa: I, values: I::F32, position: &mut [Self::Channels], block: usize);
    /// The words of stored channels.
    fn flat(channels: &[Self::Channels]) -> &[Self::Word];
    /// Words as room for channels.
    fn room(words: &mut [Self::Word]) -> &mut [Self::Channels];
}

/// A kind of word that is multiplied one by one.
pub(super) trait Words: Stored {
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
}

/// f32.
#[derive(Clone, Copy)]
pub(super) struct Floats;

impl Stored for Floats {
    type Word = f32;
    type Channels = Lanes;

    #[inline(always)]
    fn pitch(blocks: usize) -> usize {
        blocks
    }

    #[inline(always)]
    fn store<I: Isa>(isa: I, values: I::F32, position: &mut [Lanes], block: usize) {
        isa.store(values, &mut position[block]);
    }

    fn flat(channels: &[Lanes]) -> &[f32] {
        channels.as_flattened()
    }

    fn room(words: &mut [f32]) -> &mut [Lanes] {
        words.as_chunks_mut().0
    }
}

impl Words for Floats {
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
}

/// Two 16-bit integers a word, summed in 32 bits.
#[derive(Clone, Copy)]
pub(super) struct Pairs;

impl Stored for Pairs {
    type Word = i32;
    type Channels = HalfLanes;

    #[inline(always)]
    fn pitch(blocks: usize) -> usize {
        blocks
    }

    #[inline(always)]
    fn store<I: Isa>(isa: I, values: I::F32, position: &mut [HalfLanes], block: usize) {
        isa.store_halves(values, &mut position[block]);
    }

    fn flat(channels: &[HalfLanes]) -> &[i32] {
        channels.as_flattened()
    }

    fn room(words: &mut [i32]) -> &mut [HalfLanes] {
        words.as_chunks_mut().0
    }
}

impl Words for Pairs {
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
}

/// Two digits a 16-bit integer: of each sixty-four channels first the low ones,
/// then the high ones.
#[derive(Clone, Copy)]
pub(super) struct Digits;

/// Sixteens of channels whose digits fill a line.
const LINE_BLOCKS: usize = 4;

impl Stored for Digits {
    type Word = i32;
    type Channels = DigitLanes;

    #[inline(always)]
    fn pitch(blocks: usize) -> usize {
        2 * blocks.next_multiple_of(LINE_BLOCKS)
    }

    #[inline(always)]
    fn store<I: Isa>(isa: I, values: I::F32, position: &mut [DigitLanes], block: usize) {
        let (line, place) = (block / LINE_BLOCKS, block % LINE_BLOCKS);
        let digits = &mut position[2 * LINE_BLOCKS * line..][..2 * LINE_BLOCKS];
        let (low, high) = digits.split_at_mut(LINE_BLOCKS);
        isa.store_digits(values, &mut low[place], &mut high[place]);
    }

    fn flat(channels: &[DigitLanes]) -> &[i32] {
        channels.as_flattened()
    }

    fn room(words: &mut [i32]) -> &mut [DigitLanes] {
        words.as_chunks_mut().0
    }
}
