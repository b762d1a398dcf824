//! The classifier, and the models beside it.

use imgshare_models::{ModelSpec, manifest};
use imgshare_pipeline::ShadowDraw;
use serde::{Deserialize, Serialize};

/// What stands for a model where there is none.
pub const NO_MODEL: &str = "off";

/// The classifier and its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Models {
    /// The model that classifies, by its id in `imgshare models list`.
    pub default: String,
    /// Whether weights that are missing are fetched at the start.
    pub auto_pull: bool,
    /// How the CPU computes: `auto`, `amx`, `avx512-vnni`, `avx512`, `avx2-vnni`,
    /// `avx2-int16`, `avx2`, `scalar` or `burn-flex`.
    pub cpu_path: String,
    /// Threads that classify on the CPU; 0 takes one a core.
    pub cpu_threads: usize,
    /// Whether each of them stays on one core.
    pub cpu_pinning: bool,
    /// The model that decides where `default` leaves a doubt, by its id; `off`
    /// for none.
    pub cascade: String,
    /// Distance to a label threshold within which that is so.
    pub cascade_band: f32,
    /// A candidate that looks at some uploads once they are answered and decides
    /// nothing, by its id; `off` for none.
    pub shadow: String,
    /// The share of uploads that it looks at.
    pub shadow_share: f32,
}

impl Default for Models {
    fn default() -> Self {
        Self {
            default: imgshare_models::manifest::DEFAULT_MODEL.to_owned(),
            auto_pull: true,
            cpu_path: "auto".to_owned(),
            cpu_threads: 0,
            cpu_pinning: false,
            cascade: NO_MODEL.to_owned(),
            cascade_band: 0.2,
            shadow: NO_MODEL.to_owned(),
            shadow_share: 0.1,
        }
    }
}

impl Models {
    /// The candidate model, if there is to be one; the settings were checked to
    /// name a known one.
    #[must_use]
    pub fn shadow_spec(&self) -> Option<&'static ModelSpec> {
        let id = self.shadow.as_str();
        (id != NO_MODEL).then(|| manifest::find(id).expect("settings name a known model"))
    }

    /// What the pipeline draws for it.
    #[must_use]
    pub fn shadow_draw(&self) -> Option<ShadowDraw> {
        self.shadow_spec().map(|spec| ShadowDraw {
            side: spec.side,
            share: self.shadow_share,
        })
    }
}
