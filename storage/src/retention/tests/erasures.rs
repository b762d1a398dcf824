//! What goes without its image going: it leaves the database's files as soon.

use super::*;
use crate::Changes;
use crate::audit::{self, Action, Actor, Entry, Subject};
use crate::blocks;
use crate::lawful::{self, Line, NewHold, RequestDraft, RequestKind, Words};

/// Looks before the deadline, so that the test proves something, and after it.
fn assert_erased_in_time(house: &House, mark: &str, from_ms: u64) {
    assert_ne!(house.holding(mark), NOWHERE, "it would prove nothing");
    assert_eq!(house.n_due(Job::Rewrite, from_ms + 4 * DAY), 1, "{mark}");
    house.keep(from_ms + 4 * DAY);
    assert_eq!(house.holding(mark), NOWHERE, "{mark}");
}

#[test]
fn p20_a_corrected_file_name_leaves_the_database_in_time() {
    let house = House::new();
    let image = house.upload("Geburtsname", START);
    let now = START + DAY;
    let corrected = house
        .store()
        .correct_filename(&image.id, "other.jpg", now)
        .unwrap();
    assert_eq!(corrected.unwrap().filename, "other.jpg");
    // The bytes of the image say the word as well: they are not the name.
    assert_erased_in_time(&house, "Geburtsname.jpg", now);
    let found = house.store().find(&image.id).unwrap().unwrap();
    assert_eq!(found.filename, "other.jpg");
    // The same name again changes nothing, and an unknown image has none.
    let later = now + 10 * DAY;
    let again = house
        .store()
        .correct_filename(&image.id, "other.jpg", later);
    assert_eq!(again.unwrap().unwrap().revision, found.revision);
    assert_eq!(house.n_due(Job::Rewrite, later + 4 * DAY), 0);
    let unknown = crate::ImageId::random().unwrap();
    let none = house.store().correct_filename(&unknown, "x.jpg", later);
    assert_eq!(none.unwrap(), None);
}

#[test]
fn p13e_an_answered_request_leaves_the_database_in_time() {
    let house = House::new();
    let draft = RequestDraft {
        kind: RequestKind::Access,
        words: Words::new("Anfrage von jemandem").unwrap(),
        contact: Line::default(),
        received_at_ms: START,
    };
    lawful::enter(house.store(), &Actor::Operator, &draft, START).unwrap();
    let due = lawful::open(house.store(), 1).unwrap()[0].due_at_ms;
    let words = Words::new("Sent.").unwrap();
    lawful::answer(house.store(), &Actor::Operator, (1, due), &words, START).unwrap();
    let over = START + 366 * DAY;
    house.keep(over);
    assert!(lawful::answered(house.store(), 9).unwrap().is_empty());
    assert_erased_in_time(&house, "Anfrage von jemandem", over);
}

#[test]
fn p13e_whose_hold_has_ended_leaves_the_database_in_time() {
    let house = House::new();
    let image = house.upload("held", START);
    let new = NewHold {
        image: image.id,
        reference: Line::new("AZ 12/26").unwrap(),
        expires_at_ms: START + 30 * DAY,
    };
    lawful::hold(house.store(), &Actor::Operator, &new, START).unwrap();
    lawful::release(house.store(), &Actor::Operator, &image.id, START + DAY).unwrap();
    // The audit names the reference for ever; who set the hold and its end go.
    assert_erased_in_time(&house, "\"set_at_ms\"", START + DAY);
}

#[test]
fn p13e_an_address_that_is_not_blocked_any_more_leaves_the_database_in_time() {
    let house = House::new();
    let block = |network: &str| {
        let network = network.parse().unwrap();
        let mut changes = Changes::new();
        let block = blocks::Block::new(network, "Werbung in Massen", "operator", START, 7).unwrap();
        blocks::plan_add(house.store(), &mut changes, &block).unwrap();
        Keyspace::commit(house.store(), changes).unwrap();
        network
    };
    block("203.0.113.7/32");
    let over = START + 8 * DAY;
    assert_eq!(blocks::remove_expired(house.store(), over, 9).unwrap(), 1);
    assert_erased_in_time(&house, "Werbung in Massen", over);
    let network = block("203.0.113.8/32");
    let mut changes = Changes::new();
    blocks::plan_remove(house.store(), &mut changes, &network, over + 20 * DAY).unwrap();
    Keyspace::commit(house.store(), changes).unwrap();
    assert_erased_in_time(&house, "Werbung in Massen", over + 20 * DAY);
}

/// As after a repair, which takes the audit over as it is.
#[test]
fn p13c_scores_in_the_audit_of_an_image_that_is_gone_are_cleared_within_a_day() {
    let house = House::new();
    let kept = house.upload("kept", START);
    let gone = crate::ImageId::random().unwrap();
    for image in [&kept.id, &gone] {
        let mut entry = Entry::new(START, Actor::System, Action::new("image-removed"))
            .about(Subject::image(image));
        entry.scores = serde_json::json!({"porn": 0.987_654});
        audit::record(house.store(), &entry).unwrap();
    }
    let found = || audit::verify(Some(house.store()), None).unwrap().scores;
    assert_eq!((found().n_there, found().n_overdue), (2, 1));
    let planned = house.retention().plan(Job::Leftovers, START).unwrap();
    assert_eq!((planned.n_due, planned.some), (1, vec![gone.to_string()]));
    house.keep(START);
    assert_eq!(house.n_due(Job::Leftovers, START), 0);
    let found = found();
    assert_eq!((found.n_there, found.n_erased, found.n_overdue), (1, 1, 0));
    house.store().remove(&kept.id, START + DAY).unwrap();
    assert_erased_in_time(&house, "0.987654", START + DAY);
}
