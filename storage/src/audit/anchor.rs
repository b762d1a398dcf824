//! The copy of the audit outside the database, in files that only grow.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::json;

use super::files::{self, placed_lines};
use super::{Action, Actor, Entry, Head, PAGE, Sealed, Subject, entries_after, head, put, record};
use crate::{Changes, Keyspace, Space, StorageError, calendar, durable_fs};

/// Only the service's own user reads and appends.
const FILE_MODE: u32 = 0o600;

/// Entries put back in one commit.
const RESTORED_AT_ONCE: u64 = 256;

/// What says in the audit that entries came back from the files: all behind the
/// number `before`, up to `after`.
pub(super) const RESTORED: &str = "audit-restored";

/// What says that the files had lost their last lines: all behind the number
/// `after`, though they had had them up to `before`.
const FILES_RESTORED: &str = "audit-files-restored";

/// Sets of files that were put aside; more than that is no accident any more.
const PUT_ASIDE_MAX: u32 = 1_000;

/// Appends to the day files what the database has and they have not.
#[derive(Debug)]
pub struct Anchor {
    dir: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The last entry in the files.
    head: Head,
    /// The file being appended to, with its day.
    file: Option<(String, File)>,
}

/// What database and files had to tell each other at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reconciled {
    /// They agree, up to entries that a crash had kept from the files.
    Agree,
    /// The database had lost its last entries; the files gave them back.
    Restored {
        /// How many.
        n_entries: u64,
    },
    /// The files had lost their last lines; the database gave them back.
    FilesRestored {
        /// How many.
        n_entries: u64,
    },
    /// They tell different things. The files were put aside and begin again
    /// from the database; both facts stand in the audit.
    Diverged,
}

impl Anchor {
    /// Opens the files in a folder and makes them and the database agree. Both
    /// the loss of entries and a difference are written into the audit itself.
    ///
    /// # Errors
    /// When either cannot be read or written.
    pub fn open(
        dir: &Path,
        keys: &dyn Keyspace,
        now_ms: u64,
    ) -> Result<(Self, Reconciled), StorageError> {
        durable_fs::create_dir_all(dir)?;
        let in_files = last_in(dir)?;
        let in_database = head(keys)?;
        let (reconciled, in_files) = if in_files.seq > in_database.seq {
            if in_database == Head::EMPTY || holds(dir, &in_database)? {
                let n_entries = restore(dir, keys, &in_database, &in_files)?;
                let action = Action::new(RESTORED);
                let entry = Entry::new(now_ms, Actor::System, action)
                    .changed(json!(in_database.seq), json!(in_files.seq));
                record(keys, &entry)?;
                (Reconciled::Restored { n_entries }, in_files)
            } else {
                (Reconciled::Diverged, in_files)
            }
        } else if in_files == Head::EMPTY || stored_head(keys, in_files.seq)? == Some(in_files) {
            let had = mark(keys)?.map_or(0, |mark| mark.seq);
            match had.saturating_sub(in_files.seq) {
                0 => (Reconciled::Agree, in_files),
                n_entries => {
                    let entry = Entry::new(now_ms, Actor::System, Action::new(FILES_RESTORED))
                        .changed(json!(had), json!(in_files.seq));
                    record(keys, &entry)?;
                    (Reconciled::FilesRestored { n_entries }, in_files)
                }
            }
        } else {
            (Reconciled::Diverged, in_files)
        };
        let mut anchored = in_files;
        if reconciled == Reconciled::Diverged {
            let aside = put_aside(dir)?;
            let name = aside.file_name().unwrap_or_default().to_string_lossy();
            let entry = Entry::new(now_ms, Actor::System, Action::new("audit-diverged"))
                .about(Subject::named("folder", &name))
                .changed(json!(in_files), json!(in_database));
            record(keys, &entry)?;
            durable_fs::create_dir_all(dir)?;
            anchored = Head::EMPTY;
        }
        let anchor = Self {
            dir: dir.to_owned(),
            state: Mutex::new(State {
                head: anchored,
                file: None,
            }),
        };
        anchor.catch_up(keys)?;
        anchor.leave_mark(keys)?;
        Ok((anchor, reconciled))
    }

