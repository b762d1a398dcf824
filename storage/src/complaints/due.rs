//! What the law puts a clock on, in the order of the clocks.

use serde::{Deserialize, Serialize};

use super::case::{self, Case};
use super::copyright::CounterNotice;
use super::{ComplaintError, Complaints, Receipt, keys};
use crate::staff::kept::Kept;
use crate::{ImageId, Keyspace};

/// Entries read together.
const PAGE: usize = 256;

/// Entries that one page looks through at most: what is for others is passed
/// over, and takes time all the same.
const SEEN_MAX: usize = 20_000;

/// A place among what is due: the next page begins behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuePlace<T> {
    /// By when, in milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// What is due then.
    pub what: T,
}

/// A page of what is due, the most urgent first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuePage<T, P> {
    /// What is due.
    pub due: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<DuePlace<P>>,
}

impl Complaints {
    /// Open cases, the one due first at the beginning, at most `limit`.
    ///
    /// # Errors
    /// The store's.
    pub fn due_next(&self, limit: usize) -> Result<Vec<Case>, ComplaintError> {
        Ok(self.due_page(None, limit, |_| Ok(true))?.due)
    }

    /// Open cases behind a place that are meant, the one due first at the
    /// beginning, at most `limit`. What is not meant takes nobody's room.
    ///
    /// # Errors
    /// The store's, and those of `is_meant`.
    pub fn due_page(
        &self,
        after: Option<&DuePlace<ImageId>>,
        limit: usize,
        mut is_meant: impl FnMut(&Case) -> Result<bool, ComplaintError>,
    ) -> Result<DuePage<Case, ImageId>, ComplaintError> {
        let store = &**self.queue.store();
        let mut range = keys::all_due();
        if let Some(after) = after {
            range = range.after(&keys::due(after.at_ms, &after.what));
        }
        let (mut due, mut n_seen) = (Vec::new(), 0);
        loop {
            let entries = store.range(&range, PAGE)?;
            for entry in &entries {
                let Some(place) = keys::due_place(&entry.key) else {
                    continue;
                };
                if let Some(case) = case::newest(store, &place.what)?
                    && is_meant(&case.value)?
                {
                    due.push(case.value);
                }
                n_seen += 1;
                if due.len() >= limit || n_seen >= SEEN_MAX {
                    let next = Some(place);
                    return Ok(DuePage { due, next });
                }
            }
            match entries.last() {
                Some(last) => range = range.after(&last.key),
                None => return Ok(DuePage { due, next: None }),
            }
        }
    }

    /// Counter-notices that are open, the one whose image comes back first at
    /// the beginning, at most `limit`.
    ///
    /// # Errors
    /// The store's.
    pub fn open_counters(&self, limit: usize) -> Result<Vec<CounterNotice>, ComplaintError> {
        Ok(self.counters_page(None, limit)?.due)
    }

    /// The same behind a place.
    ///
    /// # Errors
    /// The store's.
    pub fn counters_page(
        &self,
        after: Option<&DuePlace<Receipt>>,
        limit: usize,
    ) -> Result<DuePage<CounterNotice, Receipt>, ComplaintError> {
        let store = &**self.queue.store();
        let mut range = keys::all_restorations();
        if let Some(after) = after {
            range = range.after(&keys::restoration(after.at_ms, &after.what));
        }
        let entries = store.range(&range, limit)?;
        let mut due = Vec::new();
        for entry in &entries {
            if let Some(receipt) = keys::last_receipt(&entry.key)
                && let Some(kept) = Kept::<CounterNotice>::read(store, keys::counter(&receipt))?
            {
                due.push(kept.value);
            }
        }
        let last = due.last().filter(|_| entries.len() >= limit);
        let next = last.map(|last| DuePlace {
            at_ms: last.restore_from_ms,
            what: last.receipt,
        });
        Ok(DuePage { due, next })
    }
}
