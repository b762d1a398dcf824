use imgshare_storage::contract::{SampleBytes, sample_record};
use imgshare_storage::moderation::{Bank, Flag, QueueSettings, Reason};
use imgshare_storage::{RuledBy, Ruling, Store};

use super::*;
use crate::moderation::thresholds::ThresholdBook;

const NOW: u64 = 1_750_000_060_000;

fn queue() -> Queue {
    let store = Arc::new(Store::memory());
    let bank = Arc::new(Bank::new(Arc::clone(&store)));
    Queue::new(store, bank, QueueSettings::default())
}

/// A public image as the default thresholds have labelled it; in the band it is
/// queued.
fn image(queue: &Queue, explicit: f32, change: impl Fn(&mut Record)) -> ImageId {
    let mut record = Record {
        state: State::Public,
        ..sample_record()
    };
    let found = record.classification.as_mut().unwrap();
    found.probabilities = [0.0, 0.0, 1.0 - explicit, explicit, 0.0];
    let verdict = Thresholds::default().judge(&Scores::from_array(found.probabilities));
    found.label = stored_label(verdict.label);
    change(&mut record);
    let bytes = SampleBytes(b"original".to_vec());
    queue.store().commit(&record, &bytes).unwrap();
    if verdict.review {
        queue
            .flag(&record.id, &Flag::new(Reason::ReviewBand), NOW)
            .unwrap();
    }
    record.id
}

fn stricter() -> Thresholds {
    Thresholds {
        explicit: 0.4,
        ..Thresholds::default()
    }
}

fn label(queue: &Queue, id: &ImageId) -> StoredLabel {
    let record = queue.store().find(id).unwrap().unwrap();
    record.classification.unwrap().label
}

fn is_queued(queue: &Queue, id: &ImageId) -> bool {
    queue.job(id).unwrap().is_some()
}

fn run_to_the_end(queue: &Queue) -> Relabelled {
    while page(queue, false, NOW, &mut |_| {}).unwrap() {}
    let last = Relabelling::last(&**queue.store()).unwrap().unwrap();
    assert_eq!(last.finished_at_ms, Some(NOW));
    last.changed
}

#[test]
fn what_is_stored_follows_as_the_preview_said() {
    let queue = queue();
    let book = ThresholdBook::open(&**queue.store(), &Moderation::default()).unwrap();
    // Safe, then nsfw; in the band of the old ones; in that of the new ones.
    let far = image(&queue, 0.1, |_| {});
    let [turned, old_band, new_band, low_band] =
        [0.55, 0.65, 0.45, 0.35].map(|explicit| image(&queue, explicit, |_| {}));
    let ruled = image(&queue, 0.45, |record| {
        record.ruling = Some(Ruling {
            label: StoredLabel::Safe,
            by: RuledBy::Staff,
            at_ms: NOW,
        });
    });
    let reported = image(&queue, 0.65, |_| {});
    queue
        .flag(&reported, &Flag::new(Reason::Report), NOW)
        .unwrap();
    let preview = Preview::run(&queue, &stricter(), &Moderation::default()).unwrap();
    assert!(preview.is_complete);
    assert_eq!(
        preview.changes,
        Relabelled {
            n_seen: 7,
            n_settled: 1,
            n_to_nsfw: 2,
            n_to_safe: 0,
            n_queued: 2,
            n_withdrawn: 2,
        }
    );
    assert_eq!(label(&queue, &turned), StoredLabel::Safe, "only looked at");

    book.set(&**queue.store(), &Actor::Operator, stricter(), NOW)
        .unwrap();
    assert_eq!(run_to_the_end(&queue), preview.changes);
    for (id, expected, queued) in [
        (far, StoredLabel::Safe, false),
        (turned, StoredLabel::Nsfw, false),
        (old_band, StoredLabel::Nsfw, false),
        (new_band, StoredLabel::Nsfw, true),
        (low_band, StoredLabel::Safe, true),
        (ruled, StoredLabel::Safe, false),
        (reported, StoredLabel::Nsfw, true),
    ] {
        assert_eq!(
            (label(&queue, &id), is_queued(&queue, &id)),
            (expected, queued)
        );
    }
    let nothing = Preview::run(&queue, &stricter(), &Moderation::default()).unwrap();
    let seen = Relabelled {
        n_seen: 7,
        n_settled: 1,
        ..Relabelled::default()
    };
    assert_eq!(nothing.changes, seen);

    // And back again.
    assert!(book.reset(&**queue.store(), &Actor::Operator, NOW).unwrap());
    let back = run_to_the_end(&queue);
    assert_eq!((back.n_to_safe, back.n_to_nsfw), (2, 0));
    assert!(is_queued(&queue, &turned) && is_queued(&queue, &old_band));
    assert!(!is_queued(&queue, &new_band) && !is_queued(&queue, &low_band));
    let told = audit::entries_after(&**queue.store(), 0, 9).unwrap();
    let actions: Vec<_> = told.iter().map(|told| told.entry.action.as_str()).collect();
    assert_eq!(
        actions,
        ["thresholds-changed", "images-relabelled"].repeat(2)
    );
}

#[test]
fn it_goes_on_where_it_was_and_begins_anew_for_other_thresholds() {
    let queue = queue();
    let store = &**queue.store();
    let book = ThresholdBook::open(store, &Moderation::default()).unwrap();
    let ids: Vec<ImageId> = (0..300).map(|_| image(&queue, 0.45, |_| {})).collect();
    let n_nsfw = || {
        let labels = ids.iter().map(|id| label(&queue, id));
        labels.filter(|label| *label == StoredLabel::Nsfw).count()
    };
    book.set(store, &Actor::Operator, stricter(), NOW).unwrap();
    assert!(page(&queue, false, NOW, &mut |_| {}).unwrap());
    assert_eq!(n_nsfw(), PAGE);
    // A restart knows nothing but what is stored.
    assert!(page(&queue, false, NOW, &mut |_| {}).unwrap());
    assert_eq!(n_nsfw(), 2 * PAGE);
    book.reset(store, &Actor::Operator, NOW).unwrap();
    let back = run_to_the_end(&queue);
    assert_eq!((n_nsfw(), back.n_seen), (0, 300));
    assert!(!page(&queue, false, NOW, &mut |_| {}).unwrap());
}

#[test]
fn what_is_held_for_its_score_is_hidden_and_shown_again() {
    let queue = queue();
    let store = &**queue.store();
    let book = ThresholdBook::open(store, &Moderation::default()).unwrap();
    let id = image(&queue, 0.45, |_| {});
    let state = || store.find(&id).unwrap().unwrap().state;
    let mut hidden = Vec::new();
    book.set(store, &Actor::Operator, stricter(), NOW).unwrap();
    while page(&queue, true, NOW, &mut |id| hidden.push(id)).unwrap() {}
    assert_eq!(
        (state(), hidden.as_slice()),
        (State::Review, [id].as_slice())
    );
    book.reset(store, &Actor::Operator, NOW).unwrap();
    while page(&queue, true, NOW, &mut |_| {}).unwrap() {}
    assert_eq!(state(), State::Public);
}

#[test]
fn a_preview_that_runs_out_of_time_says_so() {
    let queue = queue();
    image(&queue, 0.45, |_| {});
    let moderation = Moderation::default();
    let preview = Preview::within(&queue, &stricter(), &moderation, Duration::ZERO).unwrap();
    assert_eq!(preview, Preview::default());
}
