use super::*;

const LEASE: u64 = 10 * 60 * 1000;

#[test]
fn what_one_holds_nobody_else_is_given() {
    let queue = queue();
    let images: BTreeSet<ImageId> = (0..5).map(|_| queued_image(&queue, 0.5).id).collect();
    let [one, other] = [moderator(), moderator()];
    let next = |who, n| queue.claim_next(who, &Query::default(), n, NOW).unwrap();
    let first = next(&one, 3);
    let second = next(&other, 3);
    assert_eq!((first.len(), second.len()), (3, 2));
    let given: BTreeSet<ImageId> = first.iter().chain(&second).map(|job| job.image).collect();
    assert_eq!(given, images);
    assert_eq!(next(&one, 3), []);
    assert_eq!(all_waiting(&queue), []);
    let taken = queue.claim(&other, &Lane::ALL, &first[0].image, NOW);
    assert_eq!(kind_of(taken), ConflictKind::Claimed);
    let again = queue
        .claim(&one, &Lane::ALL, &first[0].image, NOW + 5)
        .unwrap();
    assert_eq!(
        claim_of(&again),
        claim_of(&first[0]),
        "it was theirs already"
    );
    assert_consistent(&queue.store);
}

#[test]
fn a_lease_ends_unless_it_is_renewed() {
    let queue = queue();
    let [kept, left] = [0.6, 0.5].map(|score| queued_image(&queue, score).id);
    let [one, other] = [moderator(), moderator()];
    let [kept, left] = [kept, left].map(|image| claimed(&queue, &one, &image));
    let renewed = queue.renew(&one, &kept, NOW + LEASE / 2).unwrap();
    assert_eq!(
        renewed.version, kept.version,
        "what was looked at still counts"
    );
    assert_eq!(queue.return_expired(NOW + LEASE - 1).unwrap(), 0);
    let next = queue
        .claim_next(&other, &Query::default(), 9, NOW + LEASE)
        .unwrap();
    assert_eq!(next.len(), 1);
    assert_eq!(next[0].image, left.image);
    let late = queue.decide(&one, &left, &Verdict::Safe, NOW + LEASE);
    assert_eq!(kind_of(late), ConflictKind::Claimed);
    queue
        .decide(&one, &kept, &Verdict::Safe, NOW + LEASE)
        .unwrap();
    assert_eq!(
        kind_of(queue.renew(&one, &kept, NOW)),
        ConflictKind::Decided
    );
    assert_consistent(&queue.store);
}

#[test]
fn an_ended_lease_decides_nothing_even_if_nobody_came() {
    let queue = queue();
    let image = queued_image(&queue, 0.5).id;
    let who = moderator();
    let claim = claimed(&queue, &who, &image);
    let late = queue.decide(&who, &claim, &Verdict::Safe, NOW + LEASE);
    assert_eq!(kind_of(late), ConflictKind::LeaseEnded);
    assert_eq!(queue.return_expired(NOW + LEASE).unwrap(), 1);
    assert_eq!(all_waiting(&queue), [image]);
}

#[test]
fn what_is_skipped_is_for_others() {
    let queue = queue();
    let image = queued_image(&queue, 0.5).id;
    let [one, other] = [moderator(), moderator()];
    let next = |who, at| queue.claim_next(who, &Query::default(), 9, at).unwrap();
    let claim = claimed(&queue, &one, &image);
    queue.skip(&one, &claim, NOW).unwrap();
    assert_eq!(next(&one, NOW + 1), []);
    assert_eq!(
        kind_of(queue.skip(&one, &claim, NOW)),
        ConflictKind::LeaseEnded
    );
    let given = next(&other, NOW + 1);
    assert_eq!(given.len(), 1);
    queue
        .release(&other, &claim_of(&given[0]), NOW + 2)
        .unwrap();
    // After an hour nobody else has: it comes again.
    assert_eq!(next(&one, NOW + 60 * 60 * 1000).len(), 1);
    assert_eq!(told(&queue.store, &image), ["image-skipped"]);
}

#[test]
fn a_logout_gives_everything_back() {
    let queue = queue();
    (0..4).for_each(|_| drop(queued_image(&queue, 0.5)));
    let [one, other] = [moderator(), moderator()];
    let held = queue.claim_next(&one, &Query::default(), 3, NOW).unwrap();
    queue.claim_next(&other, &Query::default(), 1, NOW).unwrap();
    assert_eq!(queue.release_all(&one.id).unwrap(), 3);
    assert_eq!(all_waiting(&queue).len(), 3);
    let late = queue.decide(&one, &claim_of(&held[0]), &Verdict::Safe, NOW);
    assert_eq!(kind_of(late), ConflictKind::LeaseEnded);
    assert_consistent(&queue.store);
}

