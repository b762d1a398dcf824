//! From the coefficients of a block to its samples, all 8 x 8 of them or fewer.
//!
//! A block of N samples a side takes the N lowest frequencies of each direction:
//! what the inverse transform of N points makes of them is the block at N eighths
//! of its size. This is how libjpeg scales (its `jidctred.c`), here in `f32`.
//! Eight points go by Arai, Agui and Nakajima (1988), whose five multiplications
//! ask for coefficients that were scaled beforehand.

use std::array::from_fn;
use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

/// Samples of a whole block's side.
pub(super) const SIDE: usize = 8;

/// How many frequencies of a direction are low.
const LOW: usize = 4;

/// The coefficients of a block, row-major by vertical frequency, each times its
/// quantisation step and the [`scale`] of both its frequencies.
pub(super) type Coefficients = [f32; SIDE * SIDE];

/// Draws a block into rows of `stride` samples, the first at the slice's start.
pub(super) type Draw = fn(&Coefficients, &mut [u8], usize);

/// cos(k pi / 16).
const COS: [f32; 8] = [
    1.0,
    0.980_785_25,
    0.923_879_5,
    0.831_469_6,
    FRAC_1_SQRT_2,
    0.555_570_24,
    0.382_683_43,
    0.195_090_32,
];

/// The middle of the samples' range, which coefficients leave out.
const MIDDLE: f32 = 128.0;

/// What a coefficient is multiplied by for its frequency in one direction, of
/// blocks with `n_samples` in that direction; 0 for frequencies beyond those.
///
/// T.81, A.3.3: half, and at frequency 0 half the square root of a half.
pub(super) fn scale(n_samples: usize, frequency: usize) -> f32 {
    if frequency >= n_samples {
        return 0.0;
    }
    let half = if frequency == 0 {
        FRAC_1_SQRT_2 / 2.0
    } else {
        0.5
    };
    if n_samples == SIDE && frequency > 0 {
        half * COS[frequency]
    } else {
        half
    }
}

/// What draws blocks of `across` x `down` samples, each a power of two up to 8.
pub(super) fn draw_of(across: usize, down: usize) -> Option<Draw> {
    match across {
        1 => of_width::<1>(down),
        2 => of_width::<2>(down),
        4 => of_width::<4>(down),
        8 => of_width::<8>(down),
        _ => None,
    }
}

fn of_width<const ACROSS: usize>(down: usize) -> Option<Draw> {
    match down {
        1 => Some(draw::<ACROSS, 1>),
        2 => Some(draw::<ACROSS, 2>),
        4 => Some(draw::<ACROSS, 4>),
        8 => Some(draw::<ACROSS, 8>),
        _ => None,
    }
}

/// Lanes lie beside each other in memory in both directions, so that each of
/// them becomes one instruction for all.
fn draw<const ACROSS: usize, const DOWN: usize>(
    coefficients: &Coefficients,
    samples: &mut [u8],
    stride: usize,
) {
    let mut half = [[0.0; ACROSS]; DOWN];
    for lane in 0..ACROSS {
        let values = points::<DOWN>(from_fn(|frequency| coefficients[frequency * SIDE + lane]));
        for (row, value) in half.iter_mut().zip(values) {
            row[lane] = value;
        }
    }
    let half: [[f32; DOWN]; ACROSS] = transposed(&half);
    let mut columns = [[0.0; DOWN]; ACROSS];
    for lane in 0..DOWN {
        let values = points::<ACROSS>(from_fn(|frequency| {
            half.get(frequency).map_or(0.0, |lanes| lanes[lane])
        }));
        for (column, value) in columns.iter_mut().zip(values) {
            column[lane] = value;
        }
    }
    write(&transposed(&columns), samples, stride);
}

/// [`draw`] for 8 x 8 samples of a block with nothing but low frequencies, 4 in
/// each direction: most blocks of colour have no others.
pub(super) fn draw_low(coefficients: &Coefficients, samples: &mut [u8], stride: usize) {
    let mut half = [[0.0; LOW]; SIDE];
    for lane in 0..LOW {
        let values = eight_low(from_fn(|frequency| coefficients[frequency * SIDE + lane]));
        for (row, value) in half.iter_mut().zip(values) {
            row[lane] = value;
        }
    }
    let half: [[f32; SIDE]; LOW] = transposed(&half);
    let mut columns = [[0.0; SIDE]; SIDE];
    for lane in 0..SIDE {
        let values = eight_low(from_fn(|frequency| half[frequency][lane]));
        for (column, value) in columns.iter_mut().zip(values) {
            column[lane] = value;
        }
    }
    write(&transposed(&columns), samples, stride);
}

