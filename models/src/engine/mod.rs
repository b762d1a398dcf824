//! A model on the device that was asked for, or on the CPU where that device
//! is missing, wrong or gone.

mod adapter;
mod choice;
mod contained;
mod cpu;
mod device_thread;
mod flex;
mod gpu;
mod network;
mod settings;

pub use choice::{DeviceChoice, UnknownDevice};
pub use settings::{CpuPathChoice, EngineSettings, UnknownCpuPath};

use imgshare_kernels::network::PlanError;

use crate::classifier::{Classifier, ClassifyError};
use crate::golden::{self, GoldenMismatch, GoldenReport};
use crate::manifest::ModelSpec;
use crate::scores::Scores;
use crate::weights::{Weights, WeightsError};
use contained::contained;
use device_thread::Refusal;

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
    /// The machine does not have the device that was named.
    #[error(
        "this machine has no {choice} device: install its Vulkan driver, or choose \
         the device auto or cpu"
    )]
    NoDevice {
        /// What was asked for.
        choice: DeviceChoice,
    },
    /// The weights are of another model, or lack a part.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The path of the CPU that was named cannot run the model.
    #[error("{0}; leave models.cpu_path at auto, or name another")]
    CpuPath(#[from] PlanError),
    /// Even the CPU does not give the known answers.
    #[error(
        "the CPU gives wrong answers ({0}): the weights or this build are broken; run `imgshare models pull` and try again"
    )]
    Wrong(#[from] GoldenMismatch),
}

impl Engine {
    /// Builds the network of `weights` on the device of `settings`, warms every
    /// batch bucket and checks each with the golden vectors. May take minutes
    /// on a GPU's first start.
    ///
    /// # Errors
    /// [`EngineError`]: an explicitly named device or path is not there, the
    /// weights do not fit, or even the CPU answers wrongly.
    pub fn start(
        weights: &Weights,
        settings: impl Into<EngineSettings>,
    ) -> Result<Self, EngineError> {
        let settings = settings.into();
        let choice = settings.device;
        let cpu = || cpu::start(weights, settings);
        if choice == DeviceChoice::Cpu {
            return Ok(Self::alone(cpu()?));
        }
        match gpu::start(weights, choice) {
            Ok(gpu) => Self::with_standby(Ok(Box::new(gpu)), cpu),
            Err(Refusal::Failed(reason)) => Self::with_standby(Err(reason), cpu),
            Err(Refusal::Absent) if choice == DeviceChoice::Auto => Ok(Self::alone(cpu()?)),
            Err(Refusal::Absent) => Err(EngineError::NoDevice { choice }),
        }
    }

    fn alone(cpu: Box<dyn Classifier>) -> Self {
        Self {
            active: cpu,
            standby: None,
        }
    }

    /// `gpu` if it started and gives the golden answers, else the CPU, which
    /// has given them before it stands by.
    fn with_standby(
        gpu: Result<Box<dyn Classifier>, String>,
        cpu: impl FnOnce() -> Result<Box<dyn Classifier>, EngineError>,
    ) -> Result<Self, EngineError> {
        let refused = match gpu {
            Ok(mut gpu) => {
                let tolerance = gpu.tolerance();
                match golden::check(gpu.as_mut(), tolerance) {
                    Ok(report) => {
                        announce(gpu.as_ref(), &report);
                        return Ok(Self {
                            active: gpu,
                            standby: Some(cpu()?),
                        });
                    }
                    Err(mismatch) => format!("{}: {mismatch}", gpu.device()),
                }
            }
            Err(reason) => reason,
        };
        tracing::warn!(reason = %refused, "the GPU is refused, the CPU classifies");
        Ok(Self::alone(cpu()?))
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

    fn tolerance(&self) -> f32 {
        self.active.tolerance()
    }

    fn classify(&mut self, samples: &[u16], n_images: usize) -> Result<Vec<Scores>, ClassifyError> {
        let error = match classify(self.active.as_mut(), samples, n_images) {
            Err(
                error @ (ClassifyError::Device { .. } | ClassifyError::NotProbabilities { .. }),
            ) => error,
            result => return result,
        };
        let Some(cpu) = self.standby.take() else {
            return Err(error);
        };
        tracing::warn!(reason = %error, "the GPU is given up, the CPU classifies from here on");
        // The failed device is dropped here, so nothing asks it again.
        self.active = cpu;
        classify(self.active.as_mut(), samples, n_images)
    }
}

fn announce(classifier: &dyn Classifier, report: &GoldenReport) {
    tracing::info!(
        model = classifier.spec().id,
        device = classifier.device(),
        buckets = ?classifier.buckets(),
        worst_error = report.worst_error(),
        "the golden answers hold"
    );
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
        Ok(Ok(scores)) if scores.len() != n_images => Err(failed(format!(
            "it answered {} of {n_images} images",
            scores.len()
        ))),
        Ok(result) => result,
        Err(panic) => Err(failed(panic)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{self, Fake, Manner};

    fn engine(gpu: Manner, cpu: Manner) -> Result<Engine, EngineError> {
        let gpu: Box<dyn Classifier> = Box::new(Fake::new("gpu", gpu));
        Engine::with_standby(Ok(gpu), || checked(cpu))
    }

    fn checked(manner: Manner) -> Result<Box<dyn Classifier>, EngineError> {
        Ok(cpu::Measured::of(Box::new(Fake::new("cpu", manner)), false)?.cpu)
    }

    fn black() -> Vec<u16> {
        vec![0; fake::spec().samples()]
    }

    #[test]
    fn a_right_gpu_is_used() {
        assert_eq!(
            engine(Manner::Right, Manner::Right).unwrap().device(),
            "gpu"
        );
    }

    #[test]
    fn a_gpu_that_is_wrong_or_fails_at_the_start_is_replaced() {
        for manner in [
            Manner::SlightlyWrong,
            Manner::Shuffled,
            Manner::NotANumber,
            Manner::Errs,
        ] {
            assert_eq!(engine(manner, Manner::Right).unwrap().device(), "cpu");
        }
        let refused = Err("no memory".to_owned());
        let engine = Engine::with_standby(refused, || checked(Manner::Right));
        assert_eq!(engine.unwrap().device(), "cpu");
    }

    #[test]
    fn a_gpu_that_dies_later_is_replaced_within_the_batch() {
        // The golden check takes seven batches: five of one image, two of four.
        let mut engine = engine(Manner::DiesAfter(8), Manner::Right).unwrap();
        let first = engine.classify(&black(), 1).unwrap();
        assert_eq!(engine.device(), "gpu");
        let second = engine.classify(&black(), 1).unwrap();
        assert_eq!(engine.device(), "cpu");
        assert_eq!(first, second);
    }

    #[test]
    fn a_panic_in_a_batch_is_an_error_of_that_batch() {
        let mut engine = Engine {
            active: Box::new(Fake::new("cpu", Manner::Panics)),
            standby: None,
        };
        let error = engine.classify(&black(), 1).unwrap_err();
        assert!(
            error.to_string().contains("the driver is confused"),
            "{error}"
        );
    }

    #[test]
    fn where_the_cpu_is_wrong_too_nothing_starts() {
        let error = engine(Manner::Errs, Manner::SlightlyWrong).err().unwrap();
        assert!(matches!(error, EngineError::Wrong(_)), "{error}");
        assert!(
            error.to_string().contains("imgshare models pull"),
            "{error}"
        );
    }
}
