use super::*;

#[test]
fn every_decision_can_be_taken_back() {
    let queue = queue();
    let who = moderator();
    let escalation = Verdict::Escalate {
        to: Lane::ChildSafety,
        note: Note::default(),
    };
    let cases = [
        (Verdict::Safe, State::Public, Some(StoredLabel::Safe)),
        (Verdict::Nsfw, State::Public, Some(StoredLabel::Nsfw)),
        (removal(), State::Blocked, None),
        (escalation, State::Review, None),
    ];
    for (verdict, state, label) in cases {
        let before = queued_image(&queue, 0.5);
        let claim = claimed(&queue, &who, &before.id);
        let job = queue.decide(&who, &claim, &verdict, NOW).unwrap();
        let decision = job.decision.clone().unwrap();
        assert_eq!(
            (&decision.verdict, decision.by.as_ref()),
            (&verdict, Some(&who.id))
        );
        assert_eq!(decision.version, job.version);
        let after = queue.record(&before.id).unwrap();
        assert_eq!(after.state, state);
        assert_eq!(after.ruling.map(|ruling| ruling.label), label);
        assert!(
            after
                .ruling
                .is_none_or(|ruling| ruling.by == RuledBy::Staff)
        );
        assert_consistent(&queue.store);

        let other = moderator();
        let wrong = queue.undo(&other, &before.id, job.version - 1, NOW);
        assert_eq!(kind_of(wrong), ConflictKind::NotTheLast);
        let undone = queue.undo(&who, &before.id, job.version, NOW + 1).unwrap();
        let restored = queue.record(&before.id).unwrap();
        assert_eq!((restored.state, restored.ruling), (State::Public, None));
        assert_eq!((undone.lane, &undone.decision), (Lane::General, &None));
        assert_eq!(
            told(&queue.store, &before.id),
            [verdict.action(), "decision-undone"]
        );
        let twice = queue.undo(&who, &before.id, job.version, NOW + 1);
        assert_eq!(kind_of(twice), ConflictKind::NotTheLast);
        // Whoever takes it back decides anew.
        queue
            .decide(&who, &claim_of(&undone), &Verdict::Nsfw, NOW + 2)
            .unwrap();
        assert_consistent(&queue.store);
    }
}

#[test]
fn the_audit_tells_what_was_known() {
    let queue = queue();
    let (who, image) = (moderator(), queued_image(&queue, 0.5).id);
    let flag = Flag {
        report: Some(Report {
            receipt: "r-7".into(),
            weight: 1.0,
        }),
        ..Flag::new(Reason::Report)
    };
    queue.flag(&image, &flag, NOW).unwrap();
    let claim = claimed(&queue, &who, &image);
    queue.decide(&who, &claim, &removal(), NOW).unwrap();
    let entries = audit::entries_about(&*queue.store, &Subject::image(&image), u64::MAX, 9);
    let sealed = &entries.unwrap()[0];
    let entry = &sealed.entry;
    assert_eq!(entry.actor.name(), who.id.as_str());
    assert_eq!(entry.before["state"], "public");
    assert_eq!(entry.after["state"], "blocked");
    assert_eq!(entry.after["verdict"]["policy"], "violence");
    let scores = audit::scores_of(&*queue.store, sealed).unwrap().unwrap();
    assert_eq!(scores.value()["model"], "mobilenet_v2");
    assert_eq!(entry.thresholds.as_array().unwrap().len(), 4);
    assert_eq!(entry.lease.as_ref(), Some(&claim.lease));
    assert_eq!(entry.reports, ["r-7"]);
}

/// However an image ends, the audit keeps nothing of its scores, and is whole.
#[test]
fn p13c_scores_leave_the_audit_with_their_image() {
    let queue = queue();
    let (who, [deleted, purged, kept]) = (moderator(), [(); 3].map(|()| queued_image(&queue, 0.5)));
    let all = [&deleted, &purged, &kept];
    for image in all {
        let claim = claimed(&queue, &who, &image.id);
        queue.decide(&who, &claim, &removal(), NOW).unwrap();
    }
    let scores_of = |image: &Record| {
        let about = Subject::image(&image.id);
        let entries = audit::entries_about(&*queue.store, &about, u64::MAX, 9).unwrap();
        let decision = entries.iter().find(|sealed| sealed.entry.lease.is_some());
        audit::scores_of(&*queue.store, decision.unwrap()).unwrap()
    };
    assert!(all.iter().all(|image| scores_of(image).is_some()));
    queue.store.remove(&deleted.id, NOW + DAY).unwrap();
    let hold = |record: &mut Record| record.legal_hold = true;
    queue.store.update(&kept.id, hold).unwrap();
    let gone = queue.purge_due(NOW + 40 * DAY, 9).unwrap().images;
    assert!(gone.contains(&purged.id) && !gone.contains(&kept.id));
    assert_eq!((scores_of(&deleted), scores_of(&purged)), (None, None));
    assert!(scores_of(&kept).is_some());
    let report = audit::verify(Some(&*queue.store), None).unwrap();
    assert_eq!(report.bad, None);
    let found = report.scores;
    assert_eq!((found.n_there, found.n_erased, found.n_overdue), (1, 2, 0));
}