#[inline(always)]
fn write<const ACROSS: usize, const DOWN: usize>(
    rows: &[[f32; ACROSS]; DOWN],
    samples: &mut [u8],
    stride: usize,
) {
    for (row, out) in rows.iter().zip(samples.chunks_mut(stride)) {
        for (sample, value) in out[..ACROSS].iter_mut().zip(row) {
            *sample = rounded(*value);
        }
    }
}

#[inline(always)]
fn transposed<const ROWS: usize, const COLUMNS: usize>(
    rows: &[[f32; COLUMNS]; ROWS],
) -> [[f32; ROWS]; COLUMNS] {
    let mut turned = [[0.0; ROWS]; COLUMNS];
    for (y, row) in rows.iter().enumerate() {
        for (column, value) in turned.iter_mut().zip(row) {
            column[y] = *value;
        }
    }
    turned
}

/// To the nearest sample. Numbers from 2^23 on have no fraction, so that adding
/// that leaves the rounded value in the lowest bits.
#[inline(always)]
fn rounded(value: f32) -> u8 {
    const WHOLE_FROM: f32 = 8_388_608.0;
    let sample = (value + MIDDLE).clamp(0.0, 255.0);
    let [lowest, ..] = (sample + WHOLE_FROM).to_bits().to_le_bytes();
    lowest
}

/// The inverse transform of the first `N` of these coefficients; what follows
/// the first `N` of its values means nothing.
#[inline(always)]
fn points<const N: usize>(x: [f32; SIDE]) -> [f32; SIDE] {
    let pairs = |even: [f32; 4], odd: [f32; 4], n_pairs: usize| {
        let mut values = [0.0; SIDE];
        for idx in 0..n_pairs {
            values[idx] = even[idx] + odd[idx];
            values[2 * n_pairs - 1 - idx] = even[idx] - odd[idx];
        }
        values
    };
    match N {
        1 => [x[0]; SIDE],
        2 => pairs([x[0]; 4], [x[1] * COS[4]; 4], 1),
        4 => {
            let middle = x[2] * COS[4];
            let even = [x[0] + middle, x[0] - middle, 0.0, 0.0];
            let odd = [
                x[1] * COS[2] + x[3] * COS[6],
                x[1] * COS[6] - x[3] * COS[2],
                0.0,
                0.0,
            ];
            pairs(even, odd, 2)
        }
        _ => {
            let (sum, difference) = (x[0] + x[4], x[0] - x[4]);
            let outer = x[2] + x[6];
            let inner = (x[2] - x[6]) * SQRT_2 - outer;
            let even = [
                sum + outer,
                difference + inner,
                difference - inner,
                sum - outer,
            ];
            pairs(even, eight_odd([x[1], x[3], x[5], x[7]]), 4)
        }
    }
}

/// Eight points of which the last four coefficients are zero.
#[inline(always)]
fn eight_low([x0, x1, x2, x3]: [f32; LOW]) -> [f32; SIDE] {
    let inner = x2 * (SQRT_2 - 1.0);
    let [even_0, even_1, even_2, even_3] = [x0 + x2, x0 + inner, x0 - inner, x0 - x2];
    let shared = (x1 - x3) * (2.0 * COS[2]);
    let odd_0 = x1 + x3;
    let odd_1 = shared + x3 * (2.0 * (COS[2] + COS[6])) - odd_0;
    let odd_2 = (x1 - x3) * SQRT_2 - odd_1;
    let odd_3 = shared - x1 * (2.0 * (COS[2] - COS[6])) - odd_2;
    [
        even_0 + odd_0,
        even_1 + odd_1,
        even_2 + odd_2,
        even_3 + odd_3,
        even_3 - odd_3,
        even_2 - odd_2,
        even_1 - odd_1,
        even_0 - odd_0,
    ]
}

