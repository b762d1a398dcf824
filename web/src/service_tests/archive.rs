//! The owner's archive against the data map: what the map says is in it, is in it.

use std::collections::{BTreeMap, BTreeSet};

use imgshare_storage::moderation::{Policy, Verdict};
use imgshare_storage::staff::Role;

use super::complaints::{Uploaded, moderator, removal};
use super::rights::{exported, file};
use super::*;
use crate::clock;
use crate::data_map::{Export, rows};

/// Fields of the map's rows that are in the archive, with where they are.
const TOLD: &[(&str, &[(&str, &str)])] = &[
    (
        "record",
        &[
            ("id", "id"),
            ("filename", "filename"),
            ("mime", "mime"),
            ("extension", "extension"),
            ("bytes", "bytes"),
            ("width", "width"),
            ("height", "height"),
            ("frames", "frames"),
            ("sha256", "sha256"),
            ("pdq.hash", "perceptual_hash"),
            ("pdq.quality", "perceptual_hash_quality"),
            ("pdq.turned.mirrored", "perceptual_hash_turned.mirrored"),
            ("pdq.turned.flipped", "perceptual_hash_turned.flipped"),
            (
                "pdq.turned.half_turned",
                "perceptual_hash_turned.half_turned",
            ),
            ("uploaded_at_ms", "uploaded_at"),
            ("state", "state"),
            ("ads_objection", "ads_objection"),
            ("classification.model", "model"),
            ("classification.preprocessing", "preprocessing"),
            ("classification.probabilities[]", "scores.porn"),
            ("classification.thresholds[]", "thresholds.review_band"),
            ("classification.label", "label_by_classifier"),
            ("classification.confidence", "confidence_of_classifier"),
            ("classification.classified_at_ms", "classified_at"),
            ("ruling.label", "label_set"),
            ("ruling.by", "label_set_by"),
            ("ruling.at_ms", "label_set_at"),
            ("scan_attempts", "scan_attempts"),
            ("delete_token", "delete_token_kept_as"),
        ],
    ),
    ("original", &[]),
    (
        "views",
        &[("total", "views"), ("last_day", "last_viewed_on")],
    ),
    (
        "statements",
        &[
            ("said[].statement.restriction", "statement.restriction"),
            ("said[].statement.policy", "statement.policy"),
            ("said[].statement.reason", "statement.reason"),
            ("said[].statement.found", "statement.found_by"),
            ("said[].statement.is_automated", "statement.automated"),
            ("said[].statement.at_ms", "statement.decided_at"),
        ],
    ),
    (
        "objection",
        &[
            ("image", "id"),
            ("number", "objections[].number"),
            ("text", "objections[].text"),
            ("at_ms", "objections[].at"),
            ("against", "objections[].against"),
            ("outcome.is_granted", "objections[].granted"),
            ("outcome.at_ms", "objections[].decided_at"),
        ],
    ),
    (
        "counter-notice",
        &[
            ("receipt", "counter_notices[].receipt"),
            ("image", "id"),
            ("name", "counter_notices[].name"),
            ("address", "counter_notices[].address"),
            ("phone", "counter_notices[].phone"),
            ("email", "counter_notices[].email"),
            ("text", "counter_notices[].text"),
            ("signature", "counter_notices[].signature"),
            ("at_ms", "counter_notices[].at"),
            ("restore_by_ms", "counter_notices[].restore_by"),
            ("state", "counter_notices[].state"),
        ],
    ),
];

/// Fields of the same rows that an owner is not told, each for a reason.
const NOT_TOLD: &[(&str, &str)] = &[
    // Telling an uploader would warn whoever is investigated.
    ("record", "legal_hold"),
    ("record", "court_hold"),
    // It counts every change, and so would tell of a hold that begins or ends.
    ("record", "revision"),
    // Counters of the queue, which say nothing about the upload.
    ("statements", "said[].version"),
    ("objection", "against_version"),
    ("objection", "outcome.version"),
    // It moves on while the image is held as evidence.
    ("counter-notice", "restore_from_ms"),
    // There is one once the image is gone, and its archive with it.
    ("statements", "ends_at_ms"),
    // The pseudonym of a moderator.
    ("objection", "against_by"),
];

