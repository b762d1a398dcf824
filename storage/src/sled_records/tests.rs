use std::cell::RefCell;
use std::fs;

use super::operations::{set_count, stored_count};
use super::*;
use crate::contract::{keyspace_contract, records_contract, sample_record};
use crate::{Records, State, ViewDelta, Views, record_keys as keys};

#[test]
fn sled_records_keep_the_promise() {
    let dirs = RefCell::new(Vec::new());
    records_contract(|| {
        let dir = tempfile::tempdir().unwrap();
        let records = SledRecords::open(dir.path()).unwrap();
        dirs.borrow_mut().push(dir);
        records
    });
}

#[test]
fn the_keyspace_in_sled_keeps_the_promise() {
    let dirs = RefCell::new(Vec::new());
    keyspace_contract(|| {
        let dir = tempfile::tempdir().unwrap();
        let records = SledRecords::open(dir.path()).unwrap();
        dirs.borrow_mut().push(dir);
        records
    });
}

#[test]
fn everything_is_there_after_closing_and_opening() {
    let dir = tempfile::tempdir().unwrap();
    let mut record = sample_record();
    let removed = sample_record();
    {
        let records = SledRecords::open(dir.path()).unwrap();
        assert!(records.is_new());
        records.insert(&record).unwrap();
        records.insert(&removed).unwrap();
        records
            .add_views(&[ViewDelta {
                id: record.id,
                n_views: 2,
                day: 20_000,
            }])
            .unwrap();
        record.state = State::Public;
        record = records.update(&record).unwrap();
        records.remove(&removed.id).unwrap();
    }
    let records = SledRecords::open(dir.path()).unwrap();
    assert!(!records.is_new());
    assert_eq!(records.find(&record.id).unwrap(), Some(record.clone()));
    assert_eq!(records.find(&removed.id).unwrap(), None);
    assert_eq!(records.count().unwrap(), 1);
    assert_eq!(
        records.in_state(State::Public, None, 9).unwrap().ids,
        [record.id]
    );
    assert_eq!(records.in_state(State::Pending, None, 9).unwrap().ids, []);
    assert_eq!(
        records.views(&record.id).unwrap(),
        Views {
            total: 2,
            last_day: Some(20_000)
        }
    );
}

#[test]
fn a_failed_database_is_opened_again_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let records = SledRecords::open(dir.path()).unwrap();
    let before = sample_record();
    records.insert(&before).unwrap();
    records.failed.store(true, Ordering::Release);
    let after = sample_record();
    records.insert(&after).unwrap();
    assert!(!records.failed.load(Ordering::Acquire));
    assert_eq!(records.find(&before.id).unwrap(), Some(before));
    assert_eq!(records.count().unwrap(), 2);
}

#[test]
fn a_panic_inside_is_an_error_and_over_once_reopened() {
    let dir = tempfile::tempdir().unwrap();
    let records = SledRecords::open(dir.path()).unwrap();
    let always: Result<(), _> = records.write(|_, _| panic!("as sled does on some damage"));
    assert_eq!(always.unwrap_err().code(), "storage-corrupt");
    let once = records.write(|_, attempt| {
        assert!(
            attempt == Attempt::AfterReopen,
            "as sled does on some damage"
        );
        Ok((None, 7))
    });
    assert_eq!(once.unwrap(), 7);
    records.insert(&sample_record()).unwrap();
}

#[test]
fn a_repeated_write_accepts_what_the_first_attempt_did() {
    let dir = tempfile::tempdir().unwrap();
    let records = SledRecords::open(dir.path()).unwrap();
    let record = sample_record();
    let failing_once = |n: &AtomicBool| n.swap(true, Ordering::AcqRel);
    let (inserted, failed) = (AtomicBool::new(false), AtomicBool::new(false));
    // The batch is applied, and only then the attempt fails.
    records
        .write(|db, _| {
            if !failing_once(&inserted) {
                let mut batch = Batch::default();
                batch.insert(keys::record(&record.id), record.encode());
                batch.insert(keys::listed(&record), &[]);
                set_count(&mut batch, 1);
                db.apply_batch(batch.into())?;
            }
            if !failing_once(&failed) {
                return Err(Failure::Engine(sled::Error::Io(
                    io::ErrorKind::Other.into(),
                )));
            }
            assert_eq!(stored_count(db)?, 1);
            Ok((None, ()))
        })
        .unwrap();
    assert_eq!(records.count().unwrap(), 1);
    assert_eq!(
        records.insert(&record).unwrap_err().code(),
        "storage-already-exists"
    );
}

