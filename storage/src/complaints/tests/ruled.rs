//! Rules that count reports, and reports that reach less far.

use super::*;
use crate::{RuledBy, Ruling, StoredLabel};

/// From the second report on nsfw, from the fourth on blocked.
fn asking() -> Desk {
    desk_of(|complaints| {
        complaints.asking(|record, reports, now_ms| {
            let by_rule = Some(Ruling {
                label: StoredLabel::Nsfw,
                by: RuledBy::Rule,
                at_ms: now_ms,
            });
            let ruled = |state, ruling, flag| Ruled {
                rule: Note::new("so-many").unwrap(),
                state,
                ruling,
                flag,
            };
            Ok(match reports {
                0..2 => None,
                2..4 => Some(ruled(record.state, by_rule, None)),
                4.. => {
                    let flag = Flag::new(Reason::Rule(Note::new("so-many").unwrap()));
                    Some(ruled(State::Blocked, record.ruling, Some(flag)))
                }
            })
        })
    })
}

#[test]
fn a_rule_is_applied_once_with_the_report_that_it_waited_for() {
    let desk = asking();
    let image = desk.image();
    let by_rule = |filed: &Filed| (filed.is_ruled, filed.is_hidden);
    let report = || desk.report(image, Category::Spam, NOW);
    assert_eq!(by_rule(&report()), (false, false));
    assert_eq!(by_rule(&report()), (true, false));
    let label = |image| desk.record(image).ruling.map(|ruling| ruling.label);
    assert_eq!(label(&image), Some(StoredLabel::Nsfw));
    assert_eq!(by_rule(&report()), (false, false), "it is so already");
    assert_eq!(by_rule(&report()), (true, true));
    assert_eq!(desk.record(&image).state, State::Blocked);
    let job = desk.queue.job(&image).unwrap().unwrap();
    assert_eq!((job.n_reports, job.reasons.len()), (4, 2));
    let applied = |action: &&String| *action == "rule-applied";
    assert_eq!(desk.told(&image).iter().filter(applied).count(), 2);
}

#[test]
fn rules_change_nothing_that_staff_have_decided() {
    let desk = asking();
    let image = desk.image();
    desk.report(image, Category::Spam, NOW);
    let who = person(Role::Moderator);
    desk.decide(&who, &image, &Verdict::Safe, NOW);
    for _ in 0..5 {
        let filed = desk.report(image, Category::Spam, NOW + HOUR);
        assert!(!filed.is_ruled);
    }
    assert_eq!(desk.record(&image).state, State::Public);
}

#[test]
fn what_is_hidden_as_child_abuse_is_not_shown_again_by_a_rule() {
    let desk = asking();
    let image = desk.image();
    desk.report(image, Category::Spam, NOW);
    let filed = desk.report(image, Category::ChildAbuse, NOW);
    assert!(filed.is_hidden);
    let record = desk.record(&image);
    assert_eq!((record.state, record.legal_hold), (State::Review, true));
}

#[test]
fn a_report_that_reaches_less_far_is_looked_at_and_hides_nothing() {
    let desk = desk();
    let image = desk.image();
    let draft = draft(image, Category::ChildAbuse);
    let complaints = &desk.complaints;
    let filed = complaints
        .report_within(&draft, 1.0, Reach::LookedAt, NOW)
        .unwrap();
    assert!(!filed.is_hidden);
    let record = desk.record(&image);
    assert_eq!((record.state, record.legal_hold), (State::Public, false));
    let job = desk.queue.job(&image).unwrap().unwrap();
    assert_eq!((job.lane, job.status), (Lane::ChildSafety, Status::Waiting));
    assert_eq!(job.due_at_ms, Some(NOW + DAY));
    // One from elsewhere hides it.
    assert!(desk.report(image, Category::ChildAbuse, NOW).is_hidden);
    assert!(desk.record(&image).legal_hold);
}
