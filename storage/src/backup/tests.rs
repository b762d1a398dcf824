mod copies;
mod damage;
mod rebuilt;
mod removals;

use std::fs;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::*;
use crate::calendar::MS_A_DAY;
use crate::contract::{SAMPLE_MS, SampleBytes, sample_record};
use crate::{Changes, Keyspace, Record, Space, State, Store};

const DAY: u64 = MS_A_DAY;
const NOW: u64 = SAMPLE_MS;

struct House {
    dir: tempfile::TempDir,
    key: BackupKey,
    store: Option<Store>,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Some(Store::open(&dir.path().join("data")).unwrap());
        let key = BackupKey::random().unwrap();
        Self { dir, key, store }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn backup(&self) -> PathBuf {
        self.dir.path().join("backup")
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn stop(&mut self) {
        self.store = None;
    }

    fn start(&mut self) -> &Store {
        self.store = Some(Store::open(&self.data()).unwrap());
        self.store()
    }

    fn upload(&self, text: &str) -> Record {
        let mut record = sample_record();
        (record.state, record.bytes) = (State::Public, text.len() as u64);
        record.filename = format!("name of {text}.jpg");
        record.sha256 = Sha256::digest(text).into();
        let bytes = SampleBytes(text.as_bytes().to_vec());
        self.store().commit(&record, &bytes).unwrap();
        record
    }

    fn make(&self, now_ms: u64) -> Made {
        make(
            self.store(),
            &self.backup(),
            &self.key,
            now_ms,
            30,
            &mut || {},
        )
        .unwrap()
    }

    fn restore(&self) -> Restored {
        restore(&self.backup(), &self.key, &self.data(), NOW, None, false).unwrap()
    }

    fn assert_whole(&self, record: &Record, text: &str) {
        let store = self.store();
        let found = store.find(&record.id).unwrap().unwrap();
        assert_eq!((found.state, found.sha256), (State::Public, record.sha256));
        let read = store.read(&record.id, &found.original().unwrap()).unwrap();
        assert_eq!(read.as_deref(), Some(text.as_bytes()));
        let sidecar = store.blobs.sidecar(&record.id).unwrap().unwrap();
        assert_eq!(Record::decode(&sidecar).unwrap(), found);
    }

    fn assert_nothing_of(&self, record: &Record, text: &str) {
        assert_eq!(self.store().find(&record.id).unwrap(), None);
        for mark in [text, record.id.as_str()] {
            assert_eq!(holding(&self.data(), mark), NOWHERE, "{mark}");
        }
    }
}

const NOWHERE: [PathBuf; 0] = [];

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut folders = vec![dir.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Files that hold a text, or are named by it.
fn holding(dir: &Path, text: &str) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap();
        let is_named = path.to_string_lossy().contains(text);
        is_named || bytes.windows(text.len()).any(|at| at == text.as_bytes())
    };
    files(dir).into_iter().filter(holds).collect()
}

#[test]
fn a_lost_data_folder_comes_back_whole() {
    let mut house = House::new();
    let texts = ["first", "second", "second", ""];
    let records = texts.map(|text| house.upload(text));
    house.store().count_view(&records[0].id, NOW);
    let mut changes = Changes::new();
    changes.put(Space::Staff.key(&[b"somebody"]), b"an account");
    Keyspace::commit(house.store(), changes).unwrap();
    let made = house.make(NOW);
    assert_eq!(
        (made.n_images, made.n_new),
        (4, 3),
        "equal bytes are sealed once"
    );
    assert_eq!(made.lost, []);
    house.stop();
    fs::remove_dir_all(house.data()).unwrap();
    let restored = house.restore();
    assert_eq!((restored.n_images, restored.n_written), (4, 4));
    house.start();
    for (record, text) in records.iter().zip(texts) {
        house.assert_whole(record, text);
    }
    let store = house.store();
    assert_eq!(store.count().unwrap(), 4);
    assert_eq!(store.views(&records[0].id).unwrap().total, 1);
    let account = store.get(&Space::Staff.key(&[b"somebody"])).unwrap();
    assert_eq!(account.as_deref(), Some(b"an account".as_slice()));
    assert_eq!(store.with_sha256(&records[1].sha256, 9).unwrap().len(), 2);
    assert_eq!(store.in_state(State::Public, None, 9).unwrap().ids.len(), 4);
    assert_eq!(store.idle_before(u32::MAX, None, 9).unwrap().len(), 4);
    // And once more, over what is there.
    house.stop();
    let again = house.restore();
    assert_eq!(
        (again.n_images, again.n_written, again.was_there),
        (4, 0, true)
    );
}

