//! A model on the device that was asked for, or on the CPU where that device
//! is missing, wrong or gone.

mod adapter;
mod choice;
mod contained;
mod device_thread;
mod runner;

use std::time::Duration;

pub use choice::{DeviceChoice, UnknownDevice};

use crate::classifier::{Classifier, ClassifyError};
use crate::golden::{self, CPU_TOLERANCE, GPU_TOLERANCE, GoldenMismatch};
use crate::manifest::ModelSpec;
use crate::scores::Scores;
use crate::weights::{Weights, WeightsError};
use contained::contained;
use device_thread::{DeviceThread, Timeouts};
use runner::Runner;

/// A loaded model that has shown on golden vectors that its device computes
/// what it should.
///
/// A GPU that fails, panics, falls silent or answers with something that is no
/// set of probabilities is replaced by the CPU, which then answers the same
/// batch; the reason is logged as a warning.
pub struct Engine {
    active: Box<dyn Classifier>,
    /// The CPU, for as long as it is not the active device.
    standby: Option<Box<dyn Classifier>>,
}

/// Why a model cannot run at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The model can be installed but has no network in this version.
    #[error("model {id} cannot run in this version; use {}", crate::manifest::DEFAULT_MODEL)]
    DoesNotRun {
        /// The model.
        id: &'static str,
    },
    /// The machine does not have the device that was named.
    #[error("there is no device for --device {choice}{detail}; use --device auto or cpu")]
    NoDevice {
        /// What was asked for.
        choice: DeviceChoice,
        /// What the drivers said, if anything.
        detail: String,
    },
    /// The weights are of another model, or lack a part.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Even the CPU does not give the known answers.
    #[error("the CPU gives wrong answers ({0}): the weights or this build are broken; run `imgshare models pull` and try again")]
    Wrong(#[from] GoldenMismatch),
}

/// A real GPU compiles and tunes some hundred kernels at its first start.
const GPU_TIMEOUTS: Timeouts =
    Timeouts { start: Duration::from_secs(180), batch: Duration::from_secs(20) };
/// Software Vulkan does the same on the CPU.
const SOFTWARE_GPU_TIMEOUTS: Timeouts =
    Timeouts { start: Duration::from_secs(600), batch: Duration::from_secs(120) };

impl Engine {
    /// Builds the network of `spec` on the device of `choice`, warms every
    /// batch bucket and checks each with the golden vectors. May take minutes
    /// on a GPU's first start.
    ///
    /// # Errors
    /// [`EngineError`]: the model does not run, an explicitly named device is
    /// not there, the weights do not fit, or even the CPU answers wrongly.
    pub fn start(
        spec: &'static ModelSpec,
        weights: &Weights,
        choice: DeviceChoice,
    ) -> Result<Self, EngineError> {
        if !spec.runs {
            return Err(EngineError::DoesNotRun { id: spec.id });
        }
        let cpu = Box::new(Runner::cpu(weights)?);
        match start_gpu(spec, weights, choice)? {
            Some(gpu) => Self::with_standby(gpu, cpu),
            None => Self::alone(cpu),
        }
    }

    fn alone(mut cpu: Box<dyn Classifier>) -> Result<Self, EngineError> {
        golden::check(cpu.as_mut(), CPU_TOLERANCE)?;
        Ok(Self { active: cpu, standby: None })
    }

    /// `gpu` if it started and gives the golden answers, else `cpu`.
    fn with_standby(
        gpu: Result<Box<dyn Classifier>, String>,
        cpu: Box<dyn Classifier>,
    ) -> Result<Self, EngineError> {
        let refused = match gpu {
            Ok(mut gpu) => match golden::check(gpu.as_mut(), GPU_TOLERANCE) {
                Ok(_) => return Ok(Self { active: gpu, standby: Some(cpu) }),
                Err(mismatch) => format!("{}: {mismatch}", gpu.device()),
            },
            Err(reason) => reason,
        };
        tracing::warn!(reason = %refused, "the GPU is refused, the CPU classifies");
        Self::alone(cpu)
    }
}

impl Classifier for Engine {
    fn spec(&self) -> &'static ModelSpec {
        self.active.spec()
    }

    fn device(&self) -> String {
        self.active.device()
    }

    fn buckets(&self) -> &[usize] {
        self.active.buckets()
    }

    fn classify(
        &mut self,
        samples: &[u16],
        n_images: usize,
    ) -> Result<Vec<Scores>, ClassifyError> {
        let error = match classify(self.active.as_mut(), samples, n_images) {
            Err(error @ (ClassifyError::Device { .. } | ClassifyError::NotProbabilities { .. })) => {
                error
            }
            result => return result,
        };
        let Some(cpu) = self.standby.take() else { return Err(error) };
        tracing::warn!(reason = %error, "the GPU is given up, the CPU classifies from here on");
        // The failed device is dropped here, so nothing asks it again.
        self.active = cpu;
        golden::check(self.active.as_mut(), CPU_TOLERANCE).map_err(|mismatch| {
            ClassifyError::Device { device: self.active.device(), reason: mismatch.to_string() }
        })?;
        classify(self.active.as_mut(), samples, n_images)
    }
}

/// One batch on one device, panics and short answers included.
fn classify(
    classifier: &mut dyn Classifier,
    samples: &[u16],
    n_images: usize,
) -> Result<Vec<Scores>, ClassifyError> {
    let device = classifier.device();
    let failed = |reason| ClassifyError::Device { device, reason };
    match contained(|| classifier.classify(samples, n_images)) {
        Ok(Ok(scores)) if scores.len() != n_images => {
            Err(failed(format!("it answered {} of {n_images} images", scores.len())))
        }
        Ok(result) => result,
        Err(panic) => Err(failed(panic)),
    }
}

/// The GPU of `choice` on its own thread, or why it could not be started;
/// `None` where the CPU is what was asked for.
#[expect(clippy::type_complexity, reason = "three outcomes: refused choice, CPU, GPU or its failure")]
fn start_gpu(
    spec: &'static ModelSpec,
    weights: &Weights,
    choice: DeviceChoice,
) -> Result<Option<Result<Box<dyn Classifier>, String>>, EngineError> {
    if choice == DeviceChoice::Cpu {
        return Ok(None);
    }
    let device = match contained(|| adapter::find(choice)) {
        Ok(Some(device)) => device,
        Ok(None) if choice == DeviceChoice::Auto => return Ok(None),
        Err(panic) if choice == DeviceChoice::Auto => return Ok(Some(Err(panic))),
        Ok(None) => return Err(EngineError::NoDevice { choice, detail: String::new() }),
        Err(panic) => return Err(EngineError::NoDevice { choice, detail: format!(" ({panic})") }),
    };
    let timeouts = match choice {
        DeviceChoice::SoftwareGpu => SOFTWARE_GPU_TIMEOUTS,
        _ => GPU_TIMEOUTS,
    };
    let weights = weights.clone();
    let build = move || Runner::gpu(&weights, device).map_err(|error| error.to_string());
    let gpu = DeviceThread::start(spec, timeouts, build);
    Ok(Some(gpu.map(|gpu| Box::new(gpu) as Box<dyn Classifier>)))
}
