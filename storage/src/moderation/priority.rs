//! Which image comes first.
//!
//! A priority is a time: a harmful job stands where one stands that has waited
//! so many hours longer. So nothing has to be moved while it ages, and because
//! all that can be added is bounded, nothing starves: whatever has waited
//! [`BOOST_MS_MAX`] is ahead of everything new.

use serde::{Deserialize, Serialize};

use super::Signals;

const HOUR_MS: u64 = 3_600_000;

/// Added for an explicit mass of 1.
const EXPLICIT_MS: u64 = 48 * HOUR_MS;

/// Added for P(sexy) of 1.
const SEXY_MS: u64 = 12 * HOUR_MS;

/// Added for reports of weight 1.
const REPORT_MS: u64 = 12 * HOUR_MS;

/// Fourteen reports say as much as fifty.
const REPORTS_MS_MAX: u64 = 168 * HOUR_MS;

/// Added for a known hash: it was decided before.
const HASH_MATCH_MS: u64 = 336 * HOUR_MS;

/// Added for the greatest uncertainty.
const UNCERTAINTY_MS: u64 = 6 * HOUR_MS;

/// Added for each doubling of the views an hour.
const VIEWS_MS: u64 = 3 * HOUR_MS;

/// 4,095 views an hour say as much as any more.
const VIEWS_MS_MAX: u64 = 36 * HOUR_MS;

/// The most that signals can add: 25 days.
pub const BOOST_MS_MAX: u64 =
    EXPLICIT_MS + SEXY_MS + REPORTS_MS_MAX + HASH_MATCH_MS + UNCERTAINTY_MS + VIEWS_MS_MAX;

/// What a job's priority is made of: milliseconds that it counts as older.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Priority {
    /// For the classifier's scores.
    pub score_ms: u64,
    /// For reports.
    pub reports_ms: u64,
    /// For a known hash.
    pub hash_match_ms: u64,
    /// For a score near its threshold.
    pub uncertainty_ms: u64,
    /// For being seen by many.
    pub views_ms: u64,
}

impl Priority {
    /// What the signals are worth.
    #[must_use]
    pub fn of(signals: &Signals) -> Self {
        let doublings = (1.0 + signals.views_per_hour.max(0.0)).log2();
        Self {
            score_ms: part(EXPLICIT_MS, signals.explicit, EXPLICIT_MS)
                + part(SEXY_MS, signals.sexy, SEXY_MS),
            reports_ms: part(REPORT_MS, signals.report_weight, REPORTS_MS_MAX),
            hash_match_ms: if signals.hash_match { HASH_MATCH_MS } else { 0 },
            uncertainty_ms: part(UNCERTAINTY_MS, signals.uncertainty, UNCERTAINTY_MS),
            views_ms: part(VIEWS_MS, doublings, VIEWS_MS_MAX),
        }
    }

    /// The sum of the parts, at most [`BOOST_MS_MAX`].
    #[must_use]
    pub fn boost_ms(&self) -> u64 {
        self.score_ms + self.reports_ms + self.hash_match_ms + self.uncertainty_ms + self.views_ms
    }
}

/// `unit` as often as `times` says, at most `max`. What is no number adds nothing.
fn part(unit: u64, times: f32, max: u64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it saturates: a negative or missing number is 0"
    )]
    let added = (unit as f64 * f64::from(times)) as u64;
    added.min(max)
}

/// An order of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// By priority.
    #[default]
    HarmFirst,
    /// By how near a score lies to its threshold.
    MostUncertain,
    /// By how long they wait.
    OldestFirst,
    /// By when their reports must be settled; what has no such clock stands behind,
    /// the oldest first.
    DueFirst,
}

impl Sort {
    /// Every order.
    pub const ALL: [Self; 4] = [
        Self::HarmFirst,
        Self::MostUncertain,
        Self::OldestFirst,
        Self::DueFirst,
    ];

    /// Written to disk: never renumbered.
    pub(super) fn byte(self) -> u8 {
        match self {
            Self::HarmFirst => b'h',
            Self::MostUncertain => b'u',
            Self::OldestFirst => b'o',
            Self::DueFirst => b'd',
        }
    }

    /// The number by which a job stands in this order; the smallest first.
    pub(super) fn order(
        self,
        signals: &Signals,
        created_at_ms: u64,
        due_at_ms: Option<u64>,
    ) -> u64 {
        const STEPS: u64 = 1_000_000;
        match self {
            Self::HarmFirst => created_at_ms.saturating_sub(Priority::of(signals).boost_ms()),
            Self::MostUncertain => STEPS - part(STEPS, signals.uncertainty, STEPS),
            Self::OldestFirst => created_at_ms,
            Self::DueFirst => due_at_ms.unwrap_or(u64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn signals() -> impl Strategy<Value = Signals> {
        (any::<[f32; 5]>(), any::<bool>()).prop_map(|(numbers, hash_match)| Signals {
            explicit: numbers[0],
            sexy: numbers[1],
            uncertainty: numbers[2],
            report_weight: numbers[3],
            views_per_hour: numbers[4],
            hash_match,
        })
    }

    proptest! {
        #[test]
        fn nothing_starves(old in signals(), new in signals(), at in 0..u64::MAX / 2, wait in 1..u64::MAX / 4) {
            let later = at + BOOST_MS_MAX + wait;
            let order = |signals: &Signals, at| Sort::HarmFirst.order(signals, at, None);
            prop_assert!(order(&old, at) < order(&new, later) || at < BOOST_MS_MAX);
            prop_assert!(order(&old, at) <= order(&new, later));
        }

        #[test]
        fn more_harm_never_stands_behind(less in signals(), more: [f32; 5], at: u64) {
            let larger = |one: f32, other: f32| if one.is_nan() { one } else { one.max(other) };
            let more = Signals {
                explicit: larger(less.explicit, more[0]),
                sexy: larger(less.sexy, more[1]),
                uncertainty: larger(less.uncertainty, more[2]),
                report_weight: larger(less.report_weight, more[3]),
                views_per_hour: larger(less.views_per_hour, more[4]),
                hash_match: true,
            };
            prop_assert!(Sort::HarmFirst.order(&more, at, None) <= Sort::HarmFirst.order(&less, at, None));
            prop_assert!(Sort::MostUncertain.order(&more, at, None) <= Sort::MostUncertain.order(&less, at, None));
        }

        #[test]
        fn the_sum_is_bounded(signals in signals()) {
            prop_assert!(Priority::of(&signals).boost_ms() <= BOOST_MS_MAX);
        }
    }

    #[test]
    fn the_worst_stands_before_what_came_days_earlier() {
        let worst = Signals {
            explicit: 1.0,
            report_weight: 3.0,
            ..Signals::default()
        };
        let priority = Priority::of(&worst);
        assert_eq!(priority.score_ms, 48 * HOUR_MS);
        assert_eq!(priority.reports_ms, 36 * HOUR_MS);
        assert_eq!(priority.boost_ms(), 84 * HOUR_MS);
        let popular = Signals {
            views_per_hour: 7.0,
            ..Signals::default()
        };
        assert_eq!(Priority::of(&popular).views_ms, 9 * HOUR_MS);
    }
}
