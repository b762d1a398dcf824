//! Where moderators work, over HTTP.

use imgshare_storage::moderation::{Flag, Lane, Reason};
use imgshare_storage::{ImageId, PerceptualHash};
use serde_json::json;

use super::*;

/// Near the threshold, so that it is queued.
const BORDERLINE: Scores = Scores::from_array([0.1, 0.3, 0.25, 0.3, 0.05]);

#[tokio::test]
async fn a_preview_shows_staff_what_the_public_may_not_see() {
    let service = Service::saying(BORDERLINE);
    let id = uploaded(&service).await;
    let hiding = Flag::new(Reason::Report).hiding();
    service
        .app
        .queue
        .flag(&id, &hiding, clock::now_ms())
        .unwrap();
    let public = service.get(&format!("/i/{id}/thumb.jpg")).await;
    public.assert_problem(404, "not-found");
    let path = format!("/staff/preview/{id}");
    service
        .get(&path)
        .await
        .assert_problem(401, "staff-session-missing");
    let browser = logged_in(&service, "kim", Role::Moderator);
    let mut bodies = Vec::new();
    for look in ["veiled", "small", "clear", "original"] {
        let shown = browser.get(&service, &format!("{path}?look={look}")).await;
        assert_eq!(shown.status, StatusCode::OK, "{look}");
        assert_eq!(shown.header(header::CACHE_CONTROL), "no-store", "{look}");
        assert_eq!(shown.header(header::CONTENT_TYPE), "image/jpeg", "{look}");
        assert!(!shown.headers.contains_key(header::ETAG), "{look}");
        bodies.push(shown.body);
    }
    assert_ne!(bodies[0], bodies[1]);
    let unasked = browser.get(&service, &path).await;
    assert_eq!(unasked.body, bodies[0]);
    let wrong = browser.get(&service, &format!("{path}?look=all")).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    // What only staff have seen is not public for it.
    let veiled = service.get(&format!("/i/{id}/staff-veiled.jpg")).await;
    veiled.assert_problem(404, "not-found");
}

#[tokio::test]
async fn a_preview_is_for_the_lane_that_it_lies_in() {
    let service = Service::saying(BORDERLINE);
    let id = uploaded(&service).await;
    let report = Flag {
        lane: Lane::ChildSafety,
        ..Flag::new(Reason::Report)
    };
    service
        .app
        .queue
        .flag(&id, &report, clock::now_ms())
        .unwrap();
    let admin = logged_in(&service, "ada", Role::Admin);
    let expert = logged_in(&service, "expert", Role::ChildSafety);
    for path in [
        format!("/staff/preview/{id}"),
        format!("/staff/api/kin/{id}"),
    ] {
        let refused = admin.get(&service, &path).await;
        refused.assert_problem(404, "not-queued");
        let shown = expert.get(&service, &path).await;
        assert_eq!(shown.status, StatusCode::OK, "{path}");
    }
    expert
        .get(&service, "/staff/grid")
        .await
        .assert_problem(403, "staff-not-permitted");
    let grid = admin.get(&service, "/staff/grid").await;
    assert!(!grid.text().contains("child-safety\">Child"));
    assert!(!grid.text().contains("data-policy=\"child-abuse\""));
    let ours = admin.get(&service, "/staff/queue").await;
    let theirs = expert.get(&service, "/staff/queue").await;
    let (ours, theirs) = (ours.text(), theirs.text());
    assert!(ours.contains("data-lane=\"senior\"") && ours.contains("data-do=\"escalate\""));
    assert!(theirs.contains("is passed on to nobody"));
    assert!(!theirs.contains("data-lane=\"senior\"") && !theirs.contains("data-do=\"escalate\""));
}

#[tokio::test]
async fn kin_are_uploads_with_the_same_bytes() {
    let service = Service::saying(BORDERLINE);
    let (first, second) = (uploaded(&service).await, uploaded(&service).await);
    assert_ne!(first, second);
    let browser = logged_in(&service, "kim", Role::Moderator);
    let path = format!("/staff/api/kin/{first}");
    let kin = browser.get(&service, &path).await.json();
    assert_eq!((&kin["n_same"], &kin["near"]), (&json!(1), &json!(null)));
    assert_eq!(kin["same"][0]["image"], second.as_str());
}

/// Gives an image this likeness. The pictures of these tests are too small and
/// smooth to have one that says enough.
fn look_like(service: &Service, id: &ImageId, hash: [u8; 32], quality: u8) {
    let store = &service.app.store;
    let record = store.find(id).unwrap().unwrap();
    assert_eq!(record.likeness(), None, "{:?}", record.pdq);
    let pdq = Some(PerceptualHash::bare(hash, quality));
    store.update(id, |record| record.pdq = pdq).unwrap();
}

