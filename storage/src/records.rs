//! The trait of what holds the records.

use std::ops::ControlFlow;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{ImageId, Keyspace, Record, State, StorageError, calendar};

/// Holds the records, indexes by state, by exact hash and by likeness, and the view
/// counters;
/// and beside them a [`Keyspace`], whose commits may change records too.
///
/// The promise, checked by `contract`'s suite for every
/// implementation:
///
/// - What [`insert`](Self::insert), [`update`](Self::update),
///   [`remove`](Self::remove) and [`add_views`](Self::add_views) did is durable
///   when they return: it survives kill -9 and loss of power.
/// - Each of them happens whole or not at all, indexes and count included.
/// - An `Err` from one of them leaves it open whether it happened; every other
///   operation works again as soon as the cause is gone, without a restart.
pub trait Records: Keyspace {
    /// Adds a record.
    ///
    /// # Errors
    /// [`StorageError::AlreadyExists`] when the id is taken,
    /// [`StorageError::RecordTooLarge`] beyond [`Record::ENCODED_BYTES_MAX`].
    fn insert(&self, record: &Record) -> Result<(), StorageError>;

    /// The record of an id.
    ///
    /// # Errors
    /// When it cannot be read.
    fn find(&self, id: &ImageId) -> Result<Option<Record>, StorageError>;

    /// Replaces a record if the stored revision is still `record.revision`, and
    /// returns what is stored then: the same with the next revision.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the revision has moved on,
    /// [`StorageError::NotFound`] when there is no record,
    /// [`StorageError::RecordTooLarge`] beyond [`Record::ENCODED_BYTES_MAX`].
    fn update(&self, record: &Record) -> Result<Record, StorageError>;

    /// Removes a record with its views. False when there was none.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn remove(&self, id: &ImageId) -> Result<bool, StorageError>;

    /// Up to `limit` images in a state, at least one, the oldest upload first,
    /// from behind `after` on. Costs what it returns, not what is stored.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn in_state(
        &self,
        state: State,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, StorageError>;

    /// Up to `limit` images whose bytes have this SHA-256, in the order of their
    /// ids, whatever their state. Costs what it returns, not what is stored.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn with_sha256(&self, sha256: &[u8; 32], limit: usize) -> Result<Vec<ImageId>, StorageError>;

    /// Up to `limit` images that were last viewed, or uploaded, before a day, the
    /// longest ago first, from behind `after` on, whatever their state. Costs
    /// what it returns, not what is stored.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn idle_before(
        &self,
        day: u32,
        after: Option<&Idle>,
        limit: usize,
    ) -> Result<Vec<Idle>, StorageError>;

    /// Up to `limit` likenesses, in the order of their hashes and then of their
    /// ids, whatever the state of the images: all of them, or those of one hash;
    /// from behind `after` on. Only those are listed whose quality suffices.
    /// Costs what it returns, not what is stored.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn likenesses(
        &self,
        of: Option<&[u8; 32]>,
        after: Option<&Likeness>,
        limit: usize,
    ) -> Result<Vec<Likeness>, StorageError>;

    /// Adds to the view counters, all at once. Ids without a record are left out.
    /// Views are numbers, not receipts: where a device fails while it makes them
    /// durable, they may be added twice.
    ///
    /// # Errors
    /// When they cannot be written.
    fn add_views(&self, batch: &[ViewDelta]) -> Result<(), StorageError>;

    /// The views of an image; none for an unknown id.
    ///
    /// # Errors
    /// When they cannot be read.
    fn views(&self, id: &ImageId) -> Result<Views, StorageError>;

    /// How many records there are. Does not scan.
    ///
    /// # Errors
    /// When the count cannot be read.
    fn count(&self) -> Result<u64, StorageError>;

    /// Makes everything durable.
    ///
    /// # Errors
    /// When it cannot be made so.
    fn flush(&self) -> Result<(), StorageError>;

    /// Proves by a small durable write that records can be written now.
    ///
    /// # Errors
    /// When they cannot.
    fn probe_writable(&self) -> Result<(), StorageError>;

    /// Writes what is live anew and lets go of the files before: what was deleted
    /// or replaced before the call is in no file when it returns. Reads and writes go on
    /// meanwhile but for a moment at its end. `pace` is called between pieces of the
    /// work, and ends it by [`ControlFlow::Break`]; everything is as before then,
    /// and `None` is returned.
    ///
    /// # Errors
    /// When it cannot be written; everything is as before.
    fn rewrite(
        &self,
        pace: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Option<Rewritten>, StorageError>;

    /// Copies everything, as it is at one moment, into a new database in a
    /// folder. Reads and writes go on meanwhile, writes but for a moment at its end.
    ///
    /// # Errors
    /// When it cannot be written.
    fn copy_to(
        &self,
        dir: &Path,
        pace: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Option<Rewritten>, StorageError>;
}

/// What a rewrite or a copy did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rewritten {
    /// Entries that are live.
    pub n_entries: u64,
    /// How long nothing could be written, in microseconds.
    pub pause_us: u64,
}

