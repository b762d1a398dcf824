use std::os::unix::fs::MetadataExt;

use super::*;
use crate::contract::{SAMPLE_MS, SampleBytes, sample_record};
use crate::{KeyRange, Store};

#[test]
fn every_field_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let (public, pending) = (sample_record(), sample_record());
    let (public, held) = {
        let store = Store::open(dir.path()).unwrap();
        let held = sample_record();
        for record in [&public, &pending, &held] {
            store
                .commit(record, &SampleBytes(b"original".to_vec()))
                .unwrap();
        }
        for _ in 0..3 {
            store.count_view(&public.id, SAMPLE_MS);
        }
        store.merge_views().unwrap();
        store
            .update(&held.id, |record| record.legal_hold = true)
            .unwrap();
        store.remove(&held.id, SAMPLE_MS).unwrap();
        let public = store
            .update(&public.id, |record| record.state = State::Public)
            .unwrap();
        (public.unwrap(), store.find(&held.id).unwrap().unwrap())
    };
    let (report, events) = repaired(dir.path());
    assert_eq!(
        (report.n_rebuilt, report.n_views_kept, report.n_skipped),
        (3, 1, 0)
    );
    assert_eq!(report.old_database, Some(dir.path().join("db.replaced-1")));
    assert!(matches!(
        events[0],
        RepairEvent::OldDatabase { unreadable: None }
    ));

    let store = Store::open(dir.path()).unwrap();
    for record in [&public, &pending, &held] {
        assert_eq!(store.find(&record.id).unwrap().as_ref(), Some(record));
    }
    assert_eq!(store.count().unwrap(), 3);
    assert_eq!(store.views(&public.id).unwrap().total, 3);
    assert_eq!(
        store.in_state(State::Public, None, 9).unwrap().ids,
        [public.id]
    );
    assert_eq!(
        store.in_state(State::Pending, None, 9).unwrap().ids,
        [pending.id]
    );
    assert_eq!(
        store.in_state(State::Removed, None, 9).unwrap().ids,
        [held.id]
    );
}

#[test]
fn what_staff_did_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let put = |n: u32| {
        let store = Store::open(dir.path()).unwrap();
        let mut changes = Changes::new();
        for idx in 0..n {
            for space in Space::ALL {
                changes.put(space.key(&[&idx.to_be_bytes()]), idx.to_be_bytes());
            }
        }
        Keyspace::commit(&store, changes).unwrap();
        store.range(&KeyRange::prefix(b"m"), 100_000).unwrap()
    };
    let stored = put(600);
    let (report, _) = repaired(dir.path());
    assert_eq!(report.n_entries_kept, 600 * Space::ALL.len() as u64);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(
        store.range(&KeyRange::prefix(b"m"), 100_000).unwrap(),
        stored
    );
}

#[test]
fn what_does_not_fit_is_reported_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let [fine, cut, no_sidecar, garbled, other, gone] = [(); 6].map(|()| sample_record());
    {
        let store = Store::open(dir.path()).unwrap();
        for record in [&fine, &cut, &no_sidecar, &garbled, &other, &gone] {
            store
                .commit(record, &SampleBytes(b"original".to_vec()))
                .unwrap();
        }
    }
    let folder = |record: &Record| folder_of(dir.path(), &record.id);
    // Not written in place: the file is that of the others too.
    fs::remove_file(folder(&cut).join("original.jpg")).unwrap();
    fs::write(folder(&cut).join("original.jpg"), b"orig").unwrap();
    fs::remove_file(folder(&no_sidecar).join("record")).unwrap();
    fs::write(folder(&garbled).join("record"), b"\x01{").unwrap();
    fs::write(folder(&other).join("record"), fine.encode()).unwrap();
    fs::remove_file(folder(&gone).join("original.jpg")).unwrap();

    let (report, events) = repaired(dir.path());
    assert_eq!((report.n_rebuilt, report.n_skipped), (1, 5));
    let reason = |record: &Record| {
        let of = |event: &RepairEvent| match event {
            RepairEvent::Skipped { id, reason } if *id == record.id => Some(reason.to_string()),
            _ => None,
        };
        events.iter().find_map(of).unwrap()
    };
    assert_eq!(reason(&cut), "the original has 4 bytes instead of 8");
    assert_eq!(reason(&no_sidecar), "there is no record beside it");
    assert!(reason(&garbled).starts_with("the record beside it cannot be read"));
    assert_eq!(
        reason(&other),
        format!("the record beside it is that of {}", fine.id)
    );
    assert_eq!(reason(&gone), "there is no readable original");
    assert!(folder(&cut).join("original.jpg").exists());
}

