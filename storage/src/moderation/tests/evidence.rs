//! What may show the abuse of a child: for whose eyes, and how long it is kept.

use super::*;

fn bank_entry(record: &Record, policy: BankPolicy) -> BankEntry {
    BankEntry {
        hash: BankHash::Sha256(record.sha256),
        policy,
        against: Policy::ChildAbuse,
        reason: Note::default(),
        added_by: String::new(),
        added_at_ms: NOW,
        image: None,
    }
}

fn abuse() -> Verdict {
    Verdict::Remove {
        policy: Policy::ChildAbuse,
        reason: Note::default(),
        bank: None,
    }
}

#[test]
fn what_the_bank_knows_as_abuse_is_held_until_it_is_cleared() {
    let queue = queue();
    let who = moderator();
    let record = stored_image(&queue, 0.1);
    let image = record.id;
    let is_held = || queue.record(&image).unwrap().legal_hold;
    let flag = bank_entry(&record, BankPolicy::Queue).flag();
    let job = queue.flag(&image, &flag, NOW).unwrap();
    assert_eq!((job.lane, job.holds), (Lane::ChildSafety, true));
    assert!(is_held());
    assert_eq!(state_of(&queue, &image), State::Review);

    let claim = claimed(&queue, &who, &image);
    let cleared = queue.decide(&who, &claim, &Verdict::Safe, NOW + 1).unwrap();
    assert!(!is_held());
    queue.undo(&who, &image, cleared.version, NOW + 2).unwrap();
    assert!(is_held());
    assert_consistent(&queue.store);
}

#[test]
fn another_hash_match_holds_nothing() {
    let queue = queue();
    let record = stored_image(&queue, 0.1);
    let entry = BankEntry {
        against: Policy::Illegal,
        ..bank_entry(&record, BankPolicy::Queue)
    };
    let job = queue.flag(&record.id, &entry.flag(), NOW).unwrap();
    assert_eq!((job.lane, job.holds), (Lane::General, false));
    assert!(!queue.record(&record.id).unwrap().legal_hold);
}

#[test]
fn stored_copies_of_abuse_are_evidence_too() {
    let queue = queue();
    let record = stored_image(&queue, 0.1);
    for policy in [BankPolicy::Queue, BankPolicy::Refuse] {
        let copy = stored_image(&queue, 0.1);
        let entry = bank_entry(&copy, policy);
        queue.bank.add(&audit::Actor::System, &entry, NOW).unwrap();
        let copies = queue.find_copies(&[entry.hash]).unwrap();
        let jobs = queue.treat_copies(None, &copies, NOW).unwrap();
        assert_eq!((jobs.len(), jobs[0].lane), (1, Lane::ChildSafety));
        assert!(queue.record(&copy.id).unwrap().legal_hold);
    }
    assert!(!queue.record(&record.id).unwrap().legal_hold);
}

fn child_safety() -> Moderator {
    Moderator {
        role: Role::ChildSafety,
        ..moderator()
    }
}

fn escalated(to: Lane) -> Verdict {
    Verdict::Escalate {
        to,
        note: Note::default(),
    }
}

#[test]
fn a_removal_as_abuse_is_child_safetys_to_decide() {
    let queue = queue();
    let who = moderator();
    let image = queued_image(&queue, 0.9).id;
    let claim = claimed(&queue, &who, &image);
    let job = queue.decide(&who, &claim, &abuse(), NOW).unwrap();
    assert_eq!(
        (job.lane, &job.status),
        (Lane::ChildSafety, &Status::Waiting)
    );
    assert!(queue.record(&image).unwrap().legal_hold);
    assert_eq!(state_of(&queue, &image), State::Review);
    assert_eq!(told(&queue.store, &image), ["image-escalated"]);
    let theirs = child_safety();
    let claim = claimed(&queue, &theirs, &image);
    let job = queue.decide(&theirs, &claim, &abuse(), NOW).unwrap();
    assert_eq!(job.status, Status::Decided);
    // And stays theirs when there is something new.
    let job = queue
        .flag(&image, &Flag::new(Reason::Sample), NOW + 1)
        .unwrap();
    assert_eq!(job.lane, Lane::ChildSafety);
    assert_eq!(queue.count_waiting(Lane::ChildSafety, 10).unwrap(), 1);
    assert_eq!(queue.count_waiting(Lane::General, 10).unwrap(), 0);
}

