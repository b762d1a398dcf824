//! The database may be lost: everything but counters comes back from what lies
//! beside the images.

use std::path::Path;

use imgshare_tests::binary::Finished;
use imgshare_tests::data_dir;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::{Format, Picture};
use imgshare_tests::random::Random;
use imgshare_tests::response::Response;
use serde_json::Value;

struct Before {
    uploads: Vec<(Response, Value, Vec<u8>)>,
    deleted: Response,
}

#[test]
fn a_lost_database_is_rebuilt_from_the_files() {
    let installation = Installation::new();
    let before = fill(&installation);
    std::fs::remove_dir_all(installation.data().join("db")).expect("a database to lose");
    let repaired = installation.run(&["repair"]);
    assert_says_what_is_lost(&repaired);
    let report = format!("{}{}", repaired.stdout, repaired.stderr);
    assert!(
        report.contains(&before.uploads.len().to_string()),
        "{report}"
    );
    assert_all_back(&installation, &before);
}

#[test]
fn a_garbled_database_is_rebuilt_by_repair() {
    let installation = Installation::new();
    let before = fill(&installation);
    garble(&installation.data().join("db"));
    assert_says_what_is_lost(&installation.run(&["repair"]));
    assert_all_back(&installation, &before);
}

#[test]
fn a_server_starts_by_itself_on_a_garbled_database() {
    let installation = Installation::new();
    let before = fill(&installation);
    garble(&installation.data().join("db"));
    assert_all_back(&installation, &before);
}

#[test]
fn repairing_what_is_whole_changes_nothing() {
    let installation = Installation::new();
    let before = fill(&installation);
    let _ = installation.run(&["repair"]).expect_success();
    let _ = installation.run(&["repair"]).expect_success();
    assert_all_back(&installation, &before);
}

#[test]
fn repair_keeps_its_hands_off_a_running_server() {
    let installation = Installation::new();
    let server = installation.serve();
    let uploaded = server
        .client()
        .upload("a", &Picture::scene(32, 32, 1).png())
        .expect(201);
    let _ = installation.run(&["repair"]).expect_refusal();
    let _ = server
        .client()
        .get(&uploaded.link("direct_url"))
        .expect(200);
    server.stop();
}

/// One image of each format, and one that was deleted again.
fn fill(installation: &Installation) -> Before {
    let server = installation.serve();
    let client = server.client();
    let uploads = Format::ALL
        .map(|format| {
            let uploaded = client
                .upload("a", &Picture::scene(80, 60, 1).encode(format))
                .expect(201);
            let served = client.get(&uploaded.link("direct_url")).expect(200).body;
            let facts = client.facts(&uploaded);
            (uploaded, facts, served)
        })
        .into();
    let deleted = client
        .upload("a", &Picture::scene(80, 60, 2).png())
        .expect(201);
    let token = deleted.field("delete_token");
    let _ = client
        .delete(&deleted.field("id"), Some(&token))
        .expect(204);
    server.stop();
    Before { uploads, deleted }
}

/// Every image is back, and nobody knows which accounts and holds there were: a script
/// does not start the service by that status.
fn assert_says_what_is_lost(repaired: &Finished) {
    assert_eq!(repaired.status.code(), Some(1), "{repaired:?}");
    let has_way_back = repaired.stderr.contains("`imgshare restore` brings back");
    assert!(has_way_back, "{repaired:?}");
}

fn assert_all_back(installation: &Installation, before: &Before) {
    let server = installation.serve();
    let client = server.client();
    for (uploaded, facts_before, served) in &before.uploads {
        assert_eq!(&client.facts(uploaded), facts_before);
        assert_eq!(
            &client.get(&uploaded.link("direct_url")).expect(200).body,
            served
        );
        let thumbnail = client.get(&uploaded.link("thumbnail_url"));
        assert_eq!(thumbnail.status, 200, "{}", thumbnail.text());
    }
    client
        .get(&before.deleted.link("direct_url"))
        .expect_problem(404, "not-found");
    let (first, ..) = &before.uploads[0];
    client
        .delete(&first.field("id"), Some("wrong"))
        .expect_problem(403, "delete-token-wrong");
    let _ = client
        .delete(&first.field("id"), Some(&first.field("delete_token")))
        .expect(204);
    let _ = client
        .upload("new", &Picture::scene(32, 32, 3).png())
        .expect(201);
    server.stop();
}

fn garble(folder: &Path) {
    let mut random = Random::seeded(3);
    let files = data_dir::files(folder);
    assert!(!files.is_empty(), "a database has files");
    for file in files {
        let length = std::fs::metadata(&file).expect("a file").len();
        let noise: Vec<u8> = (0..length).map(|_| random.byte()).collect();
        std::fs::write(&file, noise).expect("a file that can be written");
    }
}
