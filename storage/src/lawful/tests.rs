//! Holds and requests over a store in memory.

use std::sync::Arc;

use super::*;
use crate::audit::{self, Actor};
use crate::calendar::MS_A_DAY;
use crate::complaints::{self, Category, Complaints, ReportDraft};
use crate::contract::{SampleBytes, sample_record};
use crate::moderation::{Bank, Flag, Note, Policy, Queue, QueueSettings, Reason, Verdict};
use crate::{Changes, ImageId, Keyspace, PartName, SledRecords, State, Store};

const NOW: u64 = 1_800_000_000_000;

fn store_with_image() -> (Store, ImageId) {
    let store = Store::memory();
    let mut record = sample_record();
    record.state = State::Public;
    store
        .commit(&record, &SampleBytes(b"original".to_vec()))
        .unwrap();
    (store, record.id)
}

fn line(text: &str) -> Line {
    Line::new(text).unwrap()
}

fn new_hold(image: ImageId, days: u64) -> NewHold {
    NewHold {
        image,
        reference: line("5 KLs 12/26"),
        expires_at_ms: NOW + days * MS_A_DAY,
    }
}

fn actions(store: &Store) -> Vec<String> {
    let entries = audit::entries_after(store, 0, 100).unwrap();
    entries
        .iter()
        .map(|sealed| sealed.entry.action.to_string())
        .collect()
}

fn is_there(store: &Store, image: &ImageId) -> bool {
    let Some(record) = store.find(image).unwrap() else {
        return false;
    };
    let original: PartName = record.original().unwrap();
    store.read(image, &original).unwrap().is_some()
}

#[test]
fn p11_a_hold_stops_a_deletion_until_it_is_released() {
    let (store, image) = store_with_image();
    hold(&store, &Actor::System, &new_hold(image, 30), NOW).unwrap();
    let held = hold_of(&store, &image).unwrap().unwrap();
    assert_eq!((held.set_by.as_str(), held.set_at_ms), ("system", NOW));
    assert!(store.remove(&image, NOW).unwrap());
    assert!(is_there(&store, &image), "out of sight, and kept");
    assert_eq!(store.find(&image).unwrap().unwrap().state, State::Removed);
    assert!(release(&store, &Actor::Operator, &image, NOW).unwrap());
    assert!(!is_there(&store, &image), "what was deleted goes now");
    assert!(!release(&store, &Actor::Operator, &image, NOW).unwrap());
    assert_eq!(actions(&store), ["lawful-hold-set", "lawful-hold-ended"]);
}

#[test]
fn p11_nothing_else_clears_a_hold() {
    let (store, image) = store_with_image();
    hold(&store, &Actor::System, &new_hold(image, 30), NOW).unwrap();
    store
        .update(&image, |record| record.court_hold = false)
        .unwrap();
    assert!(store.find(&image).unwrap().unwrap().is_held());
    let mut record = store.find(&image).unwrap().unwrap();
    (record.legal_hold, record.court_hold) = (false, false);
    let mut changes = Changes::new();
    changes.update_record(record);
    Keyspace::commit(&store, changes).unwrap();
    assert!(store.find(&image).unwrap().unwrap().is_held());
    release(&store, &Actor::System, &image, NOW).unwrap();
    assert!(!store.find(&image).unwrap().unwrap().is_held());
}

#[test]
fn p11_evidence_stays_held_when_a_hold_ends() {
    let (store, image) = store_with_image();
    store
        .update(&image, |record| record.legal_hold = true)
        .unwrap();
    hold(&store, &Actor::System, &new_hold(image, 30), NOW).unwrap();
    release(&store, &Actor::System, &image, NOW).unwrap();
    assert!(store.find(&image).unwrap().unwrap().legal_hold);
}

