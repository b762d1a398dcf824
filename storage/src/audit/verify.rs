//! Proof that nothing in the audit was changed, removed or put in between.

use std::fmt;
use std::path::{Path, PathBuf};

use super::anchor::{RESTORED, mark};
use super::files::{Line, placed_lines};
use super::{Actor, BrokenLink, Entry, Head, PAGE, Sealed, entries_after, head, scores_of};
use crate::{ImageId, Keyspace, MemoryRecords, Records, StorageError, Store};

/// What an audit lies in, with the images that it is about.
pub trait Ledger: Keyspace {
    /// Whether an image is there, seen or unseen.
    ///
    /// # Errors
    /// When it cannot be read.
    fn has_image(&self, image: &ImageId) -> Result<bool, StorageError>;
}

impl Ledger for Store {
    fn has_image(&self, image: &ImageId) -> Result<bool, StorageError> {
        Ok(self.records.find(image)?.is_some())
    }
}

impl Ledger for MemoryRecords {
    fn has_image(&self, image: &ImageId) -> Result<bool, StorageError> {
        Ok(Records::find(self, image)?.is_some())
    }
}

/// What was looked at, and the first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Entries in the database that hold; `None` when it was not looked at.
    pub n_in_database: Option<u64>,
    /// Entries in the files that hold; `None` when they were not looked at.
    pub n_in_files: Option<u64>,
    /// Entries of the database that a crash kept from the files; they follow at the
    /// next start.
    pub n_behind: u64,
    /// What was found of the scores that belong to entries in the database.
    pub scores: ScoresFound,
    /// The first entry that is wrong.
    pub bad: Option<BadEntry>,
}

impl Verified {
    const NOTHING: Self = Self {
        n_in_database: None,
        n_in_files: None,
        n_behind: 0,
        scores: ScoresFound {
            n_there: 0,
            n_erased: 0,
            n_lost: 0,
            n_overdue: 0,
        },
        bad: None,
    };
}

/// How many entries of the database have their scores beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScoresFound {
    /// Scores that are what the entry was made of.
    pub n_there: u64,
    /// Scores that went with their image.
    pub n_erased: u64,
    /// Scores that were lost with a database: the entry came back from the files.
    pub n_lost: u64,
    /// Of those that are there, how many outlive their image; a job ends them.
    pub n_overdue: u64,
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
    /// Behind the last line of the files.
    FilesEnd,
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
            Place::FilesEnd => write!(formatter, "at the end of the files")?,
            Place::File { path, number } => {
                write!(formatter, "{}, line {number}", path.display())?;
            }
        }
        write!(formatter, "): {}", self.why)
    }
}

