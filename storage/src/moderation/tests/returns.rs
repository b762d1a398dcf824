//! Copies that come back with a ban that is gone, and those that do not.

use super::*;
use crate::audit::Actor;
use crate::faults::{Fault, Faulty, Fuse};
use crate::{MemoryBlobs, MemoryRecords};

const LATER: u64 = NOW + 60_000;

fn twin(queue: &Queue, sha256: [u8; 32], state: State) -> ImageId {
    let record = Record {
        state,
        pdq: None,
        sha256,
        ..sample_record_at(NOW - 60_000)
    };
    let bytes = SampleBytes(record.id.as_bytes().to_vec());
    queue.store.commit(&record, &bytes).unwrap();
    record.id
}

fn ban(policy: Policy) -> Verdict {
    Verdict::Remove {
        policy,
        reason: Note::new("against the rules").unwrap(),
        bank: Some(BankPolicy::Refuse),
    }
}

/// Removes what the bank asks for, as the keeper does.
fn hide_copies(queue: &Queue) {
    let hashes = queue.bank.unsearched(9).unwrap();
    let copies = queue.find_copies(&hashes).unwrap();
    queue.treat_copies(None, &copies, NOW).unwrap();
    queue.bank.searched(&hashes).unwrap();
}

/// An image that is banned, with so many copies that went with it.
fn banned(queue: &Queue, who: &Moderator, policy: Policy, n: usize) -> (Job, Vec<ImageId>) {
    let copies: Vec<ImageId> = (0..n)
        .map(|_| twin(queue, [7; 32], State::Public))
        .collect();
    let first = twin(queue, [7; 32], State::Public);
    let job = queue
        .take_down(Some(who), &first, &ban(policy), NOW)
        .unwrap();
    hide_copies(queue);
    for image in &copies {
        assert_eq!(state_of(queue, image), State::Blocked);
    }
    (job, copies)
}

fn returning() -> TakenOff {
    TakenOff {
        then: AfterRemoval::CopiesReturn,
        ..TakenOff::default()
    }
}

fn undo(queue: &Queue, who: &Moderator, job: &Job) {
    let version = job.decision.as_ref().unwrap().version;
    queue.undo(who, &job.image, version, LATER).unwrap();
}

fn return_all(queue: &Queue) -> Vec<ImageId> {
    let mut images = Vec::new();
    for _ in 0..99 {
        let returned = queue.return_copies(LATER, 2).unwrap();
        images.extend(returned.images);
        if returned.is_complete {
            return images;
        }
    }
    panic!("it never ends");
}

/// Nothing is listed as a copy, or waits to come back.
fn assert_nothing_listed(queue: &Queue) {
    for sub in [b"e".as_slice(), b"f"] {
        let range = crate::KeyRange::prefix(&Space::Bank.key(&[sub]));
        assert_eq!(queue.store.range(&range, 9).unwrap(), []);
    }
}

#[test]
fn copies_come_back_with_the_removal_that_banned_them() {
    let queue = queue();
    let who = moderator();
    let (job, mut copies) = banned(&queue, &who, Policy::Spam, 5);
    assert_eq!(queue.copies_to_return(&job).unwrap(), 5);
    assert_eq!(return_all(&queue), [], "the ban stands");
    undo(&queue, &who, &job);
    let mut back = return_all(&queue);
    back.sort_unstable();
    copies.sort_unstable();
    assert_eq!(back, copies);
    for image in &copies {
        assert_eq!(state_of(&queue, image), State::Public);
        let told = told(&queue.store, image);
        assert_eq!(told, ["image-removed", "copy-returned"]);
        assert_eq!(queue.job(image).unwrap().unwrap().decision, None);
    }
    assert_eq!(return_all(&queue), [], "once is enough");
    assert_nothing_listed(&queue);
    assert_consistent(&queue.store);
    // And back again: the ban finds them a second time.
    queue
        .take_down(Some(&who), &job.image, &ban(Policy::Spam), LATER)
        .unwrap();
    hide_copies(&queue);
    assert_eq!(state_of(&queue, &copies[0]), State::Blocked);
    assert_consistent(&queue.store);
}

