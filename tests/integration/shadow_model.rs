//! A candidate model that looks on while another one acts.

use std::time::Duration;

use imgshare_tests::cache;
use imgshare_tests::client::Client;
use imgshare_tests::data_dir;
use imgshare_tests::deadline::wait_for;
use imgshare_tests::installation::Installation;
use imgshare_tests::server::Server;
use imgshare_tests::staff::Staff;
use serde_json::{Value, json};

const ACTING: &str = "mobilenet_v2";
const CANDIDATE: &str = "mobilenet_v2_mid";

const LOOKED_AT_WITHIN: Duration = Duration::from_secs(120);

const FILES: [&str; 4] = [
    "pattern_scored_porn.png",
    "pattern_scored_hentai.png",
    "pattern_scored_sexy.png",
    "scene.jpg",
];

fn path_of(name: &str) -> std::path::PathBuf {
    cache::workspace().join("tests/fixtures").join(name)
}

/// What one model alone says of every file, by `imgshare classify`.
fn alone(installation: &Installation, model: &str) -> Vec<Value> {
    let paths = FILES.map(|name| path_of(name).to_string_lossy().into_owned());
    let mut arguments = vec!["classify", "--json"];
    arguments.extend(paths.iter().map(String::as_str));
    let run = installation.run_with(&arguments, &[("IMGSHARE_MODELS_DEFAULT", model)]);
    let told = run.expect_success().stdout;
    let lines: Vec<Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    let of = |name: &&str| {
        let is_of = |line: &&Value| {
            line["path"]
                .as_str()
                .is_some_and(|path| path.ends_with(name))
        };
        lines.iter().find(is_of).expect("a line a file").clone()
    };
    FILES.iter().map(of).collect()
}

fn is_nsfw(line: &Value) -> bool {
    let score = |class: &str| line["scores"][class].as_f64().expect("a score");
    score("hentai") + score("porn") >= 0.6 || score("sexy") >= 0.9
}

fn looked_at(server: &Server) -> f64 {
    let sample = "imgshare_pipeline_shadow_images_total{outcome=\"scored\"}";
    server.metric(sample).unwrap_or_default()
}

/// Uploads every file and waits until the candidate has looked at all of them.
fn uploaded(server: &Server, acting: &[Value]) -> Vec<String> {
    let before = looked_at(server);
    let upload = |(name, line): (&&str, &Value)| {
        let file = std::fs::read(path_of(name)).expect("a fixture");
        let answer = server.client().upload(name, &file).expect(201);
        let facts = answer.json();
        assert_eq!(facts["scores"], line["scores"], "{name}: as {ACTING} alone");
        answer.field("id")
    };
    let ids = FILES.iter().zip(acting).map(upload).collect();
    let all = before + 4.0;
    wait_for("the candidate to look", LOOKED_AT_WITHIN, || {
        (looked_at(server) >= all).then_some(())
    });
    ids
}

fn admin(installation: &Installation, client: Client) -> Staff {
    let invited = installation.run(&["admin", "invite", "--role", "admin"]);
    Staff::join(client, &invited.expect_success().stdout, "admin")
}

/// Decides as the candidate would have; whoever acts may be right or wrong.
fn decide(staff: &Staff, image: &str, nsfw: bool) {
    let claim = format!("/staff/api/queue/{image}/claim");
    let claimed = staff.call("POST", &claim, &json!({})).expect(200).json();
    let told = claimed.to_string();
    assert!(
        !told.contains("opinion"),
        "moderators must not see it: {told}"
    );
    let verdict = if nsfw { "nsfw" } else { "safe" };
    let decision = json!({
        "lease": claimed["lease"]["token"],
        "version": claimed["version"],
        "verdict": {"kind": verdict},
    });
    let path = format!("/staff/api/queue/{image}/decide");
    let _ = staff.call("POST", &path, &decision).expect(200);
}

