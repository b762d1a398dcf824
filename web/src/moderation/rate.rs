//! How many uploads the site takes.

use std::sync::{Mutex, PoisonError};

const SECONDS: usize = 60;

/// Counts uploads of the last minute, second by second.
#[derive(Debug)]
pub struct UploadRate {
    seconds: Mutex<[(u64, u64); SECONDS]>,
}

impl Default for UploadRate {
    fn default() -> Self {
        Self {
            seconds: Mutex::new([(0, 0); SECONDS]),
        }
    }
}

impl UploadRate {
    /// Counts one upload, and returns how many there were in the minute that
    /// ends now, this one among them.
    pub fn count(&self, now_ms: u64) -> u64 {
        let second = now_ms / 1_000;
        let mut seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        let place = usize::try_from(second % SECONDS as u64).unwrap_or_default();
        let (of, n_uploads) = &mut seconds[place];
        if *of != second {
            (*of, *n_uploads) = (second, 0);
        }
        *n_uploads += 1;
        let is_recent = |of: u64| of <= second && second - of < SECONDS as u64;
        seconds
            .iter()
            .filter(|(of, _)| is_recent(*of))
            .map(|(_, n_uploads)| n_uploads)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_counted() {
        let rate = UploadRate::default();
        let start = 1_750_000_000_000;
        assert_eq!(rate.count(start), 1);
        assert_eq!(rate.count(start + 999), 2);
        assert_eq!(rate.count(start + 59_000), 3);
        assert_eq!(rate.count(start + 60_000), 2);
        assert_eq!(rate.count(start + 3_600_000), 1);
    }
}
