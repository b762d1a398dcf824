//! Images that could not be classified in time.

use imgshare_storage::moderation::{
    Claim, Flag, Lane, Moderator, Note, Reason, Verdict, upload_rate,
};
use imgshare_storage::staff::{Role, StaffId};

use super::*;
use crate::{clock, rescan};

async fn pending(oracle: &Oracle, mut settings: Settings) -> (Service, Value) {
    settings.pipeline.rescan_seconds = 1;
    let service = Service::start(oracle, settings);
    let answer = service.upload(&photo()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    (service, answer.json())
}

#[tokio::test]
async fn a_pending_image_is_known_and_hidden_until_it_is_classified() {
    let oracle = Oracle::failing();
    let (service, image) = pending(&oracle, Settings::default()).await;
    assert_eq!(
        (&image["state"], &image["label"]),
        (&"pending".into(), &Value::Null)
    );
    let (page, direct) = (path_of(&image["url"]), path_of(&image["direct_url"]));
    let facts_path = format!("/api/v1/images/{}", image["id"].as_str().unwrap());
    assert_eq!(service.get(&facts_path).await.json()["state"], "pending");
    assert_eq!(service.browse(page).await.status, StatusCode::OK);
    service.get(direct).await.assert_problem(404, "not-found");
    service
        .get(path_of(&image["thumbnail_url"]))
        .await
        .assert_problem(404, "not-found");

    oracle.set(SAFE);
    rescan::rescan_all(&service.app).await.unwrap();
    let facts = service.get(&facts_path).await.json();
    assert_eq!(
        (&facts["state"], &facts["label"]),
        (&"public".into(), &"safe".into())
    );
    assert_eq!(service.get(direct).await.status, StatusCode::OK);
}

#[tokio::test]
async fn tries_are_bounded() {
    let mut settings = Settings::default();
    settings.pipeline.rescan_attempts_max = 1;
    let (service, image) = pending(&Oracle::failing(), settings).await;
    rescan::rescan_all(&service.app).await.unwrap();
    let facts = service
        .get(&format!("/api/v1/images/{}", image["id"].as_str().unwrap()))
        .await;
    assert_eq!(facts.json()["state"], "scan-failed");
    service
        .get(path_of(&image["direct_url"]))
        .await
        .assert_problem(404, "not-found");
}

#[tokio::test]
async fn a_pending_image_can_be_deleted() {
    let oracle = Oracle::failing();
    let (service, image) = pending(&oracle, Settings::default()).await;
    let request = Request::delete(format!("/api/v1/images/{}", image["id"].as_str().unwrap()))
        .header(
            header::AUTHORIZATION,
            format!("Bearer {}", image["delete_token"].as_str().unwrap()),
        );
    let deleted = service.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    oracle.set(SAFE);
    rescan::rescan_all(&service.app).await.unwrap();
    assert_eq!(service.n_stored(), 0);
}

/// The rate is known after a restart too: it lies in the store.
#[tokio::test]
async fn a_rule_over_the_upload_rate_is_asked_when_an_image_is_classified_later() {
    let mut settings = Settings::default();
    settings.moderation.sample_rate = 0.0;
    settings.moderation.rules = serde_json::from_value(serde_json::json!([
        {"name": "busy", "outcome": "review", "when": {"uploads-per-minute": {"at-least": 2}}},
    ]))
    .unwrap();
    let oracle = Oracle::failing();
    let (service, first) = pending(&oracle, settings).await;
    let second = service.upload(&photo()).await.json();
    let store = &*service.app.store;
    let id = |image: &Value| image["id"].as_str().unwrap().parse().unwrap();
    let rate = |image: &Value| upload_rate(store, &id(image)).unwrap();
    assert_eq!((rate(&first), rate(&second)), (1, 2));
    oracle.set(SAFE);
    rescan::rescan_all(&service.app).await.unwrap();
    let state = |image: &Value| store.find(&id(image)).unwrap().unwrap().state;
    assert_eq!(state(&first), imgshare_storage::State::Public);
    assert_eq!(state(&second), imgshare_storage::State::Review);
    assert_eq!((rate(&first), rate(&second)), (0, 0), "it is known no more");
}

#[tokio::test]
async fn without_such_a_rule_no_rate_is_kept() {
    let (service, image) = pending(&Oracle::failing(), Settings::default()).await;
    let id = image["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(upload_rate(&*service.app.store, &id).unwrap(), 0);
}

#[tokio::test]
async fn what_people_have_in_hand_is_not_published_by_the_classifier() {
    for to in [Lane::ChildSafety, Lane::Senior] {
        let oracle = Oracle::failing();
        let (service, image) = pending(&oracle, Settings::default()).await;
        let id: imgshare_storage::ImageId = image["id"].as_str().unwrap().parse().unwrap();
        let (queue, now_ms) = (&service.app.queue, clock::now_ms());
        let who = Moderator {
            id: StaffId::random().unwrap(),
            role: Role::Moderator,
        };
        queue.flag(&id, &Flag::new(Reason::Report), now_ms).unwrap();
        let job = queue.claim(&who, &Lane::ALL, &id, now_ms).unwrap();
        let claim = Claim {
            image: id,
            lease: job.lease().unwrap().token.clone(),
            version: job.version,
        };
        let note = Note::default();
        let passed_on = Verdict::Escalate { to, note };
        queue.decide(&who, &claim, &passed_on, now_ms).unwrap();
        oracle.set(SAFE);
        rescan::rescan_all(&service.app).await.unwrap();
        let record = service.app.store.find(&id).unwrap().unwrap();
        assert_eq!(record.state, imgshare_storage::State::Review, "{to:?}");
        service
            .get(path_of(&image["direct_url"]))
            .await
            .assert_problem(404, "not-found");
    }
}
