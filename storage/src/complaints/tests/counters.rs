//! Counter-notices whose image is held, or decided about again.

use super::copyrights::{countered, notified};
use super::*;
use crate::audit::Actor;
use crate::lawful::{self, Line, NewHold};

/// An image removed for a notice and countered, two milliseconds later.
fn removed(desk: &Desk, who: &Moderator) -> (ImageId, CounterNotice) {
    let image = desk.image();
    notified(desk, vec![image]);
    desk.decide(who, &image, &removal(Policy::Copyright), NOW + 1);
    (image, countered(desk, image, NOW + 2))
}

fn state(desk: &Desk, counter: &CounterNotice) -> CounterState {
    let kept = desk.complaints.counter_notice(&counter.receipt);
    kept.unwrap().unwrap().state
}

#[test]
fn a_courts_hold_does_not_stop_a_restoration() {
    let desk = desk();
    let (image, counter) = removed(&desk, &person(Role::Moderator));
    let hold = NewHold {
        image,
        reference: Line::new("5 KLs 12/26").unwrap(),
        expires_at_ms: NOW + 300 * DAY,
    };
    lawful::hold(&desk.store, &Actor::Operator, &hold, NOW + 3).unwrap();
    let due = desk.complaints.restore_due(counter.restore_from_ms, 10);
    assert_eq!(due.unwrap().images, [image]);
    assert_eq!(state(&desk, &counter), CounterState::Restored);
    desk.store.remove(&image, NOW + 60 * DAY).unwrap();
    assert!(desk.store.find(&image).unwrap().is_some(), "held still");
}

#[test]
fn evidence_is_not_restored_and_its_counter_notice_not_lost() {
    let desk = desk();
    let (image, counter) = removed(&desk, &person(Role::Moderator));
    let held = |is_held: bool| {
        desk.store
            .update(&image, |record| record.legal_hold = is_held)
            .unwrap();
    };
    held(true);
    let day = counter.restore_from_ms;
    for now_ms in [day, day + HOUR] {
        let due = desk.complaints.restore_due(now_ms, 10).unwrap();
        assert_eq!(due, Restored::default());
        assert_eq!(state(&desk, &counter), CounterState::Open);
    }
    assert_eq!(desk.told(&image).last().unwrap(), "counter-notice-put-off");
    held(false);
    let due = desk.complaints.restore_due(day + DAY, 10).unwrap();
    assert_eq!(due.images, [image]);
}

#[test]
fn what_is_gone_when_its_day_comes_is_told() {
    let desk = desk();
    let (image, counter) = removed(&desk, &person(Role::Moderator));
    desk.store.remove(&image, NOW + 3).unwrap();
    let due = desk.complaints.restore_due(counter.restore_from_ms, 10);
    assert_eq!(due.unwrap(), Restored::default());
    assert_eq!(desk.told(&image).last().unwrap(), "counter-notice-closed");
}

#[test]
fn a_removal_for_another_reason_shows_nothing_again() {
    let desk = desk();
    let who = person(Role::SeniorModerator);
    let (image, counter) = removed(&desk, &who);
    desk.queue
        .take_down(Some(&who), &image, &removal(Policy::Spam), NOW + 3)
        .unwrap();
    assert_eq!(state(&desk, &counter), CounterState::Superseded);
    assert_eq!(desk.complaints.open_counters(10).unwrap(), []);
}

#[test]
fn a_counter_notice_runs_on_when_what_closed_it_is_undone() {
    let desk = desk();
    let who = person(Role::SeniorModerator);
    for verdict in [removal(Policy::Spam), Verdict::Safe] {
        let (image, counter) = removed(&desk, &who);
        let job = desk
            .queue
            .take_down(Some(&who), &image, &verdict, NOW + 3)
            .unwrap();
        assert_ne!(state(&desk, &counter), CounterState::Open);
        desk.queue.undo(&who, &image, job.version, NOW + 4).unwrap();
        let open = desk.complaints.open_counter(&image).unwrap().unwrap();
        assert_eq!(
            (open.receipt, open.state),
            (counter.receipt, CounterState::Open)
        );
        let due = desk.complaints.restore_due(counter.restore_from_ms, 10);
        // Whoever took it back holds it; its day comes all the same.
        assert_eq!(due.unwrap().images, [image]);
        // A year later nothing of it is left.
        let end = counter.restore_by_ms + 366 * DAY;
        desk.complaints.remove_expired(end, 100).unwrap();
        let kept = desk.complaints.counter_notice(&counter.receipt);
        assert_eq!(kept.unwrap(), None);
    }
}

#[test]
fn p20_every_counter_notice_of_an_image_is_found() {
    let desk = desk();
    let who = person(Role::Moderator);
    let (image, first) = removed(&desk, &who);
    let found = || {
        let found = desk.complaints.counters_of(&image).unwrap();
        let states = found.iter().map(|one| (one.receipt, one.state.as_str()));
        states.collect::<Vec<_>>()
    };
    assert_eq!(found(), [(first.receipt, "open")]);
    let day = first.restore_from_ms;
    desk.complaints.restore_due(day, 10).unwrap();
    assert_eq!(found(), [(first.receipt, "restored")]);
    notified(&desk, vec![image]);
    desk.decide(&who, &image, &removal(Policy::Copyright), day + 1);
    let second = countered(&desk, image, day + 2);
    let both = [(first.receipt, "restored"), (second.receipt, "open")];
    assert_eq!(found(), both);
    assert_eq!(desk.complaints.counters_of(&desk.image()).unwrap(), []);
    // One that was taken before they were listed.
    let mut changes = crate::Changes::new();
    for entry in desk
        .store
        .range(&keys::counters_by_image(&image), 9)
        .unwrap()
    {
        changes.delete(entry.key);
    }
    Keyspace::commit(&*desk.store, changes).unwrap();
    assert_eq!(found(), [(second.receipt, "open")]);
}