#[test]
fn a_stale_decision_says_who_was_first() {
    let queue = queue();
    let [one, other] = [moderator(), moderator()];
    let image = queued_image(&queue, 0.5).id;
    let claim = claimed(&queue, &one, &image);
    // Something new came while it was looked at.
    queue.flag(&image, &Flag::new(Reason::Report), NOW).unwrap();
    let stale = queue.decide(&one, &claim, &Verdict::Safe, NOW);
    assert_eq!(kind_of(stale), ConflictKind::Changed);
    let seen = claimed(&queue, &one, &image);
    let foreign = queue.decide(&other, &seen, &removal(), NOW);
    assert_eq!(kind_of(foreign), ConflictKind::Claimed);
    queue.decide(&one, &seen, &Verdict::Safe, NOW + 7).unwrap();
    let Err(ModerationError::Conflict(late)) = queue.decide(&other, &seen, &removal(), NOW + 8)
    else {
        panic!("decided twice");
    };
    assert_eq!(late.kind, ConflictKind::Decided);
    assert_eq!((late.by, late.at_ms), (Some(one.id), NOW + 7));
    assert_eq!(late.verdict, Some(Verdict::Safe));
    assert_eq!(told(&queue.store, &image), ["image-marked-safe"]);
}

#[test]
fn a_removed_image_is_purged_when_its_time_is_over() {
    let queue = queue();
    let who = moderator();
    let [purged, held, appealed] = [(); 3].map(|()| {
        let image = queued_image(&queue, 0.5).id;
        let claim = claimed(&queue, &who, &image);
        (
            image,
            queue.decide(&who, &claim, &removal(), NOW).unwrap().version,
        )
    });
    queue
        .store
        .update(&held.0, |record| record.legal_hold = true)
        .unwrap();
    let appeal = Flag {
        not_by: Some(who.id.clone()),
        ..Flag::new(Reason::Appeal)
    };
    queue.flag(&appealed.0, &appeal, NOW + 1).unwrap();
    assert_eq!(
        queue.purge_due(NOW + 30 * DAY - 1, 9).unwrap(),
        Purged::default()
    );
    let done = queue.purge_due(NOW + 30 * DAY, 9).unwrap();
    assert_eq!(
        (done.images.as_slice(), done.n_put_off),
        ([purged.0].as_slice(), 2)
    );
    assert_eq!(queue.store.find(&purged.0).unwrap(), None);
    let late = queue.undo(&who, &purged.0, purged.1, NOW + 31 * DAY);
    assert_eq!(late.unwrap_err().code(), "image-gone");
    let decision = queue.job(&purged.0).unwrap().unwrap().decision.unwrap();
    assert_eq!(
        decision.purged_at_ms,
        Some(NOW + 30 * DAY),
        "why it is gone is still known"
    );
    assert_eq!(
        told(&queue.store, &purged.0),
        ["image-removed", "image-purged"]
    );
    queue.undo(&who, &held.0, held.1, NOW).unwrap();

    let own = queue.claim(&who, &Lane::ALL, &appealed.0, NOW + 2);
    assert_eq!(kind_of(own), ConflictKind::OwnDecision);
    assert_eq!(
        queue
            .claim_next(&who, &Query::default(), 9, NOW + 2)
            .unwrap(),
        []
    );
    let other = moderator();
    let claim = claimed(&queue, &other, &appealed.0);
    queue
        .decide(&other, &claim, &Verdict::Safe, NOW + 3)
        .unwrap();
    assert_eq!(state_of(&queue, &appealed.0), State::Public);
    assert_eq!(
        queue.purge_due(NOW + 99 * DAY, 9).unwrap(),
        Purged::default()
    );
    assert_consistent(&queue.store);
}

#[test]
fn what_is_new_about_a_decided_image_is_looked_at_anew() {
    let queue = queue();
    let who = moderator();
    let image = queued_image(&queue, 0.5).id;
    let claim = claimed(&queue, &who, &image);
    let version = queue
        .decide(&who, &claim, &Verdict::Safe, NOW)
        .unwrap()
        .version;
    let job = queue
        .flag(&image, &Flag::new(Reason::Report), NOW + 9)
        .unwrap();
    assert_eq!((job.status, job.created_at_ms), (Status::Waiting, NOW + 9));
    assert_eq!(job.reasons.len(), 1);
    assert!(job.decision.is_some(), "what was decided before is shown");
    let undone = queue.undo(&who, &image, version, NOW + 10);
    assert_eq!(kind_of(undone), ConflictKind::Changed);
    assert_eq!(all_waiting(&queue), [image]);
}

