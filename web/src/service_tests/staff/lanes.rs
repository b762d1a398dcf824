//! What lies in a lane is for those it is meant for, whatever they know of it:
//! every route that takes an image's id, tried with one of child safety's.

use imgshare_storage::moderation::{
    BankEntry, BankHash, BankPolicy, Flag, Lane, Note, Policy, Reason,
};
use imgshare_storage::{ImageId, State as ImageState, calendar};
use serde_json::json;

use super::*;
use crate::moderation::service::release_all;

/// An image that waits for child safety.
async fn secret_image(service: &Service) -> ImageId {
    let id = uploaded(service).await;
    let flag = Flag {
        lane: Lane::ChildSafety,
        ..Flag::new(Reason::Report).hiding()
    };
    service.app.queue.flag(&id, &flag, clock::now_ms()).unwrap();
    id
}

fn assert_logged(service: &Service, account: &Account, code: &str) {
    let (actor, action, told) = last_refusal(service);
    assert_eq!(
        (actor.as_str(), action.as_str(), told.as_str()),
        (account.id.as_str(), "staff-refused", code)
    );
}

#[tokio::test]
async fn no_rank_reaches_what_is_child_safetys() {
    let service = service();
    let id = secret_image(&service).await;
    let expert = account(&service, "expert", Role::ChildSafety);
    // Even a lease that somebody else holds, word for word, opens nothing.
    let claim = claimed(&service, &expert, id);
    let lease = json!({"lease": claim.lease, "version": claim.version});
    let decision = json!({
        "lease": claim.lease, "version": claim.version, "verdict": {"kind": "safe"},
    });
    for role in [Role::Moderator, Role::SeniorModerator, Role::Admin] {
        let account = account(&service, &role.as_str().replace('-', ""), role);
        let browser = session_of(&service, &account, |_| {});
        for path in [
            format!("/staff/preview/{id}"),
            format!("/staff/preview/{id}?look=original"),
            format!("/staff/preview/{id}?look=small"),
            format!("/staff/api/kin/{id}"),
            format!("/staff/api/kin/{id}?near=true"),
            format!("/staff/api/queue/{id}"),
        ] {
            let refused = browser.get(&service, &path).await;
            refused.assert_problem(404, "not-queued");
            assert_logged(&service, &account, "staff-foreign-lane");
        }
        for (act, body) in [
            ("claim", json!(null)),
            ("renew", lease.clone()),
            ("release", lease.clone()),
            ("skip", lease.clone()),
            ("decide", decision.clone()),
            ("undo", json!({"version": claim.version})),
        ] {
            let path = format!("/staff/api/queue/{id}/{act}");
            let refused = browser.call(&service, "POST", &path, body).await;
            refused.assert_problem(404, "not-queued");
            assert_logged(&service, &account, "staff-foreign-lane");
        }
        let form = format!(
            "image={id}&lease={}&version={}&act=safe",
            claim.lease, claim.version
        );
        let refused = browser.post(&service, "/staff/queue/plain", &form).await;
        refused.assert_problem(404, "not-queued");
        if role != Role::Moderator {
            let body = json!({"claims": [&claim], "verdict": {"kind": "safe"}});
            let path = "/staff/api/queue/decide";
            let rows = browser.call(&service, "POST", path, body).await.json();
            assert_eq!(rows["rows"][0]["code"], "not-queued");
        }
        let lane = browser
            .get(&service, "/staff/api/queue?lane=child-safety")
            .await;
        lane.assert_problem(403, "staff-not-permitted");
        let form = "lane=child-safety";
        let plain = browser.post(&service, "/staff/queue/plain", form).await;
        plain.assert_problem(403, "staff-not-permitted");
        let path = "/staff/api/queue/claim";
        let next = json!({"lane": "child-safety"});
        let next = browser.call(&service, "POST", path, next).await;
        next.assert_problem(403, "staff-not-permitted");
    }
    let record = service.app.store.find(&id).unwrap().unwrap();
    assert_eq!(record.state, ImageState::Review);
}