#[test]
fn one_flipped_byte_is_a_lost_image() {
    let dir = tempfile::tempdir().unwrap();
    let [fine, flipped] = [(); 2].map(|()| stored_one(dir.path()));
    let original = folder_of(dir.path(), &flipped.id).join("original.jpg");
    fs::remove_file(&original).unwrap();
    fs::write(&original, b"orIginal").unwrap();
    let (report, events) = repaired(dir.path());
    let counts = (report.n_rebuilt, report.n_skipped, report.n_damaged);
    assert_eq!(counts, (1, 1, 1), "{report}");
    assert!(
        report
            .to_string()
            .contains("1 images skipped, 1 of them damaged")
    );
    let is_named = |event: &RepairEvent| matches!(event, RepairEvent::Skipped { id, reason: SkipReason::Damaged } if *id == flipped.id);
    assert!(events.iter().any(is_named), "{events:?}");
    assert_eq!(fs::read(&original).unwrap(), b"orIginal", "left alone");
    let store = Store::open(dir.path()).unwrap();
    assert!(store.records.find(&fine.id).unwrap().is_some());
    assert_eq!(store.records.find(&flipped.id).unwrap(), None);
}

#[test]
fn a_removal_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let record = sample_record();
    {
        let store = Store::open(dir.path()).unwrap();
        store
            .commit(&record, &SampleBytes(b"original".to_vec()))
            .unwrap();
        let removed = Record {
            state: State::Removed,
            ..record.clone()
        };
        store
            .blobs
            .put_sidecar(&record.id, &removed.encode())
            .unwrap();
    }
    let (report, _) = repaired(dir.path());
    assert_eq!((report.n_rebuilt, report.n_removals_finished), (0, 1));
    assert!(!folder_of(dir.path(), &record.id).exists());
}

#[test]
fn a_database_that_is_gone_is_rebuilt_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let record = stored_one(dir.path());
    fs::remove_dir_all(dir.path().join("db")).unwrap();
    for _ in 0..2 {
        let error = Store::open(dir.path()).err().unwrap();
        assert_eq!(error.code(), "storage-corrupt");
        assert!(error.to_string().contains("imgshare repair"), "{error}");
    }
    let store = Store::open_or_repair(dir.path(), SAMPLE_MS).unwrap();
    assert_eq!(store.find(&record.id).unwrap(), Some(record));
    drop(store);
    Store::open(dir.path()).unwrap();
}

#[test]
fn a_database_that_is_damaged_is_rebuilt_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let record = stored_one(dir.path());
    fs::write(dir.path().join("db/conf"), b"not a configuration at all").unwrap();
    let store = Store::open_or_repair(dir.path(), SAMPLE_MS).unwrap();
    assert_eq!(store.find(&record.id).unwrap(), Some(record));
    assert!(dir.path().join("db.replaced-1").exists());
}

#[test]
fn whatever_byte_is_damaged_the_start_needs_no_hand() {
    let dir = tempfile::tempdir().unwrap();
    let record = stored_one(dir.path());
    let data = fs::read(dir.path().join("db/db")).unwrap();
    let step = data.len() / 24;
    for at in (0..data.len()).step_by(step.max(1)) {
        let mut broken = data.clone();
        let end = broken.len().min(at + 4096);
        broken[at..end].fill(0xA5);
        fs::write(dir.path().join("db/db"), &broken).unwrap();
        let store = Store::open_or_repair(dir.path(), SAMPLE_MS).unwrap();
        assert_eq!(
            store.find(&record.id).unwrap().as_ref(),
            Some(&record),
            "damaged at {at}"
        );
        store
            .commit(&sample_record(), &SampleBytes(b"original".to_vec()))
            .unwrap();
    }
}

