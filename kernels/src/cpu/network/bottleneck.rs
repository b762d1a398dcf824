//! An inverted residual block, computed without ever storing its many channels.
//!
//! A few sixteens of the expanded channels are taken at a time. Their rows wait
//! in a ring for the depthwise kernel, whose results are projected at once and
//! added to the block's output, which gathers the sums of all channels. So the
//! weights of each channel are read once an image, and ring, weights and what
//! lies between stay in the first or second level cache.

use std::ops::Range;

use super::super::isa::{HalfLanes, Isa, LANES, Lanes};
use super::aligned::Aligned;
use super::conv::{ConvStep, Input, Prepared, Ready, Weights, lanes, pointwise_source};
use super::depthwise::{Depthwise, Kernel, Ring, Steps};
use super::layer::{Activation, Bottleneck};
use super::matrix::{INPUT_MAX, Matrix};
use super::product::{Base, Finish, Out, Product, View};
use super::shape::Shape;
use super::words::{Floats, Pairs, Words};

/// Sixteens of channels taken at a time: three fill the registers of AVX-512.
const GROUP_BLOCKS: usize = 6;
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
    filtered_pairs: Aligned<i32>,
}

/// Values that [`BandMemory`] must hold.
#[derive(Clone, Copy, Default)]
pub(super) struct BandSizes {
    pub(super) ring: usize,
    pub(super) zeros: usize,
    pub(super) filtered: usize,
}

impl BandMemory {
    pub(super) fn new(sizes: BandSizes) -> Self {
        Self {
            ring: Aligned::zeros(sizes.ring),
            zeros: Aligned::zeros(sizes.zeros),
            filtered: Aligned::zeros(sizes.filtered),
            filtered_pairs: Aligned::zeros(sizes.filtered / 2),
        }
    }
}

impl BottleneckStep {
    /// `block` on a picture of `from`, which it fits.
    pub(super) fn new(
        block: &Bottleneck,
        [from, expanded, filtered, to]: [Shape; 4],
        is_first: bool,
        reduced: bool,
    ) -> Self {
        let depthwise = &block.depthwise;
        // Only what is bounded can be rounded before it is known.
        let pairs = reduced && depthwise.activation == Activation::Relu6;
        let (low, high) = depthwise.activation.bounds();
        let (unit, high) = if pairs {
            (f32::from(INPUT_MAX) / high, f32::from(INPUT_MAX))
        } else {
            (1.0, high)
        };
        let n_blocks = expanded.blocks();
        let groups = (0..n_blocks).step_by(GROUP_BLOCKS).map(|start| {
            let blocks = start..(start + GROUP_BLOCKS).min(n_blocks);
            let inputs = start * LANES..(blocks.end * LANES).min(expanded.channels);
            let source = pointwise_source(&block.project, inputs);
            Group {
                kernels: kernels(block, blocks.clone(), unit),
                project: if pairs {
                    Weights::Pairs(Matrix::pairs(&source))
                } else {
                    Weights::Floats(Matrix::floats(&source))
                },
                blocks,
            }
        });
        let band_rows = (BAND_POSITIONS / filtered.width).clamp(1, filtered.height);
        Self {
            groups: groups.collect(),
            expand: ConvStep::new(&block.expand, from, expanded, is_first, reduced),
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
        BandSizes {
            ring: GROUP_BLOCKS * self.ring_rows * width * LANES,
            zeros: width * LANES,
            filtered: self.band_rows * self.filtered.width * GROUP_BLOCKS * LANES,
        }
    }

    /// Columns of a row in the ring: the picture's and those of padding.
    fn ring_width(&self) -> usize {
        self.steps.left + self.expand.to.width + self.steps.right
    }

    /// Makes the columns of padding zero, where an earlier block had others.
    fn clear_padding(&self, ring: &mut Aligned<f32>) {
        let (left, width) = (self.steps.left, self.ring_width());
        let n_rows = GROUP_BLOCKS.min(self.expand.to.blocks()) * self.ring_rows;
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
        let zeros = band.zeros.lanes();
        let place = (group, rows, base);
        match &group.project {
            Weights::Floats(matrix) => {
                let filtered = band.filtered.lanes_mut();
                self.both::<I, Floats>(isa, (ring, zeros), (matrix, filtered), place, out);
            }
            Weights::Pairs(matrix) => {
                let filtered: &mut [HalfLanes] = band.filtered_pairs.values_mut().as_chunks_mut().0;
                self.both::<I, Pairs>(isa, (ring, zeros), (matrix, filtered), place, out);
            }
        }
    }

    fn both<I: Isa, W: Words>(
        &self,
        isa: I,
        (ring, zeros): (Ring<'_>, &[Lanes]),
        (matrix, filtered): (&Matrix<W>, &mut [W::Channels]),
        (group, rows, base): (&Group, Range<usize>, Base<'_>),
        out: &mut [Lanes],
    ) {
        let width = self.filtered.width;
        let n_positions = rows.len() * width;
        let n_blocks = group.blocks.len();
        let filtered = &mut filtered[..n_positions * n_blocks];
        let (low, high) = self.filtered_bounds;
        isa.run(Depthwise::<W> {
            ring,
            steps: self.steps,
            kernels: &group.kernels,
            rows: rows.clone(),
            width,
            low,
            high,
            zeros,
            out: filtered,
        });
        let out_blocks = self.to.blocks();
        let first = rows.start * width * out_blocks;
        let is_last = group.blocks.end == self.expand.to.blocks();
        let (low, high) = if is_last {
            self.bounds
        } else {
            Activation::None.bounds()
        };
        isa.run(Product {
            input: W::flat(filtered),
            view: View {
                n_rows: 1,
                width: n_positions,
                position_step: W::flat(filtered).len() / n_positions,
                row_step: 0,
                n_segments: 1,
                segment_step: 0,
            },
            matrix,
            blocks: 0..out_blocks,
            finish: Finish {
                base: match base {
                    Base::BiasAnd(values) => Base::BiasAnd(&values[first..]),
                    other => other,
                },
                bias: &self.bias,
                input_scale: self.filtered_scale,
                low,
                high,
            },
            out: Out {
                lanes: &mut out[first..],
                position_step: out_blocks,
                row_step: 0,
                block_step: 1,
            },
        });
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
