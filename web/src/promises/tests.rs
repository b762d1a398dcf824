//! What the table must hold to.

use std::collections::BTreeSet;

use imgshare_storage::calendar::MS_A_DAY;
use imgshare_storage::retention::{Ages, Job};

use super::proofs::Proofs;
use super::*;
use crate::config::Settings;
use crate::retention::Lateness;

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

#[test]
fn a_promise_whose_job_lags_behind_is_broken() {
    let settings = Settings::default();
    let standing = |number, log_days: u64, purge_days: u64, n_reports_overdue| {
        let facts = Facts {
            settings: &settings,
            lateness: Some(Lateness {
                ages: Ages {
                    oldest_log_ms: log_days * MS_A_DAY,
                    pending_purge_ms: purge_days * MS_A_DAY,
                    ..Ages::default()
                },
                n_reports_overdue,
                n_requests_overdue: n_reports_overdue,
                oldest_cdn_purge_ms: purge_days * MS_A_DAY,
            }),
        };
        facts.standing(promise(number)).as_str()
    };
    assert_eq!(standing("P13b", 91, 0, 0), "kept");
    assert_eq!(standing("P13b", 92, 0, 0), "broken");
    assert_eq!(standing("P13e", 0, 30, 0), "kept");
    assert_eq!(standing("P13e", 0, 31, 0), "broken");
    assert_eq!(standing("P13d", 0, 0, 0), "kept");
    assert_eq!(standing("P13d", 0, 0, 1), "broken");
    for number in ["P20", "P25"] {
        assert_eq!(standing(number, 0, 0, 1), "broken", "{number}");
    }
    assert_eq!(standing("P21", 0, 0, 0), "kept");
    assert_eq!(standing("P21", 0, 1, 0), "broken");
    // Nothing of the operator's is filled in.
    for number in ["P12", "P14", "P15", "P23", "P25"] {
        assert_eq!(standing(number, 0, 0, 0), "needs-operator", "{number}");
    }
    let nobody_looked = Facts {
        settings: &settings,
        lateness: None,
    };
    for number in ["P13b", "P13d", "P13e"] {
        assert_eq!(nobody_looked.standing(promise(number)), Standing::Unknown);
    }
}