#[tokio::test]
async fn a_lease_ends_with_the_role_that_it_was_given_to() {
    let service = service();
    let id = secret_image(&service).await;
    let expert = account(&service, "expert", Role::ChildSafety);
    let browser = session_of(&service, &expert, |_| {});
    let claim = claimed(&service, &expert, id);
    let by = crate::staff::admin::By::operator(&service.app.settings);
    let store = &*service.app.store;
    crate::staff::admin::set_role(store, &by, &expert.id, Role::Moderator).unwrap();
    let body = json!({
        "lease": claim.lease, "version": claim.version, "verdict": {"kind": "safe"},
    });
    let path = format!("/staff/api/queue/{id}/decide");
    let refused = browser.call(&service, "POST", &path, body).await;
    refused.assert_problem(404, "not-queued");
    // On the page of people the lease is returned at once.
    let admin = logged_in(&service, "boss", Role::Admin);
    let people = format!("/staff/people/{}", expert.id);
    admin.post(&service, &people, "act=disable").await;
    let job = service.app.queue.job(&id).unwrap().unwrap();
    assert!(job.lease().is_none());
}

#[tokio::test]
async fn what_child_safety_has_is_passed_on_to_nobody() {
    let service = service();
    let id = secret_image(&service).await;
    let expert = account(&service, "expert", Role::ChildSafety);
    let browser = session_of(&service, &expert, |_| {});
    let claim = claimed(&service, &expert, id);
    let path = format!("/staff/api/queue/{id}/decide");
    for lane in ["general", "senior"] {
        let body = json!({
            "lease": claim.lease, "version": claim.version,
            "verdict": {"kind": "escalate", "to": lane},
        });
        let refused = browser.call(&service, "POST", &path, body).await;
        refused.assert_problem(409, "stays-with-child-safety");
    }
    let job = service.app.queue.job(&id).unwrap().unwrap();
    assert_eq!((job.lane, job.decision), (Lane::ChildSafety, None));
}

#[tokio::test]
async fn what_is_removed_as_abuse_is_out_of_everybodys_sight() {
    let service = service();
    let id = uploaded(&service).await;
    let flag = Flag::new(Reason::Report);
    service.app.queue.flag(&id, &flag, clock::now_ms()).unwrap();
    let kim = account(&service, "kim", Role::Moderator);
    let browser = session_of(&service, &kim, |_| {});
    let claim = claimed(&service, &kim, id);
    let path = format!("/staff/preview/{id}");
    assert_eq!(browser.get(&service, &path).await.status, StatusCode::OK);
    let body = json!({
        "lease": claim.lease, "version": claim.version,
        "verdict": {"kind": "remove", "policy": "child-abuse"},
    });
    let decide = format!("/staff/api/queue/{id}/decide");
    let decided = browser.call(&service, "POST", &decide, body).await;
    assert_eq!(decided.status, StatusCode::OK, "{}", decided.text());
    browser
        .get(&service, &path)
        .await
        .assert_problem(404, "not-queued");
    let expert = logged_in(&service, "expert", Role::ChildSafety);
    assert_eq!(expert.get(&service, &path).await.status, StatusCode::OK);
}

#[tokio::test]
async fn kin_in_a_foreign_lane_are_counted_and_not_named() {
    let service = service();
    let hidden = secret_image(&service).await;
    let id = uploaded(&service).await;
    let flag = Flag::new(Reason::Report);
    service.app.queue.flag(&id, &flag, clock::now_ms()).unwrap();
    let browser = logged_in(&service, "kim", Role::Moderator);
    let path = format!("/staff/api/kin/{id}");
    let kin = browser.get(&service, &path).await;
    assert_eq!(kin.json()["n_same"], 1);
    assert!(!kin.text().contains(hidden.as_str()), "{}", kin.text());
}

