//! The door to the queue.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;

use super::flag::stored;
use super::learning::Shadow;
use super::{Bank, Flag, Job, Lane, ModerationError};
use crate::audit::Actor;
use crate::staff::{Role, StaffId};
use crate::{ImageId, Record, State, Store, audit};

/// Jobs that one moderator is given at once: a page of the grid.
pub const CLAIMS_MAX: usize = 100;

/// How long things last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueSettings {
    /// A lease, from its last renewal.
    pub lease_ms: u64,
    /// A removed image, until it is purged and cannot be restored any more.
    pub retention_ms: u64,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            lease_ms: 10 * 60 * 1000,
            retention_ms: 30 * 24 * 60 * 60 * 1000,
        }
    }
}

/// Who works the queue, with the role of the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moderator {
    /// The pseudonym.
    pub id: StaffId,
    /// The role.
    pub role: Role,
}

impl Moderator {
    pub(crate) fn actor(&self) -> Actor {
        Actor::Staff {
            id: self.id.clone(),
            role: self.role,
        }
    }
}

/// The queue of one store. What somebody may do is asked before: this only
/// keeps two people from doing it twice.
pub struct Queue {
    pub(super) store: Arc<Store>,
    pub(super) bank: Arc<Bank>,
    pub(super) settings: QueueSettings,
    /// What only counts what it would have done.
    pub(super) shadow: Shadow,
    /// Writers in this process take turns instead of meeting at the audit's
    /// end, where every one of them but one would have to begin anew.
    turn: Mutex<()>,
}

impl Queue {
    /// The queue of a store.
    #[must_use]
    pub fn new(store: Arc<Store>, bank: Arc<Bank>, settings: QueueSettings) -> Self {
        Self {
            store,
            bank,
            settings,
            shadow: Shadow::default(),
            turn: Mutex::new(()),
        }
    }

    /// The store that it lies in.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The bank that removals may add to.
    #[must_use]
    pub fn bank(&self) -> &Arc<Bank> {
        &self.bank
    }

    /// The job of an image, whatever its status.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn job(&self, image: &ImageId) -> Result<Option<Job>, ModerationError> {
        Ok(stored(&*self.store, image)?.map(|stored| stored.job))
    }

    /// The job of an image, if it lies in one of these lanes.
    ///
    /// # Errors
    /// [`ModerationError::NotQueued`], [`ModerationError::ForeignLane`], and the
    /// store's.
    pub fn job_in(&self, lanes: &[Lane], image: &ImageId) -> Result<Job, ModerationError> {
        let job = self.job(image)?;
        let job = job.ok_or(ModerationError::NotQueued { id: *image })?;
        if lanes.contains(&job.lane) {
            return Ok(job);
        }
        Err(ModerationError::ForeignLane { id: *image })
    }

    /// Gives a reason to look at a stored image. For more in the same commit see
    /// [`Flag::plan`].
    ///
    /// # Errors
    /// [`ModerationError::Gone`] when there is no such image, and the store's.
    pub fn flag(&self, image: &ImageId, flag: &Flag, now_ms: u64) -> Result<Job, ModerationError> {
        let _turn = self.turn();
        let views = self.store.views(image)?;
        audit::commit(&*self.store, |changes| {
            let mut record = self.record(image)?;
            flag.plan(&*self.store, changes, &mut record, &views, now_ms)
        })
    }

    /// Changes a record and gives reasons to look at it, in one commit. `change`
    /// is told the image's job, says the reasons, and may run more than once;
    /// `None` changes nothing. What it finds in the bank is still so when this
    /// returns. Returns the record as it is then.
    ///
    /// # Errors
    /// [`ModerationError::Gone`] when there is no such image, and the store's.
    pub fn change_and_flag(
        &self,
        image: &ImageId,
        now_ms: u64,
        change: impl Fn(&mut Record, Option<&Job>) -> Result<Option<Vec<Flag>>, ModerationError>,
    ) -> Result<Record, ModerationError> {
        let _taking_in = self.bank.taking_in();
        let _turn = self.turn();
        let views = self.store.views(image)?;
        audit::commit(&*self.store, |changes| {
            let mut record = self.record(image)?;
            let job = self.job(image)?;
            let before = record.state;
            if let Some(flags) = change(&mut record, job.as_ref())? {
                let keys = &*self.store;
                Flag::plan_all(&flags, keys, changes, &mut record, &views, now_ms)?;
                changes.update_record(record.clone());
                let is_hidden = matches!(record.state, State::Review | State::Blocked);
                if is_hidden && record.state != before {
                    let reasons: Vec<_> = flags.iter().map(|flag| &flag.reason).collect();
                    let action = audit::Action::new("image-hidden");
                    let told = audit::Entry::new(now_ms, Actor::System, action)
                        .about(audit::Subject::image(image))
                        .changed(
                            json!({"state": before}),
                            json!({"state": record.state, "reasons": reasons}),
                        );
                    audit::append(&*self.store, changes, told)?;
                }
            }
            Ok(record)
        })
    }

    /// The record of an image that is still there.
    pub(super) fn record(&self, image: &ImageId) -> Result<Record, ModerationError> {
        let found = self.store.find(image)?;
        found.ok_or(ModerationError::Gone { id: *image })
    }

    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