#[test]
fn a_repair_cut_short_is_run_again() {
    let dir = tempfile::tempdir().unwrap();
    let record = stored_one(dir.path());
    // Cut short while rebuilding, and again between the two renames.
    drop(SledRecords::open(&dir.path().join("db.rebuilt")).unwrap());
    fs::rename(dir.path().join("db"), dir.path().join("db.replaced-1")).unwrap();
    let store = Store::open_or_repair(dir.path(), SAMPLE_MS).unwrap();
    assert_eq!(store.find(&record.id).unwrap(), Some(record));
    assert!(!dir.path().join("db.rebuilt").exists());
}

#[test]
fn a_running_service_keeps_a_repair_out() {
    let dir = tempfile::tempdir().unwrap();
    let _store = Store::open(dir.path()).unwrap();
    assert_eq!(
        Store::open(dir.path()).err().unwrap().code(),
        "storage-locked"
    );
    let error = repair(dir.path(), SAMPLE_MS, &mut |_| {}).unwrap_err();
    assert_eq!(error.code(), "storage-locked");
    repair(&dir.path().join("mistyped"), SAMPLE_MS, &mut |_| {}).unwrap_err();
    assert!(!dir.path().join("mistyped").exists());
}

#[test]
fn bytes_are_kept_once_after_a_repair_too() {
    let dir = tempfile::tempdir().unwrap();
    let inode = |record: &Record| {
        let file = folder_of(dir.path(), &record.id).join("original.jpg");
        fs::metadata(file).unwrap().ino()
    };
    let [first, second] = [(); 2].map(|()| stored_one(dir.path()));
    assert_eq!(inode(&first), inode(&second));
    repaired(dir.path());
    let third = stored_one(dir.path());
    assert_eq!(inode(&first), inode(&third));
    let store = Store::open(dir.path()).unwrap();
    let mut ids = [first.id, second.id, third.id];
    ids.sort_unstable();
    assert_eq!(store.with_sha256(&first.sha256, 9).unwrap(), ids);
}

fn stored_one(dir: &Path) -> Record {
    let store = Store::open(dir).unwrap();
    let record = sample_record();
    store
        .commit(&record, &SampleBytes(b"original".to_vec()))
        .unwrap();
    record
}

fn repaired(dir: &Path) -> (RepairReport, Vec<RepairEvent>) {
    let mut events = Vec::new();
    let report = repair(dir, SAMPLE_MS, &mut |event| events.push(event)).unwrap();
    (report, events)
}

fn folder_of(dir: &Path, id: &ImageId) -> PathBuf {
    let mut outer: Vec<PathBuf> = vec![dir.join("blobs")];
    for _ in 0..2 {
        outer = outer
            .iter()
            .flat_map(|path| fs::read_dir(path).unwrap())
            .map(|entry| entry.unwrap().path())
            .collect();
    }
    let folder = outer
        .into_iter()
        .map(|path| path.join(id.as_str()))
        .find(|path| path.exists());
    folder.unwrap_or_else(|| dir.join("blobs/none"))
}

#[test]
fn p21_what_a_sidecar_hides_is_to_be_purged() {
    let dir = tempfile::tempdir().unwrap();
    let [hidden, removed, shown] = [(); 3].map(|()| Record {
        state: State::Public,
        ..sample_record()
    });
    let store = Store::open(dir.path()).unwrap();
    unpublished::expect_copies(&store, true, SAMPLE_MS).unwrap();
    for record in [&hidden, &removed, &shown] {
        store
            .commit(record, &SampleBytes(b"original".to_vec()))
            .unwrap();
    }
    // As a crash leaves it between the sidecar and the record.
    for (record, state) in [(&hidden, State::Blocked), (&removed, State::Removed)] {
        let ahead = Record {
            state,
            ..record.clone()
        };
        let sidecar = ahead.next_revision().stored_form().unwrap();
        store.blobs.put_sidecar(&record.id, &sidecar).unwrap();
    }
    drop(store);
    repaired(dir.path());
    let store = Store::open(dir.path()).unwrap();
    let waiting = unpublished::waiting(&store, None, 9).unwrap();
    let waiting: Vec<ImageId> = waiting.iter().map(|waiting| waiting.image).collect();
    let mut expected = [hidden.id, removed.id];
    expected.sort_unstable();
    assert_eq!(waiting, expected);
}
