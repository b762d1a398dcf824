//! What looks like abuse, noticed by counting: each pattern is a limit whose end
//! nobody should come to.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::alerts::{Alert, Alerts, Pattern};
use super::identity::Identity;
use super::limit::{Limit, Rate, Uptime};
use super::table::Table;
use super::{LOG_ADDRESSES, LOG_NETWORKS};
use crate::config;
use crate::http::address::AnonymizedIp;

/// Pairs of client and image that are remembered, 8 bytes each.
const SEEN_PAIRS: usize = 1 << 16;

const ONE: NonZeroU32 = NonZeroU32::MIN;

/// Counters of what is suspicious.
#[derive(Debug)]
pub(super) struct Patterns {
    same_image: Option<Limit>,
    guessing: Option<Limit>,
    walking: Option<Limit>,
    /// Which images clients have looked at: the last pair with each hash.
    seen: Box<[AtomicU64]>,
    /// Until when clients pay more, in milliseconds of uptime.
    slow: Table,
    uptime: Uptime,
    alerts: Alerts,
    noticed: [AtomicU64; 4],
}

impl Patterns {
    pub(super) fn new(settings: &config::Abuse, uptime: &Uptime) -> Self {
        let limit = |n: u32, minutes: u64, log_keys| {
            let within = Duration::from_secs(minutes * 60);
            Limit::new(Rate::new(n, n, within)?, log_keys, uptime)
        };
        Self {
            same_image: limit(settings.same_image_max, 60, LOG_NETWORKS),
            guessing: limit(settings.missing_images_max, 10, LOG_ADDRESSES),
            walking: limit(settings.different_images_max, 60, LOG_ADDRESSES),
            seen: (0..SEEN_PAIRS).map(|_| AtomicU64::new(0)).collect(),
            slow: Table::new(LOG_NETWORKS),
            uptime: uptime.clone(),
            alerts: Alerts::default(),
            noticed: Default::default(),
        }
    }

    /// A client asked for an image.
    pub(super) fn image(&self, client: Identity, image: u64, is_there: bool) -> Option<Pattern> {
        let (limit, pattern) = match is_there {
            false => (&self.guessing, Pattern::Guessing),
            true if self.was_seen(client, image) => return None,
            true => (&self.walking, Pattern::Walking),
        };
        let is_over = limit.as_ref()?.take(client.address, ONE).is_err();
        is_over.then_some(pattern)
    }

    /// An image came in.
    pub(super) fn upload(&self, image: u64) -> Option<Pattern> {
        let is_over = self.same_image.as_ref()?.take(image, ONE).is_err();
        is_over.then_some(Pattern::SameImage)
    }

    /// Whether this client has looked at this image of late. Who shares a place
    /// with another pair is forgotten, and counted once more.
    fn was_seen(&self, client: Identity, image: u64) -> bool {
        let pair = client.address.rotate_left(32) ^ image;
        let idx = usize::try_from(pair % SEEN_PAIRS as u64).unwrap_or_default();
        self.seen[idx].swap(pair, Ordering::Relaxed) == pair
    }

    /// Lets a client pay more from now on.
    pub(super) fn slow_down(&self, client: Identity, for_ms: u64) {
        let until_ms = self.uptime.ms().saturating_add(for_ms);
        self.slow.put(client.address, until_ms);
    }

    /// Whether a client pays more.
    pub(super) fn is_slow(&self, client: Identity) -> bool {
        let until_ms = self.slow.find(client.address);
        until_ms.is_some_and(|until_ms| until_ms > self.uptime.ms())
    }

    /// Tells staff.
    pub(super) fn raise(&self, pattern: Pattern, network: AnonymizedIp, now_ms: u64) {
        let place = Pattern::ALL.iter().position(|known| *known == pattern);
        if let Some(count) = place.and_then(|place| self.noticed.get(place)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if self.alerts.raise(pattern, network, now_ms) {
            tracing::warn!(pattern = pattern.as_str(), "a pattern of abuse was noticed");
        }
    }

    pub(super) fn alerts(&self, now_ms: u64) -> Vec<Alert> {
        self.alerts.list(now_ms)
    }

    #[cfg(test)]
    pub(super) fn advance(&self, by: Duration) {
        self.uptime.advance(by);
    }

    /// What it takes, in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let limits = [&self.same_image, &self.guessing, &self.walking];
        let limits: usize = limits.into_iter().flatten().map(Limit::bytes).sum();
        limits + std::mem::size_of_val(&*self.seen) + self.slow.bytes()
    }

    pub(super) fn noticed(&self) -> [(Pattern, u64); 4] {
        let mut noticed = Pattern::ALL.map(|pattern| (pattern, 0));
        for ((_, count), counted) in noticed.iter_mut().zip(&self.noticed) {
            *count = counted.load(Ordering::Relaxed);
        }
        noticed
    }
}
