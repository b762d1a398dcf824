//! An inverted residual block, computed without ever storing its many channels.
//!
//! A few sixteens of the expanded channels are taken at a time. Their rows wait
//! in a ring for the depthwise kernel, whose results are projected at once and
//! added to the block's output, which gathers the sums of all channels. So the
//! weights of each channel are read once an image, and ring, weights and what
//! lies between stay in the first or second level cache.

use std::ops::Range;

use super::super::isa::{Isa, LANES, Lanes, Precision};
use super::aligned::Aligned;
use super::conv::{ConvStep, digit_words, tiled_positions};
use super::depthwise::{Depthwise, Kernel, Ring, Steps};
use super::layer::{Activation, Bottleneck};
use super::matrix::{INPUT_MAX, Limit};
use super::prepare::{Input, Prepared, Ready};
use super::product::{Base, Finish, Out, Product, View};
use super::shape::Shape;
use super::tile_product::TileProduct;
use super::weights::{Weights, lanes, pointwise_source};
use super::words::{Digits, Floats, Pairs, Stored};

/// Sixteens of channels taken at a time: three fill the registers of AVX-512.
const GROUP_BLOCKS: usize = 6;
/// The same for tiles: three lines of sixty-four, which also divide the numbers
/// of channels that MobileNetV2 has.
const TILED_GROUP_BLOCKS: usize = 12;
/// Output positions computed between two visits to the projection.
const BAND_POSITIONS: usize = 112;

/// A block of a plan.
pub(super) struct BottleneckStep {
    pub(super) expand: ConvStep,
    steps: Steps,
    groups: Vec<Group>,
    bias: Vec<Lanes>,
    filtered: Shape,
    pub(super) to: Shape,
    is_residual: bool,
    /// What the depthwise results are cut to, in their own unit.
    filtered_bounds: (f32, f32),
    /// What 1 of a depthwise result stands for.
    filtered_scale: f32,
    bounds: (f32, f32),
    group_blocks: usize,
    band_rows: usize,
    ring_rows: usize,
}

/// Some of the expanded channels.
struct Group {
    blocks: Range<usize>,
    kernels: Vec<Kernel>,
    project: Weights,
}

/// Memory of a block while it runs, as large as the largest of a plan.
#[derive(Default)]
pub(super) struct BandMemory {
    ring: Aligned<f32>,
    zeros: Aligned<f32>,
    filtered: Aligned<f32>,
    filtered_integers: Aligned<i32>,
}

/// Values that [`BandMemory`] must hold.
#[derive(Clone, Copy, Default)]
pub(super) struct BandSizes {
    pub(super) ring: usize,
    pub(super) zeros: usize,
    pub(super) filtered: usize,
    pub(super) filtered_integers: usize,
}

impl BandMemory {
    pub(super) fn new(sizes: BandSizes) -> Self {
        Self {
            ring: Aligned::zeros(sizes.ring),
            zeros: Aligned::zeros(sizes.zeros),
            filtered: Aligned::zeros(sizes.filtered),
            filtered_integers: Aligned::zeros(sizes.filtered_integers),
        }
    }
}

impl BottleneckStep {
    /// `block` on a picture of `from`, which it fits.
    pub(super) fn new(
        block: &Bottleneck,
        [from, expanded, filtered, to]: [Shape; 4],
        is_first: bool,
        precision: Precision,
    ) -> Self {
        let depthwise = &block.depthwise;
        // Only what is bounded can be rounded before it is known.
        let filtered_precision = match depthwise.activation {
            Activation::Relu6 => precision,
            _ => Precision::Floats,
        };
        let (low, high) = depthwise.activation.bounds();
        let (unit, high) = match filtered_precision {
            Precision::Floats => (1.0, high),
            Precision::Pairs | Precision::Digits => {
                (f32::from(INPUT_MAX) / high, f32::from(INPUT_MAX))
            }
        };
        let group_blocks = match precision {
            Precision::Digits => TILED_GROUP_BLOCKS,
            Precision::Pairs | Precision::Floats => GROUP_BLOCKS,
        };
        let n_blocks = expanded.blocks();
        let groups = (0..n_blocks).step_by(group_blocks).map(|start| {
            let blocks = start..(start + group_blocks).min(n_blocks);
            let inputs = start * LANES..(blocks.end * LANES).min(expanded.channels);
            let source = pointwise_source(&block.project, inputs);
            Group {
                kernels: kernels(block, blocks.clone(), unit),
                project: Weights::new(&source, filtered_precision, Limit::Each),
                blocks,
            }
        });
        let band_rows = (BAND_POSITIONS / filtered.width).clamp(1, filtered.height);
        Self {
            groups: groups.collect(),
            expand: ConvStep::new(&block.expand, from, expanded, is_first, precision),
            steps: Steps {
                top: depthwise.padding.top,
                left: depthwise.padding.left,
                right: depthwise.padding.right,
                stride: depthwise.stride,
            },
            bias: lanes(&block.project.bias),
            filtered,
            to,
            is_residual: block.is_residual,
            filtered_bounds: (low, high),
            filtered_scale: 1.0 / unit,
            bounds: block.project.activation.bounds(),
            group_blocks,
            band_rows,
            ring_rows: ((band_rows - 1) * depthwise.stride + 3).min(expanded.height),
        }
    }

