//! What comes out of the pipeline, and to whom.

use std::time::Duration;

use imgshare_kernels::Pdq;
use imgshare_models::scores::Scores;

use crate::admission::Permit;
use crate::error::PipelineError;
use crate::item::Scrubbed;
use crate::path::STAGE_COUNT;
use crate::shadow::ShadowInput;

/// An image that may be stored, with what is known of it.
#[derive(Debug)]
pub struct Ingested {
    /// The clean bytes.
    pub scrubbed: Scrubbed,
    /// SHA-256 of the clean bytes.
    pub sha256: [u8; 32],
    /// The perceptual hash of the picture that is shown first; none when it is
    /// too small to have one.
    pub pdq: Option<Pdq>,
    /// Its inputs for a candidate model, if it was drawn for one and is scored.
    pub shadow: Option<ShadowInput>,
    /// What the classifier said, if it spoke in time.
    pub verdict: Verdict,
    /// Where the time went.
    pub timings: Timings,
    /// The image's place in the pipeline: hold it until the image is durable.
    pub permit: Permit,
}

/// The classifier's word on one image.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It was classified.
    Scored(Scored),
    /// It was not, in time; it is to be classified later.
    Pending,
}

/// Class probabilities and what they were made with.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The model's id in the manifest.
    pub model: &'static str,
    /// The preprocessing's id in the manifest.
    pub preprocessing: &'static str,
    /// Of an animation: those of the sampled frame with the highest nsfw mass.
    pub scores: Scores,
}

/// Where one image's time went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Time in each stage, in the order of [`crate::path::STAGES`].
    pub stages: [Duration; STAGE_COUNT],
    /// From the door to the first stage.
    pub waited_for_worker: Duration,
    /// From the last stage to the batch that took the image.
    pub waited_for_batch: Duration,
    /// The batch's time on the device.
    pub infer: Duration,
    /// From the door to the answer.
    pub total: Duration,
}

/// The caller that waits for one image.
pub trait Reply: Send + 'static {
    /// True once nobody waits any more; the image is then dropped before it
    /// costs another step.
    fn departed(&self) -> bool;

    /// Called exactly once. Must not block.
    fn send(self: Box<Self>, outcome: Result<Ingested, PipelineError>);
}
