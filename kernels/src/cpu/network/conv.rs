//! A convolution of a plan: packed weights and where its input lies.

use std::ops::{Range, RangeInclusive};

use super::super::isa::{Isa, LANES, Lanes, Precision, TILE_SIDE};
use super::layer::{Conv, Levels, Padding};
use super::matrix::{Limit, NORM_INPUTS_MAX};
use super::prepare::{Input, Pad, PadPairs, Prepared, PreparedSizes, Ready, padded_sizes};
use super::product::{Base, Finish, Out, Product, View};
use super::round::{ByLargest, ByNorm, Round};
use super::shape::Shape;
use super::tile_product::TileProduct;
use super::weights::{
    Weights, lanes, pointwise_source, sample_source, spatial_source, starts_evenly,
};
use super::words::{Digits, Pairs, Stored};

/// Whose rounded input a convolution reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rounded {
    /// Its own.
    Alone,
    /// Its own, which others after it read too.
    First,
    /// That of a convolution before it.
    Again,
}

/// A convolution of a plan.
pub(super) struct ConvStep {
    weights: Weights,
    /// Of inputs that are rounded.
    limit: Limit,
    rounded: Rounded,
    pub(super) bias: Vec<Lanes>,
    pub(super) from: Shape,
    pub(super) to: Shape,
    /// Words of an input position; of none where samples lie in pairs.
    position_words: usize,
    /// Words from the input of an output position to that of the next.
    position_step: usize,
    /// Words of a padded row of the input.
    row_words: usize,
    /// Rows and columns.
    kernel: [usize; 2],
    /// Inputs of one output.
    n_inputs: usize,
    stride: usize,
    padding: Padding,
    is_pointwise: bool,
    low: f32,
    high: f32,
}

/// Inputs from which 16-bit integers pay, and up to which they are fine enough
/// where each may be as large as any.
const INTEGER_INPUTS: RangeInclusive<usize> = 16..=512;

