//! Which of the CPU's ways computes: the one that was named, or the fastest
//! that gives the golden answers.

use imgshare_kernels::CpuPath;

use super::settings::{CpuPathChoice, EngineSettings};
use super::{EngineError, announce, flex::Flex};
use crate::classifier::Classifier;
use crate::cpu::{Cpu, CpuError};
use crate::golden::{self, GoldenMismatch, GoldenReport};
use crate::weights::Weights;

/// The CPU computing in a way that gives the golden answers.
pub(super) struct Measured {
    pub(super) cpu: Box<dyn Classifier>,
    report: GoldenReport,
    is_pinned: bool,
}

impl Measured {
    /// `cpu`, if it gives them.
    pub(super) fn of(
        mut cpu: Box<dyn Classifier>,
        is_pinned: bool,
    ) -> Result<Self, GoldenMismatch> {
        let tolerance = cpu.tolerance();
        let report = golden::check(cpu.as_mut(), tolerance)?;
        Ok(Self {
            cpu,
            report,
            is_pinned,
        })
    }
}

/// The CPU as `settings` want it, which has shown that it computes what it
/// should.
pub(super) fn start(
    weights: &Weights,
    settings: EngineSettings,
) -> Result<Box<dyn Classifier>, EngineError> {
    let Measured {
        cpu,
        report,
        is_pinned,
    } = measure(weights, settings.cpu_path, settings)?;
    announce(cpu.as_ref(), &report);
    if settings.cpu_pinning && !is_pinned {
        tracing::warn!(
            device = cpu.device(),
            "neither the system nor burn keeps threads on cores here; models.cpu_pinning does \
             nothing"
        );
    }
    Ok(cpu)
}

/// The CPU computing as `choice` says, if that gives the golden answers.
fn measure(
    weights: &Weights,
    choice: CpuPathChoice,
    settings: EngineSettings,
) -> Result<Measured, EngineError> {
    match choice {
        CpuPathChoice::Auto => fastest(CpuPath::available(), |choice| {
            measure(weights, choice, settings)
        }),
        CpuPathChoice::Path(path) => {
            let mut cpu = Cpu::load(weights, path, settings.cpu_threads).map_err(refused)?;
            if settings.cpu_pinning {
                cpu = cpu.pinned();
            }
            let is_pinned = cpu.is_pinned();
            Ok(Measured::of(Box::new(cpu), is_pinned)?)
        }
        CpuPathChoice::BurnFlex => {
            let burn = Flex::load(weights, settings.cpu_threads)?;
            Ok(Measured::of(Box::new(burn), false)?)
        }
    }
}

/// The first of `paths` that is right, or of several whose order is not known the
/// one that is faster here, burn's among them. One that is wrong is told and left
/// out.
fn fastest(
    paths: impl IntoIterator<Item = CpuPath>,
    mut measure: impl FnMut(CpuPathChoice) -> Result<Measured, EngineError>,
) -> Result<Measured, EngineError> {
    let mut fastest: Option<Measured> = None;
    for path in paths {
        match measure(CpuPathChoice::Path(path)) {
            Ok(other) => {
                let faster = faster(fastest.take(), other);
                if path.is_measured() {
                    return Ok(faster);
                }
                fastest = Some(faster);
            }
            // They would be no better on the next path.
            Err(error @ EngineError::Weights(_)) => return Err(error),
            Err(error) => refuse(CpuPathChoice::Path(path), &error),
        }
    }
    match (measure(CpuPathChoice::BurnFlex), fastest) {
        (Ok(burn), fastest) => Ok(faster(fastest, burn)),
        (Err(error), Some(fastest)) => {
            refuse(CpuPathChoice::BurnFlex, &error);
            Ok(fastest)
        }
        (Err(error), None) => Err(error),
    }
}

fn refuse(choice: CpuPathChoice, reason: &EngineError) {
    tracing::warn!(path = choice.as_str(), %reason, "a path of the CPU is refused");
}

/// How many hundredths less time the first of two has to take: two measurements of
/// one path differ by less, and the other is the one that is known.
const CLEARLY_PERCENT: u32 = 5;

