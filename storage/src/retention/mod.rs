//! The end of everything that is kept (P13): images that nobody views, what was
//! deleted, reports, logs, old databases. Each is a [`Job`]: planned without
//! changing anything, done in pieces, and done again without harm.
//!
//! | key in `me` | value |
//! |---|---|
//! | `b` folder | a folder that holds backups |
//! | `c` job | how far its daily pass has come |
//! | `d` day id | nothing: a warned image, by the day of its end |
//! | `f` folder | when a database that was put aside was first seen |
//! | `i` hash | a log of a CDN whose views were imported |
//! | `n` | how many logs of a CDN are remembered |
//! | `l` | when the database was last written anew |
//! | `p` | since when deleted entries may still be readable in its files |
//! | `r` | that a repair lost entries, until a backup has given them back |
//! | `u` id | an image that is no longer public, until its copies in a CDN are purged |
//! | `v` | that there is a CDN, and since when |
//! | `w` id | the warning of an image |
//!
//! A deletion has half of [`Terms::purge_days`] until the database is written
//! anew, and what a repair has put aside meanwhile has the other half.
//!
//! Deliberately absent: the clock, pauses, and who may ask for it.

mod backups;
mod erase;
mod folders;
mod idle;
pub(crate) mod imports;
mod job;
mod keys;
mod lapsed;
pub(crate) mod pending;
pub mod unpublished;

#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use folders::TOMBSTONES_KEPT_DAYS;
pub use idle::{Outlook, outlook};
pub use imports::{Import, ImportError, LogHash, begin_import, end_import, import_batch};
pub use job::Job;

use crate::calendar::MS_A_DAY;
use crate::complaints::{ComplaintError, Complaints};
use crate::lawful::LawfulError;
use crate::moderation::{ModerationError, Queue};
use crate::{ImageId, StorageError, calendar};

/// The database is written anew at least this often, whatever was deleted.
const REWRITE_DAYS_MAX: u64 = 30;

/// What a plan counts to; more is `10000 and more`.
pub const PLAN_MAX: usize = 10_000;

/// Images that a plan names.
const NAMED_MAX: usize = 5;

/// How long things are kept, in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Days in a row without a view after which an image is warned.
    pub idle_days: u32,
    /// Days from the warning until it is removed.
    pub grace_days: u32,
    /// Days by which what was deleted is in no file any more.
    pub purge_days: u32,
    /// Days that the request log is kept.
    pub log_days: u32,
    /// Days that the numbers of a day are kept.
    pub statistics_days: u32,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            idle_days: 180,
            grace_days: 14,
            purge_days: 7,
            log_days: 90,
            statistics_days: 730,
        }
    }
}

impl Terms {
    /// How long a deletion waits for the rewrite, or an old database for its end.
    fn half_purge_ms(&self) -> u64 {
        u64::from(self.purge_days).saturating_mul(MS_A_DAY) / 2
    }
}

/// What a job would do now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Which.
    pub job: Job,
    /// How many things are due, at most [`PLAN_MAX`].
    pub n_due: u64,
    /// Some of them: images by id, files by name.
    pub some: Vec<String>,
}

impl Planned {
    fn of(job: Job, due: impl Iterator<Item = String>) -> Self {
        let mut planned = Self {
            job,
            n_due: 0,
            some: Vec::new(),
        };
        for name in due.take(PLAN_MAX) {
            planned.n_due += 1;
            if planned.some.len() < NAMED_MAX {
                planned.some.push(name);
            }
        }
        planned
    }
}

/// What a piece of a job did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Did {
    /// Things ended, or announced.
    pub n_done: u64,
    /// Images that are gone: no cache may serve them.
    pub images: Vec<ImageId>,
    /// Whether there is more to do at once.
    pub is_more: bool,
    /// How long a rewrite kept everybody from writing, in microseconds.
    pub pause_us: u64,
}

/// How old the oldest of what must end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ages {
    /// Age of the oldest day of the request log, in milliseconds.
    pub oldest_log_ms: u64,
    /// Age of the oldest deletion that may still be readable in a file.
    pub pending_purge_ms: u64,
    /// Images without a view for as long as the terms say, at most [`PLAN_MAX`].
    pub n_idle: u64,
    /// Age of the oldest backup in the folders that are known, in milliseconds.
    pub oldest_backup_ms: u64,
    /// Folders with backups that cannot be reached.
    pub n_backup_folders_lost: u64,
    /// Age of the newest backup, in milliseconds; `None` where there is none.
    pub newest_backup_ms: Option<u64>,
}

