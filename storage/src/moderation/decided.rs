//! What was decided and still stands, so that it can be found and taken back.

use super::claim::SKIPPED_MS;
use super::flag::stored;
use super::listing::{CHUNK, SCAN_MAX, key_of};
use super::undo::undoable;
use super::{Job, Lane, Listing, ModerationError, Queue, Verdict, job_keys};
use crate::Keyspace;
use crate::staff::StaffId;

impl Queue {
    /// Up to `limit` images with a decision that stands, the newest decision
    /// first: what one of the staff decided, or what anybody did, the service
    /// included. Of these lanes alone, and besides what `by` passed on from one of
    /// them. From behind a page's [`Listing::next`] on.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn decided(
        &self,
        by: Option<&StaffId>,
        lanes: &[Lane],
        after: Option<&str>,
        limit: usize,
    ) -> Result<Listing, ModerationError> {
        let mut range = job_keys::decided(by).descending();
        if let Some(key) = after.and_then(|cursor| key_of(&range, cursor)) {
            range = range.after(&key);
        }
        let mut listing = Listing::default();
        let mut n_seen = 0;
        loop {
            let entries = self.store.range(&range, CHUNK)?;
            for entry in &entries {
                n_seen += 1;
                let is_theirs = lanes.iter().any(|lane| entry.value == [lane.byte()]);
                if (is_theirs || by.is_some())
                    && let Some(image) = job_keys::decided_image(&entry.key)
                    && let Some(stored) = stored(&*self.store, &image)?
                    && (is_theirs || was_passed_on_from(&stored.job, lanes))
                {
                    listing.jobs.push(stored.job);
                }
                if listing.jobs.len() >= limit.max(1) || n_seen >= SCAN_MAX {
                    listing.next = Some(hex::encode(&entry.key));
                    return Ok(listing);
                }
            }
            match entries.last() {
                Some(last) if entries.len() == CHUNK => range = range.after(&last.key),
                _ => return Ok(listing),
            }
        }
    }
}

/// Whoever passed something on knows that they did, and no more of it.
fn was_passed_on_from(job: &Job, lanes: &[Lane]) -> bool {
    job.decision.as_ref().is_some_and(|decision| {
        matches!(decision.verdict, Verdict::Escalate { .. })
            && lanes.contains(&decision.before.lane)
    })
}

impl Job {
    /// Whether the decision that stands can be taken back: nothing came after it,
    /// and nothing is erased.
    #[must_use]
    pub fn is_undoable(&self) -> bool {
        let decision = self.decision.as_ref();
        decision.is_some_and(|decision| undoable(self, decision.version).is_ok())
    }

    /// Until when it is not given to somebody who skipped it, in milliseconds since
    /// 1970 UTC.
    #[must_use]
    pub fn skipped_until_ms(&self, who: &StaffId) -> Option<u64> {
        let skip = self.skips.iter().find(|skip| skip.by == *who)?;
        Some(skip.at_ms.saturating_add(SKIPPED_MS))
    }
}
