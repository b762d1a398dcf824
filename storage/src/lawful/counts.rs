//! How often the law asked for something, by year: numbers and nothing else,
//! for the public page.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::LawfulError;
use super::hold::{self, Hold};
use crate::audit::{self, Action, Actor, Entry, Subject};
use crate::calendar::{MS_A_DAY, civil};
use crate::keyspace::Space;
use crate::staff::Kept;
use crate::staff::kept;
use crate::{Changes, ImageId, KeyRange, Keyspace, StorageError};

/// `mh` `y` and the year.
const COUNTS: &[u8] = b"y";

/// Years that are listed.
const YEARS_MAX: usize = 100;

/// What happened in one year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct YearOfHolds {
    /// The year.
    pub year: u64,
    /// Images that were put under a hold.
    pub n_held: u64,
    /// Holds that ended.
    pub n_ended: u64,
    /// Images that were handed over.
    pub n_exported: u64,
}

/// The years in which something happened, the newest first.
///
/// # Errors
/// When they cannot be read.
pub fn counts(keys: &dyn Keyspace) -> Result<Vec<YearOfHolds>, StorageError> {
    let range = KeyRange::prefix(&Space::Holds.key(&[COUNTS])).descending();
    let entries = keys.range(&range, YEARS_MAX)?;
    entries
        .into_iter()
        .map(|entry| Kept::decode(entry.key, entry.value).map(|kept| kept.value))
        .collect()
}

/// Changes the counts of a moment's year.
pub(super) fn count(
    keys: &dyn Keyspace,
    changes: &mut Changes,
    now_ms: u64,
    add: impl FnOnce(&mut YearOfHolds),
) -> Result<(), StorageError> {
    let (year, _, _) = civil(now_ms / MS_A_DAY);
    let key = Space::Holds.key(&[COUNTS, &year.to_be_bytes()]);
    match Kept::<YearOfHolds>::read(keys, key.clone())? {
        Some(kept) => {
            let mut counts = kept.value;
            add(&mut counts);
            kept.replace(changes, &counts);
        }
        None => {
            let mut counts = YearOfHolds {
                year,
                ..YearOfHolds::default()
            };
            add(&mut counts);
            kept::insert(changes, key, &counts);
        }
    }
    Ok(())
}

/// Says that what is kept of an image was handed over for its hold, before it is:
/// into the audit and into the counts. `digest` names what was.
///
/// # Errors
/// [`LawfulError::NotHeld`] unless a hold stands at this moment, whether or not
/// anybody has taken away one that is over; and the store's.
pub fn note_export(
    keys: &dyn Keyspace,
    actor: &Actor,
    image: &ImageId,
    digest: &str,
    now_ms: u64,
) -> Result<(), LawfulError> {
    audit::commit(keys, |changes| {
        let kept = Kept::<Hold>::read(keys, hold::key(image))?;
        let kept = kept.filter(|kept| kept.value.stands(now_ms));
        let kept = kept.ok_or(LawfulError::NotHeld)?;
        // Nobody releases it meanwhile.
        kept.replace(changes, &kept.value);
        count(keys, changes, now_ms, |year| year.n_exported += 1)?;
        let entry = Entry::new(now_ms, actor.clone(), Action::new("lawful-export"))
            .about(Subject::image(image))
            .changed(
                Value::Null,
                json!({"reference": kept.value.reference.as_str(), "sha256": digest}),
            );
        audit::append(keys, changes, entry)?;
        Ok(())
    })
}
