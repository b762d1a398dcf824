use imgshare_storage::Store;
use imgshare_storage::moderation::{Bank, QueueSettings};

use super::*;

fn stricter() -> Thresholds {
    Thresholds {
        explicit: 0.4,
        ..Thresholds::default()
    }
}

fn actions(store: &Store) -> Vec<String> {
    let told = audit::entries_after(store, 0, 99).unwrap();
    let actions = told
        .iter()
        .map(|told| told.entry.action.as_str().to_owned());
    actions.collect()
}

#[test]
fn what_staff_set_stands_before_the_settings_until_it_is_taken_back() {
    let store = Store::memory();
    let settings = Moderation::default();
    let book = ThresholdBook::open(&store, &settings).unwrap();
    assert_eq!(*book.moderation(), settings);
    let actor = Actor::Operator;
    for wrong in [-0.1, 1.1, f32::NAN] {
        let wrong = Thresholds {
            ads: wrong,
            ..stricter()
        };
        let refused = book.set(&store, &actor, wrong, 7);
        assert!(matches!(refused, Err(ThresholdError::OutOfBounds)));
    }
    assert!(!book.reset(&store, &actor, 7).unwrap());
    assert_eq!(actions(&store), [""; 0]);
    book.set(&store, &actor, stricter(), 7).unwrap();
    for book in [&book, &ThresholdBook::open(&store, &settings).unwrap()] {
        let in_force = book.in_force();
        assert_eq!(in_force.moderation.thresholds(), stricter());
        assert_eq!(in_force.set.unwrap().at_ms, 7);
        assert_eq!(book.of_settings(), Thresholds::default());
    }
    assert!(book.reset(&store, &actor, 8).unwrap());
    let again = ThresholdBook::open(&store, &settings).unwrap();
    assert_eq!(again.in_force().set, None);
    assert_eq!(actions(&store), ["thresholds-changed"; 2]);
    let told = audit::entries_after(&store, 0, 9).unwrap();
    let entry = &told[1].entry;
    assert_eq!(
        (&entry.before["from"], &entry.after["from"]),
        (&json!("staff"), &json!("settings"))
    );
    assert_eq!(entry.before["explicit"], json!(0.4_f32));
}

#[test]
fn a_candidate_is_promoted_or_discarded_and_survives_a_restart() {
    let store = Arc::new(Store::memory());
    let bank = Arc::new(Bank::new(Arc::clone(&store)));
    let queue = Queue::new(Arc::clone(&store), bank, QueueSettings::default());
    let settings = Moderation::default();
    let book = ThresholdBook::open(&*store, &settings).unwrap();
    let actor = Actor::Operator;
    let none = book.promote(&queue, &actor, 7);
    assert!(matches!(none, Err(ThresholdError::NoCandidate)));
    book.try_out(&queue, &actor, stricter(), None, 7).unwrap();
    let again = ThresholdBook::open(&*store, &settings).unwrap();
    again.watch(&queue).unwrap();
    let tried = again.candidate(&*store).unwrap().unwrap();
    assert_eq!((tried.generation, tried.thresholds), (1, stricter()));
    assert_eq!(again.in_force().set, None, "it only counts");
    again.discard(&queue, &actor, 8).unwrap();
    assert_eq!(again.candidate(&*store).unwrap(), None);
    again.try_out(&queue, &actor, stricter(), None, 9).unwrap();
    assert_eq!(again.candidate(&*store).unwrap().unwrap().generation, 2);
    again.promote(&queue, &actor, 10).unwrap();
    assert_eq!(again.moderation().thresholds(), stricter());
    assert_eq!(again.candidate(&*store).unwrap(), None);
    let expected = [
        "shadow-begun",
        "shadow-discarded",
        "shadow-begun",
        "shadow-promoted",
        "thresholds-changed",
    ];
    assert_eq!(actions(&store), expected);
}
