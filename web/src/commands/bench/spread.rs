//! Many durations as the few figures people compare.

use std::time::Duration;

use serde::Serialize;

/// Median and 95th percentile of some durations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Spread {
    /// How many durations there were.
    pub(super) count: usize,
    /// Half took at most this, in milliseconds.
    pub(super) median_ms: f64,
    /// All but one in twenty took at most this, in milliseconds.
    pub(super) p95_ms: f64,
}

impl Spread {
    /// The figures of `durations`, in any order; zeros of none.
    pub(super) fn of(durations: impl IntoIterator<Item = Duration>) -> Self {
        let mut sorted: Vec<Duration> = durations.into_iter().collect();
        sorted.sort_unstable();
        Self {
            count: sorted.len(),
            median_ms: quantile_ms(&sorted, 50),
            p95_ms: quantile_ms(&sorted, 95),
        }
    }
}

/// Nearest rank: a duration that was measured, never one in between.
fn quantile_ms(sorted: &[Duration], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted
        .get(rank - 1)
        .map_or(0.0, |duration| milliseconds(*duration))
}

/// The duration in milliseconds.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_nearest_and_order_does_not_matter() {
        let spread = Spread::of((1..=20).rev().map(Duration::from_millis));
        assert_eq!(
            spread,
            Spread {
                count: 20,
                median_ms: 10.0,
                p95_ms: 19.0
            }
        );
    }

    #[test]
    fn nothing_measured_is_zero() {
        assert_eq!(
            Spread::of([]),
            Spread {
                count: 0,
                median_ms: 0.0,
                p95_ms: 0.0
            }
        );
    }
}
