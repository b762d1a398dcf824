//! A 3x3 convolution with a quarter of the multiplications: Winograd's minimal
//! filtering F(4x4, 3x3), after Lavin and Gray, "Fast Algorithms for
//! Convolutional Neural Networks", 2015.
//!
//! Six by six values become thirty-six others, each of which is multiplied with
//! a weight of its own; sums of those products over all channels become four by
//! four results. So a picture is cut into squares of six by six that overlap by
//! two, and the convolution is thirty-six matrix products over squares, of which
//! as many are gone through at once as fit the second level cache.
#![expect(
    clippy::needless_range_loop,
    reason = "a square is indexed in two directions, and its loops must unroll"
)]

use std::ops::Range;

use super::super::isa::{Isa, Job, LANES, Lanes};
use super::aligned::Aligned;
use super::conv::lanes;
use super::layer::{Conv, Padding};
use super::matrix::{Matrix, Source};
use super::product::{Base, Finish, Out, Product, View};
use super::shape::Shape;
use super::words::Floats;

/// Sides of what is read and of what comes out.
const SIDE: usize = 6;
const STEP: usize = 4;
/// Products of a square.
const N_PRODUCTS: usize = SIDE * SIDE;
/// Squares gone through at once; whole tiles of a product.
const BAND_SQUARES: usize = 28;
/// Sixteens of output channels gone through at once.
const GROUP_BLOCKS: usize = 6;
/// No place in any picture.
const BEYOND: usize = usize::MAX / 2;
/// Channels from which products are long enough to pay for what is around them.
const CHANNELS_MIN: usize = 32;

/// A convolution of a plan.
pub(super) struct WinogradStep {
    /// One for each place of a square.
    matrices: Vec<Matrix<Floats>>,
    bias: Vec<Lanes>,
    /// Sums have none before they are results.
    no_bias: Vec<Lanes>,
    pub(super) from: Shape,
    pub(super) to: Shape,
    padding: Padding,
    bounds: (f32, f32),
}

/// Memory of such a convolution while it runs, as large as the largest of a
/// plan.
#[derive(Default)]
pub(super) struct WinogradMemory {
    inputs: Aligned<f32>,
    sums: Aligned<f32>,
}

/// Values that [`WinogradMemory`] must hold.
#[derive(Clone, Copy, Default)]
pub(super) struct WinogradSizes {
    pub(super) inputs: usize,
    pub(super) sums: usize,
}

impl WinogradMemory {
    pub(super) fn new(sizes: WinogradSizes) -> Self {
        Self {
            inputs: Aligned::zeros(sizes.inputs),
            sums: Aligned::zeros(sizes.sums),
        }
    }
}

impl WinogradStep {
    /// Whether `conv` from a picture of `from` to one of `to` can be computed so
    /// and is faster then: a few squares would not be worth their many weights.
    pub(super) fn suits(conv: &Conv, from: Shape, to: Shape) -> bool {
        let n_squares = to.height.div_ceil(STEP) * to.width.div_ceil(STEP);
        (conv.kernel_height, conv.kernel_width, conv.stride) == (3, 3, 1)
            && from.channels.min(to.channels) >= CHANNELS_MIN
            && n_squares >= BAND_SQUARES
    }

    /// `conv`, which suits.
    pub(super) fn new(conv: &Conv, from: Shape, to: Shape) -> Self {
        let n_weights = from.channels * to.channels;
        let matrix = |product: usize| {
            let (row, column) = (TAPS[product / SIDE], TAPS[product % SIDE]);
            Matrix::floats(&Source {
                inputs: from.blocks() * LANES,
                outputs: to.channels,
                value: |input, output| {
                    if input >= from.channels {
                        return 0.0;
                    }
                    let place = input * to.channels + output;
                    let weight = |tap: usize| f64::from(conv.weights[tap * n_weights + place]);
                    let sum = (0..9).map(|tap| row[tap / 3] * column[tap % 3] * weight(tap));
                    to_f32(sum.sum())
                },
            })
        };
        Self {
            matrices: (0..N_PRODUCTS).map(matrix).collect(),
            bias: lanes(&conv.bias),
            no_bias: vec![[0.0; LANES]; to.blocks()],
            from,
            to,
            padding: conv.padding,
            bounds: conv.activation.bounds(),
        }
    }

