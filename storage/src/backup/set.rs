//! The folder of a backup.
//!
//! | path | holds |
//! |---|---|
//! | `imgshare-backup` | that it is one, and by which key |
//! | `blobs/ab/<name>` | the bytes of an image, sealed; named by a keyed hash |
//! | `snapshots/<ms>/` | a backup: `database`, `blobs` (names it needs), `erased`, `about`; and `needs`, the names of its blobs again, for whoever ends it without the key |
//! | `tmp/` | what is on its way in |
//! | `lock` | held by whoever writes |
//!
//! A snapshot appears whole, by rename, when everything that it needs is durable.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::sealed::{Opener, Sealer, sealed_bytes};
use super::{BackupError, BackupKey};
use crate::durable_fs::{self, Temporary};
use crate::{Record, StorageError};

const MARK: &str = "imgshare-backup";

/// The file of a snapshot that says without a key which blobs it needs.
const NEEDS: &str = "needs";

/// The name of a blob in a backup.
pub(super) type BlobName = [u8; 32];

/// A backup's folder, opened with its key.
pub(super) struct Set {
    root: PathBuf,
    key: BackupKey,
    files_key: [u8; 32],
    /// Held by whoever writes.
    _lock: Option<File>,
}

/// A snapshot by its time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Snapshot {
    pub(super) made_at_ms: u64,
    pub(super) path: PathBuf,
}

impl Set {
    /// Opens a folder to write into, which becomes a backup if it is empty.
    pub(super) fn open_or_create(root: &Path, key: &BackupKey) -> Result<Self, BackupError> {
        durable_fs::create_dir_all(root)?;
        if !root.join(MARK).exists() {
            if !is_unused(root)? {
                return Err(BackupError::NoBackup {
                    path: root.to_owned(),
                });
            }
            let mark = format!("imgshare-backup 1\n{}\n", check_of(key));
            durable_fs::write_new(&root.join(MARK), mark.as_bytes())?;
            durable_fs::sync_dir(root)?;
        }
        let lock = lock(root)?;
        let set = Self {
            _lock: Some(lock),
            ..Self::open(root, key)?
        };
        let tmp = root.join("tmp");
        durable_fs::remove_any(&tmp).map_err(|error| failed(&tmp, error))?;
        for folder in ["tmp", "blobs", "snapshots"] {
            durable_fs::create_dir(&root.join(folder))?;
        }
        durable_fs::sync_dir(root)?;
        Ok(set)
    }

