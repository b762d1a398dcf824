//! What has a date of its own, by `retention plan|run` alone.

use super::*;
use crate::aggregates::{self, Daily, DayCounts, Dimension};
use crate::audit::Actor;
use crate::lawful::{Line, NewHold, RequestDraft, RequestKind, Words};
use crate::{Changes, blocks, lawful};

fn hold(house: &House, image: &Record, until_ms: u64) {
    let new = NewHold {
        image: image.id,
        reference: Line::new("5 KLs 12/26").unwrap(),
        expires_at_ms: until_ms,
    };
    lawful::hold(house.store(), &Actor::System, &new, START).unwrap();
}

#[test]
fn p11_a_hold_ends_with_its_order_and_what_it_kept_goes_in_the_same_round() {
    let house = House::new();
    let [kept, other] = ["one", "two"].map(|marker| house.upload(marker, START));
    hold(&house, &kept, START + 3 * DAY);
    hold(&house, &other, START + 60 * DAY);
    house.store().remove(&kept.id, START + DAY).unwrap();
    let end = START + 3 * DAY;
    assert_eq!(house.n_due(Job::LegalHolds, end - 1), 0);
    house.keep(end - 1);
    assert!(house.is_there(&kept));
    assert_eq!(house.n_due(Job::LegalHolds, end), 1);
    house.keep(end);
    assert!(!house.is_there(&kept));
    assert_eq!(house.n_due(Job::LegalHolds, end), 0);
    assert!(lawful::hold_of(house.store(), &other.id).unwrap().is_some());
}

#[test]
fn p25_an_answered_request_ends_after_a_year() {
    let house = House::new();
    let store = house.store();
    let draft = RequestDraft {
        kind: RequestKind::Access,
        words: Words::new("What is held about me?").unwrap(),
        contact: Line::new("me@example.org").unwrap(),
        received_at_ms: START,
    };
    lawful::enter(store, &Actor::System, &draft, START).unwrap();
    let open = lawful::open(store, 9).unwrap().remove(0);
    let key = (open.number, open.due_at_ms);
    let words = Words::new("Nothing").unwrap();
    lawful::answer(store, &Actor::System, key, &words, START + DAY).unwrap();
    let end = START + 366 * DAY + 1;
    assert_eq!(house.n_due(Job::PrivacyRequests, end - 2), 0);
    assert_eq!(house.n_due(Job::PrivacyRequests, end), 1);
    house.keep(end);
    assert!(lawful::answered(store, 9).unwrap().is_empty());
}

#[test]
fn p08_a_block_ends_at_its_date() {
    let house = House::new();
    let store = house.store();
    let network = blocks::parse("203.0.113.9").unwrap();
    let block = blocks::Block::new(network, "spam", "operator", START, 90).unwrap();
    let mut changes = Changes::new();
    blocks::plan_add(store, &mut changes, &block).unwrap();
    Keyspace::commit(store, changes).unwrap();
    let end = START + 90 * DAY;
    assert_eq!(house.n_due(Job::Blocks, end - 1), 0);
    let planned = house.retention().plan(Job::Blocks, end).unwrap();
    assert_eq!(planned.n_due, 1);
    assert!(!planned.some[0].contains("203"), "{planned:?}");
    house.keep(end);
    assert!(store.range(&Space::Blocks.all(), 9).unwrap().is_empty());
    // Its address is in the database's file until that is written anew.
    assert_eq!(house.n_due(Job::Rewrite, end + 4 * DAY), 1);
}

#[test]
fn p09_numbers_end_after_their_days() {
    let house = House::new();
    let store = house.store();
    let day = calendar::day(START);
    let counts = DayCounts::most_of([("/".to_owned(), 7)], 0);
    let daily = Daily {
        day,
        dimension: Dimension::Pages,
        counts,
    };
    aggregates::write(store, &[daily]).unwrap();
    let kept_days = u64::from(Terms::default().statistics_days);
    assert_eq!(
        house.n_due(Job::Statistics, START + (kept_days - 1) * DAY),
        0
    );
    let end = START + kept_days * DAY;
    assert_eq!(house.n_due(Job::Statistics, end), 1);
    house.keep(end);
    assert_eq!(house.n_due(Job::Statistics, end), 0);
}