    /// Notes in the database how far the files go, so that lines which they lose are
    /// told from those that a crash has kept from them.
    fn leave_mark(&self, keys: &dyn Keyspace) -> Result<(), StorageError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        mark_at(keys, &state.head)
    }

    /// Appends what is new in the database, durably. Returns how many entries.
    ///
    /// # Errors
    /// When the database cannot be read or the file not be written.
    pub fn catch_up(&self, keys: &dyn Keyspace) -> Result<u64, StorageError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut n_appended = 0;
        loop {
            let page = entries_after(keys, state.head.seq, PAGE)?;
            if page.is_empty() {
                break;
            }
            self.append(&mut state, &page)?;
            n_appended += u64::try_from(page.len()).unwrap_or(u64::MAX);
        }
        if n_appended > 0 {
            mark_at(keys, &state.head)?;
        }
        Ok(n_appended)
    }

    fn append(&self, state: &mut State, page: &[Sealed]) -> Result<(), StorageError> {
        let failed =
            |error| StorageError::io(format!("appending to {}", self.dir.display()), error);
        // A clock that went back must not reorder the files.
        let today = page.last().map_or(0, |sealed| sealed.entry.at_ms);
        let latest = files::all(&self.dir)?;
        let latest = latest.last().and_then(|path| path.file_stem());
        let day = calendar::date(today).max(latest.unwrap_or_default().to_string_lossy().into());
        if state.file.as_ref().is_none_or(|(open, _)| *open != day) {
            let file = File::options()
                .append(true)
                .create(true)
                .mode(FILE_MODE)
                .open(self.dir.join(files::name(&day)))
                .map_err(failed)?;
            durable_fs::sync_dir(&self.dir)?;
            state.file = Some((day, file));
        }
        let Some((_, file)) = &mut state.file else {
            return Ok(());
        };
        let length = file.metadata().map_err(failed)?.len();
        let text: String = page.iter().map(|sealed| sealed.line() + "\n").collect();
        let written = file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Half a line must not stand before the next try's.
            let _ = file.set_len(length);
            return Err(failed(error));
        }
        if let Some(last) = page.last() {
            state.head = last.head();
        }
        Ok(())
    }
}

fn mark_key() -> Vec<u8> {
    Space::Audit.key(&[b"a"])
}

/// Whether this key is that of the mark: a backup has it, and none of the files.
pub(crate) fn is_mark(key: &[u8]) -> bool {
    key == mark_key()
}

/// The last entry that the files have had.
pub(super) fn mark(keys: &dyn Keyspace) -> Result<Option<Head>, StorageError> {
    let stored = keys.get(&mark_key())?;
    stored.as_deref().map(Head::decode).transpose()
}

fn mark_at(keys: &dyn Keyspace, head: &Head) -> Result<(), StorageError> {
    if mark(keys)? == Some(*head) {
        return Ok(());
    }
    let mut changes = Changes::new();
    changes.put(mark_key(), head.encode());
    keys.commit(changes)
}

/// The last entry of the newest file that has one.
fn last_in(dir: &Path) -> Result<Head, StorageError> {
    for path in files::all(dir)?.iter().rev() {
        if let Some(sealed) = files::last(path)? {
            return Ok(sealed.head());
        }
    }
    Ok(Head::EMPTY)
}

/// Whether a database was cut short: the files go further than it does. One that a
/// restore has brought back is whole all the same: it ends with an entry that the
/// files have, and says nothing yet of what they had.
pub(crate) fn is_cut_short(dir: &Path, keys: &dyn Keyspace) -> Result<bool, StorageError> {
    let head = head(keys)?;
    if last_in(dir)?.seq <= head.seq {
        return Ok(false);
    }
    let is_brought_back = mark(keys)?.is_none() && (head == Head::EMPTY || holds(dir, &head)?);
    Ok(!is_brought_back)
}

/// Whether the files hold this entry.
fn holds(dir: &Path, wanted: &Head) -> Result<bool, StorageError> {
    Ok(placed_lines(dir)?
        .map_while(|line| line.sealed.ok())
        .any(|sealed| sealed.head() == *wanted))
}

fn stored_head(keys: &dyn Keyspace, seq: u64) -> Result<Option<Head>, StorageError> {
    let stored = entries_after(keys, seq.saturating_sub(1), 1)?;
    Ok(stored.first().map(Sealed::head))
}

