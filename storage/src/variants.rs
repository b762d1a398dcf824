//! Smaller renderings, kept as long as there is room.
//!
//! A variant can be made again at any time, so nothing about it is durable but
//! its removal. Files lie in `variants/ab/`, apart from the images: this way
//! the start finds out what they take by listing no more than the bound allows,
//! and not every image there is. Writing is a rename without a sync; the name
//! carries a seal over the bytes, and what does not match it is thrown away.

mod shelf;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::durable_fs::{self, Temporary};
use crate::room::ensure_room;
use crate::{ImageId, Part, PartName, Storable, StorageError};
use shelf::{Entry, FileName, Key, Seal, Shelf};

/// Bytes that variants may take where nothing else is said: some 40,000
/// thumbnails.
pub const VARIANT_BYTES_MAX: u64 = 1 << 30;

/// Room that variants leave to the images.
const HEADROOM_BYTES: u64 = 64 << 20;

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
    place: Place,
    shelf: Mutex<Shelf>,
}

#[derive(Debug)]
enum Place {
    Memory(Mutex<HashMap<String, Vec<u8>>>),
    Folder(Folder),
}

impl Variants {
    /// Kept in memory, for as long as the process lives.
    pub(crate) fn memory() -> Self {
        Self {
            place: Place::Memory(Mutex::default()),
            shelf: Mutex::new(Shelf::new(VARIANT_BYTES_MAX)),
        }
    }

    /// Kept below a data folder.
    ///
    /// # Errors
    /// When the folder cannot be created or listed.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, StorageError> {
        let folder = Folder {
            variants: data_dir.join("variants"),
            tmp: data_dir.join("tmp"),
            n_temporaries: AtomicU64::new(0),
        };
        durable_fs::create_dir_all(&folder.variants)?;
        durable_fs::create_dir_all(&folder.tmp)?;
        let found = folder.list()?;
        let mut shelf = Shelf::new(VARIANT_BYTES_MAX);
        let place = Place::Folder(folder);
        for (key, entry) in found {
            if let Some(older) = shelf.put(key.clone(), entry) {
                place.drop_file(&key, &older);
            }
        }
        Ok(Self {
            place,
            shelf: Mutex::new(shelf),
        })
    }

    /// From now on no more than `bytes_max` are kept.
    pub(crate) fn limit(&self, bytes_max: u64) {
        let mut shelf = self.shelf();
        shelf.set_bytes_max(bytes_max);
        self.make_room(&mut shelf);
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
        let mut shelf = self.shelf();
        let replaced = shelf.put(key.clone(), entry.clone());
        if let Some(older) = replaced.filter(|older| *older != entry) {
            self.place.drop_file(&key, &older);
        }
        self.make_room(&mut shelf);
        Ok(())
    }

    /// Removes every variant of an image. They are gone for good when this
    /// returns.
    ///
    /// # Errors
    /// When they cannot be removed.
    pub(crate) fn remove(&self, id: &ImageId) -> Result<(), StorageError> {
        let mut shelf = self.shelf();
        let gone = shelf.take_image(*id);
        if gone.is_empty() {
            return Ok(());
        }
        let mut result = Ok(());
        for (key, entry) in gone {
            if let Err(error) = self.place.remove(&FileName(&key, &entry).to_string()) {
                shelf.put(key, entry);
                result = Err(error);
            }
        }
        drop(shelf);
        result.and_then(|()| self.place.sync(id))
    }

    fn forget(&self, key: &Key, entry: &Entry) {
        let mut shelf = self.shelf();
        if shelf.take(key).as_ref() == Some(entry) {
            self.place.drop_file(key, entry);
        }
    }

    fn make_room(&self, shelf: &mut Shelf) {
        while let Some((key, entry)) = shelf.take_excess() {
            self.place.drop_file(&key, &entry);
        }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn read(&self, file_name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        match self {
            Self::Memory(files) => Ok(lock(files).get(file_name).cloned()),
            Self::Folder(folder) => folder.read(file_name),
        }
    }

    fn write(&self, file_name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        match self {
            Self::Memory(files) => {
                lock(files).insert(file_name.to_owned(), bytes.to_vec());
                Ok(())
            }
            Self::Folder(folder) => folder.write(file_name, bytes),
        }
    }

    fn remove(&self, file_name: &str) -> Result<(), StorageError> {
        match self {
            Self::Memory(files) => {
                lock(files).remove(file_name);
                Ok(())
            }
            Self::Folder(folder) => folder.remove(file_name),
        }
    }

    /// Removes a file that only takes room. If it cannot be, the next start
    /// finds it again.
    fn drop_file(&self, key: &Key, entry: &Entry) {
        if let Err(error) = self.remove(&FileName(key, entry).to_string()) {
            tracing::warn!(%error, "a variant stays until the next start");
        }
    }

    fn sync(&self, id: &ImageId) -> Result<(), StorageError> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Folder(folder) => durable_fs::sync_dir(&folder.of(id.as_str())),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
struct Folder {
    variants: PathBuf,
    tmp: PathBuf,
    n_temporaries: AtomicU64,
}

impl Folder {
    /// One of 256 folders, by a byte of a hash of the file's name or of the id
    /// that it starts with.
    fn of(&self, file_name: &str) -> PathBuf {
        let id = file_name.split('.').next().unwrap_or(file_name);
        let [first, ..]: [u8; 32] = Sha256::digest(id).into();
        self.variants.join(format!("{first:02x}"))
    }

    fn path(&self, file_name: &str) -> PathBuf {
        self.of(file_name).join(file_name)
    }

    fn read(&self, file_name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        match fs::read(self.path(file_name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StorageError::io(format!("reading {file_name}"), error)),
        }
    }

    fn write(&self, file_name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        let n_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        ensure_room(&self.tmp, n_bytes.saturating_add(HEADROOM_BYTES))?;
        let n = self.n_temporaries.fetch_add(1, Ordering::Relaxed);
        let staged = Temporary::new(self.tmp.join(format!("variant-{n}")));
        durable_fs::write_unsynced(staged.path(), bytes)?;
        durable_fs::create_dir(&self.of(file_name))?;
        staged
            .rename(&self.path(file_name))
            .map_err(|error| StorageError::io(format!("moving {file_name} into place"), error))
    }

    fn remove(&self, file_name: &str) -> Result<(), StorageError> {
        durable_fs::remove_any(&self.path(file_name))
            .map_err(|error| StorageError::io(format!("removing {file_name}"), error))
    }

    /// What is there, the oldest first. Strangers' files are left alone.
    fn list(&self) -> Result<Vec<(Key, Entry)>, StorageError> {
        let list = || {
            let mut found: Vec<(SystemTime, Key, Entry)> = Vec::new();
            for folder in fs::read_dir(&self.variants)? {
                let folder = folder?;
                if !folder.file_type()?.is_dir() {
                    continue;
                }
                for file in fs::read_dir(folder.path())? {
                    let file = file?;
                    let (file_name, facts) = (file.file_name(), file.metadata()?);
                    let parsed = file_name
                        .to_str()
                        .and_then(|name| shelf::parse(name, facts.len()));
                    if let Some((key, entry)) = parsed {
                        found.push((facts.modified()?, key, entry));
                    }
                }
            }
            Ok(found)
        };
        let mut found = list().map_err(|error| {
            StorageError::io(format!("listing {}", self.variants.display()), error)
        })?;
        found.sort_by_key(|(made, ..)| *made);
        Ok(found
            .into_iter()
            .map(|(_, key, entry)| (key, entry))
            .collect())
    }
}

#[cfg(test)]
mod tests;