/// How `conv` limits its inputs to compute in 16-bit integers; `None` where it
/// computes in floats.
fn limit(conv: &Conv, from: Shape) -> Option<Limit> {
    let n_inputs = conv.kernel_height * conv.kernel_width * from.channels;
    if conv.is_pointwise() && INTEGER_INPUTS.contains(&from.channels) {
        Some(Limit::Each)
    } else if (*INTEGER_INPUTS.start()..=NORM_INPUTS_MAX).contains(&n_inputs)
        && from.positions() > 1
    {
        // With one position weights are read once, and all that counts is how
        // close the answer is.
        Some(Limit::Norm)
    } else {
        None
    }
}

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
        let limit = limit(conv, from).filter(|_| is_reduced && !is_first);
        let precision = match limit {
            None => Precision::Floats,
            // Digits are made for inputs of fourteen bits that lie in one piece.
            Some(Limit::Each) if is_pointwise => precision,
            Some(_) => Precision::Pairs,
        };
        let rounding = limit.unwrap_or(Limit::Each);
        let weights = if sample_pairs {
            Weights::new(&sample_source(conv, from), Precision::Pairs, Limit::Each)
        } else if is_pointwise {
            let source = pointwise_source(conv, 0..from.channels);
            Weights::new(&source, precision, rounding)
        } else {
            let source = spatial_source(conv, from, position_words);
            Weights::new(&source, precision, rounding)
        };
        let position_words = match precision {
            Precision::Floats => position_words,
            Precision::Pairs => position_words / 2,
            Precision::Digits => digit_words(from.blocks()),
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
            limit: rounding,
            rounded: Rounded::Alone,
            bias: lanes(&conv.bias),
            from,
            to,
            position_words,
            position_step,
            row_words,
            kernel: [conv.kernel_height, conv.kernel_width],
            n_inputs: conv.kernel_height * conv.kernel_width * from.channels,
            stride: conv.stride,
            padding: conv.padding,
            is_pointwise,
            low,
            high,
        }
    }

    /// Whether other convolutions of the same input could read it as this one
    /// rounds it.
    pub(super) fn can_share(&self) -> bool {
        self.is_pointwise && !matches!(self.weights, Weights::Floats(_))
    }

    /// Shares the rounded input with others that can, of which one `is_first`.
    pub(super) fn share(&mut self, is_first: bool) {
        self.rounded = if is_first {
            Rounded::First
        } else {
            Rounded::Again
        };
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
            Weights::Pairs(_) | Weights::Digits(_) => {
                let n_words = self.rounded_words();
                let is_alone = self.rounded == Rounded::Alone;
                PreparedSizes {
                    integers: if is_alone { n_words } else { 0 },
                    shared: if is_alone { 0 } else { n_words },
                    squares: ByNorm::n_sums(self.from),
                    ..PreparedSizes::default()
                }
            }
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
            (Input::Samples(..), Weights::Digits(_)) => unreachable!("samples are no digits"),
            (Input::Values(values), Weights::Pairs(_)) => {
                self.round::<I, Pairs>(isa, values, prepared)
            }
            (Input::Values(values), Weights::Digits(_)) => {
                self.round::<I, Digits>(isa, values, prepared)
            }
            (Input::Values(values), Weights::Floats(_)) if self.padding == Padding::default() => {
                Ready::Floats(values)
            }
            (Input::Values(values), Weights::Floats(_)) => {
                Ready::Floats(self.pad(isa, (values, Levels::UNIT), prepared))
            }
        }
    }

    /// Words that its input has when it is rounded.
    fn rounded_words(&self) -> usize {
        let (_, n_words) = padded_sizes(self.from, self.position_words, self.padding);
        match self.weights {
            Weights::Digits(_) => tiled_positions(self.from.positions()) * self.position_words,
            Weights::Floats(_) | Weights::Pairs(_) => n_words,
        }
    }

    fn round<'a, I: Isa, W: Stored<Word = i32>>(
        &self,
        isa: I,
        values: &[f32],
        prepared: &'a mut Prepared,
    ) -> Ready<'a> {
        let shape = self.from;
        let n_words = self.rounded_words();
        if self.rounded == Rounded::Again {
            return Ready::Integers {
                words: &prepared.shared.values()[..n_words],
                scale: prepared.shared_scale,
            };
        }
        let source = &values.as_chunks().0[..shape.positions() * shape.blocks()];
        let fineness = match self.limit {
            Limit::Each => isa.run(ByLargest { source }),
            Limit::Norm => isa.run(ByNorm {
                source,
                shape,
                window: self.kernel,
                sums: &mut prepared.squares.values_mut()[..ByNorm::n_sums(shape)],
            }),
        };
        let scale = if fineness > 0.0 { 1.0 / fineness } else { 0.0 };
        let words = if self.rounded == Rounded::First {
            prepared.shared_scale = scale;
            prepared.shared.values_mut()
        } else {
            prepared.integers.values_mut()
        };
        let words = &mut words[..n_words];
        isa.run(Round::<W> {
            source,
            shape,
            padding: self.padding,
            fineness,
            out: W::room(words),
        });
        Ready::Integers { words, scale }
    }

    fn pad<'a, I: Isa, T: super::prepare::Sample>(
        &self,
        isa: I,
        (source, levels): (&[T], Levels),
        prepared: &'a mut Prepared,
    ) -> &'a [f32] {
        let (padded_row, n_values) = padded_sizes(self.from, self.position_words, self.padding);
        let out = &mut prepared.floats.values_mut()[..n_values];
        let layout = Some((self.from, self.padding, self.position_words));
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
            n_segments: self.kernel[0],
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
                input: words[first..].as_chunks().0,
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

/// Words that a position of so many sixteens of channels has in digits.
pub(super) fn digit_words(blocks: usize) -> usize {
    Digits::flat(&[[0; LANES / 4]]).len() * Digits::pitch(blocks)
}

/// Positions that there must be room for where tiles read `n_positions`.
pub(super) fn tiled_positions(n_positions: usize) -> usize {
    n_positions + TILE_SIDE - 1
}
