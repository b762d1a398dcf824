//! The request log's files: `log/2026-11-26.jsonl`, one file a day (UTC), one
//! request a line, deleted whole.
//!
//! A line is lost rather than waited for: nothing here is synced, a disk that
//! is full refuses a batch and keeps what it had. What a line says is the
//! caller's business.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::calendar::{MS_A_DAY, date, start_of};
use crate::room::ensure_room;
use crate::{StorageError, durable_fs};

/// The longest that a segment is kept, in days: what the policy says.
pub const LOG_DAYS_MAX: u64 = 90;

/// What every segment's name ends with.
const ENDING: &str = ".jsonl";

/// Free room below which no line is written: the log must not be what keeps an
/// image from being stored.
const ROOM_BYTES: u64 = 64 << 20;

/// Only the service's own user reads it.
const FILE_MODE: u32 = 0o600;

/// The segments of a folder, written to by one process.
#[derive(Debug)]
pub struct Segments {
    dir: PathBuf,
    open: Option<Segment>,
}

#[derive(Debug)]
struct Segment {
    day: u64,
    file: File,
    /// Length up to the last whole line.
    bytes: u64,
}

impl Segments {
    /// The segments of a folder, which is made where it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(dir: &Path) -> Result<Self, StorageError> {
        durable_fs::create_dir_all(dir)?;
        Ok(Self {
            dir: dir.to_owned(),
            open: None,
        })
    }

    /// Adds whole lines, each with its line feed, to the segment of the day
    /// that `at_ms` lies in. All of them or none.
    ///
    /// # Errors
    /// When the disk refuses them; what it took of them is taken back.
    pub fn append(&mut self, at_ms: u64, lines: &[u8]) -> Result<(), StorageError> {
        let day = at_ms / MS_A_DAY;
        ensure_room(&self.dir, ROOM_BYTES)?;
        let path = path(&self.dir, day);
        let failed = |error| StorageError::io(format!("writing {}", path.display()), error);
        let segment = match self.open.take().filter(|segment| segment.day == day) {
            // Somebody may have removed the file under us.
            Some(segment) if path.exists() => segment,
            _ => Segment::open(&path, day).map_err(failed)?,
        };
        let segment = self.open.insert(segment);
        segment.append(lines).map_err(failed)
    }
}

impl Segment {
    /// Opens or makes a segment. A line that a crash cut short ends where it is.
    fn open(path: &Path, day: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(FILE_MODE)
            .open(path)?;
        let mut bytes = file.metadata()?.len();
        if bytes > 0 && last_byte(&mut file)? != b'\n' {
            file.write_all(b"\n")?;
            bytes = bytes.saturating_add(1);
        }
        Ok(Self { day, file, bytes })
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(lines);
        if written.is_err() {
            // Should this fail too, the next start ends the line.
            let _ = self.file.set_len(self.bytes);
            return written;
        }
        let n_bytes = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(n_bytes);
        Ok(())
    }
}

fn last_byte(file: &mut File) -> io::Result<u8> {
    use std::io::Read;
    let mut byte = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}

/// Whether the segment of the day that `at_ms` lies in can be written to now: as a
/// line would find it, so that an empty segment may be made.
///
/// # Errors
/// When it cannot.
pub fn probe(dir: &Path, at_ms: u64) -> Result<(), StorageError> {
    ensure_room(dir, ROOM_BYTES)?;
    let path = path(dir, at_ms / MS_A_DAY);
    let opened = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(FILE_MODE)
        .open(&path);
    opened.map_err(|error| StorageError::io(format!("writing {}", path.display()), error))?;
    Ok(())
}

/// Every segment of the log in `dir` whose day began `days` days ago or earlier, at
/// most [`LOG_DAYS_MAX`]: without them no line is older than that.
///
/// # Errors
/// When the folder cannot be read.
pub(crate) fn over(dir: &Path, now_ms: u64, days: u64) -> Result<Vec<PathBuf>, StorageError> {
    let (today, days) = (now_ms / MS_A_DAY, days.min(LOG_DAYS_MAX));
    let found = segments(dir)?.into_iter();
    let over = found.filter(|(day, _)| today.saturating_sub(*day) >= days);
    Ok(over.map(|(_, path)| path).collect())
}

/// When the oldest segment's day began, in milliseconds since 1970 UTC; `None`
/// without any.
///
/// # Errors
/// When the folder cannot be read.
pub(crate) fn oldest_ms(dir: &Path) -> Result<Option<u64>, StorageError> {
    let oldest = segments(dir)?.into_iter().next();
    Ok(oldest.map(|(day, _)| day.saturating_mul(MS_A_DAY)))
}

