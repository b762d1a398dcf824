//! What was deleted while something kept it, and what the queue still knows of
//! images that are gone.

use super::{Did, Retention, RetentionError, keys, wide};
use crate::calendar;
use crate::staff::kept::{self, Kept};
use crate::{Changes, ImageId, Keyspace, State, StorageError};

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

    /// Clears the queue of what is gone. Every job is looked at once a day.
    pub(super) fn clear_leftovers(&self, now_ms: u64, limit: usize) -> Result<Did, RetentionError> {
        let store = &**self.queue.store();
        let today = calendar::day(now_ms);
        let pass = Kept::<Pass>::read(store, keys::pass("left"))?.map(|kept| kept.value);
        let pass = pass.filter(|pass| pass.day == today);
        if pass.is_some_and(|pass| pass.after.is_none()) {
            return Ok(Did::default());
        }
        let after = pass.and_then(|pass| pass.after);
        let found = self.queue.left_over(now_ms, after.as_ref(), limit)?;
        for image in &found.due {
            self.queue.clear_left_over(image, now_ms)?;
        }
        let mut changes = Changes::new();
        let pass = Pass {
            day: today,
            after: found.next,
        };
        changes.put(keys::pass("left"), kept::encode(&pass));
        Keyspace::commit(store, changes)?;
        Ok(Did {
            n_done: wide(found.due.len()),
            is_more: found.next.is_some(),
            ..Did::default()
        })
    }
}
