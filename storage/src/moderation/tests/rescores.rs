//! Stored images judged again.

use super::*;
use crate::moderation::{Rescore, ScorePlace};
use crate::{Classification, Ruling};

fn rescored(queue: &Queue, record: &Record, place: ScorePlace) -> Option<Rescore> {
    let judge = |record: &Record, _: Option<&Job>| {
        let classification = Classification {
            thresholds: [0.4, 0.9, 0.3, 0.1],
            label: StoredLabel::Nsfw,
            ..record.classification.clone()?
        };
        Some(Rescore {
            classification,
            place,
        })
    };
    queue.rescore(&record.id, NOW, judge).unwrap()
}

fn stored_label(queue: &Queue, record: &Record) -> StoredLabel {
    let record = queue.store().find(&record.id).unwrap().unwrap();
    record.classification.unwrap().label
}

#[test]
fn a_score_puts_an_image_into_the_queue_and_takes_it_out() {
    let queue = queue();
    let record = stored_image(&queue, 0.5);
    assert!(rescored(&queue, &record, ScorePlace::Stays).is_some());
    assert_eq!(stored_label(&queue, &record), StoredLabel::Nsfw);
    assert_eq!(all_waiting(&queue), []);
    rescored(&queue, &record, ScorePlace::Queue { hide: true });
    assert_eq!(all_waiting(&queue), [record.id]);
    let state = || state_of(&queue, &record.id);
    assert_eq!(state(), State::Review);
    rescored(&queue, &record, ScorePlace::Withdraw);
    assert_eq!((all_waiting(&queue), state()), (vec![], State::Public));
    assert_eq!(queue.job(&record.id).unwrap(), None);
}

#[test]
fn what_is_said_of_an_image_stays_in_the_queue() {
    let queue = queue();
    let record = queued_image(&queue, 0.5);
    let report = Flag::new(Reason::Report).hiding();
    queue.flag(&record.id, &report, NOW).unwrap();
    rescored(&queue, &record, ScorePlace::Withdraw);
    assert_eq!(all_waiting(&queue), [record.id]);
    assert_eq!(state_of(&queue, &record.id), State::Review);
    // Nor is it taken from whoever looks at it.
    let held = queued_image(&queue, 0.5);
    let who = moderator();
    queue.claim(&who, &Lane::ALL, &held.id, NOW).unwrap();
    rescored(&queue, &held, ScorePlace::Withdraw);
    assert!(queue.job(&held.id).unwrap().unwrap().lease().is_some());
}

#[test]
fn no_score_changes_what_people_or_rules_have_said() {
    let queue = queue();
    let who = moderator();
    let decided = queued_image(&queue, 0.5);
    let job = queue.claim(&who, &Lane::ALL, &decided.id, NOW).unwrap();
    queue
        .decide(&who, &claim_of(&job), &Verdict::Safe, NOW)
        .unwrap();
    let [ruled, blocked] = [(); 2].map(|()| stored_image(&queue, 0.5));
    let ruling = Ruling {
        label: StoredLabel::Safe,
        by: RuledBy::Rule,
        at_ms: NOW,
    };
    let store = queue.store();
    store
        .update(&ruled.id, |record| record.ruling = Some(ruling))
        .unwrap();
    store
        .update(&blocked.id, |record| record.state = State::Blocked)
        .unwrap();
    for record in [&decided, &ruled, &blocked] {
        let before = store.find(&record.id).unwrap();
        let changed = rescored(&queue, record, ScorePlace::Queue { hide: true });
        assert_eq!(changed, None);
        assert_eq!(store.find(&record.id).unwrap(), before);
    }
    assert_eq!(all_waiting(&queue), []);
}
