//! What has a date of its own, and ends with it: holds, answered requests, blocks,
//! and the numbers of days.

use super::{Did, PLAN_MAX, Retention, RetentionError, wide};
use crate::calendar::{self, MS_A_DAY};
use crate::{aggregates, blocks, lawful};

impl Retention<'_> {
    pub(super) fn lapsed_holds(&self, now_ms: u64) -> Result<Vec<String>, RetentionError> {
        let due = lawful::due(self.queue.store(), now_ms, PLAN_MAX)?;
        Ok(due.iter().map(|hold| hold.image.to_string()).collect())
    }

    pub(super) fn end_holds(&self, now_ms: u64, limit: usize) -> Result<Did, RetentionError> {
        let n_ended = lawful::end_due(self.queue.store(), now_ms, limit)?;
        Ok(did(n_ended, limit))
    }

    pub(super) fn lapsed_requests(&self, now_ms: u64) -> Result<Vec<String>, RetentionError> {
        let over = lawful::over(&**self.queue.store(), now_ms, PLAN_MAX)?;
        let names = over.iter().map(|request| {
            let received = calendar::date(request.received_at_ms);
            format!("a request of {received}")
        });
        Ok(names.collect())
    }

    pub(super) fn end_requests(&self, now_ms: u64, limit: usize) -> Result<Did, RetentionError> {
        let n_removed = lawful::remove_answered(&**self.queue.store(), now_ms, limit)?;
        Ok(did(n_removed, limit))
    }

    /// By their ends: an address is nothing for a plan that is printed.
    pub(super) fn lapsed_blocks(&self, now_ms: u64) -> Result<Vec<String>, RetentionError> {
        let over = blocks::over(&**self.queue.store(), now_ms)?;
        let names = over.iter().map(|block| {
            let until = calendar::date(block.until_ms);
            format!("a block until {until}")
        });
        Ok(names.collect())
    }

    pub(super) fn end_blocks(&self, now_ms: u64, limit: usize) -> Result<Did, RetentionError> {
        let n_removed = blocks::remove_expired(&**self.queue.store(), now_ms, limit)?;
        Ok(did(n_removed, limit))
    }

    pub(super) fn lapsed_statistics(&self, now_ms: u64) -> Result<Vec<String>, RetentionError> {
        let days = self.expire_statistics(now_ms, true)?;
        Ok(vec![
            "a row of numbers".to_owned();
            days.n_done.try_into().unwrap_or(PLAN_MAX)
        ])
    }

    pub(super) fn end_statistics(&self, now_ms: u64) -> Result<Did, RetentionError> {
        self.expire_statistics(now_ms, false)
    }

    fn expire_statistics(&self, now_ms: u64, dry_run: bool) -> Result<Did, RetentionError> {
        let today = u32::try_from(now_ms / MS_A_DAY).unwrap_or(u32::MAX);
        let days = self.terms.statistics_days;
        let expired = aggregates::expire(&**self.queue.store(), today, days, dry_run)?;
        Ok(Did {
            n_done: wide(expired.n_entries.saturating_add(expired.n_image_entries)),
            ..Did::default()
        })
    }
}

fn did(n_done: usize, limit: usize) -> Did {
    Did {
        n_done: wide(n_done),
        is_more: n_done >= limit,
        ..Did::default()
    }
}
