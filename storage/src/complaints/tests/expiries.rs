use super::*;
use crate::complaints::copyright::NoticeForm;

#[test]
fn p13d_reports_are_kept_a_year_after_they_are_resolved() {
    let desk = desk();
    let image = desk.image();
    let filed: Vec<Filed> = (0..3)
        .map(|_| desk.report(image, Category::Privacy, NOW))
        .collect();
    // However old it is, what is open is kept.
    let early = desk.complaints.remove_expired(NOW + 900 * DAY, 10).unwrap();
    assert_eq!(early, Expired::default());
    let decided = NOW + 900 * DAY;
    desk.decide(&person(Role::Moderator), &image, &Verdict::Safe, decided);
    let end = decided + 365 * DAY;
    let almost = desk.complaints.remove_expired(end - 1, 10).unwrap();
    assert_eq!(almost, Expired::default());
    assert!(matches!(desk.progress(&filed[0]), Progress::Decided { .. }));
    let over = desk.complaints.remove_expired(end, 10).unwrap();
    assert_eq!(
        over,
        Expired {
            n_reports: 3,
            ..Expired::default()
        }
    );
    for filed in &filed {
        assert_eq!(desk.complaints.progress(&filed.receipt).unwrap(), None);
    }
    // Nothing of them is left but counters.
    let left = desk.store.range(&Space::Reports.all(), 100).unwrap();
    assert!(left.iter().all(|entry| entry.key[2] == b'k'), "{left:?}");
    assert_eq!(
        desk.complaints.remove_expired(end, 10).unwrap(),
        Expired::default()
    );
    let told = desk.told(&image);
    assert_eq!(told.last().unwrap(), "reports-expired");
}

#[test]
fn p13d_a_report_of_what_is_deleted_ends_too() {
    let desk = desk();
    let image = desk.image();
    let filed = desk.report(image, Category::Spam, NOW);
    desk.store.remove(&image, NOW).unwrap();
    let swept = desk.complaints.remove_expired(NOW + DAY, 10).unwrap();
    assert_eq!(
        swept,
        Expired {
            n_gone: 1,
            ..Expired::default()
        }
    );
    assert!(matches!(
        desk.progress(&filed),
        Progress::Decided {
            resolution: Resolution::Gone,
            is_upheld: false,
            ..
        }
    ));
    // It says nothing about who reported it.
    assert_eq!(
        desk.complaints.track(Category::Spam).unwrap(),
        Track::default()
    );
    let over = desk.complaints.remove_expired(NOW + 366 * DAY, 10).unwrap();
    assert_eq!(over.n_reports, 1);
}

#[test]
fn a_notice_is_kept_as_long_as_one_of_its_reports() {
    let desk = desk();
    let [a, b] = [desk.image(), desk.image()];
    let form = NoticeForm {
        images: vec![a, b],
        name: "A".to_owned(),
        phone: "1".to_owned(),
        work: "W".to_owned(),
        good_faith: true,
        accurate: true,
        signature: "A".to_owned(),
        ..NoticeForm::default()
    };
    let notice = form.check(NOW).unwrap();
    desk.complaints.notice(&notice, 1.0, NOW).unwrap();
    let (_, reports) = desk.complaints.case(&a, 1).unwrap().unwrap();
    let receipt = reports[0].notice.unwrap();
    let who = person(Role::Moderator);
    desk.decide(&who, &a, &Verdict::Safe, NOW);
    desk.decide(&who, &b, &Verdict::Safe, NOW + DAY);
    desk.complaints.remove_expired(NOW + 365 * DAY, 10).unwrap();
    let kept = desk.complaints.notice_of(&receipt).unwrap().unwrap();
    assert_eq!(kept.images, [b]);
    desk.complaints.remove_expired(NOW + 366 * DAY, 10).unwrap();
    assert_eq!(desk.complaints.notice_of(&receipt).unwrap(), None);
}

