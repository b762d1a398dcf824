//! The end of a legal hold.

use serde_json::json;

use super::{ComplaintError, Complaints};
use crate::audit::{self, Action, Actor, Subject};
use crate::{ImageId, Record, lawful};

impl Complaints {
    /// Lets an image that was held as evidence be purged like any other, unless a
    /// court has it kept. False when it was not held as evidence. Who may do so
    /// is the caller's to ask.
    ///
    /// # Errors
    /// [`ComplaintError::UnknownImage`], and the store's.
    pub fn release_hold(
        &self,
        actor: &Actor,
        image: &ImageId,
        now_ms: u64,
    ) -> Result<bool, ComplaintError> {
        let _turn = self.queue.turn();
        let store = &**self.queue.store();
        audit::commit(store, |changes| {
            let mut record = store.find(image)?.ok_or(ComplaintError::UnknownImage)?;
            // A repair may have lost the entry of a court's hold and kept its mark.
            let is_ordered = lawful::hold_of(store, image)?.is_some();
            if !record.legal_hold && record.court_hold == is_ordered {
                return Ok(false);
            }
            let told = |record: &Record| json!({"legal_hold": record.legal_hold, "court_hold": record.court_hold});
            let before = told(&record);
            (record.legal_hold, record.court_hold) = (false, is_ordered);
            let after = told(&record);
            changes.update_record(record);
            let action = Action::new("legal-hold-released");
            let entry = audit::Entry::new(now_ms, actor.clone(), action)
                .about(Subject::image(image))
                .changed(before, after);
            audit::append(store, changes, entry)?;
            Ok(true)
        })
    }
}
