//! The moderators' queue over HTTP.

use imgshare_storage::State as ImageState;
use serde_json::json;

use super::*;
use crate::config::Moderation;
use crate::moderation::keeper;

/// Near the threshold, so that it is queued.
const BORDERLINE: Scores = Scores::from_array([0.1, 0.3, 0.25, 0.3, 0.05]);

fn queued() -> Service {
    Service::start(
        &Oracle::says(BORDERLINE),
        Settings {
            moderation: Moderation {
                sample_rate: 0.0,
                ..Moderation::default()
            },
            ..Settings::default()
        },
    )
}

impl Browser {
    async fn claim(&self, service: &Service) -> Value {
        let answer = self
            .call(service, "POST", "/staff/api/queue/claim", json!({}))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()["jobs"][0].clone()
    }

    async fn decide(&self, service: &Service, job: &Value, verdict: Value) -> Answer {
        let path = format!("/staff/api/queue/{}/decide", job["image"].as_str().unwrap());
        let body = json!({
            "lease": job["lease"]["token"],
            "version": job["version"],
            "verdict": verdict,
        });
        self.call(service, "POST", &path, body).await
    }
}

fn removal() -> Value {
    json!({"kind": "remove", "policy": "violence", "reason": "cruel", "bank": "refuse"})
}

#[tokio::test]
async fn a_removed_image_is_served_to_nobody_and_comes_back_with_an_undo() {
    let service = queued();
    let uploaded = service.uploaded(&photo()).await;
    let direct = path_of(&uploaded["direct_url"]).to_owned();
    assert_eq!(service.get(&direct).await.status, StatusCode::OK);
    let browser = logged_in(&service, "kim", Role::SeniorModerator);
    let page = browser.get(&service, "/staff/api/queue").await.json();
    let listed = &page["jobs"][0];
    assert_eq!(listed["image"], uploaded["id"]);
    assert_eq!(listed["reasons"], json!(["check"]));
    assert_eq!(listed["known"]["label"], "nsfw");
    assert!(listed["priority"]["score_ms"].as_u64().unwrap() > 0);

    let job = browser.claim(&service).await;
    let decided = browser.decide(&service, &job, removal()).await;
    assert_eq!(decided.status, StatusCode::OK, "{}", decided.text());
    service
        .get(&direct)
        .await
        .assert_problem(410, "image-removed");
    service
        .upload(&photo())
        .await
        .assert_problem(422, "image-refused");

    let version = &decided.json()["version"];
    let undo = format!("/staff/api/queue/{}/undo", job["image"].as_str().unwrap());
    let other = logged_in(&service, "joan", Role::Moderator);
    let body = json!({"version": version});
    let foreign = other.call(&service, "POST", &undo, body.clone()).await;
    foreign.assert_problem(403, "staff-not-permitted");
    let undone = browser.call(&service, "POST", &undo, body).await;
    assert_eq!(undone.status, StatusCode::OK, "{}", undone.text());
    assert_eq!(service.get(&direct).await.status, StatusCode::OK);
    service.uploaded(&photo()).await;
    let told: Vec<String> = entries(&service)
        .iter()
        .map(|sealed| sealed.entry.action.to_string())
        .filter(|action| action != "staff-refused")
        .collect();
    assert_eq!(told, ["image-removed", "decision-undone"]);
}

#[tokio::test]
async fn banning_a_hash_is_for_those_who_keep_the_bank() {
    let service = queued();
    service.uploaded(&photo()).await;
    let browser = logged_in(&service, "kim", Role::Moderator);
    let job = browser.claim(&service).await;
    let refused = browser.decide(&service, &job, removal()).await;
    refused.assert_problem(403, "staff-not-permitted");
    let mut verdict = removal();
    verdict["bank"] = Value::Null;
    let decided = browser.decide(&service, &job, verdict).await;
    assert_eq!(decided.status, StatusCode::OK, "{}", decided.text());
}

