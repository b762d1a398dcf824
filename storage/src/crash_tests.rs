//! Every point at which a commit, a change or a removal can be cut short, on
//! real files and a real database.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::contract::{SAMPLE_MS, SampleBytes, sample_record};
use crate::faults::{Fault, Faulty, Fuse};
use crate::{
    Blobs, Changes, FileBlobs, ImageId, Keyspace, MemoryBlobs, MemoryRecords, PartName, Record,
    Records, SledRecords, State, Storable, StorageError, Store,
};

const CRASHES: [Fault; 2] = [Fault::CrashBefore, Fault::CrashAfter];
const FAILURES: [Fault; 2] = [Fault::Once, Fault::OnceAfterEffect];

#[test]
fn a_commit_cut_short_anywhere_is_whole_or_nothing() {
    each_crash(|at, fault, dir| {
        let record = sample_record();
        let (committed, struck) = crashing(dir, at, fault, |store| commit(store, &record));
        let store = Store::open(dir).unwrap();
        let kept = is_whole(&store, &record);
        assert!(
            kept || is_nothing(&store, &record.id),
            "half an image after {fault:?} at {at}"
        );
        assert!(kept || committed.is_err(), "an acknowledged image is gone");
        assert_clean(&store, dir);
        struck
    });
}

#[test]
fn a_twin_cut_short_anywhere_leaves_the_other_alone() {
    each_crash(|at, fault, dir| {
        let (first, twin) = (sample_record(), sample_record());
        commit(&Store::open(dir).unwrap(), &first).unwrap();
        let (committed, struck) = crashing(dir, at, fault, |store| commit(store, &twin));
        let store = Store::open(dir).unwrap();
        assert!(is_whole(&store, &first), "damaged by {fault:?} at {at}");
        let kept = is_whole(&store, &twin);
        assert!(kept || is_nothing(&store, &twin.id));
        assert!(kept || committed.is_err(), "an acknowledged image is gone");
        assert_clean(&store, dir);
        struck
    });
}

#[test]
fn a_twins_removal_cut_short_anywhere_leaves_the_other_alone() {
    each_crash(|at, fault, dir| {
        let (first, twin) = (sample_record(), sample_record());
        let store = Store::open(dir).unwrap();
        for record in [&first, &twin] {
            commit(&store, record).unwrap();
        }
        drop(store);
        let (_, struck) = crashing(dir, at, fault, |store| store.remove(&first.id, SAMPLE_MS));
        let store = Store::open(dir).unwrap();
        assert!(is_whole(&store, &twin), "damaged by {fault:?} at {at}");
        assert!(is_nothing(&store, &first.id) || is_served(&store, &first));
        assert_clean(&store, dir);
        struck
    });
}

#[test]
fn a_removal_cut_short_anywhere_is_finished_or_not_begun() {
    each_crash(|at, fault, dir| {
        let record = sample_record();
        commit(&Store::open(dir).unwrap(), &record).unwrap();
        let (removed, struck) =
            crashing(dir, at, fault, |store| store.remove(&record.id, SAMPLE_MS));
        let store = Store::open(dir).unwrap();
        let gone = is_nothing(&store, &record.id);
        assert!(
            gone || is_served(&store, &record),
            "half an image after {fault:?} at {at}"
        );
        assert!(
            gone || removed.is_err(),
            "an acknowledged removal is undone"
        );
        assert_clean(&store, dir);
        struck
    });
}

#[test]
fn a_change_cut_short_anywhere_is_made_or_not() {
    each_crash(|at, fault, dir| {
        let record = sample_record();
        commit(&Store::open(dir).unwrap(), &record).unwrap();
        let publish = |record: &mut Record| record.state = State::Public;
        let (changed, struck) = crashing(dir, at, fault, |store| store.update(&record.id, publish));
        let store = Store::open(dir).unwrap();
        let published = Record {
            state: State::Public,
            revision: 1,
            ..record.clone()
        };
        let found = store.find(&record.id).unwrap().unwrap();
        assert!(found == published || (found == record && changed.is_err()));
        // The sidecar may be ahead, never behind.
        let sidecar = store.blobs.sidecar(&record.id).unwrap().unwrap();
        assert!(Record::decode(&sidecar).unwrap().revision >= found.revision);
        let again = store.update(&record.id, publish).unwrap().unwrap();
        let sidecar = store.blobs.sidecar(&record.id).unwrap().unwrap();
        assert_eq!(Record::decode(&sidecar).unwrap(), again);
        struck
    });
}

