//! When an entry comes, what it keeps of each target, and when it ends.

use super::*;
use crate::Store;
use crate::contract::{SAMPLE_MS, SampleBytes, sample_record};

fn public(store: &Store) -> Record {
    let record = Record {
        state: State::Public,
        ..sample_record()
    };
    let bytes = SampleBytes(b"original".to_vec());
    store.commit(&record, &bytes).unwrap();
    record
}

fn images(store: &Store) -> Vec<ImageId> {
    let waiting = waiting(store, None, 100).unwrap();
    waiting.iter().map(|waiting| waiting.image).collect()
}

fn only(store: &Store) -> Waiting {
    let mut waiting = waiting(store, None, 100).unwrap();
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    waiting.remove(0)
}

fn with_cdn(store: Store) -> Store {
    assert_eq!(expect_copies(&store, true, SAMPLE_MS).unwrap(), 0);
    store
}

fn stores() -> (tempfile::TempDir, [Store; 2]) {
    let dir = tempfile::tempdir().unwrap();
    let stores = [Store::memory(), Store::open(dir.path()).unwrap()];
    (dir, stores.map(with_cdn))
}

#[test]
fn p21_whatever_ends_the_public_leaves_an_entry() {
    let (_dir, stores) = stores();
    for store in stores {
        let mut expected = Vec::new();
        for state in State::ALL {
            let [one, other] = [(); 2].map(|()| public(&store));
            store
                .update(&one.id, |record| record.state = state)
                .unwrap();
            let mut changes = Changes::new();
            changes.update_record(Record {
                state,
                ..other.clone()
            });
            Keyspace::commit(&store, changes).unwrap();
            if state != State::Public {
                expected.extend([one.id, other.id]);
            }
        }
        let deleted = public(&store);
        store.remove(&deleted.id, SAMPLE_MS).unwrap();
        expected.push(deleted.id);
        let held = public(&store);
        store
            .update(&held.id, |record| record.legal_hold = true)
            .unwrap();
        store.remove(&held.id, SAMPLE_MS).unwrap();
        expected.push(held.id);
        expected.sort_unstable();
        assert_eq!(images(&store), expected);
        assert_eq!(store.find(&deleted.id).unwrap(), None);
    }
}

#[test]
fn p21_what_was_not_public_leaves_none() {
    let (_dir, stores) = stores();
    for store in stores {
        for state in State::ALL {
            if state != State::Public {
                let record = public(&Store::memory());
                let record = Record { state, ..record };
                let bytes = SampleBytes(b"original".to_vec());
                store.commit(&record, &bytes).unwrap();
                store.remove(&record.id, SAMPLE_MS).unwrap();
            }
        }
        assert_eq!(images(&store), Vec::new());
    }
}

#[test]
fn p21_a_change_that_is_refused_leaves_none() {
    let store = with_cdn(Store::memory());
    let record = public(&store);
    let mut changes = Changes::new();
    changes.update_record(Record {
        state: State::Blocked,
        ..record
    });
    changes.expect(b"mj", Some(Vec::new()));
    Keyspace::commit(&store, changes).unwrap_err();
    assert_eq!(images(&store), Vec::new());
}

#[test]
fn p21_entries_outlive_the_process_and_the_image() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_cdn(Store::open(dir.path()).unwrap());
    let record = public(&store);
    store.remove(&record.id, SAMPLE_MS).unwrap();
    drop(store);
    // Nobody has said again that there is a CDN: as a command does not.
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(images(&store), [record.id]);
    let waiting = only(&store);
    assert_eq!(waiting.known().extension, "jpg");
    let later = public(&store);
    store.remove(&later.id, SAMPLE_MS).unwrap();
    assert_eq!(images(&store).len(), 2);
}

fn names<const N: usize>(names: [&str; N]) -> [TargetName; N] {
    names.map(|name| TargetName::of(&["PURGE", name]))
}

/// What a target says of what waits: yes for the first time, or for good.
fn says(waiting: &Waiting, is_over: Option<bool>) -> Heard {
    Heard {
        image: waiting.image,
        revision: waiting.known().revision,
        purged: is_over.map(|is_over| Purged {
            first_ms: SAMPLE_MS,
            is_over,
        }),
    }
}

#[test]
fn p21_what_is_hidden_again_starts_over() {
    let store = with_cdn(Store::memory());
    let all = names(["a"]);
    let record = public(&store);
    let set = |state| store.update(&record.id, |record| record.state = state);
    set(State::Blocked).unwrap();
    let first = only(&store);
    set(State::Public).unwrap();
    set(State::Blocked).unwrap();
    for is_over in [false, true] {
        let heard = [says(&first, Some(is_over))];
        let ended = note(&store, &all[0], &all, &heard, SAMPLE_MS).unwrap();
        assert_eq!(ended, [], "the first end is over");
    }
    let second = only(&store);
    assert_eq!(second.known().purged_ms, None, "the second end counts");
    assert!(second.known().purged_by.is_empty());
    let once = [says(&second, Some(false))];
    note(&store, &all[0], &all, &once, SAMPLE_MS).unwrap();
    let third = only(&store);
    assert_eq!(third.known().purged_ms, Some(SAMPLE_MS));
    let twice = [says(&third, Some(true))];
    let ended = note(&store, &all[0], &all, &twice, SAMPLE_MS).unwrap();
    assert_eq!(ended, [record.id]);
    assert_eq!(images(&store), Vec::new());
}

