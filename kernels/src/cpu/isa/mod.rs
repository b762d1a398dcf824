//! Instruction sets, each as a type whose value proves that this CPU has it.
//!
//! An algorithm is written once, over [`Isa`], in safe code; the files below
//! say what a vector of sixteen lanes is on one instruction set, and are the
//! only ones that hold `unsafe`. Sixteen lanes everywhere, so that weights and
//! activations have one layout: one register of AVX-512, two of AVX2, an array
//! in plain Rust.

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx2_vnni;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_vnni;
#[cfg(target_arch = "x86_64")]
mod forward;
mod path;
mod scalar;
#[cfg(test)]
mod tests;
mod tiles;

pub use path::{CpuPath, UnknownPath};

pub(crate) use path::{Precision, Proof};
#[cfg(test)]
pub(crate) use scalar::halves;
pub(crate) use scalar::join;
pub(crate) use tiles::{DIGITS_MAX, DigitLine, DigitSums, STEP_LINES, TILE_SIDE, Tiles, split};

/// Lanes of a vector.
pub(crate) const LANES: usize = 16;

/// Sixteen values in memory.
pub(crate) type Lanes = [f32; LANES];

/// Sixteen pairs of 16-bit integers in memory, the first of a pair in the low
/// half.
pub(crate) type PairLanes = [i32; LANES];

/// Sixteen 16-bit integers in memory, two in each word.
pub(crate) type HalfLanes = [i32; LANES / 2];

/// Sixteen digits in memory, four in each word, the first in the lowest byte.
pub(crate) type DigitLanes = [i32; LANES / 4];

/// Sixteen lanes on one instruction set. A value exists only where the CPU has
/// that instruction set, so every method is safe to call; all of them must be
/// inlined into [`Isa::run`] to be fast.
pub(crate) trait Isa: Copy + Send + Sync + 'static {
    /// Positions of a tile of a matrix product.
    const TILE_ROWS: usize;
    /// Vectors of output channels of such a tile. With the rows they fill the
    /// registers, less what a step needs.
    const TILE_VECTORS: usize;

    /// Sixteen floats.
    type F32: Copy;
    /// Sixteen 32-bit integers, or sixteen pairs of 16-bit integers.
    type I32: Copy;
    /// What multiplies digits on one thread.
    type Tiles: Tiles;

    /// Runs `job` compiled for this instruction set.
    fn run<J: Job>(self, job: J) -> J::Output;

    /// Asks for the line that `values` starts in, which will be read soon.
    fn prefetch<T>(self, values: &T);

    /// `value` in every lane.
    fn splat(self, value: f32) -> Self::F32;
    /// From memory.
    fn load(self, values: &Lanes) -> Self::F32;
    /// To memory.
    fn store(self, values: Self::F32, out: &mut Lanes);
    /// `a + b`
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a * b`
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a * b + c`, rounded once where the CPU can.
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// The smaller, lane by lane.
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// The larger, lane by lane.
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Rounds to integers, halves to even, and stores the low 16 bits of each;
    /// values are within -32768..=32767.
    fn store_halves(self, values: Self::F32, out: &mut HalfLanes);

    /// Rounds to integers, halves to even, and stores the two signed digits to
    /// the base of 256 of each; values are within ±[`DIGITS_MAX`].
    fn store_digits(self, values: Self::F32, low: &mut DigitLanes, high: &mut DigitLanes);

    /// `word` in every lane.
    fn splat_pair(self, word: i32) -> Self::I32;
    /// From memory.
    fn load_pairs(self, words: &PairLanes) -> Self::I32;
    /// `sum + a.low * b.low + a.high * b.high`, lane by lane, in 32 bits.
    fn add_pair_products(self, a: Self::I32, b: Self::I32, sum: Self::I32) -> Self::I32;
    /// What the sums of [`DigitSums`] amount to, in their order, in 32 bits.
    fn join_digit_sums(self, sums: [Self::I32; 4]) -> Self::I32;
    /// To floats, rounded to nearest.
    fn to_floats(self, values: Self::I32) -> Self::F32;

    /// Makes the thread ready to multiply digits, of which it has one at a time.
    fn tiles(self) -> Self::Tiles;
}

/// Runs a job compiled for the instruction set that [`Proof::choose`] gives it.
pub(crate) struct Start<J>(pub(crate) J);

impl<J: Job> Job for Start<J> {
    type Output = J::Output;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> J::Output {
        isa.run(self.0)
    }
}

/// Work written over any instruction set.
pub(crate) trait Job {
    /// What comes out.
    type Output;
    /// The work. Called by [`Isa::run`], it must be `#[inline(always)]`, and
    /// everything in it that touches vectors too.
    fn run<I: Isa>(self, isa: I) -> Self::Output;
}
