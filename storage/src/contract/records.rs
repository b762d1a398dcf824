//! The promise of [`Records`].

use std::sync::Barrier;
use std::thread;

use crate::contract::{sample_record, sample_record_at};
use crate::{
    Cursor, Idle, ImageId, Likeness, PerceptualHash, Record, Records, State, StorageError,
    ViewDelta, Views, calendar,
};

/// Runs the suite. `make` gives new and empty records each time it is called.
///
/// # Panics
/// When a promise is broken.
pub fn records_contract<R: Records>(make: impl Fn() -> R) {
    what_is_inserted_is_found(&make());
    an_id_is_taken_once(&make());
    an_update_needs_the_current_revision(&make());
    a_record_has_a_largest_size(&make());
    removing_takes_everything(&make());
    a_state_lists_the_oldest_first_in_pages(&make());
    the_index_follows_the_state(&make());
    a_hash_lists_its_images(&make());
    likenesses_are_listed_in_order(&make());
    views_add_up_for_known_images(&make());
    what_is_not_viewed_is_listed_by_its_last_use(&make());
    of_many_writers_one_wins(&make());
    flush_and_probe_change_nothing(&make());
}

fn what_is_inserted_is_found(records: &dyn Records) {
    let record = sample_record();
    assert_eq!(found(records, &record.id), None);
    assert_eq!(count(records), 0);
    insert(records, &record);
    assert_eq!(found(records, &record.id), Some(record));
    assert_eq!(count(records), 1);
}

fn an_id_is_taken_once(records: &dyn Records) {
    let record = sample_record();
    insert(records, &record);
    let mut other = sample_record();
    other.id = record.id;
    let refused = records.insert(&other);
    assert!(matches!(refused, Err(StorageError::AlreadyExists { id }) if id == record.id));
    assert_eq!(found(records, &record.id), Some(record));
    assert_eq!(count(records), 1);
}

fn an_update_needs_the_current_revision(records: &dyn Records) {
    let mut record = sample_record();
    let unknown = records.update(&record);
    assert!(matches!(unknown, Err(StorageError::NotFound { id }) if id == record.id));

    insert(records, &record);
    record.state = State::Public;
    let updated = records.update(&record).expect("an update");
    assert_eq!(
        updated,
        Record {
            revision: 1,
            ..record.clone()
        }
    );
    assert_eq!(found(records, &record.id), Some(updated));

    record.state = State::Blocked;
    let stale = records.update(&record);
    assert!(matches!(stale, Err(StorageError::Conflict { id }) if id == record.id));
    assert_eq!(
        found(records, &record.id).map(|record| record.state),
        Some(State::Public)
    );
    assert_eq!(count(records), 1);
}

fn a_record_has_a_largest_size(records: &dyn Records) {
    let mut record = sample_record();
    let n_spare = Record::ENCODED_BYTES_MAX - record.encode().len();
    record.filename.push_str(&"x".repeat(n_spare));
    insert(records, &record);
    record.filename.push('x');
    let update = records.update(&record);
    assert!(matches!(update, Err(StorageError::RecordTooLarge { .. })));
    record.id = sample_record().id;
    let inserted = records.insert(&record);
    assert!(matches!(inserted, Err(StorageError::RecordTooLarge { .. })));
    assert_eq!(count(records), 1);
}

fn removing_takes_everything(records: &dyn Records) {
    let record = sample_record();
    insert(records, &record);
    add_views(
        records,
        &[ViewDelta {
            id: record.id,
            n_views: 3,
            day: 20_000,
        }],
    );
    assert!(records.remove(&record.id).expect("a removal"));
    assert!(!records.remove(&record.id).expect("a removal"));
    assert_eq!(found(records, &record.id), None);
    assert_eq!(views(records, &record.id), Views::default());
    assert_eq!(listed(records, State::Pending), []);
    assert_eq!(count(records), 0);

    insert(records, &record);
    assert_eq!(
        views(records, &record.id),
        Views::default(),
        "views outlived their record"
    );
}

