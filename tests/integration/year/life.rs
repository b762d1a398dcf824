//! What becomes of one image, as it is known before.

/// Days without a view, and then from the warning on.
const IDLE_DAYS: u64 = 180;
const GRACE_DAYS: u64 = 14;

/// Days that a report is kept once it is resolved.
const REPORT_DAYS: u64 = 365;

/// What happens to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nobody ever looks at it.
    Alone,
    /// Its owner deletes it.
    Deleted { after: u64 },
    /// Somebody looks at it once.
    ViewedOnce { after: u64 },
    /// Somebody looks at it again and again.
    ViewedAgain { every: u64 },
    /// It is reported, and nobody decides.
    Reported,
    /// It is reported, and its owner deletes it.
    ReportedAndDeleted,
    /// It is held as evidence, and its owner deletes it.
    Held,
}

/// An image from its upload on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) n: u64,
    pub(super) id: String,
    pub(super) token: String,
    pub(super) direct: String,
    /// Bytes of the middle of the stored file.
    pub(super) middle: Vec<u8>,
    pub(super) fate: Fate,
    pub(super) uploaded: u64,
    /// The day it was last used.
    pub(super) used: u64,
    /// The day from whose work on its bytes are gone.
    pub(super) ended: Option<u64>,
}

impl Fate {
    /// That of the image with this number.
    pub(super) fn of(n: u64) -> Self {
        match (n % 10, n % 100, n % 500) {
            (_, _, 4) => Self::Held,
            (_, 3, _) => Self::Reported,
            (_, 5, _) => Self::ReportedAndDeleted,
            (0, ..) => Self::Deleted { after: n % 43 },
            (1, ..) => Self::ViewedOnce { after: 1 + n % 170 },
            (2, ..) => Self::ViewedAgain {
                every: 100 + n % 80,
            },
            _ => Self::Alone,
        }
    }
}

impl Life {
    /// What the round at the beginning of a day does to it.
    pub(super) fn settle(&mut self, day: u64) {
        let is_exempt = matches!(self.fate, Fate::Reported | Fate::Held);
        if self.ended.is_none() && !is_exempt && day > self.used + IDLE_DAYS + GRACE_DAYS {
            self.ended = Some(day);
        }
    }

    /// The day on which its report ends: it is resolved by the round of the day after
    /// the deletion.
    pub(super) fn report_ends(&self) -> Option<u64> {
        let is_resolved = self.fate == Fate::ReportedAndDeleted;
        let resolved = self.ended.filter(|_| is_resolved)? + 1;
        Some(resolved + REPORT_DAYS)
    }
}
