//! Weights packed for the matrix product, once, when a network is loaded.

use super::super::isa::{DIGITS_MAX, LANES, Lanes, join};
use super::aligned::Aligned;
use super::words::{Floats, Pairs, Words};

/// Largest magnitude of a 16-bit input. Inputs and weights share the 31 bits
/// of a sum; with fourteen for the inputs, weights of 48 inputs keep as many.
pub(super) const INPUT_MAX: i16 = (1 << 14) - 1;

/// Largest Euclidean norm of an output channel's weights, as integers, where it
/// is norms that keep sums from overflowing: the product of two norms bounds the
/// sum of products, whatever the numbers.
const WEIGHTS_NORM: f64 = 32_768.0;
/// The same for the inputs of a sum. Together they are less than 2^31.
const INPUTS_NORM: f64 = 65_535.0;
/// Inputs whose norms and squares are far from the limits of f32's precision.
pub(super) const NORM_INPUTS_MAX: usize = 8192;

/// What is known of the 16-bit inputs of a sum, which must not overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// None exceeds [`INPUT_MAX`].
    Each,
    /// All of a sum together have no larger norm than [`inputs_norm`]: less than
    /// each of many could be, which leaves more bits to the weights.
    Norm,
}

/// What the norm of `n_inputs` inputs may be before they are rounded.
pub(super) fn inputs_norm(n_inputs: usize) -> f32 {
    to_f32(INPUTS_NORM - rounding_norm(n_inputs))
}

/// Largest norm of what rounding adds to `n` numbers: half a step each.
fn rounding_norm(n: usize) -> f64 {
    0.5 * count(n).sqrt()
}

/// Weights of a product: for each sixteen output channels, the words of each
/// input in their order.
pub(super) struct Matrix<W: Words> {
    words: Aligned<W::Word>,
    /// Words of input.
    n_words: usize,
    n_blocks: usize,
    /// What 1 in the weights stands for, for each output channel; empty where
    /// words are not scaled.
    scales: Vec<Lanes>,
}

/// Weights before they are packed: `value(input, output)`.
pub(super) struct Source<F> {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) value: F,
}

impl<W: Words> Matrix<W> {
    /// Words of one of `n_segments` equal parts of the inputs.
    #[inline(always)]
    pub(super) fn segment_words(&self, n_segments: usize) -> usize {
        self.n_words / n_segments
    }

    #[inline(always)]
    pub(super) fn block(&self, block: usize) -> &[[W::Word; LANES]] {
        &self.words.lanes()[block * self.n_words..][..self.n_words]
    }

    /// The same for a block that there may not be.
    #[inline(always)]
    pub(super) fn block_or_last(&self, block: usize) -> &[[W::Word; LANES]] {
        self.block(block.min(self.n_blocks - 1))
    }

    #[inline(always)]
    pub(super) fn scale(&self, block: usize) -> &Lanes {
        &self.scales[block]
    }

    fn packed<F>(
        source: &Source<F>,
        inputs_a_word: usize,
        word: impl Fn(usize, usize) -> W::Word,
    ) -> Self {
        let n_words = source.inputs.div_ceil(inputs_a_word);
        let n_blocks = source.outputs.div_ceil(LANES);
        let mut words = Aligned::zeros(n_blocks * n_words * LANES);
        for (vector_idx, vector) in words.lanes_mut().iter_mut().enumerate() {
            let (block, row) = (vector_idx / n_words, vector_idx % n_words);
            for (lane, slot) in vector.iter_mut().enumerate() {
                let output = block * LANES + lane;
                if output < source.outputs {
                    *slot = word(row, output);
                }
            }
        }
        Self {
            words,
            n_words,
            n_blocks,
            scales: Vec::new(),
        }
    }
}

impl Matrix<Floats> {
    pub(super) fn floats(source: &Source<impl Fn(usize, usize) -> f32>) -> Self {
        Self::packed(source, 1, |input, output| (source.value)(input, output))
    }
}

impl Matrix<Pairs> {
    /// Rounds the weights of each output channel to 16-bit integers as fine as
    /// a sum in 32 bits allows whatever the inputs within `limit`.
    pub(super) fn pairs(source: &Source<impl Fn(usize, usize) -> f32>, limit: Limit) -> Self {
        let rounding = Rounding::of(source, limit);
        let integer = |input, output| rounding.integer(source, input, output);
        let mut matrix = Self::packed(source, 2, |word, output| {
            join(integer(word * 2, output), integer(word * 2 + 1, output))
        });
        matrix.scales = rounding.scales();
        matrix
    }
}

/// How weights become 16-bit integers.
pub(super) struct Rounding {
    /// What 1.0 is in integers, for each output channel.
    fineness: Vec<f64>,
}

impl Rounding {
    /// As fine as a sum in 32 bits allows whatever the inputs within `limit`.
    pub(super) fn of(source: &Source<impl Fn(usize, usize) -> f32>, limit: Limit) -> Self {
        let weights = |output| (0..source.inputs).map(move |input| (source.value)(input, output));
        Self {
            fineness: (0..source.outputs)
                .map(|output| fineness(weights(output), limit))
                .collect(),
        }
    }

    /// The weight of an input, which beyond the last one is 0.
    pub(super) fn integer(
        &self,
        source: &Source<impl Fn(usize, usize) -> f32>,
        input: usize,
        output: usize,
    ) -> i16 {
        if input < source.inputs {
            round(f64::from((source.value)(input, output)) * self.fineness[output])
        } else {
            0
        }
    }