/// Checks every link of the database, of the files, and that they agree; and that
/// scores beside the database's entries are what those were made of, or went with
/// their image. What the database has newer than the files is no fault where they
/// never had it: they follow it. Where they had it, or nothing says how far they went,
/// they have lost it.
///
/// # Errors
/// When either cannot be read at all.
pub fn verify(keys: Option<&dyn Ledger>, dir: Option<&Path>) -> Result<Verified, StorageError> {
    let mut report = Verified::NOTHING;
    let mut database = keys.map(Database::new);
    if let Some(dir) = dir {
        let mut at = Head::EMPTY;
        for line in placed_lines(dir)? {
            if let Err(why) = check_line(&line, &at, database.as_mut())? {
                report.bad = Some(bad_line(line, &at, why));
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
        report.scores = database.scores;
        if let Some(n_in_files) = report.n_in_files {
            let had = mark(database.keys)?.map_or(database.at.seq, |mark| mark.seq);
            report.n_behind = database.at.seq.saturating_sub(n_in_files);
            if had > n_in_files {
                report.bad = report.bad.or(Some(lost(n_in_files)));
            }
        }
        if let (None, Some(seq)) = (&report.bad, database.missing.first()) {
            report.bad = Some(BadEntry {
                seq: *seq,
                place: Place::Database,
                why: BrokenLink::ScoresMissing,
            });
        }
    }
    Ok(report)
}

/// Checks every link of the files, and that they go as far as the database of a
/// service that runs: `told` is where it ended before this is called, and the files
/// had followed it.
///
/// # Errors
/// When the folder cannot be read.
pub fn verify_files(dir: &Path, told: &Head) -> Result<Verified, StorageError> {
    let mut report = Verified::NOTHING;
    let mut at = Head::EMPTY;
    for line in placed_lines(dir)? {
        let checked = check_line(&line, &at, None)?.and_then(|()| match &line.sealed {
            Ok(sealed) if sealed.seq == told.seq && sealed.hash != told.hash => {
                Err(BrokenLink::Differs)
            }
            _ => Ok(()),
        });
        if let Err(why) = checked {
            report.bad = Some(bad_line(line, &at, why));
            return Ok(report);
        }
        if let Ok(sealed) = line.sealed {
            at = sealed.head();
        }
    }
    report.n_in_files = Some(at.seq);
    if at.seq < told.seq {
        report.bad = Some(lost(at.seq));
    }
    Ok(report)
}

fn lost(n_in_files: u64) -> BadEntry {
    BadEntry {
        seq: n_in_files.saturating_add(1),
        place: Place::FilesEnd,
        why: BrokenLink::Lost,
    }
}

fn bad_line(line: Line, at: &Head, why: BrokenLink) -> BadEntry {
    let place = match why {
        BrokenLink::Missing | BrokenLink::Scores => Place::Database,
        _ => Place::File {
            path: line.path,
            number: line.number,
        },
    };
    BadEntry {
        seq: at.seq.saturating_add(1),
        place,
        why,
    }
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
        Some(Err(why @ BrokenLink::Scores)) => Err(why),
        Some(Ok(_) | Err(_)) => Err(BrokenLink::Differs),
    })
}

/// The database's entries in order, each checked.
struct Database<'k> {
    keys: &'k dyn Ledger,
    at: Head,
    page: std::vec::IntoIter<Sealed>,
    scores: ScoresFound,
    /// Entries without their scores, though the image is there.
    missing: Vec<u64>,
}

impl<'k> Database<'k> {
    fn new(keys: &'k dyn Ledger) -> Self {
        Self {
            keys,
            at: Head::EMPTY,
            page: Vec::new().into_iter(),
            scores: ScoresFound::default(),
            missing: Vec::new(),
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
        if let Err(why) = self.check_scores(&sealed)? {
            return Ok(Some(Err(why)));
        }
        self.at = sealed.head();
        Ok(Some(Ok(sealed)))
    }

    fn check_scores(&mut self, sealed: &Sealed) -> Result<Result<(), BrokenLink>, StorageError> {
        if let Some(restored) = restored(&sealed.entry) {
            let n_missing = self.missing.len();
            self.missing.retain(|seq| !restored.contains(seq));
            let n_lost = u64::try_from(n_missing - self.missing.len()).unwrap_or(u64::MAX);
            self.scores.n_lost = self.scores.n_lost.saturating_add(n_lost);
        }
        let Some((image, digest)) = sealed.entry.bound_scores() else {
            return Ok(Ok(()));
        };
        let found = match scores_of(self.keys, sealed) {
            Err(StorageError::Corrupt { .. }) => return Ok(Err(BrokenLink::Scores)),
            other => other?,
        };
        let has_image = self.keys.has_image(&image)?;
        match found {
            Some(scores) if !scores.are_of(&digest) => return Ok(Err(BrokenLink::Scores)),
            Some(_) => {
                self.scores.n_there += 1;
                self.scores.n_overdue += u64::from(!has_image);
            }
            None if has_image => self.missing.push(sealed.seq),
            None => self.scores.n_erased += 1,
        }
        Ok(Ok(()))
    }

    fn bad(&self, why: BrokenLink) -> BadEntry {
        BadEntry {
            seq: self.at.seq.saturating_add(1),
            place: Place::Database,
            why,
        }
    }
}

/// The numbers of the entries that came back from the files, if this one says so:
/// scores are not in them.
fn restored(entry: &Entry) -> Option<std::ops::RangeInclusive<u64>> {
    let is_it = entry.actor == Actor::System && entry.action.as_str() == RESTORED;
    let (from, to) = (entry.before.as_u64()?, entry.after.as_u64()?);
    is_it.then_some(from.saturating_add(1)..=to)
}

#[cfg(test)]
mod tests;