    pub(super) fn n_weights(&self) -> usize {
        self.expand.n_weights() + self.filtered.channels * (9 + self.to.channels)
    }

    pub(super) fn multiply_adds(&self) -> usize {
        let others = self.filtered.channels * (9 + self.to.channels);
        self.expand.multiply_adds() + others * self.filtered.positions()
    }

    pub(super) fn band_sizes(&self) -> BandSizes {
        let width = self.ring_width();
        let n_positions = self.band_rows * self.filtered.width;
        let ring = self.group_blocks * self.ring_rows * width * LANES;
        let (mut filtered, mut filtered_integers) = (0, 0);
        match self.groups.first().map(|group| &group.project) {
            Some(Weights::Floats(_)) => filtered = n_positions * self.group_blocks * LANES,
            Some(Weights::Pairs(_)) => {
                filtered_integers = n_positions * self.group_blocks * LANES / 2;
            }
            Some(Weights::Digits(_)) => {
                filtered_integers = tiled_positions(n_positions) * digit_words(self.group_blocks);
            }
            None => {}
        }
        BandSizes {
            ring,
            zeros: width * LANES,
            filtered,
            filtered_integers,
        }
    }

    /// Columns of a row in the ring: the picture's and those of padding.
    fn ring_width(&self) -> usize {
        self.steps.left + self.expand.to.width + self.steps.right
    }

    /// Makes the columns of padding zero, where an earlier block had others.
    fn clear_padding(&self, ring: &mut Aligned<f32>) {
        let (left, width) = (self.steps.left, self.ring_width());
        let n_rows = self.group_blocks.min(self.expand.to.blocks()) * self.ring_rows;
        for row in ring.lanes_mut().chunks_exact_mut(width).take(n_rows) {
            row[..left].fill([0.0; LANES]);
            row[width - self.steps.right..].fill([0.0; LANES]);
        }
    }

    /// The whole block, from `input` to `out`, both by position, then channel.
    pub(super) fn run<I: Isa>(
        &self,
        isa: I,
        input: Input<'_>,
        (prepared, band): (&mut Prepared, &mut BandMemory),
        out: &mut [f32],
    ) {
        let ready = self.expand.prepare(isa, input, prepared);
        let out = out.as_chunks_mut().0;
        self.clear_padding(&mut band.ring);
        for group in &self.groups {
            let base = match input {
                _ if group.blocks.start > 0 => Base::Kept,
                Input::Values(values) if self.is_residual => Base::BiasAnd(values.as_chunks().0),
                _ => Base::Bias,
            };
            let mut n_expanded = 0;
            for start in (0..self.filtered.height).step_by(self.band_rows) {
                let rows = start..(start + self.band_rows).min(self.filtered.height);
                let needed = (rows.end - 1) * self.steps.stride + 3 - self.steps.top;
                let needed = needed.min(self.expand.to.height);
                self.expand(isa, ready, group, n_expanded..needed, &mut band.ring);
                n_expanded = needed.max(n_expanded);
                self.filter_and_project(isa, group, rows, base, (&mut *band, &mut *out));
            }
        }
    }

    /// Brings `rows` of the expanded channels of `group` into the ring.
    fn expand<I: Isa>(
        &self,
        isa: I,
        ready: Ready<'_>,
        group: &Group,
        rows: Range<usize>,
        ring: &mut Aligned<f32>,
    ) {
        let width = self.ring_width();
        let mut row = rows.start;
        while row < rows.end {
            let slot = row % self.ring_rows;
            let end = rows.end.min(row + self.ring_rows - slot);
            let out = Out {
                lanes: &mut ring.lanes_mut()[slot * width + self.steps.left..],
                position_step: 1,
                row_step: width,
                block_step: self.ring_rows * width,
            };
            let place = (row..end, group.blocks.clone());
            self.expand.rows(isa, ready, place, Base::Bias, out);
            row = end;
        }
    }

