//! From the coefficients of JPEG blocks to their samples: the inverse discrete
//! cosine transform of 8 x 8 points (ITU-T T.81, A.3.3), sixteen blocks at once,
//! each in a lane of its own.
//!
//! A transform of eight points is split into the even and the odd frequencies: the
//! second half of the samples are the first half's with the odd ones' part taken
//! away. In f32, so that what is exact to a quarter of a sample step stays so; the
//! integer transforms of common decoders differ from the definition by up to one.

#[cfg(test)]
mod scalar;
#[cfg(test)]
mod tests;

use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

use super::isa::{CpuPath, HalfLanes, Isa, Job, LANES, Lanes, Proof, Start};

/// Samples along each side of a block.
pub const SIDE: usize = 8;

/// How many blocks are transformed at once.
pub const BLOCKS: usize = LANES;

/// The quantised coefficients of [`BLOCKS`] blocks: by zigzag position (T.81, figure
/// A.6), then by block.
pub type Coefficients = [[i16; BLOCKS]; SIDE * SIDE];

/// The samples of [`BLOCKS`] blocks: by row, then by block.
pub type Samples = [[[u8; SIDE]; BLOCKS]; SIDE];

/// The middle of the samples' range, which coefficients leave out.
const MIDDLE: f32 = 128.0;

/// cos(k pi / 16).
const COS: [f32; SIDE] = [
    1.0,
    0.980_785_25,
    0.923_879_5,
    0.831_469_6,
    FRAC_1_SQRT_2,
    0.555_570_24,
    0.382_683_43,
    0.195_090_32,
];

/// By zigzag position: the place in a block, row by row.
const ZIGZAG: [u8; SIDE * SIDE] = zigzag();

const fn zigzag() -> [u8; SIDE * SIDE] {
    let mut places = [0; SIDE * SIDE];
    let (mut row, mut column) = (0_u8, 0_u8);
    let mut position = 0;
    while position < SIDE * SIDE {
        places[position] = row * 8 + column;
        position += 1;
        match (row, column, (row + column) % 2) {
            (_, 7, 0) => row += 1,
            (7, _, 1) => column += 1,
            (0, _, 0) => column += 1,
            (_, 0, 1) => row += 1,
            (_, _, 0) => (row, column) = (row - 1, column + 1),
            _ => (row, column) = (row + 1, column - 1),
        }
    }
    places
}

/// By place: the zigzag position.
const POSITIONS: [u8; SIDE * SIDE] = positions();

const fn positions() -> [u8; SIDE * SIDE] {
    let mut positions = [0; SIDE * SIDE];
    let mut position: u8 = 0;
    while (position as usize) < SIDE * SIDE {
        positions[ZIGZAG[position as usize] as usize] = position;
        position += 1;
    }
    positions
}

/// What each coefficient is multiplied by.
#[derive(Clone, Debug)]
pub struct Steps([f32; SIDE * SIDE]);

impl Steps {
    /// From a quantisation table, by zigzag position.
    pub fn new(table: &[u16; SIDE * SIDE]) -> Self {
        let mut steps = [0.0; SIDE * SIDE];
        for (step, place) in table.iter().zip(ZIGZAG) {
            let (v, u) = (usize::from(place) / SIDE, usize::from(place) % SIDE);
            steps[usize::from(place)] = f32::from(*step) * SCALES[v] * SCALES[u];
        }
        Self(steps)
    }
}

/// By frequency in one direction: T.81's half, at frequency 0 half the square root
/// of a half, and at frequency 4 the cosine that all its samples have in common.
const SCALES: [f32; SIDE] = [
    SQRT_2 / 4.0,
    0.5,
    0.5,
    0.5,
    FRAC_1_SQRT_2 / 2.0,
    0.5,
    0.5,
    0.5,
];

/// The transform, on the instructions that this CPU has.
#[derive(Clone, Copy)]
pub struct InverseDct(Proof);

impl InverseDct {
    /// On the fastest instructions of this CPU.
    pub fn new() -> Self {
        Self(Proof::of_best())
    }

    /// On those of `path`; `None` where the CPU lacks them.
    pub fn on(path: CpuPath) -> Option<Self> {
        Proof::of(path).map(Self)
    }

    /// The samples of all blocks, rounded and kept within 0..=255.
    #[inline]
    pub fn run(&self, coefficients: &Coefficients, steps: &Steps, samples: &mut Samples) {
        self.0.choose(Start(Transform {
            coefficients,
            steps,
            samples,
        }));
    }
}

impl Default for InverseDct {
    fn default() -> Self {
        Self::new()
    }
}

struct Transform<'a> {
    coefficients: &'a Coefficients,
    steps: &'a Steps,
    samples: &'a mut Samples,
}

