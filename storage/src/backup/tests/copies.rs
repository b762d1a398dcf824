//! What a CDN may still have of images that do not come back (P21).

use std::sync::Arc;

use super::removals::{decide, lose_and_restore, removal};
use super::*;
use crate::contract::SAMPLE_MS;
use crate::moderation::Policy;
use crate::retention::unpublished::{self, expect_copies};

fn waiting(house: &House) -> Vec<crate::ImageId> {
    let waiting = unpublished::waiting(house.store(), None, 100).unwrap();
    waiting.iter().map(|waiting| waiting.image).collect()
}

fn sorted<const N: usize>(records: [&Record; N]) -> Vec<crate::ImageId> {
    let mut ids = records.map(|record| record.id).to_vec();
    ids.sort_unstable();
    ids
}

#[test]
fn p21_a_restored_server_purges_what_it_does_not_bring_back() {
    let mut house = House::new();
    expect_copies(house.store(), true, SAMPLE_MS).unwrap();
    let [shown, hidden, deleted, held, banned, lost] =
        ["shown", "hidden", "deleted", "held", "banned", "lost"].map(|text| house.upload(text));
    let block = |record: &mut Record| record.state = State::Blocked;
    house.store().update(&hidden.id, block).unwrap();
    assert_eq!(waiting(&house), [hidden.id], "this one waits in the backup");
    house.make(NOW);
    house.store().remove(&deleted.id, NOW + DAY).unwrap();
    let hold = |record: &mut Record| record.legal_hold = true;
    house.store().update(&held.id, hold).unwrap();
    house.store().remove(&held.id, NOW + DAY).unwrap();
    decide(&mut house, &banned, &removal(Policy::Violence), NOW + DAY);
    // All the others' bytes are shared with nobody.
    house.make(NOW + 2 * DAY);
    let name = set::Set::open(&house.backup(), &house.key).unwrap();
    let name = name.name_of(&lost);
    let name = hex::encode(name);
    let sealed = files(&house.backup());
    let sealed = sealed.iter().find(|path| path.ends_with(&name)).unwrap();
    fs::remove_file(sealed).unwrap();
    let restored = lose_and_restore(&mut house);
    assert_eq!(restored.lost[0].id, lost.id);
    assert_eq!(restored.n_purges_planned, 4);
    let expected = sorted([&hidden, &deleted, &held, &banned, &lost]);
    assert_eq!(waiting(&house), expected);
    house.assert_whole(&shown, "shown");
    // Each is asked for at the addresses that it had.
    let known = unpublished::waiting(house.store(), None, 100).unwrap();
    assert!(known.iter().all(|one| one.known().extension == "jpg"));
    // Once more is the same.
    house.stop();
    house.restore();
    house.start();
    assert_eq!(waiting(&house), expected);
}

#[test]
fn p21_a_cdn_that_came_after_the_backup_is_told() {
    let mut house = House::new();
    let deleted = house.upload("deleted");
    house.make(NOW);
    house.store().remove(&deleted.id, NOW + DAY).unwrap();
    house.stop();
    fs::remove_dir_all(house.data().join("db")).unwrap();
    let back = |has_cdn| {
        let (from, to) = (house.backup(), house.data());
        let restored = restore(&from, &house.key, &to, NOW, None, has_cdn).unwrap();
        (restored.n_erased, restored.n_purges_planned)
    };
    assert_eq!(back(false), (1, 0), "nothing is kept for nobody");
    assert_eq!(back(true), (1, 1));
    house.start();
    assert_eq!(waiting(&house), [deleted.id]);
}

#[test]
fn p21_what_goes_while_a_backup_is_made_is_purged_after_a_restore() {
    let mut house = House::new();
    expect_copies(house.store(), true, SAMPLE_MS).unwrap();
    let [shown, going] = ["shown", "going"].map(|text| house.upload(text));
    let store = Arc::new(house.store.take().unwrap());
    let mut n_paces = 0;
    let mut pace = || {
        n_paces += 1;
        store.remove(&going.id, NOW).unwrap();
    };
    let made = make(&store, &house.backup(), &house.key, NOW, 30, &mut pace).unwrap();
    assert!(n_paces > 0 && made.lost.is_empty());
    drop(store);
    fs::remove_dir_all(house.data()).unwrap();
    house.restore();
    house.start();
    house.assert_whole(&shown, "shown");
    assert_eq!(waiting(&house), [going.id]);
}
