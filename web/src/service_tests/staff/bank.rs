//! The page of the hash bank, and the copies that go and come back with it.

use imgshare_storage::State as ImageState;
use imgshare_storage::audit::Actor;
use imgshare_storage::moderation::{BankEntry, BankHash, BankPolicy, Note, Policy};
use serde_json::json;

use super::*;
use crate::moderation::keeper;

fn state_of(service: &Service, id: &ImageId) -> ImageState {
    service.app.store.find(id).unwrap().unwrap().state
}

fn hash_of(service: &Service, id: &ImageId) -> BankHash {
    BankHash::Sha256(service.app.store.find(id).unwrap().unwrap().sha256)
}

/// Removes an image with a ban; returns what an undo names.
async fn banned(service: &Service, browser: &Browser, account: &Account, id: ImageId) -> Value {
    let claim = claimed(service, account, id);
    let body = json!({
        "lease": claim.lease, "version": claim.version,
        "verdict": {"kind": "remove", "policy": "spam", "bank": "refuse"},
    });
    let path = format!("/staff/api/queue/{id}/decide");
    let decided = browser.call(service, "POST", &path, body).await;
    assert_eq!(decided.status, StatusCode::OK, "{}", decided.text());
    keeper::keep(&service.app).await.unwrap();
    decided.json()["version"].clone()
}

