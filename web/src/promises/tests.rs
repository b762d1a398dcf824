//! What the table must hold to.

use std::collections::{BTreeMap, BTreeSet};

use imgshare_storage::Exposed;
use imgshare_storage::calendar::MS_A_DAY;
use imgshare_storage::retention::{Ages, Job};

use super::proofs::Proofs;
use super::*;
use crate::config::{AdProvider, Settings};
use crate::retention::Sight;

fn promise(number: &str) -> &'static Promise {
    let found = PROMISES.iter().find(|promise| promise.number == number);
    found.expect(number)
}

#[test]
fn every_promise_is_there_once_with_what_keeps_it() {
    let numbers: BTreeSet<&str> = PROMISES.iter().map(|promise| promise.number).collect();
    assert_eq!(numbers.len(), PROMISES.len());
    for number in (1..=26).filter(|number| *number != 13) {
        assert!(numbers.contains(format!("P{number}").as_str()), "P{number}");
    }
    for part in ["P13a", "P13b", "P13c", "P13d", "P13e"] {
        assert!(numbers.contains(part), "{part}");
    }
    assert!(PROMISES.iter().all(|promise| !promise.kept_by.is_empty()));
}

#[test]
fn every_job_keeps_the_promise_that_it_names() {
    for job in Job::ALL {
        let keeps = promise(job.promise()).kept_by;
        assert!(keeps.contains(&Keeper::Job(job)), "{job:?}");
    }
}

#[test]
fn what_is_recorded_are_proofs_of_promises() {
    let proofs = Proofs::recorded();
    assert!(crate::policies::is_day(proofs.day), "{}", proofs.day);
    let proving: BTreeSet<&str> = PROMISES
        .iter()
        .flat_map(|promise| proofs.of(promise))
        .collect();
    for test in &proofs.tests {
        assert!(proving.contains(test), "{test} proves nothing");
    }
}

#[test]
fn prefixes_are_those_of_tests() {
    for (number, prefixes) in [
        ("P1", ["p01_", "p01_"]),
        ("P13a", ["p13a_", "p13_"]),
        ("P26", ["p26_", "p26_"]),
    ] {
        assert_eq!(promise(number).proof_prefixes(), prefixes);
    }
}

/// How a promise stands by these settings and this look.
fn standing(number: &str, settings: &Settings, sight: Sight) -> &'static str {
    let facts = Facts {
        settings,
        sight: Some(sight),
    };
    facts
        .standing(promise(number), &Proofs::recorded())
        .as_str()
}

/// A look that found nothing wrong.
fn well() -> Sight {
    Sight {
        exposed: Exposed {
            n_looked_at: 7,
            ..Exposed::default()
        },
        ..Sight::default()
    }
}

fn seen(number: &str, spoil: impl FnOnce(&mut Sight)) -> &'static str {
    let mut sight = well();
    spoil(&mut sight);
    standing(number, &Settings::default(), sight)
}

fn set(number: &str, spoil: impl FnOnce(&mut Settings)) -> &'static str {
    let mut settings = Settings::default();
    spoil(&mut settings);
    standing(number, &settings, well())
}

const KEPT: &str = "kept-observed";
const NOT_KEPT: &str = "not-kept";
const NEEDS: &str = "needs-operator";
const BUILT: &str = "kept-by-construction";

fn days(sight: &mut Sight, days: u64) {
    sight.lateness.ages = Ages {
        oldest_log_ms: days * MS_A_DAY,
        pending_purge_ms: days * MS_A_DAY,
        newest_backup_ms: Some(days * MS_A_DAY),
        ..Ages::default()
    };
}

#[test]
fn each_promise_is_judged_by_what_is_known_of_it() {
    let settings = Settings::default();
    let mut by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for promise in &PROMISES {
        let state = standing(promise.number, &settings, well());
        by.entry(state).or_default().push(promise.number);
    }
    let expected = [
        "P1", "P2", "P5", "P6", "P9", "P13c", "P17", "P18", "P24", "P26",
    ];
    assert_eq!(by[BUILT], expected);
    // Nothing of the operator's is filled in.
    assert_eq!(by[NEEDS], ["P12", "P14", "P15", "P23", "P25"]);
    assert_eq!(by[KEPT].len(), PROMISES.len() - 15);
    let nobody_looked = Facts {
        settings: &settings,
        sight: None,
    };
    let proofs = Proofs::recorded();
    for number in [
        "P3", "P4", "P7", "P8", "P11", "P13b", "P13d", "P13e", "P15", "P16", "P20", "P21", "P22",
        "P25",
    ] {
        let standing = nobody_looked.standing(promise(number), &proofs);
        assert_eq!(standing.as_str(), "not-known", "{number}");
    }
}

#[test]
fn a_promise_whose_job_lags_behind_is_not_kept() {
    for (number, kept, over) in [("P13b", 91, 92), ("P13e", 30, 31)] {
        assert_eq!(seen(number, |sight| days(sight, kept)), KEPT, "{number}");
        assert_eq!(
            seen(number, |sight| days(sight, over)),
            NOT_KEPT,
            "{number}"
        );
    }
    assert_eq!(seen("P15", |sight| days(sight, 7)), KEPT);
    assert_eq!(seen("P15", |sight| days(sight, 8)), NEEDS);
    let lost = |sight: &mut Sight| sight.lateness.ages.n_backup_folders_lost = 1;
    assert_eq!(seen("P13e", lost), NEEDS);
    let old = |sight: &mut Sight| sight.lateness.ages.oldest_backup_ms = 92 * MS_A_DAY;
    assert_eq!(seen("P13e", old), NOT_KEPT);
}

