//! One image to be looked at.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Decision, Opinion, Priority, Reason, ReasonSet, Signals, job_keys};
use crate::staff::StaffId;
use crate::{ImageId, Keyspace, StorageError};

/// The first byte of every encoded job.
const VERSION: u8 = 1;

/// Reasons kept of one job; more say nothing new.
pub(super) const REASONS_MAX: usize = 8;

/// Receipts kept of one job, the newest ones; all of them are counted.
pub(super) const RECEIPTS_MAX: usize = 24;

/// Longest receipt that is kept, in bytes.
pub(super) const RECEIPT_BYTES_MAX: usize = 32;

/// Skips kept of one job, the newest ones.
pub(super) const SKIPS_MAX: usize = 8;

/// Whose eyes a job is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// Every moderator's.
    #[default]
    General,
    /// A senior moderator's: what was escalated.
    Senior,
    /// A child-safety moderator's.
    ChildSafety,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 3] = [Self::General, Self::Senior, Self::ChildSafety];

    /// The stable kebab-case name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Senior => "senior",
            Self::ChildSafety => "child-safety",
        }
    }

    /// Written to disk: never renumbered.
    pub(super) fn byte(self) -> u8 {
        match self {
            Self::General => b'g',
            Self::Senior => b's',
            Self::ChildSafety => b'c',
        }
    }
}

/// An image to be looked at, from the first reason until it is purged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Which image.
    pub image: ImageId,
    /// Counts changes; a decision names the one it was looked at in.
    pub version: u64,
    /// When it came into the queue, in milliseconds since 1970 UTC.
    pub created_at_ms: u64,
    /// Whose eyes it is for.
    pub lane: Lane,
    /// Why it is looked at.
    pub reasons: BTreeSet<Reason>,
    /// What is known of its harm.
    pub signals: Signals,
    /// How many reports there were.
    pub n_reports: u32,
    /// How many of them weighed anything: of a network's reports in a day the first.
    #[serde(default)]
    pub n_networks: u32,
    /// Their receipts, the newest at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<String>,
    /// By when the reports must be settled, in milliseconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at_ms: Option<u64>,
    /// Where it stands.
    pub status: Status,
    /// Who passed it on without deciding.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skips: Vec<Skip>,
    /// Who may not decide it: an appeal is another moderator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_by: Option<StaffId>,
    /// The hash bank says that the image may be evidence, and is why it is held.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub holds: bool,
    /// What a candidate model said, until it is decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opinion: Option<Opinion>,
    /// The last decision; it stays while the job waits again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Status {
    /// It can be claimed.
    Waiting,
    /// Somebody looks at it.
    Claimed(Lease),
    /// It is decided: see [`Job::decision`].
    Decided,
}

/// The right to decide, for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Names it; random.
    pub token: String,
    /// Who holds it.
    pub holder: StaffId,
    /// When it was given, in milliseconds since 1970 UTC.
    pub since_ms: u64,
    /// When it ends unless it is renewed.
    pub until_ms: u64,
}

/// Somebody passed a job on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skip {
    /// Who.
    pub by: StaffId,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: u64,
}

impl Job {
    /// A job without a reason yet.
    pub(super) fn new(image: ImageId, now_ms: u64) -> Self {
        Self {
            image,
            version: 0,
            created_at_ms: now_ms,
            lane: Lane::default(),
            reasons: BTreeSet::new(),
            signals: Signals::default(),
            n_reports: 0,
            n_networks: 0,
            receipts: Vec::new(),
            due_at_ms: None,
            status: Status::Waiting,
            skips: Vec::new(),
            not_by: None,
            holds: false,
            opinion: None,
            decision: None,
        }
    }

    /// The kinds of its reasons.
    #[must_use]
    pub fn reason_kinds(&self) -> ReasonSet {
        self.reasons.iter().map(Reason::kind).collect()
    }

    /// What its priority is made of.
    #[must_use]
    pub fn priority(&self) -> Priority {
        Priority::of(&self.signals)
    }

    /// Whether somebody has decided about the image or passed it on, so that no
    /// score publishes it.
    #[must_use]
    pub fn is_in_hand(&self) -> bool {
        self.decision.is_some() || self.lane != Lane::General
    }

    /// The lease, while somebody looks at it.
    #[must_use]
    pub fn lease(&self) -> Option<&Lease> {
        match &self.status {
            Status::Claimed(lease) => Some(lease),
            _ => None,
        }
    }

    /// The job of an image, by whoever has no queue.
    ///
    /// # Errors
    /// When it cannot be read, or is of a newer release.
    pub(crate) fn stored(
        keys: &dyn Keyspace,
        image: &ImageId,
    ) -> Result<Option<Self>, StorageError> {
        let encoded = keys.get(&job_keys::job(image))?;
        encoded.map(|encoded| Self::decode(&encoded)).transpose()
    }

    /// The stored form: a version byte, then JSON.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut encoded = vec![VERSION];
        serde_json::to_writer(&mut encoded, self)
            .expect("a job has string keys and is written to memory");
        encoded
    }

    /// Reads the stored form back. Any bytes may be given.
    pub(super) fn decode(encoded: &[u8]) -> Result<Self, StorageError> {
        decode_json(encoded, VERSION, "a job")
    }
}

/// Reads a version byte and the JSON behind it.
pub(super) fn decode_json<T: for<'de> Deserialize<'de>>(
    encoded: &[u8],
    version_max: u8,
    what: &'static str,
) -> Result<T, StorageError> {
    match encoded.split_first() {
        Some((&version, json)) if (1..=version_max).contains(&version) => {
            serde_json::from_slice(json).map_err(|error| StorageError::Corrupt {
                detail: format!("{what}: {error}"),
            })
        }
        Some((&version, _)) if version > version_max => {
            Err(StorageError::UnsupportedVersion { what, version })
        }
        _ => Err(StorageError::Corrupt {
            detail: format!("{what} without a version"),
        }),
    }
}