impl Job for Transform<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let mut columns: [Lanes; SIDE * SIDE] = [[0.0; LANES]; SIDE * SIDE];
        for u in 0..SIDE {
            let middle = if u == 0 { MIDDLE } else { 0.0 };
            let values = points(
                isa,
                [
                    isa.add(self.scaled(isa, 0, u), isa.splat(middle)),
                    self.scaled(isa, 1, u),
                    self.scaled(isa, 2, u),
                    self.scaled(isa, 3, u),
                    self.scaled(isa, 4, u),
                    self.scaled(isa, 5, u),
                    self.scaled(isa, 6, u),
                    self.scaled(isa, 7, u),
                ],
            );
            for y in 0..SIDE {
                isa.store(values[y], &mut columns[y * SIDE + u]);
            }
        }
        for (row, samples) in columns.as_chunks::<SIDE>().0.iter().zip(self.samples) {
            let [a, b, c, d, e, f, g, h] = row;
            let values = points(
                isa,
                [
                    isa.load(a),
                    isa.load(b),
                    isa.load(c),
                    isa.load(d),
                    isa.load(e),
                    isa.load(f),
                    isa.load(g),
                    isa.load(h),
                ],
            );
            pack(isa, values, samples);
        }
    }
}

impl Transform<'_> {
    #[inline(always)]
    fn scaled<I: Isa>(&self, isa: I, v: usize, u: usize) -> I::F32 {
        let place = v * SIDE + u;
        let mut floats: Lanes = [0.0; LANES];
        let values = &self.coefficients[usize::from(POSITIONS[place])];
        for (float, value) in floats.iter_mut().zip(values) {
            *float = f32::from(*value);
        }
        isa.mul(isa.load(&floats), isa.splat(self.steps.0[place]))
    }
}

/// The inverse transform of eight scaled points.
#[inline(always)]
fn points<I: Isa>(isa: I, x: [I::F32; SIDE]) -> [I::F32; SIDE] {
    let (outer, inner) = (isa.add(x[0], x[4]), subtract(isa, x[0], x[4]));
    let slope = turned(isa, [x[2], x[6]], [COS[2], COS[6]]);
    let curve = turned(isa, [x[2], x[6]], [COS[6], -COS[2]]);
    let even = [
        isa.add(outer, slope),
        isa.add(inner, curve),
        subtract(isa, inner, curve),
        subtract(isa, outer, slope),
    ];
    let odd = [x[1], x[3], x[5], x[7]];
    let odd = [
        odd_part(isa, odd, [COS[1], COS[3], COS[5], COS[7]]),
        odd_part(isa, odd, [COS[3], -COS[7], -COS[1], -COS[5]]),
        odd_part(isa, odd, [COS[5], -COS[1], COS[7], COS[3]]),
        odd_part(isa, odd, [COS[7], -COS[5], COS[3], -COS[1]]),
    ];
    [
        isa.add(even[0], odd[0]),
        isa.add(even[1], odd[1]),
        isa.add(even[2], odd[2]),
        isa.add(even[3], odd[3]),
        subtract(isa, even[3], odd[3]),
        subtract(isa, even[2], odd[2]),
        subtract(isa, even[1], odd[1]),
        subtract(isa, even[0], odd[0]),
    ]
}

#[inline(always)]
fn subtract<I: Isa>(isa: I, a: I::F32, b: I::F32) -> I::F32 {
    isa.mul_add(b, isa.splat(-1.0), a)
}

#[inline(always)]
fn turned<I: Isa>(isa: I, x: [I::F32; 2], by: [f32; 2]) -> I::F32 {
    isa.mul_add(x[1], isa.splat(by[1]), isa.mul(x[0], isa.splat(by[0])))
}

#[inline(always)]
fn odd_part<I: Isa>(isa: I, x: [I::F32; 4], by: [f32; 4]) -> I::F32 {
    let sum = turned(isa, [x[0], x[1]], [by[0], by[1]]);
    let sum = isa.mul_add(x[2], isa.splat(by[2]), sum);
    isa.mul_add(x[3], isa.splat(by[3]), sum)
}

/// A row of each block as bytes: two samples make a 16-bit integer, four of those
/// the row.
#[inline(always)]
fn pack<I: Isa>(isa: I, values: [I::F32; SIDE], samples: &mut [[u8; SIDE]; LANES]) {
    let mut pairs: [HalfLanes; SIDE / 2] = [[0; LANES / 2]; SIDE / 2];
    for at in 0..SIDE / 2 {
        // Kept within the range of signed integers, which turns the highest bit.
        let first = isa.add(rounded(isa, values[2 * at]), isa.splat(-32_768.0));
        let second = rounded(isa, values[2 * at + 1]);
        isa.store_halves(isa.mul_add(second, isa.splat(256.0), first), &mut pairs[at]);
    }
    for (word_idx, two) in samples.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        let [a, b, c, d] = [0, 1, 2, 3].map(|at: usize| pairs[at][word_idx].cast_unsigned());
        two[0] = row_of(a & 0xFFFF | b << 16, c & 0xFFFF | d << 16);
        two[1] = row_of(a >> 16 | b & 0xFFFF_0000, c >> 16 | d & 0xFFFF_0000);
    }
}

#[inline(always)]
fn row_of(low: u32, high: u32) -> [u8; SIDE] {
    let row = u64::from(low) | u64::from(high) << 32;
    (row ^ 0x8000_8000_8000_8000).to_le_bytes()
}

/// To the nearest sample, halves to even. Numbers from 2^23 on have no fraction.
#[inline(always)]
fn rounded<I: Isa>(isa: I, value: I::F32) -> I::F32 {
    const WHOLE_FROM: f32 = 8_388_608.0;
    let sample = isa.min(isa.max(value, isa.splat(0.0)), isa.splat(255.0));
    isa.add(
        isa.add(sample, isa.splat(WHOLE_FROM)),
        isa.splat(-WHOLE_FROM),
    )
}
