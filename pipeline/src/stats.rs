//! Counters and histograms of the pipeline, readable at any time without a lock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::path::STAGE_COUNT;

/// Upper bounds of the histogram's buckets in microseconds: powers of two from
/// 16 us to 67 s. Whatever lies above counts in the total alone.
pub const BUCKET_BOUNDS_US: [u64; 23] = {
    let mut bounds = [0; 23];
    let mut exponent = 0;
    while exponent < 23 {
        bounds[exponent] = 16 << exponent;
        exponent += 1;
    }
    bounds
};

/// How long something took, over all times it happened.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKET_BOUNDS_US.len()],
    count: AtomicU64,
    sum_us: AtomicU64,
}

/// A histogram at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistogramSnapshot {
    /// Counts, not cumulated, one a bound of [`BUCKET_BOUNDS_US`].
    pub buckets: [u64; BUCKET_BOUNDS_US.len()],
    /// How often it happened, above the last bound too.
    pub count: u64,
    /// Sum of all durations in microseconds.
    pub sum_us: u64,
}

impl Histogram {
    pub(crate) fn record(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket_idx = BUCKET_BOUNDS_US.partition_point(|&bound| bound < us);
        if let Some(bucket) = self.buckets.get(bucket_idx) {
            bucket.fetch_add(1, Relaxed);
        }
        self.count.fetch_add(1, Relaxed);
        self.sum_us.fetch_add(us, Relaxed);
    }

    /// The counts at this moment.
    #[must_use]
    pub fn snapshot(&self) -> HistogramSnapshot {
        HistogramSnapshot {
            buckets: std::array::from_fn(|i| self.buckets[i].load(Relaxed)),
            count: self.count.load(Relaxed),
            sum_us: self.sum_us.load(Relaxed),
        }
    }

    /// Mean duration; zero before anything happened.
    #[must_use]
    pub fn mean(&self) -> Duration {
        let count = self.count.load(Relaxed);
        Duration::from_micros(self.sum_us.load(Relaxed).checked_div(count).unwrap_or(0))
    }
}

/// Everything the pipeline counts. Monotonic since its start.
#[derive(Debug, Default)]
pub struct Stats {
    /// Time in each stage, in the order of [`crate::path::STAGES`].
    pub stages: [Histogram; STAGE_COUNT],
    /// Time a batch spent on the device.
    pub infer: Histogram,
    /// From the door to the answer, whatever the answer.
    pub total: Histogram,
    /// Images answered with scores.
    pub scored: AtomicU64,
    /// Images of those that a cascade's second model decided.
    pub second_opinions: AtomicU64,
    /// Images that a candidate model looked at.
    pub shadow_scored: AtomicU64,
    /// Images drawn for it whose inputs found no room in memory.
    pub shadow_no_room: AtomicU64,
    /// Images drawn for it that found no place in its line.
    pub shadow_dropped: AtomicU64,
    /// Images that it failed on.
    pub shadow_failed: AtomicU64,
    /// Images answered without scores, to be classified later.
    pub pending: AtomicU64,
    /// Images refused through their own fault.
    pub rejected: AtomicU64,
    /// Images refused at the door for lack of room.
    pub overloaded: AtomicU64,
    /// Images that failed through our fault.
    pub faults: AtomicU64,
    /// Images dropped because nobody waited for them any more.
    pub departed: AtomicU64,
    /// Batches run.
    pub batches: AtomicU64,
    /// Frames classified, without padding.
    pub batch_frames: AtomicU64,
    /// Frames of padding that rode along.
    pub batch_padding: AtomicU64,
    /// Batches that failed on the device.
    pub batch_failures: AtomicU64,
    /// Failed batches since the last good one; above zero the device is suspect.
    pub batch_failures_in_a_row: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_land_in_the_first_bucket_that_holds_them() {
        let histogram = Histogram::default();
        for us in [0, 16, 17, 33, u64::MAX / 2_000] {
            histogram.record(Duration::from_micros(us));
        }
        let snapshot = histogram.snapshot();
        assert_eq!(snapshot.buckets[..4], [2, 1, 1, 0]);
        assert_eq!(snapshot.buckets.iter().sum::<u64>(), 4);
        assert_eq!(snapshot.count, 5);
    }

    #[test]
    fn the_mean_of_nothing_is_zero() {
        assert_eq!(Histogram::default().mean(), Duration::ZERO);
    }
}
