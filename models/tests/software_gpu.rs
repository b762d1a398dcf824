//! The real model through burn-wgpu on software Vulkan: the code that a real
//! GPU runs, on a machine without one.
#![cfg(feature = "burn")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use imgshare_models::Classifier;
use imgshare_models::engine::{DeviceChoice, Engine, EngineError};
use imgshare_models::golden::{self, GPU_TOLERANCE};
use support::weights;

#[test]
fn golden_vectors_hold_on_software_vulkan() {
    let weights = weights();
    let mut engine = match Engine::start(weights, DeviceChoice::SoftwareGpu) {
        Err(EngineError::NoDevice { .. }) => return eprintln!("skipped: no adapter"),
        started => started.unwrap(),
    };
    assert!(
        engine.device().contains("llvmpipe"),
        "fell back to {}",
        engine.device()
    );
    let report = golden::check(&mut engine, GPU_TOLERANCE).unwrap();
    for bucket in report.buckets {
        let error = bucket.worst_error;
        eprintln!(
            "batch {}: {:?}, worst error {error:e}",
            bucket.n_images, bucket.batch_time
        );
    }
}
