use super::*;
use crate::calendar::date;

fn notice_form(images: Vec<ImageId>) -> NoticeForm {
    NoticeForm {
        images,
        name: "A. Claimant".to_owned(),
        email: "a@example.org".to_owned(),
        work: "The photograph \"Evening\"".to_owned(),
        good_faith: true,
        accurate: true,
        signature: "A. Claimant".to_owned(),
        ..NoticeForm::default()
    }
}

fn counter_form() -> CounterForm {
    CounterForm {
        name: "B. Owner".to_owned(),
        address: "1 Main Street, Springfield".to_owned(),
        phone: "+1 555 0100".to_owned(),
        mistake: true,
        jurisdiction: true,
        signature: "B. Owner".to_owned(),
        ..CounterForm::default()
    }
}

pub(super) fn notified(desk: &Desk, images: Vec<ImageId>) -> Vec<(ImageId, Filed)> {
    let notice = notice_form(images).check(NOW).unwrap();
    desk.complaints.notice(&notice, 1.0, NOW).unwrap()
}

fn counter_for(image: ImageId, now_ms: u64) -> CounterNotice {
    let receipt = Receipt::random().unwrap();
    counter_form()
        .check(image, receipt, now_ms, Zone::default())
        .unwrap()
}

pub(super) fn countered(desk: &Desk, image: ImageId, now_ms: u64) -> CounterNotice {
    let counter = counter_for(image, now_ms);
    desk.complaints.counter(&counter).unwrap();
    counter
}

#[test]
fn a_notice_reports_all_its_images_or_none() {
    let desk = desk();
    let [a, b] = [desk.image(), desk.image()];
    let notice = notice_form(vec![a, b, ImageId::random().unwrap()]);
    let refused = desk
        .complaints
        .notice(&notice.check(NOW).unwrap(), 1.0, NOW);
    assert_eq!(refused.unwrap_err().code(), "not-found");
    assert_eq!(desk.n_entries(&Space::Notices.all()), 0);

    let filed = notified(&desk, vec![a, b]);
    assert_eq!(filed.len(), 2);
    for image in [a, b] {
        let (case, reports) = desk.complaints.case(&image, 10).unwrap().unwrap();
        assert_eq!((case.n_notices, case.due_at_ms), (1, NOW + 5 * DAY));
        let notice = reports[0].notice.unwrap();
        let notice = desk.complaints.notice_of(&notice).unwrap().unwrap();
        assert_eq!(notice.work.as_str(), "The photograph \"Evening\"");
    }
}

#[test]
fn upheld_notices_are_counted_by_what_the_image_is() {
    let desk = desk();
    let image = desk.image();
    let record = desk.record(&image);
    let copy = desk.image_like(Some(record.sha256));
    let who = person(Role::Moderator);
    notified(&desk, vec![image, copy]);
    assert_eq!(
        desk.complaints.repeats(&record).unwrap(),
        Repeats::default()
    );
    let job = desk.decide(&who, &image, &removal(Policy::Copyright), NOW + 1);
    desk.decide(&who, &copy, &removal(Policy::Copyright), NOW + 1);
    let twice = Repeats {
        n_same: 2,
        n_alike: 2,
    };
    assert_eq!(desk.complaints.repeats(&record).unwrap(), twice);
    // Other bytes that look alike, within the distance and beyond it.
    let mut alike = record.clone();
    alike.sha256[0] ^= 1;
    let pdq = alike.pdq.as_mut().unwrap();
    pdq.hash[..3].iter_mut().for_each(|byte| *byte ^= 0xFF);
    let seen = Repeats {
        n_same: 0,
        n_alike: 2,
    };
    assert_eq!(desk.complaints.repeats(&alike).unwrap(), seen);
    let pdq = alike.pdq.as_mut().unwrap();
    pdq.hash[3] ^= 0xFF;
    assert_eq!(desk.complaints.repeats(&alike).unwrap(), Repeats::default());

    desk.queue.undo(&who, &image, job.version, NOW + 2).unwrap();
    let once = Repeats {
        n_same: 1,
        n_alike: 1,
    };
    assert_eq!(desk.complaints.repeats(&record).unwrap(), once);
}

