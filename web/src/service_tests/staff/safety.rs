//! Reports of child abuse: what one network can hide, and what admins hear.

use serde_json::json;

use super::*;

async fn upload(service: &Service) -> (String, String) {
    let image = service.uploaded(&photo()).await;
    let direct = path_of(&image["direct_url"]).to_owned();
    (image["id"].as_str().unwrap().to_owned(), direct)
}

async fn report(service: &Service, network: u8, id: &str) -> Answer {
    let browser = Browser {
        network,
        ..Browser::default()
    };
    let path = format!("/api/v1/images/{id}/reports");
    let body = json!({"category": "child-abuse"});
    browser.call(service, "POST", &path, body).await
}

#[tokio::test]
async fn one_network_hides_few_images_and_others_go_on() {
    let service = service();
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let (id, direct) = upload(&service).await;
        statuses.push(report(&service, 1, &id).await.status.as_u16());
        let shown = service.get(&direct).await.status.as_u16();
        let expected = if statuses.len() <= 5 { 404 } else { 200 };
        assert_eq!(shown, expected, "{statuses:?}");
    }
    // None of them is refused for it: child safety sees it as ever.
    assert_eq!(statuses, [201; 6]);
    let (id, direct) = upload(&service).await;
    assert_eq!(report(&service, 2, &id).await.status, StatusCode::CREATED);
    service.get(&direct).await.assert_problem(404, "not-found");
}

#[tokio::test]
async fn admins_hear_of_many_hidden_images_and_see_none() {
    let service = service();
    let admin = logged_in(&service, "boss", Role::Admin);
    let page = admin.get(&service, "/staff").await;
    assert!(page.text().contains("Nobody is there for child safety"));
    assert!(!page.text().contains("within an hour"));
    let mut ids = Vec::new();
    for network in 0..20 {
        let (id, _) = upload(&service).await;
        let filed = report(&service, network, &id).await;
        assert_eq!(filed.status, StatusCode::CREATED, "{}", filed.text());
        ids.push(id);
    }
    let page = admin.get(&service, "/staff").await;
    assert!(page.text().contains("hidden 20 images within an hour"));
    assert!(page.text().contains("Waiting for child safety: 20."));
    assert!(ids.iter().all(|id| !page.text().contains(id.as_str())));
    let expert = logged_in(&service, "expert", Role::ChildSafety);
    let theirs = expert.get(&service, "/staff").await;
    assert!(theirs.text().contains("hidden 20 images"));
    let page = admin.get(&service, "/staff").await;
    assert!(!page.text().contains("Nobody is there"));
    let moderator = logged_in(&service, "kim", Role::Moderator);
    let theirs = moderator.get(&service, "/staff").await;
    assert!(!theirs.text().contains("data-notice"));
    service.app.watch_child_safety(true).await;
    let metrics = service.app.metrics.text().unwrap();
    for line in [
        "imgshare_child_safety_accounts 1",
        "imgshare_images_hidden_by_reports_total 20",
        "imgshare_hiding_alarms_total 1",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    // Nothing comes back by itself.
    for id in &ids {
        let record = service.app.store.find(&id.parse().unwrap()).unwrap();
        let state = record.unwrap().state;
        assert_eq!(state, imgshare_storage::State::Review);
    }
}