#[tokio::test]
async fn who_comes_second_is_told_who_was_first() {
    let service = queued();
    service.uploaded(&photo()).await;
    let [first, second] = ["kim", "joan"].map(|login| logged_in(&service, login, Role::Moderator));
    let job = first.claim(&service).await;
    let safe = json!({"kind": "safe"});
    let decided = first.decide(&service, &job, safe.clone()).await;
    assert_eq!(decided.status, StatusCode::OK);
    let late = second.decide(&service, &job, safe).await;
    late.assert_problem(409, "decided-already");
    let conflict = &late.json()["conflict"];
    assert_eq!(conflict["by"], job["lease"]["holder"]);
    assert_eq!(conflict["verdict"], json!({"kind": "safe"}));
    assert!(conflict["at_ms"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_lane_is_for_those_it_is_meant_for() {
    let service = queued();
    let id = service.uploaded(&photo()).await["id"].clone();
    let moderator = logged_in(&service, "kim", Role::Moderator);
    let job = moderator.claim(&service).await;
    let escalation = json!({"kind": "escalate", "to": "child-safety"});
    let escalated = moderator.decide(&service, &job, escalation).await;
    assert_eq!(escalated.status, StatusCode::OK, "{}", escalated.text());
    let id: imgshare_storage::ImageId = id.as_str().unwrap().parse().unwrap();
    let record = service.app.store.find(&id).unwrap().unwrap();
    assert_eq!(record.state, ImageState::Review);

    let paths = [
        "/staff/api/queue?lane=child-safety".to_owned(),
        "/staff/api/queue?lane=senior".to_owned(),
    ];
    for path in paths {
        let refused = moderator.get(&service, &path).await;
        refused.assert_problem(403, "staff-not-permitted");
    }
    let one = format!("/staff/api/queue/{id}");
    for role in [Role::Moderator, Role::Admin, Role::SeniorModerator] {
        let login = role.as_str().replace('-', "");
        let browser = logged_in(&service, &login, role);
        browser
            .get(&service, &one)
            .await
            .assert_problem(404, "not-queued");
        let claim = format!("{one}/claim");
        let claimed = browser.call(&service, "POST", &claim, json!(null)).await;
        claimed.assert_problem(404, "not-queued");
    }
    let auditor = logged_in(&service, "alma", Role::Auditor);
    auditor
        .get(&service, &one)
        .await
        .assert_problem(403, "staff-not-permitted");
    let expert = logged_in(&service, "erin", Role::ChildSafety);
    assert_eq!(expert.get(&service, &one).await.status, StatusCode::OK);
    expert
        .get(&service, "/staff/api/queue")
        .await
        .assert_problem(403, "staff-not-permitted");
}

#[tokio::test]
async fn child_abuse_is_decided_one_by_one() {
    let service = queued();
    service.uploaded(&photo()).await;
    let senior = logged_in(&service, "kim", Role::SeniorModerator);
    let job = senior.claim(&service).await;
    let claim = json!({
        "image": job["image"], "lease": job["lease"]["token"], "version": job["version"],
    });
    for verdict in [
        json!({"kind": "remove", "policy": "child-abuse"}),
        json!({"kind": "escalate", "to": "child-safety"}),
    ] {
        let body = json!({"claims": [claim], "verdict": verdict});
        let refused = senior
            .call(&service, "POST", "/staff/api/queue/decide", body)
            .await;
        refused.assert_problem(400, "malformed-form");
    }
}

#[tokio::test]
async fn many_are_decided_with_a_row_each() {
    let service = queued();
    for n in 1..=3 {
        service.uploaded(&testing::jpeg(64 + n, 48)).await;
    }
    let senior = logged_in(&service, "kim", Role::SeniorModerator);
    let body = json!({"limit": 100});
    let claimed = senior
        .call(&service, "POST", "/staff/api/queue/claim", body)
        .await;
    let jobs = claimed.json()["jobs"].as_array().unwrap().clone();
    assert_eq!(jobs.len(), 3);
    let claims: Vec<Value> = jobs
        .iter()
        .map(|job| {
            json!({"image": job["image"], "lease": job["lease"]["token"], "version": job["version"]})
        })
        .collect();
    let body = json!({"claims": claims, "verdict": {"kind": "nsfw"}});
    let decided = senior
        .call(&service, "POST", "/staff/api/queue/decide", body.clone())
        .await;
    let rows = decided.json()["rows"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row["version"].is_u64()));
    assert_eq!(entries(&service).len(), 3);
    let again = senior
        .call(&service, "POST", "/staff/api/queue/decide", body.clone())
        .await;
    assert_eq!(again.json()["rows"][0]["code"], "decided-already");

    let many = json!({"claims": vec![claims[0].clone(); 101], "verdict": {"kind": "nsfw"}});
    let path = "/staff/api/queue/decide";
    senior
        .call(&service, "POST", path, many)
        .await
        .assert_problem(400, "malformed-form");
    let moderator = logged_in(&service, "joan", Role::Moderator);
    let refused = moderator.call(&service, "POST", path, body).await;
    refused.assert_problem(403, "staff-not-permitted");
}

#[tokio::test]
async fn what_is_held_is_for_others_after_a_logout() {
    let service = queued();
    service.uploaded(&photo()).await;
    let [first, second] = ["kim", "joan"].map(|login| logged_in(&service, login, Role::Moderator));
    first.claim(&service).await;
    assert_eq!(second.claim(&service).await, Value::Null);
    first.post(&service, "/staff/logout", "").await;
    assert!(second.claim(&service).await["lease"].is_object());
}

#[tokio::test]
async fn rules_are_tried_then_set_and_then_decide() {
    let service = queued();
    let id = service.uploaded(&photo()).await["id"].clone();
    let senior = logged_in(&service, "kim", Role::SeniorModerator);
    let rules = json!({"rules": [{
        "name": "nothing-explicit",
        "outcome": "refused",
        "when": {"score": {"of": "explicit", "at-least": 0.5}},
    }]});
    let preview = senior
        .call(&service, "POST", "/staff/api/rules/preview", rules.clone())
        .await;
    assert_eq!(preview.json()["is_complete"], true);
    let turn = service.app.rules.preview_turn().unwrap();
    let busy = senior
        .call(&service, "POST", "/staff/api/rules/preview", rules.clone())
        .await;
    busy.assert_problem(429, "staff-preview-busy");
    drop(turn);
    let again = senior
        .call(&service, "POST", "/staff/api/rules/preview", rules.clone())
        .await;
    assert_eq!(again.status, StatusCode::OK);
    assert!(service.app.rules.preview_turn().is_some());
    let change = &preview.json()["changes"][0];
    assert_eq!(change["from"], "nsfw");
    assert_eq!(change["to"], "refused");
    assert_eq!(change["images"], json!([id]));
    let wrong = json!({"rules": [{"name": "a", "outcome": "nsfw", "when": {"all": []}}]});
    let refused = senior
        .call(&service, "PUT", "/staff/api/rules", wrong)
        .await;
    refused.assert_problem(422, "rules-unusable");
    service.uploaded(&photo()).await;
    let set = senior
        .call(&service, "PUT", "/staff/api/rules", rules.clone())
        .await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.text());
    service
        .upload(&photo())
        .await
        .assert_problem(422, "image-refused");
    let shown = senior.get(&service, "/staff/api/rules").await.json();
    assert_eq!(shown["rules"][0]["name"], "nothing-explicit");
    let told = entries(&service).pop().unwrap();
    assert_eq!(told.entry.action.as_str(), "rules-changed");
}

#[tokio::test]
async fn a_hash_of_the_bank_finds_what_is_stored() {
    let service = queued();
    let uploaded = service.uploaded(&photo()).await;
    let id: imgshare_storage::ImageId = uploaded["id"].as_str().unwrap().parse().unwrap();
    let record = service.app.store.find(&id).unwrap().unwrap();
    let senior = logged_in(&service, "kim", Role::SeniorModerator);
    let hash = format!("sha256:{}", hex::encode(record.sha256));
    let body = json!({"hash": hash, "policy": "refuse", "against": "copyright"});
    let added = senior.call(&service, "POST", "/staff/api/bank", body).await;
    assert_eq!(added.json()["is_new"], true, "{}", added.text());
    keeper::keep(&service.app).await.unwrap();
    let gone = service.get(path_of(&uploaded["direct_url"])).await;
    gone.assert_problem(410, "image-removed");
    service
        .upload(&photo())
        .await
        .assert_problem(422, "image-refused");
    let listed = senior.get(&service, "/staff/api/bank").await.json();
    assert_eq!(listed["entries"][0]["hash"], hash);
    let path = format!("/staff/api/bank/{hash}");
    let removed = senior.call(&service, "DELETE", &path, json!(null)).await;
    assert_eq!(removed.status, StatusCode::OK);
    service.uploaded(&photo()).await;
}
