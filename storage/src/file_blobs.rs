//! Blobs as files: `blobs/ab/cd/<id>/` holds `original.<ext>` and the sidecar
//! `record`; `tmp/` holds what is on its way in or out.
//!
//! Originals of equal bytes are one file with several names (hard links): no
//! file is ever written to once it has its name, and removing one name leaves
//! the others.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::durable_fs::{self, Temporary};
use crate::room::ensure_room;
use crate::{BlobReader, Blobs, ImageId, PartName, Storable, StorageError};

/// Room that no upload may take, so that images can still be removed, and
/// states changed, when the disk is full: some thirty segments of the database.
const HEADROOM_BYTES: u64 = 16 << 20;

/// What a probe writes: one block.
const PROBE_BYTES: usize = 4096;

const SIDECAR: &str = "record";
const MARK: &str = "intent";
const GONE: &str = "gone";

/// Images in a folder of the local file system.
#[derive(Debug)]
pub struct FileBlobs {
    blobs: PathBuf,
    tmp: PathBuf,
    headroom_bytes: u64,
    /// Folders whose own names this process knows to be durable. One that is
    /// merely there may have been created by a process that was killed, or by
    /// a thread that has not synced it yet. At most 65,536 entries.
    durable_folders: Mutex<HashSet<[u8; 2]>>,
    n_temporaries: AtomicU64,
}

/// What a new image begins with.
struct NewImage<'a> {
    part: &'a PartName,
    bytes: &'a [u8],
    sidecar: &'a [u8],
    /// An image whose file of the same part is to be shared, not written.
    twin: Option<&'a ImageId>,
}

impl FileBlobs {
    /// Opens `blobs/` and `tmp/` below a data folder, creating what is missing.
    ///
    /// # Errors
    /// When they cannot be created.
    pub fn open(data_dir: &Path) -> Result<Self, StorageError> {
        let (blobs, tmp) = (data_dir.join("blobs"), data_dir.join("tmp"));
        durable_fs::create_dir_all(&blobs)?;
        durable_fs::create_dir_all(&tmp)?;
        durable_fs::sync_dir(data_dir)?;
        Ok(Self {
            blobs,
            tmp,
            headroom_bytes: HEADROOM_BYTES,
            durable_folders: Mutex::default(),
            n_temporaries: AtomicU64::new(0),
        })
    }

    #[cfg(test)]
    pub(crate) fn with_headroom(mut self, bytes: u64) -> Self {
        self.headroom_bytes = bytes;
        self
    }

    /// The image's folder. Two bytes of a hash spread the images over 65,536
    /// folders evenly; the id's own characters would give 11 million.
    fn folder(&self, id: &ImageId) -> PathBuf {
        let [first, second] = shard(id);
        self.blobs
            .join(format!("{first:02x}"))
            .join(format!("{second:02x}"))
            .join(id.as_str())
    }

    /// Creates the folder above the image's folder. What must be synced before
    /// it is durable is added to `unsynced`.
    fn create_parent(
        &self,
        id: &ImageId,
        unsynced: &mut Vec<File>,
    ) -> Result<PathBuf, StorageError> {
        let shard = shard(id);
        let outer = self.blobs.join(format!("{:02x}", shard[0]));
        let inner = outer.join(format!("{:02x}", shard[1]));
        if !self.durable_folders().contains(&shard) {
            durable_fs::create_dir(&outer)?;
            durable_fs::create_dir(&inner)?;
            unsynced.push(durable_fs::open_dir(&self.blobs)?);
            unsynced.push(durable_fs::open_dir(&outer)?);
        }
        Ok(inner)
    }

    fn durable_folders(&self) -> MutexGuard<'_, HashSet<[u8; 2]>> {
        self.durable_folders
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn mark(&self, id: &ImageId) -> PathBuf {
        self.tmp.join(format!("{id}.{MARK}"))
    }

    fn temporary(&self, id: &ImageId, purpose: &str) -> Temporary {
        let n = self.n_temporaries.fetch_add(1, Ordering::Relaxed);
        Temporary::new(self.tmp.join(format!("{id}.{purpose}-{n}")))
    }

