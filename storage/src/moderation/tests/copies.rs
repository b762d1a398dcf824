//! Stored copies of what is in the bank: found once each, all of them, and not
//! against what staff have said of them.

use super::*;
use crate::audit::Actor;

/// As many as one search finds at most.
const SEARCH_MAX: usize = 10_000;

fn entry(sha256: [u8; 32], policy: BankPolicy) -> BankEntry {
    BankEntry {
        hash: BankHash::Sha256(sha256),
        policy,
        against: Policy::Illegal,
        reason: Note::default(),
        added_by: String::new(),
        added_at_ms: NOW,
        image: None,
    }
}

fn banned(queue: &Queue, sha256: [u8; 32], policy: BankPolicy) -> BankHash {
    let entry = entry(sha256, policy);
    queue.bank.add(&Actor::System, &entry, NOW).unwrap();
    entry.hash
}

fn twin(queue: &Queue, sha256: [u8; 32]) -> ImageId {
    let record = Record {
        state: State::Public,
        pdq: None,
        sha256,
        ..sample_record_at(NOW - 60_000)
    };
    let bytes = SampleBytes(record.id.as_bytes().to_vec());
    queue.store.commit(&record, &bytes).unwrap();
    record.id
}

fn found(queue: &Queue, hash: BankHash) -> Vec<ImageId> {
    let copies = queue.find_copies(&[hash]).unwrap();
    assert!(copies.is_complete);
    copies.images.iter().map(|(image, _)| *image).collect()
}

#[test]
fn a_copy_is_queued_once_and_told_of() {
    let queue = queue();
    let image = twin(&queue, [7; 32]);
    let hash = banned(&queue, [7; 32], BankPolicy::Queue);
    let copies = queue.find_copies(&[hash]).unwrap();
    let jobs = queue.treat_copies(None, &copies, NOW).unwrap();
    assert_eq!(jobs.len(), 1);
    // Or whoever searches until nothing is left would never come to an end.
    assert_eq!(found(&queue, hash), []);
    assert_eq!(told(&queue.store, &image), ["copy-queued"]);
    assert_eq!(state_of(&queue, &image), State::Review);
}

#[test]
fn a_search_that_was_cut_short_says_so_and_goes_on() {
    let queue = queue();
    for _ in 0..SEARCH_MAX + 1 {
        twin(&queue, [7; 32]);
    }
    let hash = banned(&queue, [7; 32], BankPolicy::Refuse);
    let copies = queue.find_copies(&[hash]).unwrap();
    assert_eq!(
        (copies.images.len(), copies.is_complete),
        (SEARCH_MAX, false)
    );
    for (image, _) in &copies.images {
        let blocked = |record: &mut Record| record.state = State::Blocked;
        queue.store.update(image, blocked).unwrap();
    }
    assert_eq!(found(&queue, hash).len(), 1);
}

#[test]
fn what_staff_let_stay_is_not_removed_without_them() {
    let queue = queue();
    let who = moderator();
    let image = twin(&queue, [7; 32]);
    queue.flag(&image, &Flag::new(Reason::Report), NOW).unwrap();
    let claim = claimed(&queue, &who, &image);
    queue.decide(&who, &claim, &Verdict::Safe, NOW).unwrap();
    let hash = banned(&queue, [7; 32], BankPolicy::Refuse);
    let copies = queue.find_copies(&[hash]).unwrap();
    let jobs = queue.treat_copies(None, &copies, NOW + 1).unwrap();
    assert_eq!((jobs.len(), &jobs[0].status), (1, &Status::Waiting));
    assert_eq!(state_of(&queue, &image), State::Review);
    assert_eq!(found(&queue, hash), [], "it waits for them");
    let claim = claimed(&queue, &who, &image);
    queue.decide(&who, &claim, &Verdict::Safe, NOW + 2).unwrap();
    assert_eq!(found(&queue, hash), [], "they knew of the ban");
}

#[test]
fn a_search_waits_for_uploads_that_looked_before_the_ban() {
    let queue = queue();
    let taking_in = queue.bank.taking_in();
    let wanted = Lookup {
        sha256: [7; 32],
        pdq: None,
    };
    assert_eq!(queue.bank.lookup(&wanted).unwrap(), None);
    std::thread::scope(|scope| {
        let keeper = scope.spawn(|| {
            let hash = banned(&queue, [7; 32], BankPolicy::Refuse);
            queue.find_copies(&[hash]).unwrap().images
        });
        // The ban may be there by now, and is not looked for again.
        while queue.bank.unsearched(9).unwrap().is_empty() {
            std::thread::yield_now();
        }
        let image = twin(&queue, [7; 32]);
        drop(taking_in);
        let found: Vec<ImageId> = keeper.join().unwrap().iter().map(|copy| copy.0).collect();
        assert_eq!(found, [image]);
    });
}
