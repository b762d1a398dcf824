//! What a repair could not save comes back from a backup.

use super::*;
use crate::audit::{self, Action, Actor, Anchor, Entry, Subject};
use crate::lawful::{self, Line, NewHold, RequestDraft, RequestKind, Words};
use crate::retention::{ImportError, LogHash, begin_import, end_import, import_batch};
use crate::{ViewDelta, calendar};

/// A held image, an open request, an account and an entry of the audit with scores.
fn filled(house: &House, record: &Record) {
    let store = house.store();
    let hold = NewHold {
        image: record.id,
        reference: Line::new("5 KLs 12/26").unwrap(),
        expires_at_ms: NOW + 90 * DAY,
    };
    lawful::hold(store, &Actor::Operator, &hold, NOW).unwrap();
    enter(store, "Which data of mine do you hold?");
    let mut changes = Changes::new();
    changes.put(Space::Staff.key(&[b"a", b"jane"]), b"account");
    changes.put(Space::Sessions.key(&[b"jane"]), b"session");
    Keyspace::commit(store, changes).unwrap();
    let mut entry = Entry::new(NOW, Actor::System, Action::new("image-removed"))
        .about(Subject::image(&record.id));
    entry.scores = serde_json::json!({"porn": 0.5});
    audit::record(store, &entry).unwrap();
    Anchor::open(&house.data().join("audit"), store, NOW).unwrap();
}

fn enter(store: &Store, words: &str) {
    let draft = RequestDraft {
        kind: RequestKind::Access,
        words: Words::new(words).unwrap(),
        contact: Line::default(),
        received_at_ms: NOW,
    };
    lawful::enter(store, &Actor::Operator, &draft, NOW).unwrap();
}

fn destroy(house: &mut House) {
    house.stop();
    for file in files(&house.data().join("db")) {
        let n_bytes = fs::metadata(&file).unwrap().len();
        fs::write(&file, vec![0xA5; usize::try_from(n_bytes).unwrap()]).unwrap();
    }
    let repaired = crate::repair(&house.data(), NOW + DAY, &mut |_| {}).unwrap();
    assert_eq!(repaired.n_entries_kept, 0);
    assert!(repaired.has_lost_entries);
}

#[test]
fn a_restore_makes_good_what_a_repair_could_not_save() {
    let mut house = House::new();
    let record = house.upload("some bytes");
    filled(&house, &record);
    house.make(NOW);
    let late = house.upload("later bytes");
    destroy(&mut house);
    let restored = house.restore();
    let rebuilt = restored.rebuilt.unwrap();
    assert_eq!(
        (rebuilt.at_ms, rebuilt.left),
        (NOW + DAY, Vec::<String>::new())
    );
    assert!(rebuilt.n_entries > 4, "{}", rebuilt.n_entries);
    house.start();
    let store = house.store();
    let (anchor, _) = Anchor::open(&house.data().join("audit"), store, NOW + DAY).unwrap();
    anchor.catch_up(store).unwrap();
    let verified = audit::verify(Some(store), Some(&house.data().join("audit"))).unwrap();
    assert_eq!(verified.bad, None);
    assert_eq!((verified.scores.n_there, verified.scores.n_lost), (1, 0));
    assert!(lawful::hold_of(store, &record.id).unwrap().is_some());
    assert_eq!(lawful::open(store, 9).unwrap().len(), 1);
    let get = |key: Vec<u8>| Keyspace::get(store, &key).unwrap();
    assert!(get(Space::Staff.key(&[b"a", b"jane"])).is_some());
    assert_eq!(
        get(Space::Sessions.key(&[b"jane"])),
        None,
        "nobody is logged in"
    );
    assert_eq!(get(crate::repair::lost::key()), None);
    house.assert_whole(&record, "some bytes");
    house.assert_whole(&late, "later bytes");
    // It is made good once: what ends from now on does not come back.
    lawful::release(house.store(), &Actor::Operator, &record.id, NOW).unwrap();
    house.stop();
    let again = house.restore();
    assert_eq!((again.was_there, again.rebuilt), (true, None));
    assert_eq!(lawful::hold_of(house.start(), &record.id).unwrap(), None);
}