#[test]
fn an_overturned_removal_brings_its_copies_back() {
    let queue = queue();
    let who = moderator();
    let (job, copies) = banned(&queue, &who, Policy::Spam, 1);
    queue
        .take_down(Some(&moderator()), &job.image, &Verdict::Safe, LATER)
        .unwrap();
    assert_eq!(return_all(&queue), copies);
    assert_consistent(&queue.store);
}

#[test]
fn a_copy_that_something_else_keeps_stays_removed() {
    let queue = queue();
    let who = moderator();
    let (job, copies) = banned(&queue, &who, Policy::Spam, 7);
    let [plain, held, deleted, decided, appealed, purged, court] = copies[..] else {
        panic!("seven");
    };
    let change = |image: &ImageId, change: fn(&mut Record)| {
        queue.store.update(image, change).unwrap();
    };
    change(&held, |record| record.legal_hold = true);
    change(&court, |record| record.court_hold = true);
    queue.store.remove(&deleted, LATER).unwrap();
    queue
        .take_down(Some(&who), &decided, &removal(), LATER)
        .unwrap();
    queue
        .flag(&appealed, &Flag::new(Reason::Appeal), LATER)
        .unwrap();
    let due = NOW + 30 * DAY;
    queue
        .store
        .update(&plain, |record| record.legal_hold = true)
        .unwrap();
    assert_eq!(queue.purge_due(due, 99).unwrap().images.len(), 3);
    queue
        .store
        .update(&plain, |record| record.legal_hold = false)
        .unwrap();
    assert!(queue.store.find(&purged).unwrap().is_none());
    undo_if_there(&queue, &who, &job);
    // A court's hold keeps the file, and says nothing about whether it is shown.
    let mut back = return_all(&queue);
    back.sort_unstable();
    let mut expected = [plain, court];
    expected.sort_unstable();
    assert_eq!(back, expected);
    for image in [held, decided, appealed] {
        assert_eq!(state_of(&queue, &image), State::Blocked, "{image}");
    }
    for image in [held, appealed] {
        assert_eq!(told(&queue.store, &image).last().unwrap(), "copy-kept");
    }
    assert_nothing_listed(&queue);
    assert_consistent(&queue.store);
}

/// The banned image itself is purged by then: staff take the hash off the list.
fn undo_if_there(queue: &Queue, who: &Moderator, job: &Job) {
    let hash = BankHash::Sha256([7; 32]);
    assert!(queue.store.find(&job.image).unwrap().is_none());
    let then = &returning();
    assert!(queue.bank.remove(&who.actor(), &hash, then, LATER).unwrap());
}

#[test]
fn what_another_hash_of_the_bank_knows_goes_before_people() {
    for (against, lane) in [
        (Policy::Illegal, Lane::General),
        (Policy::ChildAbuse, Lane::ChildSafety),
    ] {
        is_before_people_by_another_hash(against, lane);
    }
}

fn is_before_people_by_another_hash(against: Policy, lane: Lane) {
    let queue = queue();
    let who = moderator();
    let (job, copies) = banned(&queue, &who, Policy::Spam, 1);
    // What it looks like is banned as well.
    let pdq = crate::PerceptualHash::bare([9; 32], 90);
    queue
        .store
        .update(&copies[0], |record| record.pdq = Some(pdq))
        .unwrap();
    let listed = BankEntry {
        hash: BankHash::Pdq(pdq.hash),
        policy: BankPolicy::Refuse,
        against,
        reason: Note::default(),
        added_by: String::new(),
        added_at_ms: NOW,
        image: None,
    };
    queue.bank.add(&Actor::Operator, &listed, NOW).unwrap();
    undo(&queue, &who, &job);
    assert_eq!(return_all(&queue), copies);
    let record = queue.record(&copies[0]).unwrap();
    assert_eq!(record.state, State::Review);
    assert_eq!(record.legal_hold, against == Policy::ChildAbuse);
    let waits = queue.job(&copies[0]).unwrap().unwrap();
    assert_eq!((waits.lane, waits.status), (lane, Status::Waiting));
    assert_eq!(waits.decision, None);
    assert_eq!(
        told(&queue.store, &copies[0]).last().unwrap(),
        "copy-queued"
    );
    assert_nothing_listed(&queue);
    assert_consistent(&queue.store);
}