    /// Opens a folder to read from.
    pub(super) fn open(root: &Path, key: &BackupKey) -> Result<Self, BackupError> {
        if check_mark(root)? != check_of(key) {
            return Err(BackupError::WrongKey);
        }
        Ok(Self {
            root: root.to_owned(),
            key: key.clone(),
            files_key: key.for_purpose("files"),
            _lock: None,
        })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The name under which a record's bytes are kept.
    pub(super) fn name_of(&self, record: &Record) -> BlobName {
        self.key.name_of(&record.sha256, record.bytes)
    }

    pub(super) fn blob_path(&self, name: &BlobName) -> PathBuf {
        let name = hex::encode(name);
        self.root.join("blobs").join(&name[..2]).join(&name)
    }

    /// Whether a blob of so many bytes is there, by its size.
    pub(super) fn has_blob(&self, name: &BlobName, bytes: u64) -> bool {
        fs::metadata(self.blob_path(name)).is_ok_and(|file| file.len() == sealed_bytes(bytes))
    }

    /// Seals bytes into a temporary file, which is not durable yet.
    pub(super) fn seal_blob(
        &self,
        name: &BlobName,
        bytes: &[u8],
    ) -> Result<(Temporary, File), BackupError> {
        let staged = Temporary::new(self.root.join("tmp").join(hex::encode(name)));
        let seal = || {
            let file = create(staged.path())?;
            let mut sealer = Sealer::new(BufWriter::new(file), &self.files_key, name)?;
            sealer.write_all(bytes)?;
            sealer
                .finish()?
                .into_inner()
                .map_err(|error| error.into_error())
        };
        let file = seal().map_err(|error| failed(staged.path(), error))?;
        Ok((staged, file))
    }

    /// Puts a sealed file in its place. Durable once the folder is synced, which is
    /// returned.
    pub(super) fn place_blob(
        &self,
        name: &BlobName,
        staged: Temporary,
    ) -> Result<PathBuf, BackupError> {
        let path = self.blob_path(name);
        let folder = path.parent().unwrap_or(&self.root).to_owned();
        if durable_fs::create_dir(&folder)? {
            durable_fs::sync_dir(&self.root.join("blobs"))?;
        }
        staged.rename(&path).map_err(|error| failed(&path, error))?;
        Ok(folder)
    }

    /// A blob's bytes, proved to be those of this hash; `None` where there is none.
    pub(super) fn blob(&self, record: &Record) -> Result<Option<Vec<u8>>, BackupError> {
        let name = self.name_of(record);
        let path = self.blob_path(&name);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| failed(&path, error))?,
        };
        let bytes = self.opened(file, &name, record.bytes);
        let bytes = bytes.map_err(|error| failed(&path, error))?;
        let is_it = bytes.len() as u64 == record.bytes
            && Sha256::digest(&bytes).as_slice() == record.sha256;
        if is_it {
            return Ok(Some(bytes));
        }
        let error = io::Error::new(io::ErrorKind::InvalidData, "these are other bytes");
        Err(failed(&path, error))
    }

    /// Whether a blob's file holds what its name says, whatever it is of.
    pub(super) fn is_whole(&self, name: &BlobName, path: &Path) -> bool {
        let check = || {
            let mut bytes = Opener::new(BufReader::new(File::open(path)?), &self.files_key, name)?;
            let (mut hash, mut n_bytes) = (Sha256::new(), 0_u64);
            let mut buffer = vec![0; 64 << 10];
            loop {
                let n_read = bytes.read(&mut buffer)?;
                if n_read == 0 {
                    break;
                }
                hash.update(&buffer[..n_read]);
                n_bytes = n_bytes.saturating_add(n_read as u64);
            }
            let sha256: [u8; 32] = hash.finalize().into();
            Ok::<bool, io::Error>(self.key.name_of(&sha256, n_bytes) == *name)
        };
        check().unwrap_or(false)
    }

    fn opened(&self, file: File, purpose: &[u8], bytes_max: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let opener = Opener::new(BufReader::new(file), &self.files_key, purpose)?;
        let n_read = opener
            .take(bytes_max.saturating_add(1))
            .read_to_end(&mut bytes)?;
        if n_read as u64 > bytes_max {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(bytes)
    }

    /// Every blob's name with its file.
    pub(super) fn blobs(&self) -> Result<Vec<(BlobName, PathBuf)>, BackupError> {
        blobs_in(&self.root)
    }

    /// A folder for a snapshot that is being made.
    pub(super) fn stage(&self, made_at_ms: u64) -> Result<Temporary, BackupError> {
        let path = self.root.join("tmp").join(format!("{made_at_ms:020}"));
        let staged = Temporary::new(path);
        durable_fs::create_dir(staged.path())?;
        Ok(staged)
    }

    /// Writes a sealed file of a snapshot, durably.
    pub(super) fn write(
        &self,
        snapshot: &Path,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), BackupError> {
        let path = snapshot.join(name);
        let seal = || {
            let mut sealer = Sealer::new(
                BufWriter::new(create(&path)?),
                &self.files_key,
                name.as_bytes(),
            )?;
            write(&mut sealer)?;
            let file = sealer.finish()?.into_inner();
            file.map_err(|error| error.into_error())?.sync_all()
        };
        seal().map_err(|error| failed(&path, error))
    }

    /// Opens a sealed file of a snapshot.
    pub(super) fn read(&self, snapshot: &Path, name: &str) -> Result<impl Read, BackupError> {
        let path = snapshot.join(name);
        let open = || {
            let file = BufReader::new(File::open(&path)?);
            Opener::new(file, &self.files_key, name.as_bytes())
        };
        open().map_err(|error| failed(&path, error))
    }

    /// Lets a snapshot appear.
    pub(super) fn place(&self, staged: Temporary, made_at_ms: u64) -> Result<(), BackupError> {
        durable_fs::sync_dir(staged.path())?;
        let snapshots = self.root.join("snapshots");
        let path = snapshots.join(format!("{made_at_ms:020}"));
        staged.rename(&path).map_err(|error| failed(&path, error))?;
        durable_fs::sync_dir(&snapshots)?;
        Ok(())
    }

    /// Every snapshot, the oldest first.
    pub(super) fn snapshots(&self) -> Result<Vec<Snapshot>, BackupError> {
        snapshots_in(&self.root)
    }

    /// The names of the blobs that a snapshot needs.
    pub(super) fn needed(&self, snapshot: &Snapshot) -> Result<BTreeSet<BlobName>, BackupError> {
        let mut file = self.read(&snapshot.path, "blobs")?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(|error| failed(&snapshot.path, error))?;
        names_in(snapshot, &bytes)
    }
}

