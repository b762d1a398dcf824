//! A network turned into steps: shapes checked, weights packed, memory counted.

use super::super::isa::{LANES, Precision};
use super::bottleneck::{BandSizes, BottleneckStep};
use super::conv::ConvStep;
use super::error::PlanError;
use super::layer::{Activation, Bottleneck, Conv, Dense, Layer, Padding, Window};
use super::plan::{Sizes, Step, Target, Work};
use super::prepare::PreparedSizes;
use super::shape::Shape;
use super::winograd::{WinogradSizes, WinogradStep};

/// What a plan is made of, as its layers are gone through.
pub(super) struct Builder {
    pub(super) steps: Vec<Step>,
    pub(super) sizes: Sizes,
    /// Slots whose values no later step reads.
    free: Vec<usize>,
    precision: Precision,
    shared: Option<Shared>,
}

/// The input of branches that is rounded once for all that can read it so.
struct Shared {
    input: Option<usize>,
    is_rounded: bool,
}

/// A slot, or the samples, and the picture in it.
pub(super) type Place = (Option<usize>, Shape);

impl Builder {
    pub(super) fn new(precision: Precision) -> Self {
        Self {
            steps: Vec::new(),
            sizes: Sizes::default(),
            free: Vec::new(),
            precision,
            shared: None,
        }
    }

    /// Adds `layers`, of which the last writes to `target` if there is one.
    /// What lies in `input` stays.
    pub(super) fn sequence(
        &mut self,
        layers: &[Layer],
        input: Place,
        target: Option<Target>,
    ) -> Result<Place, PlanError> {
        let mut place = input;
        let mut rest = layers;
        while let [layer, others @ ..] = rest {
            rest = others;
            let next = match (layer, others) {
                (Layer::AveragePool(window), [Layer::Conv(conv), others @ ..])
                    if conv.is_pointwise() && conv.bias.len() <= place.1.channels =>
                {
                    rest = others;
                    let target = target.filter(|_| rest.is_empty());
                    self.pooled_conv(*window, conv, place, target)?
                }
                _ => self.layer(layer, place, target.filter(|_| rest.is_empty()))?,
            };
            if place.0 != input.0 && place.0 != next.0 {
                self.free.extend(place.0);
            }
            place = next;
        }
        Ok(place)
    }

    fn layer(
        &mut self,
        layer: &Layer,
        (input, from): Place,
        target: Option<Target>,
    ) -> Result<Place, PlanError> {
        let to = from.after_all(std::slice::from_ref(layer))?;
        let is_first = input.is_none();
        let in_place = |work| (work, input);
        let (work, in_place) = match layer {
            Layer::Branches(branches) => return self.branches(branches, (input, from), to, target),
            Layer::Conv(conv)
                if !is_first && WinogradStep::suits(conv, from, to, self.precision) =>
            {
                let step = WinogradStep::new(conv, from, to, self.precision);
                self.sizes.winograd.grow(step.sizes());
                (Work::Winograd(Box::new(step)), None)
            }
            Layer::Conv(conv) => (self.conv(conv, (input, from), to), None),
            Layer::Dense(dense) => (self.conv(&pointwise(dense), (input, from), to), None),
            Layer::Bottleneck(_) if target.is_some() => {
                return Err(PlanError::Unsupported("a block at the end of a branch"));
            }
            Layer::Bottleneck(block) => (self.bottleneck(block, (input, from), to)?, None),
            _ if is_first => return Err(PlanError::Unsupported("no convolution at its start")),
            Layer::MaxPool(window) | Layer::AveragePool(window) => {
                let (is_max, window) = (matches!(layer, Layer::MaxPool(_)), *window);
                (
                    Work::Pool {
                        is_max,
                        window,
                        from,
                        to,
                        bounds: Activation::None.bounds(),
                    },
                    None,
                )
            }
            Layer::GlobalAveragePool => (Work::Mean { from }, None),
            Layer::Softmax if target.is_some() || from.positions() != 1 => {
                return Err(PlanError::Unsupported("a softmax that is not at its end"));
            }
            Layer::Softmax => in_place(Work::Softmax {
                channels: from.channels,
            }),
        };
        let target = match (target, in_place) {
            (Some(target), _) => target,
            (None, Some(slot)) => self.target(slot, to),
            (None, None) => {
                let slot = self.slot(to);
                self.target(slot, to)
            }
        };
        let input = if in_place.is_some() { None } else { input };
        self.steps.push(Step {
            work,
            input,
            target,
        });
        Ok((Some(target.slot), to))
    }

