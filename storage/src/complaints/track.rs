//! How often reports of each category proved right: what a report weighs is
//! learned from it. Counters without any reporter in them.

use serde::{Deserialize, Serialize};

use super::case::{Case, Outcome, Resolution};
use super::{Category, ComplaintError, Complaints, keys};
use crate::staff::kept::{self, Kept};
use crate::{Changes, Keyspace, StorageError};

/// Resolved reports of a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Track {
    /// How many proved right.
    pub n_right: u64,
    /// How many did not.
    pub n_wrong: u64,
}

/// Whether something is counted, or was counted by mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// One more.
    Forth,
    /// One less.
    Back,
}

impl Step {
    pub(super) fn apply(self, count: u64, n: u64) -> u64 {
        match self {
            Self::Forth => count.saturating_add(n),
            Self::Back => count.saturating_sub(n),
        }
    }
}

impl Track {
    /// The share that proved right, drawn towards one half as long as there are
    /// few: 0..=1.
    #[must_use]
    pub fn share_right(&self) -> f32 {
        let (right, wrong) = (self.n_right as f32, self.n_wrong as f32);
        (right + 2.0) / (right + wrong + 4.0)
    }
}

impl Complaints {
    /// How reports of a category turned out so far.
    ///
    /// # Errors
    /// The store's.
    pub fn track(&self, category: Category) -> Result<Track, ComplaintError> {
        let store = &**self.queue.store();
        let kept = Kept::<Track>::read(store, keys::track(category.as_str()))?;
        Ok(kept.map(|kept| kept.value).unwrap_or_default())
    }
}

/// Plans that a case's reports are counted. What its owner deleted first says
/// nothing about them.
pub(super) fn plan_counted(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    case: &Case,
    outcome: &Outcome,
    step: Step,
) -> Result<(), StorageError> {
    if outcome.resolution == Resolution::Gone {
        return Ok(());
    }
    for (category, n_reports) in &case.categories {
        let key = keys::track(category.as_str());
        let kept = Kept::<Track>::read(keyspace, key.clone())?;
        let mut track = kept.as_ref().map(|kept| kept.value).unwrap_or_default();
        let count = if outcome.upheld.contains(category) {
            &mut track.n_right
        } else {
            &mut track.n_wrong
        };
        *count = step.apply(*count, u64::from(*n_reports));
        match kept {
            Some(kept) => kept.replace(changes, &track),
            None => kept::insert(changes, key, &track),
        }
    }
    Ok(())
}
