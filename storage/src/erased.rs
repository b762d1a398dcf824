//! What was erased or removed: a hash of each id, so that a backup that is brought
//! back brings back nothing of it.
//!
//! Day files `erased/2026-11-26` hold a line an image: the hash, when, and what it is
//! unless erased. `held` is out of sight but kept; `removed`, by moderation, with the
//! policy and the time of its purge; `shown`, that its removal stands no more. They lie outside the database, which may
//! be lost, and are deleted whole once no backup can be older. A hash tells
//! nothing without the id, and ids are random.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::calendar::{self, MS_A_DAY};
use crate::moderation::Policy;
use crate::{ImageId, StorageError, durable_fs};

/// Only the service's own user reads and appends.
const FILE_MODE: u32 = 0o600;

/// What is hashed with an id, so that the hash fits nothing else.
const CONTEXT: &[u8] = b"imgshare erased image ";

/// What is known of an erased image.
pub(crate) type IdHash = [u8; 32];

/// That an image was erased, or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tombstone {
    /// When, in milliseconds since 1970 UTC.
    pub(crate) at_ms: u64,
    /// What became of it.
    pub(crate) fate: Fate,
}

/// What became of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is gone for good.
    Erased,
    /// Its owner has deleted it, but something keeps it.
    Held,
    /// Moderation has removed it.
    Removed {
        /// Why.
        policy: Policy,
        /// When it is purged.
        purge_at_ms: u64,
    },
    /// It is shown again: its removal stands no more.
    Shown,
}

impl Tombstone {
    /// Whether it says more than one that is known: nothing returns from having
    /// been erased, and of everything else the newest counts.
    pub(crate) fn outdoes(&self, known: &Self) -> bool {
        match (self.fate, known.fate) {
            (_, Fate::Erased) => false,
            (Fate::Erased, _) => true,
            _ => self.at_ms >= known.at_ms,
        }
    }
}

/// The hash by which an erased image is known.
pub(crate) fn hash_of(id: &ImageId) -> IdHash {
    let mut hash = Sha256::new();
    hash.update(CONTEXT);
    hash.update(id.as_bytes());
    hash.finalize().into()
}

/// Every tombstone of a store.
#[derive(Debug)]
pub(crate) struct Erased {
    /// `None` in memory.
    dir: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The file being appended to, with its day.
    file: Option<(String, File)>,
    /// In memory: everything.
    kept: HashMap<IdHash, Tombstone>,
}

impl Erased {
    /// Kept for as long as the process lives.
    pub(crate) fn memory() -> Self {
        Self {
            dir: None,
            state: Mutex::default(),
        }
    }

    /// Kept below a data folder, or below a folder of a backup.
    pub(crate) fn open(parent: &Path) -> Result<Self, StorageError> {
        let dir = parent.join("erased");
        if durable_fs::create_dir(&dir)? {
            durable_fs::sync_dir(parent)?;
        }
        Ok(Self {
            dir: Some(dir),
            state: Mutex::default(),
        })
    }

    /// Notes, durably, what became of an image.
    pub(crate) fn note(&self, id: &ImageId, at_ms: u64, fate: Fate) -> Result<(), StorageError> {
        self.note_hash(hash_of(id), Tombstone { at_ms, fate })
    }

    pub(crate) fn note_hash(&self, hash: IdHash, tombstone: Tombstone) -> Result<(), StorageError> {
        let mut state = self.state();
        let Some(dir) = &self.dir else {
            learn(&mut state.kept, hash, tombstone);
            return Ok(());
        };
        let day = calendar::date(tombstone.at_ms);
        let failed = |error| StorageError::io(format!("appending to {}", dir.display()), error);
        let is_open = state.file.as_ref().is_some_and(|(open, _)| *open == day);
        if !is_open {
            let file = File::options()
                .append(true)
                .create(true)
                .mode(FILE_MODE)
                .open(dir.join(&day))
                .map_err(failed)?;
            durable_fs::sync_dir(dir)?;
            state.file = Some((day, file));
        }
        let Some((_, file)) = &mut state.file else {
            return Ok(());
        };
        let length = file.metadata().map_err(failed)?.len();
        // The line before may have been cut short by a crash: the empty line
        // that this makes otherwise is none.
        let line = format!("\n{}", line(&hash, &tombstone));
        let written = file
            .write_all(line.as_bytes())
            .and_then(|()| file.sync_data());
        if let Err(error) = written {
            let _ = file.set_len(length);
            return Err(failed(error));
        }
        Ok(())
    }

