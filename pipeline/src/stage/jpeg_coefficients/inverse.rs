//! From the coefficients of a block to its samples at a half, a quarter or an
//! eighth of its size.
//!
//! A block of N samples a side takes the N lowest frequencies of each direction:
//! what the inverse transform of N points makes of them is the block at N eighths
//! of its size. This is how libjpeg scales (its `jidctred.c`), here in `f32`.

use std::array::from_fn;
use std::f32::consts::FRAC_1_SQRT_2;

use super::reduced::Eighths;

/// How many frequencies of a direction the largest of these blocks takes.
pub(super) const LOW: usize = 4;

/// How many blocks are drawn at once, each in a lane of its own.
pub(super) const LANES: usize = 4;

/// A number of each block.
pub(super) type Lanes = [f32; LANES];

/// The low coefficients of some blocks, row-major by vertical frequency, each
/// times its quantisation step and the [`scale`] of both its frequencies.
pub(super) type Coefficients = [Lanes; LOW * LOW];

/// A row of each block's samples, from the first on; those that a block of the
/// size does not have mean nothing.
pub(super) type Row = [[u8; LOW]; LANES];

/// Draws blocks. Rows that blocks of the size do not have mean nothing.
pub(super) type Draw = fn(&Coefficients) -> [Row; LOW];

/// cos(2 k pi / 16), for k = 1 and 3.
const COS_2: f32 = 0.923_879_5;
const COS_6: f32 = 0.382_683_43;

/// The middle of the samples' range, which coefficients leave out.
const MIDDLE: f32 = 128.0;

/// What a coefficient is multiplied by for its frequency in one direction.
///
/// T.81, A.3.3: half, and at frequency 0 half the square root of a half.
pub(super) fn scale(frequency: usize) -> f32 {
    if frequency == 0 {
        FRAC_1_SQRT_2 / 2.0
    } else {
        0.5
    }
}

/// What draws blocks at this size.
pub(super) fn draw_of(eighths: Eighths) -> Draw {
    match eighths {
        Eighths::One => draw::<1>,
        Eighths::Two => draw::<2>,
        Eighths::Four => draw::<4>,
    }
}

/// Every step is the same for all lanes, so that it becomes one instruction.
fn draw<const N: usize>(coefficients: &Coefficients) -> [Row; LOW] {
    let mut columns = [[[0.0; LANES]; LOW]; LOW];
    for (u, column) in columns.iter_mut().enumerate().take(N) {
        *column = points::<N>(from_fn(|v| coefficients[v * LOW + u]));
    }
    let mut rows = [Row::default(); LOW];
    for (y, row) in rows.iter_mut().enumerate().take(N) {
        let values = points::<N>(from_fn(|u| columns[u][y]));
        let [first, second, third, fourth] = values.map(rounded);
        *row = from_fn(|lane| {
            let word = first[lane] | second[lane] << 8 | third[lane] << 16 | fourth[lane] << 24;
            word.to_le_bytes()
        });
    }
    rows
}

/// To the nearest sample. Numbers from 2^23 on have no fraction, so that adding
/// that leaves the rounded value in the lowest bits.
#[inline(always)]
fn rounded(values: Lanes) -> [u32; LANES] {
    const WHOLE_FROM: f32 = 8_388_608.0;
    values.map(|value| {
        let sample = (value + MIDDLE).clamp(0.0, 255.0);
        (sample + WHOLE_FROM).to_bits() & 0xFF
    })
}

/// The sample that all of a block are that has nothing but its mean.
pub(super) fn sample_of(mean: f32) -> u8 {
    let [sample, ..] = rounded([mean; LANES]);
    u8::try_from(sample).unwrap_or(u8::MAX)
}

