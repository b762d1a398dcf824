//! Weights of a convolution: in which precision they are packed, and in which
//! order its inputs lie.

use std::ops::Range;

use super::super::isa::{LANES, Lanes, Precision};
use super::digit_matrix::DigitMatrix;
use super::layer::Conv;
use super::matrix::{Limit, Matrix, Source};
use super::shape::Shape;
use super::words::{Floats, Pairs};

/// Packed weights in the precision that their layer computes in.
pub(super) enum Weights {
    Floats(Matrix<Floats>),
    Pairs(Matrix<Pairs>),
    Digits(DigitMatrix),
}

impl Weights {
    /// Weights of a product of one segment.
    pub(super) fn new(
        source: &Source<impl Fn(usize, usize) -> f32>,
        precision: Precision,
        limit: Limit,
    ) -> Self {
        match precision {
            Precision::Floats => Self::Floats(Matrix::floats(source)),
            Precision::Pairs => Self::Pairs(Matrix::pairs(source, limit)),
            Precision::Digits => Self::Digits(DigitMatrix::new(source, limit)),
        }
    }
}

/// Weights of a 1x1 convolution for some of its inputs.
pub(super) fn pointwise_source(
    conv: &Conv,
    inputs: Range<usize>,
) -> Source<impl Fn(usize, usize) -> f32 + '_> {
    let outputs = conv.bias.len();
    Source {
        inputs: inputs.len(),
        outputs,
        value: move |input, output| conv.weights[(inputs.start + input) * outputs + output],
    }
}

/// Weights of a convolution over positions of `position_words`, of which those
/// beyond the channels count for nothing.
pub(super) fn spatial_source(
    conv: &Conv,
    from: Shape,
    position_words: usize,
) -> Source<impl Fn(usize, usize) -> f32 + '_> {
    let outputs = conv.bias.len();
    Source {
        inputs: conv.kernel_height * conv.kernel_width * position_words,
        outputs,
        value: move |input, output| {
            let (place, channel) = (input / position_words, input % position_words);
            if channel < from.channels {
                conv.weights[(place * from.channels + channel) * outputs + output]
            } else {
                0.0
            }
        },
    }
}

/// Whether the inputs of every output position start at a pair when samples,
/// which lie without gaps, are taken two by two.
pub(super) fn starts_evenly(conv: &Conv, from: Shape) -> bool {
    let is_even = |positions: usize| (positions * from.channels).is_multiple_of(2);
    is_even(conv.stride) && is_even(conv.padding.left)
}

/// Weights of a convolution over samples: each kernel row is filled up to whole
/// pairs.
pub(super) fn sample_source(conv: &Conv, from: Shape) -> Source<impl Fn(usize, usize) -> f32 + '_> {
    let outputs = conv.bias.len();
    let row = conv.kernel_width * from.channels;
    let filled_row = row.next_multiple_of(2);
    Source {
        inputs: conv.kernel_height * filled_row,
        outputs,
        value: move |input, output| {
            let (kernel_row, place) = (input / filled_row, input % filled_row);
            if place < row {
                conv.weights[(kernel_row * row + place) * outputs + output]
            } else {
                0.0
            }
        },
    }
}

/// Values as vectors, the last one filled with zeros.
pub(super) fn lanes(values: &[f32]) -> Vec<Lanes> {
    values
        .chunks(LANES)
        .map(|chunk| std::array::from_fn(|lane| chunk.get(lane).copied().unwrap_or(0.0)))
        .collect()
}
