//! What moderation has removed since a backup.

use std::sync::Arc;

use super::*;
use crate::audit;
use crate::complaints::Complaints;
use crate::moderation::{
    Bank, Job, Moderator, Note, Policy, Queue, QueueSettings, Status, Verdict,
};
use crate::retention::unpublished;
use crate::staff::{Role, StaffId};
use crate::{SledRecords, Views};

/// Does something with the queue of a store.
fn with_queue<T>(house: &mut House, act: impl FnOnce(&Arc<Queue>) -> T) -> T {
    let store = Arc::new(house.store.take().unwrap());
    let bank = Arc::new(Bank::new(Arc::clone(&store)));
    let queue = Queue::new(Arc::clone(&store), bank, QueueSettings::default());
    let queue = Arc::new(queue);
    let done = act(&queue);
    drop(queue);
    house.store = Arc::into_inner(store);
    done
}

fn moderator() -> Moderator {
    Moderator {
        id: StaffId::random().unwrap(),
        role: Role::SeniorModerator,
    }
}

pub(super) fn removal(policy: Policy) -> Verdict {
    Verdict::Remove {
        policy,
        reason: Note::new("against the rules").unwrap(),
        bank: None,
    }
}

pub(super) fn decide(house: &mut House, image: &Record, verdict: &Verdict, now_ms: u64) -> Job {
    let who = moderator();
    with_queue(house, |queue| {
        queue.take_down(Some(&who), &image.id, verdict, now_ms)
    })
    .unwrap()
}

/// Loses database and images, and brings the backup of `NOW` back.
pub(super) fn lose_and_restore(house: &mut House) -> Restored {
    house.stop();
    fs::remove_dir_all(house.data().join("db")).unwrap();
    fs::remove_dir_all(house.data().join("blobs")).unwrap();
    let restored = restore(
        &house.backup(),
        &house.key,
        &house.data(),
        NOW,
        Some(NOW),
        false,
    )
    .unwrap();
    house.start();
    restored
}

fn state_of(house: &House, image: &Record) -> State {
    house.store().find(&image.id).unwrap().unwrap().state
}

#[test]
fn p13e_what_moderation_has_removed_since_is_removed_again() {
    let mut house = House::new();
    let [kept, cruel, abuse] = ["kept", "cruel", "abuse"].map(|text| house.upload(text));
    house.make(NOW);
    decide(&mut house, &cruel, &removal(Policy::Violence), NOW + DAY);
    decide(&mut house, &abuse, &removal(Policy::ChildAbuse), NOW + DAY);
    let mut restored = lose_and_restore(&mut house);
    restored.removed.sort_unstable();
    let mut expected = [cruel.id, abuse.id];
    expected.sort_unstable();
    assert_eq!((restored.n_images, &*restored.removed), (3, &expected[..]));
    house.assert_whole(&kept, "kept");
    for (image, is_held) in [(&cruel, false), (&abuse, true)] {
        let found = house.store().find(&image.id).unwrap().unwrap();
        assert_eq!((found.state, found.legal_hold), (State::Blocked, is_held));
        let sidecar = house.store().blobs.sidecar(&image.id).unwrap().unwrap();
        assert_eq!(Record::decode(&sidecar).unwrap(), found);
    }
    // Its decision stands, says why, and ends it on the day on which it did before.
    with_queue(&mut house, |queue| {
        let job = queue.job(&cruel.id).unwrap().unwrap();
        assert_eq!(job.status, Status::Decided);
        let record = queue.store().find(&cruel.id).unwrap().unwrap();
        let statement = Complaints::new(Arc::clone(queue)).statement(&record);
        let statement = statement.unwrap().unwrap();
        assert_eq!(statement.policy, Some(Policy::Violence));
        let term = QueueSettings::default().retention_ms;
        let due = |now_ms| queue.purges_due(now_ms, 9).unwrap();
        assert!(!due(NOW + DAY + term - 1).contains(&cruel.id));
        assert!(due(NOW + DAY + term).contains(&cruel.id));
        let purged = queue.purge_due(NOW + DAY + term, 9).unwrap();
        assert_eq!(purged.images, [cruel.id]);
    });
    assert_eq!(house.store().find(&cruel.id).unwrap(), None);
    assert_eq!(state_of(&house, &abuse), State::Blocked);
}