/// Why a job did not go on.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The queue failed.
    #[error(transparent)]
    Moderation(#[from] ModerationError),
    /// Complaints failed.
    #[error(transparent)]
    Complaint(#[from] ComplaintError),
    /// A hold could not be ended.
    #[error(transparent)]
    Lawful(#[from] LawfulError),
}

/// Everything that jobs end things in.
pub struct Retention<'a> {
    /// The queue, and the store that it lies in.
    pub queue: &'a Queue,
    /// Reports and objections.
    pub complaints: &'a Complaints,
    /// The data folder.
    pub data: &'a Path,
    /// How long things are kept.
    pub terms: Terms,
}

impl Retention<'_> {
    /// What a job would do now. Changes nothing.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn plan(&self, job: Job, now_ms: u64) -> Result<Planned, RetentionError> {
        let names: Vec<String> = match job {
            Job::IdleWarnings => self.to_warn(now_ms)?,
            Job::IdleRemovals => self.to_remove(now_ms)?,
            Job::ModeratedRemovals => ids(self.queue.purges_due(now_ms, PLAN_MAX)?),
            Job::Erasures => ids(self.to_erase(PLAN_MAX)?),
            Job::Leftovers => ids(self.left_over(now_ms, PLAN_MAX)?),
            Job::Reports => {
                let due = self.complaints.expired(now_ms, PLAN_MAX)?;
                due.into_iter().map(str::to_owned).collect()
            }
            Job::RequestLogs => folders::names(self.old_logs(now_ms)?),
            Job::OldDatabases => folders::names(self.old_databases(now_ms)?),
            Job::Backups => self.old_backups(now_ms)?,
            Job::Tombstones => folders::names(self.old_tombstones(now_ms)?),
            Job::Imports => {
                let due = self.old_imports(now_ms, PLAN_MAX)?.into_iter();
                due.map(|kept| format!("a log imported on {}", calendar::date(kept.value.begun_ms)))
                    .collect()
            }
            Job::LegalHolds => self.lapsed_holds(now_ms)?,
            Job::PrivacyRequests => self.lapsed_requests(now_ms)?,
            Job::Blocks => self.lapsed_blocks(now_ms)?,
            Job::Statistics => self.lapsed_statistics(now_ms)?,
            Job::Rewrite if self.needs_rewrite(now_ms)? => vec!["the database".to_owned()],
            Job::Rewrite => Vec::new(),
        };
        Ok(Planned::of(job, names.into_iter()))
    }

    /// Does a piece of a job: at most about `limit` things. `pace` is called
    /// between the pieces of a rewrite, and may end it.
    ///
    /// # Errors
    /// The store's; calling again goes on.
    pub fn run(
        &self,
        job: Job,
        now_ms: u64,
        limit: usize,
        pace: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Did, RetentionError> {
        match job {
            Job::IdleWarnings => self.warn(now_ms, limit),
            Job::IdleRemovals => self.remove_idle(now_ms, limit),
            Job::ModeratedRemovals => {
                let purged = self.queue.purge_due(now_ms, limit)?;
                let n_done = purged.images.len();
                Ok(Did {
                    is_more: n_done.saturating_add(purged.n_put_off) >= limit,
                    n_done: wide(n_done),
                    images: purged.images,
                    ..Did::default()
                })
            }
            Job::Erasures => self.erase(now_ms, limit),
            Job::Leftovers => self.clear_leftovers(now_ms, limit),
            Job::Reports => {
                let expired = self.complaints.remove_expired(now_ms, limit)?;
                Ok(Did {
                    n_done: wide(
                        expired
                            .n_reports
                            .saturating_add(expired.n_objections)
                            .saturating_add(expired.n_statements),
                    ),
                    is_more: self.complaints.n_expired(now_ms, 1)? > 0,
                    ..Did::default()
                })
            }
            Job::RequestLogs => folders::remove(self.old_logs(now_ms)?, limit),
            Job::OldDatabases => self.end_old_databases(now_ms, limit),
            Job::Backups => self.end_old_backups(now_ms),
            Job::Tombstones => self.forget_tombstones(now_ms),
            Job::Imports => self.forget_imports(now_ms, limit),
            Job::LegalHolds => self.end_holds(now_ms, limit),
            Job::PrivacyRequests => self.end_requests(now_ms, limit),
            Job::Blocks => self.end_blocks(now_ms, limit),
            Job::Statistics => self.end_statistics(now_ms),
            Job::Rewrite => self.rewrite(now_ms, pace),
        }
    }

    /// How old the oldest of what must end is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn ages(&self, now_ms: u64) -> Result<Ages, RetentionError> {
        let store = &**self.queue.store();
        let pending = [pending::since_ms(store)?, self.oldest_put_aside_ms()?];
        let pending = pending.into_iter().flatten().min();
        let age = |since: Option<u64>| since.map_or(0, |since| now_ms.saturating_sub(since));
        let idle = store.idle_before(self.idle_day(now_ms), None, PLAN_MAX)?;
        let mut ages = Ages {
            oldest_log_ms: age(self.oldest_log_ms()?),
            pending_purge_ms: age(pending),
            n_idle: wide(idle.len()),
            ..Ages::default()
        };
        self.aged_backups(now_ms, &mut ages)?;
        Ok(ages)
    }

    fn needs_rewrite(&self, now_ms: u64) -> Result<bool, StorageError> {
        let store = &**self.queue.store();
        let is_due = |since: u64, after: u64| now_ms >= since.saturating_add(after);
        let pending = pending::since_ms(store)?;
        let rewritten = pending::rewritten_ms(store)?;
        let regularly = REWRITE_DAYS_MAX.saturating_mul(MS_A_DAY);
        Ok(
            pending.is_some_and(|since| is_due(since, self.terms.half_purge_ms()))
                || rewritten.is_some_and(|last| is_due(last, regularly)),
        )
    }

    fn rewrite(
        &self,
        now_ms: u64,
        pace: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Did, RetentionError> {
        if !self.needs_rewrite(now_ms)? {
            return Ok(Did::default());
        }
        let rewritten = self.queue.store().rewrite(now_ms, pace)?;
        Ok(rewritten.map_or_else(Did::default, |rewritten| Did {
            n_done: 1,
            pause_us: rewritten.pause_us,
            ..Did::default()
        }))
    }

    /// Images last used before this day are idle: as many whole days as the
    /// terms say went by without a view.
    fn idle_day(&self, now_ms: u64) -> u32 {
        calendar::day(now_ms).saturating_sub(self.terms.idle_days)
    }
}

fn ids(images: Vec<ImageId>) -> Vec<String> {
    images.iter().map(ImageId::to_string).collect()
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