#[test]
fn an_engine_error_is_sorted_by_remedy() {
    use io::ErrorKind as Kind;
    let engine = |kind: Kind| Failure::Engine(sled::Error::Io(kind.into()));
    assert_eq!(
        engine(Kind::StorageFull).into_storage_error().code(),
        "storage-full"
    );
    assert_eq!(
        engine(Kind::ReadOnlyFilesystem).into_storage_error().code(),
        "storage-read-only"
    );
    assert_eq!(
        engine(Kind::UnexpectedEof).into_open_error().code(),
        "storage-corrupt"
    );
    let unsupported = sled::Error::Unsupported("an older layout".into());
    assert_eq!(
        Failure::Engine(unsupported).into_open_error().code(),
        "storage-corrupt"
    );
}

#[test]
fn a_layout_from_the_future_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let records = SledRecords::open(dir.path()).unwrap();
    records
        .write(|_, _| {
            let mut batch = Batch::default();
            batch.insert(keys::FORMAT, &[9]);
            Ok((Some(batch), ()))
        })
        .unwrap();
    drop(records);
    let error = SledRecords::open(dir.path()).unwrap_err();
    assert_eq!(error.code(), "storage-unsupported-version");
}

#[test]
fn damage_is_refused_with_its_remedy() {
    let dir = tempfile::tempdir().unwrap();
    drop(SledRecords::open(dir.path()).unwrap());
    fs::write(dir.path().join("conf"), b"not a configuration at all").unwrap();
    let error = SledRecords::open(dir.path()).unwrap_err();
    assert_eq!(error.code(), "storage-corrupt");
    assert!(error.to_string().contains("imgshare repair"), "{error}");
}

#[test]
fn damage_met_while_running_is_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let records = SledRecords::open(dir.path()).unwrap();
    let met: Result<(), _> = records.read(|_| {
        Err(Failure::Engine(sled::Error::Corruption {
            at: None,
            bt: (),
        }))
    });
    assert_eq!(met.unwrap_err().code(), "storage-corrupt");
    drop(records);
    assert_eq!(
        SledRecords::open(dir.path()).unwrap_err().code(),
        "storage-corrupt"
    );
    SledRecords::open_despite_damage(dir.path()).unwrap();
}

#[test]
fn a_snapshot_cut_short_does_not_keep_it_from_starting() {
    let dir = tempfile::tempdir().unwrap();
    let record = sample_record();
    SledRecords::open(dir.path())
        .unwrap()
        .insert(&record)
        .unwrap();
    let unfinished = dir.path().join("snap.7FFFFFFFFFFFFFFF.generating");
    fs::write(&unfinished, b"cut short").unwrap();
    let records = SledRecords::open(dir.path()).unwrap();
    assert_eq!(records.find(&record.id).unwrap(), Some(record));
    assert!(!unfinished.exists());
}

#[test]
fn a_database_of_an_older_layout_is_listed_by_hash_when_opened() {
    let dir = tempfile::tempdir().unwrap();
    let records = SledRecords::open(dir.path()).unwrap();
    let inserted: Vec<_> = (0..1100).map(|_| sample_record()).collect();
    records
        .load(
            &inserted
                .iter()
                .cloned()
                .map(|record| (record, Views::default()))
                .collect::<Vec<_>>(),
        )
        .unwrap();
    records
        .write(|_, _| {
            let mut batch = Batch::default();
            for record in &inserted {
                for key in &keys::indexes(record)[1..] {
                    batch.remove(key.as_slice());
                }
                batch.remove(keys::used(record, Views::default()));
            }
            batch.insert(keys::FORMAT, &[keys::FORMAT_VERSION_OLDEST]);
            Ok((Some(batch), ()))
        })
        .unwrap();
    let listed = |records: &SledRecords| records.with_sha256(&inserted[0].sha256, 2000).unwrap();
    assert_eq!(listed(&records), []);
    drop(records);
    for _ in 0..2 {
        let records = SledRecords::open(dir.path()).unwrap();
        assert!(!records.is_new());
        assert_eq!(listed(&records).len(), inserted.len());
        assert_eq!(
            records.idle_before(u32::MAX, None, 2000).unwrap().len(),
            inserted.len()
        );
        let alike = records.likenesses(None, None, 2000).unwrap();
        assert_eq!(alike.len(), inserted.len());
        assert_eq!(records.count().unwrap(), 1100);
    }
}
