//! Views: counted in memory, written in batches.

use std::sync::atomic::Ordering;

use super::Store;
use crate::{ImageId, StorageError, ViewDelta, Views, calendar};

impl Store {
    /// Counts a view, in memory: what was not [merged](Store::merge_views) is
    /// lost with a killed process. Never fails a view; when neither memory nor
    /// database takes it, it is not counted.
    pub fn count_view(&self, id: &ImageId, now_ms: u64) {
        let delta = ViewDelta {
            id: *id,
            n_views: 1,
            day: calendar::day(now_ms),
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

    /// Adds views that were counted elsewhere, at once. Ids without a record are
    /// left out.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn add_views(&self, batch: &[ViewDelta]) -> Result<(), StorageError> {
        self.records.add_views(batch)
    }

    /// The merged views of an image; none for an unknown id.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn views(&self, id: &ImageId) -> Result<Views, StorageError> {
        self.records.views(id)
    }
}
