//! Copyright notices and counter-notices, from outside.

use imgshare_storage::moderation::Policy;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::Picture;
use serde_json::{Value, json};

use crate::reports::{decide, post_json};

const NOTICES: &str = "/api/v1/copyright/notices";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn notice(images: &[String]) -> Value {
    json!({
        "images": images,
        "name": "A. Claimant",
        "phone": "+1 555 0100",
        "work": "The photograph \"Evening\"",
        "good_faith": true,
        "accurate": true,
        "signature": "A. Claimant",
    })
}

#[test]
fn a_notice_that_lacks_something_says_what() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let empty = post_json(&client, NOTICES, None, &json!({}));
    empty.expect_problem(422, "form-incomplete");
    assert_eq!(
        empty.json()["flaws"],
        json!([
            "images-missing",
            "work-missing",
            "name-missing",
            "signature-missing",
            "contact-missing",
            "good-faith-missing",
            "accurate-missing"
        ])
    );
    let elsewhere = post_json(
        &client,
        NOTICES,
        None,
        &notice(&["https://other.example/x".into()]),
    );
    assert_eq!(elsewhere.json()["flaws"], json!(["images-invalid"]));
    let unknown = post_json(&client, NOTICES, None, &notice(&["111111111111".into()]));
    unknown.expect_problem(404, "not-found");
    let page = client.request(
        "POST",
        "/copyright/notice",
        &[FORM],
        b"name=%22%3E%3Cscript%3E",
    );
    let page = page.expect(422).text();
    assert!(
        page.contains("Missing: your signature.") && !page.contains("<script>"),
        "{page}"
    );
}

#[test]
fn p07_a_notice_is_decided_and_countered() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let uploads = [1, 2].map(|seed| {
        client
            .upload("a.png", &Picture::scene(64, 64, seed).png())
            .expect(201)
    });
    let links = [uploads[0].field("url"), uploads[1].field("direct_url")];
    let taken = post_json(&client, NOTICES, None, &notice(&links))
        .expect(201)
        .json();
    let receipts: Vec<&str> = taken
        .as_array()
        .expect("a receipt an image")
        .iter()
        .filter_map(|taken| taken["receipt"].as_str())
        .collect();
    assert_eq!(receipts.len(), 2);
    let [id, other] = [&uploads[0], &uploads[1]].map(|uploaded| uploaded.field("id"));
    let token = uploads[0].field("delete_token");
    let counters = format!("/api/v1/images/{id}/counter-notices");
    let counter = json!({"name": "B", "address": "1 Main St", "phone": "1", "signature": "B",
        "mistake": true, "jurisdiction": true});
    post_json(&client, &counters, Some(&token), &counter).expect_problem(409, "not-for-copyright");
    server.stop();
    decide(installation.data(), &[&id, &other], Policy::Copyright);

    let server = installation.serve();
    let client = server.client();
    client
        .get(&format!("/{id}"))
        .expect_problem(410, "image-removed");
    post_json(&client, &counters, None, &counter).expect_problem(401, "delete-token-missing");
    let lacking = post_json(&client, &counters, Some(&token), &json!({"name": "B"}));
    lacking.expect_problem(422, "form-incomplete");
    let taken = post_json(&client, &counters, Some(&token), &counter).expect(201);
    let (from, by) = (taken.field("restore_from"), taken.field("restore_by"));
    assert!(from.len() == 10 && from < by, "{from} {by}");
    post_json(&client, &counters, Some(&token), &counter).expect_problem(409, "objection-open");
    let body = format!("token={token}");
    let shown = client.request("POST", &format!("/m/{id}"), &[FORM], body.as_bytes());
    assert!(shown.expect(200).text().contains(&by));
    for receipt in receipts {
        let status = client
            .get(&format!("/api/v1/reports/{receipt}"))
            .expect(200)
            .json();
        assert_eq!(status["decision"], "removed");
    }
}