/// The segments of a folder by day, the oldest first. What is not named like one
/// is none.
fn segments(dir: &Path) -> Result<Vec<(u64, PathBuf)>, StorageError> {
    let failed = |error| StorageError::io(format!("reading {}", dir.display()), error);
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy());
        let day = name.and_then(|name| start_of(name.strip_suffix(ENDING)?));
        if let Some(start_ms) = day {
            found.push((start_ms / MS_A_DAY, path));
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn path(dir: &Path, day: u64) -> PathBuf {
    dir.join(format!("{}{ENDING}", date(day.saturating_mul(MS_A_DAY))))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// 2026-11-26.
    const TODAY: u64 = 20_783 * MS_A_DAY;

    fn text(dir: &Path, day: &str) -> String {
        fs::read_to_string(dir.join(format!("{day}.jsonl"))).unwrap()
    }

    #[test]
    fn lines_lie_in_the_segment_of_their_day() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("log");
        let mut segments = Segments::open(&dir).unwrap();
        for (at_ms, line) in [
            (TODAY, "1\n"),
            (TODAY + MS_A_DAY - 1, "2\n"),
            (TODAY + MS_A_DAY, "3\n"),
            (TODAY + 7, "4\n"),
        ] {
            segments.append(at_ms, line.as_bytes()).unwrap();
        }
        assert_eq!(text(&dir, "2026-11-26"), "1\n2\n4\n");
        assert_eq!(text(&dir, "2026-11-27"), "3\n");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir), 0o700);
        assert_eq!(mode(&dir.join("2026-11-26.jsonl")), 0o600);
        assert_eq!(oldest_ms(&dir).unwrap(), Some(TODAY));
    }

    #[test]
    fn p04_it_is_known_when_no_line_can_be_written() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("log");
        assert!(probe(&dir, TODAY).is_err(), "there is no folder");
        let mut segments = Segments::open(&dir).unwrap();
        probe(&dir, TODAY).unwrap();
        segments.append(TODAY, b"1\n").unwrap();
        probe(&dir, TODAY).unwrap();
        assert_eq!(text(&dir, "2026-11-26"), "1\n");
        // Whoever runs the tests may be allowed everything, but not this.
        fs::create_dir(dir.join("2026-11-27.jsonl")).unwrap();
        assert!(probe(&dir, TODAY + MS_A_DAY).is_err());
    }

    #[test]
    fn a_line_that_was_cut_short_spoils_no_other() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("2026-11-26.jsonl"), "whole\nhal").unwrap();
        let mut segments = Segments::open(dir.path()).unwrap();
        segments.append(TODAY, b"next\n").unwrap();
        assert_eq!(text(dir.path(), "2026-11-26"), "whole\nhal\nnext\n");
        fs::remove_file(dir.path().join("2026-11-26.jsonl")).unwrap();
        segments.append(TODAY, b"again\n").unwrap();
        assert_eq!(text(dir.path(), "2026-11-26"), "again\n");
    }

    #[test]
    fn p13b_no_line_is_kept_for_more_than_ninety_days() {
        let dir = tempfile::tempdir().unwrap();
        let mut segments = Segments::open(dir.path()).unwrap();
        fs::write(dir.path().join("notes.txt"), "not a segment").unwrap();
        fs::write(dir.path().join("2026-13-01.jsonl"), "no day").unwrap();
        let mut n_kept_max = 0;
        for day in 0..400 {
            let now_ms = TODAY + day * MS_A_DAY;
            segments.append(now_ms, b"line\n").unwrap();
            let old = over(dir.path(), now_ms, 90).unwrap();
            assert_eq!(old.len(), usize::from(day >= 90));
            for path in old {
                fs::remove_file(path).unwrap();
            }
            let oldest = oldest_ms(dir.path()).unwrap().unwrap();
            assert!(now_ms - oldest < 90 * MS_A_DAY);
            n_kept_max = n_kept_max.max(fs::read_dir(dir.path()).unwrap().count());
        }
        assert_eq!(n_kept_max, 92, "90 segments and what is none");
        // A longer time than the policy's is not given.
        let later = TODAY + 489 * MS_A_DAY;
        assert_eq!(over(dir.path(), later, 10_000).unwrap().len(), 90);
        let none = dir.path().join("none");
        assert!(over(&none, later, 90).unwrap().is_empty());
    }
}