#[test]
fn what_was_begun_anew_since_is_left_and_named() {
    let mut house = House::new();
    let record = house.upload("some bytes");
    filled(&house, &record);
    house.make(NOW);
    destroy(&mut house);
    house.start();
    let store = house.store();
    let (anchor, _) = Anchor::open(&house.data().join("audit"), store, NOW).unwrap();
    enter(store, "A new one.");
    anchor.catch_up(store).unwrap();
    house.stop();
    let rebuilt = house.restore().rebuilt.unwrap();
    assert_eq!(rebuilt.left, ["requests about personal data"]);
    house.start();
    let store = house.store();
    assert_eq!(
        lawful::open(store, 9).unwrap()[0].words.as_str(),
        "A new one."
    );
    assert!(lawful::hold_of(store, &record.id).unwrap().is_some());
    assert!(
        Keyspace::get(store, &crate::repair::lost::key())
            .unwrap()
            .is_some()
    );
}

/// What came back and has ended since does not come back with the next restore, which
/// brings what the first one left.
#[test]
fn what_a_restore_has_brought_back_is_no_loss_any_more() {
    let mut house = House::new();
    let record = house.upload("some bytes");
    filled(&house, &record);
    house.make(NOW);
    destroy(&mut house);
    house.start();
    let store = house.store();
    let (anchor, _) = Anchor::open(&house.data().join("audit"), store, NOW).unwrap();
    enter(store, "A new one.");
    anchor.catch_up(store).unwrap();
    house.stop();
    assert_eq!(house.restore().rebuilt.unwrap().left.len(), 1);
    let store = house.start();
    lawful::release(store, &Actor::Operator, &record.id, NOW).unwrap();
    let mut changes = Changes::new();
    for entry in store.range(&Space::Rights.all(), 99).unwrap() {
        changes.delete(entry.key);
    }
    Keyspace::commit(store, changes).unwrap();
    house.stop();
    assert_eq!(house.restore().rebuilt.unwrap().left, Vec::<String>::new());
    let store = house.start();
    assert_eq!(lawful::hold_of(store, &record.id).unwrap(), None);
    assert_eq!(lawful::open(store, 9).unwrap().len(), 1);
    assert_eq!(store.get(&crate::repair::lost::key()).unwrap(), None);
}

const LOG: LogHash = [7; 32];

/// Counts a CDN's log of five views.
fn import(store: &Store, record: &Record) -> Result<(), ImportError> {
    let view = [ViewDelta {
        id: record.id,
        n_views: 5,
        day: calendar::day(NOW),
    }];
    begin_import(store, &LOG, NOW)?;
    import_batch(store, &LOG, 0, &view, NOW)?;
    end_import(store, &LOG, NOW)
}

#[test]
fn p13a_a_log_that_is_known_again_comes_back_with_its_views() {
    let mut house = House::new();
    let record = house.upload("some bytes");
    filled(&house, &record);
    import(house.store(), &record).unwrap();
    house.make(NOW);
    destroy(&mut house);
    let total = |store: &Store| store.views(&record.id).unwrap().total;
    // Whoever has no backup counts it again.
    assert_eq!(total(house.start()), 0);
    house.store().count_view(&record.id, NOW + DAY);
    house.store().merge_views().unwrap();
    house.stop();
    assert_eq!(house.restore().rebuilt.unwrap().left, Vec::<String>::new());
    let again = import(house.start(), &record).unwrap_err();
    assert_eq!(again.code(), "log-imported-already");
    assert_eq!(total(house.store()), 5);
    house.stop();
    assert_eq!(house.restore().rebuilt, None);
    assert_eq!(total(house.start()), 5, "nothing is counted twice");
    let idle = house.store().idle_before(u32::MAX, None, 9).unwrap();
    assert_eq!(idle.len(), 1, "it is listed once");
}

/// The counter of an image, as a damaged database has it.
fn damage_views(house: &House, record: &Record) {
    let records = crate::SledRecords::open(&house.data().join("db")).unwrap();
    let key = crate::record_keys::views(&record.id);
    records.load_entries(&[(key, b"short".to_vec())]).unwrap();
}

#[test]
fn p13a_a_log_whose_views_a_repair_lost_can_be_imported_again() {
    for has_other in [false, true] {
        let mut house = House::new();
        let record = house.upload("some bytes");
        filled(&house, &record);
        import(house.store(), &record).unwrap();
        let other = house.upload("other bytes");
        if has_other {
            house.store().count_view(&other.id, NOW);
            house.store().merge_views().unwrap();
        }
        house.make(NOW);
        house.stop();
        damage_views(&house, &record);
        let repaired = crate::repair(&house.data(), NOW + DAY, &mut |_| {}).unwrap();
        assert_eq!(repaired.n_views_kept, u64::from(has_other));
        assert!(!repaired.has_lost_entries);
        let total = |house: &House| house.store().views(&record.id).unwrap().total;
        house.start();
        assert_eq!(total(&house), 0);
        // What holds other counters that are there still would be counted twice.
        assert_eq!(import(house.store(), &record).is_err(), has_other);
        house.stop();
        // A backup has them in either case, and no entry beside them is brought back.
        assert_eq!(house.restore().rebuilt.unwrap().n_entries, 0);
        house.start();
        assert_eq!(total(&house), 5, "{has_other}");
        assert_eq!(
            house.store().views(&other.id).unwrap().total,
            u64::from(has_other)
        );
    }
}

