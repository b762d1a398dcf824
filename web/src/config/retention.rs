//! Settings about the end of what is kept (P13).

use imgshare_storage::retention::Terms;
use serde::{Deserialize, Serialize};

const MS_A_MINUTE: u64 = 60_000;

/// How long a round may take, in milliseconds: it rewrites the database and makes
/// the backup.
const ROUND_MS_MAX: u64 = 60 * MS_A_MINUTE;

/// How long things are kept, and when that is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Days in a row without a view after which an image is announced to be
    /// removed; at least 180, as promised.
    pub idle_days: u32,
    /// Days from that announcement until it is removed.
    pub grace_days: u32,
    /// Days by which no byte of what was deleted is in any file; at most 30.
    pub purge_days: u32,
    /// Days that the request log is kept; at most 90.
    pub log_days: u32,
    /// How often the service looks for what is due.
    pub every_minutes: u64,
    /// Images removed a second, at most, while the service runs.
    pub images_per_second_max: u32,
}

impl Default for Retention {
    fn default() -> Self {
        let terms = Terms::default();
        Self {
            idle_days: terms.idle_days,
            grace_days: terms.grace_days,
            purge_days: terms.purge_days,
            log_days: terms.log_days,
            every_minutes: 10,
            images_per_second_max: 50,
        }
    }
}

impl Retention {
    /// The terms as storage keeps them, but for what other sections say.
    pub(super) fn terms(&self) -> Terms {
        Terms {
            idle_days: self.idle_days,
            grace_days: self.grace_days,
            purge_days: self.purge_days,
            log_days: self.log_days,
            ..Terms::default()
        }
    }

    /// How long after its end a hold may still be there, in milliseconds: until the
    /// next round, which may be waiting for the one before.
    #[must_use]
    pub fn hold_grace_ms(&self) -> u64 {
        let pause_ms = self.every_minutes.saturating_mul(MS_A_MINUTE);
        pause_ms.saturating_add(ROUND_MS_MAX)
    }

    /// The first setting that breaks a promise or means nothing, with why.
    pub(super) fn broken(&self) -> Option<(&'static str, &'static str)> {
        let bounds = [
            (
                "retention.idle_days",
                "must lie between 180 and 36500",
                (180..=36_500).contains(&self.idle_days),
            ),
            (
                "retention.grace_days",
                "must lie between 1 and 36500",
                (1..=36_500).contains(&self.grace_days),
            ),
            (
                "retention.purge_days",
                "must lie between 1 and 30",
                (1..=30).contains(&self.purge_days),
            ),
            (
                "retention.log_days",
                "must lie between 1 and 90",
                (1..=90).contains(&self.log_days),
            ),
            (
                "retention.every_minutes",
                "must lie between 1 and 1440",
                (1..=1_440).contains(&self.every_minutes),
            ),
            (
                "retention.images_per_second_max",
                "must be at least 1",
                self.images_per_second_max >= 1,
            ),
        ];
        bounds
            .into_iter()
            .find_map(|(key, why, holds)| (!holds).then_some((key, why)))
    }
}
