//! Repeat infringement, without accounts: by what the images are.

use super::super::track::Step;
use super::super::{ComplaintError, Complaints, keys};
use crate::moderation::{BANK_DISTANCE_MAX, BANK_QUALITY_MIN};
use crate::staff::kept::{self, Kept};
use crate::{Changes, Keyspace, Record, StorageError};

/// Likenesses compared with. Upheld notices are far fewer; more of them than
/// this say enough already.
const LIKENESSES_MAX: usize = 10_000;

/// How often an image, or one like it, was removed for an upheld notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Repeats {
    /// With the very same bytes.
    pub n_same: u64,
    /// That look alike, however they lie, the same bytes among them.
    pub n_alike: u64,
}

impl Complaints {
    /// How often what this image shows was removed for an upheld notice.
    ///
    /// # Errors
    /// The store's.
    pub fn repeats(&self, record: &Record) -> Result<Repeats, ComplaintError> {
        let store = &**self.queue.store();
        let count = |kept: Option<Kept<u64>>| kept.map_or(0, |kept| kept.value);
        let n_same = count(Kept::read(store, keys::upheld_same(&record.sha256))?);
        let mut n_alike = 0;
        if let Some(pdq) = record.pdq.filter(|pdq| pdq.quality >= BANK_QUALITY_MIN) {
            let turnings = pdq.turnings();
            for entry in store.range(&keys::all_upheld_alike(), LIKENESSES_MAX)? {
                let hash = entry.key.get(entry.key.len().saturating_sub(32)..);
                let is_near = |hash: &[u8]| {
                    let mut turnings = turnings.iter();
                    turnings.any(|(_, turned)| distance(hash, turned) <= BANK_DISTANCE_MAX)
                };
                if hash.is_some_and(is_near) {
                    n_alike += Kept::<u64>::decode(entry.key, entry.value)?.value;
                }
            }
        }
        Ok(Repeats {
            n_same,
            n_alike: n_alike.max(n_same),
        })
    }
}

fn distance(a: &[u8], b: &[u8; 32]) -> u32 {
    let pairs = a.iter().zip(b);
    pairs.map(|(a, b)| (a ^ b).count_ones()).sum()
}

/// Plans that an upheld notice against this image is counted.
pub(in super::super) fn plan_counted(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    record: &Record,
    step: Step,
) -> Result<(), StorageError> {
    let pdq = record.pdq.filter(|pdq| pdq.quality >= BANK_QUALITY_MIN);
    let keys = [
        Some(keys::upheld_same(&record.sha256)),
        pdq.map(|pdq| keys::upheld_alike(&pdq.hash)),
    ];
    for key in keys.into_iter().flatten() {
        let kept = Kept::<u64>::read(keyspace, key.clone())?;
        let count = step.apply(kept.as_ref().map_or(0, |kept| kept.value), 1);
        match (kept, count) {
            (Some(kept), 0) => kept.remove(changes),
            (Some(kept), count) => kept.replace(changes, &count),
            (None, 0) => {}
            (None, count) => kept::insert(changes, key, &count),
        }
    }
    Ok(())
}
