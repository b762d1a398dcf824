//! Rules as data: conditions over what is known of an image, and what follows.
//!
//! The first rule that holds decides; where none does, the thresholds do. In
//! the settings file:
//!
//! ```toml
//! [[moderation.rules]]
//! name = "explicit-animations"
//! outcome = "review"
//! when = { all = [ { score = { of = "explicit", at-least = 0.4 } }, { frames = { at-least = 2 } } ] }
//! ```

mod check;
mod read;

use imgshare_models::scores::Scores;
use serde::{Deserialize, Serialize};

pub use check::{CONDITIONS_MAX, DEPTH_MAX, RULES_MAX, RuleError, check};
pub use read::{TYPED_CHARS_MAX, read, read_typed, typed};

/// A rule: when it holds, its outcome is the image's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name in the queue and the audit: kebab-case, no two alike.
    pub name: String,
    /// What becomes of an image for which it holds.
    pub outcome: Outcome,
    /// When it holds.
    pub when: Condition,
}

/// What becomes of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Shown as it is.
    Public,
    /// Shown behind a warning.
    Nsfw,
    /// Hidden and queued until somebody has decided.
    Review,
    /// Hidden, and queued behind everything more urgent.
    Blocked,
    /// Not taken in. What is stored already is blocked.
    Refused,
}

impl Outcome {
    /// The stable kebab-case name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Nsfw => "nsfw",
            Self::Review => "review",
            Self::Blocked => "blocked",
            Self::Refused => "refused",
        }
    }
}

/// Something that holds for an image or does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Every one of these holds.
    All(Vec<Self>),
    /// One of these holds.
    Any(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
    /// A score lies in a range.
    Score(ScoreRange),
    /// The hash bank knows the image.
    HashMatch(MatchKind),
    /// Size of the stored file.
    Bytes(Range),
    /// Upright width in pixels.
    Width(Range),
    /// Upright height in pixels.
    Height(Range),
    /// Width times height.
    Pixels(Range),
    /// Frames; 1 for a still.
    Frames(Range),
    /// Uploads that its network sent in the minute of the upload; none when the rules
    /// are asked later, for a report or in a replay.
    UploadsPerMinute(Range),
    /// Reports about the image, of a network's in a day the first; none when it is
    /// uploaded. Asked again with each one.
    Reports(Range),
}

/// A score and the range it lies in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScoreRange {
    /// Which score.
    pub of: Mass,
    /// It is this or more, 0..=1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f32>,
    /// It is less than this, 0..=1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f32>,
}

/// A range of whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Range {
    /// It is this or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
    /// It is less than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<u64>,
}

/// The probability of a class, or of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mass {
    /// P(drawing).
    Drawing,
    /// P(hentai).
    Hentai,
    /// P(neutral).
    Neutral,
    /// P(porn).
    Porn,
    /// P(sexy).
    Sexy,
    /// P(hentai) + P(porn).
    Explicit,
    /// P(hentai) + P(porn) + P(sexy).
    Nsfw,
}

/// How the hash bank knows an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatchKind {
    /// This very file.
    Exact,
    /// Another file of the same picture.
    Alike,
    /// Either.
    Any,
}

/// What is known of an image when rules are asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts {
    /// What the classifier says.
    pub scores: Scores,
    /// Whether the hash bank knows it, and whether as this very file.
    pub hash_match: Option<bool>,
    /// Size of the stored file.
    pub bytes: u64,
    /// Upright width in pixels.
    pub width: u32,
    /// Upright height in pixels.
    pub height: u32,
    /// Frames; 1 for a still.
    pub frames: u32,
    /// Uploads that its network sent in the minute of the upload.
    pub uploads_per_minute: u64,
    /// Reports about the image.
    pub reports: u64,
}

/// The first rule that holds. Scores that are no numbers are none that a rule
/// was made for: no rule holds then, and the thresholds ask for a person.
#[must_use]
pub fn first_that_holds<'a>(rules: &'a [Rule], facts: &Facts) -> Option<&'a Rule> {
    if !facts.scores.nsfw_mass().is_finite() {
        return None;
    }
    rules.iter().find(|rule| rule.when.holds(facts))
}

/// Whether a rule asks how busy the network of an upload was.
#[must_use]
pub fn asks_for_rate(rules: &[Rule]) -> bool {
    rules.iter().any(|rule| rule.when.asks_for_rate())
}

impl Condition {
    fn asks_for_rate(&self) -> bool {
        match self {
            Self::All(inner) | Self::Any(inner) => inner.iter().any(Self::asks_for_rate),
            Self::Not(inner) => inner.asks_for_rate(),
            Self::UploadsPerMinute(_) => true,
            _ => false,
        }
    }

    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, facts: &Facts) -> bool {
        match self {
            Self::All(all) => all.iter().all(|condition| condition.holds(facts)),
            Self::Any(any) => any.iter().any(|condition| condition.holds(facts)),
            Self::Not(not) => !not.holds(facts),
            Self::Score(range) => range.holds(&facts.scores),
            Self::HashMatch(kind) => match (kind, facts.hash_match) {
                (_, None) => false,
                (MatchKind::Any, Some(_)) => true,
                (MatchKind::Exact, Some(is_exact)) => is_exact,
                (MatchKind::Alike, Some(is_exact)) => !is_exact,
            },
            Self::Bytes(range) => range.holds(facts.bytes),
            Self::Width(range) => range.holds(facts.width.into()),
            Self::Height(range) => range.holds(facts.height.into()),
            Self::Pixels(range) => range.holds(u64::from(facts.width) * u64::from(facts.height)),
            Self::Frames(range) => range.holds(facts.frames.into()),
            Self::UploadsPerMinute(range) => range.holds(facts.uploads_per_minute),
            Self::Reports(range) => range.holds(facts.reports),
        }
    }
}

impl ScoreRange {
    fn holds(&self, scores: &Scores) -> bool {
        let score = match self.of {
            Mass::Drawing => scores.drawing,
            Mass::Hentai => scores.hentai,
            Mass::Neutral => scores.neutral,
            Mass::Porn => scores.porn,
            Mass::Sexy => scores.sexy,
            Mass::Explicit => scores.explicit_mass(),
            Mass::Nsfw => scores.nsfw_mass(),
        };
        self.at_least.is_none_or(|least| score >= least)
            && self.below.is_none_or(|bound| score < bound)
    }
}

impl Range {
    fn holds(&self, number: u64) -> bool {
        self.at_least.is_none_or(|least| number >= least)
            && self.below.is_none_or(|bound| number < bound)
    }
}

#[cfg(test)]
mod tests;
