//! Smaller renderings, kept as long as there is room.
//!
//! A variant can be made again at any time, so nothing about it is durable but
//! its removal. Files lie in `variants/ab/`, apart from the images: this way
//! the start finds out what they take by listing no more than the bound allows,
//! and not every image there is. Writing is a rename without a sync; the name
//! carries a seal over the bytes, and what does not match it is thrown away.

mod place;
mod shelf;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::{ImageId, Part, PartName, Storable, StorageError};
use place::Memory;
pub(crate) use place::{Folder, Place};
use shelf::{Entry, FileName, Key, Seal, Shelf};

/// Bytes that variants may take where nothing else is said: some 40,000
/// thumbnails.
pub const VARIANT_BYTES_MAX: u64 = 1 << 30;

/// Files that could not be dropped and are tried again. More wait for the next
/// start, or for the removal of their image.
const LEFTOVERS_MAX: usize = 1024;

/// How many of them a new variant tries again, so that none waits for all.
const RETRIES: usize = 4;

/// A variant as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVariant {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its extension, without the dot.
    pub extension: String,
    /// The hash of the bytes.
    pub sha256: [u8; 32],
}

/// Every kept variant.
#[derive(Debug)]
pub(crate) struct Variants {
    place: Box<dyn Place>,
    shelf: Mutex<Shelf>,
    /// Files off the shelf that are still there, since dropping them failed.
    leftovers: Mutex<VecDeque<(Key, Entry)>>,
}

impl Variants {
    /// Kept in memory, for as long as the process lives.
    pub(crate) fn memory() -> Self {
        Self::in_place(Box::new(Memory::default()))
    }

    /// Kept in an empty place.
    pub(crate) fn in_place(place: Box<dyn Place>) -> Self {
        Self {
            place,
            shelf: Mutex::new(Shelf::new(VARIANT_BYTES_MAX)),
            leftovers: Mutex::default(),
        }
    }

    /// Kept below a data folder.
    ///
    /// # Errors
    /// When the folder cannot be created or listed.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, StorageError> {
        let folder = Folder::open(data_dir)?;
        let found = folder.list()?;
        let variants = Self::in_place(Box::new(folder));
        for (key, entry) in found {
            let older = variants.shelf().put(key.clone(), entry);
            variants.drop_files(older.map(|older| (key, older)));
        }
        Ok(variants)
    }

    /// From now on no more than `bytes_max` are kept.
    pub(crate) fn limit(&self, bytes_max: u64) {
        let excess = {
            let mut shelf = self.shelf();
            shelf.set_bytes_max(bytes_max);
            shelf.take_excess()
        };
        self.drop_files(excess);
    }

    /// What all of them take on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.shelf().bytes()
    }

    /// The variant of this name; `None` when it is not kept.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub(crate) fn find(
        &self,
        id: &ImageId,
        name: &'static str,
    ) -> Result<Option<StoredVariant>, StorageError> {
        let key = Key {
            id: *id,
            name: name.into(),
        };
        let Some(entry) = self.shelf().touch(&key) else {
            return Ok(None);
        };
        let file_name = FileName(&key, &entry).to_string();
        let bytes = self.place.read(&file_name)?;
        let sha256: Option<[u8; 32]> = bytes.as_ref().map(|bytes| Sha256::digest(bytes).into());
        match (bytes, sha256) {
            (Some(bytes), Some(sha256)) if sha256.starts_with(&entry.seal) => {
                Ok(Some(StoredVariant {
                    bytes,
                    extension: entry.extension.into(),
                    sha256,
                }))
            }
            // Dropped since it was looked up, or not what was written.
            _ => {
                self.forget(&key, &entry);
                Ok(None)
            }
        }
    }

    /// Keeps a variant, in the place of the one of the same name. One that is
    /// larger than all the room there is is not kept.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn put(
        &self,
        id: &ImageId,
        part: &PartName,
        bytes: &dyn Storable,
    ) -> Result<(), StorageError> {
        let Part::Variant(name) = part.part() else {
            return Ok(());
        };
        let bytes = bytes.bytes();
        let n_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if !self.shelf().could_take(n_bytes) {
            return Ok(());
        }
        let key = Key {
            id: *id,
            name: name.into(),
        };
        let sha256: [u8; 32] = Sha256::digest(bytes).into();
        let seal: Seal = *sha256.first_chunk().expect("a hash is longer than a seal");
        let entry = Entry {
            seal,
            extension: part.extension().into(),
            bytes: n_bytes,
        };
        let file_name = FileName(&key, &entry).to_string();
        self.place.write(&file_name, bytes)?;
        let mut gone = {
            let mut shelf = self.shelf();
            let replaced = shelf.put(key.clone(), entry.clone());
            let mut gone = shelf.take_excess();
            gone.extend(
                replaced
                    .filter(|older| *older != entry)
                    .map(|old| (key, old)),
            );
            gone
        };
        let mut leftovers = self.leftovers();
        let n_retries = leftovers.len().min(RETRIES);
        gone.extend(leftovers.drain(..n_retries));
        drop(leftovers);
        self.drop_files(gone);
        Ok(())
    }

    /// Removes every variant of an image, also such as could not be dropped
    /// before. They are gone for good when this returns.
    ///
    /// # Errors
    /// When they may not be; calling again finishes it.
    pub(crate) fn remove(&self, id: &ImageId) -> Result<(), StorageError> {
        self.shelf().take_image(*id);
        let mut result = Ok(());
        for file_name in self.place.files_of(id)? {
            result = result.and(self.place.remove(&file_name));
        }
        result.and_then(|()| self.place.sync(id))
    }

    /// Removes the variants of images that are not `kept`. For the start: what
    /// cannot be removed waits for the next one.
    pub(crate) fn retain(&self, kept: impl Fn(&ImageId) -> bool) {
        let ids = self.shelf().ids();
        for id in ids.iter().filter(|id| !kept(id)) {
            tracing::info!(%id, "variants of an image that is gone are removed");
            if let Err(error) = self.remove(id) {
                tracing::warn!(%id, %error, "variants stay until the next start");
            }
        }
    }

    fn forget(&self, key: &Key, entry: &Entry) {
        let forgotten = {
            let mut shelf = self.shelf();
            let holds = shelf.holds(key, entry);
            holds.then(|| shelf.take(key)).flatten()
        };
        self.drop_files(forgotten.map(|entry| (key.clone(), entry)));
    }

    /// Drops files that are off the shelf. The shelf is free meanwhile: should one
    /// of them be put back just then, it is made once more when it is asked for.
    fn drop_files(&self, files: impl IntoIterator<Item = (Key, Entry)>) {
        for (key, entry) in files {
            if self.shelf().holds(&key, &entry) {
                continue;
            }
            if let Err(error) = self.place.remove(&FileName(&key, &entry).to_string()) {
                tracing::warn!(%error, "a variant is dropped later");
                let mut leftovers = self.leftovers();
                leftovers.push_back((key, entry));
                if leftovers.len() > LEFTOVERS_MAX {
                    leftovers.pop_front();
                }
            }
        }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leftovers(&self) -> MutexGuard<'_, VecDeque<(Key, Entry)>> {
        self.leftovers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
