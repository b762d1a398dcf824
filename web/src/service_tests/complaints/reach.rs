//! How far a report reaches: past every bound on networks where it is about the abuse
//! of a child, and into the rules that count reports.

use super::*;

/// Twelve images, one network, at once: more than any bound of it.
#[tokio::test]
async fn no_report_of_child_abuse_is_one_too_many() {
    let service = Service::saying(SAFE);
    let mut images = Vec::new();
    for _ in 0..12 {
        images.push(service.an_image().await);
    }
    let state = |image: &Uploaded| {
        let id: ImageId = image.id.parse().unwrap();
        service.app.store.find(&id).unwrap().unwrap().state
    };
    let mut receipts = Vec::new();
    for (n, image) in images.iter().enumerate() {
        let taken = service.report(image, "child-abuse").await;
        assert_eq!(taken.status, StatusCode::CREATED, "{n}: {}", taken.text());
        receipts.push(taken.json()["receipt"].clone());
        let hidden = imgshare_storage::State::Review;
        assert_eq!(state(image) == hidden, n < 5, "{n}");
        let id: ImageId = image.id.parse().unwrap();
        let job = service.app.queue.job(&id).unwrap().unwrap();
        assert_eq!((job.lane, job.n_reports), (Lane::ChildSafety, 1), "{n}");
    }
    // What still is to be seen can be reported again: it is one report.
    let last = images.last().unwrap();
    for _ in 0..20 {
        let again = service.report(last, "child-abuse").await;
        assert_eq!(again.status, StatusCode::CREATED, "{}", again.text());
        assert_eq!(again.json()["receipt"], *receipts.last().unwrap());
    }
    let id: ImageId = last.id.parse().unwrap();
    assert_eq!(service.app.queue.job(&id).unwrap().unwrap().n_reports, 1);
    let path = format!("/report/{}", last.id);
    let page = service
        .send(form(&path, "category=child-abuse".to_owned()))
        .await;
    assert_eq!(page.status, StatusCode::CREATED);
    assert!(!page.text().contains("offline"), "{}", page.text());
}

/// Rules over reports are asked with each of them, and change nothing that people
/// have decided.
#[tokio::test]
async fn a_rule_that_counts_reports_is_asked_with_each() {
    let rule = |name: &str, outcome: &str, at_least: u64| {
        serde_json::json!({
            "name": name, "outcome": outcome, "when": {"reports": {"at-least": at_least}},
        })
    };
    let mut settings = Settings::default();
    settings.moderation.sample_rate = 0.0;
    settings.moderation.rules = serde_json::from_value(serde_json::json!([
        rule("thrice", "review", 3),
        rule("twice", "nsfw", 2),
        {"name": "all", "outcome": "public", "when": {"width": {"at-least": 1}}},
    ]))
    .unwrap();
    let service = Service::start(&Oracle::says(SAFE), settings);
    let image = service.an_image().await;
    let id: ImageId = image.id.parse().unwrap();
    let report_from = async |peer: &str| {
        let path = format!("/api/v1/images/{}/reports", image.id);
        let body = serde_json::json!({"category": "spam", "text": "look at this"});
        let request = json_request(Method::POST, &path, None, &body);
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(Peer::new(peer.parse().unwrap()));
        let taken = service.send(Request::from_parts(parts, body)).await;
        assert_eq!(taken.status, StatusCode::CREATED, "{}", taken.text());
    };
    let facts = format!("/api/v1/images/{}", image.id);
    let label = async || service.get(&facts).await.json()["label"].clone();
    let n_applied = || {
        let entries = imgshare_storage::audit::entries_after(&*service.app.store, 0, 999);
        let entries = entries.unwrap();
        let applied = entries
            .iter()
            .filter(|sealed| sealed.entry.action.as_str() == "rule-applied");
        applied.count()
    };
    assert_eq!(service.get(&image.direct).await.status, StatusCode::OK);
    report_from("192.0.2.1:5000").await;
    assert_eq!((label().await, n_applied()), ("safe".into(), 0));
    // However often one network says it, it is one.
    for port in 5001..5004 {
        report_from(&format!("192.0.2.1:{port}")).await;
    }
    assert_eq!((label().await, n_applied()), ("safe".into(), 0));
    report_from("198.51.100.1:5000").await;
    assert_eq!((label().await, n_applied()), ("nsfw".into(), 1));
    report_from("203.0.113.1:5000").await;
    let direct = service.get(&image.direct).await;
    direct.assert_problem(404, "not-found");
    assert_eq!(n_applied(), 2);
    let job = service.app.queue.job(&id).unwrap().unwrap();
    let told = serde_json::to_string(&job.reasons).unwrap();
    assert!(told.contains("thrice"), "{told}");
    // Who has looked has the last word.
    service.decide(&moderator(Role::Moderator), &image, &Verdict::Safe);
    report_from("[2001:db8::1]:5000").await;
    assert_eq!((label().await, n_applied()), ("safe".into(), 2));
    assert_eq!(service.get(&image.direct).await.status, StatusCode::OK);
}