/// Every snapshot in a folder, the oldest first.
pub(super) fn snapshots_in(root: &Path) -> Result<Vec<Snapshot>, BackupError> {
    let mut snapshots: Vec<Snapshot> = listed(&root.join("snapshots"))?
        .into_iter()
        .filter_map(|path| {
            let made_at_ms = path.file_name()?.to_str()?.parse().ok()?;
            Some(Snapshot { made_at_ms, path })
        })
        .collect();
    snapshots.sort_unstable();
    Ok(snapshots)
}

/// Every blob's name in a folder, with its file.
pub(super) fn blobs_in(root: &Path) -> Result<Vec<(BlobName, PathBuf)>, BackupError> {
    let mut blobs = Vec::new();
    for folder in listed(&root.join("blobs"))? {
        for path in listed(&folder)? {
            let mut name = BlobName::default();
            let text = path.file_name().unwrap_or_default().to_string_lossy();
            if hex::decode_to_slice(text.as_ref(), &mut name).is_ok() {
                blobs.push((name, path));
            }
        }
    }
    Ok(blobs)
}

/// When the backups in a folder were made, the oldest first; without its key.
pub(super) fn made_at(root: &Path) -> Result<Vec<u64>, BackupError> {
    check_mark(root)?;
    let snapshots = snapshots_in(root)?.into_iter();
    Ok(snapshots.map(|snapshot| snapshot.made_at_ms).collect())
}

/// Writes, durably, which blobs a snapshot needs: their names tell nothing and stand
/// beside them in any case.
pub(super) fn write_needs(snapshot: &Path, needed: &BTreeSet<BlobName>) -> Result<(), BackupError> {
    let names: Vec<u8> = needed.iter().flatten().copied().collect();
    Ok(durable_fs::write_new(&snapshot.join(NEEDS), &names)?)
}

/// Which blobs a snapshot needs, without its key; `None` where it does not say.
pub(super) fn needs(snapshot: &Snapshot) -> Result<Option<BTreeSet<BlobName>>, BackupError> {
    let path = snapshot.path.join(NEEDS);
    match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&path, error)),
        Ok(bytes) => names_in(snapshot, &bytes).map(Some),
    }
}

fn names_in(snapshot: &Snapshot, bytes: &[u8]) -> Result<BTreeSet<BlobName>, BackupError> {
    let (whole, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() {
        let error = io::Error::new(io::ErrorKind::InvalidData, "half a name");
        return Err(failed(&snapshot.path, error));
    }
    Ok(whole.iter().copied().collect())
}

/// The check of the key of a folder that is a backup.
fn check_mark(root: &Path) -> Result<String, BackupError> {
    let none = || BackupError::NoBackup {
        path: root.to_owned(),
    };
    let mark = match fs::read_to_string(root.join(MARK)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(none()),
        other => other.map_err(|error| failed(root, error))?,
    };
    let mut lines = mark.lines();
    if lines.next() != Some("imgshare-backup 1") {
        return Err(none());
    }
    Ok(lines.next().unwrap_or_default().to_owned())
}

/// Whether a folder is not there, or nothing is in it.
pub(super) fn is_unused(root: &Path) -> Result<bool, BackupError> {
    Ok(listed(root)?.iter().all(|path| path.ends_with("lock")))
}

fn check_of(key: &BackupKey) -> String {
    hex::encode(key.for_purpose("check"))
}

pub(super) fn lock(root: &Path) -> Result<File, BackupError> {
    let path = root.join("lock");
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| failed(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(StorageError::Locked {
            path: root.to_owned(),
        }
        .into()),
        Err(fs::TryLockError::Error(error)) => Err(failed(&path, error)),
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

pub(super) fn failed(path: &Path, error: io::Error) -> BackupError {
    if error.kind() == io::ErrorKind::InvalidData {
        return BackupError::Damaged {
            path: path.to_owned(),
            why: error.to_string(),
        };
    }
    StorageError::io(format!("in the backup, {}", path.display()), error).into()
}

/// What is in a folder; nothing where there is none.
fn listed(folder: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let list = || {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        paths.collect::<io::Result<Vec<PathBuf>>>()
    };
    list().map_err(|error| failed(folder, error))
}
