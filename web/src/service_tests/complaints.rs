//! Reports, removals that say why, and objections, with a moderator at the queue.

mod nulls;
mod reach;

use axum::http::Method;
use imgshare_storage::ImageId;
use imgshare_storage::moderation::{Claim, Lane, Moderator, Note, Policy, Verdict};
use imgshare_storage::staff::{Role, StaffId};

use super::*;
use crate::clock;
use crate::http::address::Peer;

fn json_request(method: Method, path: &str, token: Option<&str>, body: &Value) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    request.body(Body::from(body.to_string())).unwrap()
}

pub(super) fn moderator(role: Role) -> Moderator {
    Moderator {
        id: StaffId::random().unwrap(),
        role,
    }
}

pub(super) fn removal(policy: Policy) -> Verdict {
    Verdict::Remove {
        policy,
        reason: Note::new("as the report says").unwrap(),
        bank: None,
    }
}

pub(super) struct Uploaded {
    pub(super) id: String,
    pub(super) token: String,
    direct: String,
}

impl Service {
    pub(super) async fn an_image(&self) -> Uploaded {
        let image = self.uploaded(&photo()).await;
        let text = |key: &str| image[key].as_str().unwrap().to_owned();
        Uploaded {
            id: text("id"),
            token: text("delete_token"),
            direct: path_of(&image["direct_url"]).to_owned(),
        }
    }

    pub(super) async fn report(&self, image: &Uploaded, category: &str) -> Answer {
        let path = format!("/api/v1/images/{}/reports", image.id);
        let body = serde_json::json!({"category": category, "text": "look at this"});
        self.send(json_request(Method::POST, &path, None, &body))
            .await
    }

    /// As the desk does it, with the caches cleared.
    pub(super) fn decide(&self, who: &Moderator, image: &Uploaded, verdict: &Verdict) {
        let id: ImageId = image.id.parse().unwrap();
        let (queue, now_ms) = (&self.app.queue, clock::now_ms());
        let job = queue.claim(who, &Lane::ALL, &id, now_ms).unwrap();
        let claim = Claim {
            image: id,
            lease: job.lease().unwrap().token.clone(),
            version: job.version,
        };
        queue.decide(who, &claim, verdict, now_ms).unwrap();
        self.app.cache.remove(id);
    }

    async fn manage(&self, image: &Uploaded) -> Answer {
        let body = format!("token={}", image.token);
        self.send(form(&format!("/m/{}", image.id), body)).await
    }
}

