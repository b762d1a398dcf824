//! The matrix product of digits, sixteen positions by sixteen output channels
//! at a time, whatever rows the positions lie in.

use std::ops::Range;

use super::super::isa::{DigitLine, DigitSums, Isa, Job, LANES, TILE_SIDE, Tiles};
use super::digit_matrix::DigitMatrix;
use super::product::{Base, Finish, Onto, OntoBias, OntoBiasAnd, OntoKept, Out};

/// A matrix product over some of a matrix's channels.
pub(super) struct TileProduct<'a> {
    /// Lines of the first position and all after it, with sixteen from the
    /// last multiple of sixteen on.
    pub(super) input: &'a [DigitLine],
    /// Lines from a position to the next.
    pub(super) pitch: usize,
    /// Rows of output positions.
    pub(super) n_rows: usize,
    /// Output positions in a row.
    pub(super) width: usize,
    pub(super) matrix: &'a DigitMatrix,
    /// Which sixteens of output channels.
    pub(super) blocks: Range<usize>,
    pub(super) finish: Finish<'a>,
    pub(super) out: Out<'a>,
}

impl Job for TileProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        match self.finish.base {
            Base::Bias => self.all(isa, &OntoBias),
            Base::BiasAnd(values) => self.all(isa, &OntoBiasAnd(values)),
            Base::Kept => self.all(isa, &OntoKept),
        }
    }
}

/// A tile's place.
#[derive(Clone, Copy)]
struct Place {
    block: usize,
    row: usize,
    column: usize,
    n_positions: usize,
}

