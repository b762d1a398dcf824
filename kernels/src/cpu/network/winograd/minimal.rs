//! Minimal filtering along one axis: six values, three weights, four results.

use super::super::super::isa::Isa;

/// Sides of what is read and of what comes out.
pub(super) const SIDE: usize = 6;
pub(super) const STEP: usize = 4;
/// Products of a square.
pub(super) const N_PRODUCTS: usize = SIDE * SIDE;

/// What three weights in a row are multiplied with: the polynomial that they
/// are, at 0, 1, -1, 2, -2 and infinity, shared out so that [`take`] needs no
/// fractions.
pub(super) const TAPS: [[f64; 3]; SIDE] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

/// Six values in a row as what is multiplied with [`TAPS`].
#[inline(always)]
pub(super) fn take<I: Isa>(isa: I, d: [I::F32; SIDE]) -> [I::F32; SIDE] {
    let [minus_five, minus_four] = [isa.splat(-5.0), isa.splat(-4.0)];
    let [minus_two, minus_one] = [isa.splat(-2.0), isa.splat(-1.0)];
    let [two, four] = [isa.splat(2.0), isa.splat(4.0)];
    let odd = isa.mul_add(d[1], minus_four, d[3]);
    let even = isa.mul_add(d[2], minus_four, d[4]);
    let odd_halves = isa.mul_add(d[1], minus_one, d[3]);
    let even_halves = isa.mul_add(d[2], minus_one, d[4]);
    [
        isa.mul_add(d[0], four, isa.mul_add(d[2], minus_five, d[4])),
        isa.add(even, odd),
        isa.mul_add(odd, minus_one, even),
        isa.mul_add(odd_halves, two, even_halves),
        isa.mul_add(odd_halves, minus_two, even_halves),
        isa.mul_add(d[1], four, isa.mul_add(d[3], minus_five, d[5])),
    ]
}

/// Four results in a row of six sums.
#[inline(always)]
pub(super) fn give<I: Isa>(isa: I, m: [I::F32; SIDE]) -> [I::F32; STEP] {
    let minus_one = isa.splat(-1.0);
    let (near, far) = (isa.add(m[1], m[2]), isa.add(m[3], m[4]));
    let near_odd = isa.mul_add(m[2], minus_one, m[1]);
    let far_odd = isa.mul_add(m[4], minus_one, m[3]);
    [
        isa.add(m[0], isa.add(near, far)),
        isa.mul_add(far_odd, isa.splat(2.0), near_odd),
        isa.mul_add(far, isa.splat(4.0), near),
        isa.add(m[5], isa.mul_add(far_odd, isa.splat(8.0), near_odd)),
    ]
}
