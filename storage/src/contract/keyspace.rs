//! The promise of [`Keyspace`].

use std::sync::Barrier;
use std::thread;

use crate::contract::sample_record;
use crate::keyspace::{COMMIT_BYTES_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::{Changes, Entry, KeyRange, Keyspace, Record, Records, Space, State, StorageError};

/// Runs the suite. `make` gives new and empty records each time it is called.
///
/// # Panics
/// When a promise is broken.
pub fn keyspace_contract<R: Records>(make: impl Fn() -> R) {
    what_is_put_is_there(&make());
    a_range_is_read_from_both_ends(&make());
    a_condition_guards_everything(&make());
    records_follow_with_their_indexes(&make());
    a_stale_record_keeps_everything(&make());
    nothing_outside_the_keyspace_is_touched(&make());
    what_is_too_large_is_refused_whole(&make());
    of_many_committers_each_counts(&make());
}

fn what_is_put_is_there(keys: &dyn Keyspace) {
    assert_eq!(got(keys, b"mx1"), None);
    commit(keys, |changes| {
        changes.put(b"mx1", b"one");
        changes.put(b"mx2", b"two");
        changes.put(b"mx3", b"");
        changes.delete(b"mx4");
    });
    assert_eq!(got(keys, b"mx1").as_deref(), Some(b"one".as_slice()));
    assert_eq!(got(keys, b"mx3").as_deref(), Some(b"".as_slice()));
    commit(keys, |changes| {
        changes.put(b"mx1", b"uno");
        changes.delete(b"mx2");
        changes.put(b"mx3", b"first");
        changes.delete(b"mx3");
    });
    assert_eq!(got(keys, b"mx1").as_deref(), Some(b"uno".as_slice()));
    assert_eq!((got(keys, b"mx2"), got(keys, b"mx3")), (None, None));
    commit(keys, |_| {});
}

fn a_range_is_read_from_both_ends(keys: &dyn Keyspace) {
    let inside: Vec<Entry> = (0..7_u8)
        .map(|idx| Entry {
            key: Space::Queue.key(&[&[idx * 40], b"tail"]),
            value: vec![idx],
        })
        .collect();
    commit(keys, |changes| {
        changes.put(b"mp\xFF", b"before");
        changes.put(b"mr", b"behind");
        for entry in &inside {
            changes.put(entry.key.as_slice(), entry.value.as_slice());
        }
    });
    let reversed: Vec<Entry> = inside.iter().rev().cloned().collect();
    let all = Space::Queue.all();
    for limit in [0, 1, 3, 7, 99] {
        let n = limit.min(7);
        assert_eq!(ranged(keys, &all, limit), inside[..n]);
        let down = all.clone().descending();
        assert_eq!(ranged(keys, &down, limit), reversed[..n]);
    }
    let behind = all.clone().after(&inside[2].key);
    assert_eq!(ranged(keys, &behind, 99), inside[3..]);
    let cut = behind.before(&inside[5].key);
    assert_eq!(ranged(keys, &cut, 99), inside[3..5]);
    let down = all.clone().descending().after(&inside[2].key);
    assert_eq!(
        ranged(keys, &down, 99),
        [inside[1].clone(), inside[0].clone()]
    );
    assert_eq!(ranged(keys, &all.before(b"ma"), 99), []);
    assert_eq!(ranged(keys, &KeyRange::prefix(b"m"), 99).len(), 9);
}

fn a_condition_guards_everything(keys: &dyn Keyspace) {
    commit(keys, |changes| {
        changes.expect(b"ma", None);
        changes.put(b"ma", b"1");
    });
    let refused = |expected: Option<&[u8]>| {
        let mut changes = Changes::new();
        changes.expect(b"ma", Some(b"1".to_vec()));
        changes.expect(b"mc", expected.map(<[u8]>::to_vec));
        changes.put(b"ma", b"2");
        changes.delete(b"mb");
        keys.commit(changes)
    };
    commit(keys, |changes| changes.put(b"mb", b"kept"));
    let stale = refused(Some(b"something"));
    assert!(matches!(stale, Err(StorageError::Stale { key }) if key == "mc"));
    commit(keys, |changes| changes.put(b"mc", b"there"));
    for expected in [None, Some(b"her".as_slice()), Some(b"there!")] {
        assert!(matches!(refused(expected), Err(StorageError::Stale { .. })));
    }
    assert_eq!(got(keys, b"ma").as_deref(), Some(b"1".as_slice()));
    assert!(got(keys, b"mb").is_some());
    refused(Some(b"there")).expect("conditions that hold");
    assert_eq!(got(keys, b"ma").as_deref(), Some(b"2".as_slice()));
    assert_eq!(got(keys, b"mb"), None);
}

fn records_follow_with_their_indexes<R: Records>(records: &R) {
    let [first, second] = [(); 2].map(|()| sample_record());
    for record in [&first, &second] {
        records.insert(record).expect("an insert");
    }
    let changed = |record: &Record| Record {
        state: State::Review,
        sha256: [9; 32],
        ..record.clone()
    };
    commit(records, |changes| {
        changes.update_record(Record {
            state: State::Blocked,
            ..first.clone()
        });
        // Of two changes of one record the last counts.
        changes.update_record(changed(&first));
        changes.update_record(changed(&second));
        changes.put(b"mj", b"together");
    });
    for record in [&first, &second] {
        let found = records.find(&record.id).expect("a look-up");
        assert_eq!(found, Some(changed(record).next_revision()));
    }
    let listed = |state| records.in_state(state, None, 9).expect("a page").ids.len();
    assert_eq!(
        State::ALL.map(listed).iter().sum::<usize>(),
        2,
        "a record is listed twice"
    );
    assert_eq!(listed(State::Review), 2);
    let hashed = |hash| records.with_sha256(hash, 9).expect("a list").len();
    assert_eq!((hashed(&[9; 32]), hashed(&first.sha256)), (2, 0));
    assert_eq!(records.count().expect("a count"), 2);
    assert!(got(records, b"mj").is_some());

    let third = sample_record();
    commit(records, |changes| {
        changes.insert_record(third.clone());
        changes.put(b"mj", b"with the third");
    });
    assert_eq!(
        records.find(&third.id).expect("a look-up"),
        Some(third.clone())
    );
    assert_eq!((listed(third.state), hashed(&third.sha256)), (1, 1));
    assert_eq!(records.count().expect("a count"), 3);
    let mut again = Changes::new();
    again.insert_record(third);
    again.put(b"mj", b"again");
    let again = records.commit(again);
    assert!(matches!(again, Err(StorageError::AlreadyExists { .. })));
    assert_eq!(
        got(records, b"mj").as_deref(),
        Some(b"with the third".as_slice())
    );
}

fn a_stale_record_keeps_everything<R: Records>(records: &R) {
    let [mut first, second, unknown] = [(); 3].map(|()| sample_record());
    for record in [&first, &second] {
        records.insert(record).expect("an insert");
    }
    let stale = first.clone();
    first.state = State::Public;
    first = records.update(&first).expect("an update");
    let attempt = |other: &Record| {
        let mut changes = Changes::new();
        changes.put(b"mj", b"never");
        for record in [&second, other] {
            changes.update_record(Record {
                state: State::Blocked,
                ..record.clone()
            });
        }
        records.commit(changes)
    };
    assert!(matches!(attempt(&stale), Err(StorageError::Conflict { id }) if id == first.id));
    assert!(matches!(attempt(&unknown), Err(StorageError::NotFound { id }) if id == unknown.id));
    assert_eq!(got(records, b"mj"), None);
    for record in [&first, &second] {
        let found = records.find(&record.id).expect("a look-up");
        assert_eq!(found.as_ref(), Some(record));
    }
    let blocked = records.in_state(State::Blocked, None, 9).expect("a page");
    assert_eq!(blocked.ids, []);
}

fn nothing_outside_the_keyspace_is_touched<R: Records>(records: &R) {
    records.insert(&sample_record()).expect("an insert");
    for key in [b"".as_slice(), b"n", b"r", b"f", &[b'm'; KEY_BYTES_MAX + 1]] {
        let read = records.get(key);
        assert!(matches!(read, Err(StorageError::InvalidKey { .. })));
        let mut written = Changes::new();
        written.put(key, b"1");
        let mut removed = Changes::new();
        removed.delete(key);
        let mut expected = Changes::new();
        expected.expect(key, None);
        for changes in [written, removed, expected] {
            let refused = records.commit(changes);
            assert!(matches!(refused, Err(StorageError::InvalidKey { .. })));
        }
    }
    let beyond = KeyRange {
        to: b"o".to_vec(),
        ..KeyRange::prefix(b"m")
    };
    assert!(records.range(&beyond, 1).is_err());
    assert!(records.range(&KeyRange::prefix(b"r"), 1).is_err());
    assert_eq!(ranged(records, &KeyRange::prefix(b"m"), 9), []);
    assert_eq!(records.count().expect("a count"), 1);
}

fn what_is_too_large_is_refused_whole(keys: &dyn Keyspace) {
    let refused = |fill: &dyn Fn(&mut Changes)| {
        let mut changes = Changes::new();
        changes.put(b"ma", b"with it");
        fill(&mut changes);
        let refused = keys.commit(changes);
        assert!(matches!(refused, Err(StorageError::TooLarge { .. })));
        assert_eq!(got(keys, b"ma"), None);
    };
    refused(&|changes| changes.put(b"mb", vec![0; VALUE_BYTES_MAX + 1]));
    refused(&|changes| {
        for idx in 0..=COMMIT_BYTES_MAX / VALUE_BYTES_MAX {
            changes.put(
                Space::Bank.key(&[&idx.to_be_bytes()]),
                vec![0; VALUE_BYTES_MAX],
            );
        }
    });
    commit(keys, |changes| {
        for idx in 0..40_u8 {
            let key = [&[b'm'; KEY_BYTES_MAX - 1], [idx].as_slice()].concat();
            changes.put(key, vec![idx; VALUE_BYTES_MAX]);
        }
    });
    let stored = ranged(keys, &KeyRange::prefix(b"m"), 99);
    assert_eq!(stored.len(), 40);
    assert!(
        stored
            .iter()
            .all(|entry| entry.value.len() == VALUE_BYTES_MAX)
    );
}

fn of_many_committers_each_counts(keys: &dyn Keyspace) {
    const COMMITTERS: usize = 4;
    const EACH: u64 = 25;
    let start = Barrier::new(COMMITTERS);
    let add_one = || {
        loop {
            let stored = got(keys, b"ml");
            let count = stored.as_deref().and_then(|value| value.try_into().ok());
            let next = count.map_or(0, u64::from_be_bytes) + 1;
            let mut changes = Changes::new();
            changes.expect(b"ml", stored);
            changes.put(b"ml", next.to_be_bytes());
            changes.put(Space::Audit.key(&[&next.to_be_bytes()]), b"");
            match keys.commit(changes) {
                Ok(()) => return,
                Err(StorageError::Stale { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..COMMITTERS {
            scope.spawn(|| {
                start.wait();
                (0..EACH).for_each(|_| add_one());
            });
        }
    });
    let total = EACH * COMMITTERS as u64;
    assert_eq!(got(keys, b"ml"), Some(total.to_be_bytes().to_vec()));
    assert_eq!(ranged(keys, &Space::Audit.all(), 999).len() as u64, total);
}

fn commit(keys: &dyn Keyspace, fill: impl FnOnce(&mut Changes)) {
    let mut changes = Changes::new();
    fill(&mut changes);
    keys.commit(changes).expect("a commit");
}

fn got(keys: &dyn Keyspace, key: &[u8]) -> Option<Vec<u8>> {
    keys.get(key).expect("a look-up")
}

fn ranged(keys: &dyn Keyspace, range: &KeyRange, limit: usize) -> Vec<Entry> {
    keys.range(range, limit).expect("a range")
}
