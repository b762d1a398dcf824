//! A disk that fills up, and has room again. Each test has a small file system
//! of its own, which needs the right to mount one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::contract::{SAMPLE_MS, SampleBytes, sample_record};
use crate::room::ensure_room;
use crate::{
    Changes, Keyspace, PartName, Record, Records, SledRecords, Space, StorageError, Store,
};

const MB: usize = 1 << 20;

#[test]
fn uploads_stop_when_the_disk_is_full_and_go_on_when_it_is_not() {
    let Some(disk) = SmallDisk::of_mb(48) else {
        return;
    };
    let store = Store::open(disk.path()).unwrap();
    let mut stored = Vec::new();
    for n_bytes in [MB, 4096] {
        let refused = loop {
            match commit(&store, n_bytes) {
                Ok(record) => stored.push(record),
                Err(error) => break error,
            }
        };
        assert_eq!(refused.code(), "storage-full");
    }
    assert!(stored.len() > 16, "only {} MB fitted", stored.len());
    assert_eq!(store.probe_writable().unwrap_err().code(), "storage-full");
    assert_eq!(n_temporary(disk.path()), 0);
    assert_eq!(store.count().unwrap(), stored.len() as u64);
    for record in &stored {
        assert_eq!(store.find(&record.id).unwrap().as_ref(), Some(record));
        assert!(store.read(&record.id, &original()).unwrap().is_some());
    }

    for record in stored.drain(..4) {
        assert!(
            store.remove(&record.id, SAMPLE_MS).unwrap(),
            "a full disk must not keep what is deleted"
        );
    }
    store.probe_writable().unwrap();
    stored.push(commit(&store, MB).unwrap());
    assert_eq!(store.count().unwrap(), stored.len() as u64);
}

#[test]
fn with_not_one_byte_left_images_can_still_be_removed() {
    let Some(disk) = SmallDisk::of_mb(40) else {
        return;
    };
    let store = Store::open(disk.path()).unwrap();
    let records: Vec<Record> = (0..8).map(|_| commit(&store, MB).unwrap()).collect();
    let filler = disk.fill();
    assert_eq!(commit(&store, MB).unwrap_err().code(), "storage-full");
    for record in &records {
        assert_eq!(store.find(&record.id).unwrap().as_ref(), Some(record));
    }
    // The first removals free the room that the last step of a removal needs.
    let mut n_removed = 0;
    for record in records.iter().chain(&records) {
        n_removed += usize::from(matches!(store.remove(&record.id, SAMPLE_MS), Ok(true)));
        assert_eq!(store.read(&record.id, &original()).unwrap(), None);
    }
    assert_eq!((n_removed, store.count().unwrap()), (8, 0));
    fs::remove_file(filler).unwrap();
    commit(&store, MB).unwrap();
    assert_eq!(n_temporary(disk.path()), 0);
}

#[test]
fn a_database_that_met_a_full_disk_works_again_without_a_restart() {
    let Some(disk) = SmallDisk::of_mb(16) else {
        return;
    };
    let dir = disk.path().join("db");
    // Without asking for room first, so that the database does meet it.
    let records = SledRecords::open(&dir).unwrap().with_write_room(0);
    let mut acknowledged = Vec::new();
    for round in 0..6 {
        let filler = disk.fill();
        let refused = (0..100_000).find_map(|_| insert(&records, &mut acknowledged).err());
        let code = refused.expect("the database never noticed").code();
        assert_eq!(code, "storage-full", "in round {round}");
        for record in &acknowledged {
            match records.find(&record.id) {
                Ok(found) => assert_eq!(found.as_ref(), Some(record)),
                // A page whose newest part could not be written.
                Err(error) => assert_eq!(error.code(), "storage-full"),
            }
        }
        fs::remove_file(filler).unwrap();
        insert(&records, &mut acknowledged).unwrap();
        for record in &acknowledged {
            assert_eq!(records.find(&record.id).unwrap().as_ref(), Some(record));
        }
        records.probe_writable().unwrap();
    }
    drop(records);
    let records = SledRecords::open(&dir).unwrap();
    for record in &acknowledged {
        assert_eq!(records.find(&record.id).unwrap().as_ref(), Some(record));
    }
}

