//! Compares a data folder, or a backup's, with the data map.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use imgshare_storage::{StorageError, inspect};
use serde::Serialize;
use serde_json::Value;

use super::fields::unknown_in;
use super::{Content, Place, Row, rows};

/// Different things that are told; there being more is told as well.
const UNKNOWN_MAX: usize = 1_000;

/// Largest file that is read as one JSON value, in bytes; records take a few
/// kilobytes.
const JSON_BYTES_MAX: u64 = 1 << 20;

/// Longest line that is read, in bytes; those of the logs take a few kilobytes.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// Something that is kept and not in the map.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unknown {
    /// Where: a path below the folder, or what a key begins with.
    pub place: String,
    /// What about it is not in the map.
    pub what: String,
}

/// Why a folder could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A file or folder cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database cannot be read, or the service has it.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Files that were looked at.
    pub n_files: u64,
    /// Entries of the database that were looked at.
    pub n_entries: u64,
    /// What is not in the map, with how often it was met; at most 1,000.
    pub unknown: BTreeMap<Unknown, u64>,
    /// Whether there was more.
    pub is_cut: bool,
}

/// Compares a data folder with the map: every file by its path, every entry of
/// the database by its key, and every field of what is JSON. The service must
/// not run.
///
/// # Errors
/// When the folder is in use or cannot be read.
pub fn check(data: &Path) -> Result<Checked, CheckError> {
    let mut checked = Checked::default();
    checked.folder(data, &data_file)?;
    if data.join("db").is_dir() {
        let listed = listed_entries();
        inspect::each_entry(data, &mut |key, value| checked.entry(&listed, key, value))?;
    }
    Ok(checked)
}

/// Compares the folder of a backup with the map, by the paths of its files; what
/// is in them is sealed.
///
/// # Errors
/// When the folder cannot be read.
pub fn check_backup(folder: &Path) -> Result<Checked, CheckError> {
    let mut checked = Checked::default();
    checked.folder(folder, &|place| match place {
        Place::BackupFile(pattern) => Some(pattern),
        _ => None,
    })?;
    Ok(checked)
}

/// A row of the database, with what its keys begin with.
type ListedEntry = (&'static Row, Vec<u8>);

/// Every row of the database, made once for all entries.
fn listed_entries() -> Vec<ListedEntry> {
    let listed = rows().filter_map(|row| Some((row, row.place.key_prefix()?)));
    listed.collect()
}

type PatternOf<'a> = &'a dyn Fn(Place) -> Option<&'static str>;

fn data_file(place: Place) -> Option<&'static str> {
    match place {
        Place::File(pattern) => Some(pattern),
        _ => None,
    }
}