fn what_is_not_viewed_is_listed_by_its_last_use(records: &dyn Records) {
    let at_day = |day: u64| sample_record_at(day * calendar::MS_A_DAY + 7);
    let uploads = [10, 11, 12, 13].map(at_day);
    for record in &uploads {
        insert(records, record);
    }
    let [viewed, viewed_early, removed, untouched] = uploads.map(|record| record.id);
    let view = |id: ImageId, day: u32| ViewDelta {
        id,
        n_views: 1,
        day,
    };
    // A view before the upload, by a clock that went wrong, is no last use.
    add_views(
        records,
        &[view(viewed, 20), view(viewed_early, 3), view(viewed, 15)],
    );
    let listed = |before: u32, after: Option<&Idle>, limit: usize| {
        records
            .idle_before(before, after, limit)
            .expect("a listing")
    };
    let idle = |since_day: u32, id: ImageId| Idle { since_day, id };
    assert_eq!(listed(11, None, 9), []);
    assert_eq!(
        listed(13, None, 9),
        [idle(11, viewed_early), idle(12, removed)]
    );
    assert_eq!(listed(21, None, 9).len(), 4);
    let first = listed(21, None, 1);
    assert_eq!(first, [idle(11, viewed_early)]);
    assert_eq!(listed(21, first.first(), 1), [idle(12, removed)]);
    assert!(records.remove(&removed).expect("a removal"));
    let rest = listed(u32::MAX, first.first(), 9);
    assert_eq!(rest, [idle(13, untouched), idle(20, viewed)]);
}

fn a_state_lists_the_oldest_first_in_pages(records: &dyn Records) {
    let times = [300, 5, 70_000, 5, 256, 255, u64::MAX];
    let mut expected: Vec<(u64, ImageId)> = times
        .into_iter()
        .map(|time| {
            let record = sample_record_at(time);
            insert(records, &record);
            (time, record.id)
        })
        .collect();
    expected.sort_unstable();
    let expected: Vec<ImageId> = expected.into_iter().map(|(_, id)| id).collect();

    for limit in [1, 2, 3, 7, 100] {
        let mut seen = Vec::new();
        let mut after: Option<Cursor> = None;
        loop {
            let page = records
                .in_state(State::Pending, after.as_ref(), limit)
                .expect("a page");
            assert!(!page.ids.is_empty() && page.ids.len() <= limit);
            seen.extend(page.ids);
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, expected, "in pages of {limit}");
    }
    let least = records.in_state(State::Pending, None, 0).expect("a page");
    assert_eq!(least.ids, expected[..1]);
    assert_eq!(listed(records, State::Public), []);
}

fn the_index_follows_the_state(records: &dyn Records) {
    let mut record = sample_record();
    insert(records, &record);
    for state in State::ALL {
        record.state = state;
        record = records.update(&record).expect("an update");
        for other in State::ALL {
            let expected = if other == state {
                vec![record.id]
            } else {
                vec![]
            };
            assert_eq!(
                listed(records, other),
                expected,
                "{other:?} while {state:?}"
            );
        }
    }
}

fn a_hash_lists_its_images(records: &dyn Records) {
    let of = |sha256| Record {
        sha256,
        ..sample_record()
    };
    // Hashes that lie next to each other, and twice.
    let hashes = [[0; 32], [7; 32], [0xFF; 32]];
    let mut inserted: Vec<Record> = hashes.into_iter().chain(hashes).map(of).collect();
    for record in &inserted {
        insert(records, record);
    }
    let hashed = |sha256: &[u8; 32], limit| records.with_sha256(sha256, limit).expect("a list");
    for (one, other) in inserted[..3].iter().zip(&inserted[3..]) {
        let mut expected = [one.id, other.id];
        expected.sort_unstable();
        assert_eq!(hashed(&one.sha256, 9), expected);
        assert_eq!(hashed(&one.sha256, 1), expected[..1]);
        assert_eq!(hashed(&one.sha256, 0), []);
    }
    assert_eq!(hashed(&[8; 32], 9), []);

    let mut moved = inserted.remove(1);
    moved.state = State::Public;
    moved = records.update(&moved).expect("an update");
    assert_eq!(hashed(&[7; 32], 9).len(), 2);
    moved.sha256 = [8; 32];
    moved = records.update(&moved).expect("an update");
    assert_eq!(hashed(&[7; 32], 9), [inserted[3].id]);
    assert_eq!(hashed(&[8; 32], 9), [moved.id]);
    records.remove(&moved.id).expect("a removal");
    assert_eq!(hashed(&[8; 32], 9), []);
}

