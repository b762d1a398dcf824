//! Why something in the queue could not be done.

use serde::Serialize;

use super::Verdict;
use crate::staff::StaffId;
use crate::{ImageId, StorageError};

/// Why something in the queue could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ModerationError {
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The system's random source failed.
    #[error("the system's random source failed: {0}")]
    NoRandomness(std::io::Error),
    /// There is no such image in the queue.
    #[error("image {id} is not in the queue")]
    NotQueued {
        /// Which.
        id: ImageId,
    },
    /// It lies in a lane that is not for who asks, who is told the same as for
    /// [`NotQueued`](Self::NotQueued).
    #[error("image {id} is not in the queue")]
    ForeignLane {
        /// Which.
        id: ImageId,
    },
    /// The image is deleted or purged: nothing can be decided or restored.
    #[error("image {id} is gone")]
    Gone {
        /// Which.
        id: ImageId,
    },
    /// They hold as many jobs as one account may.
    #[error("as many are held as one account may hold")]
    TooManyLeases,
    /// Somebody else was first.
    #[error(transparent)]
    Conflict(#[from] Conflict),
}

/// Somebody else was first: what they did, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("image {image}: {kind}")]
pub struct Conflict {
    /// Which image.
    pub image: ImageId,
    /// What stands in the way.
    pub kind: ConflictKind,
    /// Who; `None` when it was the service, or time.
    pub by: Option<StaffId>,
    /// Since when, in milliseconds since 1970 UTC; 0 when it is not known.
    pub at_ms: u64,
    /// What was decided, if that is it.
    pub verdict: Option<Verdict>,
    /// The job's version now.
    pub version: u64,
}

/// What stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConflictKind {
    /// Somebody else looks at it.
    Claimed,
    /// It is decided.
    Decided,
    /// There is something new about it: look again.
    Changed,
    /// The lease has ended, or was given back.
    LeaseEnded,
    /// It must be another moderator's.
    OwnDecision,
    /// This is not the decision that stands.
    NotTheLast,
    /// What may show the abuse of a child is decided by child safety, and passed
    /// on to nobody.
    StaysInLane,
}

impl std::fmt::Display for ConflictKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Claimed => "somebody else looks at it",
            Self::Decided => "it is decided already",
            Self::Changed => "there is something new about it",
            Self::LeaseEnded => "the lease has ended",
            Self::OwnDecision => "another moderator must decide it",
            Self::NotTheLast => "another decision stands",
            Self::StaysInLane => "child safety must decide it",
        })
    }
}

impl ModerationError {
    /// The stable kebab-case code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Storage(error) => error.code(),
            Self::NoRandomness(_) => "internal-error",
            Self::NotQueued { .. } | Self::ForeignLane { .. } => "not-queued",
            Self::Gone { .. } => "image-gone",
            Self::TooManyLeases => "leases-too-many",
            Self::Conflict(conflict) => match conflict.kind {
                ConflictKind::Claimed => "claimed-by-another",
                ConflictKind::Decided => "decided-already",
                ConflictKind::Changed => "job-changed",
                ConflictKind::LeaseEnded => "lease-ended",
                ConflictKind::OwnDecision => "own-decision",
                ConflictKind::NotTheLast => "not-the-last-decision",
                ConflictKind::StaysInLane => "stays-with-child-safety",
            },
        }
    }
}