#[tokio::test]
async fn who_has_no_lane_works_nothing() {
    let service = service();
    let id = secret_image(&service).await;
    let auditor = account(&service, "alma", Role::Auditor);
    let browser = session_of(&service, &auditor, |_| {});
    let lease = json!({"lease": "0", "version": 1});
    let decision = json!({"lease": "0", "version": 1, "verdict": {"kind": "safe"}});
    for (path, body) in [
        ("/staff/api/queue/claim".to_owned(), json!({})),
        ("/staff/api/queue/release".to_owned(), json!(null)),
        (format!("/staff/api/queue/{id}/claim"), json!(null)),
        (format!("/staff/api/queue/{id}/renew"), lease.clone()),
        (format!("/staff/api/queue/{id}/release"), lease.clone()),
        (format!("/staff/api/queue/{id}/skip"), lease.clone()),
        (format!("/staff/api/queue/{id}/decide"), decision),
        (format!("/staff/api/queue/{id}/undo"), json!({"version": 1})),
    ] {
        let refused = browser.call(&service, "POST", &path, body).await;
        refused.assert_problem(403, "staff-not-permitted");
        assert_logged(&service, &auditor, "staff-not-permitted");
    }
    for path in [
        "/staff/queue".to_owned(),
        "/staff/api/queue".to_owned(),
        format!("/staff/api/queue/{id}"),
        format!("/staff/preview/{id}"),
        format!("/staff/api/kin/{id}"),
    ] {
        let refused = browser.get(&service, &path).await;
        refused.assert_problem(403, "staff-not-permitted");
    }
    let plain = browser.post(&service, "/staff/queue/plain", "").await;
    plain.assert_problem(403, "staff-not-permitted");
}

#[tokio::test]
async fn the_bank_changes_with_a_fresh_factor_alone() {
    let service = service();
    let id = queued(&service).await;
    let account = account(&service, "kim", Role::SeniorModerator);
    let fresh = session_of(&service, &account, |_| {});
    let stale = session_of(&service, &account, |session| {
        session.factor_at_ms -= 6 * 60_000;
    });
    let hash = format!("sha256:{}", "0".repeat(64));
    let entry = json!({"hash": hash, "policy": "refuse", "against": "copyright"});
    let one = format!("/staff/api/bank/{hash}");
    let refused = stale
        .call(&service, "POST", "/staff/api/bank", entry.clone())
        .await;
    refused.assert_problem(403, "staff-step-up-needed");
    assert_logged(&service, &account, "staff-step-up-needed");
    let added = fresh.call(&service, "POST", "/staff/api/bank", entry).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.text());
    let refused = stale.call(&service, "DELETE", &one, json!(null)).await;
    refused.assert_problem(403, "staff-step-up-needed");

    let claim = claimed(&service, &account, id);
    let ban = |bank: Value| {
        json!({
            "lease": claim.lease, "version": claim.version,
            "verdict": {"kind": "remove", "policy": "violence", "bank": bank},
        })
    };
    let path = format!("/staff/api/queue/{id}/decide");
    let refused = stale
        .call(&service, "POST", &path, ban(json!("refuse")))
        .await;
    refused.assert_problem(403, "staff-step-up-needed");
    let body = json!({"claims": [&claim], "verdict": ban(json!("refuse"))["verdict"]});
    let bulk = "/staff/api/queue/decide";
    let refused = stale.call(&service, "POST", bulk, body).await;
    refused.assert_problem(403, "staff-step-up-needed");
    // Many at once are removed with a fresh factor alone, banned or not.
    let bulk_of = |verdict: Value| json!({"claims": [&claim], "verdict": verdict});
    let removal = bulk_of(ban(json!(null))["verdict"].clone());
    let refused = stale.call(&service, "POST", bulk, removal).await;
    refused.assert_problem(403, "staff-step-up-needed");
    assert_logged(&service, &account, "staff-step-up-needed");
    assert!(
        service
            .app
            .queue
            .job(&id)
            .unwrap()
            .unwrap()
            .decision
            .is_none()
    );
    let decided = fresh
        .call(&service, "POST", &path, ban(json!("refuse")))
        .await;
    assert_eq!(decided.status, StatusCode::OK, "{}", decided.text());
    let undo = format!("/staff/api/queue/{id}/undo");
    let body = json!({"version": decided.json()["version"]});
    let refused = stale.call(&service, "POST", &undo, body.clone()).await;
    refused.assert_problem(403, "staff-step-up-needed");
    let undone = fresh.call(&service, "POST", &undo, body).await;
    assert_eq!(undone.status, StatusCode::OK, "{}", undone.text());
    release_all(&service.app, account.id.clone()).await.unwrap();
    // Marking many, and a removal by itself without the bank, are as quick as
    // ever.
    let claim = claimed(&service, &account, id);
    let body = json!({"claims": [&claim], "verdict": {"kind": "safe"}});
    let rows = stale.call(&service, "POST", bulk, body).await.json();
    let version = rows["rows"][0]["version"].as_u64().expect("it was decided");
    let body = json!({"version": version});
    let undone = stale.call(&service, "POST", &undo, body).await;
    assert_eq!(undone.status, StatusCode::OK, "{}", undone.text());
    release_all(&service.app, account.id.clone()).await.unwrap();
    let claim = claimed(&service, &account, id);
    let body = json!({
        "lease": claim.lease, "version": claim.version,
        "verdict": {"kind": "remove", "policy": "violence"},
    });
    let decided = stale.call(&service, "POST", &path, body).await;
    assert_eq!(decided.status, StatusCode::OK, "{}", decided.text());
}