#[test]
fn p22_reports_about_children_that_wait_are_not_kept_promptly() {
    assert_eq!(seen("P22", |_| {}), KEPT);
    let late = |sight: &mut Sight| sight.lateness.n_children_overdue = 1;
    assert_eq!(seen("P22", late), NOT_KEPT);
    assert_eq!(seen("P7", late), KEPT, "other reports are counted apart");
    let settings = Settings::default();
    let mut sight = well();
    late(&mut sight);
    let facts = Facts {
        settings: &settings,
        sight: Some(sight),
    };
    let proofs = Proofs::recorded();
    let words = facts.standing(promise("P22"), &proofs).words(&proofs);
    assert!(
        words.starts_with("NOT kept: ") && words.ends_with(": 1"),
        "{words}"
    );
}

#[test]
fn what_is_overdue_is_not_kept() {
    type Spoil = fn(&mut Sight);
    let spoilt: [(&[&str], Spoil); 6] = [
        (&["P7"], |sight| sight.lateness.n_cases_overdue = 1),
        (&["P8", "P11"], |sight| sight.lateness.n_holds_overdue = 1),
        (&["P13d"], |sight| sight.lateness.n_reports_overdue = 1),
        (&["P20", "P25"], |sight| {
            sight.lateness.n_requests_overdue = 1;
        }),
        (&["P21"], |sight| {
            sight.lateness.oldest_cdn_purge_ms = MS_A_DAY / 24;
        }),
        (&["P3"], |sight| {
            sight.lateness.oldest_unclassified_ms = MS_A_DAY;
        }),
    ];
    for (numbers, spoil) in spoilt {
        for promise in &PROMISES {
            let number = promise.number;
            let is_meant = numbers.contains(&number);
            let state = seen(number, spoil);
            assert_eq!(state == NOT_KEPT, is_meant, "{number}: {state}");
        }
    }
    let waits = |sight: &mut Sight| sight.lateness.oldest_unclassified_ms = MS_A_DAY - 1;
    assert_eq!(seen("P3", waits), KEPT);
}

#[test]
fn p16_a_folder_that_others_can_open_is_not_kept_closed() {
    assert_eq!(seen("P16", |_| {}), KEPT);
    assert_eq!(seen("P16", |sight| sight.exposed.n_open = 1), NOT_KEPT);
    let missing = |sight: &mut Sight| sight.exposed = Exposed::default();
    assert_eq!(seen("P16", missing), "not-known");
}

#[test]
fn p04_a_log_that_cannot_be_written_is_not_kept() {
    assert_eq!(seen("P4", |_| {}), KEPT);
    let fault = |sight: &mut Sight| sight.log_fault = Some("no folder".to_owned());
    assert_eq!(seen("P4", fault), NOT_KEPT);
    let mut settings = Settings::default();
    settings.log.requests = false;
    let mut sight = well();
    fault(&mut sight);
    assert_eq!(standing("P4", &settings, sight), KEPT, "there is none");
}

#[test]
fn settings_that_switch_a_promise_off_are_told() {
    assert_eq!(set("P8", |of| of.abuse.uploads_per_minute = 0), NOT_KEPT);
    assert_eq!(set("P19", |of| of.abuse.same_image_max = 0), NOT_KEPT);
    assert_eq!(set("P19", |of| of.abuse.missing_images_max = 0), NOT_KEPT);
    assert_eq!(set("P19", |of| of.abuse.different_images_max = 0), NOT_KEPT);
    let shows = |of: &mut Settings| of.advertising.provider = AdProvider::Adsense;
    assert_eq!(set("P10", shows), BUILT);
    // What a proxy's TLS is, nobody here can see.
    assert_eq!(
        set("P14", |of| of.base_url = "https://a.example".into()),
        NEEDS
    );
    let speaks = |of: &mut Settings| {
        of.tls.certificate = "a.pem".into();
        of.tls.key = "b.pem".into();
    };
    assert_eq!(set("P14", speaks), KEPT);
    let named = |of: &mut Settings| {
        of.site.contact = "privacy@a.example".into();
        of.operator.name = "A".into();
        of.operator.address = "B".into();
        of.operator.country = "C".into();
        of.operator.has_no_processors = true;
    };
    for number in ["P12", "P23", "P25"] {
        assert_eq!(set(number, named), KEPT, "{number}");
    }
}

#[test]
fn what_no_test_proves_is_not_kept_by_construction() {
    let settings = Settings::default();
    let facts = Facts {
        settings: &settings,
        sight: None,
    };
    let none = Proofs {
        day: "never",
        commit: "",
        tests: Vec::new(),
    };
    assert_eq!(facts.standing(promise("P1"), &none).as_str(), "not-known");
    let proofs = Proofs {
        day: "2026-11-26",
        commit: "abc",
        tests: vec!["p01_fields"],
    };
    let words = facts.standing(promise("P1"), &proofs).words(&proofs);
    assert_eq!(
        words,
        "kept by construction (tests of abc passed on 2026-11-26)"
    );
}
