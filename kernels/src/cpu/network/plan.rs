//! A network turned into steps: shapes checked, weights packed, memory counted.

use std::time::{Duration, Instant};

use super::super::isa::{CpuPath, Isa, Job, LANES, Precision, Proof};
use super::aligned::Aligned;
use super::bottleneck::{BandMemory, BandSizes, BottleneckStep};
use super::conv::{ConvStep, Input, Prepared, PreparedSizes};
use super::error::PlanError;
use super::layer::{Conv, Dense, Layer, Levels, Network, Padding, Window};
use super::pool::{Mean, Pool, softmax};
use super::product::{Base, Out};
use super::shape::Shape;

/// Channels of a sample.
const CHANNELS: usize = 3;

/// A network ready to run on one path of this CPU.
pub struct Plan {
    path: CpuPath,
    proof: Proof,
    steps: Vec<Step>,
    sizes: Sizes,
    n_samples: usize,
    levels: Levels,
    output: Value,
}

/// The memory that one image needs on its way through a [`Plan`]. Made once a
/// thread and used again.
#[cfg_attr(test, derive(Default))]
pub struct Scratch {
    slots: Vec<Aligned<f32>>,
    prepared: Prepared,
    band: BandMemory,
}

#[derive(Default)]
struct Sizes {
    slots: Vec<usize>,
    prepared: PreparedSizes,
    band: BandSizes,
}

/// Something computed: where it lies and what it is.
#[derive(Clone, Copy)]
struct Value {
    slot: usize,
    shape: Shape,
}

/// Where a step's result goes: some channels of a slot.
#[derive(Clone, Copy)]
struct Target {
    slot: usize,
    first_block: usize,
    /// Of all the slot's channels.
    blocks: usize,
}

pub(super) struct Step {
    pub(super) work: Work,
    /// `None` for the samples.
    input: Option<usize>,
    target: Target,
}

pub(super) enum Work {
    Conv(Box<ConvStep>),
    Bottleneck(Box<BottleneckStep>),
    Pool {
        is_max: bool,
        window: Window,
        from: Shape,
        to: Shape,
    },
    Mean {
        from: Shape,
    },
    Softmax {
        channels: usize,
    },
}

impl Plan {
    /// Packs `network` for `path`.
    ///
    /// # Errors
    /// [`PlanError`]: the CPU lacks the path, or the network has a form or
    /// sizes that are not computed here.
    pub fn new(network: &Network, path: CpuPath) -> Result<Self, PlanError> {
        Self::packed(network, path, path.precision())
    }

    /// Packs `network` for `path` in a precision that may be another's.
    pub(super) fn packed(
        network: &Network,
        path: CpuPath,
        precision: Precision,
    ) -> Result<Self, PlanError> {
        let proof = Proof::of(path).ok_or(PlanError::NoPath(path))?;
        let input = Shape::new(network.height, network.width, CHANNELS)?;
        input.after_all(&network.layers)?;
        let mut builder = Builder {
            steps: Vec::new(),
            sizes: Sizes::default(),
            free: Vec::new(),
            precision,
        };
        let output = builder.sequence(&network.layers, (None, input), None)?;
        let slot = output.0.ok_or(PlanError::Unsupported("no layers"))?;
        Ok(Self {
            path,
            proof,
            steps: builder.steps,
            sizes: builder.sizes,
            n_samples: input.positions() * CHANNELS,
            levels: network.levels,
            output: Value {
                slot,
                shape: output.1,
            },
        })
    }

    /// The path it was packed for.
    pub fn path(&self) -> CpuPath {
        self.path
    }

    /// Samples of one image.
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// Values of one answer.
    pub fn n_outputs(&self) -> usize {
        self.output.shape.positions() * self.output.shape.channels
    }

    /// Memory for one thread.
    pub fn scratch(&self) -> Scratch {
        Scratch {
            slots: self
                .sizes
                .slots
                .iter()
                .map(|&n| Aligned::zeros(n))
                .collect(),
            prepared: Prepared::new(self.sizes.prepared),
            band: BandMemory::new(self.sizes.band),
        }
    }

    /// The network's answer to one image into `answer`. `samples` are HWC and
    /// stand for what the network's levels say. `scratch` is this plan's.
    ///
    /// # Panics
    /// If `samples` or `answer` has another length than the plan says.
    pub fn run(&self, samples: &[u16], scratch: &mut Scratch, answer: &mut [f32]) {
        assert_eq!(answer.len(), self.n_outputs(), "room for one answer");
        self.run_steps(samples, scratch, None);
        let values = scratch.slots[self.output.slot].values();
        let pitch = self.output.shape.blocks() * LANES;
        let channels = self.output.shape.channels;
        for (out, position) in answer
            .chunks_exact_mut(channels)
            .zip(values.chunks_exact(pitch))
        {
            out.copy_from_slice(&position[..channels]);
        }
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Runs every step; what each took is added to `times`.
    pub(super) fn run_steps(
        &self,
        samples: &[u16],
        scratch: &mut Scratch,
        times: Option<&mut [Duration]>,
    ) {
        assert_eq!(samples.len(), self.n_samples, "samples of one image");
        self.proof.choose(Run {
            plan: self,
            samples,
            scratch,
            times,
        });
    }
}

struct Run<'a> {
    plan: &'a Plan,
    samples: &'a [u16],
    scratch: &'a mut Scratch,
    times: Option<&'a mut [Duration]>,
}