    fn filter_and_project<I: Isa>(
        &self,
        isa: I,
        group: &Group,
        rows: Range<usize>,
        base: Base<'_>,
        (band, out): (&mut BandMemory, &mut [Lanes]),
    ) {
        let ring = Ring {
            lanes: band.ring.lanes(),
            n_rows: self.ring_rows,
            height: self.expand.to.height,
            width: self.ring_width(),
        };
        let place = (ring, band.zeros.lanes(), group, rows.clone());
        let integers = band.filtered_integers.values_mut();
        let n_positions = rows.len() * self.filtered.width;
        let n_blocks = group.blocks.len();
        let blocks = 0..self.to.blocks();
        let (finish, out) = self.destination(group, rows, base, out);
        let view = |position_step| View {
            n_rows: 1,
            width: n_positions,
            position_step,
            row_step: 0,
            n_segments: 1,
            segment_step: 0,
        };
        match &group.project {
            Weights::Floats(matrix) => isa.run(Product {
                input: self.filter::<I, Floats>(isa, place, band.filtered.values_mut()),
                view: view(n_blocks * LANES),
                matrix,
                blocks,
                finish,
                out,
            }),
            Weights::Pairs(matrix) => isa.run(Product {
                input: self.filter::<I, Pairs>(isa, place, integers),
                view: view(n_blocks * LANES / 2),
                matrix,
                blocks,
                finish,
                out,
            }),
            Weights::Digits(matrix) => isa.run(TileProduct {
                input: self.filter::<I, Digits>(isa, place, integers).as_chunks().0,
                pitch: digit_words(n_blocks) / LANES,
                n_rows: 1,
                width: n_positions,
                matrix,
                blocks,
                finish,
                out,
            }),
        }
    }

    /// Depthwise results of some rows, as their projection reads them.
    fn filter<'a, I: Isa, W: Stored>(
        &self,
        isa: I,
        (ring, zeros, group, rows): (Ring<'_>, &[Lanes], &Group, Range<usize>),
        out: &'a mut [W::Word],
    ) -> &'a [W::Word] {
        let (low, high) = self.filtered_bounds;
        isa.run(Depthwise::<W> {
            ring,
            steps: self.steps,
            kernels: &group.kernels,
            rows,
            width: self.filtered.width,
            low,
            high,
            zeros,
            out: W::room(out),
        });
        out
    }

    /// What becomes of the projection of `rows` of `group`, and where it goes.
    fn destination<'a>(
        &'a self,
        group: &Group,
        rows: Range<usize>,
        base: Base<'a>,
        out: &'a mut [Lanes],
    ) -> (Finish<'a>, Out<'a>) {
        let out_blocks = self.to.blocks();
        let first = rows.start * self.filtered.width * out_blocks;
        let is_last = group.blocks.end == self.expand.to.blocks();
        let (low, high) = if is_last {
            self.bounds
        } else {
            Activation::None.bounds()
        };
        let finish = Finish {
            base: match base {
                Base::BiasAnd(values) => Base::BiasAnd(&values[first..]),
                other => other,
            },
            bias: &self.bias,
            input_scale: self.filtered_scale,
            low,
            high,
        };
        let out = Out {
            lanes: &mut out[first..],
            position_step: out_blocks,
            row_step: 0,
            block_step: 1,
        };
        (finish, out)
    }
}

/// Depthwise kernels of some channels, whose results come out `unit` times as
/// large.
fn kernels(block: &Bottleneck, blocks: Range<usize>, unit: f32) -> Vec<Kernel> {
    let depthwise = &block.depthwise;
    let channels = depthwise.bias.len();
    let vector = |values: &[f32], block: usize| -> Lanes {
        std::array::from_fn(|lane| values.get(block * LANES + lane).map_or(0.0, |v| v * unit))
    };
    blocks
        .map(|block| Kernel {
            taps: std::array::from_fn(|tap| {
                vector(&depthwise.weights[tap * channels..][..channels], block)
            }),
            bias: vector(&depthwise.bias, block),
        })
        .collect()
}
