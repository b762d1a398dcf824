//! The end of backups in every folder that is known (P13e), whether or not anybody
//! makes new ones.

use super::{Ages, Did, Retention, RetentionError, keys};
use crate::backup::{Looked, end_old, forget_ended, look};
use crate::repair::lost;
use crate::staff::kept::{self, Kept};
use crate::{Changes, Keyspace, StorageError, calendar};

/// The day on which it was said that a folder is not well.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    day: u32,
}

impl Retention<'_> {
    /// Backups whose time is over, by folder and day, and a loss that none of those left
    /// makes good.
    pub(super) fn old_backups(&self, now_ms: u64) -> Result<Vec<String>, StorageError> {
        let looked = look(&**self.queue.store())?;
        let names = looked.iter().flat_map(|looked| {
            let folder = looked.known.folder.display();
            looked
                .due(now_ms)
                .map(move |made| format!("{folder} of {}", calendar::date(made)))
        });
        let lost = lost::over(&**self.queue.store(), now_ms)?;
        let lost = lost.map(|at_ms| format!("the note of a loss on {}", calendar::date(at_ms)));
        Ok(names.chain(lost).collect())
    }

    /// Ends them. A folder that fails or cannot be reached keeps no other from its
    /// end; it is named in the log once a day.
    pub(super) fn end_old_backups(&self, now_ms: u64) -> Result<Did, RetentionError> {
        let store = &**self.queue.store();
        let is_said = self.is_said_today(now_ms)?;
        let mut did = Did::default();
        let mut is_unwell = false;
        for looked in look(store)? {
            let folder = looked.known.folder.display();
            if looked.made_at_ms.is_none() {
                is_unwell = true;
                if !is_said {
                    tracing::warn!(%folder, "this folder of backups cannot be reached: nobody ends what is too old in it");
                }
            } else if looked.due(now_ms).next().is_some() {
                match end_old(&looked.known, now_ms) {
                    Ok(n_ended) => did.n_done = did.n_done.saturating_add(n_ended),
                    Err(error) => {
                        is_unwell = true;
                        if !is_said {
                            tracing::error!(%folder, %error, "backups that are too old do not end");
                        }
                    }
                }
            }
        }
        forget_ended(store, now_ms)?;
        did.n_done = did
            .n_done
            .saturating_add(u64::from(lost::end(store, now_ms)?));
        if is_unwell && !is_said {
            let mut changes = Changes::new();
            let said = Said {
                day: calendar::day(now_ms),
            };
            changes.put(keys::pass("backups"), kept::encode(&said));
            Keyspace::commit(store, changes)?;
        }
        Ok(did)
    }

    fn is_said_today(&self, now_ms: u64) -> Result<bool, StorageError> {
        let said = Kept::<Said>::read(&**self.queue.store(), keys::pass("backups"))?;
        Ok(said.is_some_and(|said| said.value.day == calendar::day(now_ms)))
    }

    /// The age of the oldest backup, and how many folders cannot be reached.
    pub(super) fn aged_backups(&self, now_ms: u64, ages: &mut Ages) -> Result<(), StorageError> {
        for Looked { made_at_ms, .. } in look(&**self.queue.store())? {
            match made_at_ms {
                Some(made) => {
                    let oldest = made
                        .first()
                        .map_or(0, |oldest| now_ms.saturating_sub(*oldest));
                    ages.oldest_backup_ms = ages.oldest_backup_ms.max(oldest);
                    if let Some(newest) = made.last() {
                        let age = now_ms.saturating_sub(*newest);
                        let known = ages.newest_backup_ms.unwrap_or(u64::MAX);
                        ages.newest_backup_ms = Some(known.min(age));
                    }
                }
                None => ages.n_backup_folders_lost += 1,
            }
        }
        Ok(())
    }
}
