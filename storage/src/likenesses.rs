//! Images that look like a given one, without looking at every record.
//!
//! The records list every likeness on disk, in the order of the hashes. The
//! hashes are in memory as well, in the index that finds them by distance; it is
//! read when it is first asked for, some 100 MB for a million of them, and
//! follows every image that is stored or purged. Which images have a hash is
//! asked of the list: the memory has no ids, and what it knows too much of does
//! no harm.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError, RwLock, RwLockWriteGuard};

use crate::pdq_index::{DISTANCE_MAX, PdqIndex, bits_of};
use crate::{ImageId, Likeness, Record, Records, StorageError, Store};

/// Hashes that are kept in memory: 400 MB. A store with more of them is searched
/// on disk, where each of its hashes is compared.
const HASHES_MAX: usize = 4_000_000;

/// Likenesses read at a time.
const PAGE: usize = 1_024;

/// An image that looks like a wanted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alike {
    /// The image.
    pub id: ImageId,
    /// The hash that was asked for.
    pub to: [u8; 32],
    /// Bits of 256 in which the two differ, at most 31.
    pub distance: u32,
}

/// The hashes in memory.
#[derive(Default)]
pub(crate) struct Likenesses {
    known: RwLock<Known>,
    /// Held by the one who reads them.
    reader: Mutex<()>,
    hashes_max: Option<usize>,
}

#[derive(Default)]
enum Known {
    /// Nobody has asked yet.
    #[default]
    Unread,
    /// They are being read; what is stored meanwhile.
    Reading(Vec<[u8; 32]>),
    /// All of them.
    Read(PdqIndex),
    /// More than are kept in memory.
    TooMany,
}

impl Likenesses {
    /// Takes in what was committed.
    pub(crate) fn note(&self, record: &Record) {
        let Some(hash) = record.likeness() else {
            return;
        };
        match &mut *self.write() {
            // They will be read as they are then.
            Known::Unread | Known::TooMany => {}
            Known::Reading(added) => added.push(hash),
            Known::Read(index) => index.add(hash),
        }
    }

    /// Takes out a hash that no image has any more.
    pub(crate) fn forget(&self, records: &dyn Records, record: &Record) {
        let Some(hash) = record.likeness() else {
            return;
        };
        // Under the lock: whoever stores such an image now notes it afterwards.
        if let Known::Read(index) = &mut *self.write()
            && matches!(records.likenesses(Some(&hash), None, 1), Ok(left) if left.is_empty())
        {
            index.remove(hash);
        }
    }

    /// The hashes near a wanted one, the nearest first; `None` when they are not
    /// in memory.
    fn near(&self, wanted: &[u8; 32]) -> Option<Vec<([u8; 32], u32)>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Known::Read(index) => Some(index.within(&bits_of(wanted), DISTANCE_MAX, usize::MAX)),
            _ => None,
        }
    }

    /// Reads them if that was not done yet. Uploads go on meanwhile.
    fn read(&self, records: &dyn Records) -> Result<(), StorageError> {
        let _reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *self.write() {
            Known::Read(_) | Known::TooMany => return Ok(()),
            known => *known = Known::Reading(Vec::new()),
        }
        let read = self.stored(records);
        let index = match read {
            Ok(Some(hashes)) => PdqIndex::build(hashes),
            Ok(None) => {
                tracing::warn!("too many likenesses for the memory; each search reads them");
                *self.write() = Known::TooMany;
                return Ok(());
            }
            Err(error) => {
                *self.write() = Known::Unread;
                return Err(error);
            }
        };
        let mut known = self.write();
        let added = match std::mem::replace(&mut *known, Known::Read(index)) {
            Known::Reading(added) => added,
            _ => Vec::new(),
        };
        if let Known::Read(index) = &mut *known {
            added.into_iter().for_each(|hash| index.add(hash));
        }
        Ok(())
    }

    /// Every hash once; `None` when they are too many.
    fn stored(&self, records: &dyn Records) -> Result<Option<Vec<[u8; 32]>>, StorageError> {
        let hashes_max = self.hashes_max.unwrap_or(HASHES_MAX);
        let mut hashes: Vec<[u8; 32]> = Vec::new();
        let mut after = None;
        loop {
            let page = records.likenesses(None, after.as_ref(), PAGE)?;
            for likeness in &page {
                if hashes.last() != Some(&likeness.hash) {
                    hashes.push(likeness.hash);
                }
            }
            if hashes.len() > hashes_max {
                return Ok(None);
            }
            match page.last() {
                Some(last) => after = Some(*last),
                None => return Ok(Some(hashes)),
            }
        }
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at one image; says whether to go on.
type Visit<'a> = dyn FnMut(Alike) -> Result<ControlFlow<()>, StorageError> + 'a;

impl Store {
    /// Reads the likenesses now, so that no search waits for it.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn load_likenesses(&self) -> Result<(), StorageError> {
        self.likenesses.read(&*self.records)
    }

    /// Visits the images that look like one of these, within 31 bits of 256,
    /// whatever their state: exactly those that comparing with every image of
    /// sufficient quality would find. One that looks like several is visited for
    /// each of them.
    ///
    /// # Errors
    /// When they cannot be read, and the visitor's.
    pub fn for_each_alike(
        &self,
        wanted: &[[u8; 32]],
        visit: &mut Visit<'_>,
    ) -> Result<(), StorageError> {
        self.load_likenesses()?;
        let mut seen = HashSet::with_capacity(wanted.len());
        for to in wanted.iter().filter(|to| seen.insert(**to)) {
            let Some(near) = self.likenesses.near(to) else {
                return self.for_each_alike_on_disk(wanted, visit);
            };
            for (hash, distance) in near {
                let found = |id| {
                    visit(Alike {
                        id,
                        to: *to,
                        distance,
                    })
                };
                if self.for_each_with_likeness(&hash, found)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Every image of one hash, page by page.
    fn for_each_with_likeness(
        &self,
        hash: &[u8; 32],
        mut visit: impl FnMut(ImageId) -> Result<ControlFlow<()>, StorageError>,
    ) -> Result<ControlFlow<()>, StorageError> {
        let mut after: Option<Likeness> = None;
        loop {
            let page = self.records.likenesses(Some(hash), after.as_ref(), PAGE)?;
            for likeness in &page {
                if visit(likeness.id)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(*last),
                _ => return Ok(ControlFlow::Continue(())),
            }
        }
    }

    /// The same without the memory: every listed hash is compared.
    fn for_each_alike_on_disk(
        &self,
        wanted: &[[u8; 32]],
        visit: &mut Visit<'_>,
    ) -> Result<(), StorageError> {
        let wanted = PdqIndex::build(wanted.to_vec());
        let mut after: Option<Likeness> = None;
        loop {
            let page = self.records.likenesses(None, after.as_ref(), PAGE)?;
            for likeness in &page {
                let near = wanted.within(&bits_of(&likeness.hash), DISTANCE_MAX, usize::MAX);
                for (to, distance) in near {
                    let id = likeness.id;
                    if visit(Alike { id, to, distance })?.is_break() {
                        return Ok(());
                    }
                }
            }
            match page.last() {
                Some(last) => after = Some(*last),
                None => return Ok(()),
            }
        }
    }
}

#[cfg(test)]
#[path = "likenesses/tests.rs"]
mod tests;
