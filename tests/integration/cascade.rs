//! Two models: a small one for everything, a large one for what is in doubt.

use std::collections::HashMap;
use std::path::Path;

use imgshare_tests::cache;
use imgshare_tests::data_dir;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::Picture;
use serde_json::Value;

const SMALL: &str = "mobilenet_v2";
const LARGE: &str = "inception_v3";

#[test]
fn the_large_model_decides_within_the_band_and_only_there() {
    let installation = Installation::new();
    let folder = installation.scratch().join("pictures");
    std::fs::create_dir(&folder).expect("scratch is writable");
    for class in ["porn", "hentai", "sexy"] {
        let name = format!("pattern_scored_{class}.png");
        let fixture = cache::workspace().join("tests/fixtures").join(&name);
        std::fs::copy(fixture, folder.join(&name)).expect("scratch is writable");
    }
    let safe = Picture::scene(320, 240, 1).png();
    std::fs::write(folder.join("safe.png"), safe).expect("scratch is writable");

    let small = classify(&installation, &folder, &[]);
    let large = classify(
        &installation,
        &folder,
        &[("IMGSHARE_MODELS_DEFAULT", LARGE)],
    );
    let mut distances: Vec<f64> = small.values().map(distance_to_a_threshold).collect();
    distances.sort_by(f64::total_cmp);
    // Half of the pictures lie within this band, and half beyond it.
    let band = f64::midpoint(distances[1], distances[2]);
    assert!(
        distances[2] - distances[1] > 0.01,
        "too close to call: {distances:?}"
    );

    let text = format!("{band:.4}");
    let set = [
        ("IMGSHARE_MODELS_CASCADE", LARGE),
        ("IMGSHARE_MODELS_CASCADE_BAND", &text),
    ];
    let both = classify(&installation, &folder, &set);
    for (name, line) in &both {
        let is_doubtful = distance_to_a_threshold(&small[name]) < band;
        let (model, alone) = if is_doubtful {
            (LARGE, &large)
        } else {
            (SMALL, &small)
        };
        assert_eq!(line["model"], model, "{line}");
        assert_eq!(
            line["scores"], alone[name]["scores"],
            "as {model} alone scores it"
        );
    }

    assert_told(&installation, &folder, &set);
    assert_served(&installation, &folder, &set, &both);
}

/// People are told which model decided, where there are two.
fn assert_told(installation: &Installation, folder: &Path, set: &[(&str, &str)]) {
    let arguments = ["classify", &folder.to_string_lossy()];
    let table = |set| {
        installation
            .run_with(&arguments, set)
            .expect_success()
            .stdout
    };
    let (one, two) = (table(&[]), table(set));
    assert!(!one.contains(SMALL), "{one}");
    assert_eq!(two.matches(LARGE).count(), 2, "{two}");
    assert_eq!(two.matches(SMALL).count(), 2, "{two}");
}

/// The service decides the same way, counts it and puts it on record.
fn assert_served(
    installation: &Installation,
    folder: &Path,
    set: &[(&str, &str)],
    expected: &HashMap<String, Value>,
) {
    let server = installation.serve_with(set);
    let log = server.log();
    assert!(
        log.contains(&format!("with {SMALL}, and with {LARGE} where")),
        "{log}"
    );
    let ready = server.client().get("/readyz").expect(200).json();
    assert_eq!(ready["models"], serde_json::json!([SMALL, LARGE]));
    let metrics = server.metrics_client().get("/metrics").expect(200).text();
    for model in [SMALL, LARGE] {
        let sample = format!("imgshare_pipeline_classifier{{model=\"{model}\",device=\"cpu");
        assert!(metrics.contains(&sample), "{metrics}");
    }
    for (name, line) in expected {
        let file = std::fs::read(folder.join(name)).expect("a picture");
        let uploaded = server.client().upload(name, &file).expect(201);
        assert_eq!(uploaded.json()["scores"], line["scores"], "{name}");
        let id = uploaded.field("id");
        let kept = data_dir::files_containing(&installation.data().join("blobs"), LARGE);
        let is_large = kept.iter().any(|path| path.to_string_lossy().contains(&id));
        assert_eq!(is_large, line["model"] == LARGE, "{name}: {kept:?}");
    }
    let counted = |name: &str| server.metric(name);
    assert_eq!(
        counted("imgshare_pipeline_second_opinions_total"),
        Some(2.0)
    );
    assert_eq!(
        counted("imgshare_pipeline_images_total{outcome=\"scored\"}"),
        Some(4.0)
    );
}

fn distance_to_a_threshold(line: &Value) -> f64 {
    let score = |class: &str| line["scores"][class].as_f64().expect("a score is a number");
    let explicit = (score("hentai") + score("porn") - 0.6).abs();
    explicit.min((score("sexy") - 0.9).abs())
}

/// The lines of `imgshare classify --json`, by file name.
fn classify(
    installation: &Installation,
    folder: &Path,
    set: &[(&str, &str)],
) -> HashMap<String, Value> {
    let arguments = ["classify", "--json", &folder.to_string_lossy()];
    let lines = installation
        .run_with(&arguments, set)
        .expect_success()
        .stdout;
    let by_name = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        let path = line["path"].as_str().expect("a path");
        let name = path.rsplit('/').next().unwrap_or(path).to_owned();
        (name, line)
    };
    lines.lines().map(by_name).collect()
}

#[test]
fn a_cascade_needs_another_model() {
    let installation = Installation::new();
    for wrong in [SMALL, "resnet", "on"] {
        let set = [("IMGSHARE_MODELS_CASCADE", wrong)];
        let refused = installation.run_with(&["config"], &set).expect_refusal();
        assert!(
            refused.stderr.contains("models.cascade") && refused.stderr.contains(wrong),
            "{}",
            refused.stderr
        );
    }
    let off = installation.run(&["config"]).expect_success().stdout;
    assert!(off.contains("cascade = \"off\""), "{off}");
}
