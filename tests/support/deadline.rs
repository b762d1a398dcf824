//! Waiting for something to become true, never for time to pass.

use std::time::{Duration, Instant};

/// Between two looks: short against every deadline here, long against a look.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Calls `look` until it finds something, and fails the test at the deadline.
///
/// # Panics
/// When `look` has found nothing after `within`.
pub fn wait_for<T>(what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + within;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited {within:?} in vain for {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}
