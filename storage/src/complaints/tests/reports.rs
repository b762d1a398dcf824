use super::*;
use crate::lawful;

#[test]
fn what_is_for_others_takes_nobodys_room_among_what_is_due() {
    let desk = desk();
    for n in 0..300 {
        desk.report(desk.image(), Category::ChildAbuse, NOW + n);
    }
    let theirs: Vec<ImageId> = (0..5).map(|_| desk.image()).collect();
    for (image, n) in theirs.iter().zip(0..) {
        desk.report(*image, Category::IntimateImage, NOW + n);
    }
    let is_theirs = |case: &Case| Ok(case.categories.contains_key(&Category::IntimateImage));
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = desk.complaints.due_page(after.as_ref(), 2, is_theirs);
        let page = page.unwrap();
        found.extend(page.due.iter().map(|case| case.image));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(found, theirs);
}

/// Neither what else is said of an image nor a report from a network that hides nothing
/// any more keeps one of the abuse of a child from being heard.
#[test]
fn no_number_of_reports_keeps_child_abuse_from_being_heard() {
    let desk = desk();
    let image = desk.image();
    let within = |category, reach| {
        let draft = draft(image, category);
        desk.complaints.report_within(&draft, 0.0, reach, NOW)
    };
    for _ in 0..case::REPORTS_OPEN_MAX {
        within(Category::Spam, Reach::Full).unwrap();
    }
    let refused = within(Category::Spam, Reach::Full).unwrap_err();
    assert_eq!(refused.code(), "reported-enough");
    let mut receipts = std::collections::BTreeSet::new();
    for _ in 0..case::REPORTS_OPEN_MAX + 20 {
        let filed = within(Category::ChildAbuse, Reach::LookedAt).unwrap();
        assert!(!filed.is_hidden);
        assert_eq!(desk.progress(&filed), Progress::Received);
        receipts.insert(filed.receipt.to_string());
    }
    assert_eq!(receipts.len(), 200, "what is kept is bounded");
    assert_eq!(desk.record(&image).state, State::Public);
    assert_eq!(
        desk.queue.job(&image).unwrap().unwrap().lane,
        Lane::ChildSafety
    );
    let filed = within(Category::ChildAbuse, Reach::Full).unwrap();
    assert!(filed.is_hidden && !receipts.contains(&filed.receipt.to_string()));
    assert_eq!(desk.record(&image).state, State::Review);
}

#[test]
fn several_reports_on_one_image_are_one_job() {
    let desk = desk();
    let [image, other] = [desk.image(), desk.image()];
    desk.report(other, Category::Spam, NOW);
    desk.report(image, Category::Other, NOW);
    desk.report(image, Category::IntimateImage, NOW + HOUR);
    desk.report(image, Category::Other, NOW + 2 * HOUR);

    let job = desk.queue.job(&image).unwrap().unwrap();
    assert_eq!((job.n_reports, job.receipts.len()), (3, 3));
    assert!(job.reasons.contains(&Reason::Report) && job.reasons.len() == 1);
    // 1 + 6 + 1: the categories weigh.
    assert_eq!(job.signals.report_weight, 8.0);
    let list = desk.queue.list(&Query::default(), None, 10).unwrap();
    let order: Vec<ImageId> = list.jobs.iter().map(|job| job.image).collect();
    assert_eq!(order, [image, other], "what was reported more comes first");

    let (case, reports) = desk.complaints.case(&image, 10).unwrap().unwrap();
    assert_eq!((case.n_reports(), reports.len()), (3, 3));
    // 48 hours from the intimate image's report, which is the most urgent one.
    assert_eq!(case.due_at_ms, NOW + HOUR + 48 * HOUR);
    let due: Vec<ImageId> = desk
        .complaints
        .due_next(10)
        .unwrap()
        .iter()
        .map(|case| case.image)
        .collect();
    assert_eq!(due, [image, other]);
    assert_eq!(desk.told(&image), ["image-reported"; 3]);
}

