use std::fs;
use std::path::Path;

use super::*;
use crate::contract::{SAMPLE_MS, SampleBytes, sample_record};
use crate::faults::{Fault, Faulty, Fuse};
use crate::variants::Folder;
use crate::{Views, calendar};

#[test]
fn a_committed_image_is_found_whole() {
    let store = Store::memory();
    let record = commit(&store);
    let id = &record.id;
    assert_eq!(store.find(id).unwrap(), Some(record.clone()));
    assert_eq!(
        store.read(id, &original()).unwrap().as_deref(),
        Some(b"original".as_slice())
    );
    assert_eq!(store.open_part(id, &original()).unwrap().unwrap().len(), 8);
    assert_eq!(
        Record::decode(&store.blobs.sidecar(id).unwrap().unwrap()).unwrap(),
        record
    );
    assert_eq!(store.blobs.in_doubt().unwrap(), []);
    assert_eq!(store.count().unwrap(), 1);
    store.probe_writable().unwrap();
    store.flush().unwrap();
}

#[test]
fn a_taken_id_harms_nobody() {
    let store = Store::memory();
    let record = commit(&store);
    let refused = store.commit(&record, &SampleBytes(b"other".to_vec()));
    assert_eq!(refused.unwrap_err().code(), "storage-already-exists");
    let read = store.read(&record.id, &original()).unwrap();
    assert_eq!(read.as_deref(), Some(b"original".as_slice()));
    assert_eq!(store.find(&record.id).unwrap(), Some(record));
}

#[test]
fn an_extension_that_is_none_stores_nothing() {
    let store = Store::memory();
    let record = Record {
        extension: "../jpg".into(),
        ..sample_record()
    };
    let refused = store.commit(&record, &SampleBytes(b"original".to_vec()));
    assert_eq!(refused.unwrap_err().code(), "storage-invalid-part");
    assert_eq!(store.count().unwrap(), 0);
}

#[test]
fn an_update_reaches_record_sidecar_and_index() {
    let store = Store::memory();
    let record = commit(&store);
    let updated = store
        .update(&record.id, |record| {
            record.state = State::Review;
            record.id = ImageId::random().unwrap();
            record.extension = "png".into();
            record.revision = 77;
        })
        .unwrap()
        .unwrap();
    let expected = Record {
        state: State::Review,
        revision: 1,
        ..record.clone()
    };
    assert_eq!(updated, expected);
    let sidecar = store.blobs.sidecar(&record.id).unwrap().unwrap();
    assert_eq!(Record::decode(&sidecar).unwrap(), expected);
    assert_eq!(
        store.in_state(State::Review, None, 9).unwrap().ids,
        [record.id]
    );
    assert_eq!(
        store.update(&ImageId::random().unwrap(), |_| {}).unwrap(),
        None
    );
}

#[test]
fn concurrent_updates_all_count() {
    let store = Store::memory();
    let record = commit(&store);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    store
                        .update(&record.id, |record| record.scan_attempts += 1)
                        .unwrap();
                }
            });
        }
    });
    let stored = store.find(&record.id).unwrap().unwrap();
    assert_eq!(stored.scan_attempts, record.scan_attempts + 400);
    let sidecar = store.blobs.sidecar(&record.id).unwrap().unwrap();
    assert_eq!(Record::decode(&sidecar).unwrap(), stored);
}

#[test]
fn a_removed_image_leaves_nothing() {
    let store = Store::memory();
    let record = commit(&store);
    store.count_view(&record.id, SAMPLE_MS);
    store.merge_views().unwrap();
    assert!(store.remove(&record.id, SAMPLE_MS).unwrap());
    assert!(!store.remove(&record.id, SAMPLE_MS).unwrap());
    assert_eq!(store.find(&record.id).unwrap(), None);
    assert_eq!(store.read(&record.id, &original()).unwrap(), None);
    assert_eq!(store.views(&record.id).unwrap(), Views::default());
    assert_eq!(store.count().unwrap(), 0);
    store.count_view(&record.id, SAMPLE_MS);
    store.merge_views().unwrap();
    assert_eq!(store.views(&record.id).unwrap(), Views::default());
}

#[test]
fn p11_a_legal_hold_keeps_what_is_removed() {
    let store = Store::memory();
    let record = commit(&store);
    store
        .update(&record.id, |record| record.legal_hold = true)
        .unwrap();
    assert!(store.remove(&record.id, SAMPLE_MS).unwrap());
    assert!(
        !store.remove(&record.id, SAMPLE_MS).unwrap(),
        "it was removed already"
    );
    store.recover(SAMPLE_MS).unwrap();
    assert_eq!(
        store.find(&record.id).unwrap().unwrap().state,
        State::Removed
    );
    assert!(store.read(&record.id, &original()).unwrap().is_some());

    store
        .update(&record.id, |record| record.state = State::Public)
        .unwrap();
    assert_eq!(
        store.find(&record.id).unwrap().unwrap().state,
        State::Removed,
        "it came back"
    );

    store
        .update(&record.id, |record| record.legal_hold = false)
        .unwrap();
    store.recover(SAMPLE_MS).unwrap();
    assert_eq!(store.find(&record.id).unwrap(), None);
    assert_eq!(store.read(&record.id, &original()).unwrap(), None);
}

#[test]
fn views_are_merged_in_one_batch() {
    let store = Store::memory();
    let (seen, unseen) = (commit(&store), commit(&store));
    for _ in 0..5 {
        store.count_view(&seen.id, SAMPLE_MS);
    }
    assert_eq!(
        store.views(&seen.id).unwrap(),
        Views::default(),
        "not merged yet"
    );
    assert_eq!(store.merge_views().unwrap(), 1);
    assert_eq!(store.merge_views().unwrap(), 0);
    let views = store.views(&seen.id).unwrap();
    assert_eq!(
        views,
        Views {
            total: 5,
            last_day: Some(calendar::day(SAMPLE_MS))
        }
    );
    assert_eq!(store.views(&unseen.id).unwrap(), Views::default());
}

