//! What a backup that is brought back must be told of removals (P13e): one that is
//! older than a removal does not know of it.

use super::decide::apply;
use super::flag::stored;
use super::{Before, Decision, Job, ModerationError, Note, Policy, Queue, Verdict, job_keys};
use crate::complaints::outcome;
use crate::erased::Fate;
use crate::{Changes, ImageId, Keyspace, Record, State, StorageError};

/// That moderation has removed an image, as a tombstone tells it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Removal {
    /// Why.
    pub(crate) policy: Policy,
    /// When, in milliseconds since 1970 UTC.
    pub(crate) at_ms: u64,
    /// When it is purged.
    pub(crate) purge_at_ms: u64,
}

/// What is said of an image once a decision has been committed, or was not.
pub(super) struct Told {
    image: ImageId,
    was: State,
    is_removal_noted: bool,
}

impl Queue {
    /// Notes a removal before it is committed: what a crash between the two leaves
    /// hides an image that should be seen, and never shows one that should not.
    /// `changes` has the image as it will be.
    pub(super) fn foretell(
        &self,
        changes: &Changes,
        was: State,
        job: &Job,
        now_ms: u64,
    ) -> Result<Told, StorageError> {
        let image = job.image;
        let becomes = changes
            .updated
            .get(&image)
            .map_or(was, |record| record.state);
        let mut told = Told {
            image,
            was,
            is_removal_noted: false,
        };
        // What its owner has deleted is out of sight in any case.
        if was != State::Removed
            && becomes == State::Blocked
            && let Some(decision) = &job.decision
            && let Verdict::Remove { policy, .. } = decision.verdict
        {
            let purge_at_ms = decision.purge_at_ms.unwrap_or(now_ms);
            let fate = Fate::Removed {
                policy,
                purge_at_ms,
            };
            self.store.erased.note(&image, now_ms, fate)?;
            told.is_removal_noted = true;
        }
        Ok(told)
    }

    /// Removes the variants of an image that has become evidence. The decision stands
    /// where they cannot be: the next start tries again.
    pub fn drop_variants_of_evidence(&self, image: &ImageId) {
        if let Err(error) = self.store.drop_variants_of_evidence(image) {
            tracing::warn!(id = %image, %error, "variants stay until the next start");
        }
    }

    /// Takes back what was noted of a removal that stands no more, or never came
    /// about, by what is stored now. What cannot be taken back hides an image after a
    /// restore, where staff find it.
    pub(super) fn fulfil(&self, told: &Told, now_ms: u64) {
        self.drop_variants_of_evidence(&told.image);
        if !told.is_removal_noted && told.was != State::Blocked {
            return;
        }
        let noted = match self.store.records.find(&told.image) {
            Ok(Some(record)) if ![State::Blocked, State::Removed].contains(&record.state) => {
                self.store.erased.note(&told.image, now_ms, Fate::Shown)
            }
            other => other.map(|_| ()),
        };
        if let Err(error) = noted {
            tracing::error!(id = %told.image, %error, "a restore may hide this image again");
        }
    }
}

/// Plans that an image is removed again, as it was after the backup that is being
/// brought back; `was` is its state in there. The day of its purge stays, and so
/// can the decision be taken back or objected to.
pub(crate) fn plan_removed_again(
    keys: &dyn Keyspace,
    changes: &mut Changes,
    mut record: Record,
    was: State,
    removal: &Removal,
) -> Result<(), ModerationError> {
    let stored = stored(keys, &record.id)?;
    let mut job = stored.as_ref().map_or_else(
        || Job::new(record.id, removal.at_ms),
        |stored| stored.job.clone(),
    );
    let before = Before {
        state: was,
        ruling: record.ruling,
        lane: job.lane,
        held: record.legal_hold,
        not_by: job.not_by.clone(),
        earlier: job.decision.as_ref().map(Decision::as_earlier),
        is_cut: false,
    };
    let verdict = Verdict::Remove {
        policy: removal.policy,
        reason: Note::default(),
        bank: None,
    };
    apply(&verdict, &mut record, &mut job, removal.at_ms);
    let decision = Decision {
        verdict,
        by: None,
        role: None,
        at_ms: removal.at_ms,
        version: job.version.saturating_add(1),
        before,
        purge_at_ms: Some(removal.purge_at_ms),
        purged_at_ms: None,
        banked: Vec::new(),
        unbanned: Vec::new(),
        copy_of: None,
        counted: None,
    };
    outcome::plan_decided(keys, changes, &mut record, &job, &decision)?;
    job.decision = Some(decision);
    job_keys::replace(changes, stored, &mut job);
    changes.update_record(record);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::erased::hash_of;
    use crate::faults::{Fault, Faulty, Fuse};
    use crate::moderation::tests::{moderator, queue_of, stored_image};
    use crate::{MemoryBlobs, MemoryRecords, Store};

    const NOW: u64 = 1_750_000_060_000;

    /// What failed may have happened all the same: what is stored then decides.
    #[test]
    fn p13e_a_removal_that_failed_hides_nothing_and_one_that_did_not_shows_nothing() {
        for (fault, state) in [
            (Fault::Once, State::Public),
            (Fault::OnceAfterEffect, State::Blocked),
        ] {
            // After the image itself.
            let fuse = Fuse::new(1, fault);
            let records = Faulty(MemoryRecords::default(), Arc::clone(&fuse));
            let store = Store::new(Arc::new(records), Arc::new(MemoryBlobs::default()));
            let queue = queue_of(store);
            let image = stored_image(&queue, 0.5).id;
            let removal = Verdict::Remove {
                policy: Policy::Violence,
                reason: Note::default(),
                bank: None,
            };
            let failed = queue.take_down(Some(&moderator()), &image, &removal, NOW);
            assert_eq!(failed.unwrap_err().code(), "storage-failed");
            assert!(fuse.struck());
            assert_eq!(queue.store.find(&image).unwrap().unwrap().state, state);
            let fate = queue.store.erased.all().unwrap()[&hash_of(&image)].fate;
            assert_eq!(fate == Fate::Shown, state == State::Public, "{fate:?}");
        }
    }
}