/// An image that was last used on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Idle {
    /// The day of its last view, or of its upload, counted from 1970-01-01 UTC.
    pub since_day: u32,
    /// Which.
    pub id: ImageId,
}

/// A place in a state's listing, given out by [`Records::in_state`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    pub(crate) uploaded_at_ms: u64,
    pub(crate) id: ImageId,
}

impl Cursor {
    /// Behind this image.
    #[must_use]
    pub fn new(uploaded_at_ms: u64, id: ImageId) -> Self {
        Self { uploaded_at_ms, id }
    }

    /// When the image was uploaded, and its id: what [`Cursor::new`] takes.
    #[must_use]
    pub fn parts(&self) -> (u64, ImageId) {
        (self.uploaded_at_ms, self.id)
    }

    pub(crate) fn of(record: &Record) -> Self {
        Self {
            uploaded_at_ms: record.uploaded_at_ms,
            id: record.id,
        }
    }
}

/// What an image looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Likeness {
    /// Its PDQ.
    pub hash: [u8; 32],
    /// The image.
    pub id: ImageId,
}

impl Likeness {
    pub(crate) fn of(record: &Record) -> Option<Self> {
        record.likeness().map(|hash| Self {
            hash,
            id: record.id,
        })
    }
}

/// One page of a state's listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The images, the oldest upload first.
    pub ids: Vec<ImageId>,
    /// Where the next page begins; `None` when this one ends the listing.
    pub next: Option<Cursor>,
}

impl Page {
    /// Cuts a listing after `limit` images, at least one.
    pub(crate) fn of(mut listing: impl Iterator<Item = Cursor>, limit: usize) -> Self {
        let listed: Vec<Cursor> = listing.by_ref().take(limit.max(1)).collect();
        let next = if listing.next().is_some() {
            listed.last().copied()
        } else {
            None
        };
        Self {
            ids: listed.into_iter().map(|cursor| cursor.id).collect(),
            next,
        }
    }
}

/// Views of one image to be added to its counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewDelta {
    /// Whose.
    pub id: ImageId,
    /// How many.
    pub n_views: u64,
    /// The day of the last of them, counted from 1970-01-01 UTC.
    pub day: u32,
}

/// How often, and when last, an image was viewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Views {
    /// All views so far.
    pub total: u64,
    /// The day of the last one, counted from 1970-01-01 UTC; `None` before the first.
    pub last_day: Option<u32>,
}

impl Views {
    /// Of an image whose views were lost: it may have been viewed until now, so
    /// that nobody takes it for one that nobody views.
    pub(crate) fn not_known(now_ms: u64) -> Self {
        Self {
            total: 0,
            last_day: Some(calendar::day(now_ms)),
        }
    }

    pub(crate) fn add(self, delta: &ViewDelta) -> Self {
        Self {
            total: self.total.saturating_add(delta.n_views),
            last_day: self.last_day.max(Some(delta.day)),
        }
    }
}
