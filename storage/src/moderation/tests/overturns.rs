//! A removal that does not stand: what it had banned, and who may say so.

use super::*;
use crate::audit::Actor;

fn banning(policy: Policy) -> Verdict {
    Verdict::Remove {
        policy,
        reason: Note::new("without consent").unwrap(),
        bank: Some(BankPolicy::Refuse),
    }
}

fn is_banned(queue: &Queue, record: &Record) -> bool {
    let wanted = Lookup {
        sha256: record.sha256,
        pdq: record.pdq,
    };
    queue.bank.lookup(&wanted).unwrap().is_some()
}

fn appealed(queue: &Queue, image: &ImageId, against: &Moderator) {
    let flag = Flag {
        not_by: Some(against.id.clone()),
        ..Flag::new(Reason::Appeal)
    };
    queue.flag(image, &flag, NOW + 1).unwrap();
}

#[test]
fn an_overturned_removal_bans_nothing() {
    let queue = queue();
    let [first, second] = [moderator(), moderator()];
    let record = queued_image(&queue, 0.9);
    let claim = claimed(&queue, &first, &record.id);
    let verdict = banning(Policy::IntimateImage);
    queue.decide(&first, &claim, &verdict, NOW).unwrap();
    assert!(is_banned(&queue, &record));
    appealed(&queue, &record.id, &first);
    let claim = claimed(&queue, &second, &record.id);
    let kept = queue
        .decide(&second, &claim, &Verdict::Safe, NOW + 2)
        .unwrap();
    assert!(!is_banned(&queue, &record));
    queue
        .undo(&second, &record.id, kept.version, NOW + 3)
        .unwrap();
    assert!(is_banned(&queue, &record), "the removal stands again");
    assert_consistent(&queue.store);
}

#[test]
fn two_removals_of_one_picture_ban_it_until_neither_stands() {
    let queue = queue();
    let who = moderator();
    let [first, second] = [(); 2].map(|()| {
        let record = Record {
            state: State::Public,
            pdq: None,
            sha256: [7; 32],
            ..sample_record_at(NOW)
        };
        let bytes = SampleBytes(b"original".to_vec());
        queue.store.commit(&record, &bytes).unwrap();
        record
    });
    let verdict = banning(Policy::IntimateImage);
    let remove = |image| queue.take_down(Some(&who), image, &verdict, NOW).unwrap();
    let [one, other] = [&first.id, &second.id].map(remove);
    queue.undo(&who, &first.id, one.version, NOW + 1).unwrap();
    assert!(is_banned(&queue, &second), "the other one stands");
    queue
        .undo(&who, &second.id, other.version, NOW + 1)
        .unwrap();
    assert!(!is_banned(&queue, &second));
}

#[test]
fn a_removal_makes_a_ban_stricter_and_never_milder() {
    let queue = queue();
    let record = queued_image(&queue, 0.9);
    let listed = BankEntry {
        hash: BankHash::Sha256(record.sha256),
        policy: BankPolicy::Queue,
        against: Policy::Illegal,
        reason: Note::default(),
        added_by: "operator".into(),
        added_at_ms: NOW,
        image: None,
    };
    queue.bank.add(&Actor::Operator, &listed, NOW).unwrap();
    let who = moderator();
    let verdict = banning(Policy::ChildAbuse);
    let job = queue
        .take_down(Some(&who), &record.id, &verdict, NOW)
        .unwrap();
    let entry = queue.bank.entry(&listed.hash).unwrap().unwrap();
    assert_eq!(
        (entry.policy, entry.against),
        (BankPolicy::Refuse, Policy::ChildAbuse)
    );
    queue.undo(&who, &record.id, job.version, NOW + 1).unwrap();
    assert!(queue.bank.entry(&listed.hash).unwrap().is_some(), "listed");
}

#[test]
fn whom_an_appeal_was_against_does_not_take_back_its_answer() {
    let queue = queue();
    let [first, second] = [moderator(), moderator()];
    let image = queued_image(&queue, 0.9).id;
    let claim = claimed(&queue, &first, &image);
    queue.decide(&first, &claim, &removal(), NOW).unwrap();
    appealed(&queue, &image, &first);
    let claim = claimed(&queue, &second, &image);
    let kept = queue
        .decide(&second, &claim, &Verdict::Safe, NOW + 2)
        .unwrap();
    let own = queue.undo(&first, &image, kept.version, NOW + 3);
    assert_eq!(kind_of(own), ConflictKind::OwnDecision);
    assert_eq!(state_of(&queue, &image), State::Public);
    queue.undo(&second, &image, kept.version, NOW + 4).unwrap();
}

#[test]
fn no_undo_leaves_an_image_blocked_without_its_day() {
    let queue = queue();
    let who = moderator();
    let image = queued_image(&queue, 0.9).id;
    let take_down = |verdict: &Verdict| {
        let job = queue.take_down(Some(&who), &image, verdict, NOW);
        job.unwrap().version
    };
    take_down(&removal());
    take_down(&Verdict::Safe);
    let last = take_down(&removal());
    let undone = queue.undo(&who, &image, last, NOW + 1).unwrap();
    let before = undone.decision.unwrap();
    assert_eq!(before.verdict, Verdict::Safe);
    let claim = claim_of(&queue.job(&image).unwrap().unwrap());
    queue.release(&who, &claim, NOW + 1).unwrap();
    let again = queue.undo(&who, &image, before.version, NOW + 2);
    assert!(matches!(
        kind_of(again),
        ConflictKind::NotTheLast | ConflictKind::Changed
    ));
    assert_eq!(state_of(&queue, &image), State::Public);
}
