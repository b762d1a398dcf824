//! Many entries at once.

use serde_json::{Value, json};

use super::{Bank, BankEntry, BankHash};
use crate::audit::{self, Action, Actor};
use crate::moderation::ModerationError;
use crate::{COMMIT_BYTES_MAX, Changes, VALUE_BYTES_MAX};

/// Bytes of one commit. Each commit waits for the disk once, so few large ones are
/// what makes a long list fast; the rest of the room is for keys and for the audit.
const BATCH_BYTES_MAX: usize = COMMIT_BYTES_MAX / 2;

/// Bytes of an entry's keys and what is expected of them, with room to spare.
const KEYS_BYTES: usize = 256;

impl Bank {
    /// Adds entries, those whose hash is not there yet, and returns their
    /// hashes. Each batch of them is one entry of the audit. Cut short, it can
    /// be done again. The more at once the faster: they are written in the order
    /// of their hashes, so that neighbours share a page of the database.
    ///
    /// # Errors
    /// The store's.
    pub fn import(
        &self,
        actor: &Actor,
        entries: &[BankEntry],
        now_ms: u64,
    ) -> Result<Vec<BankHash>, ModerationError> {
        let mut sorted: Vec<&BankEntry> = entries.iter().collect();
        // The same hash twice is one entry: the first.
        sorted.sort_by_key(|entry| entry.hash);
        sorted.dedup_by_key(|entry| entry.hash);
        let mut added = Vec::new();
        let mut rest = sorted.as_slice();
        while !rest.is_empty() {
            let _taking_in = self.taking_in();
            let (new, n_done) = audit::commit(&*self.store, |changes| {
                let (new, n_done) = self.plan_batch(changes, rest)?;
                if !new.is_empty() {
                    let action = Action::new("bank-imported");
                    let told = audit::Entry::new(now_ms, actor.clone(), action)
                        .changed(Value::Null, json!({"n_entries": new.len()}));
                    audit::append(&*self.store, changes, told)?;
                }
                Ok::<_, ModerationError>((new, n_done))
            })?;
            rest = rest.get(n_done..).unwrap_or_default();
            self.note(&new);
            added.extend(new);
        }
        Ok(added)
    }

    /// Plans as many entries as one commit takes, one at least. Returns the new ones,
    /// and how many were looked at.
    fn plan_batch(
        &self,
        changes: &mut Changes,
        entries: &[&BankEntry],
    ) -> Result<(Vec<BankHash>, usize), ModerationError> {
        let (mut new, mut n_bytes) = (Vec::new(), 0);
        for (idx, entry) in entries.iter().enumerate() {
            if n_bytes + VALUE_BYTES_MAX > BATCH_BYTES_MAX {
                return Ok((new, idx));
            }
            if self.plan_add(changes, entry)? {
                new.push(entry.hash);
                n_bytes += KEYS_BYTES + entry.encode().len();
            }
        }
        Ok((new, entries.len()))
    }
}
