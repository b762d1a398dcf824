//! How many uploads a network sends.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::http::address::AnonymizedIp;

const SECONDS: usize = 60;

/// Networks told apart, some 300 bytes each. Where more of them than this upload
/// within a minute, the rest counts as one.
const NETWORKS_MAX: usize = 20_000;

/// Counts uploads of the last minute, second by second, for each anonymised
/// address. It lives in memory and ends with the process; a network that has
/// been silent for a minute is forgotten.
#[derive(Debug, Default)]
pub struct UploadRate {
    networks: Mutex<HashMap<Option<AnonymizedIp>, Minute>>,
}

/// Uploads of the minute that ends with `second`, each in its second's place.
#[derive(Debug, Clone, Copy)]
struct Minute {
    second: u64,
    counts: [u32; SECONDS],
}

impl Minute {
    fn new(second: u64) -> Self {
        Self {
            second,
            counts: [0; SECONDS],
        }
    }

    fn count(&mut self, second: u64) -> u64 {
        let length = SECONDS as u64;
        // A clock that was set back begins anew.
        if second < self.second || second - self.second >= length {
            *self = Self::new(second);
        }
        let place = |second: u64| usize::try_from(second % length).unwrap_or_default();
        for passed in self.second + 1..=second {
            self.counts[place(passed)] = 0;
        }
        self.second = second;
        let now = &mut self.counts[place(second)];
        *now = now.saturating_add(1);
        self.counts.iter().copied().map(u64::from).sum()
    }
}

impl UploadRate {
    /// Counts one upload of a network, and returns how many it had in the minute
    /// that ends now, this one among them.
    pub fn count(&self, from: AnonymizedIp, now_ms: u64) -> u64 {
        let second = now_ms / 1_000;
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        if networks.len() >= NETWORKS_MAX && !networks.contains_key(&Some(from)) {
            networks.retain(|_, minute| second.abs_diff(minute.second) < SECONDS as u64);
        }
        let has_room = networks.len() < NETWORKS_MAX || networks.contains_key(&Some(from));
        let network = has_room.then_some(from);
        networks
            .entry(network)
            .or_insert_with(|| Minute::new(second))
            .count(second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_750_000_000_000;

    fn network(n: u32) -> AnonymizedIp {
        let [_, a, b, c] = n.to_be_bytes();
        AnonymizedIp::of([a, b, c, 1].into())
    }

    #[test]
    fn a_minute_is_counted() {
        let rate = UploadRate::default();
        let count = |now_ms| rate.count(network(1), now_ms);
        assert_eq!(count(START), 1);
        assert_eq!(count(START + 999), 2);
        assert_eq!(count(START + 59_000), 3);
        assert_eq!(count(START + 60_000), 2);
        assert_eq!(count(START + 3_600_000), 1);
        // The clock goes back an hour.
        assert_eq!(count(START), 1);
        assert_eq!(count(START + 1_000), 2);
    }

    #[test]
    fn each_network_is_counted_by_itself() {
        let rate = UploadRate::default();
        assert_eq!(rate.count(network(1), START), 1);
        assert_eq!(rate.count(network(2), START), 1);
        // Another machine of the first one's network.
        let neighbour = AnonymizedIp::of([0, 0, 1, 200].into());
        assert_eq!(rate.count(neighbour, START), 2);
    }

    #[test]
    fn many_networks_take_bounded_memory() {
        let rate = UploadRate::default();
        let n = u32::try_from(NETWORKS_MAX).unwrap();
        for idx in 0..n + 5 {
            rate.count(network(idx), START);
        }
        let known = || rate.networks.lock().unwrap().len();
        assert_eq!(known(), NETWORKS_MAX + 1);
        assert_eq!(rate.count(network(n + 9), START), 6, "the rest is one");
        assert_eq!(
            rate.count(network(7), START),
            2,
            "who is known is not touched"
        );
        assert_eq!(rate.count(network(n + 9), START + 60_000), 1);
        assert_eq!(known(), 1);
    }
}
