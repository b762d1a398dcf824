//! What this CPU could do at most, to hold against what a network gets.

use std::hint::black_box;

use super::isa::{
    CpuPath, DigitSums, Isa, Job, LANES, Lanes, Proof, STEP_LINES, Start, TILE_SIDE, Tiles,
};

/// Vectors of sums in a round.
const N_SUMS: usize = 18;
/// As many of them as sixteen registers of half a vector hold, with a factor.
/// They do not wait for each other and are more than any CPU has in flight.
const N_SUMS_NARROW: usize = N_SUMS / 3;

/// Multiply-adds that [`multiply_add`] does in a round.
pub const FLOATS_A_ROUND: u64 = 18 * 16;

/// Multiply-adds that [`multiply_add_pairs`] does in a round.
pub const PAIRS_A_ROUND: u64 = 2 * FLOATS_A_ROUND;

/// Steps of a tile of digits in a round: what a first level cache holds.
const N_STEPS: usize = 8;

/// Multiply-adds that [`multiply_add_digits`] does in a round.
pub const DIGITS_A_ROUND: u64 = 16 * 16 * 64 * 8;

// What is counted above is what is done.
const _: () =
    assert!(N_SUMS * LANES == 18 * 16 && TILE_SIDE * LANES * 64 * N_STEPS == 16 * 16 * 64 * 8);

/// Multiplies and adds floats in registers on `path`, [`FLOATS_A_ROUND`] times
/// `rounds`. `None` where the CPU lacks the path.
pub fn multiply_add(path: CpuPath, rounds: u64) -> Option<f32> {
    Some(Proof::of(path)?.choose(Start(Floats(rounds))))
}

/// The same in pairs of 16-bit integers, [`PAIRS_A_ROUND`] times `rounds`.
pub fn multiply_add_pairs(path: CpuPath, rounds: u64) -> Option<f32> {
    Some(Proof::of(path)?.choose(Start(Pairs(rounds))))
}

/// The same in 16-bit integers of two digits each, from the first level cache,
/// [`DIGITS_A_ROUND`] times `rounds`; in plain Rust where the CPU has no tiles.
pub fn multiply_add_digits(path: CpuPath, rounds: u64) -> Option<f32> {
    Some(Proof::of(path)?.choose(Start(Digits(rounds))))
}

/// Reads `memory` once on `path`. `None` where the CPU lacks the path.
pub fn read(path: CpuPath, memory: &[f32]) -> Option<f32> {
    Some(Proof::of(path)?.choose(Start(Read(memory))))
}

struct Floats(u64);

impl Job for Floats {
    type Output = f32;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> f32 {
        match I::TILE_ROWS {
            6 => floats::<I, N_SUMS_NARROW>(isa, self.0 * 3),
            _ => floats::<I, N_SUMS>(isa, self.0),
        }
    }
}

#[inline(always)]
fn floats<I: Isa, const N: usize>(isa: I, rounds: u64) -> f32 {
    let factor = isa.splat(black_box(0.5));
    let mut sums = [isa.splat(0.0); N];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = isa.mul_add(factor, factor, *sum);
        }
    }
    total(isa, &sums)
}

struct Pairs(u64);

impl Job for Pairs {
    type Output = f32;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> f32 {
        match I::TILE_ROWS {
            6 => pairs::<I, N_SUMS_NARROW>(isa, self.0 * 3),
            _ => pairs::<I, N_SUMS>(isa, self.0),
        }
    }
}

/// Each sum is multiplied itself: where that is an instruction of its own, one
/// product of a factor would serve all sums.
#[inline(always)]
fn pairs<I: Isa, const N: usize>(isa: I, rounds: u64) -> f32 {
    // The sums' high halves are 1 as well, so each round adds 1 to their low ones.
    let factor = isa.splat_pair(black_box(1 << 16));
    let mut sums = [isa.splat_pair(1 << 16); N];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = isa.add_pair_products(factor, *sum, *sum);
        }
    }
    let start = isa.splat(-65_536.0);
    let mut floats = [start; N];
    for (float, sum) in floats.iter_mut().zip(sums) {
        *float = isa.add(isa.to_floats(sum), start);
    }
    total(isa, &floats)
}

struct Digits(u64);

impl Job for Digits {
    type Output = f32;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> f32 {
        // Every digit is 1.
        let line = [0x0101_0101; LANES];
        let inputs = vec![line; TILE_SIDE * 2 * N_STEPS];
        let weights = vec![line; STEP_LINES * N_STEPS];
        let mut sums: DigitSums = [[[0; LANES]; TILE_SIDE]; 4];
        let mut tiles = isa.tiles();
        for _ in 0..self.0 {
            tiles.multiply(black_box(&inputs), 2 * N_STEPS, &weights, &mut sums);
        }
        let parts = sums.each_ref().map(|sums| isa.load_pairs(&sums[0]));
        total(isa, &[isa.to_floats(isa.join_digit_sums(parts))])
    }
}

struct Read<'a>(&'a [f32]);

impl Job for Read<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> f32 {
        let mut sums = [isa.splat(0.0); 8];
        let (lines, _) = self.0.as_chunks::<{ 8 * LANES }>();
        for line in lines {
            for (sum, values) in sums.iter_mut().zip(line.as_chunks().0) {
                *sum = isa.add(*sum, isa.load(values));
            }
        }
        total(isa, &sums)
    }
}

#[inline(always)]
fn total<I: Isa>(isa: I, sums: &[I::F32]) -> f32 {
    let mut total = isa.splat(0.0);
    for &sum in sums {
        total = isa.add(total, sum);
    }
    let mut lanes: Lanes = [0.0; LANES];
    isa.store(total, &mut lanes);
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_is_done() {
        for path in CpuPath::available() {
            let lanes = 18.0 * 16.0;
            assert_eq!(multiply_add(path, 8), Some(lanes * 8.0 * 0.25));
            assert_eq!(multiply_add_pairs(path, 8), Some(lanes * 8.0));
            let number = 257.0;
            assert_eq!(
                multiply_add_digits(path, 2),
                Some(16.0 * 512.0 * number * number)
            );
            assert_eq!(read(path, &[0.5; 256]), Some(128.0));
        }
    }
}