/// The paths in a value that hold something.
fn paths(value: &Value, path: &str, met: &mut BTreeSet<String>) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (name, value) in members {
                let dot = if path.is_empty() { "" } else { "." };
                paths(value, &format!("{path}{dot}{name}"), met);
            }
        }
        Value::Array(values) => {
            for value in values {
                paths(value, &format!("{path}[]"), met);
            }
        }
        _ => {
            met.insert(path.to_owned());
        }
    }
}

/// An image that was removed for a notice, and whose owner has countered that.
async fn countered(service: &Service) -> Uploaded {
    let image = service.an_image().await;
    let notice = "name=A.+Claimant&email=a%40example.org&work=Evening&good_faith=on\
                  &accurate=on&signature=A.+Claimant";
    let notice = format!("images={}&{notice}", image.id);
    let filed = service.send(form("/copyright/notice", notice)).await;
    assert_eq!(filed.status, StatusCode::CREATED, "{}", filed.text());
    let senior = moderator(Role::SeniorModerator);
    service.decide(&senior, &image, &removal(Policy::Copyright));
    let counter = "sent=yes&name=B.+Owner&address=2+Road&phone=2&email=b%40example.org\
                   &text=My+own+photo&signature=B.+Owner&mistake=on&jurisdiction=on";
    let path = format!("/m/{}/counter-notice", image.id);
    let counter = format!("token={}&{counter}", image.token);
    let taken = service.send(form(&path, counter)).await;
    assert!(taken.status.is_success(), "{}", taken.text());
    image
}

#[tokio::test]
async fn p20_what_the_data_map_says_is_in_the_archive_is_in_it() {
    let service = Service::saying(SAFE);
    let mut met = BTreeSet::new();
    // One is removed, and stays so after an objection; one is labelled by staff.
    for verdict in [removal(Policy::Illegal), Verdict::Nsfw] {
        let image = service.an_image().await;
        let id = image.id.parse().unwrap();
        service.app.store.count_view(&id, clock::now_ms());
        service.app.store.merge_views().unwrap();
        service.report(&image, "illegal").await;
        service.decide(&moderator(Role::Moderator), &image, &verdict);
        let body = format!("token={}&text=It+is+mine.", image.token);
        let path = format!("/m/{}/appeal", image.id);
        assert_eq!(service.send(form(&path, body)).await.status, StatusCode::OK);
        service.decide(&moderator(Role::Moderator), &image, &verdict);
        let mut archive = exported(&service, &image.id, &image.token).await;
        let held = file(&mut archive, "metadata.json");
        paths(&serde_json::from_slice(&held).unwrap(), "", &mut met);
    }
    let image = countered(&service).await;
    let mut archive = exported(&service, &image.id, &image.token).await;
    let held: Value = serde_json::from_slice(&file(&mut archive, "metadata.json")).unwrap();
    let counter = &held["counter_notices"][0];
    let said = ["name", "address", "text", "signature", "state"];
    let expected = ["B. Owner", "2 Road", "My own photo", "B. Owner", "open"];
    assert_eq!(said.map(|name| &counter[name]), expected);
    paths(&held, "", &mut met);
    let told: BTreeMap<&str, &[(&str, &str)]> = TOLD.iter().copied().collect();
    let exports = |row: &&crate::data_map::Row| row.exports.contains(&Export::Uploader);
    let listed: BTreeSet<&str> = rows().filter(exports).map(|row| row.id).collect();
    assert_eq!(listed, told.keys().copied().collect::<BTreeSet<_>>());
    for row in rows().filter(exports) {
        for field in row.fields {
            let at = told[row.id].iter().find(|(path, _)| *path == field.path);
            let is_left_out = NOT_TOLD.contains(&(row.id, field.path));
            let is_there = at.is_some_and(|(_, at)| met.contains(*at));
            assert!(is_there != is_left_out, "{} {}", row.id, field.path);
        }
        let n_left_out = NOT_TOLD.iter().filter(|(id, _)| *id == row.id).count();
        assert_eq!(
            told[row.id].len() + n_left_out,
            row.fields.len(),
            "{}",
            row.id
        );
    }
}