    /// Puts the whole image below `tmp/`, and the mark that puts it in doubt.
    /// Nothing of it is durable before `unsynced` is synced. False when the
    /// bytes are not to be had from the twin.
    fn stage(
        &self,
        (staged, mark): (&Path, &Path),
        new: &NewImage<'_>,
        unsynced: &mut Vec<File>,
    ) -> Result<bool, StorageError> {
        durable_fs::create_dir(staged)?;
        let original = staged.join(new.part.to_string());
        unsynced.push(match new.twin {
            None => durable_fs::write_unsynced(&original, new.bytes)?,
            Some(twin) => match self.link_twin(twin, new, &original) {
                Some(file) => file,
                None => return Ok(false),
            },
        });
        unsynced.push(durable_fs::write_unsynced(
            &staged.join(SIDECAR),
            new.sidecar,
        )?);
        durable_fs::remove_any(mark)
            .map_err(|error| StorageError::io(format!("writing {}", mark.display()), error))?;
        durable_fs::write_unsynced(mark, b"")?;
        for folder in [staged, &self.tmp] {
            unsynced.push(durable_fs::open_dir(folder)?);
        }
        Ok(true)
    }

    /// Gives the twin's file a second name. Whatever stands against it (the twin
    /// has gone or is damaged, a file has all the names it may have, a file
    /// system has no second names) ends in a copy.
    fn link_twin(&self, twin: &ImageId, new: &NewImage<'_>, name: &Path) -> Option<File> {
        let file = self.folder(twin).join(new.part.to_string());
        match durable_fs::link_equal(&file, name, new.bytes) {
            Ok(linked) => linked,
            Err(error) => {
                tracing::debug!(%twin, %error, "equal bytes are stored again");
                None
            }
        }
    }

    /// Stores a new image. False when the bytes are not to be had from the twin.
    fn put(&self, id: &ImageId, new: &NewImage<'_>) -> Result<bool, StorageError> {
        if self.folder(id).exists() {
            return Err(StorageError::AlreadyExists { id: *id });
        }
        let bytes_written = new.twin.map_or(byte_count(new.bytes), |_| 0);
        ensure_room(&self.tmp, bytes_written.saturating_add(self.headroom_bytes))?;
        let (staged, mark) = (self.temporary(id, "new"), Temporary::new(self.mark(id)));
        let mut unsynced = Vec::new();
        if !self.stage((staged.path(), mark.path()), new, &mut unsynced)? {
            return Ok(false);
        }
        let parent = self.create_parent(id, &mut unsynced)?;
        durable_fs::sync_together(&unsynced)?;
        self.durable_folders().insert(shard(id));
        staged
            .rename(&self.folder(id))
            .map_err(|error| match error.kind() {
                io::ErrorKind::DirectoryNotEmpty => StorageError::AlreadyExists { id: *id },
                _ => StorageError::io(format!("moving {id} into place"), error),
            })?;
        let shown = durable_fs::sync_dir(&parent);
        if shown.is_ok() || self.remove(id).is_err() {
            // In doubt until the record is there, or until someone can clean up.
            mark.keep();
        }
        shown.map(|()| true)
    }

    /// Puts an image back as it was: bytes that were proved fit for storage before
    /// they came into a backup. They are shared with the twin's where they can be.
    pub(crate) fn restore(
        &self,
        id: &ImageId,
        part: &PartName,
        bytes: &[u8],
        sidecar: &[u8],
        twin: Option<&ImageId>,
    ) -> Result<(), StorageError> {
        let mut new = NewImage {
            part,
            bytes,
            sidecar,
            twin,
        };
        if twin.is_none() || !self.put(id, &new)? {
            new.twin = None;
            self.put(id, &new)?;
        }
        self.settle(id)
    }

    /// What a removal that failed has left below `tmp/`.
    fn half_removed(&self, id: &ImageId) -> Result<Vec<PathBuf>, StorageError> {
        let start = format!("{id}.{GONE}-");
        let names = names(&self.tmp)?.into_iter();
        let names = names.filter(|name| name.starts_with(&start));
        Ok(names.map(|name| self.tmp.join(name)).collect())
    }

    fn read_file(&self, id: &ImageId, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        present(fs::read(self.folder(id).join(name)))
            .map_err(|error| StorageError::io(format!("reading {name} of {id}"), error))
    }
}

impl Blobs for FileBlobs {
    fn put_image(
        &self,
        id: &ImageId,
        part: &PartName,
        bytes: &dyn Storable,
        sidecar: &[u8],
    ) -> Result<(), StorageError> {
        let new = NewImage {
            part,
            bytes: bytes.bytes(),
            sidecar,
            twin: None,
        };
        self.put(id, &new).map(|_| ())
    }

    fn put_twin(
        &self,
        id: &ImageId,
        part: &PartName,
        bytes: &dyn Storable,
        sidecar: &[u8],
        twin: &ImageId,
    ) -> Result<bool, StorageError> {
        let new = NewImage {
            part,
            bytes: bytes.bytes(),
            sidecar,
            twin: Some(twin),
        };
        self.put(id, &new)
    }

