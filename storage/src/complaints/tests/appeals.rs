use super::*;

fn text() -> Text<APPEAL_CHARS_MAX> {
    Text::new("It is my own photograph.").unwrap()
}

fn appeal(desk: &Desk, image: &ImageId, now_ms: u64) -> Result<Appeal, ComplaintError> {
    desk.complaints.appeal(image, &text(), now_ms)
}

#[test]
fn every_removal_says_why() {
    let desk = desk();
    let image = desk.image();
    assert_eq!(desk.complaints.tombstone(&image).unwrap(), None);
    desk.report(image, Category::Privacy, NOW);
    let who = person(Role::Moderator);
    let job = desk.decide(&who, &image, &removal(Policy::Privacy), NOW + 1);
    let said = desk.complaints.tombstone(&image).unwrap().unwrap();
    assert_eq!(
        (said.restriction, said.policy, said.found, said.is_automated),
        (
            Restriction::Removed,
            Some(Policy::Privacy),
            Found::Report,
            false
        )
    );
    assert_eq!(said.reason.as_str(), "as it was reported");
    assert_eq!(
        desk.complaints.statement(&desk.record(&image)).unwrap(),
        Some(said.clone())
    );

    desk.queue.undo(&who, &image, job.version, NOW + 2).unwrap();
    assert_eq!(desk.complaints.tombstone(&image).unwrap(), None);
    let job = desk.queue.job(&image).unwrap().unwrap();
    let claim = Claim {
        image,
        lease: job.lease().unwrap().token.clone(),
        version: job.version,
    };
    desk.queue
        .decide(&who, &claim, &removal(Policy::Spam), NOW + 3)
        .unwrap();
    // It is told for as long as somebody may open the link.
    desk.queue.purge_due(NOW + 60 * DAY, 10).unwrap();
    assert_eq!(desk.store.find(&image).unwrap(), None);
    let said = desk.complaints.tombstone(&image).unwrap().unwrap();
    assert_eq!(said.policy, Some(Policy::Spam));
}

#[test]
fn copies_are_removed_without_a_person_and_say_so() {
    let desk = desk();
    let image = desk.image();
    desk.queue
        .take_down(None, &image, &removal(Policy::Violence), NOW)
        .unwrap();
    let said = desk.complaints.tombstone(&image).unwrap().unwrap();
    assert_eq!((said.is_automated, said.found), (true, Found::Automation));
}

#[test]
fn scores_that_restrict_say_so() {
    let desk = desk();
    let image = desk.image();
    let statement = |change: fn(&mut Record)| {
        let mut record = desk.record(&image);
        change(&mut record);
        desk.complaints.statement(&record).unwrap().map(|said| {
            assert!(said.is_automated && said.policy.is_none());
            said.restriction
        })
    };
    let label = |record: &mut Record, label| record.classification.as_mut().unwrap().label = label;
    assert_eq!(
        statement(|record| record.classification.as_mut().unwrap().label = crate::StoredLabel::Nsfw),
        Some(Restriction::Warning)
    );
    let mut safe = desk.record(&image);
    label(&mut safe, crate::StoredLabel::Safe);
    assert_eq!(desk.complaints.statement(&safe).unwrap(), None);
    assert_eq!(
        statement(|record| record.state = State::Review),
        Some(Restriction::Hidden)
    );
    assert_eq!(
        statement(|record| record.state = State::Blocked),
        Some(Restriction::Removed)
    );
}