#[test]
fn p13e_a_removal_is_known_from_a_newer_backup_alone() {
    let mut house = House::new();
    let image = house.upload("cruel");
    house.make(NOW);
    decide(&mut house, &image, &removal(Policy::Violence), NOW + DAY);
    house.make(NOW + 2 * DAY);
    house.stop();
    fs::remove_dir_all(house.data()).unwrap();
    let restored = restore(
        &house.backup(),
        &house.key,
        &house.data(),
        NOW,
        Some(NOW),
        false,
    )
    .unwrap();
    assert_eq!(
        (restored.made_at_ms, restored.removed),
        (NOW, vec![image.id])
    );
    house.start();
    assert_eq!(state_of(&house, &image), State::Blocked);
    // The folder has it from now on.
    assert_eq!(lose_and_restore(&mut house).removed, [image.id]);
}

#[test]
fn p13e_a_removal_that_stands_no_more_is_withdrawn() {
    let mut house = House::new();
    let [undone, overturned, again] =
        ["undone", "overturned", "again"].map(|text| house.upload(text));
    house.make(NOW);
    let cruel = removal(Policy::Violence);
    let who = moderator();
    for (image, is_again) in [(&undone, false), (&again, true)] {
        let job = decide(&mut house, image, &cruel, NOW + DAY);
        with_queue(&mut house, |queue| {
            let undone = queue.undo(&who, &image.id, job.version, NOW + 2 * DAY);
            undone.unwrap();
        });
        if is_again {
            decide(&mut house, image, &cruel, NOW + 3 * DAY);
        }
    }
    decide(&mut house, &overturned, &cruel, NOW + DAY);
    let safe = decide(&mut house, &overturned, &Verdict::Safe, NOW + 2 * DAY);
    let restored = lose_and_restore(&mut house);
    assert_eq!(restored.removed, [again.id]);
    assert_eq!(state_of(&house, &undone), State::Public);
    assert_eq!(state_of(&house, &overturned), State::Public);
    // The backup knows nothing of it: it begins anew, and undoing a Safe removes.
    decide(&mut house, &overturned, &cruel, NOW + 4 * DAY);
    let safe_again = decide(&mut house, &overturned, &Verdict::Safe, NOW + 5 * DAY);
    assert!(safe_again.version <= safe.version);
    with_queue(&mut house, |queue| {
        let undone = queue.undo(&who, &overturned.id, safe_again.version, NOW + 6 * DAY);
        undone.unwrap();
    });
    let mut removed = lose_and_restore(&mut house).removed;
    removed.sort_unstable();
    let mut expected = [again.id, overturned.id];
    expected.sort_unstable();
    assert_eq!(removed, expected);
}

/// The database is there and has lost the record; its sidecar went with the bytes.
#[test]
fn p13e_a_lost_image_that_was_removed_comes_back_removed() {
    let mut house = House::new();
    let image = house.upload("cruel");
    house.upload("kept");
    house.make(NOW);
    decide(&mut house, &image, &removal(Policy::Violence), NOW + DAY);
    house.store().blobs.remove(&image.id).unwrap();
    house.store().records.remove(&image.id).unwrap();
    house.stop();
    let restored = house.restore();
    assert!(restored.was_there);
    assert_eq!(restored.removed, [image.id]);
    house.start();
    assert_eq!(state_of(&house, &image), State::Blocked);
    let due = with_queue(&mut house, |queue| {
        queue.purges_due(NOW + 60 * DAY, 9).unwrap()
    });
    assert_eq!(due, [image.id]);
}

/// Loses the record, the job and the bytes of an image.
fn forget(house: &House, image: &Record) {
    let store = house.store();
    store.blobs.remove(&image.id).unwrap();
    store.records.remove(&image.id).unwrap();
    let mut changes = Changes::new();
    for space in [Space::Jobs, Space::Queue, Space::Purges] {
        for entry in Keyspace::range(store, &space.all(), 100).unwrap() {
            changes.delete(entry.key);
        }
    }
    Keyspace::commit(store, changes).unwrap();
}