impl Job for Run<'_> {
    type Output = ();

    fn run<I: Isa>(mut self, isa: I) {
        let Scratch {
            slots,
            prepared,
            band,
        } = self.scratch;
        for (step_idx, step) in self.plan.steps.iter().enumerate() {
            let started = self.times.is_some().then(Instant::now);
            // A step never writes to the slot it reads, except in place.
            let mut out = std::mem::take(&mut slots[step.target.slot]);
            let input = match step.input {
                Some(slot) => Input::Values(slots[slot].values()),
                None => Input::Samples(self.samples, self.plan.levels),
            };
            step.run(isa, input, (&mut *prepared, &mut *band), &mut out);
            slots[step.target.slot] = out;
            if let (Some(started), Some(times)) = (started, &mut self.times) {
                times[step_idx] += started.elapsed();
            }
        }
    }
}

impl Step {
    fn run<I: Isa>(
        &self,
        isa: I,
        input: Input<'_>,
        (prepared, band): (&mut Prepared, &mut BandMemory),
        out: &mut Aligned<f32>,
    ) {
        let values = match input {
            Input::Values(values) => values,
            Input::Samples(..) => &[],
        };
        let lanes = values.as_chunks().0;
        let Target {
            first_block,
            blocks,
            ..
        } = self.target;
        match &self.work {
            Work::Conv(conv) => {
                let ready = conv.prepare(isa, input, prepared);
                let place = (0..conv.to.height, 0..conv.to.blocks());
                let out = Out {
                    lanes: &mut out.lanes_mut()[first_block..],
                    position_step: blocks,
                    row_step: blocks * conv.to.width,
                    block_step: 1,
                };
                conv.rows(isa, ready, place, Base::Bias, out);
            }
            Work::Bottleneck(block) => block.run(isa, input, (prepared, band), out.values_mut()),
            &Work::Pool {
                is_max,
                window,
                from,
                to,
            } => isa.run(Pool {
                is_max,
                window,
                input: lanes,
                from,
                to,
                out: &mut out.lanes_mut()[first_block..],
                position_step: blocks,
            }),
            Work::Mean { from } => isa.run(Mean {
                input: &lanes[..from.positions() * from.blocks()],
                positions: from.positions(),
                out: &mut out.lanes_mut()[first_block..],
            }),
            Work::Softmax { channels } => softmax(&mut out.values_mut()[..*channels]),
        }
    }
}

struct Builder {
    steps: Vec<Step>,
    sizes: Sizes,
    /// Slots whose values no later step reads.
    free: Vec<usize>,
    precision: Precision,
}

/// A slot, or the samples, and the picture in it.
type Place = (Option<usize>, Shape);

impl Builder {
    /// Adds `layers`, of which the last writes to `target` if there is one.
    /// What lies in `input` stays.
    fn sequence(
        &mut self,
        layers: &[Layer],
        input: Place,
        target: Option<Target>,
    ) -> Result<Place, PlanError> {
        let mut place = input;
        for (layer_idx, layer) in layers.iter().enumerate() {
            let target = target.filter(|_| layer_idx + 1 == layers.len());
            let next = self.layer(layer, place, target)?;
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
            Layer::Conv(conv) => (self.conv(conv, from, to, is_first), None),
            Layer::Dense(dense) => (self.conv(&pointwise(dense), from, to, is_first), None),
            Layer::Bottleneck(block) => {
                if target.is_some() {
                    return Err(PlanError::Unsupported("a block at the end of a branch"));
                }
                let expanded = from.after_conv(&block.expand)?;
                let depthwise = &block.depthwise;
                let (stride, padding) = (depthwise.stride, depthwise.padding);
                let filtered = expanded.under([3, 3], stride, padding, expanded.channels)?;
                let shapes = [from, expanded, filtered, to];
                let step = BottleneckStep::new(block, shapes, is_first, self.precision);
                self.sizes
                    .prepared
                    .grow(step.expand.prepared_sizes(is_first));
                self.sizes.band.grow(step.band_sizes());
                (Work::Bottleneck(Box::new(step)), None)
            }
            _ if is_first => return Err(PlanError::Unsupported("no convolution at its start")),
            Layer::MaxPool(window) | Layer::AveragePool(window) => {
                let (is_max, window) = (matches!(layer, Layer::MaxPool(_)), *window);
                (
                    Work::Pool {
                        is_max,
                        window,
                        from,
                        to,
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

    fn conv(&mut self, conv: &Conv, from: Shape, to: Shape, is_first: bool) -> Work {
        let step = ConvStep::new(conv, from, to, is_first, self.precision);
        self.sizes.prepared.grow(step.prepared_sizes(is_first));
        Work::Conv(Box::new(step))
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