/// What a restore says to do about what it left: the database away, another restore,
/// a repair.
#[test]
fn the_backups_state_is_taken_instead_of_what_was_begun_anew() {
    let mut house = House::new();
    let record = house.upload("some bytes");
    filled(&house, &record);
    house.make(NOW);
    destroy(&mut house);
    house.start();
    let store = house.store();
    let (anchor, _) = Anchor::open(&house.data().join("audit"), store, NOW).unwrap();
    enter(store, "A new one.");
    anchor.catch_up(store).unwrap();
    let late = house.upload("later bytes");
    house.stop();
    assert_eq!(house.restore().rebuilt.unwrap().left.len(), 1);
    let aside = house.dir.path().join("aside");
    fs::rename(house.data().join("db"), aside).unwrap();
    assert!(!house.restore().was_there);
    let repaired = crate::repair(&house.data(), NOW + 2 * DAY, &mut |_| {}).unwrap();
    assert!(!repaired.has_lost_entries, "nothing was lost");
    let again = house.restore();
    assert_eq!((again.was_there, again.rebuilt), (true, None));
    house.start();
    let requests = lawful::open(house.store(), 9).unwrap();
    assert_eq!(
        requests[0].words.as_str(),
        "Which data of mine do you hold?"
    );
    house.assert_whole(&record, "some bytes");
    house.assert_whole(&late, "later bytes");
}

/// Nobody ever did anything but upload.
#[test]
fn a_database_without_entries_has_lost_none() {
    let mut house = House::new();
    let record = house.upload("some bytes");
    let mut changes = Changes::new();
    for space in Space::ALL {
        for entry in Keyspace::range(house.store(), &space.all(), 100).unwrap() {
            changes.delete(entry.key);
        }
    }
    Keyspace::commit(house.store(), changes).unwrap();
    house.stop();
    let repaired = crate::repair(&house.data(), NOW, &mut |_| {}).unwrap();
    assert_eq!((repaired.n_rebuilt, repaired.n_entries_kept), (1, 0));
    assert!(!repaired.has_lost_entries);
    // One that is gone may have had any.
    fs::remove_dir_all(house.data().join("db")).unwrap();
    let repaired = crate::repair(&house.data(), NOW, &mut |_| {}).unwrap();
    assert!(repaired.has_lost_entries);
    house.start();
    house.assert_whole(&record, "some bytes");
}

#[test]
fn a_backup_made_after_the_loss_has_nothing_to_give_back() {
    let mut house = House::new();
    let record = house.upload("some bytes");
    filled(&house, &record);
    house.make(NOW);
    destroy(&mut house);
    house.start();
    house.make(NOW + 2 * DAY);
    house.stop();
    let rebuilt = house.restore().rebuilt.unwrap();
    assert!(rebuilt.is_backup_younger);
    assert_eq!(lawful::hold_of(house.start(), &record.id).unwrap(), None);
    house.stop();
    let older = restore(
        &house.backup(),
        &house.key,
        &house.data(),
        NOW,
        Some(NOW + DAY),
        false,
    );
    assert!(older.unwrap().rebuilt.unwrap().n_entries > 4);
    assert!(
        lawful::hold_of(house.start(), &record.id)
            .unwrap()
            .is_some()
    );
}

#[test]
fn a_repair_that_loses_nothing_says_nothing_of_a_loss() {
    let mut house = House::new();
    let record = house.upload("some bytes");
    filled(&house, &record);
    house.make(NOW);
    lawful::release(house.store(), &Actor::Operator, &record.id, NOW).unwrap();
    house.stop();
    let repaired = crate::repair(&house.data(), NOW, &mut |_| {}).unwrap();
    assert!(!repaired.has_lost_entries);
    assert_eq!(house.restore().rebuilt, None);
    assert_eq!(lawful::hold_of(house.start(), &record.id).unwrap(), None);
}