#[test]
fn changes_cut_short_anywhere_are_made_together_or_not() {
    each_crash(|at, fault, dir| {
        let records = [sample_record(), sample_record()];
        let store = Store::open(dir).unwrap();
        for record in &records {
            commit(&store, record).unwrap();
        }
        drop(store);
        let (changed, struck) = crashing(dir, at, fault, |store| {
            let mut changes = Changes::new();
            changes.expect(b"mj", None);
            changes.put(b"mj", b"decided");
            for record in &records {
                changes.update_record(Record {
                    state: State::Blocked,
                    ..record.clone()
                });
            }
            Keyspace::commit(store, changes)
        });
        let store = Store::open(dir).unwrap();
        let is_decided = store.get(b"mj").unwrap().is_some();
        assert!(is_decided || changed.is_err(), "{fault:?} at {at}");
        for record in &records {
            let found = store.find(&record.id).unwrap().unwrap();
            assert_eq!(found.state == State::Blocked, is_decided);
            let sidecar = store.blobs.sidecar(&record.id).unwrap().unwrap();
            assert!(Record::decode(&sidecar).unwrap().revision >= found.revision);
        }
        assert_clean(&store, dir);
        struck
    });
}

#[test]
fn an_image_with_changes_cut_short_anywhere_is_whole_or_nothing() {
    each_crash(|at, fault, dir| {
        let record = sample_record();
        let (committed, struck) = crashing(dir, at, fault, |store| {
            let mut changes = Changes::new();
            changes.put(b"mj", b"job");
            let bytes = SampleBytes(b"original".to_vec());
            store.commit_with(&record, &bytes, changes)
        });
        let store = Store::open(dir).unwrap();
        let kept = is_whole(&store, &record);
        assert!(kept || is_nothing(&store, &record.id));
        assert!(kept || committed.is_err(), "an acknowledged image is gone");
        let is_queued = store.get(b"mj").unwrap().is_some();
        assert!(is_queued || !kept, "an image without its job");
        assert_clean(&store, dir);
        struck
    });
}

#[test]
fn a_commit_that_fails_leaves_nothing() {
    for fault in FAILURES {
        for at in 0.. {
            let fuse = Fuse::new(at, fault);
            let store = faulty(MemoryRecords::default(), MemoryBlobs::default(), &fuse);
            let record = sample_record();
            let committed = commit(&store, &record);
            if !fuse.struck() {
                break;
            }
            if committed.is_ok() {
                assert!(is_whole(&store, &record), "{fault:?} at {at}");
            } else {
                assert!(is_nothing(&store, &record.id), "{fault:?} at {at}");
                assert_eq!(store.blobs.in_doubt().unwrap(), []);
            }
        }
    }
}

#[test]
fn what_could_not_be_cleaned_up_is_once_it_can() {
    // The insert takes effect but fails, and so does everything until the
    // fuse is taken out: the removal of blob and record among it.
    let fuse = Fuse::new(1, Fault::CrashAfter);
    let store = faulty(MemoryRecords::default(), MemoryBlobs::default(), &fuse);
    let record = sample_record();
    commit(&store, &record).unwrap_err();
    assert!(is_whole(&store, &record), "nothing could be taken back yet");
    fuse.take_out();
    store.probe_writable().unwrap();
    assert!(is_nothing(&store, &record.id));
    assert_eq!(store.blobs.in_doubt().unwrap(), []);
}

