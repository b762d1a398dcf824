//! The network on the CPU by this project's own engine.

use std::num::NonZero;
use std::thread;

use imgshare_kernels::CpuPath;
use imgshare_kernels::network::{Plan, PlanError, Workers};

use crate::classifier::{self, Classifier, ClassifyError};
use crate::golden::{CPU_TOLERANCE, REDUCED_TOLERANCE};
use crate::manifest::ModelSpec;
use crate::nets;
use crate::scores::Scores;
use crate::weights::{Weights, WeightsError};

/// Images are computed one by one whatever the batch, so a bucket costs
/// nothing. Sixteen images are some twenty milliseconds on two cores.
const BUCKETS: &[usize] = &[1, 2, 4, 8, 16];
/// Of a network of more than [`LARGE_MULTIPLY_ADDS`], of which an image takes a
/// thread 24 ms with AVX-512 and VNNI, 80 ms with AVX2 and half a second in plain
/// Rust, so that a batch takes two cores two seconds at worst.
const LARGE_BUCKETS: &[usize] = &[1, 2, 4, 8];
/// Ten times what the default model has.
const LARGE_MULTIPLY_ADDS: u64 = 3_000_000_000;

/// A model packed for one path of this CPU.
pub struct Cpu {
    spec: &'static ModelSpec,
    name: String,
    buckets: &'static [usize],
    workers: Workers,
}

/// Why a model cannot run on a path of this CPU.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CpuError {
    /// The weights are of another model, or lack a part.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The CPU lacks the path, or the engine a form that the network has.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl Cpu {
    /// Packs the network of `weights` for `path` and `n_threads`, one a core if
    /// that is `None`.
    ///
    /// # Errors
    /// [`CpuError`]: the weights do not fit, or the CPU lacks the path.
    pub fn load(
        weights: &Weights,
        path: CpuPath,
        n_threads: Option<NonZero<usize>>,
    ) -> Result<Self, CpuError> {
        let plan = Plan::new(&nets::describe(weights)?, path)?;
        let costs = plan.costs();
        let multiply_adds: u64 = costs.iter().map(|cost| cost.multiply_adds).sum();
        let one_a_core = || thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        Ok(Self {
            spec: weights.spec(),
            name: format!("cpu ({path})"),
            buckets: if multiply_adds > LARGE_MULTIPLY_ADDS {
                LARGE_BUCKETS
            } else {
                BUCKETS
            },
            workers: Workers::new(plan, n_threads.unwrap_or_else(one_a_core)),
        })
    }

    /// The same with each thread on one core, where the system allows that; the
    /// device's name says so then.
    #[must_use]
    pub fn pinned(self) -> Self {
        let workers = self.workers.pinned();
        let name = if workers.are_pinned() {
            format!("cpu ({}, pinned)", workers.plan().path())
        } else {
            self.name
        };
        Self {
            name,
            workers,
            ..self
        }
    }

    /// Whether each thread stays on one core.
    pub fn is_pinned(&self) -> bool {
        self.workers.are_pinned()
    }

    /// How many threads it runs on.
    pub fn n_threads(&self) -> usize {
        self.workers.n_threads()
    }
}

impl Classifier for Cpu {
    fn spec(&self) -> &'static ModelSpec {
        self.spec
    }

    fn device(&self) -> String {
        self.name.clone()
    }

    fn buckets(&self) -> &[usize] {
        self.buckets
    }

    fn tolerance(&self) -> f32 {
        if self.workers.plan().path().is_reduced() {
            REDUCED_TOLERANCE
        } else {
            CPU_TOLERANCE
        }
    }

    /// Takes any number of images: a batch that was made up for a GPU's
    /// buckets must still be answered when that GPU is gone.
    fn classify(&mut self, samples: &[u16], n_images: usize) -> Result<Vec<Scores>, ClassifyError> {
        self.spec.check_batch(samples, n_images)?;
        let answers = self.workers.run(samples);
        let (answers, _) = answers.as_chunks::<5>();
        answers
            .iter()
            .map(|&answer| classifier::scores(answer, &self.name))
            .collect()
    }
}