impl Checked {
    fn folder(&mut self, root: &Path, pattern_of: PatternOf<'_>) -> Result<(), CheckError> {
        let mut waiting = vec![root.to_owned()];
        while let Some(folder) = waiting.pop() {
            let failed = |source| CheckError::Read {
                path: folder.clone(),
                source,
            };
            for entry in fs::read_dir(&folder).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let path = entry.path();
                if entry.file_type().map_err(failed)?.is_dir() {
                    waiting.push(path);
                    continue;
                }
                let below = path.strip_prefix(root).unwrap_or(&path);
                self.file(&path, &below.to_string_lossy(), pattern_of)
                    .map_err(failed)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, name: &str, pattern_of: PatternOf<'_>) -> io::Result<()> {
        self.n_files = self.n_files.saturating_add(1);
        let metadata = fs::symlink_metadata(path)?;
        let patterns = || rows().filter_map(|row| Some((row, pattern_of(row.place)?)));
        if metadata.is_symlink() {
            // The operator put a part of the folder elsewhere.
            if !patterns().any(|(_, pattern)| leads_to(name, pattern)) {
                self.note(name, "a link that is not in the map");
            }
            return Ok(());
        }
        let Some((row, _)) = patterns().find(|(_, pattern)| matches(pattern, name)) else {
            self.note(name, "a file that is not in the map");
            return Ok(());
        };
        match row.content {
            Content::Nothing if metadata.len() > 0 => self.note(row.id, "it is not empty"),
            Content::Json => {
                let mut bytes = Vec::new();
                File::open(path)?
                    .take(JSON_BYTES_MAX)
                    .read_to_end(&mut bytes)?;
                self.json(row, row.id, &bytes);
            }
            Content::JsonLines => self.lines(row, path)?,
            _ => {}
        }
        Ok(())
    }

    fn lines(&mut self, row: &Row, path: &Path) -> io::Result<()> {
        let mut file = BufReader::new(File::open(path)?);
        let mut line = Vec::new();
        loop {
            line.clear();
            (&mut file)
                .take(LINE_BYTES_MAX)
                .read_until(b'\n', &mut line)?;
            match line.split_last() {
                None => return Ok(()),
                Some((b'\n', whole)) => self.json(row, row.id, whole),
                Some(_) if line.len() as u64 == LINE_BYTES_MAX => {
                    self.note(row.id, "a line is too long to be one of ours");
                    return Ok(());
                }
                // A crash cut it short, and it was never promised.
                Some(_) => return Ok(()),
            }
        }
    }

    fn entry(&mut self, listed: &[ListedEntry], key: &[u8], value: &[u8]) {
        self.n_entries = self.n_entries.saturating_add(1);
        let found = listed
            .iter()
            .filter(|(_, prefix)| key.starts_with(prefix))
            .max_by_key(|(_, prefix)| prefix.len());
        let found = found.filter(|(row, _)| match row.place {
            Place::Entry(name) => key.len() == index_key_bytes(name),
            _ => true,
        });
        let Some((row, _)) = found else {
            let begin = key.get(..3).unwrap_or(key).escape_ascii();
            self.note(&begin.to_string(), "an entry that is not in the map");
            return;
        };
        match row.content {
            Content::Nothing if !value.is_empty() => self.note(row.id, "it is not empty"),
            Content::Json => self.json(row, row.id, value),
            _ => {}
        }
    }

    fn json(&mut self, row: &Row, place: &str, bytes: &[u8]) {
        let json = match bytes {
            // Versions are small numbers, which begin no JSON.
            [version, rest @ ..] if *version < b' ' => rest,
            _ => bytes,
        };
        match serde_json::from_slice::<Value>(json) {
            Ok(value) => {
                for path in unknown_in(&value, row.fields) {
                    let path: String = path.chars().take(80).flat_map(char::escape_debug).collect();
                    self.note(place, &format!("the field {path}"));
                }
            }
            Err(_) => self.note(place, "it is no JSON"),
        }
    }

    fn note(&mut self, place: &str, what: &str) {
        let unknown = Unknown {
            place: place.chars().flat_map(char::escape_debug).collect(),
            what: what.to_owned(),
        };
        if self.unknown.len() >= UNKNOWN_MAX && !self.unknown.contains_key(&unknown) {
            self.is_cut = true;
            return;
        }
        *self.unknown.entry(unknown).or_default() += 1;
    }
}

/// Length of the keys of records and their indexes, all of which are fixed: the
/// letter, what the index is by, and an id.
fn index_key_bytes(name: &str) -> usize {
    let id = 12;
    match name {
        "r" | "v" => 1 + id,
        "h" | "l" => 1 + 32 + id,
        "s" => 2 + 8 + id,
        "i" => 1 + 4 + id,
        _ => name.len(),
    }
}

/// Whether a path fits a pattern, name by name.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    pattern.split('/').count() == path.split('/').count()
        && pattern
            .split('/')
            .zip(path.split('/'))
            .all(|(pattern, name)| matches_name(pattern, name))
}

/// Whether a path is the beginning of what fits a pattern.
fn leads_to(path: &str, pattern: &str) -> bool {
    path.split('/').count() < pattern.split('/').count()
        && pattern
            .split('/')
            .zip(path.split('/'))
            .all(|(pattern, name)| matches_name(pattern, name))
}

fn matches_name(pattern: &str, name: &str) -> bool {
    let Some((begin, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut left) = name.strip_prefix(begin) else {
        return false;
    };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return left.ends_with(part);
        }
        match left.find(part) {
            Some(at) => left = left.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_any_part_of_one_name() {
        for (pattern, path) in [
            ("lock", "lock"),
            (
                "blobs/*/*/*/original.*",
                "blobs/ab/cd/3kTMd8vXqz2P/original.jpg",
            ),
            (
                "variants/*/*.*.*.*",
                "variants/ab/3kTMd8vXqz2P.thumb.0a1b.jpg",
            ),
            ("db.replaced-*/*", "db.replaced-1/conf"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("lock", "lock.old"),
            (
                "blobs/*/*/*/original.*",
                "blobs/ab/cd/3kTMd8vXqz2P/original",
            ),
            ("blobs/*/*/*/original.*", "blobs/ab/cd/original.jpg"),
            ("variants/*/*.*.*.*", "variants/ab/3kTMd8vXqz2P.jpg"),
            ("log/*.jsonl", "log/old/2026-11-26.jsonl"),
        ] {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
        assert!(leads_to("models", "models/*") && !leads_to("other", "models/*"));
        assert!(!leads_to("models/a", "models/*"));
    }
}
