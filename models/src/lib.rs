//! Networks, weights and devices: from a square of samples to class
//! probabilities.
//!
//! The path: [`pull`] puts a model of the [`manifest`] on disk, [`Weights`]
//! reads and checks it, [`Engine`] builds the network on a device and checks it
//! with the [`golden`] vectors, and from then on it is a [`Classifier`]. A [`Cascade`]
//! of two asks the second where the first leaves a doubt.
//!
//! Only this crate knows burn. Without its feature `burn` everything but
//! [`Engine`] is still here, and builds in seconds; [`cpu::Cpu`] runs a model
//! without it.

pub mod cascade;
pub mod classifier;
pub mod cpu;
#[cfg(feature = "burn")]
pub mod engine;
#[cfg(test)]
mod fake;
pub mod golden;
pub mod manifest;
pub mod nets;
pub mod pull;
pub mod scores;
pub mod weights;

pub use cascade::{Cascade, Doubt, Second};
pub use classifier::{Classifier, ClassifyError};
#[cfg(feature = "burn")]
pub use engine::{CpuPathChoice, DeviceChoice, Engine, EngineError, EngineSettings};
pub use manifest::{DEFAULT_MODEL, ModelSpec};
pub use scores::{Label, Scores, Thresholds, Verdict};
pub use weights::{Weights, WeightsError};
