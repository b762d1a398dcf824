//! Images that reports of child abuse have hidden lately. One report hides any
//! image, so whoever wants to can empty a site: people must hear of it soon.
//! Nothing comes back by itself; child safety looks at each.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// The time that is looked back on.
const LATELY_MS: u64 = 60 * 60 * 1000;

/// Images hidden in that time from which on it is an alarm.
pub(crate) const ALARM_FROM: usize = 20;

/// More are not told apart.
const COUNTED_MAX: usize = 10_000;

/// When images were hidden by a report.
#[derive(Debug, Default)]
pub(crate) struct HidingAlarm {
    times_ms: Mutex<VecDeque<u64>>,
}

impl HidingAlarm {
    /// Notes an image that was hidden. The number of the last hour, each time
    /// that it has reached another [`ALARM_FROM`].
    pub(super) fn note(&self, now_ms: u64) -> Option<usize> {
        let mut times_ms = self.times_ms.lock().unwrap_or_else(PoisonError::into_inner);
        times_ms.push_back(now_ms);
        if times_ms.len() > COUNTED_MAX {
            times_ms.pop_front();
        }
        let n_lately = forget_old(&mut times_ms, now_ms);
        (n_lately > 0 && n_lately.is_multiple_of(ALARM_FROM)).then_some(n_lately)
    }

    /// How many were hidden in the last hour.
    pub(crate) fn n_lately(&self, now_ms: u64) -> usize {
        let mut times_ms = self.times_ms.lock().unwrap_or_else(PoisonError::into_inner);
        forget_old(&mut times_ms, now_ms)
    }
}

fn forget_old(times_ms: &mut VecDeque<u64>, now_ms: u64) -> usize {
    let is_old = |at_ms: &u64| now_ms.saturating_sub(*at_ms) >= LATELY_MS;
    while times_ms.front().is_some_and(is_old) {
        times_ms.pop_front();
    }
    times_ms.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_in_an_hour_are_an_alarm_and_again_each_twenty() {
        let alarm = HidingAlarm::default();
        let told: Vec<usize> = (0..45).filter_map(|n| alarm.note(1_000 + n)).collect();
        assert_eq!(told, [20, 40]);
        assert_eq!(alarm.n_lately(1_000 + LATELY_MS - 1), 45);
        assert_eq!(alarm.n_lately(1_010 + LATELY_MS), 34);
        assert_eq!(alarm.n_lately(9_000 + LATELY_MS), 0);
        for n in 0..100 {
            assert_eq!(alarm.note(n * LATELY_MS), None, "one an hour is none");
        }
    }
}
