//! Why an image is looked at.

use serde::{Deserialize, Serialize};

use super::Note;

/// One reason to look at an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A score lies near a threshold.
    ReviewBand,
    /// The rule of this name asked for it.
    Rule(Note),
    /// It is, or looks like, an image of the hash bank.
    HashMatch,
    /// Somebody reported it.
    Report,
    /// It could not be classified.
    ScanFailed,
    /// It was drawn from what passed, to measure what is missed.
    Sample,
    /// Its owner objects to a decision.
    Appeal,
}

/// A kind of reason, without its particulars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonKind {
    /// [`Reason::ReviewBand`].
    ReviewBand,
    /// [`Reason::Rule`].
    Rule,
    /// [`Reason::HashMatch`].
    HashMatch,
    /// [`Reason::Report`].
    Report,
    /// [`Reason::ScanFailed`].
    ScanFailed,
    /// [`Reason::Sample`].
    Sample,
    /// [`Reason::Appeal`].
    Appeal,
}

impl ReasonKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::ReviewBand,
        Self::Rule,
        Self::HashMatch,
        Self::Report,
        Self::ScanFailed,
        Self::Sample,
        Self::Appeal,
    ];

    /// The stable kebab-case name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReviewBand => "review-band",
            Self::Rule => "rule",
            Self::HashMatch => "hash-match",
            Self::Report => "report",
            Self::ScanFailed => "scan-failed",
            Self::Sample => "sample",
            Self::Appeal => "appeal",
        }
    }

    /// Written to disk: never renumbered.
    fn bit(self) -> u8 {
        match self {
            Self::ReviewBand => 1,
            Self::Rule => 1 << 1,
            Self::HashMatch => 1 << 2,
            Self::Report => 1 << 3,
            Self::ScanFailed => 1 << 4,
            Self::Sample => 1 << 5,
            Self::Appeal => 1 << 6,
        }
    }
}

impl Reason {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> ReasonKind {
        match self {
            Self::ReviewBand => ReasonKind::ReviewBand,
            Self::Rule(_) => ReasonKind::Rule,
            Self::HashMatch => ReasonKind::HashMatch,
            Self::Report => ReasonKind::Report,
            Self::ScanFailed => ReasonKind::ScanFailed,
            Self::Sample => ReasonKind::Sample,
            Self::Appeal => ReasonKind::Appeal,
        }
    }
}

/// Kinds of reasons, as one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReasonSet(u8);

impl ReasonSet {
    /// The set that a stored byte stands for.
    pub(super) fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    pub(super) fn bits(self) -> u8 {
        self.0
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this kind is in it.
    #[must_use]
    pub fn has(self, kind: ReasonKind) -> bool {
        self.0 & kind.bit() != 0
    }

    /// Whether the sets have something in common.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl FromIterator<ReasonKind> for ReasonSet {
    fn from_iter<I: IntoIterator<Item = ReasonKind>>(kinds: I) -> Self {
        Self(kinds.into_iter().fold(0, |bits, kind| bits | kind.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_bit_of_its_own() {
        let all: ReasonSet = ReasonKind::ALL.into_iter().collect();
        assert_eq!(all.bits().count_ones(), 7);
        for kind in ReasonKind::ALL {
            let alone: ReasonSet = [kind].into_iter().collect();
            assert!(alone.meets(all) && !alone.is_empty());
            let name = serde_json::to_string(&kind).unwrap();
            assert_eq!(name, format!("\"{}\"", kind.as_str()));
        }
        assert!(!ReasonSet::default().meets(all));
    }

    #[test]
    fn a_reason_is_stored_by_its_name() {
        let stored = |reason: &Reason| serde_json::to_string(reason).unwrap();
        assert_eq!(stored(&Reason::ReviewBand), "\"review-band\"");
        let rule = Reason::Rule(Note::new("no \u{7}nudes").unwrap());
        assert_eq!(stored(&rule), "{\"rule\":\"no nudes\"}");
    }
}
