use serde_json::json;

use super::*;
use crate::audit::{Action, Anchor, Subject, entry_key, record, scores};
use crate::contract::sample_record;
use crate::{Changes, Record};

fn filled() -> MemoryRecords {
    let keys = MemoryRecords::default();
    for n in 1..=600 {
        record(
            &keys,
            &Entry::new(n, Actor::Operator, Action::new("tested")),
        )
        .unwrap();
    }
    keys
}

fn tampered(change: impl FnOnce(&mut Changes, &MemoryRecords)) -> BadEntry {
    let keys = filled();
    let mut changes = Changes::new();
    change(&mut changes, &keys);
    keys.commit(changes).unwrap();
    verify(Some(&keys), None).unwrap().bad.unwrap()
}

#[test]
fn the_first_bad_entry_is_named() {
    assert_eq!(verify(Some(&filled()), None).unwrap().bad, None);
    let changed = tampered(|changes, keys| {
        let value = keys.get(&entry_key(300)).unwrap().unwrap();
        let text = String::from_utf8(value).unwrap();
        changes.put(entry_key(300), text.replace("tested", "passed"));
    });
    assert_eq!((changed.seq, changed.why), (300, BrokenLink::Hash));
    let removed = tampered(|changes, _| changes.delete(entry_key(17)));
    assert_eq!((removed.seq, removed.why), (17, BrokenLink::Number));
    let cut = tampered(|changes, _| changes.delete(entry_key(600)));
    assert_eq!((cut.seq, cut.why), (600, BrokenLink::Number));
    let nonsense = tampered(|changes, _| changes.put(entry_key(600), *b"\x01{"));
    assert_eq!(nonsense.why, BrokenLink::Unreadable);
}

/// Two images with an entry about each that tells of scores.
fn scored() -> (MemoryRecords, [Record; 2]) {
    let keys = MemoryRecords::default();
    let images = [(); 2].map(|()| sample_record());
    for record in &images {
        Records::insert(&keys, record).unwrap();
        crate::audit::record(&keys, &about(record)).unwrap();
    }
    (keys, images)
}

fn about(image: &Record) -> Entry {
    let mut entry =
        Entry::new(7, Actor::System, Action::new("image-removed")).about(Subject::image(&image.id));
    entry.scores = json!({"porn": 0.5});
    entry
}

fn found(keys: &MemoryRecords) -> (ScoresFound, Option<BadEntry>) {
    let report = verify(Some(keys), None).unwrap();
    (report.scores, report.bad)
}

fn erase_scores(keys: &MemoryRecords, image: &Record) {
    let mut changes = Changes::new();
    scores::plan_erased(keys, &mut changes, &image.id).unwrap();
    keys.commit(changes).unwrap();
}

#[test]
fn p13c_scores_may_go_with_their_image_and_not_otherwise() {
    let (keys, [gone, kept]) = scored();
    let there = ScoresFound {
        n_there: 2,
        ..ScoresFound::default()
    };
    assert_eq!(found(&keys), (there, None));
    Records::remove(&keys, &gone.id).unwrap();
    assert_eq!(found(&keys).0.n_overdue, 1);
    erase_scores(&keys, &gone);
    let erased = ScoresFound {
        n_there: 1,
        n_erased: 1,
        ..ScoresFound::default()
    };
    assert_eq!(found(&keys), (erased, None));
    erase_scores(&keys, &kept);
    let bad = found(&keys).1.unwrap();
    assert_eq!((bad.seq, bad.why), (2, BrokenLink::ScoresMissing));
}

#[test]
fn changed_scores_are_named() {
    let (keys, images) = scored();
    let sealed = entries_after(&keys, 0, 1).unwrap().remove(0);
    let mut other = serde_json::to_value(scores_of(&keys, &sealed).unwrap()).unwrap();
    other["scores"]["porn"] = json!(0.4);
    let mut changes = Changes::new();
    let other = serde_json::from_value(other).unwrap();
    scores::put(&mut changes, &images[0].id, 1, &other);
    keys.commit(changes).unwrap();
    let bad = found(&keys).1.unwrap();
    assert_eq!((bad.seq, bad.why), (1, BrokenLink::Scores));
}

#[test]
fn scores_that_were_lost_with_a_database_are_no_tampering() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, images) = scored();
    Anchor::open(dir.path(), &keys, 0).unwrap();
    let rebuilt = MemoryRecords::default();
    for record in &images {
        Records::insert(&rebuilt, record).unwrap();
    }
    Anchor::open(dir.path(), &rebuilt, 0).unwrap();
    crate::audit::record(&rebuilt, &about(&images[0])).unwrap();
    let report = verify(Some(&rebuilt), Some(dir.path())).unwrap();
    let scores = ScoresFound {
        n_there: 1,
        n_lost: 2,
        ..ScoresFound::default()
    };
    assert_eq!((report.bad, report.scores), (None, scores));
    erase_scores(&rebuilt, &images[0]);
    assert_eq!(found(&rebuilt).1.unwrap().why, BrokenLink::ScoresMissing);
}

/// Chains of before scores were kept beside them: they hold, and are read.
#[test]
fn entries_with_their_scores_inside_still_hold() {
    let keys = MemoryRecords::default();
    let old = Sealed::behind(&Head::EMPTY, about(&sample_record())).unwrap();
    let mut changes = Changes::new();
    crate::audit::put(&mut changes, &old);
    keys.commit(changes).unwrap();
    record(&keys, &Entry::new(8, Actor::System, Action::new("x"))).unwrap();
    assert_eq!(found(&keys), (ScoresFound::default(), None));
    let read = entries_after(&keys, 0, 1).unwrap().remove(0);
    assert_eq!(read.entry.scores["porn"], 0.5);
}