#[tokio::test]
async fn a_report_has_a_receipt_that_tells_how_it_stands() {
    let service = Service::saying(SAFE);
    let image = service.an_image().await;
    let filed = service.report(&image, "privacy").await;
    assert_eq!(filed.status, StatusCode::CREATED);
    let receipt = filed.json()["receipt"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/reports/{receipt}");
    let status = service.get(&path).await.json();
    assert_eq!(
        status,
        serde_json::json!({"state": "received", "decision": null, "decided_at": null,
            "now": null})
    );
    let who = moderator(Role::Moderator);
    service.decide(&who, &image, &removal(Policy::Privacy));
    let status = service.get(&path).await.json();
    assert_eq!(
        (&status["state"], &status["decision"]),
        (&"decided".into(), &"removed".into())
    );
    let page = service.browse(&format!("/report/status/{receipt}")).await;
    assert!(page.text().contains("The image was removed."));
    assert!(!page.text().contains(&image.id));
    service
        .get("/api/v1/reports/1111111111111111")
        .await
        .assert_problem(404, "not-found");
    service
        .get("/api/v1/reports/x")
        .await
        .assert_problem(404, "not-found");
}

#[tokio::test]
async fn the_form_alone_reports() {
    let service = Service::saying(SAFE);
    let image = service.an_image().await;
    let path = format!("/report/{}", image.id);
    let viewer = service.browse(&format!("/{}", image.id)).await;
    assert!(viewer.text().contains(&path));
    let asked = service.browse(&path).await;
    assert!(asked.text().contains("value=\"intimate-image\""));
    let unknown = service.browse("/report/111111111111").await;
    assert_eq!(
        asked.text().replace(&image.id, "ID"),
        unknown.text().replace("111111111111", "ID")
    );

    let lacking = service
        .send(form(&path, "text=hello%21&contact=me".to_owned()))
        .await;
    assert_eq!(lacking.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(lacking.text().contains("Missing: a category.") && lacking.text().contains("hello!"));
    let sent = service
        .send(form(&path, "category=spam&text=x".to_owned()))
        .await;
    assert_eq!(sent.status, StatusCode::CREATED);
    assert!(sent.text().contains("/report/status/"));
    let nothing = service
        .send(form("/report/111111111111", "category=spam".to_owned()))
        .await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_network_cannot_flood() {
    let service = Service::saying(SAFE);
    let image = service.an_image().await;
    for _ in 0..10 {
        assert_eq!(
            service.report(&image, "spam").await.status,
            StatusCode::CREATED
        );
    }
    let refused = service.report(&image, "spam").await;
    refused.assert_problem(429, "too-many-complaints");
    let seconds: u64 = refused.header(header::RETRY_AFTER).parse().unwrap();
    let minutes = seconds.div_ceil(60);
    assert!((3..=4).contains(&minutes), "{seconds}");
    let path = format!("/report/{}", image.id);
    let page = service.send(form(&path, "category=spam".to_owned())).await;
    let said = format!("You can send this in {minutes} minutes.");
    assert!(page.text().contains(&said), "{}", page.text());
    assert!(!page.text().contains("try again"), "it is said once");
    // Whoever reports what is done to children is heard all the same.
    for category in ["under-age", "child-abuse"] {
        let heard = service.report(&image, category).await;
        assert_eq!(heard.status, StatusCode::CREATED, "{}", heard.text());
    }
}

#[tokio::test]
async fn what_a_report_lacks_has_codes() {
    let service = Service::saying(SAFE);
    let image = service.an_image().await;
    let lacking = service.report(&image, "nudes").await;
    lacking.assert_problem(422, "form-incomplete");
    assert_eq!(
        lacking.json()["flaws"],
        serde_json::json!(["category-invalid"])
    );
    let path = format!("/api/v1/images/{}/reports", image.id);
    let no_json = Request::post(&path).body(Body::from("x")).unwrap();
    service
        .send(no_json)
        .await
        .assert_problem(400, "malformed-form");
    let long = serde_json::json!({"category": "spam", "text": "x".repeat(100_000)});
    let refused = service
        .send(json_request(Method::POST, &path, None, &long))
        .await;
    refused.assert_problem(400, "malformed-form");
}

#[tokio::test]
async fn child_abuse_is_offline_at_once() {
    let service = Service::saying(SAFE);
    let image = service.an_image().await;
    assert_eq!(
        service.get(&image.direct).await.status,
        StatusCode::OK,
        "now it is in memory"
    );
    assert_eq!(
        service.report(&image, "child-abuse").await.status,
        StatusCode::CREATED
    );
    for path in [image.direct.clone(), format!("/{}", image.id)] {
        service.get(&path).await.assert_problem(404, "not-found");
    }
    let page = service.manage(&image).await;
    assert!(page.text().contains("hidden for now"), "{}", page.text());
    service.decide(&moderator(Role::ChildSafety), &image, &Verdict::Safe);
    assert_eq!(service.get(&image.direct).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_removed_image_says_so_and_why() {
    let service = Service::saying(SAFE);
    let image = service.an_image().await;
    service.report(&image, "privacy").await;
    let who = moderator(Role::Moderator);
    service.decide(&who, &image, &removal(Policy::Privacy));
    let id = &image.id;
    for path in [
        format!("/{id}"),
        image.direct.clone(),
        format!("/i/{id}/thumb.jpg"),
        format!("/api/v1/images/{id}"),
    ] {
        let gone = service.get(&path).await;
        gone.assert_problem(410, "image-removed");
        let statement = &gone.json()["statement"];
        assert_eq!(statement["policy"], "privacy", "{path}");
        assert_eq!(statement["reason"], "as the report says");
        assert_eq!(statement["automated"], false);
        assert_eq!(gone.headers[header::CACHE_CONTROL], "no-store");
    }
    let page = service.browse(&format!("/{id}")).await;
    assert_eq!(page.status, StatusCode::GONE);
    assert!(
        page.text().contains("violates somebody&#39;s privacy"),
        "{}",
        page.text()
    );
    service
        .report(&image, "spam")
        .await
        .assert_problem(410, "image-removed");
    // Purged, it says the same.
    let later = clock::now_ms() + 90 * 86_400_000;
    service.app.queue.purge_due(later, 10).unwrap();
    assert_eq!(service.n_stored(), 0);
    service
        .get(&format!("/{id}"))
        .await
        .assert_problem(410, "image-removed");
}

#[tokio::test]
async fn what_a_rule_blocked_says_so_and_why() {
    let mut settings = Settings::default();
    let rule = r#"{"name": "no-jpeg", "outcome": "blocked", "when": {"frames": {"at-least": 1}}}"#;
    settings.moderation.rules = vec![serde_json::from_str(rule).unwrap()];
    let service = Service::start(&Oracle::says(SAFE), settings);
    let image = service.an_image().await;
    let id = &image.id;
    for path in [
        format!("/{id}"),
        image.direct.clone(),
        format!("/i/{id}/thumb.jpg"),
        format!("/api/v1/images/{id}"),
    ] {
        let gone = service.get(&path).await;
        gone.assert_problem(410, "image-removed");
        let statement = &gone.json()["statement"];
        assert_eq!(statement["restriction"], "removed", "{path}");
        assert_eq!(statement["automated"], true, "{path}");
        assert_eq!(statement["policy"], Value::Null, "{path}");
    }
    let page = service.browse(&format!("/{id}")).await;
    assert_eq!(page.status, StatusCode::GONE);
    assert!(page.text().contains("without a person"), "{}", page.text());
    let page = service.manage(&image).await;
    assert_eq!(page.status, StatusCode::OK);
    // A token that is not its own is told the same as anybody.
    let wrong = Uploaded {
        token: "0".repeat(40),
        ..image
    };
    assert_eq!(service.manage(&wrong).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_legal_order_is_451() {
    let service = Service::saying(SAFE);
    let image = service.an_image().await;
    let id: ImageId = image.id.parse().unwrap();
    let verdict = removal(Policy::LegalOrder);
    let path = format!("/api/v1/images/{}/statement", image.id);
    let who = moderator(Role::Admin);
    service
        .app
        .queue
        .take_down(Some(&who), &id, &verdict, clock::now_ms())
        .unwrap();
    let blocked = service.get(&image.direct).await;
    blocked.assert_problem(451, "legal-order");
    // Which order it is stands in the record, and there is one for everybody to know.
    let said = json_request(Method::GET, &path, Some(&image.token), &Value::Null);
    for statement in [
        blocked.json()["statement"].clone(),
        service.send(said).await.json(),
    ] {
        assert_eq!(statement["has_reference"], true);
        assert_eq!(statement["reason"], "");
    }
    let page = service.manage(&image).await;
    assert!(page.text().contains("its reference is on record here"));
    assert!(!page.text().contains("as the report says"));
    assert_eq!(blocked.headers[header::LINK], "</>; rel=\"blocked-by\"");
}

#[tokio::test]
async fn an_owner_objects_and_somebody_else_decides() {
    let service = Service::saying(SAFE);
    let image = service.an_image().await;
    let appeals = format!("/api/v1/images/{}/appeals", image.id);
    let body = serde_json::json!({"text": "It is mine."});
    let object = |token: Option<&str>| json_request(Method::POST, &appeals, token, &body);
    service
        .send(object(None))
        .await
        .assert_problem(401, "delete-token-missing");
    service
        .send(object(Some("x")))
        .await
        .assert_problem(403, "delete-token-wrong");
    service
        .send(object(Some(&image.token)))
        .await
        .assert_problem(409, "not-restricted");

    let reported = service.report(&image, "illegal").await.json();
    let receipt = reported["receipt"].as_str().unwrap().to_owned();
    let [first, second] = [moderator(Role::Moderator), moderator(Role::Moderator)];
    service.decide(&first, &image, &removal(Policy::Illegal));
    // A stranger with a wrong token learns what every stranger may.
    service
        .send(object(Some("x")))
        .await
        .assert_problem(410, "image-removed");
    let page = service.manage(&image).await;
    assert!(page.text().contains("against the law") && page.text().contains("Object to this"));
    // In words, and once.
    assert_eq!(page.text().matches("as the report says").count(), 1);
    assert!(!page.text().contains("found_by"), "{}", page.text());
    let wrong = service
        .send(form(&format!("/m/{}", image.id), "token=x".to_owned()))
        .await;
    assert_eq!(wrong.status, StatusCode::GONE);
    assert!(wrong.text().contains("This is not its deletion token"));
    let path = format!("/api/v1/images/{}/statement", image.id);
    let asked = json_request(Method::GET, &path, Some(&image.token), &Value::Null);
    assert_eq!(service.send(asked).await.json()["policy"], "illegal");

    let body = format!("token={}&text=It+is+mine.", image.token);
    let sent = service
        .send(form(&format!("/m/{}/appeal", image.id), body.clone()))
        .await;
    assert_eq!(sent.status, StatusCode::OK);
    assert!(sent.text().contains("waits for another moderator"));
    let again = service
        .send(form(&format!("/m/{}/appeal", image.id), body))
        .await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    let id = image.id.parse().unwrap();
    let own = service
        .app
        .queue
        .claim(&first, &Lane::ALL, &id, clock::now_ms())
        .unwrap_err();
    assert_eq!(own.code(), "own-decision");
    service.decide(&second, &image, &Verdict::Safe);
    assert_eq!(service.get(&image.direct).await.status, StatusCode::OK);
    assert!(service.manage(&image).await.text().contains("was granted"));
    // Whoever reported it learns that it is there again.
    let status = service.get(&format!("/api/v1/reports/{receipt}")).await;
    let status = status.json();
    assert_eq!(
        (&status["decision"], &status["now"]),
        (&"removed".into(), &"restored".into())
    );
    let page = service.browse(&format!("/report/status/{receipt}")).await;
    assert!(page.text().contains("is shown again now"));
    // A person has set its label: the classifier is not called sure of it.
    let facts = service.get(&format!("/api/v1/images/{}", image.id)).await;
    let facts = facts.json();
    assert_eq!(
        (&facts["label"], &facts["label_set_by"]),
        (&"safe".into(), &"staff".into())
    );
    assert!(facts["confidence"].is_null() && facts["scores"]["neutral"].is_number());
    let viewer = service.browse(&format!("/{}", image.id)).await;
    assert!(viewer.text().contains("Safe, a person decided"));
}

#[tokio::test]
async fn a_copyright_notice_is_countered() {
    let service = Service::saying(SAFE);
    let image = service.an_image().await;
    let notices = "/api/v1/copyright/notices";
    let empty = json_request(Method::POST, notices, None, &serde_json::json!({}));
    let lacking = service.send(empty).await;
    lacking.assert_problem(422, "form-incomplete");
    assert_eq!(lacking.json()["flaws"].as_array().unwrap().len(), 7);
    let notice = format!(
        "images=http%3A%2F%2Fhost{}%0A&work=w&name=n&email=a%40b&signature=n&good_faith=yes&accurate=yes",
        image.direct.replace('/', "%2F")
    );
    let asked = service.browse("/copyright/notice").await;
    assert!(asked.text().contains("512(c)(3)"));
    let sent = service.send(form("/copyright/notice", notice)).await;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text());
    service.decide(
        &moderator(Role::Moderator),
        &image,
        &removal(Policy::Copyright),
    );

    let path = format!("/m/{}/counter-notice", image.id);
    let token = format!("token={}", image.token);
    let asked = service.send(form(&path, token.clone())).await;
    assert!(
        asked.text().contains("penalty of perjury"),
        "{}",
        asked.text()
    );
    // The uploader learns who claims which work, and not how they are reached.
    for page in [&asked, &service.manage(&image).await] {
        assert!(page.text().contains("n claimed on "), "{}", page.text());
        assert!(page.text().contains("the copyright of: “w”"));
        assert!(!page.text().contains("a@b") && !page.text().contains("a&#64;b"));
    }
    let lacking = service
        .send(form(&path, format!("{token}&sent=yes&name=n")))
        .await;
    assert_eq!(lacking.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(lacking.text().contains("Missing: your postal address."));
    let counter = serde_json::json!({"name": "n", "address": "a", "phone": "1", "signature": "n",
        "mistake": true, "jurisdiction": true});
    let counters = format!("/api/v1/images/{}/counter-notices", image.id);
    let request = json_request(Method::POST, &counters, Some(&image.token), &counter);
    let taken = service.send(request).await;
    assert_eq!(taken.status, StatusCode::CREATED);
    let restore_by = taken.json()["restore_by"].as_str().unwrap().to_owned();
    assert!(service.manage(&image).await.text().contains(&restore_by));
    let later = clock::now_ms() + 30 * 86_400_000;
    let complaints = &service.app.reporting.complaints;
    assert_eq!(complaints.restore_due(later, 10).unwrap().images.len(), 1);
    assert_eq!(service.get(&image.direct).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_owners_page_tells_nobody_which_ids_exist() {
    let service = Service::saying(SAFE);
    let image = service.an_image().await;
    let asked = service.browse(&format!("/m/{}", image.id)).await;
    let unknown = service.browse("/m/111111111111").await;
    assert_eq!(
        asked.text().replace(&image.id, "ID"),
        unknown.text().replace("111111111111", "ID")
    );
    let wrong = service
        .send(form(&format!("/m/{}", image.id), "token=x".to_owned()))
        .await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    let nobody = service
        .send(form("/m/111111111111", "token=x".to_owned()))
        .await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    assert!(
        service
            .manage(&image)
            .await
            .text()
            .contains("Nothing restricts this image")
    );
}