#[test]
fn p11_a_hold_ends_by_itself_on_its_day() {
    let (store, image) = store_with_image();
    hold(&store, &Actor::Operator, &new_hold(image, 30), NOW).unwrap();
    assert_eq!(end_due(&store, NOW + 30 * MS_A_DAY - 1, 100).unwrap(), 0);
    assert_eq!(holds(&store, None, 10).unwrap().len(), 1);
    assert_eq!(end_due(&store, NOW + 30 * MS_A_DAY, 100).unwrap(), 1);
    assert_eq!(end_due(&store, NOW + 30 * MS_A_DAY, 100).unwrap(), 0);
    assert!(holds(&store, None, 10).unwrap().is_empty());
    assert!(!store.find(&image).unwrap().unwrap().is_held());
}

/// The first one's record cannot be read.
#[test]
fn p11_a_hold_that_cannot_be_ended_keeps_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let mut images = [(); 3].map(|()| {
        let record = sample_record();
        store
            .commit(&record, &SampleBytes(b"original".to_vec()))
            .unwrap();
        hold(&store, &Actor::Operator, &new_hold(record.id, 30), NOW).unwrap();
        record.id
    });
    images.sort_unstable();
    drop(store);
    let records = SledRecords::open(&dir.path().join("db")).unwrap();
    let broken = (crate::record_keys::record(&images[0]), b"noise".to_vec());
    records.load_entries(&[broken]).unwrap();
    drop(records);
    let store = Store::open(dir.path()).unwrap();
    let due = NOW + 30 * MS_A_DAY;
    // One by one, and not the broken one again and again.
    assert_eq!(end_due(&store, due, 1).unwrap(), 1);
    assert!(end_due(&store, due, 100).is_err());
    let left = holds(&store, None, 10).unwrap();
    let left: Vec<ImageId> = left.iter().map(|hold| hold.image).collect();
    assert_eq!(left, images[..1]);
}

#[test]
fn p11_a_hold_needs_a_reference_an_end_and_an_image() {
    let (store, image) = store_with_image();
    let mut nameless = new_hold(image, 30);
    nameless.reference = line(" ");
    let unknown = new_hold(ImageId::random().unwrap(), 30);
    for (new, code) in [
        (nameless, "form-incomplete"),
        (new_hold(image, 0), "hold-expiry-out-of-bounds"),
        (
            new_hold(image, HOLD_DAYS_MAX + 1),
            "hold-expiry-out-of-bounds",
        ),
        (unknown, "not-found"),
    ] {
        let error = hold(&store, &Actor::Operator, &new, NOW).unwrap_err();
        assert_eq!(error.code(), code);
    }
    hold(&store, &Actor::Operator, &new_hold(image, 1), NOW).unwrap();
    let again = hold(&store, &Actor::Operator, &new_hold(image, 1), NOW).unwrap_err();
    assert_eq!(again.code(), "already-held");
}

#[test]
fn p11_every_case_is_counted_by_year() {
    let (store, image) = store_with_image();
    assert!(counts(&store).unwrap().is_empty());
    hold(&store, &Actor::Operator, &new_hold(image, 30), NOW).unwrap();
    note_export(&store, &Actor::Operator, &image, "ab", NOW).unwrap();
    release(&store, &Actor::Operator, &image, NOW + 365 * MS_A_DAY).unwrap();
    let years = counts(&store).unwrap();
    let told = years
        .iter()
        .map(|y| (y.year, y.n_held, y.n_ended, y.n_exported));
    assert_eq!(told.collect::<Vec<_>>(), [(2028, 0, 1, 0), (2027, 1, 0, 1)]);
    let after = note_export(&store, &Actor::Operator, &image, "ab", NOW).unwrap_err();
    assert_eq!(after.code(), "not-held");
}