#[test]
fn a_receipt_tells_how_it_stands_and_nothing_else() {
    let desk = desk();
    let image = desk.image();
    let label = desk.report(image, Category::WronglyLabelled, NOW);
    let illegal = desk.report(image, Category::Illegal, NOW);
    assert_eq!(desk.progress(&illegal), Progress::Received);
    let who = person(Role::Moderator);
    let claim = desk.claim(&who, &image, NOW);
    assert_eq!(desk.progress(&illegal), Progress::LookedAt);
    let decided = desk.queue.decide(&who, &claim, &Verdict::Nsfw, NOW + 1);
    let version = decided.unwrap().version;
    let decided_as = |is_upheld| Progress::Decided {
        resolution: Resolution::Warned,
        is_upheld,
        at_ms: NOW + 1,
    };
    let before = desk.record(&image).classification.unwrap().label;
    let is_relabelled = before == crate::StoredLabel::Safe;
    assert_eq!(desk.progress(&label), decided_as(is_relabelled));
    let unknown = Receipt::random().unwrap();
    assert_eq!(desk.complaints.progress(&unknown).unwrap(), None);

    desk.queue.undo(&who, &image, version, NOW + 2).unwrap();
    assert_eq!(desk.progress(&label), Progress::LookedAt);
    assert_eq!(desk.complaints.due_next(10).unwrap().len(), 1);
}

#[test]
fn what_is_due_first_comes_first_and_what_is_late_is_counted() {
    let desk = desk();
    let [spam, private, intimate, flagged] = [(); 4].map(|()| desk.image());
    desk.queue
        .flag(&flagged, &Flag::new(Reason::ReviewBand), NOW)
        .unwrap();
    desk.report(spam, Category::Spam, NOW);
    desk.report(private, Category::Privacy, NOW);
    desk.report(intimate, Category::IntimateImage, NOW + HOUR);
    let due_first = || -> Vec<ImageId> {
        let query = Query {
            sort: crate::moderation::Sort::DueFirst,
            ..Query::default()
        };
        let jobs = desk.queue.list(&query, None, 9).unwrap().jobs;
        jobs.iter().map(|job| job.image).collect()
    };
    assert_eq!(due_first(), [intimate, private, spam, flagged]);
    // One report more moves its clock, and none moves it back.
    desk.report(spam, Category::IntimateImage, NOW);
    desk.report(spam, Category::Other, NOW);
    assert_eq!(due_first(), [spam, intimate, private, flagged]);

    let late = |lanes: Option<&[Lane]>, at| desk.complaints.count_overdue(lanes, at, 9).unwrap();
    let general = Some([Lane::General].as_slice());
    assert_eq!(late(None, NOW + 48 * HOUR - 1), 0);
    assert_eq!(late(None, NOW + 48 * HOUR), 1);
    assert_eq!(late(general, NOW + 49 * HOUR), 2);
    assert_eq!(late(Some(&[Lane::ChildSafety]), NOW + 49 * HOUR), 0);
    let capped = desk.complaints.count_overdue(None, NOW + 49 * HOUR, 1);
    assert_eq!(capped.unwrap(), 1);

    // What is settled has no clock any more, until it is reported anew.
    let who = person(Role::Moderator);
    desk.decide(&who, &spam, &Verdict::Safe, NOW + 49 * HOUR);
    assert_eq!(late(general, NOW + 49 * HOUR), 1);
    desk.report(spam, Category::Other, NOW + 50 * HOUR);
    assert_eq!(due_first(), [intimate, private, spam, flagged]);
}

#[test]
fn a_decided_image_can_be_reported_again() {
    let desk = desk();
    let image = desk.image();
    let who = person(Role::Moderator);
    let first = desk.report(image, Category::Spam, NOW);
    desk.decide(&who, &image, &Verdict::Safe, NOW + 1);
    assert!(desk.complaints.due_next(10).unwrap().is_empty());
    let second = desk.report(image, Category::Spam, NOW + 2);
    assert_eq!(desk.progress(&second), Progress::Received);
    assert!(matches!(
        desk.progress(&first),
        Progress::Decided {
            resolution: Resolution::Kept,
            is_upheld: false,
            ..
        }
    ));
    let (case, reports) = desk.complaints.case(&image, 10).unwrap().unwrap();
    assert_eq!((case.round, reports.len()), (2, 1));
    // The newest decision counts for the new report alone.
    desk.decide(&who, &image, &removal(Policy::Spam), NOW + 3);
    assert!(matches!(
        desk.progress(&second),
        Progress::Decided {
            resolution: Resolution::Removed,
            is_upheld: true,
            ..
        }
    ));
    let track = desk.complaints.track(Category::Spam).unwrap();
    assert_eq!(
        track,
        Track {
            n_right: 1,
            n_wrong: 1
        }
    );
}