#[test]
fn p13e_nothing_of_an_image_can_be_read_or_told_from_a_backup() {
    let house = House::new();
    let record = house.upload("Markierung");
    house.make(NOW);
    let sha256 = hex::encode(record.sha256);
    for mark in ["Markierung", record.id.as_str(), &sha256[..16]] {
        assert_eq!(holding(&house.backup(), mark), NOWHERE, "{mark}");
    }
    let other = BackupKey::random().unwrap();
    let error = verify(&house.backup(), &other).unwrap_err();
    assert_eq!(error.code(), "backup-wrong-key");
}

#[test]
fn what_is_there_is_not_sealed_again() {
    let house = House::new();
    house.upload("first");
    assert_eq!(house.make(NOW).n_new, 1);
    house.upload("second");
    let made = house.make(NOW + DAY);
    assert_eq!((made.n_images, made.n_new, made.bytes_new), (2, 1, 6));
    let verified = verify(&house.backup(), &house.key).unwrap();
    assert_eq!((verified.n_snapshots, verified.n_images), (2, 2));
    assert!(verified.lost.is_empty() && verified.damaged.is_empty());
    // Two blobs, and two times database, blobs, erased and about.
    assert_eq!(verified.n_files, 10);
}

#[test]
fn p13e_what_was_deleted_since_does_not_come_back() {
    let mut house = House::new();
    let [kept, deleted] = ["Bleibendes", "Markierung"].map(|text| house.upload(text));
    house.make(NOW);
    house.store().remove(&deleted.id, NOW + DAY).unwrap();
    // The tombstone is in the folder alone.
    house.stop();
    fs::remove_dir_all(house.data().join("db")).unwrap();
    fs::remove_dir_all(house.data().join("blobs")).unwrap();
    let restored = house.restore();
    assert_eq!((restored.n_images, restored.n_erased), (1, 1));
    house.start();
    house.assert_whole(&kept, "Bleibendes");
    house.assert_nothing_of(&deleted, "Markierung");
    // The tombstone is in a newer backup alone.
    house.make(NOW + 2 * DAY);
    house.stop();
    fs::remove_dir_all(house.data()).unwrap();
    let older = restore(
        &house.backup(),
        &house.key,
        &house.data(),
        NOW,
        Some(NOW + DAY),
        false,
    )
    .unwrap();
    assert_eq!((older.made_at_ms, older.n_erased), (NOW, 1));
    house.start();
    house.assert_whole(&kept, "Bleibendes");
    house.assert_nothing_of(&deleted, "Markierung");
    house.stop();
    assert_eq!(house.restore().n_erased, 0);
}

#[test]
fn p11_what_was_deleted_while_it_was_held_comes_back_out_of_sight() {
    let mut house = House::new();
    let record = house.upload("Beweis");
    house.make(NOW);
    let hold = house
        .store()
        .update(&record.id, |record| record.legal_hold = true);
    hold.unwrap();
    house.store().remove(&record.id, NOW + DAY).unwrap();
    house.stop();
    fs::remove_dir_all(house.data().join("db")).unwrap();
    assert_eq!(house.restore().held, [record.id]);
    let found = house.start().find(&record.id).unwrap().unwrap();
    assert_eq!((found.state, found.legal_hold), (State::Removed, true));
    assert_eq!(house.store().count().unwrap(), 1);
}

#[test]
fn p13e_a_backup_ends_with_everything_that_it_alone_needs() {
    let house = House::new();
    let deleted = house.upload("Markierung");
    house.upload("Bleibendes");
    let first = house.make(NOW);
    assert_eq!((first.n_ended, first.n_dropped), (0, 0));
    house.store().remove(&deleted.id, NOW + DAY).unwrap();
    let second = house.make(NOW + 2 * DAY);
    assert_eq!((second.n_ended, second.n_dropped), (0, 0));
    let third = house.make(NOW + 30 * DAY);
    assert_eq!((third.n_ended, third.n_dropped), (1, 1));
    let verified = verify(&house.backup(), &house.key).unwrap();
    assert_eq!((verified.n_snapshots, verified.n_images), (2, 1));
    assert_eq!(fs::read_dir(house.backup().join("tmp")).unwrap().count(), 0);
}

