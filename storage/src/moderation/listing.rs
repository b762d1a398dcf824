//! Pages of the queue.

use super::flag::stored;
use super::job_keys::{self, Place};
use super::{Job, Lane, ModerationError, Queue, ReasonSet, Sort, Status};
use crate::{KeyRange, Keyspace, StorageError};

/// Queue entries read at a time.
pub(super) const CHUNK: usize = 128;

/// Entries that one page looks at. A filter that few jobs pass gives short
/// pages with a place to go on from, never a long wait.
pub(super) const SCAN_MAX: usize = 5_000;

/// Which jobs are asked for, in which order.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Query {
    /// For whose eyes.
    pub lane: Lane,
    /// In which order.
    pub sort: Sort,
    /// With one of these reasons; any when empty.
    pub reasons: ReasonSet,
    /// With at least this score.
    pub score_min: Option<f32>,
    /// With at most this score.
    pub score_max: Option<f32>,
    /// Waiting since this time or longer, in milliseconds since 1970 UTC.
    pub created_until_ms: Option<u64>,
    /// Waiting since this time or less long.
    pub created_from_ms: Option<u64>,
}

/// One page of the queue.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Listing {
    /// The jobs, the first ones first.
    pub jobs: Vec<Job>,
    /// Where the next page begins; `None` when this one ends the queue.
    pub next: Option<String>,
}

impl Query {
    fn takes(&self, place: &Place) -> bool {
        let step = job_keys::score_step;
        let is_within = |value: u64, from: Option<u64>, until: Option<u64>| {
            from.is_none_or(|from| value >= from) && until.is_none_or(|until| value <= until)
        };
        (self.reasons.is_empty() || self.reasons.meets(place.reasons))
            && self
                .score_min
                .is_none_or(|score| place.score >= step(score))
            && self
                .score_max
                .is_none_or(|score| place.score <= step(score))
            && is_within(
                place.created_at_ms,
                self.created_from_ms,
                self.created_until_ms,
            )
    }
}

impl Queue {
    /// Up to `limit` jobs that wait, from behind a page's [`Listing::next`] on.
    /// A place that is none begins at the beginning.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn list(
        &self,
        query: &Query,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listing, ModerationError> {
        let mut listing = Listing::default();
        let limit = limit.max(1);
        let next = self.for_each_waiting(query, after, |place| {
            // One that was decided since its place was read is passed over.
            if let Some(stored) = stored(&*self.store, &place.image)?
                && stored.job.status == Status::Waiting
            {
                listing.jobs.push(stored.job);
            }
            Ok(listing.jobs.len() < limit)
        })?;
        listing.next = next;
        Ok(listing)
    }

    /// How many jobs wait in a lane, counted up to `n_max`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn count_waiting(&self, lane: Lane, n_max: usize) -> Result<usize, ModerationError> {
        let places = job_keys::lane(lane, Sort::default());
        Ok(self.store.range(&places, n_max)?.len())
    }

    /// Visits the places of a query in order, until the visitor says that it
    /// is enough. Returns where to go on, if there is more.
    pub(super) fn for_each_waiting(
        &self,
        query: &Query,
        after: Option<&str>,
        mut visit: impl FnMut(Place) -> Result<bool, ModerationError>,
    ) -> Result<Option<String>, ModerationError> {
        let mut range = job_keys::lane(query.lane, query.sort);
        if let Some(key) = after.and_then(|cursor| key_of(&range, cursor)) {
            range = range.after(&key);
        }
        let mut n_seen = 0;
        loop {
            let entries = self.store.range(&range, CHUNK)?;
            let is_last = entries.len() < CHUNK;
            for entry in &entries {
                n_seen += 1;
                let place = Place::decode(&entry.key, &entry.value).ok_or_else(damaged)?;
                let goes_on = !query.takes(&place) || visit(place)?;
                if !goes_on || n_seen >= SCAN_MAX {
                    return Ok(Some(hex::encode(&entry.key)));
                }
            }
            match entries.last() {
                Some(last) if !is_last => range = range.after(&last.key),
                _ => return Ok(None),
            }
        }
    }
}

/// The key that a page's end stands for.
pub(super) fn key_of(range: &KeyRange, cursor: &str) -> Option<Vec<u8>> {
    let key = hex::decode(cursor).ok()?;
    (range.from <= key && key < range.to && key.len() <= crate::KEY_BYTES_MAX).then_some(key)
}

fn damaged() -> StorageError {
    StorageError::Corrupt {
        detail: "an entry of the queue".into(),
    }
}