#[test]
fn changes_that_met_a_full_disk_are_made_whole_or_not_at_all() {
    let Some(disk) = SmallDisk::of_mb(16) else {
        return;
    };
    let dir = disk.path().join("db");
    let records = SledRecords::open(&dir).unwrap().with_write_room(0);
    let record = sample_record();
    records.insert(&record).unwrap();
    let add = |n: u32| {
        let mut changes = Changes::new();
        changes.expect(Space::Jobs.key(&[&n.to_be_bytes()]), None);
        for space in [Space::Jobs, Space::Queue] {
            changes.put(space.key(&[&n.to_be_bytes()]), vec![7; 4000]);
        }
        changes.put(Space::Learning.key(&[]), n.to_be_bytes());
        records.commit(changes)
    };
    let mut n_added = 0;
    for round in 0..4 {
        let filler = disk.fill();
        let refused = loop {
            match add(n_added) {
                Ok(()) => n_added += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(refused.code(), "storage-full", "in round {round}");
        fs::remove_file(filler).unwrap();
        match add(n_added) {
            // The refused one had its effect nevertheless.
            Err(error) => assert_eq!(error.code(), "storage-stale"),
            added => added.unwrap(),
        }
        n_added += 1;
    }
    drop(records);
    let records = SledRecords::open(&dir).unwrap();
    for space in [Space::Jobs, Space::Queue] {
        let n_stored = records.range(&space.all(), 100_000).unwrap().len();
        assert_eq!(n_stored, n_added as usize);
    }
    let last = records.get(&Space::Learning.key(&[])).unwrap().unwrap();
    assert_eq!(last, (n_added - 1).to_be_bytes());
    assert_eq!(records.find(&record.id).unwrap(), Some(record));
}

#[test]
fn a_read_only_file_system_is_told_from_a_full_one() {
    let Some(disk) = SmallDisk::of_mb(1) else {
        return;
    };
    ensure_room(disk.path(), 4096).unwrap();
    disk.mount(&["-o", "remount,ro"]);
    assert_eq!(
        ensure_room(disk.path(), 0).unwrap_err().code(),
        "storage-read-only"
    );
    let error = Store::open(disk.path()).err().unwrap();
    assert_eq!(error.code(), "storage-read-only");
}

fn commit(store: &Store, n_bytes: usize) -> Result<Record, StorageError> {
    let mut record = Record {
        bytes: n_bytes as u64,
        ..sample_record()
    };
    // Other bytes each time: equal ones would take no room.
    let mut bytes = vec![0x5A; n_bytes];
    bytes[..12].copy_from_slice(record.id.as_bytes());
    record.sha256[..12].copy_from_slice(record.id.as_bytes());
    store.commit(&record, &SampleBytes(bytes)).map(|()| record)
}

/// Inserts a record of some 4 KB, so that the database grows fast.
fn insert(records: &SledRecords, acknowledged: &mut Vec<Record>) -> Result<(), StorageError> {
    let record = Record {
        filename: "a long name ".repeat(240),
        ..sample_record()
    };
    records.insert(&record)?;
    acknowledged.push(record);
    Ok(())
}

fn original() -> PartName {
    PartName::original("jpg").unwrap()
}

fn n_temporary(data_dir: &Path) -> usize {
    fs::read_dir(data_dir.join("tmp")).unwrap().count()
}

/// A file system in memory with a fixed size.
struct SmallDisk {
    dir: tempfile::TempDir,
}

impl SmallDisk {
    fn of_mb(mb: usize) -> Option<Self> {
        let disk = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        let mounted = disk.mount(&["-t", "tmpfs", "-o", &format!("size={mb}m"), "tmpfs"]);
        if !mounted {
            eprintln!("skipped: no file system can be mounted here");
        }
        mounted.then_some(disk)
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn mount(&self, arguments: &[&str]) -> bool {
        let mount = Command::new("mount")
            .args(arguments)
            .arg(self.path())
            .output();
        mount.is_ok_and(|output| output.status.success())
    }

    /// Takes all the room that is left, to the last byte.
    fn fill(&self) -> PathBuf {
        let path = self.path().join("filler");
        let mut file = fs::File::create(&path).unwrap();
        for n_bytes in [MB, 4096, 1] {
            while std::io::Write::write(&mut file, &vec![1; n_bytes]).is_ok_and(|n| n == n_bytes) {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(self.path())
            .output();
    }
}