#[tokio::test]
async fn a_hold_hands_out_nothing_of_child_safetys() {
    let service = service();
    let (hidden, ordinary) = (secret_image(&service).await, uploaded(&service).await);
    let boss = account(&service, "boss", Role::Admin);
    let admin = session_of(&service, &boss, |_| {});
    let until = calendar::date(clock::now_ms() + 40 * calendar::MS_A_DAY);
    for id in [&hidden, &ordinary] {
        let form = format!("image={id}&reference=5+KLs+12&until={until}");
        let held = admin.post(&service, "/staff/holds", &form).await;
        assert_eq!(held.status, StatusCode::SEE_OTHER, "{}", held.text());
    }
    let expert_account = account(&service, "expert", Role::ChildSafety);
    let expert = session_of(&service, &expert_account, |_| {});
    let export = |id: &ImageId| format!("/staff/holds/{id}/export");
    for (browser, account, theirs, foreign) in [
        (&admin, &boss, &ordinary, &hidden),
        (&expert, &expert_account, &hidden, &ordinary),
    ] {
        let refused = browser.post(&service, &export(foreign), "").await;
        refused.assert_problem(404, "not-queued");
        assert_logged(&service, account, "staff-foreign-lane");
        let sealed = browser.post(&service, &export(theirs), "").await;
        assert_eq!(sealed.header(header::CONTENT_TYPE), "application/zip");
    }
    // Admins keep the holds of both, and hand over what they may see.
    let page = admin.get(&service, "/staff/holds").await;
    assert!(page.text().contains(&export(&ordinary)) && page.text().contains(hidden.as_str()));
    assert!(!page.text().contains(&export(&hidden)), "{}", page.text());
    let page = expert.get(&service, "/staff/holds").await;
    assert!(page.text().contains(&export(&hidden)), "{}", page.text());
    assert!(!page.text().contains(ordinary.as_str()), "{}", page.text());
    let release = format!("/staff/holds/{hidden}/release");
    for path in ["/staff/holds", &release] {
        let form = format!("image={hidden}&reference=6&until={until}");
        let refused = expert.post(&service, path, &form).await;
        refused.assert_problem(403, "staff-not-permitted");
    }
    let seniors = logged_in(&service, "senior", Role::SeniorModerator);
    let refused = seniors.post(&service, &export(&ordinary), "").await;
    refused.assert_problem(403, "staff-not-permitted");
}