#[tokio::test]
async fn kin_are_images_that_look_alike() {
    let service = Service::saying(BORDERLINE);
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(uploaded(&service).await);
    }
    let near = [0xFF, 0xFF, 0xFF, 0x7F];
    let far = [0xFF, 0xFF, 0xFF, 0xFF];
    let hash = |turned: [u8; 4]| {
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&turned);
        hash
    };
    look_like(&service, &ids[0], hash([0; 4]), 100);
    look_like(&service, &ids[1], hash(near), 50);
    look_like(&service, &ids[2], hash([1, 0, 0, 0]), 100);
    look_like(&service, &ids[3], hash(far), 100);
    look_like(&service, &ids[4], hash([0; 4]), 49);
    look_like(&service, &ids[5], hash([0; 4]), 100);
    let report = Flag {
        lane: Lane::ChildSafety,
        ..Flag::new(Reason::Report)
    };
    let queue = &service.app.queue;
    queue.flag(&ids[5], &report, clock::now_ms()).unwrap();
    let browser = logged_in(&service, "kim", Role::Moderator);
    let kin = async |id: &ImageId| {
        let path = format!("/staff/api/kin/{id}?near=true");
        let kin = browser.get(&service, &path).await.json();
        let near = kin["near"].as_array().unwrap().clone();
        assert_eq!(kin["n_near"], json!(near.len()));
        let pairs = near
            .into_iter()
            .map(|near| (near["image"].clone(), near["distance"].clone()));
        pairs.collect::<Vec<_>>()
    };
    let expected = [(json!(ids[2]), json!(1)), (json!(ids[1]), json!(31))];
    assert_eq!(kin(&ids[0]).await, expected);
    assert_eq!(kin(&ids[4]).await, [], "its own says too little");
    assert_eq!(
        kin(&ids[3]).await,
        [(json!(ids[1]), json!(1)), (json!(ids[2]), json!(31))]
    );
}

#[tokio::test]
async fn forms_alone_will_do() {
    let service = Service::saying(BORDERLINE);
    let id = uploaded(&service).await;
    let browser = logged_in(&service, "kim", Role::Moderator);
    let page = browser.post(&service, "/staff/queue/plain", "").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let field = |name: &str| {
        let before = format!("name=\"{name}\" value=\"");
        between(page.text(), &before, "\"").unwrap().to_owned()
    };
    assert_eq!(field("image"), id.as_str());
    let form = format!(
        "image={id}&lease={}&version={}&act=nsfw",
        field("lease"),
        field("version")
    );
    let decided = browser.post(&service, "/staff/queue/plain", &form).await;
    assert!(decided.text().contains("The last one was marked nsfw."));
    assert!(decided.text().contains("Nothing is claimed."));
    let again = browser.post(&service, "/staff/queue/plain", &form).await;
    assert!(again.text().contains("decided already"), "{}", again.text());
    let half = format!("image={id}&act=remove");
    let refused = browser.post(&service, "/staff/queue/plain", &half).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn forms_say_why_as_well() {
    let service = Service::saying(BORDERLINE);
    let id = uploaded(&service).await;
    let browser = logged_in(&service, "kim", Role::Moderator);
    let page = browser.post(&service, "/staff/queue/plain", "").await;
    let field = |name: &str| {
        let before = format!("name=\"{name}\" value=\"");
        between(page.text(), &before, "\"").unwrap().to_owned()
    };
    let form = format!(
        "image={id}&lease={}&version={}&act=remove&policy=spam&words=an+advert",
        field("lease"),
        field("version")
    );
    let decided = browser.post(&service, "/staff/queue/plain", &form).await;
    assert!(decided.text().contains("The last one was removed."));
    let gone = service.get(&format!("/{id}")).await;
    gone.assert_problem(410, "image-removed");
    assert_eq!(gone.json()["statement"]["reason"], "an advert");
    let too_long = format!("{form}{}", "x".repeat(500));
    let refused = browser
        .post(&service, "/staff/queue/plain", &too_long)
        .await;
    refused.assert_problem(400, "malformed-form");
}

#[tokio::test]
async fn figures_follow_decisions() {
    let service = Service::saying(BORDERLINE);
    let id = uploaded(&service).await;
    let browser = logged_in(&service, "sam", Role::SeniorModerator);
    let none = browser.get(&service, "/staff/api/learning").await.json();
    assert_eq!(
        (&none["n_images"], &none["precision"]),
        (&json!("0"), &json!("not known yet"))
    );
    let path = format!("/staff/api/queue/{id}");
    let call = |path: String, body| {
        let (browser, service) = (&browser, &service);
        async move {
            let request = browser
                .request("POST", &path)
                .header(header::CONTENT_TYPE, "application/json")
                .header("x-csrf-token", &browser.csrf)
                .body(Body::from(Value::to_string(&body)))
                .unwrap();
            service.send(request).await.json()
        }
    };
    let job = call(format!("{path}/claim"), json!(null)).await;
    let decision = json!({
        "lease": job["lease"]["token"], "version": job["version"], "verdict": {"kind": "nsfw"},
    });
    let decided = call(format!("{path}/decide"), decision).await;
    // It would tell what was drawn for the sample.
    assert_eq!(decided["decision"]["counted"], json!(null));
    let known = browser
        .get(&service, "/staff/api/learning?explicit=0.5")
        .await;
    let known = known.json();
    assert_eq!(
        (&known["n_images"], &known["n_queued"]),
        (&json!("1"), &json!("0"))
    );
    assert!(known["precision"].as_str().unwrap().starts_with("100 %"));
    let page = browser.get(&service, "/staff/learning").await;
    assert!(page.text().contains("<polyline"), "{}", page.text());
    let wrong = browser
        .get(&service, "/staff/api/learning?explicit=2")
        .await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_pages_hold_no_inline_script_or_style() {
    let service = Service::saying(BORDERLINE);
    let browser = logged_in(&service, "sam", Role::SeniorModerator);
    for path in ["/staff/queue", "/staff/grid", "/staff/learning"] {
        let page = browser.get(&service, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let text = page.text();
        assert!(
            !text.contains(" style=\"") && !text.contains("<style"),
            "{path}"
        );
        assert!(
            !text.contains(" onclick") && !text.contains("<script>"),
            "{path}"
        );
        assert_eq!(text.matches("<h1").count(), 1, "{path}");
    }
}
