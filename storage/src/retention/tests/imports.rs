//! Views of a CDN's log are counted once.

use std::path::Path;

use super::*;
use crate::contract::sample_record;
use crate::faults::{Fault, Faulty, Fuse};
use crate::retention::imports::IMPORTS_MAX;
use crate::staff::kept::{self, Kept};
use crate::{Changes, FileBlobs, SledRecords, ViewDelta};

const LOG: LogHash = [7; 32];

#[test]
fn p13a_a_log_is_counted_once_and_goes_on_where_it_was_cut_short() {
    let house = House::new();
    let image = house.upload("seen", START);
    let view = [ViewDelta {
        id: image.id,
        n_views: 5,
        day: calendar::day(START),
    }];
    let (store, now) = (house.store(), START + DAY);
    let begun = begin_import(store, &LOG, now).unwrap();
    assert_eq!((begun.n_batches, begun.is_whole), (0, false));
    for number in [0, 1] {
        import_batch(store, &LOG, number, &view, now).unwrap();
    }
    // Cut short, and begun again from the start of the log.
    assert_eq!(begin_import(store, &LOG, now + DAY).unwrap().n_batches, 2);
    for number in [0, 1, 2] {
        import_batch(store, &LOG, number, &view, now + DAY).unwrap();
    }
    end_import(store, &LOG, now + DAY).unwrap();
    assert_eq!(store.views(&image.id).unwrap().total, 15);
    let again = begin_import(store, &LOG, now + 2 * DAY).unwrap_err();
    assert_eq!(again.code(), "log-imported-already");
    assert!(again.to_string().contains("2025-06-16"), "{again}");
    let late = import_batch(store, &LOG, 3, &view, now + 2 * DAY);
    assert_eq!(late.unwrap_err().code(), "log-imported-already");
    assert_eq!(store.views(&image.id).unwrap().total, 15);
    // Another one is another one; and each is forgotten.
    begin_import(store, &[8; 32], now + 3 * DAY).unwrap();
    let over = now + 400 * DAY;
    assert_eq!(house.n_due(Job::Imports, over - 1), 0);
    assert_eq!(house.n_due(Job::Imports, over), 1);
    house.keep(over);
    assert_eq!(house.n_due(Job::Imports, over), 0);
    assert_eq!(begin_import(store, &LOG, over).unwrap().n_batches, 0);
}

/// A store on files whose changes a fuse may fail.
fn fused(dir: &Path, fuse: &Arc<Fuse>) -> Store {
    let records = SledRecords::open(&dir.join("db")).unwrap();
    let blobs = FileBlobs::open(dir).unwrap();
    Store::new(
        Arc::new(Faulty(records, Arc::clone(fuse))),
        Arc::new(Faulty(blobs, Arc::clone(fuse))),
    )
}

/// Imports a log of three batches, and tells how often its image was seen.
fn import(store: &Store, record: &Record) -> Result<u64, ImportError> {
    let view = [ViewDelta {
        id: record.id,
        n_views: 5,
        day: calendar::day(START),
    }];
    begin_import(store, &LOG, START)?;
    for number in 0..3 {
        import_batch(store, &LOG, number, &view, START)?;
    }
    end_import(store, &LOG, START)?;
    Ok(store.views(&record.id)?.total)
}

#[test]
fn p13a_an_import_that_is_cut_short_anywhere_counts_each_view_once() {
    for fault in [
        Fault::CrashBefore,
        Fault::CrashAfter,
        Fault::Once,
        Fault::OnceAfterEffect,
    ] {
        for at in 0.. {
            let dir = tempfile::tempdir().unwrap();
            let record = sample_record();
            let store = Store::open(dir.path()).unwrap();
            store
                .commit(&record, &SampleBytes(b"original".to_vec()))
                .unwrap();
            drop(store);
            let fuse = Fuse::new(at, fault);
            let first = import(&fused(dir.path(), &fuse), &record);
            let store = Store::open(dir.path()).unwrap();
            // The operator imports the same log again.
            let again = import(&store, &record);
            let is_told = again
                .as_ref()
                .is_err_and(|error| error.code() == "log-imported-already");
            assert!(again.is_ok() || is_told, "{again:?}");
            let seen = store.views(&record.id).unwrap().total;
            assert_eq!(seen, 15, "{fault:?} at {at}");
            if !fuse.struck() {
                assert_eq!(first.unwrap(), 15);
                assert!(at >= 5, "every change was cut short once");
                break;
            }
        }
    }
}

#[test]
fn p13a_a_year_of_hourly_logs_of_several_edges_is_remembered() {
    let house = House::new();
    let store = house.store();
    let n_logs: u64 = 8 * 24 * 366;
    let log = |number: u64| -> LogHash {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        hash
    };
    // Most of them as one import leaves each; the last ones by imports.
    let whole = Import {
        begun_ms: START,
        n_batches: 1,
        is_whole: true,
    };
    for numbers in (0..n_logs).collect::<Vec<_>>().chunks(2_000) {
        let mut changes = Changes::new();
        for number in numbers {
            changes.put(keys::import(&log(*number)), kept::encode(&whole));
        }
        Keyspace::commit(store, changes).unwrap();
    }
    for number in n_logs..n_logs + 3 {
        begin_import(store, &log(number), START + DAY).unwrap();
    }
    let again = begin_import(store, &log(7), START + DAY).unwrap_err();
    assert_eq!(again.code(), "log-imported-already");
    let over = START + 400 * DAY;
    assert_eq!(house.n_due(Job::Imports, over), wide(PLAN_MAX));
    house.keep(over);
    assert_eq!(house.n_due(Job::Imports, over), 0);
    let left = store.range(&keys::imports(), usize::MAX).unwrap();
    assert_eq!(left.len(), 3, "what came a day later is still known");
    let counted = Kept::<u64>::read(store, keys::n_imports())
        .unwrap()
        .unwrap();
    assert_eq!(counted.value, 3);
    // Full is full.
    let mut changes = Changes::new();
    counted.replace(&mut changes, &IMPORTS_MAX);
    Keyspace::commit(store, changes).unwrap();
    let full = begin_import(store, &[9; 32], over).unwrap_err();
    assert_eq!(full.code(), "too-many-imports");
    house.keep(over + DAY);
    begin_import(store, &[9; 32], over + DAY).unwrap();
}