#[test]
fn what_a_crash_leaves_inside_one_step_is_cleared() {
    let dir = tempfile::tempdir().unwrap();
    let kept = sample_record();
    commit(&Store::open(dir.path()).unwrap(), &kept).unwrap();
    let tmp = dir.path().join("tmp");
    let [staged, marked, unrecorded, blobless] = [(); 4].map(|()| sample_record());
    {
        // Written in part, not yet marked; then marked, not yet moved.
        for record in [&staged, &marked] {
            let folder = tmp.join(format!("{}.new-0", record.id));
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("original.jpg"), b"orig").unwrap();
        }
        fs::write(tmp.join(format!("{}.intent", marked.id)), b"").unwrap();
        // Moved, not yet recorded.
        let blobs = FileBlobs::open(dir.path()).unwrap();
        let bytes = SampleBytes(b"original".to_vec());
        let original = PartName::original("jpg").unwrap();
        blobs
            .put_image(&unrecorded.id, &original, &bytes, &unrecorded.encode())
            .unwrap();
        // Being taken back: the blob went, the record did not.
        SledRecords::open(&dir.path().join("db"))
            .unwrap()
            .insert(&blobless)
            .unwrap();
        fs::write(tmp.join(format!("{}.intent", blobless.id)), b"").unwrap();
        // Settled, but the mark came back after a loss of power.
        fs::write(tmp.join(format!("{}.intent", kept.id)), b"").unwrap();
        // A part on its way in, an image on its way out, a probe.
        fs::write(tmp.join(format!("{}.part-0", kept.id)), b"small").unwrap();
        fs::create_dir(tmp.join(format!("{}.gone-0", ImageId::random().unwrap()))).unwrap();
        fs::write(tmp.join("probe-0"), b"").unwrap();
    }
    let store = Store::open(dir.path()).unwrap();
    for record in [&staged, &marked, &unrecorded, &blobless] {
        assert!(is_nothing(&store, &record.id));
    }
    assert!(is_whole(&store, &kept));
    assert_eq!(store.count().unwrap(), 1);
    assert_clean(&store, dir.path());
}

/// Runs a case at every change it makes, before and after its effect, until the
/// case says that there was none left to strike at.
fn each_crash(case: impl Fn(usize, Fault, &Path) -> bool) {
    for fault in CRASHES {
        let mut n_struck = 0;
        for at in 0.. {
            let dir = tempfile::tempdir().unwrap();
            if !case(at, fault, dir.path()) {
                break;
            }
            n_struck += 1;
        }
        assert!(n_struck >= 2, "only {n_struck} changes were cut short");
    }
}

/// Does something in a process that dies at a change; says whether it came so far.
fn crashing<T>(
    dir: &Path,
    at: usize,
    fault: Fault,
    act: impl FnOnce(&Store) -> Result<T, StorageError>,
) -> (Result<T, StorageError>, bool) {
    let fuse = Fuse::new(at, fault);
    let blobs = FileBlobs::open(dir).unwrap();
    let records = SledRecords::open(&dir.join("db")).unwrap();
    let result = act(&faulty(records, blobs, &fuse));
    (result, fuse.struck())
}

fn faulty<R, B>(records: R, blobs: B, fuse: &Arc<Fuse>) -> Store
where
    R: Records + 'static,
    B: Blobs + 'static,
{
    Store::new(
        Arc::new(Faulty(records, fuse.clone())),
        Arc::new(Faulty(blobs, fuse.clone())),
    )
}

fn commit(store: &Store, record: &Record) -> Result<(), StorageError> {
    store.commit(record, &SampleBytes(b"original".to_vec()) as &dyn Storable)
}

fn is_whole(store: &Store, record: &Record) -> bool {
    is_served(store, record) && store.blobs.sidecar(&record.id).unwrap() == Some(record.encode())
}

/// Whole but for the sidecar, which may be ahead.
fn is_served(store: &Store, record: &Record) -> bool {
    store.records.find(&record.id).unwrap().as_ref() == Some(record)
        && store
            .read(&record.id, &record.original().unwrap())
            .unwrap()
            .as_deref()
            == Some(b"original".as_slice())
        && store
            .in_state(record.state, None, 9)
            .unwrap()
            .ids
            .contains(&record.id)
}

fn is_nothing(store: &Store, id: &ImageId) -> bool {
    store.records.find(id).unwrap().is_none()
        && store.blobs.sidecar(id).unwrap().is_none()
        && store
            .read(id, &PartName::original("jpg").unwrap())
            .unwrap()
            .is_none()
        && State::ALL
            .iter()
            .all(|state| !store.in_state(*state, None, 9).unwrap().ids.contains(id))
}

fn assert_clean(store: &Store, dir: &Path) {
    assert_eq!(
        fs::read_dir(dir.join("tmp")).unwrap().count(),
        0,
        "something is left in tmp"
    );
    let mut n_blobs = 0;
    store
        .blobs
        .for_each_id(&mut |_| {
            n_blobs += 1;
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(store.count().unwrap(), n_blobs);
}