#[test]
fn a_lost_record_comes_back_from_its_sidecar() {
    let store = Store::memory();
    let record = commit(&store);
    store.records.remove(&record.id).unwrap();
    assert_eq!(store.find(&record.id).unwrap(), Some(record.clone()));
    assert_eq!(store.count().unwrap(), 1, "it was not put back");

    store.records.remove(&record.id).unwrap();
    assert!(
        store.remove(&record.id, SAMPLE_MS).unwrap(),
        "a lost record could not be removed"
    );
    assert_eq!(store.read(&record.id, &original()).unwrap(), None);
}

#[test]
fn a_variant_goes_with_its_image() {
    let store = Store::memory();
    let record = commit(&store);
    let thumbnail = PartName::variant("thumb", "jpg").unwrap();
    store
        .put_variant(&record.id, &thumbnail, &SampleBytes(b"small".to_vec()))
        .unwrap();
    let kept = store.variant(&record.id, "thumb").unwrap().unwrap();
    assert_eq!(
        (kept.bytes.as_slice(), kept.extension.as_str()),
        (b"small".as_slice(), "jpg")
    );
    store.remove(&record.id, SAMPLE_MS).unwrap();
    assert_eq!(store.variant(&record.id, "thumb").unwrap(), None);
    assert_eq!(store.variant_bytes(), 0);
    let late = store.put_variant(&record.id, &thumbnail, &SampleBytes(b"small".to_vec()));
    assert_eq!(late.unwrap_err().code(), "storage-not-found");
}

fn commit(store: &Store) -> Record {
    let record = sample_record();
    store
        .commit(&record, &SampleBytes(b"original".to_vec()))
        .unwrap();
    record
}

fn original() -> PartName {
    PartName::original("jpg").unwrap()
}

#[test]
fn equal_bytes_are_found_by_their_hash() {
    let store = Store::memory();
    let mut ids = [commit(&store).id, commit(&store).id];
    ids.sort_unstable();
    let sha256 = sample_record().sha256;
    assert_eq!(store.with_sha256(&sha256, 9).unwrap(), ids);
    assert_eq!(store.with_sha256(&[0; 32], 9).unwrap(), []);
    store.remove(&ids[0], SAMPLE_MS).unwrap();
    assert_eq!(store.with_sha256(&sha256, 9).unwrap(), ids[1..]);
}

#[test]
fn p13_a_deletion_whose_variants_stayed_is_finished_by_the_next_probe() {
    let dir = tempfile::tempdir().unwrap();
    // A variant is written, removed, and its folder synced.
    for (fault, at) in [Fault::Once, Fault::OnceAfterEffect]
        .into_iter()
        .flat_map(|fault| [(fault, 1), (fault, 2)])
    {
        let fuse = Fuse::new(at, fault);
        let folder = Folder::open(dir.path()).unwrap();
        let place = Box::new(Faulty(folder, Arc::clone(&fuse)));
        let store = Store::memory().with_variants(Variants::in_place(place));
        let record = commit(&store);
        put_variant(&store, &record.id);
        store.remove(&record.id, SAMPLE_MS).unwrap_err();
        assert!(fuse.struck());
        let found = store.records.find(&record.id).unwrap().unwrap();
        assert_eq!(found.state, State::Removed);
        store.probe_writable().unwrap();
        assert_eq!(store.records.find(&record.id).unwrap(), None);
        assert_eq!(store.read(&record.id, &original()).unwrap(), None);
        assert_eq!(n_variants(dir.path()), 0, "{fault:?} at {at}");
    }
}

#[test]
fn p13_variants_whose_image_is_gone_or_evidence_go_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let [kept, held, gone] = [(); 3].map(|()| {
        let record = commit(&store);
        put_variant(&store, &record.id);
        record.id
    });
    store
        .update(&held, |record| record.legal_hold = true)
        .unwrap();
    store.remove(&held, SAMPLE_MS).unwrap();
    // As after a crash between the record's end and that of the variants.
    store.blobs.remove(&gone).unwrap();
    store.records.remove(&gone).unwrap();
    drop(store);
    assert_eq!(n_variants(dir.path()), 3);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(n_variants(dir.path()), 1);
    assert!(store.variant(&kept, "thumb").unwrap().is_some());
}

#[test]
fn p11_of_evidence_no_variant_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let [evidence, other] = [(); 2].map(|()| {
        let record = commit(&store);
        put_variant(&store, &record.id);
        record.id
    });
    let hold = |record: &mut Record| record.legal_hold = true;
    store.update(&evidence, hold).unwrap();
    for id in [evidence, other] {
        store.drop_variants_of_evidence(&id).unwrap();
    }
    put_variant(&store, &evidence);
    assert!(store.variant(&evidence, "thumb").unwrap().is_none());
    assert!(store.variant(&other, "thumb").unwrap().is_some());
}

fn put_variant(store: &Store, id: &ImageId) {
    let part = PartName::variant("thumb", "jpg").unwrap();
    let bytes = SampleBytes(b"small".to_vec());
    store.put_variant(id, &part, &bytes).unwrap();
}

fn n_variants(data_dir: &Path) -> usize {
    let folders = fs::read_dir(data_dir.join("variants")).unwrap();
    let files = folders.map(|folder| fs::read_dir(folder.unwrap().path()).unwrap().count());
    files.sum()
}
