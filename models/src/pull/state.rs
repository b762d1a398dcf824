//! What is installed, and whether it is whole.

use std::fs;
use std::path::Path;

use crate::manifest::{self, ModelSpec};
use crate::weights::{self, WeightsError};

/// One known model and what lies on disk of it.
#[derive(Clone, Debug)]
pub struct InstalledState {
    /// The model.
    pub spec: &'static ModelSpec,
    /// What was found.
    pub state: InstallState,
}

/// What was found of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstallState {
    /// Nothing.
    Missing,
    /// Weights whose sha256 is the noted one.
    Installed {
        /// Length of the safetensors file.
        bytes: u64,
    },
    /// Weights that do not pass their check or cannot be read.
    Damaged {
        /// What is wrong and what to do about it.
        reason: String,
    },
}

/// The state of every known model in `models_dir`, which need not exist.
pub fn list(models_dir: &Path) -> Vec<InstalledState> {
    let state = |spec| InstalledState {
        spec,
        state: state(models_dir, spec),
    };
    manifest::models().iter().map(state).collect()
}

fn state(models_dir: &Path, spec: &'static ModelSpec) -> InstallState {
    let has_weights = fs::exists(models_dir.join(spec.file_name())).unwrap_or(true);
    match weights::read_checked(models_dir, spec) {
        Ok(file) => InstallState::Installed {
            bytes: u64::try_from(file.len()).unwrap_or(u64::MAX),
        },
        Err(WeightsError::NotInstalled { .. }) if !has_weights => InstallState::Missing,
        Err(error) => InstallState::Damaged {
            reason: error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_folder_has_nothing_installed() {
        let states = list(Path::new("/nowhere/at-all"));
        assert_eq!(states.len(), 3);
        assert!(
            states
                .iter()
                .all(|model| model.state == InstallState::Missing)
        );
    }

    #[test]
    fn weights_without_or_against_their_checksum_are_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let weights = folder.path().join("mobilenet_v2.safetensors");
        fs::write(&weights, b"not weights").unwrap();
        assert!(matches!(
            list(folder.path())[0].state,
            InstallState::Damaged { .. }
        ));
        fs::write(
            folder.path().join("mobilenet_v2.safetensors.sha256"),
            "00  x\n",
        )
        .unwrap();
        let InstallState::Damaged { reason } = &list(folder.path())[0].state else {
            panic!("damaged weights pass");
        };
        assert!(
            reason.contains("imgshare models pull mobilenet_v2"),
            "{reason}"
        );
    }
}
