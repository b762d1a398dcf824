//! How things stand, as it was looked at last: strangers may ask, and looking
//! reads much.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{House, Sight};
use crate::app::AppState;
use crate::clock;

/// How long a look serves.
const SERVES: Duration = Duration::from_secs(60);

/// How old what was seen may be before nothing is known any more: looks fail, or
/// hang.
const AGE_MAX: Duration = Duration::from_secs(120);

/// How long is waited for one; a folder on a lost machine may never answer.
const TIME_MAX: Duration = Duration::from_secs(5);

/// The last look. One is taken at a time, so that whatever hangs in it holds one
/// thread and no more.
#[derive(Debug, Default)]
pub struct LastLook {
    last: Mutex<Option<(Instant, Sight)>>,
    is_looking: AtomicBool,
}

impl LastLook {
    /// How things stand, at most a minute ago where a look succeeds; else what
    /// was known last, for a minute more, and then nothing.
    pub(crate) async fn recent(&self, app: &AppState) -> Option<Sight> {
        let known = self.known();
        if let Some((at, sight)) = known
            && at.elapsed() < SERVES
        {
            return Some(sight);
        }
        if !self.is_looking.swap(true, Ordering::AcqRel) {
            let this = AppState::clone(app);
            let look = tokio::task::spawn_blocking(move || {
                let _turn = Turn(&this.last_look.is_looking);
                match House::of(&this).look(clock::now_ms()) {
                    Ok(sight) => {
                        let last = &this.last_look.last;
                        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                        *last = Some((Instant::now(), sight));
                    }
                    Err(error) => {
                        tracing::error!(%error, "how the promises stand cannot be looked at");
                    }
                }
            });
            // What takes longer goes on, and serves the next one who asks.
            let _ = tokio::time::timeout(TIME_MAX, look).await;
        }
        let (at, sight) = self.known()?;
        serves(at.elapsed()).then_some(sight)
    }

    fn known(&self) -> Option<(Instant, Sight)> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }
}

/// Whether what was seen so long ago may still be shown where no look succeeds.
fn serves(age: Duration) -> bool {
    age < AGE_MAX
}

/// The turn of a look, which ends with it, however that comes about.
struct Turn<'a>(&'a AtomicBool);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_serves_for_two_minutes_at_most() {
        assert!(serves(SERVES));
        assert!(!serves(AGE_MAX));
    }

    #[test]
    fn a_look_that_panics_ends_its_turn() {
        let is_looking = AtomicBool::new(true);
        let panicked = std::panic::catch_unwind(|| {
            let _turn = Turn(&is_looking);
            assert!(!is_looking.load(Ordering::Acquire), "in the middle of it");
        });
        assert!(panicked.is_err());
        assert!(!is_looking.load(Ordering::Acquire));
    }
}