#[test]
fn what_its_owner_deleted_is_passed_over() {
    let queue = queue();
    let [gone, held, kept] = [0.9, 0.8, 0.5].map(|score| queued_image(&queue, score).id);
    let who = moderator();
    let claim = claimed(&queue, &who, &held);
    queue.store.remove(&gone, NOW).unwrap();
    queue.store.remove(&held, NOW).unwrap();
    let next = queue.claim_next(&who, &Query::default(), 9, NOW).unwrap();
    assert_eq!(next.iter().map(|job| job.image).collect::<Vec<_>>(), [kept]);
    assert_eq!(queue.job(&gone).unwrap(), None);
    let decided = queue.decide(&who, &claim, &Verdict::Safe, NOW);
    assert_eq!(decided.unwrap_err().code(), "image-gone");
    let flagged = queue.flag(&gone, &Flag::new(Reason::Report), NOW);
    assert_eq!(flagged.unwrap_err().code(), "image-gone");
    assert_consistent(&queue.store);
}

#[test]
fn child_safety_takes_a_job_from_whoever_has_it() {
    let queue = queue();
    let image = queued_image(&queue, 0.5).id;
    let who = moderator();
    let claim = claimed(&queue, &who, &image);
    let flag = Flag {
        lane: Lane::ChildSafety,
        ..Flag::new(Reason::Report).hiding()
    };
    let job = queue.flag(&image, &flag, NOW).unwrap();
    assert_eq!(
        (job.lane, &job.status),
        (Lane::ChildSafety, &Status::Waiting)
    );
    assert_eq!(state_of(&queue, &image), State::Review);
    let decided = queue.decide(&who, &claim, &Verdict::Safe, NOW);
    assert_eq!(kind_of(decided), ConflictKind::LeaseEnded);
    let job = queue.flag(&image, &Flag::new(Reason::Report), NOW).unwrap();
    assert_eq!(job.lane, Lane::ChildSafety, "no flag takes it back");
    assert_eq!(all_waiting(&queue), []);
    assert_consistent(&queue.store);
}

#[test]
fn a_filter_finds_what_lies_behind_thousands_of_others() {
    let queue = queue();
    for _ in 0..5_001 {
        queued_image(&queue, 0.9);
    }
    let last = stored_image(&queue, 0.0).id;
    queue.flag(&last, &Flag::new(Reason::Appeal), NOW).unwrap();
    let query = Query {
        reasons: [ReasonKind::Appeal].into_iter().collect(),
        ..Query::default()
    };
    let given = queue.claim_next(&moderator(), &query, 1, NOW).unwrap();
    assert_eq!(given.len(), 1);
    assert_eq!(given[0].image, last);
}

#[test]
fn nobody_holds_the_whole_queue() {
    let queue = queue();
    for _ in 0..2 * CLAIMS_MAX + 2 {
        queued_image(&queue, 0.5);
    }
    let who = moderator();
    let next = |n| queue.claim_next(&who, &Query::default(), n, NOW);
    assert_eq!(next(1).unwrap().len(), 1);
    assert_eq!(next(CLAIMS_MAX).unwrap().len(), CLAIMS_MAX);
    assert_eq!(next(CLAIMS_MAX).unwrap().len(), CLAIMS_MAX - 1);
    assert_eq!(next(1).unwrap_err().code(), "leases-too-many");
    let left = all_waiting(&queue)[0];
    let one_more = queue.claim(&who, &Lane::ALL, &left, NOW);
    assert_eq!(one_more.unwrap_err().code(), "leases-too-many");
    queue.claim(&moderator(), &Lane::ALL, &left, NOW).unwrap();
    assert_eq!(queue.release_all(&who.id).unwrap(), 2 * CLAIMS_MAX);
}

#[test]
fn a_lease_of_a_clock_that_ran_ahead_ends() {
    let queue = queue();
    let image = queued_image(&queue, 0.5).id;
    let all = Lane::ALL;
    let year = NOW + 365 * DAY;
    queue.claim(&moderator(), &all, &image, year).unwrap();
    assert_eq!(queue.return_expired(NOW).unwrap(), 1);
    queue.claim(&moderator(), &all, &image, NOW).unwrap();
    assert_consistent(&queue.store);
}