/// What its copies were removed for says less than what the entry became.
#[test]
fn a_ban_that_became_one_of_child_abuse_ends_before_child_safety_alone() {
    let queue = queue();
    let who = moderator();
    let (_, copies) = banned(&queue, &who, Policy::Spam, 1);
    let hash = BankHash::Sha256([7; 32]);
    let stricter = BankEntry {
        against: Policy::ChildAbuse,
        ..queue.bank.entry(&hash).unwrap().unwrap()
    };
    assert!(queue.bank.add(&Actor::Operator, &stricter, NOW).unwrap());
    let then = &returning();
    let taken_off = queue.bank.remove(&Actor::Operator, &hash, then, LATER);
    assert!(taken_off.unwrap());
    assert_eq!(return_all(&queue), copies);
    let record = queue.record(&copies[0]).unwrap();
    assert_eq!((record.state, record.legal_hold), (State::Review, true));
    let job = queue.job(&copies[0]).unwrap().unwrap();
    assert_eq!(job.lane, Lane::ChildSafety);
    assert_consistent(&queue.store);
}

#[test]
fn what_staff_take_off_the_list_brings_nothing_back_unless_they_say_so() {
    let queue = queue();
    let who = moderator();
    let (_, copies) = banned(&queue, &who, Policy::Spam, 1);
    let hash = BankHash::Sha256([7; 32]);
    let removals = Space::Bank.key(&[b"ds", &[7; 32]]);
    assert!(queue.store.get(&removals).unwrap().is_some());
    let then = &TakenOff::default();
    queue
        .bank
        .remove(&Actor::Operator, &hash, then, LATER)
        .unwrap();
    assert_eq!(queue.store.get(&removals).unwrap(), None);
    assert_eq!(return_all(&queue), []);
    assert_eq!(state_of(&queue, &copies[0]), State::Blocked);
    assert_nothing_listed(&queue);
    // Another ban of the same, taken back, is not theirs.
    let again = twin(&queue, [7; 32], State::Public);
    let job = queue
        .take_down(Some(&who), &again, &ban(Policy::Spam), NOW)
        .unwrap();
    undo(&queue, &who, &job);
    assert_eq!(return_all(&queue), []);
    assert_eq!(state_of(&queue, &copies[0]), State::Blocked);
    assert_consistent(&queue.store);
}

#[test]
fn what_is_banned_no_more_removes_no_copy() {
    let queue = queue();
    let who = moderator();
    let (job, _) = banned(&queue, &who, Policy::Spam, 0);
    let copy = twin(&queue, [7; 32], State::Public);
    let found = queue.find_copies(&[BankHash::Sha256([7; 32])]).unwrap();
    assert_eq!(found.images.len(), 1);
    let entry = queue.bank.entry(&found.images[0].1).unwrap().unwrap();
    undo(&queue, &who, &job);
    let verdict = Verdict::Remove {
        policy: entry.against,
        reason: entry.reason.clone(),
        bank: None,
    };
    let late = queue.take_down_for(None, Some(entry.hash), &copy, &verdict, LATER);
    assert!(matches!(late, Err(ModerationError::Gone { .. })));
    assert_eq!(state_of(&queue, &copy), State::Public);
}

#[test]
fn a_ban_that_is_back_in_time_keeps_its_copies() {
    let queue = queue();
    let who = moderator();
    let (job, copies) = banned(&queue, &who, Policy::Spam, 3);
    undo(&queue, &who, &job);
    assert_eq!(queue.return_copies(LATER, 1).unwrap().images.len(), 1);
    let job = queue
        .take_down(Some(&who), &job.image, &ban(Policy::Spam), LATER)
        .unwrap();
    assert_eq!(return_all(&queue), []);
    hide_copies(&queue);
    for image in &copies {
        assert_eq!(state_of(&queue, image), State::Blocked);
    }
    undo(&queue, &who, &job);
    assert_eq!(return_all(&queue).len(), 3);
    assert_consistent(&queue.store);
}