/// The inverse transform of the first `N` of these coefficients; what follows
/// the first `N` of its values means nothing.
#[inline(always)]
fn points<const N: usize>(x: [Lanes; LOW]) -> [Lanes; LOW] {
    let lanes = |value: &dyn Fn(usize) -> f32| -> Lanes { from_fn(value) };
    let sum = |a: Lanes, b: Lanes| lanes(&|lane| a[lane] + b[lane]);
    let difference = |a: Lanes, b: Lanes| lanes(&|lane| a[lane] - b[lane]);
    let times = |a: Lanes, factor: f32| lanes(&|lane| a[lane] * factor);
    match N {
        1 => [x[0]; LOW],
        2 => {
            let odd = times(x[1], FRAC_1_SQRT_2);
            let (first, second) = (sum(x[0], odd), difference(x[0], odd));
            [first, second, second, second]
        }
        _ => {
            let middle = times(x[2], FRAC_1_SQRT_2);
            let (outer, inner) = (sum(x[0], middle), difference(x[0], middle));
            let odd_outer = sum(times(x[1], COS_2), times(x[3], COS_6));
            let odd_inner = difference(times(x[1], COS_6), times(x[3], COS_2));
            [
                sum(outer, odd_outer),
                sum(inner, odd_inner),
                difference(inner, odd_inner),
                difference(outer, odd_outer),
            ]
        }
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use proptest::prelude::*;

    use super::*;

    const SIZES: [Eighths; 3] = [Eighths::One, Eighths::Two, Eighths::Four];

    /// T.81, A.3.3, for blocks of any size, from its formula.
    fn by_definition(coefficients: &[i16], side: usize) -> Vec<f64> {
        let weight = |frequency: usize| if frequency == 0 { 0.5_f64.sqrt() } else { 1.0 };
        let wave = |at: usize, frequency: usize| {
            weight(frequency) / 2.0
                * ((2 * at + 1) as f64 * frequency as f64 * PI / (2 * side) as f64).cos()
        };
        let mut samples = Vec::new();
        for y in 0..side {
            for x in 0..side {
                let mut sum = 128.0;
                for v in 0..side {
                    for u in 0..side {
                        sum += f64::from(coefficients[v * LOW + u]) * wave(y, v) * wave(x, u);
                    }
                }
                samples.push(sum);
            }
        }
        samples
    }

    /// The samples of each lane's block.
    fn drawn(blocks: [&[i16]; LANES], eighths: Eighths) -> [Vec<u8>; LANES] {
        let scaled = from_fn(|at| {
            blocks.map(|block| f32::from(block[at]) * scale(at / LOW) * scale(at % LOW))
        });
        let rows = draw_of(eighths)(&scaled);
        let side = eighths.count();
        from_fn(|lane| {
            let rows = rows[..side].iter();
            rows.flat_map(|row| row[lane][..side].to_vec()).collect()
        })
    }

    proptest! {
        #[test]
        fn every_size_is_what_the_formula_says(
            coefficients in proptest::collection::vec(-200_i16..200, LANES * LOW * LOW),
            eighths in proptest::sample::select(&SIZES[..]),
        ) {
            let (blocks, _) = coefficients.as_chunks::<{ LOW * LOW }>();
            let found = drawn(from_fn(|lane| &blocks[lane][..]), eighths);
            for (found, block) in found.iter().zip(blocks) {
                let exact = by_definition(block, eighths.count());
                prop_assert_eq!(found.len(), exact.len());
                for (found, exact) in found.iter().zip(exact) {
                    let exact = exact.clamp(0.0, 255.0);
                    prop_assert!((f64::from(*found) - exact).abs() < 0.51, "{found} {exact}");
                }
            }
        }

        #[test]
        fn any_coefficients_are_drawn(coefficients: [i16; LOW * LOW]) {
            for eighths in SIZES {
                drawn([&coefficients; LANES], eighths);
            }
        }

        #[test]
        fn a_mean_alone_fills_the_block(mean: i16) {
            let mut coefficients = [0; LOW * LOW];
            coefficients[0] = mean;
            let sample = sample_of(f32::from(mean) * scale(0) * scale(0));
            for eighths in SIZES {
                for block in drawn([&coefficients; LANES], eighths) {
                    prop_assert!(block.iter().all(|found| *found == sample));
                }
            }
        }
    }

    #[test]
    fn what_is_no_number_is_a_sample_too() {
        for value in [f32::NAN, f32::INFINITY] {
            draw_of(Eighths::Four)(&[[value; LANES]; LOW * LOW]);
            sample_of(value);
        }
    }
}
