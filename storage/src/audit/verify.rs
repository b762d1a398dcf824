//! Proof that nothing in the audit was changed, removed or put in between.

use std::fmt;
use std::path::{Path, PathBuf};

use super::files::{Line, placed_lines};
use super::{BrokenLink, Head, PAGE, Sealed, entries_after, head};
use crate::{Keyspace, StorageError};

/// What was looked at, and the first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Entries in the database that hold; `None` when it was not looked at.
    pub n_in_database: Option<u64>,
    /// Entries in the files that hold; `None` when they were not looked at.
    pub n_in_files: Option<u64>,
    /// The first entry that is wrong.
    pub bad: Option<BadEntry>,
}

/// An entry that is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEntry {
    /// The number that should stand here.
    pub seq: u64,
    /// Where it was found, or looked for.
    pub place: Place,
    /// What is wrong.
    pub why: BrokenLink,
}

/// Where an entry stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the database.
    Database,
    /// In a day file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        number: u64,
    },
}

impl fmt::Display for BadEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "entry {} (", self.seq)?;
        match &self.place {
            Place::Database => write!(formatter, "in the database")?,
            Place::File { path, number } => {
                write!(formatter, "{}, line {number}", path.display())?;
            }
        }
        write!(formatter, "): {}", self.why)
    }
}

/// Checks every link of the database, of the files, and that they agree. What
/// the database has newer than the files is no fault: they follow it.
///
/// # Errors
/// When either cannot be read at all.
pub fn verify(keys: Option<&dyn Keyspace>, dir: Option<&Path>) -> Result<Verified, StorageError> {
    let mut report = Verified {
        n_in_database: None,
        n_in_files: None,
        bad: None,
    };
    let mut database = keys.map(Database::new);
    if let Some(dir) = dir {
        let mut at = Head::EMPTY;
        for line in placed_lines(dir)? {
            if let Err(why) = check_line(&line, &at, database.as_mut())? {
                let is_missing = why == BrokenLink::Missing;
                report.bad = Some(BadEntry {
                    seq: at.seq.saturating_add(1),
                    place: if is_missing {
                        Place::Database
                    } else {
                        Place::File {
                            path: line.path,
                            number: line.number,
                        }
                    },
                    why,
                });
                return Ok(report);
            }
            if let Ok(sealed) = line.sealed {
                at = sealed.head();
            }
        }
        report.n_in_files = Some(at.seq);
    }
    if let Some(mut database) = database {
        while let Some(next) = database.next()? {
            if let Err(why) = next {
                report.bad = Some(database.bad(why));
                return Ok(report);
            }
        }
        report.n_in_database = Some(database.at.seq);
        // A head beyond the last entry is what a cut at the end leaves.
        if head(database.keys)? != database.at {
            report.bad = Some(database.bad(BrokenLink::Number));
        }
    }
    Ok(report)
}

fn check_line(
    line: &Line,
    at: &Head,
    database: Option<&mut Database<'_>>,
) -> Result<Result<(), BrokenLink>, StorageError> {
    let sealed = match &line.sealed {
        Ok(sealed) => sealed,
        Err(why) => return Ok(Err(*why)),
    };
    if let Err(why) = sealed.check_behind(at) {
        return Ok(Err(why));
    }
    let Some(database) = database else {
        return Ok(Ok(()));
    };
    Ok(match database.next()? {
        None => Err(BrokenLink::Missing),
        Some(Ok(stored)) if stored.hash == sealed.hash => Ok(()),
        Some(Ok(_) | Err(_)) => Err(BrokenLink::Differs),
    })
}

/// The database's entries in order, each checked.
struct Database<'k> {
    keys: &'k dyn Keyspace,
    at: Head,
    page: std::vec::IntoIter<Sealed>,
}

impl<'k> Database<'k> {
    fn new(keys: &'k dyn Keyspace) -> Self {
        Self {
            keys,
            at: Head::EMPTY,
            page: Vec::new().into_iter(),
        }
    }

    fn next(&mut self) -> Result<Option<Result<Sealed, BrokenLink>>, StorageError> {
        if self.page.len() == 0 {
            self.page = match entries_after(self.keys, self.at.seq, PAGE) {
                Err(StorageError::Corrupt { .. }) => return Ok(Some(Err(BrokenLink::Unreadable))),
                other => other?.into_iter(),
            };
        }
        let Some(sealed) = self.page.next() else {
            return Ok(None);
        };
        if let Err(why) = sealed.check_behind(&self.at) {
            return Ok(Some(Err(why)));
        }
        self.at = sealed.head();
        Ok(Some(Ok(sealed)))
    }

    fn bad(&self, why: BrokenLink) -> BadEntry {
        BadEntry {
            seq: self.at.seq.saturating_add(1),
            place: Place::Database,
            why,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Action, Actor, Entry, entry_key, record};
    use crate::{Changes, MemoryRecords};

    fn filled() -> MemoryRecords {
        let keys = MemoryRecords::default();
        for n in 1..=600 {
            record(
                &keys,
                &Entry::new(n, Actor::Operator, Action::new("tested")),
            )
            .unwrap();
        }
        keys
    }

    fn tampered(change: impl FnOnce(&mut Changes, &MemoryRecords)) -> BadEntry {
        let keys = filled();
        let mut changes = Changes::new();
        change(&mut changes, &keys);
        keys.commit(changes).unwrap();
        verify(Some(&keys), None).unwrap().bad.unwrap()
    }

    #[test]
    fn the_first_bad_entry_is_named() {
        assert_eq!(verify(Some(&filled()), None).unwrap().bad, None);
        let changed = tampered(|changes, keys| {
            let value = keys.get(&entry_key(300)).unwrap().unwrap();
            let text = String::from_utf8(value).unwrap();
            changes.put(entry_key(300), text.replace("tested", "passed"));
        });
        assert_eq!((changed.seq, changed.why), (300, BrokenLink::Hash));
        let removed = tampered(|changes, _| changes.delete(entry_key(17)));
        assert_eq!((removed.seq, removed.why), (17, BrokenLink::Number));
        let cut = tampered(|changes, _| changes.delete(entry_key(600)));
        assert_eq!((cut.seq, cut.why), (600, BrokenLink::Number));
        let nonsense = tampered(|changes, _| changes.put(entry_key(600), *b"\x01{"));
        assert_eq!(nonsense.why, BrokenLink::Unreadable);
    }
}