#[test]
fn an_appeal_is_decided_by_somebody_else() {
    let desk = desk();
    let image = desk.image();
    desk.report(image, Category::Illegal, NOW);
    let [first, second] = [person(Role::Moderator), person(Role::SeniorModerator)];
    desk.decide(&first, &image, &removal(Policy::Illegal), NOW + 1);
    let taken = appeal(&desk, &image, NOW + 2).unwrap();
    assert_eq!(taken.against_by, Some(first.id.clone()));
    assert_eq!(
        appeal(&desk, &image, NOW + 2).unwrap_err().code(),
        "objection-open"
    );
    let job = desk.queue.job(&image).unwrap().unwrap();
    assert!(job.reasons.contains(&Reason::Appeal) && job.status == Status::Waiting);
    // It still stands, is told so, and waits unpurged.
    assert!(desk.complaints.tombstone(&image).unwrap().is_some());
    assert!(
        desk.queue
            .purge_due(NOW + 60 * DAY, 10)
            .unwrap()
            .images
            .is_empty()
    );

    let own = desk
        .queue
        .claim(&first, &Lane::ALL, &image, NOW + 3)
        .unwrap_err();
    assert_eq!(own.code(), "own-decision");
    // Neither with a verdict that needs no lease.
    let own = desk
        .queue
        .take_down(Some(&first), &image, &Verdict::Safe, NOW + 3);
    assert_eq!(own.unwrap_err().code(), "own-decision");

    desk.decide(&second, &image, &Verdict::Safe, NOW + 4);
    assert_eq!(desk.record(&image).state, State::Public);
    assert_eq!(desk.complaints.tombstone(&image).unwrap(), None);
    let answered = desk.complaints.newest_appeal(&image).unwrap().unwrap();
    assert!(answered.outcome.unwrap().is_granted);
    assert_eq!(
        desk.told(&image),
        [
            "image-reported",
            "image-removed",
            "appeal-received",
            "image-marked-safe"
        ]
    );
    assert_eq!(
        appeal(&desk, &image, NOW + 5).unwrap_err().code(),
        "not-restricted"
    );
}

#[test]
fn an_undone_answer_is_still_not_for_the_first() {
    let desk = desk();
    let image = desk.image();
    let [first, second] = [person(Role::Moderator), person(Role::Moderator)];
    desk.queue
        .take_down(Some(&first), &image, &removal(Policy::Spam), NOW)
        .unwrap();
    appeal(&desk, &image, NOW + 1).unwrap();
    let job = desk.decide(&second, &image, &Verdict::Safe, NOW + 2);
    desk.queue
        .undo(&second, &image, job.version, NOW + 3)
        .unwrap();
    let open = desk.complaints.newest_appeal(&image).unwrap().unwrap();
    assert_eq!(open.outcome, None);
    assert!(desk.complaints.tombstone(&image).unwrap().is_some());
    desk.queue.release_all(&second.id).unwrap();
    let claim = desk.queue.claim(&first, &Lane::ALL, &image, NOW + 4);
    let refused = claim.and_then(|job| {
        let claim = Claim {
            image,
            lease: job.lease().unwrap().token.clone(),
            version: job.version,
        };
        desk.queue.decide(&first, &claim, &Verdict::Safe, NOW + 4)
    });
    let Err(ModerationError::Conflict(conflict)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(conflict.kind, ConflictKind::OwnDecision);
}

#[test]
fn what_stood_an_appeal_is_final() {
    let desk = desk();
    let image = desk.image();
    let [first, second] = [person(Role::Moderator), person(Role::Moderator)];
    desk.queue
        .take_down(Some(&first), &image, &removal(Policy::Spam), NOW)
        .unwrap();
    appeal(&desk, &image, NOW + 1).unwrap();
    desk.decide(&second, &image, &removal(Policy::Spam), NOW + 2);
    let answered = desk.complaints.newest_appeal(&image).unwrap().unwrap();
    assert!(!answered.outcome.unwrap().is_granted);
    assert_eq!(
        appeal(&desk, &image, NOW + 3).unwrap_err().code(),
        "decision-final"
    );
}

#[test]
fn a_label_can_be_objected_to() {
    let desk = desk();
    let image = desk.image();
    let who = person(Role::Moderator);
    desk.queue
        .take_down(Some(&who), &image, &Verdict::Nsfw, NOW)
        .unwrap();
    let taken = appeal(&desk, &image, NOW + 1).unwrap();
    assert_eq!(taken.against, Restriction::Warning);
    desk.decide(&person(Role::Moderator), &image, &Verdict::Nsfw, NOW + 2);
    let answered = desk.complaints.newest_appeal(&image).unwrap().unwrap();
    assert!(!answered.outcome.unwrap().is_granted);
}

#[test]
fn an_appeal_against_child_safety_stays_with_them() {
    let desk = desk();
    let image = desk.image();
    desk.report(image, Category::ChildAbuse, NOW);
    let who = person(Role::ChildSafety);
    desk.decide(&who, &image, &removal(Policy::ChildAbuse), NOW + 1);
    appeal(&desk, &image, NOW + 2).unwrap();
    let job = desk.queue.job(&image).unwrap().unwrap();
    assert_eq!(job.lane, Lane::ChildSafety);
    desk.queue
        .flag(&image, &Flag::new(Reason::Sample), NOW + 3)
        .unwrap();
    assert_eq!(
        desk.queue.job(&image).unwrap().unwrap().lane,
        Lane::ChildSafety
    );
}
