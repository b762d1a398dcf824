//! The end of a legal hold.

use serde_json::json;

use super::{ComplaintError, Complaints};
use crate::ImageId;
use crate::audit::{self, Action, Actor, Subject};

impl Complaints {
    /// Lets an image that was held as evidence be purged like any other. False
    /// when it was not held. Who may do so is the caller's to ask.
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
            if !record.legal_hold {
                return Ok(false);
            }
            record.legal_hold = false;
            changes.update_record(record);
            let action = Action::new("legal-hold-released");
            let entry = audit::Entry::new(now_ms, actor.clone(), action)
                .about(Subject::image(image))
                .changed(json!({"legal_hold": true}), json!({"legal_hold": false}));
            audit::append(store, changes, entry)?;
            Ok(true)
        })
    }
}
