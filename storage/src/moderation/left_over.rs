//! What the queue still knows of an image that is gone (P13c): a job that nobody
//! can do any more, or scores in one that was done.

use super::flag::stored;
use super::job_keys::Stored;
use super::{Job, ModerationError, Queue, Signals, job_keys, returns};
use crate::complaints::KEPT_MS;
use crate::retention::pending;
use crate::{Changes, ImageId, Keyspace, Space, StorageError, audit};

/// Jobs looked at together.
const PAGE: usize = 256;

/// Jobs of images that are gone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LeftOver {
    /// Images with something to clear.
    pub(crate) due: Vec<ImageId>,
    /// The last image looked at; `None` when all were.
    pub(crate) next: Option<ImageId>,
}

/// What is done with a job whose image is gone.
enum Fate {
    Kept,
    Scrubbed,
    Forgotten,
}

impl Queue {
    /// Looks at jobs behind `after`, until `limit` of them have something to be
    /// cleared.
    pub(crate) fn left_over(
        &self,
        now_ms: u64,
        after: Option<&ImageId>,
        limit: usize,
    ) -> Result<LeftOver, StorageError> {
        let mut range = Space::Jobs.all();
        if let Some(image) = after {
            range = range.after(&job_keys::job(image));
        }
        let mut found = LeftOver::default();
        loop {
            let page = self.store.range(&range, PAGE)?;
            let Some(last) = page.last() else {
                found.next = None;
                return Ok(found);
            };
            range = range.clone().after(&last.key);
            for entry in &page {
                // What cannot be read is met, and reported, when it is used.
                let Ok(job) = Job::decode(&entry.value) else {
                    continue;
                };
                found.next = Some(job.image);
                if self.store.find(&job.image)?.is_none()
                    && !matches!(fate(&job, now_ms), Fate::Kept)
                {
                    found.due.push(job.image);
                    if found.due.len() >= limit {
                        return Ok(found);
                    }
                }
            }
        }
    }

    /// Clears what is left over of one image.
    pub(crate) fn clear_left_over(
        &self,
        image: &ImageId,
        now_ms: u64,
    ) -> Result<(), ModerationError> {
        let _turn = self.turn();
        audit::commit(&*self.store, |changes| {
            let Some(stored) = stored(&*self.store, image)? else {
                return Ok(());
            };
            match fate(&stored.job, now_ms) {
                Fate::Kept => return Ok(()),
                Fate::Forgotten => job_keys::forget(changes, stored),
                Fate::Scrubbed => {
                    let mut job = stored.job.clone();
                    scrub(&mut job);
                    job_keys::restamp(changes, stored, &job);
                }
            }
            pending::plan(&*self.store, changes, now_ms)?;
            Ok(())
        })
    }
}

/// A decision that ended an image is kept as long as the reports about it may be;
/// everything else goes with the image.
fn fate(job: &Job, now_ms: u64) -> Fate {
    let purged_at_ms = job
        .decision
        .as_ref()
        .and_then(|decision| decision.purged_at_ms);
    match purged_at_ms {
        None => Fate::Forgotten,
        Some(at_ms) if now_ms >= at_ms.saturating_add(KEPT_MS) => Fate::Forgotten,
        Some(_) => {
            let mut scrubbed = job.clone();
            scrub(&mut scrubbed);
            if scrubbed == *job {
                Fate::Kept
            } else {
                Fate::Scrubbed
            }
        }
    }
}

/// Plans that the queue forgets the scores of an image, in the commit that ends it.
/// What cannot be read is met, and reported, when it is used.
pub(crate) fn plan_scores_erased(
    keys: &dyn Keyspace,
    changes: &mut Changes,
    image: &ImageId,
) -> Result<(), StorageError> {
    let encoded = keys.get(&job_keys::job(image))?;
    let Some(stored) = encoded.and_then(|encoded| Stored::decode(encoded).ok()) else {
        return Ok(());
    };
    let mut job = stored.job.clone();
    scrub(&mut job);
    let decision = stored.job.decision.as_ref();
    let copy_of = decision.and_then(|decision| decision.copy_of);
    returns::plan_listed(changes, image, copy_of, None);
    if job != stored.job {
        job_keys::restamp(changes, stored, &job);
    }
    Ok(())
}

fn scrub(job: &mut Job) {
    job.signals = Signals::default();
    job.opinion = None;
    if let Some(decision) = &mut job.decision {
        decision.counted = None;
        decision.copy_of = None;
    }
}
