//! A server's clock, moved by a test from outside.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds of a day.
pub const DAY_MS: u64 = 86_400_000;

/// The hour of the day at which a moved clock stands: no test is long enough to
/// see midnight.
const HOURS: u64 = 6;

/// A clock that shows one day after the other.
#[derive(Debug)]
pub struct Calendar {
    file: PathBuf,
    /// The first midnight that is still to come, as milliseconds since 1970.
    first_day_ms: u64,
}

impl Calendar {
    /// A clock whose file lies in a folder.
    ///
    /// # Panics
    /// When the file cannot be written.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        let calendar = Self {
            file: folder.join("clock"),
            first_day_ms: (now_ms() / DAY_MS + 1) * DAY_MS,
        };
        calendar.show(0);
        calendar
    }

    /// The setting that makes a server follow it.
    ///
    /// # Panics
    /// When the path is no text.
    #[must_use]
    pub fn setting(&self) -> (&'static str, &str) {
        let file = self.file.to_str().expect("temporary folders have names");
        ("IMGSHARE_CLOCK_FILE", file)
    }

    /// Shows a day, counted from 0.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn show(&self, day: u64) {
        let ahead_ms = self.start_of(day) + HOURS * 3_600_000 - now_ms();
        let next = self.file.with_extension("next");
        std::fs::write(&next, ahead_ms.to_string()).expect("a file can be written");
        std::fs::rename(&next, &self.file).expect("a file can be renamed");
    }

    /// The first millisecond of a day.
    #[must_use]
    pub fn start_of(&self, day: u64) -> u64 {
        self.first_day_ms + day * DAY_MS
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.expect("a clock").as_millis()).expect("this century")
}
