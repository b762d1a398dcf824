//! Opening a store, and making whole what a crash left in pieces.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use crate::data_dir::DataDir;
use crate::erased::Erased;
use crate::intact::Look;
use crate::repair::{RepairEvent, repair_locked};
use crate::sled_records::heal;
use crate::variants::Variants;
use crate::{Blobs, FileBlobs, SledRecords, State, StorageError, Store, calendar};

/// Removed images looked at together.
const PURGE_PAGE: usize = 256;

impl Store {
    /// Opens the store in a data folder, creating what is missing, and
    /// [recovers](Store::recover) from a crash.
    ///
    /// # Errors
    /// [`StorageError::Locked`] when another process has it open,
    /// [`StorageError::Corrupt`] when the database cannot be opened, or is gone
    /// while there are images: [`repair`](crate::repair()) rebuilds it.
    pub fn open(data_dir: &Path) -> Result<Self, StorageError> {
        Self::open_at(data_dir, calendar::system_now_ms())
    }

    /// As [`Store::open`], at a time of the caller's.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_at(data_dir: &Path, now_ms: u64) -> Result<Self, StorageError> {
        let data_dir = DataDir::lock(data_dir)?;
        Ok(recovered(&data_dir, now_ms)?.holding(data_dir))
    }

    /// As [`Store::open`], but a damaged database is rebuilt from the sidecars
    /// at once, so that no start ever needs a hand. The old one is put aside.
    ///
    /// # Errors
    /// As [`Store::open`], and when the repair fails.
    pub fn open_or_repair(data_dir: &Path, now_ms: u64) -> Result<Self, StorageError> {
        let data_dir = DataDir::lock(data_dir)?;
        let store = match recovered(&data_dir, now_ms) {
            Err(damage @ StorageError::Corrupt { .. }) => {
                tracing::warn!(error = %damage, "rebuilding the database from the sidecars");
                let report = repair_locked(&data_dir, Look::Size, now_ms, &mut log_event)?;
                tracing::warn!(
                    %report,
                    "the database was rebuilt; images were looked at by their size alone, \
                     `imgshare repair` reads every byte"
                );
                if report.has_lost_entries {
                    tracing::error!(
                        "accounts, holds, reports, requests or other entries beside the records \
                         were lost: stop the service, and `imgshare restore` brings back what a \
                         backup has of them; what is begun anew before that stays instead"
                    );
                }
                recovered(&data_dir, now_ms)?
            }
            other => other?,
        };
        Ok(store.holding(data_dir))
    }

    /// Makes whole what a crash left in pieces: images in doubt are kept or
    /// taken back, removals that had begun are finished, variants without an image
    /// and temporary files go.
    /// For the start, when nothing else uses the store.
    ///
    /// # Errors
    /// When blobs or records cannot be read or written.
    pub fn recover(&self, now_ms: u64) -> Result<(), StorageError> {
        for id in self.blobs.in_doubt()? {
            let recorded = self.records.find(&id)?.is_some();
            let stored = self.blobs.sidecar(&id)?.is_some();
            if recorded && stored {
                self.blobs.settle(&id)?;
            } else {
                tracing::info!(%id, "an upload that a crash cut short is taken back");
                self.undo(&id)?;
            }
        }
        self.finish_removals(now_ms)?;
        self.drop_orphans();
        self.blobs.sweep()
    }

    fn finish_removals(&self, now_ms: u64) -> Result<(), StorageError> {
        let mut after = None;
        loop {
            let page = self
                .records
                .in_state(State::Removed, after.as_ref(), PURGE_PAGE)?;
            for id in &page.ids {
                self.purge_if_removed(id, now_ms)?;
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }
}

fn recovered(data_dir: &DataDir, now_ms: u64) -> Result<Store, StorageError> {
    heal(&data_dir.db())?;
    let (records, blobs) = open_parts(data_dir)?;
    let variants = Variants::open(data_dir.root())?;
    let store = Store::new(Arc::new(records), Arc::new(blobs))
        .with_variants(variants)
        .with_erased(Erased::open(data_dir.root())?);
    store.recover(now_ms)?;
    Ok(store)
}

fn open_parts(data_dir: &DataDir) -> Result<(SledRecords, FileBlobs), StorageError> {
    let blobs = FileBlobs::open(data_dir.root())?;
    let records = SledRecords::open(&data_dir.db())?;
    if records.is_new() && has_images(&blobs)? {
        // Without the mark the next start would take it for a database in use.
        records.mark_damaged();
        return Err(StorageError::Corrupt {
            detail: "there are images, but the database is gone or empty".into(),
        });
    }
    Ok((records, blobs))
}

fn has_images(blobs: &FileBlobs) -> Result<bool, StorageError> {
    let mut any = false;
    blobs.for_each_id(&mut |_| {
        any = true;
        ControlFlow::Break(())
    })?;
    Ok(any)
}

fn log_event(event: RepairEvent) {
    match event {
        RepairEvent::Skipped { id, reason } => {
            tracing::warn!(%id, %reason, "an image could not be rebuilt");
        }
        RepairEvent::EntriesLost { space, error } => {
            tracing::error!(?space, %error, "what staff did is lost in part");
        }
        RepairEvent::OldDatabase {
            unreadable: Some(error),
        } => {
            tracing::error!(%error, "the old database cannot be read: what staff did is lost");
        }
        RepairEvent::OldDatabase { unreadable: None }
        | RepairEvent::Rebuilt { .. }
        | RepairEvent::RemovalFinished { .. } => {}
    }
}