/// Puts the entries behind `from` back into the database, as they were.
fn restore(dir: &Path, keys: &dyn Keyspace, from: &Head, to: &Head) -> Result<u64, StorageError> {
    let mut at = *from;
    let mut changes = Changes::new();
    let mut n_restored: u64 = 0;
    for line in placed_lines(dir)? {
        let broken = |link| StorageError::Corrupt {
            detail: format!(
                "in {}, line {}: {link}; `imgshare audit verify` tells more",
                line.path.display(),
                line.number
            ),
        };
        let sealed = line.sealed.map_err(broken)?;
        if sealed.seq <= from.seq {
            continue;
        }
        sealed.check_behind(&at).map_err(broken)?;
        at = sealed.head();
        put(&mut changes, &sealed);
        n_restored += 1;
        if n_restored.is_multiple_of(RESTORED_AT_ONCE) || at == *to {
            keys.commit(std::mem::take(&mut changes))?;
        }
    }
    Ok(n_restored)
}

fn put_aside(dir: &Path) -> Result<PathBuf, StorageError> {
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let free = (1..=PUT_ASIDE_MAX)
        .map(|n| dir.with_file_name(format!("{name}.diverged-{n}")))
        .find(|path| !path.exists());
    let failed = |error| StorageError::io(format!("putting {} aside", dir.display()), error);
    let free = free.ok_or_else(|| failed(std::io::Error::other("too many were put aside")))?;
    std::fs::rename(dir, &free).map_err(failed)?;
    if let Some(parent) = dir.parent() {
        durable_fs::sync_dir(parent)?;
    }
    Ok(free)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryRecords;
    use crate::audit::{BrokenLink, Place, verify, verify_files};

    fn entry(n: u64) -> Entry {
        Entry::new(
            n * calendar::MS_A_DAY,
            Actor::Operator,
            Action::new("tested"),
        )
    }

    fn filled(n: u64) -> MemoryRecords {
        let keys = MemoryRecords::default();
        for n in 1..=n {
            record(&keys, &entry(n)).unwrap();
        }
        keys
    }

    #[test]
    fn files_follow_the_database_by_days() {
        let dir = tempfile::tempdir().unwrap();
        let keys = filled(2);
        let (anchor, reconciled) = Anchor::open(dir.path(), &keys, 0).unwrap();
        assert_eq!(reconciled, Reconciled::Agree);
        record(&keys, &entry(3)).unwrap();
        // The clock goes back a day: the entry stays behind its elders.
        record(&keys, &entry(2)).unwrap();
        assert_eq!(anchor.catch_up(&keys).unwrap(), 2);
        assert_eq!(anchor.catch_up(&keys).unwrap(), 0);
        let seqs: Vec<u64> = files::lines(dir.path())
            .unwrap()
            .map(|sealed| sealed.unwrap().seq)
            .collect();
        assert_eq!(seqs, [1, 2, 3, 4]);
        let report = verify(Some(&keys), Some(dir.path())).unwrap();
        assert_eq!((report.bad, report.n_in_files), (None, Some(4)));
        let again = Anchor::open(dir.path(), &keys, 0).unwrap().1;
        assert_eq!(again, Reconciled::Agree);
    }

    #[test]
    fn a_database_that_lost_entries_gets_them_back() {
        let dir = tempfile::tempdir().unwrap();
        Anchor::open(dir.path(), &filled(5), 0).unwrap();
        for n_left in [0, 3] {
            let keys = filled(n_left);
            let report = verify(Some(&keys), Some(dir.path())).unwrap();
            let bad = report.bad.unwrap();
            assert_eq!((bad.seq, bad.why), (n_left + 1, BrokenLink::Missing));
            let (_, reconciled) = Anchor::open(dir.path(), &keys, 0).unwrap();
            let n_entries = head(&keys).unwrap().seq - 1 - n_left;
            assert_eq!(reconciled, Reconciled::Restored { n_entries });
            let report = verify(Some(&keys), Some(dir.path())).unwrap();
            assert_eq!(report.bad, None);
            let last = entries_after(&keys, n_left + n_entries, 9).unwrap();
            assert_eq!(last[0].entry.action.as_str(), "audit-restored");
        }
    }

    #[test]
    fn a_replaced_database_is_noticed_and_both_are_kept() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("audit");
        Anchor::open(&dir, &filled(3), 0).unwrap();
        for n_other in [2, 3, 4] {
            let other = MemoryRecords::default();
            for _ in 0..n_other {
                record(&other, &entry(10 * n_other)).unwrap();
            }
            let bad = verify(Some(&other), Some(&dir)).unwrap().bad.unwrap();
            assert_eq!((bad.seq, bad.why), (1, BrokenLink::Differs));
            let (_, reconciled) = Anchor::open(&dir, &other, 0).unwrap();
            assert_eq!(reconciled, Reconciled::Diverged);
            assert_eq!(verify(Some(&other), Some(&dir)).unwrap().bad, None);
        }
        assert!(parent.path().join("audit.diverged-3").is_dir());
    }

    #[test]
    fn what_a_crash_left_of_a_line_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let keys = filled(2);
        Anchor::open(dir.path(), &keys, 0).unwrap();
        let path = files::all(dir.path()).unwrap().pop().unwrap();
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"entry\":{\"at");
        std::fs::write(&path, text).unwrap();
        let (_, reconciled) = Anchor::open(dir.path(), &keys, 0).unwrap();
        assert_eq!(reconciled, Reconciled::Agree);
        assert_eq!(verify(Some(&keys), Some(dir.path())).unwrap().bad, None);
    }

    #[test]
    fn a_changed_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let keys = filled(3);
        Anchor::open(dir.path(), &keys, 0).unwrap();
        let path = files::all(dir.path()).unwrap().pop().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("tested", "passed")).unwrap();
        let bad = verify(None, Some(dir.path())).unwrap().bad.unwrap();
        assert_eq!(bad.why, BrokenLink::Hash);
        assert!(matches!(bad.place, Place::File { number: 1.., .. }));
        assert!(bad.to_string().contains(".jsonl, line"), "{bad}");
    }
    #[test]
    fn lines_that_the_files_lost_are_missed_and_put_back() {
        let dir = tempfile::tempdir().unwrap();
        let keys = filled(5);
        let (anchor, _) = Anchor::open(dir.path(), &keys, 0).unwrap();
        let verified = || verify(Some(&keys), Some(dir.path())).unwrap();
        // What no file has had yet is no loss.
        record(&keys, &entry(6)).unwrap();
        let behind = verified();
        assert_eq!((behind.bad, behind.n_behind), (None, 1));
        anchor.catch_up(&keys).unwrap();
        assert_eq!(verified().n_behind, 0);
        let last = files::all(dir.path()).unwrap().pop().unwrap();
        std::fs::remove_file(last).unwrap();
        let bad = verified().bad.unwrap();
        assert_eq!((bad.seq, bad.why), (6, BrokenLink::Lost));
        for path in files::all(dir.path()).unwrap() {
            std::fs::remove_file(path).unwrap();
        }
        let bad = verified().bad.unwrap();
        assert_eq!((bad.seq, bad.why), (1, BrokenLink::Lost));
        let (_, reconciled) = Anchor::open(dir.path(), &keys, 0).unwrap();
        assert_eq!(reconciled, Reconciled::FilesRestored { n_entries: 6 });
        let whole = verified();
        assert_eq!((whole.bad, whole.n_in_files), (None, Some(7)));
        let told = entries_after(&keys, 6, 1).unwrap().remove(0);
        assert_eq!(told.entry.action.as_str(), FILES_RESTORED);
    }

    #[test]
    fn a_service_says_how_far_the_files_must_go() {
        let dir = tempfile::tempdir().unwrap();
        let keys = filled(3);
        let (anchor, _) = Anchor::open(dir.path(), &keys, 0).unwrap();
        let told = head(&keys).unwrap();
        // More may have come since it was asked.
        record(&keys, &entry(4)).unwrap();
        anchor.catch_up(&keys).unwrap();
        let verified = |head: &Head| verify_files(dir.path(), head).unwrap();
        assert_eq!(verified(&told).bad, None);
        let mut other = told;
        other.hash[0] ^= 1;
        let bad = verified(&other).bad.unwrap();
        assert_eq!((bad.seq, bad.why), (3, BrokenLink::Differs));
        let last = files::all(dir.path()).unwrap().pop().unwrap();
        std::fs::remove_file(last).unwrap();
        assert_eq!(verified(&told).bad, None);
        let bad = verified(&head(&keys).unwrap()).bad.unwrap();
        assert_eq!((bad.seq, bad.why), (4, BrokenLink::Lost));
    }
}
