//! The end of a removed image.

use serde_json::{Value, json};

use super::flag::stored;
use super::{ModerationError, Queue, Status, job_keys};
use crate::audit::{self, Action, Actor, Subject};
use crate::complaints::outcome;
use crate::{ImageId, Keyspace};

/// How long a purge is put off while the image is held, or looked at again.
const HELD_MS: u64 = 24 * 60 * 60 * 1000;

/// What a purge did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Purged {
    /// Images that are gone for good.
    pub images: Vec<ImageId>,
    /// Images that are due but held, or looked at again.
    pub n_put_off: usize,
}

impl Queue {
    /// Purges what was removed long enough ago, at most `limit` images. What is
    /// under legal hold, or waits for another decision, is put off by a day.
    ///
    /// # Errors
    /// The store's; calling again goes on.
    pub fn purge_due(&self, now_ms: u64, limit: usize) -> Result<Purged, ModerationError> {
        let mut purged = Purged::default();
        for image in self.purges_due(now_ms, limit)? {
            if self.purge(&image, now_ms)? {
                purged.images.push(image);
            } else {
                purged.n_put_off += 1;
            }
        }
        Ok(purged)
    }

    /// Removed images that are due to be purged, at most `limit`.
    pub(crate) fn purges_due(
        &self,
        now_ms: u64,
        limit: usize,
    ) -> Result<Vec<ImageId>, ModerationError> {
        let due = self.store.range(&job_keys::purges_due(now_ms), limit)?;
        let images = due
            .iter()
            .filter_map(|entry| job_keys::timed_image(&entry.key));
        Ok(images.collect())
    }

    /// Bytes and record first, the job afterwards: cut short, it is done again.
    fn purge(&self, image: &ImageId, now_ms: u64) -> Result<bool, ModerationError> {
        let _turn = self.turn();
        let is_decided = self
            .job(image)?
            .is_some_and(|job| job.status == Status::Decided);
        let is_held = self
            .store
            .find(image)?
            .map_or(Ok(false), |record| self.store.is_kept(&record))?;
        let mut is_purged = is_decided && !is_held;
        if is_purged {
            self.store.remove(image, now_ms)?;
            // A court's hold that came in between keeps what was to go.
            is_purged = self.store.find(image)?.is_none();
        }
        audit::commit(&*self.store, |changes| {
            let Some(stored) = stored(&*self.store, image)? else {
                return Ok(is_purged);
            };
            let mut job = stored.job.clone();
            if let Some(decision) = &mut job.decision {
                if is_purged {
                    decision.purged_at_ms = Some(now_ms);
                } else {
                    decision.purge_at_ms = Some(now_ms.saturating_add(HELD_MS));
                }
            }
            if is_purged {
                job_keys::replace(changes, Some(stored), &mut job);
                outcome::plan_purged(&*self.store, changes, image, now_ms)?;
                let entry = audit::Entry::new(now_ms, Actor::System, Action::new("image-purged"))
                    .about(Subject::image(image))
                    .changed(json!({"state": "blocked"}), Value::Null);
                audit::append(&*self.store, changes, entry)?;
            } else {
                job_keys::restamp(changes, stored, &job);
            }
            Ok(is_purged)
        })
    }
}
