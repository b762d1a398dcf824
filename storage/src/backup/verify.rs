//! Proving that a backup can be brought back.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::Path;

use super::set::{Set, Snapshot};
use super::{BackupError, BackupKey, Lost, Verified, entries};
use crate::Record;
use crate::record_keys as keys;

/// Reads every file of a backup and says what is not as it was written.
///
/// # Errors
/// When it is no backup, or not of this key.
pub fn verify(root: &Path, key: &BackupKey) -> Result<Verified, BackupError> {
    let set = Set::open(root, key)?;
    let mut found = Verified::default();
    let mut bad = BTreeSet::new();
    for (name, path) in set.blobs()? {
        found.n_files += 1;
        if !set.is_whole(&name, &path) {
            bad.insert(name);
            found.damaged.push(path);
        }
    }
    let snapshots = set.snapshots()?;
    for snapshot in &snapshots {
        found.n_snapshots += 1;
        found.n_images = 0;
        found.lost.clear();
        for name in ["blobs", "erased", "about"] {
            found.n_files += 1;
            if read_all(&set, snapshot, name).is_err() {
                found.damaged.push(snapshot.path.join(name));
            }
        }
        found.n_files += 1;
        let mut visit = |key: Vec<u8>, value: Vec<u8>| {
            if !key.starts_with(keys::RECORD_PREFIX) {
                return Ok(());
            }
            let record = Record::decode(&value);
            let record =
                record.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            let name = set.name_of(&record);
            let why = if bad.contains(&name) {
                "its file in the backup is damaged"
            } else if !set.has_blob(&name, record.bytes) {
                "it is not in the backup"
            } else {
                found.n_images += 1;
                return Ok(());
            };
            found.lost.push(Lost {
                id: record.id,
                why: why.to_owned(),
            });
            Ok(())
        };
        let database = set.read(&snapshot.path, "database");
        let read = database.and_then(|mut file| {
            entries::read(&mut file, &mut visit)
                .map_err(|error| super::set::failed(&snapshot.path, error))
        });
        if read.is_err() {
            found.damaged.push(snapshot.path.join("database"));
        }
    }
    Ok(found)
}

fn read_all(set: &Set, snapshot: &Snapshot, name: &str) -> Result<(), BackupError> {
    let mut file = set.read(&snapshot.path, name)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map(|_| ())
        .map_err(|error| super::set::failed(&snapshot.path, error))
}
