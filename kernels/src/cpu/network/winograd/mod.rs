//! A 3x3 convolution with a quarter of the multiplications: Winograd's minimal
//! filtering F(4x4, 3x3), after Lavin and Gray, "Fast Algorithms for
//! Convolutional Neural Networks", 2015.
//!
//! Six by six values become thirty-six others, each of which is multiplied with
//! a weight of its own; sums of those products over all channels become four by
//! four results. So a picture is cut into squares of six by six that overlap by
//! two, and the convolution is thirty-six matrix products over squares, of which
//! as many are gone through at once as fit the second level cache.

mod minimal;
mod squares;

use std::ops::Range;

use super::super::isa::{Isa, LANES, Lanes, Precision};
use super::aligned::Aligned;
use super::layer::{Conv, Padding};
use super::matrix::{Limit, Matrix, Source};
use super::product::{Base, Finish, Out, Product, View};
use super::shape::Shape;
use super::weights::lanes;
use super::words::{Floats, Pairs, Words};
use minimal::{N_PRODUCTS, SIDE, STEP, TAPS};
use squares::{Give, Measure, Scale, Take};

/// Squares gone through at once; whole tiles of a product.
const BAND_SQUARES: usize = 28;
/// Sixteens of output channels gone through at once.
const GROUP_BLOCKS: usize = 6;
/// No place in any picture.
const BEYOND: usize = usize::MAX / 2;
/// Input channels from which products are long enough to pay for what is around
/// them; those of pairs take half the time.
const CHANNELS_MIN: usize = 32;
const PAIRS_CHANNELS_MIN: usize = 64;

/// A matrix for each place of a square.
enum Weights {
    Floats(Vec<Matrix<Floats>>),
    Pairs(Vec<Matrix<Pairs>>),
}

/// A convolution of a plan.
pub(super) struct WinogradStep {
    weights: Weights,
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
    floats: Aligned<f32>,
    pairs: Aligned<i32>,
    sums: Aligned<f32>,
}

/// Values that [`WinogradMemory`] must hold.
#[derive(Clone, Copy, Default)]
pub(super) struct WinogradSizes {
    pub(super) floats: usize,
    pub(super) pairs: usize,
    pub(super) sums: usize,
}

impl WinogradMemory {
    pub(super) fn new(sizes: WinogradSizes) -> Self {
        Self {
            floats: Aligned::zeros(sizes.floats),
            pairs: Aligned::zeros(sizes.pairs),
            sums: Aligned::zeros(sizes.sums),
        }
    }
}

impl WinogradStep {
    /// Whether `conv` from a picture of `from` to one of `to` can be computed so
    /// and is faster then: a few squares would not be worth their many weights.
    pub(super) fn suits(conv: &Conv, from: Shape, to: Shape, precision: Precision) -> bool {
        let channels_min = match precision {
            Precision::Floats => CHANNELS_MIN,
            Precision::Pairs | Precision::Digits => PAIRS_CHANNELS_MIN,
        };
        let n_squares = to.height.div_ceil(STEP) * to.width.div_ceil(STEP);
        (conv.kernel_height, conv.kernel_width, conv.stride) == (3, 3, 1)
            && from.channels >= channels_min
            && to.channels >= CHANNELS_MIN
            && n_squares >= BAND_SQUARES
    }

