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
    /// was known last.
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
                let found = House::of(&this).look(clock::now_ms());
                if let Ok(sight) = found {
                    let last = &this.last_look.last;
                    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                    *last = Some((Instant::now(), sight));
                }
                this.last_look.is_looking.store(false, Ordering::Release);
            });
            // What takes longer goes on, and serves the next one who asks.
            let _ = tokio::time::timeout(TIME_MAX, look).await;
        }
        self.known().map(|(_, sight)| sight)
    }

    fn known(&self) -> Option<(Instant, Sight)> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }
}