fn likenesses_are_listed_in_order(records: &dyn Records) {
    let of = |hash, quality| Record {
        pdq: Some(PerceptualHash::bare(hash, quality)),
        ..sample_record()
    };
    let hashes = [[0; 32], [7; 32], [0xFF; 32]];
    let mut inserted: Vec<Record> = hashes
        .into_iter()
        .chain(hashes)
        .map(|hash| of(hash, 50))
        .collect();
    for record in &inserted {
        insert(records, record);
    }
    insert(records, &of([7; 32], 49));
    insert(
        records,
        &Record {
            pdq: None,
            ..sample_record()
        },
    );
    let expected = |inserted: &[Record]| {
        let mut likenesses: Vec<Likeness> = inserted.iter().filter_map(Likeness::of).collect();
        likenesses.sort_unstable();
        likenesses
    };
    let listed = |of, after: Option<&Likeness>, limit| {
        let listed = records.likenesses(of, after, limit);
        listed.expect("a list")
    };
    let all = expected(&inserted);
    assert_eq!(listed(None, None, 100), all);
    assert_eq!(listed(None, None, 0), []);
    for (idx, likeness) in all.iter().enumerate() {
        assert_eq!(listed(None, Some(likeness), 100), all[idx + 1..]);
        let alone = Some(&likeness.hash);
        let first = idx / 2 * 2;
        assert_eq!(listed(alone, None, 100), all[first..first + 2]);
        assert_eq!(listed(alone, Some(likeness), 100), all[idx + 1..first + 2]);
    }
    assert_eq!(listed(Some(&[8; 32]), None, 100), []);

    // They follow what becomes of the record.
    inserted[0].state = State::Public;
    inserted[0] = records.update(&inserted[0]).expect("an update");
    assert_eq!(listed(None, None, 100), all);
    inserted[0].pdq = of([8; 32], 99).pdq;
    inserted[0] = records.update(&inserted[0]).expect("an update");
    assert_eq!(listed(None, None, 100), expected(&inserted));
    records.remove(&inserted[0].id).expect("a removal");
    assert_eq!(listed(None, None, 100), expected(&inserted[1..]));
}

fn views_add_up_for_known_images(records: &dyn Records) {
    let (record, other) = (sample_record(), sample_record());
    let delta = |id, n_views, day| ViewDelta { id, n_views, day };
    insert(records, &record);
    assert_eq!(views(records, &record.id), Views::default());
    add_views(records, &[]);
    add_views(
        records,
        &[
            delta(record.id, 2, 20_001),
            delta(other.id, 9, 20_001),
            delta(record.id, 3, 20_000),
        ],
    );
    add_views(records, &[delta(record.id, 1, 20_003)]);
    assert_eq!(
        views(records, &record.id),
        Views {
            total: 6,
            last_day: Some(20_003)
        }
    );
    assert_eq!(
        views(records, &other.id),
        Views::default(),
        "an unknown image has views"
    );
    add_views(records, &[delta(record.id, u64::MAX, 0)]);
    assert_eq!(
        views(records, &record.id),
        Views {
            total: u64::MAX,
            last_day: Some(20_003)
        }
    );
}

fn of_many_writers_one_wins(records: &dyn Records) {
    const WRITERS: usize = 8;
    let record = sample_record();
    let start = Barrier::new(WRITERS);
    let (inserted, updated) = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    let inserted = records.insert(&record).is_ok();
                    start.wait();
                    let updated = records.update(&record).is_ok();
                    insert(records, &sample_record());
                    (inserted, updated)
                })
            })
            .collect();
        writers
            .into_iter()
            .fold((0, 0), |(inserted, updated), writer| {
                let (one, other) = writer.join().expect("a writer");
                (inserted + usize::from(one), updated + usize::from(other))
            })
    });
    assert_eq!((inserted, updated), (1, 1));
    assert_eq!(count(records), 1 + WRITERS as u64);
    assert_eq!(
        found(records, &record.id).map(|record| record.revision),
        Some(1)
    );
}

fn flush_and_probe_change_nothing(records: &dyn Records) {
    records
        .probe_writable()
        .expect("records that can be written");
    records.flush().expect("a flush");
    assert_eq!(count(records), 0);
    for state in State::ALL {
        assert_eq!(listed(records, state), []);
    }
}

fn insert(records: &dyn Records, record: &Record) {
    records.insert(record).expect("an insert");
}

fn found(records: &dyn Records, id: &ImageId) -> Option<Record> {
    records.find(id).expect("a look-up")
}

fn listed(records: &dyn Records, state: State) -> Vec<ImageId> {
    let page = records.in_state(state, None, 1000).expect("a page");
    assert_eq!(page.next, None);
    page.ids
}

fn add_views(records: &dyn Records, batch: &[ViewDelta]) {
    records.add_views(batch).expect("views added");
}

fn views(records: &dyn Records, id: &ImageId) -> Views {
    records.views(id).expect("views")
}

fn count(records: &dyn Records) -> u64 {
    records.count().expect("a count")
}