#[tokio::test]
async fn an_undo_says_how_many_copies_come_back_and_they_do() {
    let service = service();
    let copies = [uploaded(&service).await, uploaded(&service).await];
    let id = queued(&service).await;
    let kim = account(&service, "kim", Role::SeniorModerator);
    let browser = session_of(&service, &kim, |_| {});
    let version = banned(&service, &browser, &kim, id).await;
    for copy in &copies {
        assert_eq!(state_of(&service, copy), ImageState::Blocked);
        let path = format!("/api/v1/images/{copy}");
        service
            .get(&path)
            .await
            .assert_problem(410, "image-removed");
    }
    let page = browser.get(&service, "/staff/decided").await;
    let words = "2 copies that its ban had removed come back with it";
    assert!(page.text().contains(words), "{}", page.text());
    let undo = format!("/staff/api/queue/{id}/undo");
    let body = json!({"version": version});
    let undone = browser.call(&service, "POST", &undo, body).await;
    assert_eq!(undone.json()["n_copies"], 2, "{}", undone.text());
    // The keeper was rung.
    service.app.bank_grew.notified().await;
    keeper::keep(&service.app).await.unwrap();
    for copy in &copies {
        assert_eq!(state_of(&service, copy), ImageState::Public);
        let path = format!("/api/v1/images/{copy}");
        assert_eq!(service.get(&path).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn forms_alone_take_back_a_ban_with_its_copies() {
    let service = service();
    let copy = uploaded(&service).await;
    let id = queued(&service).await;
    let kim = account(&service, "kim", Role::SeniorModerator);
    let browser = session_of(&service, &kim, |_| {});
    let version = banned(&service, &browser, &kim, id).await;
    let form = format!("image={id}&version={version}");
    let undone = browser.post(&service, "/staff/decided/undo", &form).await;
    let words = "1 copy that its ban had removed comes back with it";
    assert!(undone.text().contains(words), "{}", undone.text());
    keeper::keep(&service.app).await.unwrap();
    assert_eq!(state_of(&service, &copy), ImageState::Public);
}

#[tokio::test]
async fn the_list_is_searched_and_says_what_each_hash_did() {
    let service = service();
    let id = queued(&service).await;
    let kim = account(&service, "kim", Role::SeniorModerator);
    let browser = session_of(&service, &kim, |_| {});
    let hash = hash_of(&service, &id);
    banned(&service, &browser, &kim, id).await;
    for _ in 0..3 {
        let refused = service.upload(&photo()).await;
        refused.assert_problem(422, "image-refused");
    }
    let all = browser.get(&service, "/staff/bank").await;
    for words in [
        hash.to_string().as_str(),
        kim.id.as_str(),
        "3 uploads refused",
        "Spam",
    ] {
        assert!(all.text().contains(words), "{words}: {}", all.text());
    }
    // Counted still once it is written down.
    keeper::keep(&service.app).await.unwrap();
    let bare = hash.to_string().replace("sha256:", "");
    for wanted in [hash.to_string(), bare, id.to_string()] {
        let found = browser
            .get(&service, &format!("/staff/bank?q={wanted}"))
            .await;
        assert!(found.text().contains(&hash.to_string()), "{wanted}");
        assert!(found.text().contains("3 uploads refused"), "{wanted}");
    }
    let other = "0".repeat(64);
    let nothing = browser
        .get(&service, &format!("/staff/bank?q={other}"))
        .await;
    assert!(nothing.text().contains("Nothing there matches"));
}

#[tokio::test]
async fn a_hash_is_taken_off_with_a_reason_a_fresh_factor_and_its_copies() {
    let service = service();
    let copy = uploaded(&service).await;
    let id = queued(&service).await;
    let kim = account(&service, "kim", Role::SeniorModerator);
    let browser = session_of(&service, &kim, |_| {});
    let stale = session_of(&service, &kim, |session| {
        session.factor_at_ms -= 6 * 60_000;
    });
    let hash = hash_of(&service, &id);
    banned(&service, &browser, &kim, id).await;
    let path = format!("/staff/bank/{hash}");
    let asked = browser.get(&service, &path).await;
    assert!(asked.text().contains("Take this hash off?"));
    assert!(
        asked.text().contains("The 1 stored copy"),
        "{}",
        asked.text()
    );
    let first = stale.post(&service, &path, "reason=x").await;
    assert_asks_for_factor(&first, &path);
    assert!(first.text().contains("name=\"reason\" value=\"x\""));
    let silent = browser.post(&service, &path, "reason=+").await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(service.app.queue.bank().entry(&hash).unwrap().is_some());
    let form = "reason=a+slip+of+the+hand&then=copies-return";
    let done = browser.post(&service, &path, form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    assert_eq!(service.app.queue.bank().entry(&hash).unwrap(), None);
    let told = entries(&service).pop().unwrap().entry;
    assert_eq!(told.action.as_str(), "bank-removed");
    assert_eq!(told.after["why"], "a slip of the hand");
    assert_eq!(told.actor.name(), kim.id.as_str());
    keeper::keep(&service.app).await.unwrap();
    assert_eq!(state_of(&service, &copy), ImageState::Public);
    let gone = browser.get(&service, &path).await;
    gone.assert_problem(404, "not-found");
}

#[tokio::test]
async fn the_last_page_of_the_list_is_never_empty() {
    let service = service();
    let browser = logged_in(&service, "kim", Role::SeniorModerator);
    let add = |n: u8| {
        let entry = BankEntry {
            hash: BankHash::Sha256([n; 32]),
            policy: BankPolicy::Queue,
            against: Policy::Spam,
            reason: Note::default(),
            added_by: "operator".to_owned(),
            added_at_ms: 7,
            image: None,
        };
        let bank = service.app.queue.bank();
        bank.add(&Actor::Operator, &entry, 7).unwrap();
    };
    (0..80).for_each(add);
    let n_shown = |page: &Answer| page.text().matches("<code class=\"hash\">").count();
    for n_last in [40, 1] {
        let (mut path, mut counts) = ("/staff/bank".to_owned(), Vec::new());
        loop {
            let page = browser.get(&service, &path).await;
            counts.push(n_shown(&page));
            match between(page.text(), "href=\"/staff/bank?after=", "\"") {
                Some(after) => path = format!("/staff/bank?after={after}"),
                None => break,
            }
        }
        assert_eq!(counts.last(), Some(&n_last), "{counts:?}");
        add(200);
    }
}

#[tokio::test]
async fn a_hash_is_added_by_form() {
    let service = service();
    let id = uploaded(&service).await;
    let kim = account(&service, "kim", Role::SeniorModerator);
    let browser = session_of(&service, &kim, |_| {});
    let hash = hash_of(&service, &id);
    let form = format!("hash={hash}&policy=refuse&against=illegal&reason=a+list");
    let stale = session_of(&service, &kim, |session| {
        session.factor_at_ms -= 6 * 60_000;
    });
    let asked = stale.post(&service, "/staff/bank", &form).await;
    assert_asks_for_factor(&asked, "/staff/bank");
    let carried = format!("name=\"hash\" value=\"{hash}\"");
    assert!(asked.text().contains(&carried), "{}", asked.text());
    let proof = format!("{form}&code={}", code(0));
    let step = "/staff/step-up?to=%2Fstaff%2Fbank";
    let on = stale.post(&service, step, &proof).await;
    assert_eq!(on.status, StatusCode::TEMPORARY_REDIRECT, "{}", on.text());
    let added = stale
        .post(&service, on.header(header::LOCATION), &proof)
        .await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.text());
    keeper::keep(&service.app).await.unwrap();
    assert_eq!(state_of(&service, &id), ImageState::Blocked);
    let wrong = "hash=12&policy=refuse&against=illegal";
    let refused = browser.post(&service, "/staff/bank", wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("That is no hash"));
    let home = browser.get(&service, "/staff").await;
    for link in ["href=\"/staff/bank\"", "href=\"/staff/rules\""] {
        assert!(home.text().contains(link), "{link}");
    }
    let moderator = logged_in(&service, "moe", Role::Moderator);
    let home = moderator.get(&service, "/staff").await;
    assert!(!home.text().contains("/staff/bank"));
    let refused = moderator.get(&service, "/staff/bank").await;
    refused.assert_problem(403, "staff-not-permitted");
}
