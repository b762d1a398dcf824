//! What the table itself must hold to.

use std::collections::BTreeSet;

use imgshare_storage::aggregates::IMAGE_DAYS_MAX;
use imgshare_storage::backup::DAYS_MAX;
use imgshare_storage::calendar::MS_A_DAY;
use imgshare_storage::complaints::KEPT_MS;
use imgshare_storage::lawful::REQUESTS_KEPT_DAYS;
use imgshare_storage::retention::{Job, TOMBSTONES_KEPT_DAYS, Terms};
use imgshare_storage::{
    Classification, DeleteToken, ImageId, PerceptualHash, Record, RuledBy, Ruling, Space, State,
    StoredLabel, TurnedHashes,
};

use super::*;
use crate::config::Statistics;
use crate::consent::Purposes;

#[test]
fn every_row_is_filled_in_and_named_once() {
    let mut ids = BTreeSet::new();
    let mut places = BTreeSet::new();
    for row in rows() {
        assert!(ids.insert(row.id), "{} twice", row.id);
        assert!(
            places.insert((row.place.kind(), row.place.name())),
            "the place of {} twice",
            row.id
        );
        for words in [row.id, row.what, row.purpose, row.until] {
            assert!(!words.is_empty(), "{}", row.id);
        }
        let has_fields = !row.fields.is_empty();
        let needs_fields = matches!(row.content, Content::Json | Content::JsonLines);
        assert!(has_fields || !needs_fields, "{} has no fields", row.id);
        for field in row.fields {
            assert!(!field.what.is_empty(), "{} {}", row.id, field.path);
        }
    }
}

#[test]
fn every_space_has_a_row_and_every_job_ends_one() {
    for space in Space::ALL {
        let is_there =
            rows().any(|row| matches!(row.place, Place::SpaceEntry(of, _) if of == space));
        assert!(is_there, "{space:?}");
    }
    // These jobs end images themselves, by a row of another job.
    let of_images = [Job::IdleWarnings, Job::Erasures];
    for job in Job::ALL.into_iter().filter(|job| !of_images.contains(job)) {
        assert!(rows().any(|row| row.ended_by == End::Job(job)), "{job:?}");
    }
}

#[test]
fn p03_a_record_has_exactly_the_fields_of_the_table() {
    let encoded = full_record().encode();
    let value: serde_json::Value = serde_json::from_slice(&encoded[1..]).unwrap();
    let row = rows().find(|row| row.id == "record").unwrap();
    assert_eq!(fields::unknown_in(&value, row.fields), [""; 0]);
    let mut met = BTreeSet::new();
    paths(&value, "", &mut met);
    let listed: BTreeSet<String> = row
        .fields
        .iter()
        .map(|field| field.path.to_owned())
        .collect();
    assert_eq!(met, listed, "a field of the table that no record has");
}

/// A record with everything that one can have.
fn full_record() -> Record {
    Record {
        id: ImageId::random().unwrap(),
        revision: 1,
        filename: "a.png".to_owned(),
        mime: "image/png".to_owned(),
        extension: "png".to_owned(),
        bytes: 1,
        width: 1,
        height: 1,
        frames: 1,
        sha256: [1; 32],
        pdq: Some(PerceptualHash {
            hash: [2; 32],
            quality: 100,
            turned: Some(TurnedHashes {
                mirrored: [3; 32],
                flipped: [4; 32],
                half_turned: [5; 32],
            }),
        }),
        uploaded_at_ms: 1,
        state: State::Public,
        legal_hold: false,
        court_hold: true,
        ads_objection: true,
        classification: Some(Classification {
            model: "mobilenet_v2".to_owned(),
            preprocessing: "p".to_owned(),
            probabilities: [0.2; 5],
            thresholds: [0.5; 4],
            label: StoredLabel::Safe,
            confidence: 0.9,
            classified_at_ms: 1,
        }),
        ruling: Some(Ruling {
            label: StoredLabel::Nsfw,
            by: RuledBy::Staff,
            at_ms: 1,
        }),
        scan_attempts: 1,
        delete_token: DeleteToken::random().unwrap().hash(),
    }
}

