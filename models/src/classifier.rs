//! The one thing the rest of the program asks of a network on a device.

use crate::cascade::Second;
use crate::golden::GPU_TOLERANCE;
use crate::manifest::ModelSpec;
use crate::scores::Scores;

/// A loaded network on a device: samples in, class probabilities out.
pub trait Classifier: Send {
    /// The model that answers.
    fn spec(&self) -> &'static ModelSpec;

    /// The device for people, as logs and pages name it: `cpu (avx512)`,
    /// `NVIDIA H100 (Vulkan)`. Can change when a device is replaced.
    fn device(&self) -> String;

    /// Batch sizes that are warm, ascending. Can change when a device is
    /// replaced; sizes named before keep working.
    fn buckets(&self) -> &[usize];

    /// Largest difference from the golden answers that its arithmetic explains.
    fn tolerance(&self) -> f32 {
        GPU_TOLERANCE
    }

    /// Scores of `n_images` pictures, in their order.
    ///
    /// `samples` holds `n_images * side * side * 3` values, HWC, where 65535
    /// stands for 1.0 and an exact byte `q` is `q * 257`. `n_images` is one of
    /// [`Classifier::buckets`]; padding up to it is the caller's.
    ///
    /// # Errors
    /// [`ClassifyError`]; none of the pictures has a score then.
    fn classify(&mut self, samples: &[u16], n_images: usize) -> Result<Vec<Scores>, ClassifyError>;

    /// The classifier to be asked where this one's scores leave a doubt; `None`
    /// if this one decides everything.
    fn second(&mut self) -> Option<Second<'_>> {
        None
    }
}

/// Why a batch has no scores.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassifyError {
    /// The caller's batch is no bucket or has the wrong length.
    #[error("a batch of {n_images} images with {samples} samples is not one this classifier takes")]
    BadBatch {
        /// Images announced.
        n_images: usize,
        /// Samples handed over.
        samples: usize,
    },
    /// The device failed, panicked or did not answer in time.
    #[error("the device {device} failed: {reason}")]
    Device {
        /// The device, as [`Classifier::device`] names it.
        device: String,
        /// What it said, or how it fell silent.
        reason: String,
    },
    /// The device answered with something that is no set of probabilities.
    #[error("the device {device} answered {answer:?}, which are no probabilities")]
    NotProbabilities {
        /// The device, as [`Classifier::device`] names it.
        device: String,
        /// One picture's answer.
        answer: [f32; 5],
    },
}

/// The answer of `device` as scores, if it is a set of probabilities.
pub(crate) fn scores(answer: [f32; 5], device: &str) -> Result<Scores, ClassifyError> {
    let scores = Scores::from_array(answer);
    if scores.is_distribution() {
        Ok(scores)
    } else {
        Err(ClassifyError::NotProbabilities {
            device: device.to_owned(),
            answer,
        })
    }
}
