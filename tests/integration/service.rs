//! What operators look at: liveness, readiness, metrics, the contract, the
//! settings and the log.

use std::time::Duration;

use imgshare_tests::binary;
use imgshare_tests::deadline::wait_for;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::Picture;
use serde_json::Value;

const SOON: Duration = Duration::from_secs(30);

#[test]
fn a_ready_server_names_its_device() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    assert_eq!(client.get("/healthz").expect(200).text().trim(), "ok");
    let ready = client.get("/readyz").expect(200).json();
    assert_eq!(ready["ready"], true);
    assert!(
        ready["device"]
            .as_str()
            .is_some_and(|device| device.contains("cpu")),
        "{ready}"
    );
    assert_eq!(ready["models"], serde_json::json!(["mobilenet_v2"]));
    let log = server.log();
    let address = client.request_head("GET", "/", &[]);
    let host = address
        .lines()
        .nth(1)
        .and_then(|line| line.strip_prefix("Host: "));
    assert!(
        log.contains(&format!("http://{}", host.expect("a host"))),
        "{log}"
    );
    assert!(log.contains("cpu"), "the log names what classifies: {log}");
}

#[test]
fn metrics_count_and_stay_on_their_own_listener() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let _ = client
        .upload("a.png", &Picture::scene(30, 30, 1).png())
        .expect(201);
    let _ = client.upload("b.png", b"no picture");
    client.get("/metrics").expect_problem(404, "not-found");
    let metrics = server.metrics_client().get("/metrics").expect(200);
    assert!(metrics.expect_header("content-type").contains("text"));
    let text = metrics.text();
    for line in text.lines() {
        let is_sample = line
            .rsplit_once(' ')
            .is_some_and(|(_, value)| value.parse::<f64>().is_ok());
        assert!(line.starts_with('#') || is_sample, "{line}");
    }
    for (sample, value) in [
        ("imgshare_pipeline_images_total{outcome=\"scored\"}", 1.0),
        ("imgshare_problems_total{code=\"unsupported-format\"}", 1.0),
        ("imgshare_pipeline_images_in_flight", 0.0),
    ] {
        // The pipeline counts an image, and lets go of it, just after its answer.
        wait_for(sample, SOON, || {
            (server.metric(sample) == Some(value)).then_some(())
        });
    }
}

#[test]
fn the_contract_lists_every_route_of_the_api() {
    let installation = Installation::new();
    let server = installation.serve();
    let contract = server.client().get("/openapi.json").expect(200).json();
    assert!(
        contract["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3."))
    );
    for (path, method) in [
        ("/api/v1/images", "post"),
        ("/api/v1/images/{id}", "get"),
        ("/api/v1/images/{id}", "delete"),
        ("/healthz", "get"),
        ("/readyz", "get"),
        ("/i/{id}", "get"),
        ("/i/{id}/{variant}", "get"),
    ] {
        let operation = &contract["paths"][path][method];
        assert!(
            operation["responses"].is_object(),
            "{method} {path} in {contract:#}"
        );
    }
    assert_references_resolve(&contract, &contract);
}

fn assert_references_resolve(contract: &Value, part: &Value) {
    match part {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                let pointer = reference.strip_prefix('#').expect("references stay inside");
                assert!(contract.pointer(pointer).is_some(), "{reference}");
            }
            members
                .values()
                .for_each(|member| assert_references_resolve(contract, member));
        }
        Value::Array(items) => {
            items
                .iter()
                .for_each(|item| assert_references_resolve(contract, item));
        }
        _ => {}
    }
}

#[test]
fn p04_the_log_names_no_image_and_no_token() {
    let installation = Installation::new();
    let server = installation.serve_with(&[("IMGSHARE_LOG_LEVEL", "debug")]);
    let client = server.client();
    let uploaded = client
        .upload("my-secret-holiday.png", &Picture::scene(30, 30, 2).png())
        .expect(201);
    let (id, token) = (uploaded.field("id"), uploaded.field("delete_token"));
    let _ = client.get(&uploaded.link("direct_url")).expect(200);
    let _ = client.get(&format!("/{id}?from=secret-place")).expect(200);
    let _ = client.delete(&id, Some(&token)).expect(204);
    let log = server.stop();
    assert!(
        log.contains("/api/v1/images"),
        "requests are logged by their route: {log}"
    );
    for secret in [
        "my-secret-holiday",
        "secret-place",
        token.as_str(),
        "127.0.0.1:5",
        &id,
    ] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[test]
fn a_log_for_machines_is_json_line_by_line() {
    let installation = Installation::new();
    let server = installation.serve_with(&[("IMGSHARE_LOG_FORMAT", "json")]);
    let _ = server.client().get("/").expect(200);
    let log = server.stop();
    let entries: Vec<Value> = log
        .lines()
        .filter(|line| line.starts_with('{'))
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert!(entries.iter().any(|entry| entry["route"] == "/"), "{log}");
}

#[test]
fn config_prints_the_settings_in_force() {
    let installation = Installation::without_weights();
    let file = installation.scratch().join("imgshare.toml");
    std::fs::write(&file, "[limits]\nframes_max = 7\nside_px_max = 800\n")
        .expect("scratch is writable");
    let settings = [("IMGSHARE_LIMITS_SIDE_PX_MAX", "900")];
    let printed = installation
        .run_with(&["config"], &settings)
        .expect_success()
        .stdout;
    for line in [
        "frames_max = 7",
        "side_px_max = 900",
        "pixels_max = 50000000",
    ] {
        assert!(printed.contains(line), "{line} in {printed}");
    }
    let wrong = [("IMGSHARE_LIMITS_SIDE_PIXELS", "900")];
    let refused = installation.run_with(&["config"], &wrong).expect_refusal();
    assert!(
        refused.stderr.contains("IMGSHARE_LIMITS_SIDE_PIXELS"),
        "{refused:#?}"
    );
}

#[test]
fn every_command_explains_itself() {
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["classify", "--help"],
        &["models", "--help"],
        &["models", "pull", "--help"],
        &["bench", "--help"],
        &["repair", "--help"],
        &["config", "--help"],
    ] {
        let help = binary::run(binary::command().args(arguments), SOON)
            .expect_success()
            .stdout;
        assert!(help.contains("Usage"), "{arguments:?}: {help}");
    }
    let unknown = binary::run(binary::command().arg("frobnicate"), SOON).expect_refusal();
    assert!(unknown.stderr.contains("Usage"), "{unknown:#?}");
}
