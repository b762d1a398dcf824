//! Which of the CPU's ways computes: the one that was named, or the fastest
//! that gives the golden answers.

use std::error::Error;

use imgshare_kernels::CpuPath;

use super::settings::{CpuPathChoice, EngineSettings};
use super::{EngineError, announce, flex::Flex};
use crate::classifier::Classifier;
use crate::cpu::{Cpu, CpuError};
use crate::golden::{self, GoldenMismatch, GoldenReport};
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

/// The first path that is right, or of several whose order is not known the one
/// that is faster here, burn's among them.
fn first_right(
    weights: &Weights,
    settings: EngineSettings,
) -> Result<Box<dyn Classifier>, EngineError> {
    let mut fastest: Option<Measured> = None;
    for path in CpuPath::ALL.into_iter().filter(|path| path.is_available()) {
        match load(weights, path, settings) {
            Ok(cpu) => match right(Box::new(cpu)) {
                Ok(cpu) => {
                    let (cpu, report) = faster(fastest.take(), cpu);
                    if path.is_measured() {
                        announce(cpu.as_ref(), &report);
                        return Ok(cpu);
                    }
                    fastest = Some((cpu, report));
                }
                Err(mismatch) => refuse(path.as_str(), &mismatch),
            },
            Err(CpuError::Weights(error)) => return Err(error.into()),
            Err(error) => refuse(path.as_str(), &error),
        }
    }
    let flex = Flex::load(weights, settings.cpu_threads)?;
    let (cpu, report) = match (right(Box::new(flex)), fastest) {
        (Ok(flex), fastest) => faster(fastest, flex),
        (Err(mismatch), Some(fastest)) => {
            refuse("burn-flex", &mismatch);
            fastest
        }
        (Err(mismatch), None) => return Err(mismatch.into()),
    };
    announce(cpu.as_ref(), &report);
    Ok(cpu)
}

fn refuse(path: &str, reason: &dyn Error) {
    tracing::warn!(path, %reason, "a path of the CPU is refused");
}

type Measured = (Box<dyn Classifier>, GoldenReport);

/// How many hundredths less time the first of two has to take: two measurements of
/// one path differ by less, and the other is the one that is known.
const CLEARLY_PERCENT: u32 = 5;

/// Of two that are right the one that was faster with its golden answers; the
/// second, if that is not clear.
fn faster(one: Option<Measured>, other: Measured) -> Measured {
    let Some(one) = one else { return other };
    let (one_time, other_time) = (one.1.image_time(), other.1.image_time());
    tracing::info!(
        device = one.0.device(),
        image_us = one_time.as_micros(),
        other = other.0.device(),
        other_image_us = other_time.as_micros(),
        "two paths of the CPU were timed"
    );
    if one_time * (100 + CLEARLY_PERCENT) < other_time * 100 {
        one
    } else {
        other
    }
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
    if settings.cpu_pinning {
        tracing::warn!("burn keeps no threads on cores; models.cpu_pinning does nothing");
    }
    Ok(checked(Box::new(Flex::load(
        weights,
        settings.cpu_threads,
    )?))?)
}

/// `cpu` if it gives the golden answers, which is told.
pub(super) fn checked(cpu: Box<dyn Classifier>) -> Result<Box<dyn Classifier>, GoldenMismatch> {
    let (cpu, report) = right(cpu)?;
    announce(cpu.as_ref(), &report);
    Ok(cpu)
}

/// `cpu` if it gives the golden answers.
fn right(mut cpu: Box<dyn Classifier>) -> Result<Measured, GoldenMismatch> {
    let tolerance = cpu.tolerance();
    let report = golden::check(cpu.as_mut(), tolerance)?;
    Ok((cpu, report))
}

fn refused(error: CpuError) -> EngineError {
    match error {
        CpuError::Weights(error) => error.into(),
        CpuError::Plan(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fake::{Fake, Manner};
    use crate::golden::BucketReport;

    fn measured(name: &'static str, batch_micros: u64) -> Measured {
        let bucket = |n_images, micros| BucketReport {
            n_images,
            worst_error: 0.0,
            batch_time: Duration::from_micros(micros),
        };
        let report = GoldenReport {
            buckets: vec![bucket(1, 900), bucket(8, batch_micros)],
        };
        (Box::new(Fake::new(name, Manner::Right)), report)
    }

    #[test]
    fn the_faster_of_two_wins_by_its_best_bucket() {
        let winner = |one, other| faster(Some(one), other).0.device();
        assert_eq!(winner(measured("a", 800), measured("b", 848)), "a");
        assert_eq!(winner(measured("a", 800), measured("b", 832)), "b");
        assert_eq!(winner(measured("a", 808), measured("b", 800)), "b");
        assert_eq!(winner(measured("a", 80_000), measured("b", 7_100)), "b");
        assert_eq!(faster(None, measured("b", 1)).0.device(), "b");
    }
}
