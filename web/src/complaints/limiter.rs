//! How often the same network may complain.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::http::address::AnonymizedIp;

/// How often a network may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// How often at once.
    burst: u64,
    /// After which time once more.
    refill_ms: u64,
}

/// Complaints of any kind: 360 a day.
pub(super) const COMPLAINTS: Pace = Pace {
    burst: 10,
    refill_ms: 4 * 60 * 1000,
};

/// Reports about children, in a bucket of their own: whatever else a network has sent,
/// none of them is refused for it.
pub(super) const OF_CHILDREN: Pace = COMPLAINTS;

/// Reports that hide an image at once: five, then 48 a day. One of them is all
/// that it takes, so a network that sends many must not empty a site.
pub(super) const HIDING: Pace = Pace {
    burst: 5,
    refill_ms: 30 * 60 * 1000,
};

/// Networks told apart, some 60 bytes each. Whoever has more of them than this
/// within one refill shares what the last one has left.
const NETWORKS_MAX: usize = 20_000;

/// A bound on complaints for each anonymised address. It lives in memory and
/// ends with the process; a network that is at rest is forgotten.
#[derive(Debug)]
pub(super) struct Limiter {
    pace: Pace,
    networks: Mutex<HashMap<Option<AnonymizedIp>, Spent>>,
}

/// What a network has used up.
#[derive(Debug, Clone, Copy)]
struct Spent {
    /// When everything is refilled, in milliseconds since 1970 UTC.
    full_at_ms: u64,
}

impl Limiter {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            networks: Mutex::default(),
        }
    }

    /// Takes `cost` complaints from a network.
    ///
    /// # Errors
    /// How long it has to wait.
    pub(super) fn take(&self, from: AnonymizedIp, cost: u64, now_ms: u64) -> Result<(), Duration> {
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        if networks.len() >= NETWORKS_MAX {
            networks.retain(|_, spent| spent.full_at_ms > now_ms);
        }
        let has_room = networks.len() < NETWORKS_MAX || networks.contains_key(&Some(from));
        let network = has_room.then_some(from);
        let spent = networks.entry(network).or_insert(Spent { full_at_ms: 0 });
        let Pace { burst, refill_ms } = self.pace;
        let cost_ms = cost.min(burst) * refill_ms;
        // A clock that was set back must not lock anybody out for longer.
        let full_at_ms = spent.full_at_ms.clamp(now_ms, now_ms + burst * refill_ms) + cost_ms;
        let over_ms = full_at_ms.saturating_sub(now_ms + burst * refill_ms);
        if over_ms > 0 {
            return Err(Duration::from_millis(over_ms));
        }
        spent.full_at_ms = full_at_ms;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_750_000_000_000;

    fn network(n: u32) -> AnonymizedIp {
        let [_, a, b, c] = n.to_be_bytes();
        AnonymizedIp::of([a, b, c, 1].into())
    }

    #[test]
    fn a_network_may_send_so_many_and_then_waits() {
        let limiter = Limiter::new(COMPLAINTS);
        for _ in 0..COMPLAINTS.burst {
            limiter.take(network(1), 1, NOW).unwrap();
        }
        let wait = limiter.take(network(1), 1, NOW).unwrap_err();
        assert_eq!(wait, Duration::from_millis(COMPLAINTS.refill_ms));
        limiter.take(network(2), 1, NOW).unwrap();
        assert!(
            limiter
                .take(network(1), 1, NOW + COMPLAINTS.refill_ms - 1)
                .is_err()
        );
        limiter
            .take(network(1), 1, NOW + COMPLAINTS.refill_ms)
            .unwrap();
        assert!(
            limiter
                .take(network(1), 1, NOW + COMPLAINTS.refill_ms)
                .is_err()
        );
        // The clock goes back an hour: the wait is not an hour longer.
        let wait = limiter.take(network(1), 1, NOW - 3_600_000).unwrap_err();
        assert!(
            wait <= Duration::from_millis(COMPLAINTS.burst * COMPLAINTS.refill_ms),
            "{wait:?}"
        );
    }

    #[test]
    fn many_networks_take_bounded_memory() {
        let limiter = Limiter::new(COMPLAINTS);
        let n = u32::try_from(NETWORKS_MAX).unwrap();
        for idx in 0..n {
            limiter.take(network(idx), 1, NOW).unwrap();
        }
        for idx in 0..u32::try_from(COMPLAINTS.burst).unwrap() {
            limiter.take(network(n + idx), 1, NOW).unwrap();
        }
        // The rest shares one.
        assert!(limiter.take(network(n + 100), 1, NOW).is_err());
        assert_eq!(limiter.networks.lock().unwrap().len(), NETWORKS_MAX + 1);
        // Whoever is known is not touched by it.
        limiter.take(network(1), 1, NOW).unwrap();
        // Those at rest make room.
        limiter
            .take(network(n + 200), 1, NOW + 2 * COMPLAINTS.refill_ms)
            .unwrap();
        assert!(limiter.networks.lock().unwrap().len() < 3);
    }
}
