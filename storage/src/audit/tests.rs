use std::thread;

use serde_json::json;

use super::*;
use crate::MemoryRecords;

fn entry(n: u64) -> Entry {
    Entry::new(n, Actor::Operator, Action::new("tested"))
        .about(Subject::named(
            "test",
            if n.is_multiple_of(2) { "even" } else { "odd" },
        ))
        .changed(json!(n), json!(n + 1))
}

#[test]
fn entries_of_one_commit_are_linked_to_each_other() {
    let keys = MemoryRecords::default();
    let numbers = commit(&keys, |changes| {
        (1..=3)
            .map(|n| append(&keys, changes, entry(n)))
            .collect::<Result<Vec<u64>, _>>()
    });
    assert_eq!(numbers.unwrap(), [1, 2, 3]);
    assert_eq!(record(&keys, &entry(4)).unwrap(), 4);
    let mut at = Head::EMPTY;
    for sealed in entries_after(&keys, 0, 10).unwrap() {
        sealed.check_behind(&at).unwrap();
        at = sealed.head();
    }
    assert_eq!(head(&keys).unwrap(), at);
    assert_eq!(at.seq, 4);
}

#[test]
fn entries_are_found_by_number_and_subject() {
    let keys = MemoryRecords::default();
    for n in 1..=6 {
        record(&keys, &entry(n)).unwrap();
    }
    let seqs = |found: Result<Vec<Sealed>, StorageError>| -> Vec<u64> {
        found.unwrap().iter().map(|sealed| sealed.seq).collect()
    };
    assert_eq!(seqs(entries_after(&keys, 4, 10)), [5, 6]);
    assert_eq!(seqs(entries_before(&keys, 4, 2)), [3, 2]);
    let odd = Subject::named("test", "odd");
    assert_eq!(seqs(entries_about(&keys, &odd, u64::MAX, 10)), [5, 3, 1]);
    assert_eq!(seqs(entries_about(&keys, &odd, 5, 1)), [3]);
    assert_eq!(
        seqs(entries_about(&keys, &Subject::named("test", "no"), 9, 1)),
        Vec::<u64>::new()
    );
}

#[test]
fn writers_at_once_lose_no_entry() {
    let keys = MemoryRecords::default();
    thread::scope(|scope| {
        for n in 0..4 {
            let keys = &keys;
            scope.spawn(move || {
                for _ in 0..25 {
                    // The bound on attempts is for people, not for this loop.
                    while record(keys, &entry(n)).is_err() {}
                }
            });
        }
    });
    assert_eq!(head(&keys).unwrap().seq, 100);
    let report = verify(Some(&keys), None).unwrap();
    assert_eq!((report.bad, report.n_in_database), (None, Some(100)));
}
