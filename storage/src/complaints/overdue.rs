//! How many clocks have run out.

use super::{Category, ComplaintError, Complaints, case, keys};
use crate::moderation::Lane;
use crate::{ImageId, Keyspace};

/// Entries read at a time.
const PAGE: usize = 256;

impl Complaints {
    /// When the clock of the open case that is due first runs out, in milliseconds
    /// since 1970 UTC.
    ///
    /// # Errors
    /// The store's.
    pub fn due_first(&self) -> Result<Option<u64>, ComplaintError> {
        let entries = self.queue.store().range(&keys::all_due(), 1)?;
        let place = entries
            .first()
            .and_then(|entry| keys::due_place(&entry.key));
        Ok(place.map(|place| place.at_ms))
    }

    /// How many open cases should have been decided by now, counted up to `n_max`:
    /// those whose images lie in one of these lanes, or all of them.
    ///
    /// # Errors
    /// The store's.
    pub fn count_overdue(
        &self,
        lanes: Option<&[Lane]>,
        now_ms: u64,
        n_max: usize,
    ) -> Result<usize, ComplaintError> {
        let Some(lanes) = lanes else {
            return self.count_overdue_if(now_ms, n_max, |_| Ok(true));
        };
        self.count_overdue_if(now_ms, n_max, |image| {
            let job = self.queue.job(image)?;
            Ok(job.is_some_and(|job| lanes.contains(&job.lane)))
        })
    }

    /// How many open cases with a report of this category should have been decided
    /// by now, counted up to `n_max`.
    ///
    /// # Errors
    /// The store's.
    pub fn count_overdue_about(
        &self,
        category: Category,
        now_ms: u64,
        n_max: usize,
    ) -> Result<usize, ComplaintError> {
        let store = &**self.queue.store();
        self.count_overdue_if(now_ms, n_max, |image| {
            let case = case::newest(store, image)?;
            Ok(case.is_some_and(|case| case.value.categories.contains_key(&category)))
        })
    }

    /// How many of at most `n_max` open cases that should have been decided by now are
    /// meant.
    fn count_overdue_if(
        &self,
        now_ms: u64,
        n_max: usize,
        is_meant: impl Fn(&ImageId) -> Result<bool, ComplaintError>,
    ) -> Result<usize, ComplaintError> {
        let store = &**self.queue.store();
        let mut range = keys::overdue(now_ms);
        let (mut n_overdue, mut n_seen) = (0, 0);
        while n_seen < n_max {
            let entries = store.range(&range, PAGE.min(n_max - n_seen))?;
            let Some(last) = entries.last() else { break };
            range = range.after(&last.key);
            n_seen += entries.len();
            let places = entries
                .iter()
                .filter_map(|entry| keys::due_place(&entry.key));
            for place in places {
                n_overdue += usize::from(is_meant(&place.what)?);
            }
        }
        Ok(n_overdue)
    }
}