impl TileProduct<'_> {
    #[inline(always)]
    fn all<I: Isa>(mut self, isa: I, onto: &impl Onto) {
        let mut tiles = isa.tiles();
        let mut sums: DigitSums = [[[0; LANES]; TILE_SIDE]; 4];
        let n_positions = self.n_rows * self.width;
        for block in self.blocks.clone() {
            let weights = self.matrix.block(block);
            let (mut row, mut column) = (0, 0);
            for first in (0..n_positions).step_by(TILE_SIDE) {
                let inputs = &self.input[first * self.pitch..];
                tiles.multiply(inputs, self.pitch, weights, &mut sums);
                let place = Place {
                    block,
                    row,
                    column,
                    n_positions: TILE_SIDE.min(n_positions - first),
                };
                (row, column) = self.finish(isa, place, &sums, onto);
            }
        }
    }

    /// From sums to results. Returns the place of the next one.
    #[inline(always)]
    fn finish<I: Isa>(
        &mut self,
        isa: I,
        place: Place,
        sums: &DigitSums,
        onto: &impl Onto,
    ) -> (usize, usize) {
        let finish = &self.finish;
        let (low, high) = (isa.splat(finish.low), isa.splat(finish.high));
        let bias = isa.load(&finish.bias[place.block]);
        let scale = isa.load(self.matrix.scale(place.block));
        let scale = isa.mul(scale, isa.splat(finish.input_scale));
        let out = &mut self.out;
        let (mut row, mut column) = (place.row, place.column);
        let block = (place.block - self.blocks.start).wrapping_mul(out.block_step);
        for position in 0..place.n_positions {
            let at = row
                .wrapping_mul(out.row_step)
                .wrapping_add(column.wrapping_mul(out.position_step))
                .wrapping_add(block);
            let slot = &mut out.lanes[at];
            let parts = sums.each_ref().map(|sums| isa.load_pairs(&sums[position]));
            let sum = isa.to_floats(isa.join_digit_sums(parts));
            let value = isa.mul_add(sum, scale, onto.base(isa, bias, slot, at));
            isa.store(isa.min(isa.max(value, low), high), slot);
            column += 1;
            if column == self.width {
                (row, column) = (row + 1, 0);
            }
        }
        (row, column)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::isa::{CpuPath, Lanes, Proof};
    use super::super::aligned::Aligned;
    use super::super::matrix::{INPUT_MAX, Limit, Matrix, Source};
    use super::super::product::{Product, View};
    use super::super::words::{Digits, Pairs, Stored};
    use super::*;

    /// A product in both forms.
    struct Case {
        positions: [usize; 2],
        inputs: usize,
        outputs: usize,
        base: &'static str,
    }

    impl Case {
        fn value(&self, position: usize, input: usize) -> f32 {
            let largest = i64::from(INPUT_MAX);
            let number = i64::try_from(position * 7919 + input * 104_729).unwrap();
            (number % (2 * largest + 1) - largest) as f32
        }

        /// Inputs as `W` stores them, by position.
        fn inputs<I: Isa, W: Stored>(&self, isa: I, out: &mut [W::Channels]) {
            let blocks = self.inputs.div_ceil(LANES);
            for position in 0..self.positions.iter().product() {
                for block in 0..blocks {
                    let values = std::array::from_fn(|lane| match block * LANES + lane {
                        input if input < self.inputs => self.value(position, input),
                        _ => 77.0,
                    });
                    let out = &mut out[position * W::pitch(blocks)..];
                    W::store(isa, isa.load(&values), out, block);
                }
            }
        }
    }

    impl Job for &Case {
        type Output = [Vec<Lanes>; 2];

        fn run<I: Isa>(self, isa: I) -> [Vec<Lanes>; 2] {
            let [n_rows, width] = self.positions;
            let (n_positions, blocks) = (n_rows * width, self.inputs.div_ceil(LANES));
            let source = Source {
                inputs: self.inputs,
                outputs: self.outputs,
                value: |input, output| ((input * 31 + output * 17) % 23) as f32 - 11.3,
            };
            let out_blocks = self.outputs.div_ceil(LANES);
            let bias: Vec<Lanes> = (0..out_blocks).map(|b| [b as f32 * 0.3; LANES]).collect();
            let row_step = width + 2;
            let before: Vec<Lanes> = (0..n_rows * row_step * out_blocks)
                .map(|at| [at as f32 * 1e6; LANES])
                .collect();
            let finish = Finish {
                base: match self.base {
                    "bias" => Base::Bias,
                    "bias and" => Base::BiasAnd(&before),
                    _ => Base::Kept,
                },
                bias: &bias,
                input_scale: 0.7,
                low: -5e8,
                high: 4e8,
            };
            let [mut by_pairs, mut by_tiles] = [before.clone(), before.clone()];
            let out = |lanes| Out {
                lanes,
                position_step: 1,
                row_step,
                block_step: n_rows * row_step,
            };
            let mut words = vec![[0; LANES / 2]; n_positions * blocks];
            self.inputs::<I, Pairs>(isa, &mut words);
            isa.run(Product {
                input: Pairs::flat(&words),
                view: View {
                    n_rows,
                    width,
                    position_step: blocks * LANES / 2,
                    row_step: width * blocks * LANES / 2,
                    n_segments: 1,
                    segment_step: 0,
                },
                matrix: &Matrix::pairs(&source, Limit::Each),
                blocks: 0..out_blocks,
                finish,
                out: out(&mut by_pairs),
            });
            let pitch = Digits::pitch(blocks);
            let mut digits = Aligned::<i32>::zeros((n_positions + TILE_SIDE) * pitch * 4);
            self.inputs::<I, Digits>(isa, digits.values_mut().as_chunks_mut().0);
            isa.run(TileProduct {
                input: digits.lanes(),
                pitch: pitch / 4,
                n_rows,
                width,
                matrix: &DigitMatrix::new(&source, Limit::Each),
                blocks: 0..out_blocks,
                finish,
                out: out(&mut by_tiles),
            });
            [by_pairs, by_tiles]
        }
    }

    #[test]
    fn products_of_digits_are_those_of_pairs() {
        let sizes = [
            ([1, 1], 16, 16),
            ([1, 16], 64, 5),
            ([3, 7], 70, 40),
            ([7, 7], 192, 33),
        ];
        for (positions, inputs, outputs) in sizes {
            for base in ["bias", "bias and", "kept"] {
                let case = Case {
                    positions,
                    inputs,
                    outputs,
                    base,
                };
                for path in CpuPath::ALL {
                    let Some(proof) = Proof::of(path) else {
                        eprintln!("skipped: this CPU does not have {path}");
                        continue;
                    };
                    let [by_pairs, by_tiles] = proof.choose(&case);
                    assert!(
                        by_tiles == by_pairs,
                        "{path}: {positions:?} {inputs} {base}"
                    );
                }
            }
        }
    }
}
