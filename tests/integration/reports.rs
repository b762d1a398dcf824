//! Reports, removals that say why, and objections, from outside.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use imgshare_storage::Store;
use imgshare_storage::moderation::{Bank, Moderator, Note, Policy, Queue, QueueSettings, Verdict};
use imgshare_storage::staff::{Role, StaffId};
use imgshare_tests::client::Client;
use imgshare_tests::data_dir;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::Picture;
use imgshare_tests::response::Response;
use serde_json::{Value, json};

const ACCEPTS_HTML: (&str, &str) = ("Accept", "text/html,*/*;q=0.8");
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("Content-Type", "application/json");

pub(crate) fn post_json(
    client: &Client,
    path: &str,
    token: Option<&str>,
    body: &Value,
) -> Response {
    let bearer = format!("Bearer {}", token.unwrap_or_default());
    let mut headers = vec![JSON];
    if token.is_some() {
        headers.push(("Authorization", &bearer));
    }
    client.request("POST", path, &headers, body.to_string().as_bytes())
}

/// Decides images of a service that is not running, as somebody new.
pub(crate) fn decide(data: &Path, images: &[&str], policy: Policy) {
    let store = Arc::new(Store::open(data).expect("the service has stopped"));
    let bank = Arc::new(Bank::new(Arc::clone(&store)));
    let queue = Queue::new(store, bank, QueueSettings::default());
    let who = Moderator {
        id: StaffId::random().expect("randomness"),
        role: Role::SeniorModerator,
    };
    let verdict = Verdict::Remove {
        policy,
        reason: Note::new("as it was reported").expect("a short text"),
        bank: None,
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock");
    let now_ms = u64::try_from(now.as_millis()).expect("this century");
    for image in images {
        let image = image.parse().expect("an id");
        queue
            .take_down(Some(&who), &image, &verdict, now_ms)
            .expect("a decision");
    }
}

fn upload(client: &Client, seed: u64) -> Response {
    client
        .upload("a.png", &Picture::scene(64, 64, seed).png())
        .expect(201)
}

fn report(client: &Client, id: &str, category: &str) -> Response {
    let path = format!("/api/v1/images/{id}/reports");
    post_json(
        client,
        &path,
        None,
        &json!({"category": category, "text": "zebra-crossing"}),
    )
}

#[test]
fn p07_a_report_survives_a_restart_and_names_nobody() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let uploaded = upload(&client, 1);
    let id = uploaded.field("id");
    let receipt = report(&client, &id, "privacy").expect(201).field("receipt");
    let path = format!("/api/v1/reports/{receipt}");
    let first = client.get(&path).expect(200).json();
    assert_eq!(first["state"], "received");
    let log = server.stop();
    for secret in [receipt.as_str(), "zebra-crossing", id.as_str()] {
        assert!(!log.contains(secret), "{secret} in the log");
    }
    // Neither the address nor a part of it is written with the report.
    let named = data_dir::files_containing(&installation.data().join("db"), "127.0.0");
    assert!(named.is_empty(), "{named:?}");

    let server = installation.serve();
    assert_eq!(server.client().get(&path).expect(200).json(), first);
    server.stop();
    decide(installation.data(), &[&id], Policy::Privacy);
    let server = installation.serve();
    let decided = server.client().get(&path).expect(200).json();
    assert_eq!(
        (&decided["state"], &decided["decision"]),
        (&json!("decided"), &json!("removed"))
    );
}

