//! A convolution of a plan: packed weights and where its input lies.

use std::ops::Range;

use super::super::isa::{Isa, LANES, Lanes, Precision, TILE_SIDE};
use super::aligned::Aligned;
use super::digit_matrix::DigitMatrix;
use super::layer::{Conv, Levels, Padding};
use super::matrix::{Matrix, Source};
use super::prepare::{Pad, PadPairs, Round, padded_sizes};
use super::product::{Base, Finish, Out, Product, View};
use super::shape::Shape;
use super::tile_product::TileProduct;
use super::words::{Digits, Floats, Pairs, Stored};

/// Packed weights in the precision that their layer computes in.
pub(super) enum Weights {
    Floats(Matrix<Floats>),
    Pairs(Matrix<Pairs>),
    Digits(DigitMatrix),
}

impl Weights {
    /// Weights of a product of one segment.
    pub(super) fn pointwise(
        source: &Source<impl Fn(usize, usize) -> f32>,
        precision: Precision,
    ) -> Self {
        match precision {
            Precision::Floats => Self::Floats(Matrix::floats(source)),
            Precision::Pairs => Self::Pairs(Matrix::pairs(source)),
            Precision::Digits => Self::Digits(DigitMatrix::new(source)),
        }
    }
}

/// What a convolution reads.
#[derive(Clone, Copy)]
pub(super) enum Input<'a> {
    /// The network's input, and what it stands for.
    Samples(&'a [u16], Levels),
    /// What another step left.
    Values(&'a [f32]),
}

/// Memory for inputs made ready, as large as the largest of a plan.
#[derive(Default)]
pub(super) struct Prepared {
    floats: Aligned<f32>,
    integers: Aligned<i32>,
    /// A padded picture of samples, for one plan's first step alone.
    samples: Aligned<i32>,
    /// The padded picture that `floats` is laid out for.
    layout: Option<(Shape, Padding)>,
}

/// Values that [`Prepared`] must hold.
#[derive(Clone, Copy, Default)]
pub(super) struct PreparedSizes {
    pub(super) floats: usize,
    pub(super) integers: usize,
    pub(super) samples: usize,
}

impl Prepared {
    pub(super) fn new(sizes: PreparedSizes) -> Self {
        Self {
            floats: Aligned::zeros(sizes.floats),
            integers: Aligned::zeros(sizes.integers),
            samples: Aligned::zeros(sizes.samples),
            layout: None,
        }
    }
}

/// An input made ready.
#[derive(Clone, Copy)]
pub(super) enum Ready<'a> {
    Floats(&'a [f32]),
    Integers { words: &'a [i32], scale: f32 },
}

/// A convolution of a plan.
pub(super) struct ConvStep {
    weights: Weights,
    pub(super) bias: Vec<Lanes>,
    pub(super) from: Shape,
    pub(super) to: Shape,
    /// Words of an input position; of none where samples lie in pairs.
    position_words: usize,
    /// Words from the input of an output position to that of the next.
    position_step: usize,
    /// Words of a padded row of the input.
    row_words: usize,
    kernel_height: usize,
    /// Inputs of one output.
    n_inputs: usize,
    stride: usize,
    padding: Padding,
    is_pointwise: bool,
    low: f32,
    high: f32,
}

/// Inputs from which 16-bit integers pay, and up to which they are fine enough.
const INTEGER_INPUTS: std::ops::RangeInclusive<usize> = 16..=512;

impl ConvStep {
    /// `conv` from a picture of `from` to one of `to`, which fit. `is_first`
    /// says that it reads samples, which lie without gaps.
    pub(super) fn new(
        conv: &Conv,
        from: Shape,
        to: Shape,
        is_first: bool,
        precision: Precision,
    ) -> Self {
        let is_pointwise = conv.is_pointwise() && !is_first;
        let position_words = if is_first {
            from.channels
        } else {
            from.blocks() * LANES
        };
        let padded_width = from.width + conv.padding.left + conv.padding.right;
        let is_reduced = precision != Precision::Floats;
        let sample_pairs = is_reduced && is_first && starts_evenly(conv, from);
        let weights = if sample_pairs {
            Weights::Pairs(Matrix::pairs(&sample_source(conv, from)))
        } else if is_pointwise {
            let precision = if INTEGER_INPUTS.contains(&from.channels) {
                precision
            } else {
                Precision::Floats
            };
            Weights::pointwise(&pointwise_source(conv, 0..from.channels), precision)
        } else {
            Weights::Floats(Matrix::floats(&spatial_source(conv, from, position_words)))
        };
        let position_words = match weights {
            Weights::Pairs(_) if !is_first => position_words / 2,
            Weights::Digits(_) => Digits::pitch(from.blocks()) * LANES / 4,
            _ => position_words,
        };
        let (position_step, row_words) = if sample_pairs {
            let row = padded_width * from.channels;
            (from.channels * conv.stride / 2, row.div_ceil(2))
        } else {
            (position_words * conv.stride, padded_width * position_words)
        };
        let (low, high) = conv.activation.bounds();
        Self {
            weights,
            bias: lanes(&conv.bias),
            from,
            to,
            position_words,
            position_step,
            row_words,
            kernel_height: conv.kernel_height,
            n_inputs: conv.kernel_height * conv.kernel_width * from.channels,
            stride: conv.stride,
            padding: conv.padding,
            is_pointwise,
            low,
            high,
        }
    }

    pub(super) fn n_weights(&self) -> usize {
        self.n_inputs * self.to.channels
    }

    pub(super) fn multiply_adds(&self) -> usize {
        self.n_weights() * self.to.positions()
    }

    pub(super) fn prepared_sizes(&self, is_first: bool) -> PreparedSizes {
        match &self.weights {
            Weights::Pairs(_) if is_first => PreparedSizes {
                samples: self.row_words
                    * (self.from.height + self.padding.top + self.padding.bottom),
                ..PreparedSizes::default()
            },
            Weights::Pairs(_) => PreparedSizes {
                integers: self.from.positions() * self.position_words,
                ..PreparedSizes::default()
            },
            Weights::Digits(_) => PreparedSizes {
                integers: tiled_positions(self.from.positions()) * self.position_words,
                ..PreparedSizes::default()
            },
            Weights::Floats(_) if is_first || self.padding != Padding::default() => PreparedSizes {
                floats: padded_sizes(self.from, self.position_words, self.padding).1,
                ..PreparedSizes::default()
            },
            Weights::Floats(_) => PreparedSizes::default(),
        }
    }

    /// Makes `input` ready for [`ConvStep::rows`].
    pub(super) fn prepare<'a, I: Isa>(
        &self,
        isa: I,
        input: Input<'a>,
        prepared: &'a mut Prepared,
    ) -> Ready<'a> {
        match (input, &self.weights) {
            (Input::Samples(samples, levels), Weights::Pairs(_)) => {
                let out = prepared.samples.values_mut();
                let channels = self.from.channels;
                let scale = isa.run(PadPairs {
                    source: samples,
                    row: self.from.width * channels,
                    before: self.padding.top * self.row_words + self.padding.left * channels / 2,
                    padded_row: self.row_words,
                    levels,
                    out,
                });
                Ready::Integers { words: out, scale }
            }
            (Input::Samples(samples, levels), Weights::Floats(_)) => {
                Ready::Floats(self.pad(isa, (samples, levels), prepared))
            }
            (Input::Samples(..), Weights::Digits(_)) => {
                unreachable!("samples are no digits")
            }
            (Input::Values(values), Weights::Pairs(_)) => {
                self.round::<I, Pairs>(isa, values, prepared.integers.values_mut())
            }
            (Input::Values(values), Weights::Digits(_)) => {
                self.round::<I, Digits>(isa, values, prepared.integers.values_mut())
            }
            (Input::Values(values), Weights::Floats(_)) if self.padding == Padding::default() => {
                Ready::Floats(values)
            }
            (Input::Values(values), Weights::Floats(_)) => {
                Ready::Floats(self.pad(isa, (values, Levels::UNIT), prepared))
            }
        }
    }

    fn round<'a, I: Isa, W: Stored<Word = i32>>(
        &self,
        isa: I,
        values: &[f32],
        out: &'a mut [i32],
    ) -> Ready<'a> {
        let blocks = self.from.blocks();
        let scale = isa.run(Round::<W> {
            source: &values.as_chunks().0[..self.from.positions() * blocks],
            blocks,
            out: W::room(out),
        });
        Ready::Integers { words: out, scale }
    }

    fn pad<'a, I: Isa, T: super::prepare::Sample>(
        &self,
        isa: I,
        (source, levels): (&[T], Levels),
        prepared: &'a mut Prepared,
    ) -> &'a [f32] {
        let (padded_row, n_values) = padded_sizes(self.from, self.position_words, self.padding);
        let out = &mut prepared.floats.values_mut()[..n_values];
        let layout = Some((self.from, self.padding));
        if prepared.layout != layout {
            out.fill(0.0);
            prepared.layout = layout;
        }
        isa.run(Pad {
            source,
            rows: self.from.height,
            row: self.from.width * self.position_words,
            before: self.padding.top * padded_row + self.padding.left * self.position_words,
            padded_row,
            levels,
            out,
        });
        out
    }

    /// Computes output rows `rows` of the sixteens `blocks` of channels.
    pub(super) fn rows<I: Isa>(
        &self,
        isa: I,
        input: Ready<'_>,
        (rows, blocks): (Range<usize>, Range<usize>),
        base: Base<'_>,
        out: Out<'_>,
    ) {
        let row_step = self.row_words * self.stride;
        let mut view = View {
            n_rows: rows.len(),
            width: self.to.width,
            position_step: self.position_step,
            row_step,
            n_segments: self.kernel_height,
            segment_step: self.row_words,
        };
        if self.is_pointwise && out.row_step == out.position_step * self.to.width {
            view.width *= view.n_rows;
            view.n_rows = 1;
        }
        let finish = |input_scale| Finish {
            base,
            bias: &self.bias,
            input_scale,
            low: self.low,
            high: self.high,
        };
        let first = rows.start * row_step;
        match (&self.weights, input) {
            (Weights::Floats(matrix), Ready::Floats(values)) => isa.run(Product {
                input: &values[first..],
                view,
                matrix,
                blocks,
                finish: finish(1.0),
                out,
            }),
            (Weights::Pairs(matrix), Ready::Integers { words, scale }) => isa.run(Product {
                input: &words[first..],
                view,
                matrix,
                blocks,
                finish: finish(scale),
                out,
            }),
            (Weights::Digits(matrix), Ready::Integers { words, scale }) => isa.run(TileProduct {
                input: &words[first..].as_chunks().0,
                pitch: self.position_words / LANES,
                n_rows: view.n_rows,
                width: view.width,
                matrix,
                blocks,
                finish: finish(scale),
                out,
            }),
            (Weights::Floats(_), Ready::Integers { .. })
            | (Weights::Pairs(_) | Weights::Digits(_), Ready::Floats(_)) => {
                unreachable!("an input is made ready by the step that reads it")
            }
        }
    }
}

/// Positions that there must be room for where tiles read `n_positions`.
pub(super) fn tiled_positions(n_positions: usize) -> usize {
    n_positions + TILE_SIDE - 1
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
fn spatial_source(
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
fn starts_evenly(conv: &Conv, from: Shape) -> bool {
    let is_even = |positions: usize| (positions * from.channels).is_multiple_of(2);
    is_even(conv.stride) && is_even(conv.padding.left)
}

/// Weights of a convolution over samples: each kernel row is filled up to whole
/// pairs.
fn sample_source(conv: &Conv, from: Shape) -> Source<impl Fn(usize, usize) -> f32 + '_> {
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