    fn settle(&self, id: &ImageId) -> Result<(), StorageError> {
        // Not synced: a mark that comes back after a loss of power is settled
        // by the record, which is durable by now.
        durable_fs::remove_any(&self.mark(id))
            .map_err(|error| StorageError::io(format!("settling {id}"), error))
    }

    fn in_doubt(&self) -> Result<Vec<ImageId>, StorageError> {
        let mut ids = Vec::new();
        for name in names(&self.tmp)? {
            if let Some((id, MARK)) = name.split_once('.') {
                ids.extend(id.parse::<ImageId>());
            }
        }
        Ok(ids)
    }

    fn put_sidecar(&self, id: &ImageId, sidecar: &[u8]) -> Result<(), StorageError> {
        // Whole or not at all.
        let folder = self.folder(id);
        let staged = self.temporary(id, "part");
        durable_fs::write_new(staged.path(), sidecar)?;
        staged
            .rename(&folder.join(SIDECAR))
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => StorageError::NotFound { id: *id },
                _ => StorageError::io(format!("moving {SIDECAR} of {id} into place"), error),
            })?;
        durable_fs::sync_dir(&folder)
    }

    fn read(&self, id: &ImageId, part: &PartName) -> Result<Option<Vec<u8>>, StorageError> {
        self.read_file(id, &part.to_string())
    }

    fn open(&self, id: &ImageId, part: &PartName) -> Result<Option<BlobReader>, StorageError> {
        let open = || {
            let Some(file) = present(File::open(self.folder(id).join(part.to_string())))? else {
                return Ok(None);
            };
            let bytes = file.metadata()?.len();
            Ok(Some(BlobReader::new(file, bytes)))
        };
        open().map_err(|error| StorageError::io(format!("opening {part} of {id}"), error))
    }

    fn sidecar(&self, id: &ImageId) -> Result<Option<Vec<u8>>, StorageError> {
        self.read_file(id, SIDECAR)
    }

    fn remove(&self, id: &ImageId) -> Result<bool, StorageError> {
        let folder = self.folder(id);
        let failed = |error| StorageError::io(format!("removing {id}"), error);
        // By rename, so that no reader and no crash ever sees half an image.
        let n = self.n_temporaries.fetch_add(1, Ordering::Relaxed);
        let gone = self.tmp.join(format!("{id}.{GONE}-{n}"));
        let (removed, gone) = match present(fs::rename(&folder, &gone)).map_err(failed)? {
            Some(()) => (true, vec![gone]),
            None => (false, self.half_removed(id)?),
        };
        if gone.is_empty() {
            return Ok(false);
        }
        durable_fs::sync_dir(folder.parent().unwrap_or(&self.blobs))?;
        for path in gone {
            durable_fs::remove_any(&path).map_err(failed)?;
        }
        Ok(removed)
    }

    fn for_each_id(
        &self,
        visit: &mut dyn FnMut(ImageId) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        for outer in names(&self.blobs)? {
            let outer = self.blobs.join(outer);
            for inner in names(&outer)? {
                for name in names(&outer.join(inner))? {
                    if let Ok(id) = name.parse::<ImageId>()
                        && visit(id).is_break()
                    {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn probe_writable(&self) -> Result<(), StorageError> {
        let probe = [0; PROBE_BYTES];
        ensure_room(
            &self.tmp,
            byte_count(&probe).saturating_add(self.headroom_bytes),
        )?;
        let n = self.n_temporaries.fetch_add(1, Ordering::Relaxed);
        let file = Temporary::new(self.tmp.join(format!("probe-{n}")));
        durable_fs::write_new(file.path(), &probe)
    }

    fn sweep(&self) -> Result<(), StorageError> {
        for name in names(&self.tmp)? {
            let path = self.tmp.join(name);
            durable_fs::remove_any(&path)
                .map_err(|error| StorageError::io(format!("removing {}", path.display()), error))?;
        }
        Ok(())
    }
}

fn shard(id: &ImageId) -> [u8; 2] {
    let hash = Sha256::digest(id.as_bytes());
    [hash[0], hash[1]]
}

fn byte_count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Nothing there is an answer, not an error.
fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The names in a folder, as far as they are text; ours all are. A stray file
/// where a folder is expected has none.
fn names(folder: &Path) -> Result<Vec<String>, StorageError> {
    let list = || {
        fs::read_dir(folder)?
            .filter_map(|entry| {
                entry
                    .map(|entry| entry.file_name().into_string().ok())
                    .transpose()
            })
            .collect::<io::Result<Vec<String>>>()
    };
    match list() {
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(Vec::new()),
        other => {
            other.map_err(|error| StorageError::io(format!("listing {}", folder.display()), error))
        }
    }
}

#[cfg(test)]
mod tests;
