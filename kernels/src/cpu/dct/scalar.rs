//! The transform by its definition (T.81, A.3.3), in f64.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::SIDE;

/// Samples before they are rounded and kept within their range, row by row, from
/// coefficients by vertical and then by horizontal frequency.
pub(super) fn inverse(coefficients: &[f64; SIDE * SIDE]) -> [f64; SIDE * SIDE] {
    let wave = |at: usize, frequency: usize| {
        let weight = if frequency == 0 { FRAC_1_SQRT_2 } else { 1.0 };
        let angle = (2 * at + 1) as f64 * frequency as f64 * PI / 16.0;
        weight / 2.0 * angle.cos()
    };
    std::array::from_fn(|at| {
        let (y, x) = (at / SIDE, at % SIDE);
        let parts = coefficients.iter().enumerate().map(|(place, coefficient)| {
            coefficient * wave(y, place / SIDE) * wave(x, place % SIDE)
        });
        128.0 + parts.sum::<f64>()
    })
}