#[tokio::test]
async fn child_safety_bans_what_is_child_abuse_and_nothing_else() {
    let service = service();
    let id = secret_image(&service).await;
    let expert = account(&service, "expert", Role::ChildSafety);
    let fresh = session_of(&service, &expert, |_| {});
    let stale = session_of(&service, &expert, |session| {
        session.factor_at_ms -= 6 * 60_000;
    });
    let claim = claimed(&service, &expert, id);
    let ban = |policy: &str| {
        json!({
            "lease": claim.lease, "version": claim.version,
            "verdict": {"kind": "remove", "policy": policy, "bank": "refuse"},
        })
    };
    let path = format!("/staff/api/queue/{id}/decide");
    let refused = fresh.call(&service, "POST", &path, ban("spam")).await;
    refused.assert_problem(403, "staff-not-permitted");
    let refused = stale
        .call(&service, "POST", &path, ban("child-abuse"))
        .await;
    refused.assert_problem(403, "staff-step-up-needed");
    let decided = fresh
        .call(&service, "POST", &path, ban("child-abuse"))
        .await;
    assert_eq!(decided.status, StatusCode::OK, "{}", decided.text());
    let entries = service.app.queue.bank().entries(None, 9).unwrap();
    assert!(!entries.is_empty());
    assert!(entries.iter().all(|e| e.against == Policy::ChildAbuse));
    let again = service.upload(&photo()).await;
    assert!(!again.status.is_success(), "{}", again.text());

    let undo = format!("/staff/api/queue/{id}/undo");
    let body = json!({"version": decided.json()["version"]});
    let refused = stale.call(&service, "POST", &undo, body.clone()).await;
    refused.assert_problem(403, "staff-step-up-needed");
    let undone = fresh.call(&service, "POST", &undo, body).await;
    assert_eq!(undone.status, StatusCode::OK, "{}", undone.text());
    assert_eq!(service.app.queue.bank().entries(None, 9).unwrap(), []);
    // The page offers it, and says for what.
    let page = fresh.get(&service, "/staff/queue").await;
    assert!(page.text().contains("data-against=\"child-abuse\""));
}

/// An entry of the bank that comes from child safety's lane.
fn banned(service: &Service, of: ImageId, source: ImageId) {
    let record = service.app.store.find(&of).unwrap().unwrap();
    let entry = BankEntry {
        hash: BankHash::Sha256(record.sha256),
        policy: BankPolicy::Queue,
        against: Policy::ChildAbuse,
        reason: Note::default(),
        added_by: "expert".to_owned(),
        added_at_ms: 7,
        image: Some(source),
    };
    let (bank, actor) = (service.app.queue.bank(), audit::Actor::Operator);
    assert!(bank.add(&actor, &entry, clock::now_ms()).unwrap());
}

#[tokio::test]
async fn the_bank_does_not_name_what_is_child_safetys() {
    let service = service();
    let hidden = secret_image(&service).await;
    let id = uploaded(&service).await;
    let flag = Flag::new(Reason::HashMatch);
    service.app.queue.flag(&id, &flag, clock::now_ms()).unwrap();
    banned(&service, id, hidden);
    for role in [Role::Moderator, Role::SeniorModerator, Role::Admin] {
        let browser = logged_in(&service, &role.as_str().replace('-', ""), role);
        for path in [format!("/staff/api/kin/{id}"), "/staff/api/bank".to_owned()] {
            if role == Role::Moderator && path.ends_with("bank") {
                continue;
            }
            let told = browser.get(&service, &path).await;
            assert_eq!(told.status, StatusCode::OK, "{}", told.text());
            assert!(told.text().contains("sha256:"), "{}", told.text());
            assert!(!told.text().contains(hidden.as_str()), "{}", told.text());
            assert!(!told.text().contains("child-abuse"), "{}", told.text());
        }
    }
    let flag = Flag {
        lane: Lane::ChildSafety,
        ..flag
    };
    service.app.queue.flag(&id, &flag, clock::now_ms()).unwrap();
    let expert = logged_in(&service, "expert", Role::ChildSafety);
    let kin = expert.get(&service, &format!("/staff/api/kin/{id}")).await;
    assert_eq!(kin.json()["bank"]["image"], hidden.as_str());
}