    /// Every tombstone, of each image the one that counts.
    pub(crate) fn all(&self) -> Result<HashMap<IdHash, Tombstone>, StorageError> {
        let Some(dir) = &self.dir else {
            return Ok(self.state().kept.clone());
        };
        let mut all = HashMap::new();
        for path in files(dir)?.into_values() {
            let text = fs::read_to_string(&path)
                .map_err(|error| StorageError::io(format!("reading {}", path.display()), error))?;
            for (hash, tombstone) in text.lines().filter_map(read_line) {
                learn(&mut all, hash, tombstone);
            }
        }
        Ok(all)
    }

    /// Days whose tombstones are older than `kept_ms`.
    pub(crate) fn expired(
        &self,
        now_ms: u64,
        kept_ms: u64,
    ) -> Result<Vec<(u64, PathBuf)>, StorageError> {
        let Some(dir) = &self.dir else {
            return Ok(Vec::new());
        };
        let ends = |start: u64| start.saturating_add(MS_A_DAY).saturating_add(kept_ms);
        let files = files(dir)?.into_iter();
        Ok(files.filter(|(start, _)| ends(*start) <= now_ms).collect())
    }

    /// Deletes a day's file.
    pub(crate) fn forget(&self, path: &Path) -> Result<(), StorageError> {
        // It may be the one that is open.
        self.state().file = None;
        durable_fs::remove_any(path)
            .map_err(|error| StorageError::io(format!("removing {}", path.display()), error))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes in a tombstone, if it says more than what is known.
pub(crate) fn learn(
    known: &mut HashMap<IdHash, Tombstone>,
    hash: IdHash,
    tombstone: Tombstone,
) -> bool {
    let is_news = known
        .get(&hash)
        .is_none_or(|before| tombstone.outdoes(before));
    if is_news {
        known.insert(hash, tombstone);
    }
    is_news
}

/// A tombstone as a line of text.
pub(crate) fn line(hash: &IdHash, tombstone: &Tombstone) -> String {
    let fate = match tombstone.fate {
        Fate::Erased => String::new(),
        Fate::Held => " held".to_owned(),
        Fate::Removed {
            policy,
            purge_at_ms,
        } => format!(" removed {} {purge_at_ms}", name_of(policy)),
        Fate::Shown => " shown".to_owned(),
    };
    format!("{} {}{fate}\n", hex::encode(hash), tombstone.at_ms)
}

fn name_of(policy: Policy) -> String {
    let name = serde_json::to_value(policy).ok();
    let name = name.as_ref().and_then(Value::as_str);
    name.unwrap_or_default().to_owned()
}

/// Reads a [`line`] back; what a crash has cut short is none.
pub(crate) fn read_line(line: &str) -> Option<(IdHash, Tombstone)> {
    let mut words = line.split(' ');
    let mut hash = IdHash::default();
    hex::decode_to_slice(words.next()?, &mut hash).ok()?;
    let at_ms = words.next()?.parse().ok()?;
    let fate = match words.next() {
        None => Fate::Erased,
        Some("held") => Fate::Held,
        Some("removed") => Fate::Removed {
            policy: serde_json::from_value(Value::from(words.next()?)).ok()?,
            purge_at_ms: words.next()?.parse().ok()?,
        },
        Some("shown") => Fate::Shown,
        Some(_) => return None,
    };
    let is_whole = words.next().is_none();
    is_whole.then_some((hash, Tombstone { at_ms, fate }))
}

/// The day files by the first millisecond of their day.
fn files(dir: &Path) -> Result<BTreeMap<u64, PathBuf>, StorageError> {
    let list = || {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if let Some(start) = entry.file_name().to_str().and_then(calendar::start_of) {
                files.insert(start, entry.path());
            }
        }
        Ok::<_, io::Error>(files)
    };
    list().map_err(|error| StorageError::io(format!("listing {}", dir.display()), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_750_000_000_000;

    #[test]
    fn what_was_erased_is_known_again_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let [erased, held, other] = [(); 3].map(|()| ImageId::random().unwrap());
        for _ in 0..2 {
            let log = Erased::open(dir.path()).unwrap();
            log.note(&erased, NOW, Fate::Erased).unwrap();
            log.note(&held, NOW + MS_A_DAY, Fate::Held).unwrap();
        }
        let log = Erased::open(dir.path()).unwrap();
        let all = log.all().unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all[&hash_of(&erased)].fate, Fate::Erased);
        assert_eq!(all[&hash_of(&held)].fate, Fate::Held);
        assert!(!all.contains_key(&hash_of(&other)));
        let text = fs::read_to_string(dir.path().join("erased/2025-06-15")).unwrap();
        assert!(!text.contains(erased.as_str()));
    }

    #[test]
    fn the_last_word_about_a_removal_counts_and_nothing_is_unerased() {
        let dir = tempfile::tempdir().unwrap();
        let image = ImageId::random().unwrap();
        let removed = Fate::Removed {
            policy: Policy::ChildAbuse,
            purge_at_ms: NOW + 7,
        };
        let fates = [removed, Fate::Shown, removed, Fate::Erased, Fate::Shown];
        let known = [removed, Fate::Shown, removed, Fate::Erased, Fate::Erased];
        for logs in [Erased::open(dir.path()).unwrap(), Erased::memory()] {
            for (n, (fate, known)) in fates.into_iter().zip(known).enumerate() {
                logs.note(&image, NOW + n as u64, fate).unwrap();
                assert_eq!(logs.all().unwrap()[&hash_of(&image)].fate, known);
            }
        }
        let line = |words: &str| format!("{} {words}", hex::encode(hash_of(&image)));
        for wrong in ["7 gone", "7 removed", "7 removed x 7", "7 shown 7", "x"] {
            assert_eq!(read_line(&line(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn a_line_cut_short_costs_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let log = Erased::open(dir.path()).unwrap();
        let ids = [(); 3].map(|()| ImageId::random().unwrap());
        log.note(&ids[0], NOW, Fate::Erased).unwrap();
        let path = dir.path().join("erased/2025-06-15");
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("\nabcdef");
        fs::write(&path, text).unwrap();
        log.note(&ids[1], NOW, Fate::Erased).unwrap();
        let all = log.all().unwrap();
        assert!(all.contains_key(&hash_of(&ids[0])) && all.contains_key(&hash_of(&ids[1])));
        assert_eq!(all.len(), 2);
    }

    #[test]
    fn a_day_goes_when_the_last_of_it_is_over() {
        let dir = tempfile::tempdir().unwrap();
        let log = Erased::open(dir.path()).unwrap();
        log.note(&ImageId::random().unwrap(), NOW, Fate::Erased)
            .unwrap();
        let start = NOW / MS_A_DAY * MS_A_DAY;
        let kept_ms = 90 * MS_A_DAY;
        let due = start + MS_A_DAY + kept_ms;
        assert_eq!(log.expired(due - 1, kept_ms).unwrap(), []);
        let expired = log.expired(due, kept_ms).unwrap();
        assert_eq!(expired.len(), 1);
        log.forget(&expired[0].1).unwrap();
        assert_eq!(log.all().unwrap().len(), 0);
        log.note(&ImageId::random().unwrap(), NOW, Fate::Erased)
            .unwrap();
        assert_eq!(log.all().unwrap().len(), 1);
    }
}