#[test]
fn answered_appeals_end_after_a_year_as_well() {
    let desk = desk();
    let image = desk.image();
    let [first, second] = [person(Role::Moderator), person(Role::Moderator)];
    desk.queue
        .take_down(Some(&first), &image, &Verdict::Nsfw, NOW)
        .unwrap();
    let text = Text::new("It is a statue.").unwrap();
    desk.complaints.appeal(&image, &text, NOW).unwrap();
    let job = desk.decide(&second, &image, &Verdict::Safe, NOW);
    // An answer that was taken back starts no clock.
    desk.queue.undo(&second, &image, job.version, NOW).unwrap();
    let end = NOW + 365 * DAY;
    let kept = desk.complaints.remove_expired(end, 10).unwrap();
    assert_eq!(kept, Expired::default());
    desk.queue.release_all(&second.id).unwrap();
    desk.decide(&second, &image, &Verdict::Safe, end);
    let over = desk.complaints.remove_expired(end + 365 * DAY, 10).unwrap();
    assert_eq!(over.n_objections, 1);
    assert_eq!(desk.complaints.newest_appeal(&image).unwrap(), None);
}

#[test]
fn statements_outlive_their_image_by_a_year() {
    let desk = desk();
    let image = desk.image();
    let who = person(Role::Moderator);
    desk.queue
        .take_down(Some(&who), &image, &removal(Policy::Spam), NOW)
        .unwrap();
    // As long as the image may come back it is told, whatever the time.
    desk.complaints.remove_expired(NOW + 900 * DAY, 10).unwrap();
    assert!(desk.complaints.tombstone(&image).unwrap().is_some());
    let purged = NOW + 901 * DAY;
    assert_eq!(desk.queue.purge_due(purged, 10).unwrap().images, [image]);
    let almost = purged + 365 * DAY - 1;
    let kept = desk.complaints.remove_expired(almost, 10).unwrap();
    assert_eq!(kept, Expired::default());
    assert!(desk.complaints.tombstone(&image).unwrap().is_some());
    let over = desk.complaints.remove_expired(almost + 1, 10).unwrap();
    assert_eq!(over.n_statements, 1);
    assert_eq!(desk.complaints.tombstone(&image).unwrap(), None);
    assert_eq!(desk.n_entries(&Space::Notices.all()), 0);
}

#[test]
fn p13e_statements_of_what_its_owner_deleted_end_a_year_later() {
    let desk = desk();
    let who = person(Role::Moderator);
    let images = [desk.image(), desk.image()];
    for image in &images {
        desk.queue
            .take_down(Some(&who), image, &Verdict::Nsfw, NOW)
            .unwrap();
    }
    desk.store.remove(&images[0], NOW).unwrap();
    // Its clock is set with the end of the image, and once.
    for early in [NOW + DAY, NOW + 365 * DAY - 1] {
        let found = desk.complaints.remove_expired(early, 10).unwrap();
        assert_eq!(found, Expired::default());
    }
    let kinds = desk.complaints.expired(NOW + 365 * DAY, 10).unwrap();
    assert_eq!(kinds, ["the statements of reasons about an image"]);
    let over = desk.complaints.remove_expired(NOW + 365 * DAY, 10).unwrap();
    assert_eq!((over.n_ending, over.n_statements), (0, 1));
    // The other image is there, and so is what was said about it.
    assert_eq!(desk.n_entries(&Space::Notices.all()), 1);
}

#[test]
fn a_job_forgets_receipts_with_their_reports() {
    let desk = desk();
    let image = desk.image();
    let receipts = || desk.queue.job(&image).unwrap().unwrap().receipts;
    desk.report(image, Category::Privacy, NOW);
    desk.decide(&person(Role::Moderator), &image, &Verdict::Safe, NOW + 1);
    let later = desk.report(image, Category::Spam, NOW + 364 * DAY);
    assert_eq!(receipts().len(), 2);
    desk.complaints.remove_expired(NOW + 366 * DAY, 10).unwrap();
    assert_eq!(receipts(), [later.receipt.to_string()]);
}