#[test]
fn lost_images_come_back_and_those_that_cannot_are_named() {
    let mut house = House::new();
    let texts: Vec<String> = (0..8).map(|n| format!("picture {n}")).collect();
    let records: Vec<Record> = texts.iter().map(|text| house.upload(text)).collect();
    house.make(NOW);
    let late = house.upload("later");
    // Of some the bytes are lost here, of one in the backup too.
    for record in records.iter().take(4).chain([&late]) {
        house.store().blobs.remove(&record.id).unwrap();
    }
    let set = set::Set::open(&house.backup(), &house.key).unwrap();
    fs::remove_file(set.blob_path(&set.name_of(&records[0]))).unwrap();
    let damaged = set.blob_path(&set.name_of(&records[1]));
    let mut bytes = fs::read(&damaged).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&damaged, bytes).unwrap();
    let verified = verify(&house.backup(), &house.key).unwrap();
    let mut named: Vec<ImageId> = verified.lost.iter().map(|lost| lost.id).collect();
    named.sort_unstable();
    let mut expected = [records[0].id, records[1].id];
    expected.sort_unstable();
    assert_eq!(named, expected);
    assert_eq!(verified.damaged, [damaged]);

    house.stop();
    let restored = house.restore();
    assert!(restored.was_there);
    assert_eq!((restored.n_images, restored.n_written), (6, 2));
    let mut named: Vec<ImageId> = restored.lost.iter().map(|lost| lost.id).collect();
    named.sort_unstable();
    assert_eq!(named, expected);
    house.start();
    for (record, text) in records.iter().zip(&texts).skip(2) {
        house.assert_whole(record, text);
    }
}

#[test]
fn what_is_damaged_in_the_store_is_named_and_not_taken() {
    let mut house = House::new();
    let [whole, damaged, gone] = ["whole", "damaged", "gone"].map(|text| house.upload(text));
    let original = |record: &Record| {
        let found = files(&house.data().join("blobs")).into_iter();
        let mut found = found.filter(|path| path.to_string_lossy().contains(record.id.as_str()));
        found.find(|path| path.ends_with("original.jpg")).unwrap()
    };
    fs::write(original(&damaged), "damagEd").unwrap();
    fs::remove_file(original(&gone)).unwrap();
    let made = house.make(NOW);
    assert_eq!((made.n_images, made.lost.len()), (1, 2));
    house.stop();
    fs::remove_dir_all(house.data()).unwrap();
    let restored = house.restore();
    assert_eq!((restored.n_images, restored.lost.len()), (1, 2));
    house.start();
    house.assert_whole(&whole, "whole");
    assert_eq!(house.store().count().unwrap(), 1);
    for record in [&damaged, &gone] {
        assert_eq!(house.store().find(&record.id).unwrap(), None);
    }
}

#[test]
fn a_backup_of_a_store_in_use_is_of_one_moment() {
    let mut house = House::new();
    for n in 0..40 {
        house.upload(&format!("picture {n}"));
    }
    let is_done = std::sync::atomic::AtomicBool::new(false);
    let made = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut n = 0;
            while !is_done.load(std::sync::atomic::Ordering::Acquire) {
                let record = house.upload(&format!("late {n}"));
                let deleted = house.upload(&format!("deleted {n}"));
                house.store().remove(&deleted.id, NOW).unwrap();
                let mut changes = Changes::new();
                changes.put(Space::Jobs.key(&[record.id.as_bytes()]), b"with it");
                Keyspace::commit(house.store(), changes).unwrap();
                n += 1;
            }
        });
        let made = [NOW, NOW + 1].map(|now| {
            make(
                house.store(),
                &house.backup(),
                &house.key,
                now,
                30,
                &mut || {},
            )
        });
        is_done.store(true, std::sync::atomic::Ordering::Release);
        made
    });
    for made in made {
        assert_eq!(made.unwrap().lost, []);
    }
    house.stop();
    fs::remove_dir_all(house.data()).unwrap();
    let restored = house.restore();
    assert_eq!(restored.lost, []);
    let store = house.start();
    assert_eq!(store.count().unwrap(), restored.n_images);
    // Whatever came with an image came with all that was before it.
    for entry in store.range(&Space::Jobs.all(), 100_000).unwrap() {
        let id = ImageId::from_bytes(&entry.key[2..]).unwrap();
        assert!(store.find(&id).unwrap().is_some());
    }
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let house = House::new();
    house.upload("first");
    fs::create_dir(house.backup()).unwrap();
    fs::write(house.backup().join("thesis.tex"), "years of work").unwrap();
    let made = make(
        house.store(),
        &house.backup(),
        &house.key,
        NOW,
        30,
        &mut || {},
    );
    assert_eq!(made.unwrap_err().code(), "backup-missing");
    let error = restore(&house.backup(), &house.key, &house.data(), NOW, None, false).unwrap_err();
    assert_eq!(error.code(), "backup-missing");
    assert_eq!(files(&house.backup()).len(), 1);
}

#[test]
fn a_running_service_is_not_restored_into() {
    let house = House::new();
    house.upload("first");
    house.make(NOW);
    let error = restore(&house.backup(), &house.key, &house.data(), NOW, None, false).unwrap_err();
    assert_eq!(error.code(), "storage-locked");
    let dated = restore(
        &house.backup(),
        &house.key,
        &house.data(),
        NOW,
        Some(NOW - 1),
        false,
    );
    assert_eq!(dated.unwrap_err().code(), "backup-no-snapshot");
}