/// Once a restore has run to its end, the image is hidden, its copies are purged, and
/// there is a decision with the day of its end.
fn assert_removed_again(house: &mut House, image: &Record) {
    house.start();
    assert_eq!(state_of(house, image), State::Blocked);
    let waiting = unpublished::waiting(house.store(), None, 9).unwrap();
    let waiting: Vec<_> = waiting.iter().map(|one| one.image).collect();
    assert_eq!(waiting, [image.id]);
    with_queue(house, |queue| {
        let job = queue.job(&image.id).unwrap().unwrap();
        assert_eq!(job.status, Status::Decided);
        let term = QueueSettings::default().retention_ms;
        assert_eq!(queue.purges_due(NOW + DAY + term - 1, 9).unwrap(), []);
        assert_eq!(queue.purges_due(NOW + DAY + term, 9).unwrap(), [image.id]);
    });
    house.stop();
}

#[test]
fn p13e_a_restore_that_fails_midway_leaves_no_removal_without_its_end() {
    let mut house = House::new();
    unpublished::expect_copies(house.store(), true, SAMPLE_MS).unwrap();
    let mut images = ["a", "b", "c"].map(|text| house.upload(text));
    images.sort_unstable_by_key(|image| image.id);
    let [first, _, last] = images;
    house.make(NOW);
    decide(&mut house, &first, &removal(Policy::Violence), NOW + DAY);
    forget(&house, &first);
    let waiting = unpublished::waiting(house.store(), None, 9).unwrap();
    for one in &waiting {
        let mut changes = Changes::new();
        changes.delete(unpublished::entry(&one.image, one.known()).0);
        Keyspace::commit(house.store(), changes).unwrap();
    }
    // The last image's bytes are gone, and their file in the backup cannot be opened.
    house.store().blobs.remove(&last.id).unwrap();
    let set = set::Set::open(&house.backup(), &house.key).unwrap();
    let sealed = set.blob_path(&set.name_of(&last));
    let aside = house.backup().join("aside");
    fs::rename(&sealed, &aside).unwrap();
    std::os::unix::fs::symlink(&sealed, &sealed).unwrap();
    house.stop();
    let (from, to) = (house.backup(), house.data());
    let cut = restore(&from, &house.key, &to, NOW, None, true);
    cut.unwrap_err();
    house.start();
    assert_eq!(house.store().records.find(&first.id).unwrap(), None);
    // Whoever asks for it has it from its sidecar, which is hidden, and not why.
    assert_eq!(state_of(&house, &first), State::Blocked);
    house.stop();
    fs::remove_file(&sealed).unwrap();
    fs::rename(&aside, &sealed).unwrap();
    assert_eq!(house.restore().removed, [first.id]);
    assert_removed_again(&mut house, &first);
    // It is done once.
    let again = house.restore();
    assert_eq!((again.removed.len(), again.n_purges_planned), (0, 0));
}

/// As a repair leaves it that has a sidecar and no job.
#[test]
fn p13e_what_is_hidden_without_a_decision_is_given_one() {
    let mut house = House::new();
    unpublished::expect_copies(house.store(), true, SAMPLE_MS).unwrap();
    let image = house.upload("cruel");
    house.upload("kept");
    house.make(NOW);
    decide(&mut house, &image, &removal(Policy::Violence), NOW + DAY);
    let mut hidden = house.store().find(&image.id).unwrap().unwrap();
    forget(&house, &image);
    hidden.state = State::Blocked;
    house.stop();
    let records = SledRecords::open(&house.data().join("db")).unwrap();
    records.load(&[(hidden, Views::default())]).unwrap();
    drop(records);
    assert_eq!(house.restore().removed, [image.id]);
    assert_removed_again(&mut house, &image);
    assert_eq!(house.restore().removed, []);
}

/// Scores that the audit has of an image that was deleted since stay away as well.
#[test]
fn p13c_a_backup_brings_no_scores_of_what_was_deleted_since() {
    let mut house = House::new();
    let [deleted, kept] = ["deleted", "kept"].map(|text| house.upload(text));
    for image in [&deleted, &kept] {
        let action = audit::Action::new("image-marked-safe");
        let mut entry = audit::Entry::new(NOW, audit::Actor::System, action)
            .about(audit::Subject::image(&image.id));
        entry.scores = serde_json::json!({"porn": 0.25});
        audit::record(house.store(), &entry).unwrap();
    }
    house.make(NOW);
    house.store().remove(&deleted.id, NOW + DAY).unwrap();
    assert_eq!(lose_and_restore(&mut house).n_erased, 1);
    let report = audit::verify(Some(house.store()), None).unwrap();
    assert_eq!(report.bad, None);
    let found = report.scores;
    assert_eq!((found.n_there, found.n_erased, found.n_overdue), (1, 1, 0));
}