#[test]
fn p21_an_entry_ends_when_every_target_that_there_is_said_yes() {
    let (_dir, stores) = stores();
    for store in stores {
        let [a, b, gone] = names(["a", "b", "gone"]);
        let all = [a.clone(), b.clone()];
        let record = public(&store);
        store.remove(&record.id, SAMPLE_MS).unwrap();
        let hear = |target: &TargetName, is_over, all: &[TargetName], at_ms| {
            let heard = [says(&only(&store), is_over)];
            note(&store, target, all, &heard, at_ms).unwrap()
        };
        assert_eq!(hear(&gone, Some(true), &[gone.clone(), a.clone()], 7), []);
        assert_eq!(hear(&a, Some(true), &all, 8), []);
        assert_eq!(hear(&b, None, &all, 9), []);
        let known = only(&store).known().clone();
        assert_eq!((known.noted_ms, known.purged_ms), (Some(7), None));
        let said: Vec<&TargetName> = known.purged_by.keys().collect();
        assert_eq!(said, [&a], "one that is gone is forgotten");
        assert!(known.is_over(std::slice::from_ref(&a)) && !known.is_over(&all));
        // The first yes of the last one is not the end of its asking.
        assert_eq!(hear(&b, Some(false), &all, 10), []);
        assert_eq!(only(&store).known().purged_ms, Some(10));
        assert_eq!(hear(&b, Some(true), &all, 11), [record.id]);
        assert_eq!(images(&store), []);
    }
}

#[test]
fn p21_two_targets_that_answer_at_once_are_both_heard() {
    let store = with_cdn(Store::memory());
    let all = names(["a", "b", "c", "d"]);
    for _ in 0..64 {
        let record = public(&store);
        store.remove(&record.id, SAMPLE_MS).unwrap();
    }
    let waiting = waiting(&store, None, 100).unwrap();
    std::thread::scope(|scope| {
        for target in &all {
            let (store, all, waiting) = (&store, &all, &waiting);
            scope.spawn(move || {
                for one in waiting {
                    note(store, target, all, &[says(one, Some(true))], SAMPLE_MS).unwrap();
                }
            });
        }
    });
    assert_eq!(images(&store), []);
}

#[test]
fn p21_entries_of_a_version_before_are_asked_for_once_more() {
    let store = with_cdn(Store::memory());
    let record = public(&store);
    let before = format!(
        r#"{{"extension":"jpg","revision":{},"noted_ms":1,"purged_ms":2}}"#,
        record.revision
    );
    let mut changes = Changes::new();
    let value = [&[1], before.as_bytes()].concat();
    changes.put(keys::unpublished(&record.id), value);
    Keyspace::commit(&store, changes).unwrap();
    let [a] = names(["a"]);
    assert!(!only(&store).known().is_over(std::slice::from_ref(&a)));
    let heard = [says(&only(&store), Some(true))];
    let ended = note(&store, &a, std::slice::from_ref(&a), &heard, SAMPLE_MS).unwrap();
    assert_eq!(ended, [record.id]);
}

#[test]
fn p21_without_a_cdn_nothing_is_written() {
    let store = Store::memory();
    let record = public(&store);
    store.remove(&record.id, SAMPLE_MS).unwrap();
    assert_eq!(images(&store), Vec::new());

    let store = with_cdn(store);
    for _ in 0..DROPPED_AT_ONCE + 1 {
        let record = public(&store);
        store.remove(&record.id, SAMPLE_MS).unwrap();
    }
    let n_dropped = expect_copies(&store, false, SAMPLE_MS).unwrap();
    assert_eq!(n_dropped, DROPPED_AT_ONCE + 1);
    let record = public(&store);
    store.remove(&record.id, SAMPLE_MS).unwrap();
    assert_eq!(images(&store), Vec::new());
}

#[test]
fn they_are_read_page_by_page() {
    let store = with_cdn(Store::memory());
    let mut all: Vec<ImageId> = (0..7).map(|_| public(&store).id).collect();
    for id in &all {
        store.remove(id, SAMPLE_MS).unwrap();
    }
    all.sort_unstable();
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let page = waiting(&store, after.as_ref(), 3).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.image);
        read.extend(page.iter().map(|waiting| waiting.image));
    }
    assert_eq!(read, all);
}
