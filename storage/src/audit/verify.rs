//! Proof that nothing in the audit was changed, removed or put in between.

use std::fmt;
use std::path::{Path, PathBuf};

use super::anchor::RESTORED;
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
    /// What was found of the scores that belong to entries in the database.
    pub scores: ScoresFound,
    /// The first entry that is wrong.
    pub bad: Option<BadEntry>,
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

/// Checks every link of the database, of the files, and that they agree; and that
/// scores beside the database's entries are what those were made of, or went with
/// their image. What the database has newer than the files is no fault: they follow
/// it.
///
/// # Errors
/// When either cannot be read at all.
pub fn verify(keys: Option<&dyn Ledger>, dir: Option<&Path>) -> Result<Verified, StorageError> {
    let mut report = Verified {
        n_in_database: None,
        n_in_files: None,
        scores: ScoresFound::default(),
        bad: None,
    };
    let mut database = keys.map(Database::new);
    if let Some(dir) = dir {
        let mut at = Head::EMPTY;
        for line in placed_lines(dir)? {
            if let Err(why) = check_line(&line, &at, database.as_mut())? {
                let is_missing = matches!(why, BrokenLink::Missing | BrokenLink::Scores);
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
        report.scores = database.scores;
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
            Some(scores) if scores.digest() != digest => return Ok(Err(BrokenLink::Scores)),
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
mod tests {
    use serde_json::json;

    use super::*;
    use crate::audit::{Action, Anchor, Subject, entry_key, record, scores};
    use crate::contract::sample_record;
    use crate::{Changes, Record};

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

    /// Two images with an entry about each that tells of scores.
    fn scored() -> (MemoryRecords, [Record; 2]) {
        let keys = MemoryRecords::default();
        let images = [(); 2].map(|()| sample_record());
        for record in &images {
            Records::insert(&keys, record).unwrap();
            super::super::record(&keys, &about(record)).unwrap();
        }
        (keys, images)
    }

    fn about(image: &Record) -> Entry {
        let mut entry = Entry::new(7, Actor::System, Action::new("image-removed"))
            .about(Subject::image(&image.id));
        entry.scores = json!({"porn": 0.5});
        entry
    }

    fn found(keys: &MemoryRecords) -> (ScoresFound, Option<BadEntry>) {
        let report = verify(Some(keys), None).unwrap();
        (report.scores, report.bad)
    }

    fn erase_scores(keys: &MemoryRecords, image: &Record) {
        let mut changes = Changes::new();
        scores::plan_erased(keys, &mut changes, &image.id).unwrap();
        keys.commit(changes).unwrap();
    }

    #[test]
    fn p13c_scores_may_go_with_their_image_and_not_otherwise() {
        let (keys, [gone, kept]) = scored();
        let there = ScoresFound {
            n_there: 2,
            ..ScoresFound::default()
        };
        assert_eq!(found(&keys), (there, None));
        Records::remove(&keys, &gone.id).unwrap();
        assert_eq!(found(&keys).0.n_overdue, 1);
        erase_scores(&keys, &gone);
        let erased = ScoresFound {
            n_there: 1,
            n_erased: 1,
            ..ScoresFound::default()
        };
        assert_eq!(found(&keys), (erased, None));
        erase_scores(&keys, &kept);
        let bad = found(&keys).1.unwrap();
        assert_eq!((bad.seq, bad.why), (2, BrokenLink::ScoresMissing));
    }

    #[test]
    fn changed_scores_are_named() {
        let (keys, images) = scored();
        let sealed = entries_after(&keys, 0, 1).unwrap().remove(0);
        let mut other = serde_json::to_value(scores_of(&keys, &sealed).unwrap()).unwrap();
        other["scores"]["porn"] = json!(0.4);
        let mut changes = Changes::new();
        let other = serde_json::from_value(other).unwrap();
        scores::put(&mut changes, &images[0].id, 1, &other);
        keys.commit(changes).unwrap();
        let bad = found(&keys).1.unwrap();
        assert_eq!((bad.seq, bad.why), (1, BrokenLink::Scores));
    }

    #[test]
    fn scores_that_were_lost_with_a_database_are_no_tampering() {
        let dir = tempfile::tempdir().unwrap();
        let (keys, images) = scored();
        Anchor::open(dir.path(), &keys, 0).unwrap();
        let rebuilt = MemoryRecords::default();
        for record in &images {
            Records::insert(&rebuilt, record).unwrap();
        }
        Anchor::open(dir.path(), &rebuilt, 0).unwrap();
        super::super::record(&rebuilt, &about(&images[0])).unwrap();
        let report = verify(Some(&rebuilt), Some(dir.path())).unwrap();
        let scores = ScoresFound {
            n_there: 1,
            n_lost: 2,
            ..ScoresFound::default()
        };
        assert_eq!((report.bad, report.scores), (None, scores));
        erase_scores(&rebuilt, &images[0]);
        assert_eq!(found(&rebuilt).1.unwrap().why, BrokenLink::ScoresMissing);
    }

    /// Chains of before scores were kept beside them: they hold, and are read.
    #[test]
    fn entries_with_their_scores_inside_still_hold() {
        let keys = MemoryRecords::default();
        let old = Sealed::behind(&Head::EMPTY, about(&sample_record())).unwrap();
        let mut changes = Changes::new();
        super::super::put(&mut changes, &old);
        keys.commit(changes).unwrap();
        record(&keys, &Entry::new(8, Actor::System, Action::new("x"))).unwrap();
        assert_eq!(found(&keys), (ScoresFound::default(), None));
        let read = entries_after(&keys, 0, 1).unwrap().remove(0);
        assert_eq!(read.entry.scores["porn"], 0.5);
    }
}