#[test]
fn what_was_removed_as_a_copy_of_abuse_is_child_safetys_to_take_back() {
    let queue = queue();
    let image = stored_image(&queue, 0.1).id;
    let job = queue.take_down(None, &image, &abuse(), NOW).unwrap();
    let who = child_safety();
    let undone = queue.undo(&who, &image, job.version, NOW + 1).unwrap();
    assert_eq!(undone.lane, Lane::ChildSafety, "where they hold it");
    let claim = claim_of(&undone);
    queue.decide(&who, &claim, &Verdict::Safe, NOW + 2).unwrap();
    assert_eq!(state_of(&queue, &image), State::Public);
    assert_consistent(&queue.store);
}

#[test]
fn what_child_safety_has_is_not_passed_on() {
    let queue = queue();
    let image = queued_image(&queue, 0.9).id;
    let [who, theirs] = [moderator(), child_safety()];
    let claim = claimed(&queue, &who, &image);
    queue
        .decide(&who, &claim, &escalated(Lane::ChildSafety), NOW)
        .unwrap();
    let claim = claimed(&queue, &theirs, &image);
    for to in [Lane::Senior, Lane::General] {
        let passed_on = queue.decide(&theirs, &claim, &escalated(to), NOW + 1);
        assert_eq!(kind_of(passed_on), ConflictKind::StaysInLane);
    }
    queue
        .decide(&theirs, &claim, &Verdict::Safe, NOW + 1)
        .unwrap();
    assert!(!queue.record(&image).unwrap().legal_hold);
}

#[test]
fn evidence_that_was_passed_on_twice_is_cleared_once() {
    let queue = queue();
    let image = queued_image(&queue, 0.9).id;
    let [who, theirs] = [moderator(), child_safety()];
    for n in 0..2 {
        let claim = claimed(&queue, &who, &image);
        queue
            .decide(&who, &claim, &escalated(Lane::ChildSafety), NOW + n)
            .unwrap();
    }
    let claim = claimed(&queue, &theirs, &image);
    queue
        .decide(&theirs, &claim, &Verdict::Safe, NOW + 3)
        .unwrap();
    assert!(!queue.record(&image).unwrap().legal_hold);
}

#[test]
fn what_is_passed_on_to_child_safety_is_seen_by_nobody_else() {
    for state in [State::Pending, State::ScanFailed, State::Public] {
        let queue = queue();
        let who = moderator();
        let image = queued_image(&queue, 0.5).id;
        queue
            .store
            .update(&image, |record| record.state = state)
            .unwrap();
        let claim = claimed(&queue, &who, &image);
        let job = queue
            .decide(&who, &claim, &escalated(Lane::ChildSafety), NOW)
            .unwrap();
        assert_eq!(state_of(&queue, &image), State::Review, "{state:?}");
        queue.undo(&who, &image, job.version, NOW + 1).unwrap();
        assert_eq!(state_of(&queue, &image), state);
    }
}

#[test]
fn what_waits_is_counted_up_to_a_bound() {
    let queue = queue();
    for _ in 0..5 {
        queued_image(&queue, 0.5);
    }
    let count = |n_max| queue.count_waiting(Lane::General, n_max).unwrap();
    assert_eq!((count(3), count(5), count(9)), (3, 5, 5));
}

#[test]
fn an_undo_lets_the_decision_before_stand_again() {
    let queue = queue();
    let [first, second] = [moderator(), moderator()];
    let image = queued_image(&queue, 0.9).id;
    let claim = claimed(&queue, &first, &image);
    let removed = queue.decide(&first, &claim, &removal(), NOW).unwrap();
    let purge_at_ms = removed.decision.as_ref().unwrap().purge_at_ms;
    let figures = queue.figures().unwrap();
    let flag = Flag {
        not_by: Some(first.id.clone()),
        ..Flag::new(Reason::Appeal)
    };
    queue.flag(&image, &flag, NOW + 1).unwrap();
    let all = Lane::ALL;
    let claim = claim_of(&queue.claim(&second, &all, &image, NOW + DAY).unwrap());
    let kept = queue
        .decide(&second, &claim, &Verdict::Safe, NOW + DAY)
        .unwrap();
    let undone = queue
        .undo(&second, &image, kept.version, NOW + DAY + 1)
        .unwrap();
    let stands = undone.decision.as_ref().unwrap();
    assert_eq!(stands.purge_at_ms, purge_at_ms);
    assert_eq!(stands.by.as_ref(), Some(&first.id));
    assert_eq!(undone.not_by.as_ref(), Some(&first.id));
    assert_eq!(state_of(&queue, &image), State::Blocked);
    let again = queue.figures().unwrap();
    assert_eq!(again.decided, figures.decided, "it counts once, as removed");
    assert_consistent(&queue.store);

    // What waits for its answer is not purged; its day is looked at again.
    let due = queue.purge_due(NOW + 30 * DAY, 9).unwrap();
    assert_eq!((due.images.len(), due.n_put_off), (0, 1));
    let again = queue.claim(&second, &all, &image, NOW + 30 * DAY).unwrap();
    queue
        .decide(&second, &claim_of(&again), &removal(), NOW + 30 * DAY)
        .unwrap();
    let due = queue.purge_due(NOW + 60 * DAY, 9).unwrap();
    assert_eq!(due.images, [image]);
    assert_consistent(&queue.store);
}

