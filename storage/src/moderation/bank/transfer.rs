//! Many entries at once.

use serde_json::{Value, json};

use super::{Bank, BankEntry, BankHash};
use crate::audit::{self, Action, Actor};
use crate::moderation::ModerationError;

/// Entries of one commit: below [`COMMIT_BYTES_MAX`](crate::COMMIT_BYTES_MAX)
/// even with the longest of reasons.
const BATCH: usize = 512;

impl Bank {
    /// Adds entries, those whose hash is not there yet, and returns their
    /// hashes. Each batch of them is one entry of the audit. Cut short, it can
    /// be done again.
    ///
    /// # Errors
    /// The store's.
    pub fn import(
        &self,
        actor: &Actor,
        entries: &[BankEntry],
        now_ms: u64,
    ) -> Result<Vec<BankHash>, ModerationError> {
        let mut added = Vec::new();
        for batch in entries.chunks(BATCH) {
            let _taking_in = self.taking_in();
            let new = audit::commit(&*self.store, |changes| {
                let mut new = Vec::new();
                for entry in batch {
                    // The same hash twice in a batch is one entry.
                    if !new.contains(&entry.hash) && self.plan_add(changes, entry)? {
                        new.push(entry.hash);
                    }
                }
                if !new.is_empty() {
                    let action = Action::new("bank-imported");
                    let told = audit::Entry::new(now_ms, actor.clone(), action)
                        .changed(Value::Null, json!({"n_entries": new.len()}));
                    audit::append(&*self.store, changes, told)?;
                }
                Ok::<_, ModerationError>(new)
            })?;
            self.note(&new);
            added.extend(new);
        }
        Ok(added)
    }
}