#[test]
fn copies_of_what_was_child_abuse_come_back_to_child_safety_alone() {
    let queue = queue();
    let who = Moderator {
        role: Role::ChildSafety,
        ..moderator()
    };
    let (job, copies) = banned(&queue, &who, Policy::ChildAbuse, 1);
    undo(&queue, &who, &job);
    assert_eq!(return_all(&queue), copies);
    let record = queue.record(&copies[0]).unwrap();
    assert_eq!((record.state, record.legal_hold), (State::Review, true));
    let job = queue.job(&copies[0]).unwrap().unwrap();
    assert_eq!((job.lane, job.status), (Lane::ChildSafety, Status::Waiting));
    assert_consistent(&queue.store);
}

#[test]
fn what_was_to_be_looked_at_before_is_so_again() {
    let queue = queue();
    let who = moderator();
    let copy = twin(&queue, [7; 32], State::Public);
    queue.flag(&copy, &Flag::new(Reason::Report), NOW).unwrap();
    let (job, _) = banned(&queue, &who, Policy::Spam, 0);
    assert_eq!(state_of(&queue, &copy), State::Blocked);
    undo(&queue, &who, &job);
    assert_eq!(return_all(&queue), [copy]);
    assert_eq!(all_waiting(&queue), [copy]);
    assert_consistent(&queue.store);
}

#[test]
fn a_copy_whose_later_decision_is_taken_back_waits_for_people() {
    let queue = queue();
    let who = moderator();
    let (job, copies) = banned(&queue, &who, Policy::Spam, 1);
    let own = queue
        .take_down(Some(&who), &copies[0], &removal(), NOW + 1)
        .unwrap();
    undo(&queue, &who, &job);
    assert_eq!(return_all(&queue), []);
    undo(&queue, &who, &own);
    let claim = claim_of(&queue.job(&copies[0]).unwrap().unwrap());
    // Whoever took it back holds it, and decides.
    queue.release(&who, &claim, LATER).unwrap();
    assert_eq!(return_all(&queue), []);
    assert_eq!(state_of(&queue, &copies[0]), State::Blocked);
    assert!(all_waiting(&queue).contains(&copies[0]));
    assert_nothing_listed(&queue);
    assert_consistent(&queue.store);
}

/// Each commit of the way back fails once, before or after it had its effect.
#[test]
fn what_was_cut_short_goes_on() {
    // Three copies and the mark, and none behind them.
    for n_commits in 0..5 {
        for fault in [Fault::Once, Fault::OnceAfterEffect] {
            let who = moderator();
            let begun = |fuse: &Arc<Fuse>| {
                let records = Faulty(MemoryRecords::default(), Arc::clone(fuse));
                let store = Store::new(Arc::new(records), Arc::new(MemoryBlobs::default()));
                let queue = queue_of(store);
                let (job, copies) = banned(&queue, &who, Policy::Spam, 3);
                undo(&queue, &who, &job);
                (queue, copies)
            };
            let whole = Fuse::new(usize::MAX, fault);
            begun(&whole);
            let fuse = Fuse::new(whole.n_changes() + n_commits, fault);
            let (queue, copies) = begun(&fuse);
            let first = queue.return_copies(LATER, 9);
            assert_eq!(first.is_err(), fuse.struck());
            return_all(&queue);
            for image in &copies {
                assert_eq!(state_of(&queue, image), State::Public);
                let told = told(&queue.store, image);
                assert_eq!(told, ["image-removed", "copy-returned"]);
            }
            assert_nothing_listed(&queue);
            assert_consistent(&queue.store);
        }
    }
}

#[test]
fn a_restart_in_the_middle_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let who = moderator();
    let copies = {
        let queue = queue_of(Store::open(dir.path()).unwrap());
        let (job, copies) = banned(&queue, &who, Policy::Spam, 3);
        undo(&queue, &who, &job);
        let returned = queue.return_copies(LATER, 1).unwrap();
        assert_eq!((returned.images.len(), returned.is_complete), (1, false));
        copies
    };
    let queue = queue_of(Store::open(dir.path()).unwrap());
    assert_eq!(return_all(&queue).len(), 2);
    for image in &copies {
        assert_eq!(state_of(&queue, image), State::Public);
    }
    assert_consistent(&queue.store);
}