/// Of two that are right the one that was faster with its golden answers; the
/// second, if that is not clear.
fn faster(one: Option<Measured>, other: Measured) -> Measured {
    let Some(one) = one else { return other };
    let (one_time, other_time) = (one.report.image_time(), other.report.image_time());
    tracing::info!(
        device = one.cpu.device(),
        image_us = one_time.as_micros(),
        other = other.cpu.device(),
        other_image_us = other_time.as_micros(),
        "two paths of the CPU were timed"
    );
    if one_time * (100 + CLEARLY_PERCENT) < other_time * 100 {
        one
    } else {
        other
    }
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

    use imgshare_kernels::network::PlanError;

    use super::*;
    use crate::fake::{Fake, Manner};
    use crate::golden::BucketReport;
    use crate::weights::WeightsError;

    fn measured(name: &'static str, batch_micros: u64) -> Measured {
        let bucket = |n_images, micros| BucketReport {
            n_images,
            worst_error: 0.0,
            batch_time: Duration::from_micros(micros),
        };
        Measured {
            cpu: Box::new(Fake::new(name, Manner::Right)),
            report: GoldenReport {
                buckets: vec![bucket(1, 900), bucket(8, batch_micros)],
            },
            is_pinned: false,
        }
    }

    #[test]
    fn the_faster_of_two_wins_by_its_best_bucket() {
        let winner = |one, other| faster(Some(one), other).cpu.device();
        assert_eq!(winner(measured("a", 800), measured("b", 848)), "a");
        assert_eq!(winner(measured("a", 800), measured("b", 832)), "b");
        assert_eq!(winner(measured("a", 808), measured("b", 800)), "b");
        assert_eq!(winner(measured("a", 80_000), measured("b", 7_100)), "b");
        assert_eq!(faster(None, measured("b", 1)).cpu.device(), "b");
    }

    /// What is chosen of `paths`, each of which takes some microseconds or is
    /// wrong, and which were asked. The last entry is burn's.
    fn chosen(paths: &[(CpuPath, Option<u64>)], burn: Option<u64>) -> (Option<String>, usize) {
        let mut n_asked = 0;
        let found = fastest(paths.iter().map(|&(path, _)| path), |choice| {
            n_asked += 1;
            let micros = match choice {
                CpuPathChoice::Path(path) => paths.iter().find(|(one, _)| *one == path).unwrap().1,
                _ => burn,
            };
            let wrong = PlanError::Unsupported("a layer for tests");
            Ok(measured(choice.as_str(), micros.ok_or(wrong)?))
        });
        (found.ok().map(|found| found.cpu.device()), n_asked)
    }

    #[test]
    fn a_path_whose_place_is_not_known_is_timed_against_the_next() {
        let (amx, vnni, floats) = (CpuPath::Amx, CpuPath::Avx512Vnni, CpuPath::Avx512);
        let paths = |amx_micros, vnni_micros| {
            [
                (amx, amx_micros),
                (vnni, vnni_micros),
                (floats, Some(3_000)),
            ]
        };
        let name = |path: CpuPath| Some(path.as_str().to_owned());
        assert_eq!(chosen(&paths(Some(500), Some(900)), None), (name(amx), 2));
        assert_eq!(chosen(&paths(Some(900), Some(500)), None), (name(vnni), 2));
        assert_eq!(chosen(&paths(None, Some(500)), None), (name(vnni), 2));
        assert_eq!(chosen(&paths(Some(500), None), None), (name(amx), 3));
        assert_eq!(chosen(&paths(None, None), None), (name(floats), 3));
    }

    #[test]
    fn plain_rust_and_burn_stand_in_for_each_other() {
        let scalar = |micros| [(CpuPath::Scalar, micros)];
        let name = |name: &str| Some(name.to_owned());
        assert_eq!(
            chosen(&scalar(Some(900)), Some(500)),
            (name("burn-flex"), 2)
        );
        assert_eq!(chosen(&scalar(Some(500)), Some(900)), (name("scalar"), 2));
        assert_eq!(chosen(&scalar(Some(900)), None), (name("scalar"), 2));
        assert_eq!(chosen(&scalar(None), Some(900)), (name("burn-flex"), 2));
        assert_eq!(chosen(&scalar(None), None), (None, 2));
    }

    #[test]
    fn weights_that_do_not_fit_end_the_search() {
        let mut n_asked = 0;
        let error = fastest(CpuPath::ALL, |_| {
            n_asked += 1;
            Err(EngineError::Weights(WeightsError::NotInstalled {
                id: "mobilenet_v2",
                folder: "models".into(),
            }))
        })
        .err();
        assert!(matches!(error, Some(EngineError::Weights(_))));
        assert_eq!(n_asked, 1);
    }
}
