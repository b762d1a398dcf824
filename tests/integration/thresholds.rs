//! Thresholds changed by staff while the service runs.

use std::time::Duration;

use imgshare_tests::cache;
use imgshare_tests::client::Client;
use imgshare_tests::deadline::wait_for;
use imgshare_tests::installation::Installation;
use imgshare_tests::staff::Staff;
use serde_json::{Value, json};

const RELABELLED_WITHIN: Duration = Duration::from_secs(60);

fn join(installation: &Installation, client: Client, role: &str) -> Staff {
    let invited = installation.run(&["admin", "invite", "--role", role]);
    Staff::join(client, &invited.expect_success().stdout, role)
}

fn label(client: Client, image: &str) -> String {
    let facts = client.get(&format!("/api/v1/images/{image}")).expect(200);
    facts.field("label")
}

/// Uploads a safe picture; its id, and thresholds by which it is nsfw.
fn uploaded(client: Client) -> (String, Value) {
    let path = cache::workspace().join("tests/fixtures/scene.jpg");
    let file = std::fs::read(path).expect("a fixture");
    let answer = client.upload("a.jpg", &file).expect(201);
    let facts = answer.json();
    assert_eq!(facts["label"], "safe", "{facts}");
    let score = |class: &str| facts["scores"][class].as_f64().expect("a score");
    let explicit = score("hentai") + score("porn");
    let stricter = json!({"explicit": explicit / 2.0, "sexy": 0.9, "ads": 0.3, "review_band": 0.0});
    (answer.field("id"), stricter)
}

fn wait_until_relabelled(staff: &Staff) -> Value {
    wait_for("what is stored to follow", RELABELLED_WITHIN, || {
        let known = staff.get("/staff/api/thresholds").expect(200).json();
        let last = known["relabelling"].clone();
        last["finished_at_ms"].is_u64().then_some(last)
    })
}

#[test]
fn thresholds_of_the_staff_act_at_once_and_survive_a_restart() {
    let installation = Installation::new();
    let server = installation.serve();
    let admin = join(&installation, server.client(), "admin");
    let moderator = join(&installation, server.client(), "moderator");
    let (image, stricter) = uploaded(server.client());
    let path = "/staff/api/thresholds";
    moderator
        .call("PUT", path, &stricter)
        .expect_problem(403, "staff-not-permitted");
    let wrong = json!({"explicit": 1.5, "sexy": 0.9, "ads": 0.3, "review_band": 0.1});
    admin
        .call("PUT", path, &wrong)
        .expect_problem(422, "thresholds-unusable");
    let previewed = admin.call("POST", &format!("{path}/preview"), &stricter);
    let preview = previewed.expect(200).json();
    let changes = (
        &preview["changes"]["n_seen"],
        &preview["changes"]["n_to_nsfw"],
    );
    assert_eq!(changes, (&json!(1), &json!(1)), "{preview}");
    assert_eq!(label(server.client(), &image), "safe", "it was a preview");

    let set = admin.call("PUT", path, &stricter).expect(200).json();
    assert_eq!(set["in_force"]["from"], "staff", "{set}");
    assert_eq!(label(server.client(), &image), "nsfw");
    let last = wait_until_relabelled(&admin);
    assert_eq!(last["changed"]["n_to_nsfw"], 1, "{last}");
    server.kill();

    let server = installation.serve();
    let client = server.client();
    assert_eq!(label(client, &image), "nsfw");
    let told = installation.run(&["rules", "thresholds"]).expect_success();
    assert!(told.stdout.contains("# set by "), "{}", told.stdout);
    let reset = ["rules", "thresholds", "--reset"];
    let told = installation.run(&reset).expect_success().stdout;
    assert!(
        told.contains("explicit_min = 0.6") && told.contains("# of the settings"),
        "{told}"
    );
    assert_eq!(label(client, &image), "safe");
    let last = wait_until_relabelled(&admin.at(client));
    assert_eq!(last["changed"]["n_to_safe"], 1, "{last}");
    server.stop();
    // The same without the service.
    let told = installation.run(&["rules", "thresholds"]).expect_success();
    assert!(told.stdout.contains("# of the settings"), "{}", told.stdout);
    let audit = installation
        .run(&["audit", "export"])
        .expect_success()
        .stdout;
    for (action, count) in [("thresholds-changed", 2), ("images-relabelled", 2)] {
        let told = audit.matches(&format!("\"{action}\"")).count();
        assert_eq!(told, count, "{action}: {audit}");
    }
    let verified = installation.run(&["audit", "verify"]).expect_success();
    assert!(verified.stdout.starts_with("whole"), "{}", verified.stdout);
}

#[test]
fn a_candidate_only_counts_until_it_is_promoted() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let admin = join(&installation, client, "admin");
    let (before, stricter) = uploaded(client);
    let path = "/staff/api/shadow";
    let unknown = json!({"thresholds": stricter, "model": "none-of-ours"});
    admin
        .call("PUT", path, &unknown)
        .expect_problem(422, "thresholds-unusable");
    let candidate = json!({"thresholds": stricter, "model": "mobilenet_v2"});
    let _ = admin.call("PUT", path, &candidate).expect(200);
    let (image, _) = uploaded(client);
    let known = admin.get(path).expect(200).json();
    let compared = &known["compared"];
    assert_eq!(
        (
            &compared["n_uploads"],
            &compared["nsfw"],
            &compared["n_otherwise"]
        ),
        (&json!(1), &json!([0, 1]), &json!(1)),
        "{known}"
    );
    assert_eq!(label(client, &image), "safe");
    let page = admin.get("/staff/learning").expect(200).text();
    assert!(page.contains("It decides nothing") && page.contains("scores of mobilenet_v2"));

    let promoted = admin.post("/staff/learning/thresholds", "act=promote");
    assert_eq!(
        promoted.expect(303).expect_header("location"),
        "/staff/learning"
    );
    for id in [&before, &image] {
        assert_eq!(label(client, id), "nsfw");
    }
    let _ = wait_until_relabelled(&admin);
    let known = admin.get(path).expect(200).json();
    assert_eq!(known["candidate"], json!(null), "{known}");
    let again = admin.call("DELETE", path, &json!({}));
    again.expect_problem(422, "thresholds-unusable");
    let form = "act=preview&explicit=0.6&sexy=0.9&ads=0.3&band=0.1&candidate_model=";
    let previewed = admin
        .post("/staff/learning/thresholds", form)
        .expect(200)
        .text();
    assert!(previewed.contains("nsfw to safe 2"), "{previewed}");
}
