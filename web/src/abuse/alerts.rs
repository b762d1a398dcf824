//! What staff are told of: patterns, and the networks they came from.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use imgshare_storage::calendar::MS_A_DAY;

use crate::http::address::AnonymizedIp;

/// Alerts that are kept; the one that was seen longest ago goes first.
const ALERTS_MAX: usize = 200;

/// For how long an alert is shown after it was last seen.
const SHOWN_MS: u64 = 7 * MS_A_DAY;

/// Something that looks like abuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// One image, again and again.
    SameImage,
    /// A network whose addresses take more than it may in sum.
    NetworkBurst,
    /// Images asked for that do not exist: somebody is guessing ids.
    Guessing,
    /// One address looks at more different images than a person would.
    Walking,
}

impl Pattern {
    /// Every one.
    pub const ALL: [Self; 4] = [
        Self::SameImage,
        Self::NetworkBurst,
        Self::Guessing,
        Self::Walking,
    ];

    /// Its name, for metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SameImage => "same-image",
            Self::NetworkBurst => "network-burst",
            Self::Guessing => "guessing",
            Self::Walking => "walking",
        }
    }

    /// What happened, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::SameImage => "One image was uploaded again and again",
            Self::NetworkBurst => "A network sends more than its share",
            Self::Guessing => "Many images that do not exist are asked for",
            Self::Walking => "One address looks at very many images",
        }
    }
}

/// A pattern that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert {
    /// What.
    pub pattern: Pattern,
    /// From where, as much of it as may be kept.
    pub network: AnonymizedIp,
    /// How often it was noticed.
    pub n_times: u64,
    /// First, in milliseconds since 1970 UTC.
    pub first_ms: u64,
    /// Last, in milliseconds since 1970 UTC.
    pub last_ms: u64,
}

/// The alerts, in memory alone: a restart forgets them.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    alerts: Mutex<VecDeque<Alert>>,
}

impl Alerts {
    /// Notes that a pattern was seen. True when it is new.
    pub(super) fn raise(&self, pattern: Pattern, network: AnonymizedIp, now_ms: u64) -> bool {
        let mut alerts = self.shown(now_ms);
        let known = alerts
            .iter()
            .position(|alert| (alert.pattern, alert.network) == (pattern, network));
        let mut alert = known.and_then(|idx| alerts.remove(idx)).unwrap_or(Alert {
            pattern,
            network,
            n_times: 0,
            first_ms: now_ms,
            last_ms: now_ms,
        });
        alert.n_times = alert.n_times.saturating_add(1);
        alert.last_ms = now_ms;
        alerts.push_front(alert);
        alerts.truncate(ALERTS_MAX);
        known.is_none()
    }

    /// Those that are shown, the newest first.
    pub(super) fn list(&self, now_ms: u64) -> Vec<Alert> {
        self.shown(now_ms).iter().copied().collect()
    }

    fn shown(&self, now_ms: u64) -> MutexGuard<'_, VecDeque<Alert>> {
        let mut alerts = self.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        alerts.retain(|alert| now_ms.saturating_sub(alert.last_ms) < SHOWN_MS);
        alerts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p19_alerts_are_few_and_name_no_address() {
        let alerts = Alerts::default();
        let network = |n: u32| {
            let [a, b, c, d] = (n * 256 + 7).to_be_bytes();
            AnonymizedIp::of([a, b, c, d].into())
        };
        assert!(alerts.raise(Pattern::Walking, network(1), 1_000));
        assert!(!alerts.raise(Pattern::Walking, network(1), 2_000));
        assert!(alerts.raise(Pattern::Guessing, network(1), 2_000));
        let seen = alerts.list(3_000);
        assert_eq!(
            (seen.len(), seen[1].n_times, seen[1].first_ms),
            (2, 2, 1_000)
        );
        assert_eq!(seen[0].network.network(), "0.0.1.0/24");
        for n in 0..1_000 {
            alerts.raise(Pattern::Guessing, network(n), 4_000);
        }
        assert_eq!(alerts.list(4_000).len(), ALERTS_MAX);
        assert!(alerts.list(4_000 + SHOWN_MS).is_empty());
    }
}