#[test]
fn child_abuse_leaves_the_public_at_once_and_is_held() {
    let desk = desk();
    let image = desk.image();
    let filed = desk.report(image, Category::ChildAbuse, NOW);
    assert!(filed.is_hidden);
    let record = desk.record(&image);
    assert_eq!((record.state, record.legal_hold), (State::Review, true));
    let job = desk.queue.job(&image).unwrap().unwrap();
    assert_eq!(job.lane, Lane::ChildSafety);
    assert!(
        desk.queue
            .list(&Query::default(), None, 10)
            .unwrap()
            .jobs
            .is_empty()
    );
    // Strangers do not know of it any more.
    let again = desk
        .complaints
        .report(&draft(image, Category::Spam), 1.0, NOW);
    assert_eq!(again.unwrap_err().code(), "not-found");

    // Its owner cannot destroy it, and it is decided nevertheless.
    desk.store.remove(&image, NOW).unwrap();
    let who = person(Role::ChildSafety);
    desk.decide(&who, &image, &removal(Policy::ChildAbuse), NOW + 1);
    desk.queue.purge_due(NOW + 400 * DAY, 10).unwrap();
    let kept = desk.record(&image);
    assert_eq!((kept.state, kept.legal_hold), (State::Removed, true));
    assert!(
        desk.complaints
            .release_hold(&who.actor(), &image, NOW + 2)
            .unwrap()
    );
    assert!(
        !desk
            .complaints
            .release_hold(&who.actor(), &image, NOW + 2)
            .unwrap()
    );
    assert!(!desk.record(&image).legal_hold);
    assert_eq!(
        desk.told(&image),
        ["image-reported", "image-removed", "legal-hold-released"]
    );
}

#[test]
fn what_child_safety_let_stay_is_hidden_no_more() {
    let desk = desk();
    let image = desk.image();
    desk.report(image, Category::ChildAbuse, NOW);
    let who = person(Role::ChildSafety);
    let job = desk.decide(&who, &image, &Verdict::Safe, NOW + 1);
    let record = desk.record(&image);
    assert_eq!((record.state, record.legal_hold), (State::Public, false));
    // Undone, it is hidden and held as before.
    desk.queue.undo(&who, &image, job.version, NOW + 2).unwrap();
    let record = desk.record(&image);
    assert_eq!((record.state, record.legal_hold), (State::Review, true));
    let job = desk.queue.job(&image).unwrap().unwrap();
    let claim = Claim {
        image,
        lease: job.lease().unwrap().token.clone(),
        version: job.version,
    };
    desk.queue
        .decide(&who, &claim, &Verdict::Safe, NOW + 3)
        .unwrap();
    let again = desk.report(image, Category::ChildAbuse, NOW + 4);
    assert!(!again.is_hidden);
    assert_eq!(desk.record(&image).state, State::Public);
    let job = desk.queue.job(&image).unwrap().unwrap();
    assert_eq!(job.lane, Lane::ChildSafety);
}

#[test]
fn an_order_that_held_it_before_outlives_the_report() {
    let desk = desk();
    let image = desk.image();
    let order = lawful::NewHold {
        image,
        reference: lawful::Line::new("5 KLs 12/26").unwrap(),
        expires_at_ms: NOW + 30 * DAY,
    };
    lawful::hold(&desk.store, &audit::Actor::Operator, &order, NOW).unwrap();
    desk.report(image, Category::ChildAbuse, NOW);
    let who = person(Role::ChildSafety);
    desk.decide(&who, &image, &Verdict::Safe, NOW + 1);
    let record = desk.record(&image);
    assert_eq!((record.court_hold, record.legal_hold), (true, false));
}