#[test]
fn a_candidate_model_is_compared_and_decides_nothing() {
    let installation = Installation::new();
    let acting = alone(&installation, ACTING);
    let candidate = alone(&installation, CANDIDATE);
    let n_same = acting
        .iter()
        .zip(&candidate)
        .filter(|(one, other)| is_nsfw(one) == is_nsfw(other))
        .count();
    let set = [
        ("IMGSHARE_MODELS_SHADOW", CANDIDATE),
        ("IMGSHARE_MODELS_SHADOW_SHARE", "1"),
        ("IMGSHARE_MODERATION_SAMPLE_RATE", "1"),
    ];
    let server = installation.serve_with(&set);
    let admin = admin(&installation, server.client());
    let ids = uploaded(&server, &acting);
    let path = "/staff/api/shadow-model";
    let known = admin.get(path).expect(200).json();
    assert_eq!(known["run"]["model"], CANDIDATE, "{known}");
    assert_eq!(known["run"]["beside"], json!([ACTING]), "{known}");
    assert_eq!(known["compared"]["n_compared"], 4, "{known}");
    assert_eq!(known["compared"]["n_same_label"], n_same, "{known}");
    // No image's record has its name, let alone its scores.
    let blobs = installation.data().join("blobs");
    assert!(data_dir::files_containing(&blobs, CANDIDATE).is_empty());

    for (id, line) in ids.iter().zip(&candidate).take(3) {
        decide(&admin, id, is_nsfw(line));
    }
    let known = admin.get(path).expect(200).json();
    assert_eq!(known["compared"]["n_decided"], 3, "{known}");
    assert_eq!(known["compared"]["n_right"][1], 3, "{known}");
    let page = admin.get("/staff/learning").expect(200).text();
    for words in [
        "<code>mobilenet_v2_mid</code> looks at 100 % of the uploads beside mobilenet_v2",
        "4 uploads compared",
        "3 of them were decided",
        "models.default = &#34;mobilenet_v2_mid&#34;",
    ] {
        let words = words.replace("&#34;", "\"");
        assert!(
            page.replace("&#34;", "\"").contains(&words),
            "{words}: {page}"
        );
    }
    let told = installation.run(&["rules", "shadow-model"]);
    let told = told.expect_success().stdout;
    assert!(told.contains("4 uploads compared"), "{told}");
    server.stop();

    // It goes on where it was, and what it told ends in the audit.
    let server = installation.serve_with(&set);
    let _ = uploaded(&server, &acting);
    let told = installation.run(&["rules", "shadow-model"]);
    let told = told.expect_success().stdout;
    assert!(told.contains("8 uploads compared"), "{told}");
    server.stop();
    let server = installation.serve();
    assert_eq!(looked_at(&server), 0.0);
    server.stop();
    let told = installation.run(&["rules", "shadow-model"]);
    let told = told.expect_success().stdout;
    assert!(told.contains("no candidate model"), "{told}");
    let audit = installation.run(&["audit", "export"]);
    let audit = audit.expect_success().stdout;
    let ended = audit
        .lines()
        .find(|line| line.contains("shadow-model-ended"))
        .expect("its end is in the audit");
    assert!(ended.contains("\"n_compared\":8"), "{ended}");
}

#[test]
fn a_candidate_that_is_damaged_keeps_no_service_from_starting() {
    // Files of its own: those that tests share stay whole.
    let installation = Installation::without_weights();
    let models = installation.data().join("models");
    std::fs::create_dir(&models).expect("the folder is writable");
    for model in [ACTING, CANDIDATE] {
        for ending in ["safetensors", "safetensors.sha256", "LICENSE"] {
            let name = format!("{model}.{ending}");
            let from = cache::models().join(&name);
            std::fs::copy(from, models.join(&name)).expect("the weights are installed");
        }
    }
    let weights = models.join(format!("{CANDIDATE}.safetensors"));
    std::fs::write(weights, b"nothing of the kind").expect("the folder is writable");
    let server = installation.serve_with(&[("IMGSHARE_MODELS_SHADOW", CANDIDATE)]);
    assert!(server.log().contains("cannot look on"), "{}", server.log());
    let admin = admin(&installation, server.client());
    let file = std::fs::read(path_of("scene.jpg")).expect("a fixture");
    let _ = server.client().upload("scene.jpg", &file).expect(201);
    let page = admin.get("/staff/learning").expect(200).text();
    assert!(page.contains("it does not run"), "{page}");
}

#[test]
fn a_candidate_must_be_another_model() {
    let installation = Installation::new();
    for wrong in [ACTING, "resnet", "on"] {
        let refused = installation.run_with(&["config"], &[("IMGSHARE_MODELS_SHADOW", wrong)]);
        let told = refused.expect_refusal().stderr;
        assert!(told.contains("models.shadow"), "{told}");
    }
    let share = [("IMGSHARE_MODELS_SHADOW_SHARE", "1.5")];
    let told = installation.run_with(&["config"], &share).expect_refusal();
    assert!(
        told.stderr.contains("models.shadow_share"),
        "{}",
        told.stderr
    );
}
