//! Views: counted in memory, written in batches.

use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Store;
use crate::{ImageId, StorageError, ViewDelta, Views};

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

impl Store {
    /// Counts a view, in memory: what was not [merged](Store::merge_views) is
    /// lost with a killed process. Never fails a view; when neither memory nor
    /// database takes it, it is not counted.
    pub fn count_view(&self, id: &ImageId) {
        let delta = ViewDelta {
            id: *id,
            n_views: 1,
            day: today(),
        };
        if self.view_counter.add(&delta).is_ok() || self.merge_failed.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.merge_views() {
            tracing::warn!(%error, "views cannot be merged; some are not counted");
        }
        // Refused only when the merge failed, which was just said.
        let _ = self.view_counter.add(&delta);
    }

    /// Writes the views counted since the last merge, in one batch, and returns
    /// of how many images. For a timer and for the end.
    ///
    /// # Errors
    /// When they cannot be written; they stay counted in memory.
    pub fn merge_views(&self) -> Result<usize, StorageError> {
        self.retry_abandoned();
        let batch = self.view_counter.take();
        let merged = self.records.add_views(&batch);
        self.merge_failed.store(merged.is_err(), Ordering::Relaxed);
        if merged.is_err() {
            for delta in &batch {
                // Those that others took the place of meanwhile are lost.
                let _ = self.view_counter.add(delta);
            }
        }
        merged.map(|()| batch.len())
    }

    /// The merged views of an image; none for an unknown id.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn views(&self, id: &ImageId) -> Result<Views, StorageError> {
        self.records.views(id)
    }
}

/// Today's day number, counted from 1970-01-01 UTC.
pub(super) fn today() -> u32 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u32::try_from(since_epoch.as_secs() / SECONDS_PER_DAY).unwrap_or(u32::MAX)
}
