use super::*;

fn decided(queue: &Queue, by: Option<&StaffId>, lanes: &[Lane]) -> Vec<ImageId> {
    let listing = queue.decided(by, lanes, None, 100).unwrap();
    listing.jobs.iter().map(|job| job.image).collect()
}

fn decide(queue: &Queue, who: &Moderator, image: &ImageId, verdict: &Verdict, at: u64) -> Job {
    let job = queue.claim(who, &Lane::ALL, image, at).unwrap();
    queue.decide(who, &claim_of(&job), verdict, at).unwrap()
}

#[test]
fn what_was_decided_is_found_the_newest_first_and_by_whom() {
    let queue = queue();
    let [ann, ben] = [moderator(), moderator()];
    let images: Vec<ImageId> = (0..5).map(|_| queued_image(&queue, 0.5).id).collect();
    for (n, image) in (0_u64..).zip(&images) {
        let who = if n % 2 == 0 { &ann } else { &ben };
        decide(&queue, who, image, &removal(), NOW + n);
    }
    let general = [Lane::General];
    let newest_first: Vec<ImageId> = images.iter().rev().copied().collect();
    assert_eq!(decided(&queue, None, &general), newest_first);
    let of_ann = decided(&queue, Some(&ann.id), &general);
    assert_eq!(of_ann, [4, 2, 0].map(|idx: usize| images[idx]));
    assert_eq!(decided(&queue, None, &[Lane::Senior]), []);
    for limit in 1..6 {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = queue
                .decided(None, &general, after.as_deref(), limit)
                .unwrap();
            seen.extend(page.jobs.iter().map(|job| job.image));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, newest_first, "in pages of {limit}");
    }

    // Decided anew by somebody else, it is theirs; taken back, it is nobody's.
    let job = queue.job(&images[4]).unwrap().unwrap();
    assert!(job.is_undoable());
    let undone = queue.undo(&ann, &images[4], job.version, NOW + 9).unwrap();
    assert!(!undone.is_undoable());
    assert_eq!(decided(&queue, Some(&ann.id), &general).len(), 2);
    queue.release(&ann, &claim_of(&undone), NOW + 9).unwrap();
    decide(&queue, &ben, &images[4], &Verdict::Safe, NOW + 10);
    assert_eq!(decided(&queue, Some(&ben.id), &general)[0], images[4]);
    assert_eq!(decided(&queue, None, &general), newest_first);
    assert_consistent(&queue.store);

    // With the image goes the trace of who decided.
    let purged = queue.purge_due(NOW + 40 * DAY, 100).unwrap();
    assert_eq!(purged.images.len(), 4);
    assert_eq!(decided(&queue, None, &general), [images[4]]);
    assert_consistent(&queue.store);
}

#[test]
fn whoever_passes_something_on_sees_that_and_no_more() {
    let queue = queue();
    let (who, image) = (moderator(), queued_image(&queue, 0.5).id);
    let other = queued_image(&queue, 0.5).id;
    let escalation = |to| Verdict::Escalate {
        to,
        note: Note::default(),
    };
    let passed_on = decide(&queue, &who, &image, &escalation(Lane::Senior), NOW);
    decide(&queue, &who, &other, &escalation(Lane::ChildSafety), NOW);
    let general = [Lane::General];
    assert_eq!(decided(&queue, Some(&who.id), &general).len(), 2);
    assert_eq!(decided(&queue, None, &general), []);
    assert_eq!(decided(&queue, None, &[Lane::Senior]), [image]);
    assert!(passed_on.is_undoable());
    let senior = moderator();
    let held = queue
        .claim(&senior, &[Lane::Senior], &image, NOW + 1)
        .unwrap();
    assert!(!held.is_undoable());
    queue
        .decide(&senior, &claim_of(&held), &removal(), NOW + 2)
        .unwrap();
    assert_eq!(decided(&queue, Some(&who.id), &general), [other]);
    assert_consistent(&queue.store);
}

#[test]
fn a_skip_says_how_long_it_lasts() {
    let queue = queue();
    let (who, image) = (moderator(), queued_image(&queue, 0.5).id);
    let claim = claimed(&queue, &who, &image);
    let job = queue.skip(&who, &claim, NOW).unwrap();
    let until_ms = job.skipped_until_ms(&who.id).unwrap();
    assert_eq!(job.skipped_until_ms(&moderator().id), None);
    let next = |now_ms| queue.claim_next(&who, &Query::default(), 1, now_ms);
    assert_eq!(next(until_ms - 1).unwrap().len(), 0);
    assert_eq!(next(until_ms).unwrap().len(), 1);
}