#[test]
fn p11_a_lapsed_hold_hands_nothing_over_though_nobody_took_it_away() {
    let (store, image) = store_with_image();
    hold(&store, &Actor::Operator, &new_hold(image, 30), NOW).unwrap();
    let end = NOW + 30 * MS_A_DAY;
    note_export(&store, &Actor::Operator, &image, "ab", end - 1).unwrap();
    let refused = note_export(&store, &Actor::Operator, &image, "ab", end).unwrap_err();
    assert_eq!(refused.code(), "not-held");
    let told = counts(&store).unwrap();
    assert_eq!((told[0].n_exported, told[0].n_ended), (1, 0));
    // Nor does what is over keep a new order from being followed.
    let again = NewHold {
        reference: line("6 KLs 1/27"),
        expires_at_ms: end + 30 * MS_A_DAY,
        ..new_hold(image, 30)
    };
    hold(&store, &Actor::Operator, &again, end).unwrap();
    note_export(&store, &Actor::Operator, &image, "cd", end).unwrap();
    assert_eq!(
        actions(&store),
        [
            "lawful-hold-set",
            "lawful-export",
            "lawful-hold-ended",
            "lawful-hold-set",
            "lawful-export"
        ]
    );
    let n_ended: u64 = counts(&store)
        .unwrap()
        .iter()
        .map(|year| year.n_ended)
        .sum();
    assert_eq!(n_ended, 1);
    let standing = hold(&store, &Actor::Operator, &again, end).unwrap_err();
    assert_eq!(standing.code(), "already-held");
}

#[test]
fn p20_a_request_arrives_on_a_day_that_can_be() {
    let (store, _) = store_with_image();
    let on = |received_at_ms| {
        let draft = RequestDraft {
            received_at_ms,
            ..draft(RequestKind::Access)
        };
        enter(&store, &Actor::Operator, &draft, NOW)
    };
    for (received_at_ms, words) in [
        (NOW + 1, "still to come"),
        (NOW - 367 * MS_A_DAY, "more than a year ago"),
    ] {
        let error = on(received_at_ms).unwrap_err();
        assert_eq!(error.code(), "request-arrival-out-of-bounds");
        assert!(error.to_string().contains(words), "{error}");
    }
    on(NOW - 365 * MS_A_DAY).unwrap();
    on(NOW - 28 * MS_A_DAY).unwrap();
    on(NOW - 30 * MS_A_DAY).unwrap();
    on(NOW).unwrap();
    let told = clocks(&store, NOW, 100).unwrap();
    assert_eq!((told.n_open, told.n_overdue, told.n_soon), (4, 1, 2));
}

fn draft(kind: RequestKind) -> RequestDraft {
    RequestDraft {
        kind,
        words: Words::new("Which data of mine do you hold?").unwrap(),
        contact: line("jane@example.org"),
        received_at_ms: NOW,
    }
}

#[test]
fn p20_a_request_has_thirty_days_and_one_about_a_child_three() {
    let (store, _) = store_with_image();
    let first = enter(&store, &Actor::Operator, &draft(RequestKind::Access), NOW).unwrap();
    let second = enter(&store, &Actor::Operator, &draft(RequestKind::UnderAge), NOW).unwrap();
    assert_eq!((first, second), (1, 2));
    let waiting = open(&store, 10).unwrap();
    let due: Vec<_> = waiting
        .iter()
        .map(|r| (r.number, (r.due_at_ms - NOW) / MS_A_DAY))
        .collect();
    assert_eq!(due, [(2, 3), (1, 30)], "p22: the child's comes first");
    let words = Words::new("Deleted.").unwrap();
    let key = (2, waiting[0].due_at_ms);
    answer(&store, &Actor::Operator, key, &words, NOW + 1).unwrap();
    let again = answer(&store, &Actor::Operator, key, &words, NOW + 2).unwrap_err();
    assert_eq!(again.code(), "request-unknown");
    assert_eq!(open(&store, 10).unwrap().len(), 1);
    assert_eq!(answered(&store, 10).unwrap()[0].number, 2);
    let audit = format!("{:?}", audit::entries_after(&store, 0, 100).unwrap());
    assert!(
        !audit.contains("jane@") && !audit.contains("Which data"),
        "{audit}"
    );
}

