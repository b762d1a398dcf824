//! The time of day, as records keep it and as pages and programs read it.
//!
//! Tests of what takes months move it ahead by a setting (`clock.file`), which
//! no service that others reach may have.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long what the file says is good for.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Longest file that is read: a number has at most 20 digits.
const FILE_BYTES_MAX: u64 = 64;

/// The clock that a test has moved; unset everywhere else.
static MOVED: OnceLock<Moved> = OnceLock::new();

/// A clock that a file moves ahead.
struct Moved {
    file: PathBuf,
    ahead_ms: AtomicU64,
    looked: Mutex<Instant>,
}

/// Milliseconds since 1970 UTC.
#[must_use]
pub fn now_ms() -> u64 {
    // A clock before 1970 is not set at all.
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let system_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    system_ms.saturating_add(MOVED.get().map_or(0, Moved::ahead_ms))
}

/// From now on the clock is ahead by as many milliseconds as this file says. The
/// first file stays.
pub fn follow(file: &Path) {
    let moved = MOVED.get_or_init(|| Moved {
        file: file.to_owned(),
        ahead_ms: AtomicU64::new(0),
        looked: Mutex::new(Instant::now()),
    });
    moved.look();
    tracing::warn!(
        file = %file.display(),
        "THE CLOCK IS MOVED by the setting clock.file, which is for tests alone: everything \
         ends when that file says so"
    );
}

/// Reads the file at once, if there is one.
pub fn look_again() {
    if let Some(moved) = MOVED.get() {
        moved.look();
    }
}

/// Whether a test moves this clock.
#[must_use]
pub fn is_moved() -> bool {
    MOVED.get().is_some()
}

impl Moved {
    fn ahead_ms(&self) -> u64 {
        // Whoever finds it taken uses what was known until now.
        if let Ok(mut looked) = self.looked.try_lock()
            && looked.elapsed() >= LOOK_AGAIN
        {
            *looked = Instant::now();
            self.read();
        }
        self.ahead_ms.load(Ordering::Acquire)
    }

    fn look(&self) {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        *looked = Instant::now();
        self.read();
    }

    /// What cannot be read changes nothing.
    fn read(&self) {
        if let Some(ahead_ms) = read(&self.file) {
            self.ahead_ms.store(ahead_ms, Ordering::Release);
        }
    }
}

fn read(file: &Path) -> Option<u64> {
    use std::io::Read;
    let mut text = String::new();
    let file = std::fs::File::open(file).ok()?;
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// RFC 3339 in UTC, to the second.
#[must_use]
pub fn rfc3339(ms: u64) -> String {
    imgshare_storage::calendar::rfc3339(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_written_right() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_735_689_599_999, "2024-12-31T23:59:59Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(ms), text);
        }
    }

    #[test]
    fn a_file_that_says_nothing_moves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ahead");
        assert_eq!(read(&file), None);
        for (text, ahead_ms) in [
            ("86400000\n", Some(86_400_000)),
            ("", None),
            ("-5", None),
            ("a year", None),
            ("99999999999999999999999", None),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(read(&file), ahead_ms, "{text}");
        }
    }
}