#[test]
fn a_removal_for_another_reason_is_no_infringement() {
    let desk = desk();
    let image = desk.image();
    notified(&desk, vec![image]);
    desk.decide(
        &person(Role::Moderator),
        &image,
        &removal(Policy::Spam),
        NOW + 1,
    );
    let repeats = desk.complaints.repeats(&desk.record(&image)).unwrap();
    assert_eq!(repeats, Repeats::default());
    let counter = counter_form()
        .check(image, Receipt::random().unwrap(), NOW + 2, Zone::default())
        .unwrap();
    let refused = desk.complaints.counter(&counter).unwrap_err();
    assert_eq!(refused.code(), "not-for-copyright");
}

#[test]
fn a_counter_notice_names_what_it_lacks() {
    let flaws = CounterForm::default().check(
        ImageId::random().unwrap(),
        Receipt::random().unwrap(),
        NOW,
        Zone::default(),
    );
    let codes: Vec<String> = flaws.unwrap_err().iter().map(Flaw::code).collect();
    assert_eq!(
        codes,
        [
            "name-missing",
            "address-missing",
            "phone-missing",
            "signature-missing",
            "mistake-missing",
            "jurisdiction-missing",
        ]
    );
}

#[test]
fn a_countered_image_comes_back_after_ten_business_days() {
    let desk = desk();
    let image = desk.image();
    notified(&desk, vec![image]);
    desk.decide(
        &person(Role::Moderator),
        &image,
        &removal(Policy::Copyright),
        NOW + 1,
    );
    // Sunday, 15 June 2025; Juneteenth and Independence Day do not count.
    let counter = countered(&desk, image, NOW + 2);
    assert_eq!(date(counter.restore_from_ms - 1), "2025-06-30");
    assert_eq!(date(counter.restore_by_ms - 1), "2025-07-07");
    let again = counter_form()
        .check(image, Receipt::random().unwrap(), NOW, Zone::default())
        .unwrap();
    assert_eq!(
        desk.complaints.counter(&again).unwrap_err().code(),
        "objection-open"
    );

    // While it is open nothing is purged, whatever the time.
    assert!(
        desk.queue
            .purge_due(NOW + 60 * DAY, 10)
            .unwrap()
            .images
            .is_empty()
    );
    let early = desk
        .complaints
        .restore_due(counter.restore_from_ms - 1, 10)
        .unwrap();
    assert_eq!(early, Restored::default());
    let due = desk
        .complaints
        .restore_due(counter.restore_from_ms, 10)
        .unwrap();
    assert_eq!(due.images, [image]);
    let record = desk.record(&image);
    assert_eq!(record.state, State::Public);
    assert_eq!(desk.complaints.tombstone(&image).unwrap(), None);
    assert_eq!(
        desk.complaints.repeats(&record).unwrap(),
        Repeats::default()
    );
    let kept = desk
        .complaints
        .counter_notice(&counter.receipt)
        .unwrap()
        .unwrap();
    assert_eq!(kept.state, CounterState::Restored);
    assert!(
        desk.queue
            .purge_due(NOW + 90 * DAY, 10)
            .unwrap()
            .images
            .is_empty()
    );
    assert_eq!(
        desk.told(&image),
        [
            "image-reported",
            "image-removed",
            "counter-notice-received",
            "image-restored"
        ]
    );
}

#[test]
fn a_claimant_in_court_keeps_it_removed() {
    let desk = desk();
    let image = desk.image();
    notified(&desk, vec![image]);
    let who = person(Role::Moderator);
    desk.decide(&who, &image, &removal(Policy::Copyright), NOW + 1);
    let counter = countered(&desk, image, NOW + 2);
    desk.complaints
        .action_filed(&who.actor(), &counter.receipt, NOW + 3)
        .unwrap();
    let again = desk
        .complaints
        .action_filed(&who.actor(), &counter.receipt, NOW + 3);
    assert_eq!(again.unwrap_err().code(), "counter-notice-closed");
    // Nor does another counter-notice begin the days anew.
    let refused = desk.complaints.counter(&counter_for(image, NOW + 4));
    assert_eq!(refused.unwrap_err().code(), "counter-notice-closed");
    assert!(desk.complaints.is_in_court(&image).unwrap());
    assert_eq!(desk.complaints.open_counters(10).unwrap(), []);
    let due = desk.complaints.restore_due(NOW + 60 * DAY, 10).unwrap();
    assert_eq!(due, Restored::default());
    assert_eq!(desk.record(&image).state, State::Blocked);
    let purged = desk.queue.purge_due(NOW + 60 * DAY, 10).unwrap();
    assert_eq!(purged.images, [image]);
}

