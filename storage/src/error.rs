//! What can go wrong in storage, by what the caller can do about it.

use std::io;
use std::path::PathBuf;

use crate::ImageId;

/// Why an operation on the store failed. The text is for the log; the answer to
/// a client carries [`StorageError::code`] at most.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The disk or a quota is full. The same operation works once there is room.
    #[error("no space left ({action}): {source}")]
    NoSpace {
        /// What was being done.
        action: String,
        /// What the system said.
        source: io::Error,
    },
    /// The folder cannot be written. The same operation works once it can.
    #[error("storage cannot be written ({action}): {source}")]
    ReadOnly {
        /// What was being done.
        action: String,
        /// What the system said.
        source: io::Error,
    },
    /// Someone else changed the record since it was read.
    #[error("image {id} was changed by someone else meanwhile")]
    Conflict {
        /// Whose record.
        id: ImageId,
    },
    /// What a commit expected of a key does not hold.
    #[error("what was read of {key} was changed by someone else meanwhile")]
    Stale {
        /// The key, escaped.
        key: String,
    },
    /// The key is not one of the keyspace beside the records.
    #[error("{key} is no key of ours, or too long")]
    InvalidKey {
        /// The key, escaped.
        key: String,
    },
    /// A value or a commit is larger than it may be.
    #[error("{what} of {bytes} bytes is too large; at most {bytes_max} are stored")]
    TooLarge {
        /// What.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The largest one.
        bytes_max: usize,
    },
    /// There is an image of this id already.
    #[error("image {id} exists already")]
    AlreadyExists {
        /// Which.
        id: ImageId,
    },
    /// There is no image of this id.
    #[error("there is no image {id}")]
    NotFound {
        /// Which.
        id: ImageId,
    },
    /// What is stored cannot be understood.
    #[error("storage is damaged: {detail}. Stop the service and run `imgshare repair`")]
    Corrupt {
        /// What was found, and where.
        detail: String,
    },
    /// It was written by a newer release.
    #[error(
        "{what} has version {version}, which this release does not know; use the newer release"
    )]
    UnsupportedVersion {
        /// What carries the version.
        what: &'static str,
        /// The version found.
        version: u8,
    },
    /// Another process has the data folder open.
    #[error(
        "{} is in use by another process; stop the running service first, or choose another folder",
        .path.display()
    )]
    Locked {
        /// The data folder.
        path: PathBuf,
    },
    /// The record names an extension that cannot be a file's.
    #[error(transparent)]
    InvalidPart(#[from] crate::InvalidPartName),
    /// The record is longer than a record may be; its file name is to blame.
    #[error(
        "a record of {bytes} bytes is too large; at most {} are stored",
        crate::Record::ENCODED_BYTES_MAX
    )]
    RecordTooLarge {
        /// Its encoded size.
        bytes: usize,
    },
    /// The system failed in another way.
    #[error("storage failed ({action}): {source}")]
    Io {
        /// What was being done.
        action: String,
        /// What the system said.
        source: io::Error,
    },
}

impl StorageError {
    /// The stable kebab-case code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSpace { .. } => "storage-full",
            Self::ReadOnly { .. } => "storage-read-only",
            Self::Conflict { .. } => "storage-conflict",
            Self::Stale { .. } => "storage-stale",
            Self::InvalidKey { .. } => "storage-invalid-key",
            Self::TooLarge { .. } => "storage-too-large",
            Self::AlreadyExists { .. } => "storage-already-exists",
            Self::NotFound { .. } => "storage-not-found",
            Self::Corrupt { .. } => "storage-corrupt",
            Self::UnsupportedVersion { .. } => "storage-unsupported-version",
            Self::Locked { .. } => "storage-locked",
            Self::InvalidPart(_) => "storage-invalid-part",
            Self::RecordTooLarge { .. } => "storage-record-too-large",
            Self::Io { .. } => "storage-failed",
        }
    }

    /// Sorts an I/O error by what the caller can do about it.
    pub(crate) fn io(action: impl Into<String>, source: io::Error) -> Self {
        use io::ErrorKind as Kind;
        let action = action.into();
        match source.kind() {
            // A file-size limit is room that ran out, too.
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => {
                Self::NoSpace { action, source }
            }
            Kind::ReadOnlyFilesystem | Kind::PermissionDenied => Self::ReadOnly { action, source },
            _ => Self::Io { action, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn io_errors_are_sorted_by_remedy() {
        use io::ErrorKind as Kind;
        for (kind, code) in [
            (Kind::StorageFull, "storage-full"),
            (Kind::QuotaExceeded, "storage-full"),
            (Kind::FileTooLarge, "storage-full"),
            (Kind::ReadOnlyFilesystem, "storage-read-only"),
            (Kind::PermissionDenied, "storage-read-only"),
            (Kind::TimedOut, "storage-failed"),
        ] {
            assert_eq!(
                StorageError::io("writing", kind.into()).code(),
                code,
                "{kind:?}"
            );
        }
    }

    #[test]
    fn damage_names_its_remedy() {
        let error = StorageError::Corrupt {
            detail: "checksum of a page".into(),
        };
        assert!(error.to_string().contains("`imgshare repair`"));
    }
}
