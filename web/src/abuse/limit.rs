//! How often something may happen for one key: the generic cell rate algorithm
//! over a table of a fixed size.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use gcra::{GcraError, GcraState, RateLimit};

use super::table::Table;

/// Time since the service began, in which limits refill.
#[derive(Debug, Clone)]
pub(super) struct Uptime {
    began: Instant,
    #[cfg(test)]
    ahead_ms: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl Uptime {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            #[cfg(test)]
            ahead_ms: std::sync::Arc::default(),
        }
    }

    /// Now, in which limits are computed.
    #[cfg(not(test))]
    fn now(&self) -> Instant {
        Instant::now()
    }

    #[cfg(test)]
    fn now(&self) -> Instant {
        let ahead_ms = self.ahead_ms.load(std::sync::atomic::Ordering::Relaxed);
        Instant::now() + Duration::from_millis(ahead_ms)
    }

    fn instant(&self, nanos: u64) -> Option<Instant> {
        self.began.checked_add(Duration::from_nanos(nanos))
    }

    fn nanos(&self, instant: Instant) -> u64 {
        let since = instant.saturating_duration_since(self.began);
        // 584 years of uptime.
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    /// The whole of it, in milliseconds.
    pub(super) fn ms(&self) -> u64 {
        let uptime = self.now().saturating_duration_since(self.began);
        u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX)
    }

    #[cfg(test)]
    pub(super) fn advance(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).unwrap();
        self.ahead_ms
            .fetch_add(ms, std::sync::atomic::Ordering::Relaxed);
    }
}

/// So many at once, and one more each time this passes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    pub(super) burst: NonZeroU32,
    pub(super) refill: Duration,
}

impl Rate {
    /// `None` where one of the two is 0: no limit.
    pub(super) fn new(burst: u32, n_refilled: u32, within: Duration) -> Option<Self> {
        let refill = within.checked_div(n_refilled)?;
        let burst = NonZeroU32::new(burst)?;
        (!refill.is_zero()).then_some(Self { burst, refill })
    }
}

/// A limit for each of many keys. At rest everybody has the whole burst.
#[derive(Debug)]
pub(super) struct Limit {
    rate: RateLimit,
    /// When each key will be at rest, in nanoseconds of uptime.
    at_rest: Table,
    uptime: Uptime,
}

impl Limit {
    /// A limit that remembers `2^log_keys` keys.
    pub(super) fn new(rate: Rate, log_keys: u32, uptime: &Uptime) -> Option<Self> {
        let whole = rate.refill.checked_mul(rate.burst.get())?;
        Some(Self {
            rate: RateLimit::new(rate.burst.get(), whole),
            at_rest: Table::new(log_keys),
            uptime: uptime.clone(),
        })
    }

    /// What it takes, in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.at_rest.bytes()
    }

    /// Takes `cost` from a key, the whole burst at most.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn take(&self, key: u64, cost: NonZeroU32) -> Result<(), Duration> {
        let now = self.uptime.now();
        let cost = cost.get().min(self.rate.resource_limit);
        self.at_rest.update(key, |known| {
            let tat = known.and_then(|nanos| self.uptime.instant(nanos));
            let mut state = GcraState { tat };
            match state.check_and_modify_at(&self.rate, now, cost) {
                Ok(()) => Ok(self.uptime.nanos(state.tat.unwrap_or(now))),
                Err(GcraError::DeniedUntil { next_allowed_at }) => {
                    Err(next_allowed_at.saturating_duration_since(now))
                }
                // No cost is above the burst.
                Err(GcraError::DeniedIndefinitely { .. }) => Err(self.rate.period),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: NonZeroU32 = NonZeroU32::MIN;

    fn limit(burst: u32, log_keys: u32) -> (Limit, Uptime) {
        let uptime = Uptime::new();
        let rate = Rate::new(burst, 60, Duration::from_secs(60)).unwrap();
        (Limit::new(rate, log_keys, &uptime).unwrap(), uptime)
    }

    #[test]
    fn a_burst_is_spent_and_comes_back() {
        let (limit, uptime) = limit(3, 10);
        for _ in 0..3 {
            limit.take(7, ONE).unwrap();
        }
        let wait = limit.take(7, ONE).unwrap_err();
        assert!(wait <= Duration::from_secs(1) && wait > Duration::from_millis(500));
        limit.take(8, ONE).unwrap();
        uptime.advance(Duration::from_secs(1));
        limit.take(7, ONE).unwrap();
        limit.take(7, ONE).unwrap_err();
        // Whoever is held to a quarter pays four times as much.
        uptime.advance(Duration::from_secs(60));
        let four = NonZeroU32::new(4).unwrap();
        limit.take(7, four).unwrap();
        limit.take(7, four).unwrap_err();
        assert!(Rate::new(0, 60, Duration::from_secs(60)).is_none());
        assert!(Rate::new(60, 0, Duration::from_secs(60)).is_none());
    }

    #[test]
    fn p08_who_is_held_back_is_not_freed_by_a_crowd() {
        let (limit, _) = limit(300, 16);
        let key = |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let heavy: Vec<u64> = (1..=200).map(|n| key(n * 7_919_000)).collect();
        for key in &heavy {
            while limit.take(*key, ONE).is_ok() {}
        }
        for n in 0..1_000_000 {
            let _ = limit.take(key(n), ONE);
        }
        let n_freed = heavy
            .iter()
            .filter(|key| (0..150).all(|_| limit.take(**key, ONE).is_ok()))
            .count();
        assert_eq!(n_freed, 0);
    }
}