#[test]
fn an_image_is_queued_as_it_is_stored() {
    let queue = queue();
    let mut record = sample_record_at(NOW);
    record.state = State::Review;
    let mut changes = crate::Changes::new();
    let flags = [Reason::ReviewBand, Reason::HashMatch].map(Flag::new);
    Flag::plan_new(&flags, &mut changes, &record, NOW);
    let bytes = SampleBytes(b"original".to_vec());
    queue.store.commit_with(&record, &bytes, changes).unwrap();
    let job = queue.job(&record.id).unwrap().unwrap();
    assert_eq!((job.reasons.len(), job.signals.hash_match), (2, true));
    assert_eq!(all_waiting(&queue), [record.id]);
    let mut none = crate::Changes::new();
    Flag::plan_new(&[], &mut none, &record, NOW);
    assert!(none.is_empty());
    assert_consistent(&queue.store);
}

#[test]
fn an_order_needs_no_lease() {
    let queue = queue();
    let [fresh, looked_at] = [stored_image(&queue, 0.5).id, queued_image(&queue, 0.5).id];
    let who = moderator();
    let claim = claimed(&queue, &who, &looked_at);
    for image in [fresh, looked_at] {
        queue.take_down(None, &image, &removal(), NOW).unwrap();
        assert_eq!(state_of(&queue, &image), State::Blocked);
        let again = queue.take_down(None, &image, &removal(), NOW);
        assert_eq!(kind_of(again), ConflictKind::Decided);
    }
    let late = queue.decide(&who, &claim, &Verdict::Safe, NOW);
    assert_eq!(kind_of(late), ConflictKind::Decided);
    assert_consistent(&queue.store);
}

/// P11: evidence is kept whatever its owner or a deadline says.
#[test]
fn evidence_is_held_until_a_person_says_that_it_is_none() {
    let queue = queue();
    let who = moderator();
    let image = queued_image(&queue, 0.5).id;
    let is_held = || queue.record(&image).unwrap().legal_hold;
    let escalation = Verdict::Escalate {
        to: Lane::ChildSafety,
        note: Note::default(),
    };
    let claim = claimed(&queue, &who, &image);
    let passed_on = queue.decide(&who, &claim, &escalation, NOW).unwrap();
    assert!(is_held());
    let again = queue
        .undo(&who, &image, passed_on.version, NOW + 1)
        .unwrap();
    assert!(!is_held());

    queue
        .decide(&who, &claim_of(&again), &escalation, NOW + 2)
        .unwrap();
    let claim = claimed(&queue, &who, &image);
    let cleared = queue.decide(&who, &claim, &Verdict::Safe, NOW + 3).unwrap();
    assert!(!is_held());
    let again = queue.undo(&who, &image, cleared.version, NOW + 4).unwrap();
    assert!(is_held());

    let abuse = Verdict::Remove {
        policy: Policy::ChildAbuse,
        reason: Note::default(),
        bank: None,
    };
    queue
        .decide(&who, &claim_of(&again), &abuse, NOW + 5)
        .unwrap();
    let late = queue.purge_due(NOW + 400 * DAY, 9).unwrap();
    assert!(late.images.is_empty() && is_held());
    let nothing = |_: &mut crate::Changes, _: &Record, _: u64| Ok(());
    let action = audit::Action::new("image-restored");
    let restored = queue.restore(&image, &action, NOW + 6, nothing);
    assert_eq!(restored.unwrap_err().code(), "image-gone");
    assert_consistent(&queue.store);
}

#[test]
fn what_is_hidden_without_a_person_is_in_the_audit() {
    let queue = queue();
    let image = stored_image(&queue, 0.5).id;
    let rule = Reason::Rule(Note::new("no-nudes").unwrap());
    queue
        .change_and_flag(&image, NOW, |record, _| {
            record.state = State::Blocked;
            Ok(Some(vec![Flag::new(rule.clone())]))
        })
        .unwrap();
    assert_eq!(told(&queue.store, &image), ["image-hidden"]);
    let entries = audit::entries_about(&*queue.store, &Subject::image(&image), u64::MAX, 9);
    let entry = &entries.unwrap()[0].entry;
    assert_eq!(
        (&entry.before["state"], &entry.after["state"]),
        (&"public".into(), &"blocked".into())
    );
}
