//! Backups end though nobody makes new ones, and without their key.

use sha2::{Digest, Sha256};

use super::*;
use crate::backup::{self, BackupKey};

struct Backups {
    house: House,
    dir: tempfile::TempDir,
    key: BackupKey,
}

impl Backups {
    fn new() -> Self {
        Self {
            house: House::new(),
            dir: tempfile::tempdir().unwrap(),
            key: BackupKey::random().unwrap(),
        }
    }

    /// An image whose hash is that of its bytes: others are not taken.
    fn upload(&self, text: &str) -> Record {
        let record = Record {
            state: State::Public,
            bytes: text.len() as u64,
            sha256: Sha256::digest(text).into(),
            ..sample_record_at(START)
        };
        let bytes = SampleBytes(text.as_bytes().to_vec());
        self.house.store().commit(&record, &bytes).unwrap();
        record
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("backup")
    }

    fn make(&self, now_ms: u64) {
        let (store, folder) = (self.house.store(), self.folder());
        backup::make(store, &folder, &self.key, now_ms, 30, &mut || {}).unwrap();
    }

    fn n_files(&self, part: &str) -> usize {
        let folders = fs::read_dir(self.folder().join(part)).unwrap();
        let files = folders.map(|folder| fs::read_dir(folder.unwrap().path()).unwrap().count());
        files.sum()
    }

    fn ages(&self, now_ms: u64) -> Ages {
        self.house.retention().ages(now_ms).unwrap()
    }

    fn is_known(&self) -> bool {
        let known = crate::KeyRange::prefix(&Space::Retention.key(&[b"b"]));
        !self.house.store().range(&known, 9).unwrap().is_empty()
    }
}

/// Something was begun anew, so that no restore makes all of the loss good; once no
/// backup can, nothing says so any more.
#[test]
fn a_loss_is_noted_as_long_as_a_backup_may_make_it_good() {
    let house = House::new();
    let store = house.store();
    let mut changes = crate::Changes::new();
    let lost = serde_json::json!({"at_ms": START, "spaces": [b'g']});
    let key = crate::repair::lost::key();
    changes.put(key.clone(), crate::staff::kept::encode(&lost));
    crate::Keyspace::commit(store, changes).unwrap();
    let over = START + u64::from(backup::DAYS_MAX) * DAY;
    assert_eq!(house.n_due(Job::Backups, over - 1), 0);
    house.keep(over - 1);
    assert!(store.get(&key).unwrap().is_some());
    let planned = house.retention().plan(Job::Backups, over).unwrap();
    assert_eq!(planned.some, ["the note of a loss on 2025-06-15"]);
    house.keep(over);
    assert_eq!(store.get(&key).unwrap(), None);
    assert_eq!(house.n_due(Job::Backups, over), 0);
}

#[test]
fn p13e_backups_end_though_nobody_makes_new_ones() {
    let backups = Backups::new();
    let house = &backups.house;
    let [deleted, kept] = ["Markierung", "Bleibendes"].map(|text| backups.upload(text));
    backups.make(START);
    house.store().remove(&deleted.id, START + DAY).unwrap();
    backups.make(START + 2 * DAY);
    assert_eq!(backups.n_files("blobs"), 2);
    let (first, second) = (START + 30 * DAY, START + 32 * DAY);
    assert_eq!(backups.ages(first - 1).oldest_backup_ms, 30 * DAY - 1);
    assert_eq!(house.n_due(Job::Backups, first - 1), 0);
    let planned = house.retention().plan(Job::Backups, first).unwrap();
    assert_eq!(planned.n_due, 1);
    assert!(
        planned.some[0].ends_with("backup of 2025-06-15"),
        "{planned:?}"
    );
    assert_eq!(backups.n_files("blobs"), 2, "a plan changes nothing");
    house.keep(first);
    // What only the first one needed is gone, and the second one is whole.
    assert_eq!(backups.n_files("blobs"), 1);
    let verified = backup::verify(&backups.folder(), &backups.key).unwrap();
    assert_eq!((verified.n_snapshots, verified.n_images), (1, 1));
    assert!(verified.lost.is_empty() && verified.damaged.is_empty());
    assert!(house.is_there(&kept) && backups.is_known());
    house.keep(second);
    assert_eq!(
        (backups.n_files("blobs"), backups.n_files("snapshots")),
        (0, 0)
    );
    assert_eq!(backups.ages(second), Ages::default());
    assert!(!backups.is_known());
    // One that is made later is known again.
    backups.make(second + DAY);
    assert!(backups.is_known());
}

#[test]
fn p13e_a_folder_that_cannot_be_reached_is_counted_and_ends_when_it_is_back() {
    let backups = Backups::new();
    let house = &backups.house;
    backups.upload("Bleibendes");
    backups.make(START);
    let away = backups.dir.path().join("away");
    fs::rename(backups.folder(), &away).unwrap();
    let over = START + 40 * DAY;
    house.keep(over);
    assert_eq!(backups.ages(over).n_backup_folders_lost, 1);
    assert_eq!(house.n_due(Job::Backups, over), 0);
    fs::rename(&away, backups.folder()).unwrap();
    assert_eq!(backups.ages(over).n_backup_folders_lost, 0);
    assert_eq!(house.n_due(Job::Backups, over), 1);
    house.keep(over);
    assert_eq!(backups.n_files("snapshots"), 0);
    assert!(!backups.is_known());
    // One that never comes back is forgotten at last.
    backups.make(over);
    fs::remove_dir_all(backups.folder()).unwrap();
    house.keep(over + (30 + 365) * DAY - 1);
    assert!(backups.is_known());
    house.keep(over + (30 + 365) * DAY);
    assert!(!backups.is_known());
}

/// As backups of before, or with a file lost: nothing is dropped that may be needed.
#[test]
fn a_backup_that_does_not_say_what_it_needs_keeps_everything() {
    let backups = Backups::new();
    let house = &backups.house;
    let deleted = backups.upload("Markierung");
    backups.upload("Bleibendes");
    backups.make(START);
    house.store().remove(&deleted.id, START + DAY).unwrap();
    backups.make(START + 20 * DAY);
    let snapshots = backups.folder().join("snapshots");
    let newer = fs::read_dir(snapshots)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    fs::remove_file(newer.max().unwrap().join("needs")).unwrap();
    house.keep(START + 30 * DAY);
    assert_eq!(backups.n_files("blobs"), 2);
    house.keep(START + 50 * DAY);
    assert_eq!(backups.n_files("blobs"), 0);
}
