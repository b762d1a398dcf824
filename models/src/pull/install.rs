//! Putting a model's files into the models folder: written beside their place,
//! synced, then renamed. Whatever stops the program, a reader finds the whole
//! old file or the whole new one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use safetensors::{Dtype, View};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::dequantise::NamedTensors;
use super::{Installed, PullError};
use crate::manifest::{ModelSpec, PACKAGE};
use crate::weights::{META_MODEL, META_PREPROCESSING, Tensor};

/// The models folder while one pull works in it, and a temporary folder inside
/// it for what is not finished. Inside, because a rename needs one filesystem,
/// and a full disk is then noticed before anything is touched.
pub(super) struct Workplace {
    models_dir: PathBuf,
    temp: TempDir,
    /// The models folder, locked for as long as this lives; the kernel lets go
    /// of it with the process.
    _lock: File,
}

const TEMP_PREFIX: &str = ".pull-";

impl Workplace {
    /// Makes `models_dir` if need be, keeps other pulls out of it and clears
    /// away what a killed one left.
    pub(super) fn open(models_dir: &Path) -> Result<Self, PullError> {
        let writing = |source| PullError::writing(models_dir.to_owned(), source);
        fs::create_dir_all(models_dir).map_err(writing)?;
        let lock = File::open(models_dir).map_err(writing)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => PullError::Busy {
                folder: models_dir.to_owned(),
            },
            TryLockError::Error(source) => writing(source),
        })?;
        clear_leftovers(models_dir).map_err(writing)?;
        let temp = tempfile::Builder::new()
            .prefix(TEMP_PREFIX)
            .tempdir_in(models_dir)
            .map_err(writing)?;
        Ok(Self {
            models_dir: models_dir.to_owned(),
            temp,
            _lock: lock,
        })
    }

    /// The temporary folder.
    pub(super) fn folder(&self) -> &Path {
        self.temp.path()
    }

    /// Installs `weights` as `spec`: licence, weights, then the checksum, so
    /// that a stop between two renames leaves weights that do not pass their
    /// check, never weights that pass wrongly.
    pub(super) fn install(
        &self,
        spec: &'static ModelSpec,
        weights: &NamedTensors,
        licence: &[u8],
    ) -> Result<Installed, PullError> {
        let file = serialise(spec, weights)?;
        let sha256 = hex::encode(Sha256::digest(&file));
        let checksum = format!("{sha256}  {}\n", spec.file_name());
        let write = || {
            let licence = self.stage(&spec.licence_file_name(), licence)?;
            let weights = self.stage(&spec.file_name(), &file)?;
            let checksum = self.stage(&spec.checksum_file_name(), checksum.as_bytes())?;
            for staged in [licence, weights, checksum] {
                let name = staged.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
                fs::rename(&staged, self.models_dir.join(name))?;
            }
            File::open(&self.models_dir)?.sync_all()
        };
        write().map_err(|source| PullError::writing(self.models_dir.clone(), source))?;
        let bytes = u64::try_from(file.len()).unwrap_or(u64::MAX);
        Ok(Installed {
            spec,
            path: self.models_dir.join(spec.file_name()),
            bytes,
            sha256,
        })
    }

    /// Writes and syncs a file in the temporary folder.
    fn stage(&self, name: &str, contents: &[u8]) -> io::Result<PathBuf> {
        let path = self.temp.path().join(name);
        let mut file = File::create(&path)?;
        file.write_all(contents)?;
        file.sync_all()?;
        Ok(path)
    }
}

/// Removes the temporary folders of pulls that were killed. The lock is held,
/// so none of them is in use.
fn clear_leftovers(models_dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(models_dir)? {
        let entry = entry?;
        let is_temp = entry.file_name().to_string_lossy().starts_with(TEMP_PREFIX);
        if is_temp && entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn serialise(spec: &ModelSpec, weights: &NamedTensors) -> Result<Vec<u8>, PullError> {
    let metadata = HashMap::from(
        [
            (META_MODEL, spec.id),
            (META_PREPROCESSING, spec.trained_for),
            ("source", PACKAGE),
            ("source_sha256", spec.source_sha256),
            ("licence", spec.licence),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    let views = weights
        .iter()
        .map(|(name, tensor)| (name.as_str(), TensorView(tensor)));
    safetensors::serialize(views, Some(metadata)).map_err(|error| PullError::Malformed {
        reason: format!("{}: {error}", spec.id),
    })
}

struct TensorView<'a>(&'a Tensor);

impl View for TensorView<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.0
            .values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    }

    fn data_len(&self) -> usize {
        self.0.values.len() * size_of::<f32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Weights;
    use crate::manifest;
    use crate::pull::{InstallState, list};

    fn spec() -> &'static ModelSpec {
        manifest::find("mobilenet_v2_mid").unwrap()
    }

    fn weights() -> NamedTensors {
        let tensor = |shape: &[usize], values: &[f32]| Tensor {
            shape: shape.to_vec(),
            values: values.to_vec(),
        };
        vec![
            ("a/kernel".to_owned(), tensor(&[2, 1], &[0.5, -1.0])),
            ("scalar".to_owned(), tensor(&[], &[2.0])),
        ]
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_installed_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let models_dir = folder.path().join("data/models");
        let workplace = Workplace::open(&models_dir).unwrap();
        let installed = workplace
            .install(spec(), &weights(), b"MIT License")
            .unwrap();
        drop(workplace);

        let read = Weights::load(&models_dir, spec()).unwrap();
        assert_eq!(read.values("a/kernel", &[2, 1]).unwrap(), [0.5, -1.0]);
        assert_eq!(read.values("scalar", &[]).unwrap(), [2.0]);
        assert!(read.values("scalar", &[1]).is_err());

        let state = list(&models_dir)
            .into_iter()
            .find(|model| model.spec.id == spec().id);
        assert_eq!(
            state.unwrap().state,
            InstallState::Installed {
                bytes: installed.bytes
            }
        );
        let names = names(&models_dir);
        let id = "mobilenet_v2_mid";
        let expected = ["LICENSE", "safetensors", "safetensors.sha256"];
        assert_eq!(names, expected.map(|extension| format!("{id}.{extension}")));
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let workplace = Workplace::open(folder.path()).unwrap();
        let installed = workplace
            .install(spec(), &weights(), b"MIT License")
            .unwrap();
        let mut file = fs::read(&installed.path).unwrap();
        *file.last_mut().unwrap() ^= 1;
        fs::write(&installed.path, file).unwrap();
        let error = Weights::load(folder.path(), spec())
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("imgshare models pull mobilenet_v2_mid"),
            "{error}"
        );
    }

    #[test]
    fn two_pulls_do_not_meet() {
        let folder = tempfile::tempdir().unwrap();
        let first = Workplace::open(folder.path()).unwrap();
        let second = Workplace::open(folder.path()).err().unwrap();
        assert!(matches!(second, PullError::Busy { .. }), "{second}");
        drop(first);
        Workplace::open(folder.path()).unwrap();
    }

    #[test]
    fn what_a_killed_pull_left_is_cleared_away() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".pull-killed")).unwrap();
        fs::write(folder.path().join(".pull-killed/half"), [0; 9]).unwrap();
        drop(Workplace::open(folder.path()).unwrap());
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_models_folder_that_cannot_be_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Workplace::open(&file.join("models")).err().unwrap();
        assert!(matches!(error, PullError::NotWritable { .. }), "{error}");
        assert!(error.to_string().contains("file/models"), "{error}");
    }
}
