//! What is kept of requests: markers go in where visitors can put them, and
//! every byte on the disk is looked through.

use std::time::Duration;

use imgshare_tests::client::Client;
use imgshare_tests::data_dir;
use imgshare_tests::deadline::wait_for;
use imgshare_tests::installation::Installation;
use imgshare_tests::multipart::{self, FormPart};
use imgshare_tests::picture::Picture;
use imgshare_tests::response::Response;
use serde_json::Value;

const SOON: Duration = Duration::from_secs(30);

const ADDRESS: &str = "203.0.113.177";
const ADDRESS_V6: &str = "2001:db8:1:2:3:4:5:6";

/// The proxy in front is this machine.
const PROXIED: (&str, &str) = ("IMGSHARE_HTTP_TRUSTED_PROXIES", "127.0.0.1");

fn upload(client: Client, filename: &str, headers: &[(&str, &str)]) -> Response {
    let picture = Picture::scene(40, 30, 11).png();
    let body = multipart::body(&[FormPart::file(filename, &picture)]);
    let form = multipart::content_type();
    let headers = [&[("Content-Type", form.as_str())], headers].concat();
    client.request("POST", "/api/v1/images", &headers, &body)
}

/// The lines of the log, once there are `n`.
fn lines(installation: &Installation, n: usize) -> Vec<Value> {
    wait_for("lines of the request log", SOON, || {
        let files = data_dir::files(&installation.data().join("log"));
        let text: String = files
            .iter()
            .map(|file| std::fs::read_to_string(file).expect("the log is text"))
            .collect();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line is JSON"))
            .collect();
        (lines.len() >= n).then_some(lines)
    })
}

#[test]
fn p04_what_visitors_write_stays_where_it_may() {
    let installation = Installation::new();
    let server = installation.serve_with(&[PROXIED, ("IMGSHARE_LOG_LEVEL", "debug")]);
    let client = server.client();
    let from = ("X-Forwarded-For", ADDRESS);
    let agent = ("User-Agent", "Browser/1 MARKERagent");
    let page = "https://user:MARKERpassword@forum.example/thread?q=MARKERquery#MARKERfragment";
    let uploaded = upload(client, "MARKERname.png", &[from, agent, ("Referer", page)]).expect(201);
    let (id, token) = (uploaded.field("id"), uploaded.field("delete_token"));
    let from_v6 = ("X-Forwarded-For", ADDRESS_V6);
    let own_page = format!("http://{}/d/{id}?t=MARKERown", host(client));
    for (path, headers) in [
        (format!("/i/{id}.png"), [from_v6, ("Referer", page)]),
        (
            format!("/{id}?show=MARKERshow"),
            [from, ("Referer", &own_page)],
        ),
        (format!("/MARKERpath/{token}"), [from, agent]),
        (format!("/report/status/{token}"), [from, agent]),
    ] {
        let _ = client.get_with(&path, &headers);
    }
    let bearer = format!("Bearer {token}");
    let headers = [from, ("Authorization", bearer.as_str())];
    let path = format!("/api/v1/images/{id}");
    let _ = client.request("DELETE", &path, &headers, &[]).expect(204);
    // Readiness is asked for with no forwarded address.
    let lines = lines(&installation, 7);
    let of = |path: &str| {
        let line = lines.iter().find(|line| line["path"] == path);
        line.unwrap_or_else(|| panic!("{path} in {lines:#?}"))
            .clone()
    };
    let line = of("/api/v1/images");
    assert_eq!(line["method"], "POST");
    assert_eq!(line["status"], 201);
    assert_eq!(line["address"], "203.0.113.0");
    assert_eq!(line["agent"], "Browser/1 MARKERagent");
    assert_eq!(line["referrer"], "https://forum.example/thread");
    assert!(line["ms"].is_number() && line["bytes"].as_u64() > Some(100));
    assert_eq!(of("/i/{id}.png")["address"], "2001:db8:1::");
    assert_eq!(of("/{id}")["referrer"], "/{}/{}");
    assert_eq!(of("(unmatched)")["status"], 404);
    let log = server.stop();

    for secret in [
        "MARKERpassword",
        "MARKERquery",
        "MARKERfragment",
        "MARKERshow",
        "MARKERown",
        "MARKERpath",
        ADDRESS,
        ADDRESS_V6,
        &token,
    ] {
        let found = data_dir::files_containing(installation.data(), secret);
        assert!(found.is_empty(), "{secret} is in {found:?}");
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    // The agent is in the log alone, the name in the database alone, the id not
    // in the log.
    let files = |text| data_dir::files_containing(installation.data(), text);
    let log_dir = installation.data().join("log");
    assert!(
        files("MARKERagent")
            .iter()
            .all(|file| file.starts_with(&log_dir))
    );
    assert_eq!(files("MARKERagent").len(), 1);
    for text in ["MARKERname", &id] {
        assert!(
            files(text).iter().all(|file| !file.starts_with(&log_dir)),
            "{text}"
        );
    }
}

fn host(client: Client) -> String {
    let head = client.request_head("GET", "/", &[]);
    let line = head.lines().find_map(|line| line.strip_prefix("Host: "));
    line.expect("a host").to_owned()
}

#[test]
fn p13b_old_segments_go_when_the_service_starts() {
    let installation = Installation::new();
    let log = installation.data().join("log");
    std::fs::create_dir(&log).expect("a folder can be made");
    for name in ["2020-01-01.jsonl", "2026-13-45.jsonl"] {
        std::fs::write(log.join(name), "{\"agent\":\"MARKERold\"}\n").expect("it can be written");
    }
    let server = installation.serve();
    wait_for("the old segment's end", SOON, || {
        (!log.join("2020-01-01.jsonl").exists()).then_some(())
    });
    assert!(log.join("2026-13-45.jsonl").exists(), "it is no segment");
    let age = "imgshare_oldest_log_age_seconds";
    wait_for("the metric of the log's age", SOON, || {
        server.metric(age).filter(|age| *age < 2.0 * 86_400.0)
    });
    server.stop();
}

#[test]
fn p04_without_a_request_log_nothing_is_written() {
    let installation = Installation::new();
    let server = installation.serve_with(&[("IMGSHARE_LOG_REQUESTS", "false")]);
    let _ = server.client().get("/").expect(200);
    server.stop();
    assert!(!installation.data().join("log").exists());
}

#[test]
fn p04_a_log_that_cannot_be_written_stops_nobody() {
    let mut installation = Installation::new();
    // A file of the test's own stands where the log would.
    installation.leave_uncompared();
    let server = installation.serve();
    let log = installation.data().join("log");
    let _ = server.client().get("/").expect(200);
    wait_for("the first segment", SOON, || {
        (!data_dir::files(&log).is_empty()).then_some(())
    });
    std::fs::remove_dir_all(&log).expect("it can be removed");
    std::fs::write(&log, "in the way").expect("it can be written");
    let lost = "imgshare_request_log_lines_lost_total{why=\"disk\"}";
    wait_for("a lost line that is counted", SOON, || {
        let _ = server.client().get("/").expect(200);
        server.metric(lost).filter(|lost| *lost > 0.0)
    });
    server.stop();
}
