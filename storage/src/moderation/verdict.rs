//! What a moderator can say of an image.

use serde::{Deserialize, Serialize};

use super::{BankEntry, BankHash, BankPolicy, Counted, Lane, Note};
use crate::staff::{Role, StaffId};
use crate::{ImageId, Ruling, State};

/// Why an image may not stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Sexual abuse of a child.
    ChildAbuse,
    /// An intimate image shown without consent.
    IntimateImage,
    /// Against the law in another way.
    Illegal,
    /// Against somebody's copyright.
    Copyright,
    /// Against somebody's privacy.
    Privacy,
    /// The person shown, or who uploaded it, is under 13.
    UnderAge,
    /// Cruelty and gore.
    Violence,
    /// Spam and fraud.
    Spam,
    /// Against the site's own rules.
    SiteRules,
    /// A court or an authority orders it.
    LegalOrder,
}

impl Policy {
    /// Every policy.
    pub const ALL: [Self; 10] = [
        Self::ChildAbuse,
        Self::IntimateImage,
        Self::Illegal,
        Self::Copyright,
        Self::Privacy,
        Self::UnderAge,
        Self::Violence,
        Self::Spam,
        Self::SiteRules,
        Self::LegalOrder,
    ];
}

/// A decision about one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Verdict {
    /// Shown as it is.
    Safe,
    /// Shown behind a warning.
    Nsfw,
    /// Hidden at once, purged when its time is over.
    Remove {
        /// Against which policy.
        policy: Policy,
        /// What is said to whoever asks why.
        #[serde(default)]
        reason: Note,
        /// Puts its hashes into the bank, to refuse or to queue what matches.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bank: Option<BankPolicy>,
    },
    /// For other eyes.
    Escalate {
        /// Whose.
        to: Lane,
        /// What they should know.
        #[serde(default)]
        note: Note,
    },
}

impl Verdict {
    /// The action's name in the audit.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::Safe => "image-marked-safe",
            Self::Nsfw => "image-marked-nsfw",
            Self::Remove { .. } => "image-removed",
            Self::Escalate { .. } => "image-escalated",
        }
    }
}

/// What a decision rests on: a decision is made only if both still hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Which image.
    pub image: ImageId,
    /// The lease it was given out under.
    pub lease: String,
    /// The job's version that was looked at.
    pub version: u64,
}

/// A decision that was made, with what takes it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// What was decided.
    pub verdict: Verdict,
    /// By whom; `None` by the service itself, for a copy of what was removed.
    pub by: Option<StaffId>,
    /// In which role.
    pub role: Option<Role>,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// The job's version that it made; what an undo names.
    pub version: u64,
    /// How it was before.
    pub before: Before,
    /// When a removed image is purged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purge_at_ms: Option<u64>,
    /// When it was purged; nothing can be restored then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purged_at_ms: Option<u64>,
    /// Hashes that are in the bank for this decision, or one before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub banked: Vec<BankHash>,
    /// Entries of the bank, without words, that an earlier decision had asked for
    /// and this one does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unbanned: Vec<BankEntry>,
    /// The hash of the bank that a removal of the service rests on: its image is a
    /// copy of what was banned, and comes back when that ban is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<BankHash>,
    /// What it added to the counters; `None` for a decision of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
}

/// How an image was before a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Before {
    /// Its state.
    pub state: State,
    /// Its label, if one was set.
    pub ruling: Option<Ruling>,
    /// The job's lane.
    pub lane: Lane,
    /// Whether it was held as evidence.
    #[serde(default)]
    pub held: bool,
    /// Who was not to decide it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_by: Option<StaffId>,
    /// The decision that stood, with the day of its purge. What was said with it
    /// is left out here, and said again when it stands again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<Box<Decision>>,
    /// There were more decisions before it, which are known no more: this one is
    /// not taken back, for what would stand then has no day of its purge.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
}

impl Decision {
    /// The decision as the next one keeps it: without words, and without what
    /// was before.
    pub(super) fn as_earlier(&self) -> Box<Self> {
        let mut earlier = self.clone();
        earlier.verdict = self.verdict.without_words();
        earlier.before.is_cut |= earlier.before.earlier.take().is_some();
        Box::new(earlier)
    }

    /// Whether this decision holds the image as evidence, which nothing did before.
    pub(super) fn holds(&self) -> bool {
        self.verdict.is_about_evidence() && !self.before.held
    }
}

impl Verdict {
    /// Whether the image may be evidence of child abuse, which must be kept.
    pub(super) fn is_about_evidence(&self) -> bool {
        match self {
            Self::Remove { policy, .. } => *policy == Policy::ChildAbuse,
            Self::Escalate { to, .. } => *to == Lane::ChildSafety,
            Self::Safe | Self::Nsfw => false,
        }
    }
}