#[test]
fn p13_an_answered_request_goes_after_a_year() {
    let (store, _) = store_with_image();
    enter(&store, &Actor::Operator, &draft(RequestKind::Access), NOW).unwrap();
    let due = open(&store, 1).unwrap()[0].due_at_ms;
    let words = Words::new("Sent.").unwrap();
    answer(&store, &Actor::Operator, (1, due), &words, NOW).unwrap();
    let year = 365 * MS_A_DAY;
    assert_eq!(remove_answered(&store, NOW + year, 10).unwrap(), 0);
    assert_eq!(remove_answered(&store, NOW + year + 1, 10).unwrap(), 1);
    assert!(answered(&store, 10).unwrap().is_empty());
}

/// A queue over a store with one public image, for what is found during a hold.
fn queue_with_image() -> (Arc<Queue>, ImageId) {
    let (store, image) = store_with_image();
    let store = Arc::new(store);
    let bank = Arc::new(Bank::new(Arc::clone(&store)));
    let queue = Queue::new(store, bank, QueueSettings::default());
    (Arc::new(queue), image)
}

fn report_abuse(queue: &Arc<Queue>, image: ImageId) {
    let draft = ReportDraft {
        image,
        category: Category::ChildAbuse,
        text: complaints::Text::new("look at this").unwrap(),
        contact: complaints::Text::default(),
    };
    let complaints = Complaints::new(Arc::clone(queue));
    complaints.report(&draft, 1.0, NOW).unwrap();
}

#[test]
fn p11_evidence_found_during_a_courts_hold_outlives_it() {
    let abuse = Verdict::Remove {
        policy: Policy::ChildAbuse,
        reason: Note::default(),
        bank: None,
    };
    for is_deleted in [false, true] {
        let (queue, image) = queue_with_image();
        let store = &**queue.store();
        hold(store, &Actor::System, &new_hold(image, 30), NOW).unwrap();
        report_abuse(&queue, image);
        if is_deleted {
            // It still waits for child safety.
            assert!(store.remove(&image, NOW + 1).unwrap());
        } else {
            queue.take_down(None, &image, &abuse, NOW + 1).unwrap();
        }
        release(store, &Actor::Operator, &image, NOW + 2).unwrap();
        let late = NOW + 400 * MS_A_DAY;
        assert_eq!(queue.purge_due(late, 9).unwrap().images, []);
        store.remove(&image, late).unwrap();
        assert!(is_there(store, &image), "deleted: {is_deleted}");
    }
}

#[test]
fn p11_what_waits_for_a_score_alone_is_held_no_longer_than_the_court_says() {
    let (queue, image) = queue_with_image();
    let store = &**queue.store();
    hold(store, &Actor::System, &new_hold(image, 30), NOW).unwrap();
    let flag = Flag::new(Reason::ReviewBand).hiding();
    queue.flag(&image, &flag, NOW + 1).unwrap();
    release(store, &Actor::Operator, &image, NOW + 2).unwrap();
    assert!(store.remove(&image, NOW + 3).unwrap());
    assert!(!is_there(store, &image));
}

#[test]
fn p11_evidence_that_is_cleared_during_a_courts_hold_ends_with_it() {
    let (queue, image) = queue_with_image();
    let store = &**queue.store();
    report_abuse(&queue, image);
    hold(store, &Actor::System, &new_hold(image, 30), NOW).unwrap();
    queue
        .take_down(None, &image, &Verdict::Safe, NOW + 1)
        .unwrap();
    store.remove(&image, NOW + 2).unwrap();
    assert!(is_there(store, &image), "the court holds it still");
    release(store, &Actor::Operator, &image, NOW + 3).unwrap();
    assert!(!is_there(store, &image));
}