#[test]
fn a_decision_that_stands_again_says_what_it_said() {
    let note = |text: &str| Note::new(text).unwrap();
    let longest = "\u{1F600}".repeat(NOTE_CHARS_MAX);
    let removal = Verdict::Remove {
        policy: Policy::Privacy,
        reason: note(&longest),
        bank: None,
    };
    let escalation = Verdict::Escalate {
        to: Lane::Senior,
        note: note("is this a child?"),
    };
    for verdict in [removal, escalation] {
        let queue = queue();
        let [first, second] = [moderator(), moderator()];
        let image = queued_image(&queue, 0.9).id;
        let claim = claimed(&queue, &first, &image);
        let said = queue.decide(&first, &claim, &verdict, NOW).unwrap();
        let appeal = Flag::new(Reason::Appeal);
        queue.flag(&image, &appeal, NOW + 1).unwrap();
        let claim = claim_of(&queue.claim(&second, &Lane::ALL, &image, NOW + 2).unwrap());
        let other = Verdict::Remove {
            policy: Policy::Privacy,
            reason: note("other words"),
            bank: None,
        };
        let decided = queue.decide(&second, &claim, &other, NOW + 2).unwrap();
        let version = decided.version;
        let undone = queue.undo(&second, &image, version, NOW + 3).unwrap();
        let stands = undone.decision.unwrap();
        assert_eq!(stands.verdict, verdict);
        assert_eq!(Some(stands.by), said.decision.map(|said| said.by));
        assert_consistent(&queue.store);
    }
}

#[test]
fn the_longest_job_fits_into_a_value() {
    let queue = queue();
    let image = queued_image(&queue, 0.9).id;
    for n in 0..8 {
        let name = Note::new(&format!("{n}{}", "a".repeat(63))).unwrap();
        queue
            .flag(&image, &Flag::new(Reason::Rule(name)), NOW)
            .unwrap();
    }
    for _ in 0..30 {
        let report = Report {
            receipt: "1".repeat(32),
            weight: 1.0,
        };
        let flag = Flag {
            report: Some(report),
            ..Flag::new(Reason::Report)
        };
        queue.flag(&image, &flag, NOW).unwrap();
    }
    for policy in [Policy::IntimateImage, Policy::LegalOrder, Policy::Violence] {
        let verdict = Verdict::Remove {
            policy,
            reason: Note::new(&"\u{1F600}".repeat(NOTE_CHARS_MAX)).unwrap(),
            bank: Some(BankPolicy::Refuse),
        };
        let job = queue
            .take_down(Some(&moderator()), &image, &verdict, u64::MAX)
            .unwrap();
        // What was said is told once.
        let n_bytes = job.encode().len();
        assert!(n_bytes < 5_500, "{n_bytes}");
    }
}

/// The hash bank keeps the hash, and not where it was taken from.
#[test]
fn p13e_the_bank_forgets_an_image_that_is_purged_and_keeps_its_hash() {
    let queue = queue();
    let who = moderator();
    let [deleted, purged] = [(); 2].map(|()| queued_image(&queue, 0.5));
    let removal = Verdict::Remove {
        policy: Policy::Violence,
        reason: Note::default(),
        bank: Some(BankPolicy::Refuse),
    };
    for image in [&deleted, &purged] {
        let claim = claimed(&queue, &who, &image.id);
        queue.decide(&who, &claim, &removal, NOW).unwrap();
    }
    let origins = |image: &Record| -> Vec<Option<ImageId>> {
        let hashes = BankHash::of(image);
        let entries = hashes.map(|hash| queue.bank.entry(&hash).unwrap().unwrap());
        entries.map(|entry| entry.image).collect()
    };
    assert_eq!(origins(&deleted), [Some(deleted.id); 2]);
    queue.store.remove(&deleted.id, NOW + DAY).unwrap();
    assert_eq!(origins(&deleted), [None; 2]);
    assert_eq!(origins(&purged), [Some(purged.id); 2]);
    let gone = queue.purge_due(NOW + 40 * DAY, 9).unwrap().images;
    assert!(gone.contains(&purged.id));
    assert_eq!(origins(&purged), [None; 2]);
}
