//! A removed image that is shown again without a moderator's decision.

use serde_json::json;

use super::{BankHash, ModerationError, Policy, Queue, Status, Verdict, job_keys, returns};
use crate::audit::{self, Action, Actor, Subject};
use crate::{Changes, ImageId, Record, State, StorageError};

impl Queue {
    /// Shows an image again because the law says so: label and hash bank are as
    /// before its removal, which stands no more. A court's hold stays on it.
    /// False when it is held as evidence, which is shown to nobody. `also` plans
    /// what goes with it; it is told the image as it was and the version this
    /// makes.
    ///
    /// # Errors
    /// [`ModerationError::Gone`] when there is nothing to restore, and the
    /// store's.
    pub(crate) fn restore(
        &self,
        image: &ImageId,
        action: &Action,
        now_ms: u64,
        also: impl Fn(&mut Changes, &Record, u64) -> Result<(), StorageError>,
    ) -> Result<bool, ModerationError> {
        let _turn = self.turn();
        let mut told = None;
        let restored = audit::commit(&*self.store, |changes| {
            let stored = self.queued(image)?;
            let mut record = self.record(image)?;
            let removal = stored.job.decision.clone().filter(|decision| {
                // What was removed for another reason since stays so.
                let policy = Policy::Copyright;
                matches!(&decision.verdict, Verdict::Remove { policy: why, .. } if *why == policy)
                    && decision.purged_at_ms.is_none()
            });
            let Some(removal) = removal.filter(|_| record.state == State::Blocked) else {
                return Err(ModerationError::Gone { id: *image });
            };
            if record.legal_hold {
                return Ok(None);
            }
            also(changes, &record, stored.job.version.saturating_add(1))?;
            record.ruling = removal.before.ruling;
            record.state = match removal.before.state {
                // What was hidden was hidden for this very decision.
                State::Review | State::Blocked => State::Public,
                before => before,
            };
            let mut unbanked = Vec::new();
            for hash in &removal.banked {
                if self.bank.plan_unban(changes, hash)? {
                    unbanked.push(*hash);
                }
            }
            returns::plan_listed(changes, image, removal.copy_of, None);
            let mut job = stored.job.clone();
            (job.decision, job.not_by, job.status) = (None, None, Status::Decided);
            job.skips.clear();
            let entry = audit::Entry::new(now_ms, Actor::System, action.clone())
                .about(Subject::image(image))
                .changed(json!({"state": "blocked"}), json!({"state": record.state}));
            audit::append(&*self.store, changes, entry)?;
            job_keys::replace(changes, Some(stored), &mut job);
            changes.update_record(record);
            told = Some(self.foretell(changes, State::Blocked, &job, now_ms)?);
            Ok::<Option<Vec<BankHash>>, ModerationError>(Some(unbanked))
        });
        if let Some(told) = &told {
            self.fulfil(told, now_ms);
        }
        let Some(unbanked) = restored? else {
            return Ok(false);
        };
        self.bank.forget(&unbanked);
        Ok(true)
    }
}