#[test]
fn a_flood_of_reports_is_bounded() {
    let desk = desk();
    let image = desk.image();
    for _ in 0..REPORTS_OPEN_MAX {
        desk.report(image, Category::Spam, NOW);
    }
    let more = desk
        .complaints
        .report(&draft(image, Category::Spam), 1.0, NOW);
    assert_eq!(more.unwrap_err().code(), "reported-enough");
    // It must not drown out what nobody has said yet.
    assert!(desk.report(image, Category::ChildAbuse, NOW).is_hidden);
    let weight = desk
        .queue
        .job(&image)
        .unwrap()
        .unwrap()
        .signals
        .report_weight;
    assert!((0.0..=1_000.0).contains(&weight));
}

#[test]
fn what_nobody_may_know_of_cannot_be_reported() {
    let desk = desk();
    let image = desk.image();
    let unknown = ImageId::random().unwrap();
    let hidden = [State::Review, State::Blocked, State::Removed];
    let refused = |image| {
        let report = desk
            .complaints
            .report(&draft(image, Category::Spam), 1.0, NOW);
        assert_eq!(report.unwrap_err().code(), "not-found");
    };
    refused(unknown);
    for state in hidden {
        desk.store
            .update(&image, |record| record.state = state)
            .unwrap();
        refused(image);
    }
}

#[test]
fn the_longest_report_fits_into_a_value() {
    let desk = desk();
    let long = |n: usize| "\u{1F600}".repeat(n);
    let report = ReportDraft {
        text: Text::new(&long(REPORT_CHARS_MAX)).unwrap(),
        contact: Text::new(&long(CONTACT_CHARS_MAX)).unwrap(),
        ..draft(desk.image(), Category::Privacy)
    };
    desk.complaints.report(&report, f32::NAN, NOW).unwrap();
    let (_, reports) = desk.complaints.case(&report.image, 1).unwrap().unwrap();
    assert_eq!(reports[0].text, report.text);
}

#[test]
fn reports_and_decisions_at_once_lose_nothing() {
    let desk = Arc::new(desk());
    let images: Vec<ImageId> = (0..4).map(|_| desk.image()).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..20 {
                    desk.report(images[round % 4], Category::Other, NOW);
                }
            });
        }
        scope.spawn(|| {
            let who = person(Role::Moderator);
            for _ in 0..40 {
                for job in desk
                    .queue
                    .claim_next(&who, &Query::default(), 1, NOW)
                    .unwrap()
                {
                    let claim = Claim {
                        image: job.image,
                        lease: job.lease().unwrap().token.clone(),
                        version: job.version,
                    };
                    // A report that came meanwhile makes it a conflict.
                    let _ = desk.queue.decide(&who, &claim, &Verdict::Safe, NOW);
                }
            }
        });
    });
    let all = Space::Reports.all();
    let n_of = |tag: u8| {
        let entries = desk.store.range(&all, 100_000).unwrap();
        entries.iter().filter(|entry| entry.key[2] == tag).count()
    };
    assert_eq!((n_of(b'r'), n_of(b'i')), (80, 80));
    let n_decided = n_of(b'x');
    assert_eq!(n_of(b'c'), n_decided + n_of(b'd'));
    let track = desk.complaints.track(Category::Other).unwrap();
    let mut n_open = 0;
    for case in desk.complaints.due_next(10).unwrap() {
        n_open += u64::from(case.n_reports());
    }
    assert_eq!(track.n_right + track.n_wrong + n_open, 80);
    desk.told(&images[0]);
}

#[test]
fn p22_reports_about_children_that_are_late_are_counted_apart() {
    let desk = desk();
    let [image, other] = [desk.image(), desk.image()];
    desk.report(image, Category::Other, NOW);
    desk.report(image, Category::UnderAge, NOW);
    desk.report(other, Category::ChildAbuse, NOW);
    let late = |at| {
        let about = Category::UnderAge;
        desk.complaints.count_overdue_about(about, at, 9).unwrap()
    };
    assert_eq!(late(NOW + 24 * HOUR - 1), 0);
    assert_eq!(late(NOW + 24 * HOUR), 1, "and not the other one");
    let at = NOW + 48 * HOUR;
    let all = desk.complaints.count_overdue(None, at, 9).unwrap();
    assert_eq!((late(at), all), (1, 2));
}
