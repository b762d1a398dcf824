//! A network ready to run: its steps, and the memory that they need.

use std::time::{Duration, Instant};

use super::super::isa::{CpuPath, Isa, Job, LANES, Precision, Proof};
use super::aligned::Aligned;
use super::bottleneck::{BandMemory, BandSizes, BottleneckStep};
use super::builder::Builder;
use super::conv::ConvStep;
use super::error::PlanError;
use super::layer::{Levels, Network, Window};
use super::pool::{Mean, Pool, softmax};
use super::prepare::{Input, Prepared, PreparedSizes};
use super::product::{Base, Out};
use super::shape::Shape;
use super::winograd::{WinogradMemory, WinogradSizes, WinogradStep};

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
    winograd: WinogradMemory,
}

#[derive(Default)]
pub(super) struct Sizes {
    pub(super) slots: Vec<usize>,
    pub(super) prepared: PreparedSizes,
    pub(super) band: BandSizes,
    pub(super) winograd: WinogradSizes,
}

/// Something computed: where it lies and what it is.
#[derive(Clone, Copy)]
struct Value {
    slot: usize,
    shape: Shape,
}

/// Where a step's result goes: some channels of a slot.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) slot: usize,
    pub(super) first_block: usize,
    /// Of all the slot's channels.
    pub(super) blocks: usize,
}

pub(super) struct Step {
    pub(super) work: Work,
    /// `None` for the samples.
    pub(super) input: Option<usize>,
    pub(super) target: Target,
}

pub(super) enum Work {
    Conv(Box<ConvStep>),
    Winograd(Box<WinogradStep>),
    Bottleneck(Box<BottleneckStep>),
    Pool {
        is_max: bool,
        window: Window,
        from: Shape,
        to: Shape,
        /// What results are cut to.
        bounds: (f32, f32),
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
        let mut builder = Builder::new(precision);
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
            winograd: WinogradMemory::new(self.sizes.winograd),
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
            winograd,
        } = self.scratch;
        let mut memory = (prepared, band, winograd);
        for (step_idx, step) in self.plan.steps.iter().enumerate() {
            let started = self.times.is_some().then(Instant::now);
            // A step never writes to the slot it reads, except in place.
            let mut out = std::mem::take(&mut slots[step.target.slot]);
            let input = match step.input {
                Some(slot) => Input::Values(slots[slot].values()),
                None => Input::Samples(self.samples, self.plan.levels),
            };
            step.run(isa, input, &mut memory, &mut out);
            slots[step.target.slot] = out;
            if let (Some(started), Some(times)) = (started, &mut self.times) {
                times[step_idx] += started.elapsed();
            }
        }
    }
}

/// What steps need beside their input and output.
type Memory<'a> = (&'a mut Prepared, &'a mut BandMemory, &'a mut WinogradMemory);

impl Step {
    fn run<I: Isa>(
        &self,
        isa: I,
        input: Input<'_>,
        (prepared, band, winograd): &mut Memory<'_>,
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
            Work::Winograd(conv) => {
                let out = &mut out.lanes_mut()[first_block..];
                conv.run(isa, lanes, winograd, (out, blocks));
            }
            Work::Bottleneck(block) => block.run(isa, input, (prepared, band), out.values_mut()),
            &Work::Pool {
                is_max,
                window,
                from,
                to,
                bounds,
            } => isa.run(Pool {
                is_max,
                window,
                input: lanes,
                from,
                to,
                bounds,
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
