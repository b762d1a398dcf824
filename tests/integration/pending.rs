//! A classification that comes too late: the upload counts, the image waits.

use std::time::Duration;

use imgshare_tests::client::Client;
use imgshare_tests::deadline::wait_for;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::Picture;
use imgshare_tests::response::Response;
use serde_json::Value;

/// No network answers in a millisecond on any processor this runs on.
const TOO_LATE: (&str, &str) = ("IMGSHARE_PIPELINE_CLASSIFY_DEADLINE_MS", "1");

const RESCANNED_WITHIN: Duration = Duration::from_secs(60);

#[test]
fn p03_what_could_not_be_classified_is_scanned_after_the_next_start() {
    let installation = Installation::new();
    let server = installation.serve_with(&[TOO_LATE]);
    let uploaded = server
        .client()
        .upload("a.png", &Picture::scene(300, 200, 1).png())
        .expect(202);
    assert_eq!(uploaded.field("state"), "pending");
    assert!(uploaded.json()["label"].is_null() && uploaded.json()["scores"].is_null());
    server
        .client()
        .get(&uploaded.link("direct_url"))
        .expect_problem(404, "not-found");
    let viewer = server
        .client()
        .get(&uploaded.link("url"))
        .expect(200)
        .text();
    assert!(viewer.contains("Still being checked"), "{viewer}");
    assert!(!viewer.contains(&uploaded.link("direct_url")), "{viewer}");
    server.kill();

    let server = installation.serve();
    let facts = wait_for_state(server.client(), &uploaded, "public");
    assert!(
        facts["label"].is_string() && facts["scores"].is_object(),
        "{facts}"
    );
    let _ = server
        .client()
        .get(&uploaded.link("direct_url"))
        .expect(200);
    server.stop();
}

#[test]
fn p03_what_can_never_be_classified_stays_hidden() {
    let installation = Installation::new();
    let server = installation.serve_with(&[
        TOO_LATE,
        ("IMGSHARE_PIPELINE_RESCAN_SECONDS", "1"),
        ("IMGSHARE_PIPELINE_RESCAN_ATTEMPTS_MAX", "2"),
    ]);
    let client = server.client();
    let uploaded = client
        .upload("a.png", &Picture::scene(300, 200, 2).png())
        .expect(202);
    let facts = wait_for_state(client, &uploaded, "scan-failed");
    assert!(facts["label"].is_null(), "{facts}");
    client
        .get(&uploaded.link("direct_url"))
        .expect_problem(404, "not-found");
    client
        .get(&uploaded.link("thumbnail_url"))
        .expect_problem(404, "not-found");
    let token = uploaded.field("delete_token");
    let _ = client
        .delete(&uploaded.field("id"), Some(&token))
        .expect(204);
    server.stop();
}

fn wait_for_state(client: Client, uploaded: &Response, state: &str) -> Value {
    let address = format!("/api/v1/images/{}", uploaded.field("id"));
    wait_for(&format!("state {state}"), RESCANNED_WITHIN, || {
        let facts = client.get(&address).expect(200).json();
        (facts["state"] == state).then_some(facts)
    })
}
