//! Where the files of variants lie: in memory or in a folder.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::shelf::{self, Entry, Key};
use crate::durable_fs::{self, Temporary};
use crate::room::ensure_room;
use crate::{ImageId, StorageError};

/// Room that variants leave to the images.
const HEADROOM_BYTES: u64 = 64 << 20;

/// Holds files by name. Names begin with the image's id and a dot.
pub(crate) trait Place: Send + Sync + fmt::Debug {
    /// A file's bytes; `None` when it is not there.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self, file_name: &str) -> Result<Option<Vec<u8>>, StorageError>;

    /// Writes a file, or replaces it. Nothing about it is durable.
    ///
    /// # Errors
    /// When it cannot be written.
    fn write(&self, file_name: &str, bytes: &[u8]) -> Result<(), StorageError>;

    /// Removes a file; one that is not there is fine.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn remove(&self, file_name: &str) -> Result<(), StorageError>;

    /// The files of an image, whatever is known of them.
    ///
    /// # Errors
    /// When they cannot be listed.
    fn files_of(&self, id: &ImageId) -> Result<Vec<String>, StorageError>;

    /// Makes the removals of an image's files durable.
    ///
    /// # Errors
    /// When they may not be.
    fn sync(&self, id: &ImageId) -> Result<(), StorageError>;
}

/// Files that live as long as the process.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<BTreeMap<String, Vec<u8>>>);

impl Memory {
    fn files(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place for Memory {
    fn read(&self, file_name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.files().get(file_name).cloned())
    }

    fn write(&self, file_name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        self.files().insert(file_name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn remove(&self, file_name: &str) -> Result<(), StorageError> {
        self.files().remove(file_name);
        Ok(())
    }

    fn files_of(&self, id: &ImageId) -> Result<Vec<String>, StorageError> {
        let files = self.files();
        let names = files.keys().filter(|name| is_of(name, id));
        Ok(names.cloned().collect())
    }

    fn sync(&self, _: &ImageId) -> Result<(), StorageError> {
        Ok(())
    }
}

/// Files in `variants/ab/`, by way of `tmp/`.
#[derive(Debug)]
pub(crate) struct Folder {
    variants: PathBuf,
    tmp: PathBuf,
    n_temporaries: AtomicU64,
}

impl Folder {
    /// The folders below a data folder, which are created if they are missing.
    ///
    /// # Errors
    /// When they cannot be created.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, StorageError> {
        let folder = Self {
            variants: data_dir.join("variants"),
            tmp: data_dir.join("tmp"),
            n_temporaries: AtomicU64::new(0),
        };
        durable_fs::create_dir_all(&folder.variants)?;
        durable_fs::create_dir_all(&folder.tmp)?;
        Ok(folder)
    }

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

    /// What is there, the oldest first. Strangers' files are left alone.
    pub(super) fn list(&self) -> Result<Vec<(Key, Entry)>, StorageError> {
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
        let mut found = list().map_err(|error| self.listing_failed(error))?;
        found.sort_by_key(|(made, ..)| *made);
        Ok(found
            .into_iter()
            .map(|(_, key, entry)| (key, entry))
            .collect())
    }

    fn listing_failed(&self, error: io::Error) -> StorageError {
        StorageError::io(format!("listing {}", self.variants.display()), error)
    }
}

impl Place for Folder {
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

    fn files_of(&self, id: &ImageId) -> Result<Vec<String>, StorageError> {
        let list = || {
            let names = fs::read_dir(self.of(id.as_str()))?;
            let names = names.map(|file| Ok(file?.file_name().into_string().ok()));
            names.collect::<io::Result<Vec<Option<String>>>>()
        };
        match list() {
            Ok(names) => {
                let names = names.into_iter().flatten();
                Ok(names.filter(|name| is_of(name, id)).collect())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(self.listing_failed(error)),
        }
    }

    fn sync(&self, id: &ImageId) -> Result<(), StorageError> {
        let folder = self.of(id.as_str());
        if folder.exists() {
            durable_fs::sync_dir(&folder)
        } else {
            Ok(())
        }
    }
}

fn is_of(file_name: &str, id: &ImageId) -> bool {
    let rest = file_name.strip_prefix(id.as_str());
    rest.is_some_and(|rest| rest.starts_with('.'))
}
