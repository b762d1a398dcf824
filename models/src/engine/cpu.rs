//! Which of the CPU's ways computes: the one that was named, or the fastest
//! that gives the golden answers.

use imgshare_kernels::CpuPath;

use super::settings::{CpuPathChoice, EngineSettings};
use super::{EngineError, announce, flex::Flex};
use crate::classifier::Classifier;
use crate::cpu::{Cpu, CpuError};
use crate::golden::{self, GoldenMismatch};
use crate::weights::Weights;

/// The CPU as `settings` want it, which has shown that it computes what it
/// should.
pub(super) fn start(
    weights: &Weights,
    settings: EngineSettings,
) -> Result<Box<dyn Classifier>, EngineError> {
    match settings.cpu_path {
        CpuPathChoice::Auto => first_right(weights, settings),
        CpuPathChoice::Path(path) => {
            let cpu = load(weights, path, settings).map_err(refused)?;
            Ok(checked(Box::new(cpu))?)
        }
        CpuPathChoice::BurnFlex => flex(weights, settings),
    }
}

fn first_right(
    weights: &Weights,
    settings: EngineSettings,
) -> Result<Box<dyn Classifier>, EngineError> {
    for path in CpuPath::ALL.into_iter().filter(|path| path.is_available()) {
        let reason = match load(weights, path, settings) {
            Ok(cpu) => match checked(Box::new(cpu)) {
                Ok(cpu) => return Ok(cpu),
                Err(mismatch) => mismatch.to_string(),
            },
            Err(CpuError::Weights(error)) => return Err(error.into()),
            Err(error) => error.to_string(),
        };
        tracing::warn!(%path, %reason, "a path of the CPU is refused");
    }
    flex(weights, settings)
}

fn load(weights: &Weights, path: CpuPath, settings: EngineSettings) -> Result<Cpu, CpuError> {
    let cpu = Cpu::load(weights, path, settings.cpu_threads)?;
    if !settings.cpu_pinning {
        return Ok(cpu);
    }
    let cpu = cpu.pinned();
    if !cpu.is_pinned() {
        tracing::warn!(
            "the system does not keep threads on cores; models.cpu_pinning does nothing"
        );
    }
    Ok(cpu)
}

fn flex(weights: &Weights, settings: EngineSettings) -> Result<Box<dyn Classifier>, EngineError> {
    Ok(checked(Box::new(Flex::load(
        weights,
        settings.cpu_threads,
    )?))?)
}

/// `cpu` if it gives the golden answers.
pub(super) fn checked(mut cpu: Box<dyn Classifier>) -> Result<Box<dyn Classifier>, GoldenMismatch> {
    let tolerance = cpu.tolerance();
    let report = golden::check(cpu.as_mut(), tolerance)?;
    announce(cpu.as_ref(), &report);
    Ok(cpu)
}

fn refused(error: CpuError) -> EngineError {
    match error {
        CpuError::Weights(error) => error.into(),
        CpuError::Plan(error) => error.into(),
    }
}
