//! Weights packed for tiles of digits, once, when a network is loaded.

use super::super::isa::{DigitLine, LANES, Lanes, STEP_LINES, TILE_SIDE, split};
use super::aligned::Aligned;
use super::matrix::{Limit, Rounding, Source};

/// Inputs of a line of weights for each output channel: the digits of a word.
const LINE_INPUTS: usize = 4;
/// Inputs of a step.
const STEP_INPUTS: usize = TILE_SIDE * LINE_INPUTS;

/// Weights of a product of digits: for each sixteen output channels the lines
/// of each step in their order.
pub(super) struct DigitMatrix {
    words: Aligned<i32>,
    n_steps: usize,
    /// What 1 in the weights stands for, for each output channel.
    scales: Vec<Lanes>,
}

impl DigitMatrix {
    /// Rounds the weights as a matrix of pairs rounds them.
    pub(super) fn new(source: &Source<impl Fn(usize, usize) -> f32>, limit: Limit) -> Self {
        let rounding = Rounding::of(source, limit);
        let scales = rounding.scales();
        let n_steps = source.inputs.div_ceil(STEP_INPUTS);
        let mut words = Aligned::zeros(scales.len() * n_steps * STEP_LINES * LANES);
        for (line_idx, line) in words.lanes_mut().iter_mut().enumerate() {
            let (rest, row) = (line_idx / TILE_SIDE, line_idx % TILE_SIDE);
            let (rest, is_high) = (rest / 2, rest % 2 == 1);
            let (block, step) = (rest / n_steps, rest % n_steps);
            let first = step * STEP_INPUTS + row * LINE_INPUTS;
            for (lane, word) in line.iter_mut().enumerate() {
                let output = block * LANES + lane;
                if output < source.outputs {
                    *word = i32::from_le_bytes(std::array::from_fn(|i| {
                        let (low, high) = split(rounding.integer(source, first + i, output));
                        if is_high { high } else { low }.cast_unsigned()
                    }));
                }
            }
        }
        Self {
            words,
            n_steps,
            scales,
        }
    }

    /// The weights of sixteen output channels.
    #[inline(always)]
    pub(super) fn block(&self, block: usize) -> &[DigitLine] {
        let n_lines = self.n_steps * STEP_LINES;
        &self.words.lanes()[block * n_lines..][..n_lines]
    }

    #[inline(always)]
    pub(super) fn scale(&self, block: usize) -> &Lanes {
        &self.scales[block]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_lie_by_block_step_kind_and_input() {
        // Of two channels the largest weight is the finest number there is room
        // for, so the others can be told from each other.
        let source = Source {
            inputs: 70,
            outputs: 18,
            value: |input, output| (input * 18 + output) as f32 / 1300.0 - 0.5,
        };
        let rounding = Rounding::of(&source, Limit::Each);
        let matrix = DigitMatrix::new(&source, Limit::Each);
        assert_eq!(matrix.n_steps, 2);
        for output in 0..18 {
            let block = matrix.block(output / LANES);
            for input in 0..128 {
                let (step, row) = (input / STEP_INPUTS, input % STEP_INPUTS / 4);
                let digit = |line: usize| {
                    let word = block[step * STEP_LINES + line + row][output % LANES];
                    i32::from(word.to_le_bytes()[input % 4].cast_signed())
                };
                let expected = i32::from(rounding.integer(&source, input, output));
                assert_eq!(
                    digit(TILE_SIDE) * 256 + digit(0),
                    expected,
                    "{input}, {output}"
                );
            }
        }
        assert_eq!(matrix.block(1)[5][2..], [0; 14]);
    }
}
