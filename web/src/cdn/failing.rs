//! How long what failed waits until it is tried again, in memory: a start tries
//! everything at once.

use std::collections::HashMap;
use std::time::Duration;

use imgshare_storage::ImageId;
use tokio::time::Instant;

/// The first wait, doubled by each failure in a row.
const WAIT_MIN: Duration = Duration::from_secs(1);

/// The longest wait: as long as a CDN that is back may go unnoticed.
const WAIT_MAX: Duration = Duration::from_secs(300);

/// Images whose failures are counted at once. More are tried too, a few at a time:
/// [`Due::Uncounted`].
const IMAGES_MAX: usize = 10_000;

/// Failures in a row, and until when is waited.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait {
    n_failures: u32,
    until: Instant,
}

impl Wait {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            n_failures: 0,
            until: now,
        }
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        now >= self.until
    }

    /// One more failure. Those of a wait that is not over began before it: they
    /// tell nothing new.
    pub(super) fn failed(&mut self, now: Instant) {
        if self.is_over(now) {
            let doubled = WAIT_MIN.saturating_mul(1 << self.n_failures.min(16));
            self.n_failures = self.n_failures.saturating_add(1);
            self.until = now + doubled.min(WAIT_MAX);
        }
    }
}

/// Whether an image may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Its failures are counted, or there are none.
    Yes,
    /// There is no room to count its failures: whoever asks keeps to a bound.
    Uncounted,
    /// Not yet.
    No,
}

/// The images that failed at one target.
#[derive(Debug, Default)]
pub(super) struct Failing(HashMap<ImageId, Wait>);

impl Failing {
    /// Whether an image may be tried now.
    pub(super) fn due(&self, image: &ImageId, now: Instant) -> Due {
        match self.0.get(image) {
            Some(wait) if wait.is_over(now) => Due::Yes,
            Some(_) => Due::No,
            None if self.0.len() < IMAGES_MAX => Due::Yes,
            None => Due::Uncounted,
        }
    }

    pub(super) fn failed(&mut self, image: ImageId, now: Instant) {
        if self.0.len() < IMAGES_MAX || self.0.contains_key(&image) {
            let wait = self.0.entry(image).or_insert(Wait::new(now));
            wait.failed(now);
        }
    }

    pub(super) fn succeeded(&mut self, image: &ImageId) {
        self.0.remove(image);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p21_waits_double_up_to_a_bound() {
        let mut now = Instant::now();
        let mut wait = Wait::new(now);
        assert!(wait.is_over(now));
        let mut waits = Vec::new();
        for _ in 0..40 {
            wait.failed(now);
            // Of what was under way already.
            wait.failed(now);
            waits.push((wait.until - now).as_secs());
            assert!(!wait.is_over(now));
            now = wait.until;
        }
        assert_eq!(waits[..10], [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert!(waits[10..].iter().all(|seconds| *seconds == 300));
    }

    #[test]
    fn p21_more_failures_than_are_counted_are_tried_without_a_count() {
        let now = Instant::now();
        let mut failing = Failing::default();
        let images: Vec<ImageId> = (0..IMAGES_MAX)
            .map(|_| ImageId::random().unwrap())
            .collect();
        let other = ImageId::random().unwrap();
        for image in &images {
            assert_eq!(failing.due(&other, now), Due::Yes);
            failing.failed(*image, now);
        }
        assert_eq!(failing.due(&other, now), Due::Uncounted);
        failing.failed(other, now);
        assert_eq!(failing.0.len(), IMAGES_MAX, "memory is bounded");
        assert_eq!(failing.due(&images[0], now), Due::No);
        assert_eq!(failing.due(&images[0], now + WAIT_MIN), Due::Yes);
        failing.succeeded(&images[0]);
        assert_eq!(failing.due(&other, now), Due::Yes);
    }
}