    pub(super) fn n_weights(&self) -> usize {
        9 * self.from.channels * self.to.channels
    }

    /// Of the convolution as it is defined, of which a quarter is computed.
    pub(super) fn multiply_adds(&self) -> usize {
        self.n_weights() * self.to.positions()
    }

    pub(super) fn sizes(&self) -> WinogradSizes {
        let n_vectors = N_PRODUCTS * BAND_SQUARES;
        WinogradSizes {
            inputs: n_vectors * self.from.blocks() * LANES,
            sums: n_vectors * GROUP_BLOCKS.min(self.to.blocks()) * LANES,
        }
    }

    /// The whole convolution; positions of `out` are `position_step` vectors
    /// apart.
    pub(super) fn run<I: Isa>(
        &self,
        isa: I,
        input: &[Lanes],
        memory: &mut WinogradMemory,
        (out, position_step): (&mut [Lanes], usize),
    ) {
        let n_squares = self.to.height.div_ceil(STEP) * self.squares_a_row();
        let n_blocks = self.to.blocks();
        for first in (0..n_squares).step_by(BAND_SQUARES) {
            let squares = first..(first + BAND_SQUARES).min(n_squares);
            isa.run(Take {
                step: self,
                input,
                squares: squares.clone(),
                out: memory.inputs.lanes_mut(),
            });
            for first in (0..n_blocks).step_by(GROUP_BLOCKS) {
                let blocks = first..(first + GROUP_BLOCKS).min(n_blocks);
                self.multiply(isa, squares.len(), blocks.clone(), memory);
                isa.run(Give {
                    step: self,
                    sums: memory.sums.lanes(),
                    squares: squares.clone(),
                    blocks,
                    out: &mut *out,
                    position_step,
                });
            }
        }
    }

    fn squares_a_row(&self) -> usize {
        self.to.width.div_ceil(STEP)
    }

    /// Row and column of the first result of a square.
    #[inline(always)]
    fn place(&self, square: usize) -> (usize, usize) {
        let squares_a_row = self.squares_a_row();
        (square / squares_a_row * STEP, square % squares_a_row * STEP)
    }

    fn multiply<I: Isa>(
        &self,
        isa: I,
        n_squares: usize,
        blocks: Range<usize>,
        memory: &mut WinogradMemory,
    ) {
        let position_step = self.from.blocks() * LANES;
        let inputs = memory
            .inputs
            .values()
            .chunks_exact(n_squares * position_step);
        let sums = memory.sums.lanes_mut();
        let sums = sums.chunks_exact_mut(n_squares * blocks.len());
        for ((matrix, input), sums) in self.matrices.iter().zip(inputs).zip(sums) {
            isa.run(Product {
                input,
                view: View {
                    n_rows: 1,
                    width: n_squares,
                    position_step,
                    row_step: 0,
                    n_segments: 1,
                    segment_step: 0,
                },
                matrix,
                blocks: blocks.clone(),
                finish: Finish {
                    base: Base::Bias,
                    bias: &self.no_bias,
                    input_scale: 1.0,
                    low: f32::NEG_INFINITY,
                    high: f32::INFINITY,
                },
                out: Out {
                    lanes: sums,
                    position_step: blocks.len(),
                    row_step: 0,
                    block_step: 1,
                },
            });
        }
    }
}

/// Brings the values of some squares into the form that is multiplied.
struct Take<'a> {
    step: &'a WinogradStep,
    input: &'a [Lanes],
    squares: Range<usize>,
    /// By place in a square, square and sixteen channels.
    out: &'a mut [Lanes],
}

