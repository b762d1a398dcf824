use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::contract::sample_record;
use crate::{Changes, Keyspace, Record, Records, ViewDelta};

const MARKER: &str = "Ferienfoto";

fn opened() -> (tempfile::TempDir, SledRecords) {
    let dir = tempfile::tempdir().unwrap();
    let records = SledRecords::open(&dir.path().join("db")).unwrap();
    (dir, records)
}

/// Files below a folder that hold a text.
fn holding(dir: &Path, text: &str) -> Vec<PathBuf> {
    let mut folders = vec![dir.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if fs::read(&path)
                .unwrap()
                .windows(text.len())
                .any(|window| window == text.as_bytes())
            {
                found.push(path);
            }
        }
    }
    found
}

fn all(records: &SledRecords) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let entries = records.read(|db| Ok(db.iter().collect::<sled::Result<Vec<_>>>()?));
    let entries = entries.unwrap().into_iter();
    entries
        .map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect()
}

fn go_on() -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn p13e_what_was_removed_is_in_no_file_after_a_rewrite() {
    let (dir, records) = opened();
    let (mut kept, removed) = (sample_record(), sample_record());
    kept.filename = "kept".into();
    for record in [&kept, &removed] {
        records.insert(record).unwrap();
    }
    let view = ViewDelta {
        id: kept.id,
        n_views: 3,
        day: 20_000,
    };
    records.add_views(&[view]).unwrap();
    let token = removed.encode();
    let token = String::from_utf8_lossy(&token[token.len() - 40..token.len() - 4]).into_owned();
    records.remove(&removed.id).unwrap();
    for text in [MARKER, removed.id.as_str(), &token] {
        assert!(!holding(dir.path(), text).is_empty(), "{text}");
    }
    let before = all(&records);
    let rewritten = records.rewrite(&mut go_on).unwrap().unwrap();
    assert_eq!(rewritten.n_entries, before.len() as u64);
    assert_eq!(all(&records), before);
    for text in [MARKER, removed.id.as_str(), &token] {
        assert_eq!(holding(dir.path(), text), Vec::<PathBuf>::new(), "{text}");
    }
    records.insert(&sample_record()).unwrap();
    drop(records);
    let records = SledRecords::open(&dir.path().join("db")).unwrap();
    assert_eq!(records.find(&kept.id).unwrap(), Some(kept));
    assert_eq!(records.count().unwrap(), 2);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn nothing_that_is_written_meanwhile_is_lost() {
    let (_dir, records) = opened();
    let stays: Vec<Record> = (0..3 * PAGE).map(|_| sample_record()).collect();
    for record in &stays {
        records.insert(record).unwrap();
    }
    let done = AtomicBool::new(false);
    let (written, removed) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let (mut written, mut removed) = (Vec::new(), Vec::new());
            while !done.load(Ordering::Acquire) {
                let (kept, gone) = (sample_record(), sample_record());
                records.insert(&kept).unwrap();
                records.insert(&gone).unwrap();
                let mut changes = Changes::new();
                changes.put(b"mj", kept.id.as_bytes().as_slice());
                changes.remove_record(gone.id);
                records.commit(changes).unwrap();
                written.push(kept.id);
                removed.push(gone.id);
            }
            (written, removed)
        });
        let rewritten: Vec<_> = (0..3).map(|_| records.rewrite(&mut go_on)).collect();
        done.store(true, Ordering::Release);
        for rewritten in rewritten {
            rewritten.unwrap().unwrap();
        }
        writer.join().unwrap()
    });
    for id in stays.iter().map(|record| &record.id).chain(&written) {
        assert!(records.find(id).unwrap().is_some());
    }
    assert!(removed.iter().all(|id| records.find(id).unwrap().is_none()));
    let expected = (stays.len() + written.len()) as u64;
    assert_eq!(records.count().unwrap(), expected);
    let last = written.last().unwrap().as_bytes().to_vec();
    assert_eq!(records.get(b"mj").unwrap(), Some(last));
}

#[test]
fn a_rewrite_that_is_stopped_changes_nothing() {
    let (dir, records) = opened();
    let record = sample_record();
    records.insert(&record).unwrap();
    let stopped = records.rewrite(&mut || ControlFlow::Break(()));
    assert_eq!(stopped.unwrap(), None);
    assert_eq!(records.find(&record.id).unwrap(), Some(record));
    records.insert(&sample_record()).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_rewrite_cut_short_anywhere_is_finished_or_taken_back() {
    let (dir, records) = opened();
    let record = sample_record();
    records.insert(&record).unwrap();
    drop(records);
    let db = dir.path().join("db");
    let [fresh, stale] = [FRESH, STALE].map(|name| db.with_extension(name));
    let assert_whole = || {
        heal(&db).unwrap();
        let records = SledRecords::open(&db).unwrap();
        assert_eq!(records.find(&record.id).unwrap(), Some(record.clone()));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    };
    // While it is written.
    fs::create_dir(&fresh).unwrap();
    fs::write(fresh.join("db"), b"half").unwrap();
    assert_whole();
    // Between the two renames, of a whole one.
    let records = SledRecords::open(&db).unwrap();
    records.copy_to(&fresh, &mut go_on).unwrap().unwrap();
    drop(records);
    fs::rename(&db, &stale).unwrap();
    assert_whole();
    // Before the old one's end.
    fs::create_dir(&stale).unwrap();
    assert_whole();
    // After the first rename went back.
    fs::rename(&db, &stale).unwrap();
    assert_whole();
}

#[test]
fn a_copy_is_a_database_of_its_own() {
    let (dir, records) = opened();
    let record = sample_record();
    records.insert(&record).unwrap();
    let copy = dir.path().join("copy");
    records.copy_to(&copy, &mut go_on).unwrap().unwrap();
    let before = all(&records);
    records.remove(&record.id).unwrap();
    let copied = SledRecords::open(&copy).unwrap();
    assert_eq!(all(&copied), before);
    assert_eq!(copied.find(&record.id).unwrap(), Some(record));
}