#[test]
fn a_decision_may_let_it_back_before_its_day() {
    let desk = desk();
    let image = desk.image();
    notified(&desk, vec![image]);
    let who = person(Role::Moderator);
    desk.decide(&who, &image, &removal(Policy::Copyright), NOW + 1);
    let counter = countered(&desk, image, NOW + 2);
    desk.queue
        .take_down(Some(&who), &image, &Verdict::Safe, NOW + 3)
        .unwrap();
    let kept = desk
        .complaints
        .counter_notice(&counter.receipt)
        .unwrap()
        .unwrap();
    assert_eq!(kept.state, CounterState::Restored);
    assert_eq!(desk.complaints.open_counter(&image).unwrap(), None);
    let due = desk.complaints.restore_due(NOW + 60 * DAY, 10).unwrap();
    assert_eq!(due, Restored::default());
}

#[test]
fn what_its_owner_deleted_meanwhile_is_not_restored() {
    let desk = desk();
    let image = desk.image();
    notified(&desk, vec![image]);
    desk.decide(
        &person(Role::Moderator),
        &image,
        &removal(Policy::Copyright),
        NOW + 1,
    );
    let counter = countered(&desk, image, NOW + 2);
    desk.store.remove(&image, NOW).unwrap();
    let due = desk.complaints.restore_due(NOW + 60 * DAY, 10).unwrap();
    assert_eq!(due, Restored::default());
    let kept = desk
        .complaints
        .counter_notice(&counter.receipt)
        .unwrap()
        .unwrap();
    assert_eq!(kept.state, CounterState::Gone);
    assert_eq!(desk.store.find(&image).unwrap(), None);
}

#[test]
fn another_removal_can_be_countered_again() {
    let desk = desk();
    let image = desk.image();
    notified(&desk, vec![image]);
    let who = person(Role::SeniorModerator);
    desk.decide(&who, &image, &removal(Policy::Copyright), NOW + 1);
    let counter = countered(&desk, image, NOW + 2);
    let told = desk
        .complaints
        .action_filed(&who.actor(), &counter.receipt, NOW + 3)
        .unwrap();
    assert_eq!(told.image, image);
    // The claimant loses, and a later notice is upheld in its turn.
    desk.queue
        .take_down(Some(&who), &image, &Verdict::Safe, NOW + 4)
        .unwrap();
    desk.queue
        .take_down(Some(&who), &image, &removal(Policy::Copyright), NOW + 5)
        .unwrap();
    assert!(!desk.complaints.is_in_court(&image).unwrap());
    let again = countered(&desk, image, NOW + 6);
    assert_eq!(
        desk.complaints.open_counters(10).unwrap(),
        std::slice::from_ref(&again),
        "the first one is closed"
    );
    desk.complaints
        .action_filed(&who.actor(), &again.receipt, NOW + 7)
        .unwrap();
    assert!(desk.complaints.is_in_court(&image).unwrap());
    // What was filed goes with its counter-notice, a year after its last day.
    let end = again.restore_by_ms + 365 * DAY;
    desk.complaints.remove_expired(end, 10).unwrap();
    assert!(!desk.complaints.is_in_court(&image).unwrap());
}

#[test]
fn open_counter_notices_are_listed_by_their_day() {
    let desk = desk();
    let who = person(Role::SeniorModerator);
    let mut receipts = Vec::new();
    for n in [3, 1, 2] {
        let image = desk.image();
        notified(&desk, vec![image]);
        desk.decide(&who, &image, &removal(Policy::Copyright), NOW + 1);
        receipts.push((n, countered(&desk, image, NOW + n * DAY).receipt));
    }
    receipts.sort_unstable();
    let listed = desk.complaints.open_counters(10).unwrap();
    let days: Vec<u64> = listed.iter().map(|of| of.restore_from_ms).collect();
    assert!(days.is_sorted() && listed.len() == 3);
    assert_eq!(listed[0].receipt, receipts[0].1);
    let page = desk.complaints.counters_page(None, 2).unwrap();
    assert_eq!(page.due, listed[..2]);
    let rest = desk.complaints.counters_page(page.next.as_ref(), 2);
    let rest = rest.unwrap();
    assert_eq!((&rest.due[..], rest.next), (&listed[2..], None));
}