    fn bottleneck(
        &mut self,
        block: &Bottleneck,
        (input, from): Place,
        to: Shape,
    ) -> Result<Work, PlanError> {
        let is_first = input.is_none();
        let expanded = from.after_conv(&block.expand)?;
        let depthwise = &block.depthwise;
        let (stride, padding) = (depthwise.stride, depthwise.padding);
        let filtered = expanded.under([3, 3], stride, padding, expanded.channels)?;
        let shapes = [from, expanded, filtered, to];
        let step = BottleneckStep::new(block, shapes, is_first, self.precision);
        let prepared = step.expand.prepared_sizes(is_first);
        self.sizes.prepared.grow(prepared);
        self.sizes.band.grow(step.band_sizes());
        Ok(Work::Bottleneck(Box::new(step)))
    }

    fn conv(&mut self, conv: &Conv, (input, from): Place, to: Shape) -> Work {
        let is_first = input.is_none();
        let mut step = ConvStep::new(conv, from, to, is_first, self.precision);
        if let Some(shared) = &mut self.shared
            && shared.input == input
            && step.can_share()
        {
            step.share(!shared.is_rounded);
            shared.is_rounded = true;
        }
        self.sizes.prepared.grow(step.prepared_sizes(is_first));
        Work::Conv(Box::new(step))
    }

    /// The mean under `window`, of which `conv` reads one position at a time.
    /// Both are sums, so their order is free, and behind the convolution there
    /// are fewer channels. Its input is what other branches read, too.
    fn pooled_conv(
        &mut self,
        window: Window,
        conv: &Conv,
        place: Place,
        target: Option<Target>,
    ) -> Result<Place, PlanError> {
        let linear = Conv {
            activation: Activation::None,
            ..conv.clone()
        };
        let between = self.layer(&Layer::Conv(linear), place, None)?;
        let pool = Layer::AveragePool(window);
        let pooled = self.layer(&pool, between, target)?;
        if let Some(Step {
            work: Work::Pool { bounds, .. },
            ..
        }) = self.steps.last_mut()
        {
            *bounds = conv.activation.bounds();
        }
        self.free.extend(between.0);
        Ok(pooled)
    }

    fn branches(
        &mut self,
        branches: &[Vec<Layer>],
        (input, from): Place,
        to: Shape,
        target: Option<Target>,
    ) -> Result<Place, PlanError> {
        let target = target.unwrap_or_else(|| {
            let slot = self.slot(to);
            self.target(slot, to)
        });
        let is_outermost = self.shared.is_none();
        if is_outermost {
            self.shared = Some(Shared {
                input,
                is_rounded: false,
            });
        }
        let mut first_block = target.first_block;
        for branch in branches {
            if branch.is_empty() {
                return Err(PlanError::Unsupported("an empty branch"));
            }
            let part = Target {
                first_block,
                ..target
            };
            let (_, shape) = self.sequence(branch, (input, from), Some(part))?;
            first_block += shape.blocks();
        }
        if is_outermost {
            self.shared = None;
        }
        Ok((Some(target.slot), to))
    }

    fn target(&self, slot: usize, shape: Shape) -> Target {
        Target {
            slot,
            first_block: 0,
            blocks: shape.blocks(),
        }
    }

    /// A slot that nothing else needs, large enough for `shape`.
    fn slot(&mut self, shape: Shape) -> usize {
        let n_values = shape.positions() * shape.blocks() * LANES;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.sizes.slots.push(0);
            self.sizes.slots.len() - 1
        });
        self.sizes.slots[slot] = self.sizes.slots[slot].max(n_values);
        slot
    }
}

impl PreparedSizes {
    fn grow(&mut self, other: Self) {
        self.floats = self.floats.max(other.floats);
        self.integers = self.integers.max(other.integers);
        self.samples = self.samples.max(other.samples);
        self.squares = self.squares.max(other.squares);
        self.shared = self.shared.max(other.shared);
    }
}

impl WinogradSizes {
    fn grow(&mut self, other: Self) {
        self.floats = self.floats.max(other.floats);
        self.pairs = self.pairs.max(other.pairs);
        self.sums = self.sums.max(other.sums);
    }
}

impl BandSizes {
    fn grow(&mut self, other: Self) {
        self.ring = self.ring.max(other.ring);
        self.zeros = self.zeros.max(other.zeros);
        self.filtered = self.filtered.max(other.filtered);
        self.filtered_integers = self.filtered_integers.max(other.filtered_integers);
    }
}

/// A dense layer is a 1x1 convolution of one position.
fn pointwise(dense: &Dense) -> Conv {
    Conv {
        kernel_height: 1,
        kernel_width: 1,
        stride: 1,
        padding: Padding::default(),
        weights: dense.weights.clone(),
        bias: dense.bias.clone(),
        activation: dense.activation,
    }
}