    /// What 1 stands for, for each output channel; 0 where there is none.
    pub(super) fn scales(&self) -> Vec<Lanes> {
        let mut scales = vec![[0.0; LANES]; self.fineness.len().div_ceil(LANES)];
        for (scale, fineness) in scales.as_flattened_mut().iter_mut().zip(&self.fineness) {
            *scale = to_f32(1.0 / fineness);
        }
        scales
    }
}

/// How many steps of the integers 1.0 is for weights of one output channel.
fn fineness(weights: impl Iterator<Item = f32>, limit: Limit) -> f64 {
    let (mut sum, mut squares, mut largest, mut n_weights) = (0.0, 0.0, 0.0_f64, 0);
    for weight in weights {
        let magnitude = f64::from(weight).abs();
        sum += magnitude;
        squares += magnitude * magnitude;
        largest = largest.max(magnitude);
        n_weights += 1;
    }
    let by_limit = match limit {
        Limit::Each => {
            // Rounding adds at most half a step a weight.
            let sum_max = f64::from(i32::MAX) / f64::from(INPUT_MAX) - count(n_weights) / 2.0;
            sum_max / sum
        }
        Limit::Norm => (WEIGHTS_NORM - rounding_norm(n_weights)) / squares.sqrt(),
    };
    let by_size = f64::from(DIGITS_MAX) / largest;
    let fineness = by_limit.min(by_size);
    if fineness.is_finite() && fineness > 0.0 {
        fineness
    } else {
        1.0
    }
}

#[expect(clippy::cast_precision_loss, reason = "inputs are far below 2^53")]
fn count(n: usize) -> f64 {
    n as f64
}

#[expect(clippy::cast_possible_truncation, reason = "a float cast saturates")]
fn round(value: f64) -> i16 {
    value.round_ties_even() as i16
}

#[expect(clippy::cast_possible_truncation, reason = "networks compute in f32")]
fn to_f32(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::super::super::isa::halves;
    use super::*;

    fn source(inputs: usize, outputs: usize) -> Source<impl Fn(usize, usize) -> f32> {
        let value = |input: usize, output: usize| ((input * 7 + output * 3) % 11) as f32 - 5.0;
        Source {
            inputs,
            outputs,
            value,
        }
    }

    #[test]
    fn floats_lie_by_block_input_and_lane() {
        let matrix = Matrix::floats(&source(3, 18));
        assert_eq!((matrix.n_blocks, matrix.segment_words(1)), (2, 3));
        assert_eq!(matrix.block(0)[2][5], (source(3, 18).value)(2, 5));
        assert_eq!(matrix.block(1)[1][1], (source(3, 18).value)(1, 17));
        assert_eq!(matrix.block(1)[1][2..], [0.0; 14]);
    }

    #[test]
    fn no_sum_of_pairs_can_overflow() {
        for inputs in [1, 2, 3, 16, 47, 48, 320, 1023] {
            for value in [1.0, -3e-7, 4e9] {
                let source = Source {
                    inputs,
                    outputs: 1,
                    value: |_, _| value,
                };
                let matrix = Matrix::pairs(&source, Limit::Each);
                let words = matrix.block(0).iter().map(|words| words[0]);
                let sum: i64 = words
                    .flat_map(|word| <[i32; 2]>::from(halves(word)))
                    .map(|half| i64::from(half).abs())
                    .sum();
                assert!(
                    sum * i64::from(INPUT_MAX) <= i64::from(i32::MAX),
                    "{inputs}"
                );
                let back = sum as f64 * f64::from(matrix.scale(0)[0]) / inputs as f64;
                assert!((back / f64::from(value).abs() - 1.0).abs() < 0.01, "{back}");
            }
        }
    }

    #[test]
    fn norms_keep_sums_from_overflowing() {
        for inputs in [1, 2, 47, 1152, 4032, NORM_INPUTS_MAX] {
            // All alike, one that outweighs all, and all between.
            for power in [0, 1, 40] {
                let value = |input: usize, _: usize| -0.7 / ((input + 1) as f32).powi(power);
                let outputs = 1;
                let source = Source {
                    inputs,
                    outputs,
                    value,
                };
                let matrix = Matrix::pairs(&source, Limit::Norm);
                let words = matrix.block(0).iter().map(|words| words[0]);
                let weights: Vec<i64> = words
                    .flat_map(|word| <[i32; 2]>::from(halves(word)))
                    .map(i64::from)
                    .collect();
                // The worst inputs lie in the direction of the weights.
                let squares: f64 = (0..inputs).map(|i| f64::from(value(i, 0)).powi(2)).sum();
                let fineness = f64::from(inputs_norm(inputs)) / squares.sqrt();
                let inputs =
                    (0..inputs).map(|i| i64::from(round(f64::from(value(i, 0)) * fineness)));
                let sum: i64 = weights.iter().zip(inputs).map(|(w, x)| w * x).sum();
                assert!(sum <= i64::from(i32::MAX), "{sum}");
                assert!(sum > i64::from(i32::MAX / 3), "{sum}");
            }
        }
    }

    #[test]
    fn weights_of_nothing_are_nothing() {
        let source = Source {
            inputs: 5,
            outputs: 3,
            value: |_, _| 0.0,
        };
        let matrix = Matrix::pairs(&source, Limit::Each);
        assert!(matrix.block(0).as_flattened().iter().all(|&word| word == 0));
        assert_eq!(matrix.scale(0)[0], 1.0);
    }
}