/// The odd half of eight points: five multiplications, as two rotations share
/// one.
#[inline(always)]
fn eight_odd([x1, x3, x5, x7]: [f32; 4]) -> [f32; 4] {
    let (near, far) = (x1 + x7, x5 + x3);
    let (turned_near, turned_far) = (x1 - x7, x5 - x3);
    let shared = (turned_near + turned_far) * (2.0 * COS[2]);
    let first = near + far;
    let second = shared - turned_far * (2.0 * (COS[2] + COS[6])) - first;
    let third = (near - far) * SQRT_2 - second;
    let fourth = shared - turned_near * (2.0 * (COS[2] - COS[6])) - third;
    [first, second, third, fourth]
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use proptest::prelude::*;

    use super::*;

    /// T.81, A.3.3, for blocks of any size, from its formula.
    fn by_definition(coefficients: &[i16], (across, down): (usize, usize)) -> Vec<f64> {
        let weight = |frequency: usize| if frequency == 0 { 0.5_f64.sqrt() } else { 1.0 };
        let wave = |n_samples: usize, at: usize, frequency: usize| {
            weight(frequency) / 2.0
                * ((2 * at + 1) as f64 * frequency as f64 * PI / (2 * n_samples) as f64).cos()
        };
        let mut samples = Vec::new();
        for y in 0..down {
            for x in 0..across {
                let mut sum = 128.0;
                for v in 0..down {
                    for u in 0..across {
                        sum += f64::from(coefficients[v * 8 + u])
                            * wave(down, y, v)
                            * wave(across, x, u);
                    }
                }
                samples.push(sum);
            }
        }
        samples
    }

    fn drawn(coefficients: &[i16], (across, down): (usize, usize)) -> Vec<u8> {
        let scaled = from_fn(|at| {
            f32::from(coefficients[at]) * scale(down, at / SIDE) * scale(across, at % SIDE)
        });
        let mut samples = vec![0; across * down];
        draw_of(across, down).unwrap()(&scaled, &mut samples, across);
        samples
    }

    proptest! {
        #[test]
        fn every_size_is_what_the_formula_says(
            coefficients in proptest::collection::vec(-200_i16..200, 64),
            across in 0_u32..4,
            down in 0_u32..4,
        ) {
            let size = (1 << across, 1 << down);
            let exact = by_definition(&coefficients, size);
            for (found, exact) in drawn(&coefficients, size).into_iter().zip(exact) {
                let exact = exact.clamp(0.0, 255.0);
                prop_assert!((f64::from(found) - exact).abs() < 0.51, "{found} {exact}");
            }
        }

        #[test]
        fn any_coefficients_are_drawn(coefficients: Vec<i16>) {
            let mut all = coefficients;
            all.resize(64, i16::MAX);
            for size in [(1, 1), (2, 8), (8, 4), (8, 8)] {
                drawn(&all, size);
            }
        }
    }

    proptest! {
        #[test]
        fn low_frequencies_alone_are_drawn_alike(
            coefficients in proptest::collection::vec(-200_i16..200, 64),
        ) {
            let scaled = from_fn(|at| match (at / SIDE, at % SIDE) {
                (v, u) if v < LOW && u < LOW => {
                    f32::from(coefficients[at]) * scale(SIDE, v) * scale(SIDE, u)
                }
                _ => 0.0,
            });
            let (mut low, mut all) = ([0; 64], [0; 64]);
            draw_low(&scaled, &mut low, SIDE);
            draw::<SIDE, SIDE>(&scaled, &mut all, SIDE);
            for (low, all) in low.into_iter().zip(all) {
                prop_assert!(low.abs_diff(all) <= 1);
            }
        }
    }

    #[test]
    fn there_are_no_other_sizes() {
        for side in [0, 3, 5, 6, 7, 9, 16] {
            assert!(draw_of(side, 8).is_none() && draw_of(8, side).is_none());
        }
    }

    #[test]
    fn what_is_no_number_is_a_sample_too() {
        let mut samples = [7; 64];
        draw_of(8, 8).unwrap()(&[f32::NAN; 64], &mut samples, 8);
        draw_of(8, 8).unwrap()(&[f32::INFINITY; 64], &mut samples, 8);
    }
}