impl Job for Take<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Shape { height, width, .. } = self.step.from;
        let Padding { top, left, .. } = self.step.padding;
        let blocks = self.step.from.blocks();
        let product_step = self.squares.len() * blocks;
        for (square_idx, square) in self.squares.enumerate() {
            let (row, column) = self.step.place(square);
            // Where the values lie; beyond the picture for those of padding.
            let mut places = [BEYOND; N_PRODUCTS];
            for (product, place) in places.iter_mut().enumerate() {
                let row = (row + product / SIDE).wrapping_sub(top);
                let column = (column + product % SIDE).wrapping_sub(left);
                if row < height && column < width {
                    *place = (row * width + column) * blocks;
                }
            }
            for block in 0..blocks {
                let mut values = [[isa.splat(0.0); SIDE]; SIDE];
                for row in 0..SIDE {
                    for column in 0..SIDE {
                        let place = places[row * SIDE + column] + block;
                        if let Some(lanes) = self.input.get(place) {
                            values[column][row] = isa.load(lanes);
                        }
                    }
                }
                let mut by_row = [[isa.splat(0.0); SIDE]; SIDE];
                for column in 0..SIDE {
                    let taken = take(isa, values[column]);
                    for row in 0..SIDE {
                        by_row[row][column] = taken[row];
                    }
                }
                let first = square_idx * blocks + block;
                for row in 0..SIDE {
                    let taken = take(isa, by_row[row]);
                    for column in 0..SIDE {
                        let at = (row * SIDE + column) * product_step + first;
                        isa.store(taken[column], &mut self.out[at]);
                    }
                }
            }
        }
    }
}

/// Turns the sums of some squares into results.
struct Give<'a> {
    step: &'a WinogradStep,
    /// By place in a square, square and sixteen channels.
    sums: &'a [Lanes],
    squares: Range<usize>,
    blocks: Range<usize>,
    out: &'a mut [Lanes],
    position_step: usize,
}

impl Job for Give<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Shape { height, width, .. } = self.step.to;
        let (low, high) = self.step.bounds;
        let (low, high) = (isa.splat(low), isa.splat(high));
        let n_blocks = self.blocks.len();
        let product_step = self.squares.len() * n_blocks;
        for (square_idx, square) in self.squares.enumerate() {
            let (top, left) = self.step.place(square);
            for (block_idx, block) in self.blocks.clone().enumerate() {
                let bias = isa.load(&self.step.bias[block]);
                let first = square_idx * n_blocks + block_idx;
                let mut by_row = [[isa.splat(0.0); SIDE]; STEP];
                for column in 0..SIDE {
                    let mut sums = [isa.splat(0.0); SIDE];
                    for row in 0..SIDE {
                        let at = (row * SIDE + column) * product_step + first;
                        sums[row] = isa.load(&self.sums[at]);
                    }
                    let given = give(isa, sums);
                    for row in 0..STEP {
                        by_row[row][column] = given[row];
                    }
                }
                for row in 0..STEP.min(height - top) {
                    let given = give(isa, by_row[row]);
                    for column in 0..STEP.min(width - left) {
                        let position = (top + row) * width + left + column;
                        let value = isa.add(given[column], bias);
                        let slot = &mut self.out[position * self.position_step + block];
                        isa.store(isa.min(isa.max(value, low), high), slot);
                    }
                }
            }
        }
    }
}

/// What three weights in a row are multiplied with: the polynomial that they
/// are, at 0, 1, -1, 2, -2 and infinity, shared out so that [`take`] needs no
/// fractions.
const TAPS: [[f64; 3]; SIDE] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

/// Six values in a row as what is multiplied with [`TAPS`].
#[inline(always)]
fn take<I: Isa>(isa: I, d: [I::F32; SIDE]) -> [I::F32; SIDE] {
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
fn give<I: Isa>(isa: I, m: [I::F32; SIDE]) -> [I::F32; STEP] {
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

#[expect(clippy::cast_possible_truncation, reason = "networks compute in f32")]
fn to_f32(value: f64) -> f32 {
    value as f32
}