fn paths(value: &serde_json::Value, path: &str, met: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                let dot = if path.is_empty() { "" } else { "." };
                paths(value, &format!("{path}{dot}{name}"), met);
            }
        }
        serde_json::Value::Array(_) => {
            met.insert(format!("{path}[]"));
        }
        _ => {
            met.insert(path.to_owned());
        }
    }
}

#[test]
fn p05_the_cookies_that_are_listed_are_those_that_there_can_be() {
    let names = |offered, is_behind_tls| -> Vec<&str> {
        let cookies = public::cookies(offered, is_behind_tls);
        cookies.into_iter().map(|(name, _)| name).collect()
    };
    let plain = ["theme", "nsfw_filter", "policy_seen", "imgshare-staff"];
    assert_eq!(names(Purposes::NONE, false), plain);
    let tls = [
        "theme",
        "nsfw_filter",
        "policy_seen",
        "__Host-imgshare-staff",
    ];
    assert_eq!(names(Purposes::NONE, true), tls);
    let all = Purposes {
        analytics: true,
        advertising: true,
    };
    let all = names(all, true);
    assert!(all.contains(&"consent") && all.contains(&"__gads") && all.contains(&"__gpi"));
}

#[test]
fn p13_the_promised_times_are_in_the_public_table() {
    let text: String = public::kept().map(|kept| kept.how_long()).collect();
    for promise in [
        "180 days",
        "30 days",
        "90 days",
        "Exactly as long",
        "One year after",
    ] {
        assert!(text.contains(promise), "{promise}");
    }
}

#[test]
fn p13_the_words_say_the_times_that_the_jobs_use() {
    let terms = Terms::default();
    let year = |days: u64| match days {
        365 => "One year after".to_owned(),
        730 => "2 years".to_owned(),
        days => format!("{days} days after"),
    };
    let days = |days: u64| format!("{days} days");
    let complaints = KEPT_MS / MS_A_DAY;
    let numbers = Statistics::default().days.into();
    for (subject, words) in [
        (Subject::Images, days(terms.idle_days.into())),
        (Subject::Deletions, days(DAYS_MAX.into())),
        (Subject::Deletions, days(TOMBSTONES_KEPT_DAYS)),
        (Subject::Requests, days(terms.log_days.into())),
        (Subject::Numbers, year(numbers)),
        (Subject::Complaints, year(complaints)),
        (Subject::DataRequests, year(REQUESTS_KEPT_DAYS)),
    ] {
        let said = subject.how_long().unwrap();
        assert!(
            said.contains(&words),
            "{subject:?} says {said}, not {words}"
        );
    }
    // Rows say when what they list ends by the same numbers.
    for (id, words) in [
        ("request-log", days(terms.log_days.into())),
        ("tombstone", days(TOMBSTONES_KEPT_DAYS)),
        ("daily-numbers", year(numbers)),
        ("daily-numbers", days(IMAGE_DAYS_MAX.into())),
    ] {
        let row = rows().find(|row| row.id == id).unwrap();
        assert!(
            row.until.contains(&words),
            "{id}: {}, not {words}",
            row.until
        );
    }
}

#[test]
fn what_is_not_in_the_map_is_found_in_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "log/2026-11-26.jsonl",
        "{\"at\":\"x\",\"status\":200}\n{\"at\":\"cut sho",
    );
    write("lock", "");
    assert!(check(dir.path()).unwrap().unknown.is_empty());
    write(
        "log/2026-11-27.jsonl",
        "{\"at\":\"x\",\"cookie\":\"theme=dark\"}\n",
    );
    write("uploads.csv", "anna,1");
    write("blobs/ab/cd/3kTMd8vXqz2P/exif", "GPS");
    write("lock", "1234");
    let checked = check(dir.path()).unwrap();
    let unknown: Vec<(&str, &str)> = checked
        .unknown
        .keys()
        .map(|unknown| (unknown.place.as_str(), unknown.what.as_str()))
        .collect();
    let expected = [
        (
            "blobs/ab/cd/3kTMd8vXqz2P/exif",
            "a file that is not in the map",
        ),
        ("lock", "it is not empty"),
        ("request-log", "the field cookie"),
        ("uploads.csv", "a file that is not in the map"),
    ];
    assert_eq!(unknown, expected);
    assert_eq!(checked.n_files, 5);
}