#[test]
fn p07_removed_says_so_and_deleted_does_not() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let [removed, ordered, deleted] = [11, 12, 13].map(|seed| upload(&client, seed));
    let [removed_id, ordered_id, deleted_id] =
        [&removed, &ordered, &deleted].map(|uploaded| uploaded.field("id"));
    let token = deleted.field("delete_token");
    let _ = client.delete(&deleted_id, Some(&token)).expect(204);
    server.stop();
    decide(installation.data(), &[&removed_id], Policy::Violence);
    decide(installation.data(), &[&ordered_id], Policy::LegalOrder);

    let server = installation.serve();
    let client = server.client();
    for path in ["/{}", "/i/{}.png", "/i/{}/thumb.jpg", "/api/v1/images/{}"] {
        let get = |id: &str| client.get(&path.replace("{}", id));
        get(&removed_id).expect_problem(410, "image-removed");
        get(&ordered_id).expect_problem(451, "legal-order");
        get(&deleted_id).expect_problem(404, "not-found");
        get("111111111111").expect_problem(404, "not-found");
    }
    let page = client.get_with(&format!("/{removed_id}"), &[ACCEPTS_HTML]);
    let text = page.expect(410).text();
    assert!(
        text.contains("This image was removed") && text.contains("cruelty"),
        "{text}"
    );

    // Its owner sees why, and objects.
    let token = removed.field("delete_token");
    let manage = format!("/m/{removed_id}");
    let body = format!("token={token}");
    let shown = client
        .request("POST", &manage, &[FORM], body.as_bytes())
        .expect(200)
        .text();
    assert!(
        shown.contains("as it was reported") && shown.contains("Object to this"),
        "{shown}"
    );
    let appeals = format!("/api/v1/images/{removed_id}/appeals");
    let appeal = json!({"text": "It is a film."});
    let _ = post_json(&client, &appeals, Some(&token), &appeal).expect(202);
    post_json(&client, &appeals, Some(&token), &appeal).expect_problem(409, "objection-open");
    post_json(&client, &appeals, Some("wrong"), &appeal).expect_problem(410, "image-removed");
    let log = server.stop();
    assert!(!log.contains(&token), "a token in the log");
}

#[test]
fn child_abuse_is_offline_at_once_and_cannot_be_destroyed() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let uploaded = upload(&client, 21);
    let (id, direct) = (uploaded.field("id"), uploaded.link("direct_url"));
    let _ = client.get(&direct).expect(200);
    let _ = report(&client, &id, "child-abuse").expect(201);
    client.get(&direct).expect_problem(404, "not-found");
    client
        .get(&format!("/{id}"))
        .expect_problem(404, "not-found");
    let token = uploaded.field("delete_token");
    let _ = client.delete(&id, Some(&token)).expect(204);
    server.stop();
    let left = data_dir::files(&installation.data().join("blobs"));
    let is_left = left.iter().any(|path| path.to_string_lossy().contains(&id));
    assert!(is_left, "evidence must stay: {left:?}");
}

#[test]
fn floods_are_refused_by_network() {
    let installation = Installation::new();
    let server = installation.serve_with(&[("IMGSHARE_HTTP_PROXIES", "1")]);
    let client = server.client();
    let id = upload(&client, 31).field("id");
    let path = format!("/api/v1/images/{id}/reports");
    let body = json!({"category": "spam"}).to_string();
    let report_from = |address: &str| {
        let headers = [JSON, ("X-Forwarded-For", address)];
        client.request("POST", &path, &headers, body.as_bytes())
    };
    for last in 0..10 {
        let _ = report_from(&format!("203.0.113.{last}")).expect(201);
    }
    // The same network, whatever its last octet; what the client claims before
    // the proxy's own entry changes nothing.
    report_from("203.0.113.200").expect_problem(429, "too-many-complaints");
    report_from("8.8.8.8, 203.0.113.200").expect_problem(429, "too-many-complaints");
    let _ = report_from("198.51.100.1").expect(201);
}

#[test]
fn the_report_form_works_without_scripts() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let uploaded = upload(&client, 41);
    let viewer = client
        .get_with(&uploaded.link("url"), &[ACCEPTS_HTML])
        .expect(200)
        .text();
    let path = format!("/report/{}", uploaded.field("id"));
    assert!(viewer.contains(&format!("href=\"{path}\"")), "{viewer}");
    let form = client.get_with(&path, &[ACCEPTS_HTML]).expect(200).text();
    assert!(
        form.contains("method=\"post\"") && form.contains("value=\"child-abuse\""),
        "{form}"
    );
    let again = client
        .request("POST", &path, &[FORM], b"text=%3Cscript%3E")
        .expect(422)
        .text();
    assert!(
        again.contains("Missing: a category.") && again.contains("&#60;script&#62;"),
        "{again}"
    );
    let sent = client
        .request("POST", &path, &[FORM], b"category=other&text=x")
        .expect(201)
        .text();
    let status = sent
        .split("href=\"/report/status/")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("a receipt");
    let shown = client.get_with(&format!("/report/status/{status}"), &[ACCEPTS_HTML]);
    assert!(shown.expect(200).text().contains("was received"));
}
