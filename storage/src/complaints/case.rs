//! Reports on one image, from the first until they are decided together.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Category, Receipt, Text, keys};
use crate::moderation::Policy;
use crate::staff::kept::Kept;
use crate::{ImageId, Keyspace, StorageError};

/// Longest report, in characters. With the rest it fits into a value.
pub const REPORT_CHARS_MAX: usize = 1_000;

/// Longest contact, in characters.
pub const CONTACT_CHARS_MAX: usize = 200;

/// Open reports on one image, and as many of what hides it; more of the same say
/// nothing new.
pub const REPORTS_OPEN_MAX: u32 = 200;

/// One report, as it is kept until a year after it was resolved (P13d).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Names it.
    pub receipt: Receipt,
    /// Which image.
    pub image: ImageId,
    /// With which other reports it is decided.
    pub round: u32,
    /// What it is about.
    pub category: Category,
    /// What was written.
    pub text: Text<REPORT_CHARS_MAX>,
    /// How the reporter can be reached; empty for no wish to be.
    pub contact: Text<CONTACT_CHARS_MAX>,
    /// The copyright notice that it comes with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Receipt>,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: u64,
}

/// The reports on one image that are decided together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Which image.
    pub image: ImageId,
    /// Counts an image's cases.
    pub round: u32,
    /// When the first report came, in milliseconds since 1970 UTC.
    pub opened_at_ms: u64,
    /// By when the most urgent one must be decided.
    pub due_at_ms: u64,
    /// How many reports of each category.
    pub categories: BTreeMap<Category, u32>,
    /// How many of them came with a copyright notice.
    #[serde(default)]
    pub n_notices: u32,
    /// These reports are why the image is held.
    #[serde(default)]
    pub holds: bool,
    /// What was decided; `None` while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// By which of the job's versions; 0 without a decision.
    pub version: u64,
    /// What became of the image.
    pub resolution: Resolution,
    /// Against which policy it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// The categories that proved right.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub upheld: BTreeSet<Category>,
}

/// What became of a reported image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resolution {
    /// It was removed.
    Removed,
    /// It is shown behind a warning.
    Warned,
    /// It stays as it is.
    Kept,
    /// Its owner deleted it before anybody decided.
    Gone,
}

impl Resolution {
    /// The stable kebab-case name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Warned => "warned",
            Self::Kept => "kept",
            Self::Gone => "gone",
        }
    }
}

impl Case {
    /// How many reports there are.
    #[must_use]
    pub fn n_reports(&self) -> u32 {
        self.categories.values().sum()
    }

    /// Whether another report of this category would say something new. Those that
    /// hide an image have room of their own, which no others take.
    pub(super) fn takes(&self, category: Category) -> bool {
        let hides = |category: Category| category.consequence().hides;
        let alike = self
            .categories
            .iter()
            .filter(|(other, _)| hides(**other) == hides(category));
        let n_alike: u32 = alike.map(|(_, n_reports)| n_reports).sum();
        n_alike < REPORTS_OPEN_MAX || !self.categories.contains_key(&category)
    }

    pub(super) fn add(&mut self, category: Category, at_ms: u64, has_notice: bool) {
        *self.categories.entry(category).or_default() += 1;
        let due_at_ms = at_ms.saturating_add(category.consequence().due_ms);
        self.due_at_ms = self.due_at_ms.min(due_at_ms);
        self.n_notices = self.n_notices.saturating_add(u32::from(has_notice));
    }
}

/// The newest case of an image, open or not.
pub(super) fn newest(
    keyspace: &dyn Keyspace,
    image: &ImageId,
) -> Result<Option<Kept<Case>>, StorageError> {
    let entries = keyspace.range(&keys::cases(image).descending(), 1)?;
    entries
        .into_iter()
        .next()
        .map(|entry| Kept::decode(entry.key, entry.value))
        .transpose()
}