    /// `conv`, which suits.
    pub(super) fn new(conv: &Conv, from: Shape, to: Shape, precision: Precision) -> Self {
        let sources = (0..N_PRODUCTS).map(|product| source(conv, [from, to], product));
        let weights = match precision {
            Precision::Floats => {
                Weights::Floats(sources.map(|source| Matrix::floats(&source)).collect())
            }
            // Digits lie in one piece, as these inputs do not.
            Precision::Pairs | Precision::Digits => {
                let matrices = sources.map(|source| Matrix::pairs(&source, Limit::Norm));
                Weights::Pairs(matrices.collect())
            }
        };
        Self {
            weights,
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
        let n_inputs = n_vectors * self.from.blocks() * LANES;
        let (floats, pairs) = match self.weights {
            Weights::Floats(_) => (n_inputs, 0),
            Weights::Pairs(_) => (0, n_inputs / 2),
        };
        WinogradSizes {
            floats,
            pairs,
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
        let WinogradMemory {
            floats,
            pairs,
            sums,
        } = memory;
        let sums = sums.lanes_mut();
        match &self.weights {
            Weights::Floats(matrices) => {
                let scales = &[Scale::NONE; N_PRODUCTS];
                let memory = (floats.lanes_mut(), sums);
                self.bands(isa, input, (matrices, scales), memory, (out, position_step));
            }
            Weights::Pairs(matrices) => {
                let scales = &isa.run(Measure { step: self, input });
                let memory = (pairs.values_mut().as_chunks_mut().0, sums);
                self.bands(isa, input, (matrices, scales), memory, (out, position_step));
            }
        }
    }

    fn bands<I: Isa, W: Words>(
        &self,
        isa: I,
        input: &[Lanes],
        (matrices, scales): (&[Matrix<W>], &[Scale; N_PRODUCTS]),
        (inputs, sums): (&mut [W::Channels], &mut [Lanes]),
        (out, position_step): (&mut [Lanes], usize),
    ) {
        let n_squares = self.n_squares();
        let n_blocks = self.to.blocks();
        for first in (0..n_squares).step_by(BAND_SQUARES) {
            let squares = first..(first + BAND_SQUARES).min(n_squares);
            isa.run(Take::<W> {
                step: self,
                input,
                squares: squares.clone(),
                scales,
                out: &mut *inputs,
            });
            for first in (0..n_blocks).step_by(GROUP_BLOCKS) {
                let blocks = first..(first + GROUP_BLOCKS).min(n_blocks);
                let place = (squares.len(), blocks.clone());
                self.multiply(isa, place, (matrices, scales), inputs, &mut *sums);
                isa.run(Give {
                    step: self,
                    sums,
                    squares: squares.clone(),
                    blocks,
                    out: &mut *out,
                    position_step,
                });
            }
        }
    }

    fn n_squares(&self) -> usize {
        self.to.height.div_ceil(STEP) * self.squares_a_row()
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

    fn multiply<I: Isa, W: Words>(
        &self,
        isa: I,
        (n_squares, blocks): (usize, Range<usize>),
        (matrices, scales): (&[Matrix<W>], &[Scale; N_PRODUCTS]),
        inputs: &[W::Channels],
        sums: &mut [Lanes],
    ) {
        let inputs = inputs.chunks_exact(n_squares * self.from.blocks());
        let sums = sums.chunks_exact_mut(n_squares * blocks.len());
        let matrices = matrices.iter().zip(scales);
        for (((matrix, scale), input), sums) in matrices.zip(inputs).zip(sums) {
            let input = W::flat(input);
            isa.run(Product {
                input,
                view: View {
                    n_rows: 1,
                    width: n_squares,
                    position_step: input.len() / n_squares,
                    row_step: 0,
                    n_segments: 1,
                    segment_step: 0,
                },
                matrix,
                blocks: blocks.clone(),
                finish: Finish {
                    base: Base::Bias,
                    bias: &self.no_bias,
                    input_scale: scale.step,
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

    /// Where the values of a square lie; beyond the picture for those of
    /// padding.
    #[inline(always)]
    fn places(&self, square: usize) -> [usize; N_PRODUCTS] {
        let Shape { height, width, .. } = self.from;
        let Padding { top, left, .. } = self.padding;
        let (first_row, first_column) = self.place(square);
        let mut places = [BEYOND; N_PRODUCTS];
        for (product, place) in places.iter_mut().enumerate() {
            let row = (first_row + product / SIDE).wrapping_sub(top);
            let column = (first_column + product % SIDE).wrapping_sub(left);
            if row < height && column < width {
                *place = (row * width + column) * self.from.blocks();
            }
        }
        places
    }
}

/// Weights for one place of a square.
fn source(
    conv: &Conv,
    [from, to]: [Shape; 2],
    product: usize,
) -> Source<impl Fn(usize, usize) -> f32 + '_> {
    let (row, column) = (TAPS[product / SIDE], TAPS[product % SIDE]);
    let n_weights = from.channels * to.channels;
    Source {
        inputs: from.blocks() * LANES,
        outputs: to.channels,
        value: move |input, output| {
            if input >= from.channels {
                return 0.0;
            }
            let place = input * to.channels + output;
            let weight = |tap: usize| f64::from(conv.weights[tap * n_weights + place]);
            let sum = (0..9).map(|tap| row[tap / 3] * column[tap % 3] * weight(tap));
            to_f32(sum.sum())
        },
    }
}

#[expect(clippy::cast_possible_truncation, reason = "networks compute in f32")]
fn to_f32(value: f64) -> f32 {
    value as f32
}
