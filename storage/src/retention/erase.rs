//! What was deleted while something kept it, and what queue and audit still know
//! of images that are gone.

use super::{Did, Retention, RetentionError, keys, pending, wide};
use crate::staff::kept::{self, Kept};
use crate::{Changes, ImageId, Keyspace, State, StorageError, audit, calendar};

/// Removed images looked at together.
const PAGE: usize = 256;

/// How far the pass of a day has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Pass {
    day: u32,
    /// The last image looked at; `None` when the day's pass is over.
    after: Option<ImageId>,
}

impl Retention<'_> {
    /// Deleted images that nothing keeps any more. What is kept is looked at each
    /// time: holds and objections are few.
    pub(super) fn to_erase(&self, limit: usize) -> Result<Vec<ImageId>, StorageError> {
        let store = &**self.queue.store();
        let mut due = Vec::new();
        let mut after = None;
        loop {
            let page = store.in_state(State::Removed, after.as_ref(), PAGE)?;
            for id in &page.ids {
                let record = store.find(id)?;
                if let Some(record) = record
                    && !store.is_kept(&record)?
                    && due.len() < limit
                {
                    due.push(*id);
                }
            }
            match page.next {
                Some(next) if due.len() < limit => after = Some(next),
                _ => return Ok(due),
            }
        }
    }

    pub(super) fn erase(&self, now_ms: u64, limit: usize) -> Result<Did, RetentionError> {
        let images = self.to_erase(limit)?;
        for image in &images {
            self.queue.store().purge_if_removed(image, now_ms)?;
        }
        Ok(Did {
            n_done: wide(images.len()),
            is_more: images.len() >= limit,
            images,
            ..Did::default()
        })
    }

    /// What the queue and the audit still know of images that are gone.
    pub(super) fn left_over(
        &self,
        now_ms: u64,
        limit: usize,
    ) -> Result<Vec<ImageId>, StorageError> {
        let mut due = self.queue.left_over(now_ms, None, limit)?.due;
        let mut after = None;
        loop {
            let room = limit.saturating_sub(due.len());
            if room == 0 {
                return Ok(due);
            }
            let (scored, next) = self.orphaned_scores(after.as_ref(), room)?;
            due.extend(scored);
            match next {
                Some(next) => after = Some(next),
                None => return Ok(due),
            }
        }
    }

    /// Clears queue and audit of what is gone. Every job, and every image that the
    /// audit has scores of, is looked at once a day.
    pub(super) fn clear_leftovers(&self, now_ms: u64, limit: usize) -> Result<Did, RetentionError> {
        let jobs = self.once_a_day("left", now_ms, |after| {
            let found = self.queue.left_over(now_ms, after, limit)?;
            for image in &found.due {
                self.queue.clear_left_over(image, now_ms)?;
            }
            Ok((found.due.len(), found.next))
        })?;
        if jobs.is_more {
            return Ok(jobs);
        }
        let scores = self.once_a_day("scores", now_ms, |after| {
            let (gone, next) = self.orphaned_scores(after, limit)?;
            for image in &gone {
                self.erase_scores(image, now_ms)?;
            }
            Ok((gone.len(), next))
        })?;
        Ok(Did {
            n_done: jobs.n_done.saturating_add(scores.n_done),
            ..scores
        })
    }

    /// Goes on with the day's pass of this name, unless it is over. `piece` is told
    /// the last image that was looked at, and says how many things it did and up to
    /// where it looked.
    fn once_a_day(
        &self,
        name: &str,
        now_ms: u64,
        piece: impl FnOnce(Option<&ImageId>) -> Result<(usize, Option<ImageId>), RetentionError>,
    ) -> Result<Did, RetentionError> {
        let store = &**self.queue.store();
        let today = calendar::day(now_ms);
        let pass = Kept::<Pass>::read(store, keys::pass(name))?.map(|kept| kept.value);
        let pass = pass.filter(|pass| pass.day == today);
        if pass.is_some_and(|pass| pass.after.is_none()) {
            return Ok(Did::default());
        }
        let after = pass.and_then(|pass| pass.after);
        let (n_done, after) = piece(after.as_ref())?;
        let mut changes = Changes::new();
        let pass = Pass { day: today, after };
        changes.put(keys::pass(name), kept::encode(&pass));
        Keyspace::commit(store, changes)?;
        Ok(Did {
            n_done: wide(n_done),
            is_more: after.is_some(),
            ..Did::default()
        })
    }

    fn orphaned_scores(
        &self,
        after: Option<&ImageId>,
        limit: usize,
    ) -> Result<(Vec<ImageId>, Option<ImageId>), StorageError> {
        let store = &**self.queue.store();
        let is_gone = |image: &ImageId| Ok(store.find(image)?.is_none());
        audit::orphans(store, after, limit, is_gone)
    }

    fn erase_scores(&self, image: &ImageId, now_ms: u64) -> Result<(), StorageError> {
        let store = &**self.queue.store();
        loop {
            let mut changes = Changes::new();
            let is_more = audit::plan_erased(store, &mut changes, image)?;
            pending::plan(store, &mut changes, now_ms)?;
            Keyspace::commit(store, changes)?;
            if !is_more {
                return Ok(());
            }
        }
    }
}
