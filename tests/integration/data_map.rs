//! The data map and the promises against the sources and the running service.
//! Besides these tests every test that fills a data folder has it compared with
//! the map at its end (`Installation`).

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use imgshare_tests::installation::Installation;
use imgshare_tests::picture::Picture;
use serde_json::Value;
use walkdir::WalkDir;

const CRATES: [&str; 5] = ["kernels", "models", "pipeline", "storage", "web"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust source below these folders.
fn sources<'a>(folders: &'a [&'a str]) -> impl Iterator<Item = (PathBuf, String)> + 'a {
    folders.iter().flat_map(|folder| {
        let files = WalkDir::new(root().join(folder)).into_iter();
        let folders = files.filter_entry(|entry| {
            !["target", "node_modules"].contains(&entry.file_name().to_string_lossy().as_ref())
        });
        folders
            .filter_map(Result::ok)
            .map(walkdir::DirEntry::into_path)
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .map(|path| {
                let text = std::fs::read_to_string(&path).expect("a source is text");
                (path, text)
            })
    })
}

fn json_lines(installation: &Installation, arguments: &[&str]) -> Vec<Value> {
    let printed = installation.run(arguments).expect_success();
    let lines = printed.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect()
}

/// The exit status of `imgshare promises`, and what it says of each.
fn promises(installation: &Installation) -> (Option<i32>, Vec<Value>) {
    let printed = installation.run(&["promises", "--json"]);
    let lines = printed.stdout.lines();
    let promises = lines.map(|line| serde_json::from_str(line).expect("a line is JSON"));
    (printed.status.code(), promises.collect())
}

#[test]
fn p04_the_service_log_has_no_field_that_is_not_in_the_data_map() {
    let installation = Installation::without_weights();
    let rows = json_lines(&installation, &["data-map", "show", "--json"]);
    let row = rows.iter().find(|row| row["id"] == "service-log").unwrap();
    let listed: BTreeSet<&str> = row["fields"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|field| field["path"].as_str().unwrap().split('|'))
        .collect();
    let folders = CRATES.map(|name| format!("{name}/src"));
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    let mut met = BTreeSet::new();
    for (path, text) in sources(&folders) {
        for field in logged_fields(&text) {
            assert!(
                listed.contains(field.as_str()),
                "{}: {field}",
                path.display()
            );
            met.insert(field);
        }
    }
    let unused: Vec<&&str> = listed
        .iter()
        .filter(|field| !met.contains(**field))
        .collect();
    assert!(
        unused.is_empty(),
        "in the map, but never logged: {unused:?}"
    );
}

/// Names of the values that the log lines of a source carry.
fn logged_fields(source: &str) -> BTreeSet<String> {
    let macros = ["error!(", "warn!(", "info!(", "debug!(", "trace!("];
    let begins = macros.iter().flat_map(|name| {
        let found = source.match_indices(name);
        found
            .filter(|(at, _)| source[..*at].ends_with("tracing::"))
            .map(|(at, name)| at + name.len())
    });
    begins
        .flat_map(|begin| fields_of(&source[begin..]))
        .collect()
}

/// Names of the values in a log macro whose arguments begin here.
fn fields_of(arguments: &str) -> Vec<String> {
    let mut fields = Vec::new();
    for part in parts(arguments) {
        let part = part.trim();
        if let Some(message) = part.strip_prefix('"') {
            let names = message.split('{').skip(1);
            let names = names.filter_map(|rest| rest.split(['}', ':']).next());
            fields.extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
            break;
        }
        let name = part.split('=').next().unwrap_or(part).trim();
        let name = name.trim_start_matches(['%', '?']);
        if !part.starts_with("target:") && !name.is_empty() {
            fields.push(name.to_owned());
        }
    }
    fields
}

/// What stands between the commas of a macro's arguments.
fn parts(arguments: &str) -> Vec<String> {
    let (mut depth, mut is_text, mut is_escaped) = (0_u32, false, false);
    let mut parts = vec![String::new()];
    for letter in arguments.chars() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_text => is_escaped = true,
            '"' => is_text = !is_text,
            _ if is_text => {}
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("there is one").push(letter);
    }
    parts
}

#[test]
fn every_promise_has_a_test_and_every_such_test_a_promise() {
    let installation = Installation::without_weights();
    let promises = promises(&installation).1;
    let numbers: BTreeSet<String> = promises
        .iter()
        .map(|promise| promise["promise"].as_str().unwrap().to_lowercase())
        .collect();
    let mut named = BTreeSet::new();
    for (path, text) in sources(&["kernels", "models", "pipeline", "storage", "web", "tests"]) {
        for line in text.lines() {
            let line = line.trim_start().trim_start_matches("async ");
            let Some(name) = line
                .strip_prefix("fn p")
                .and_then(|rest| rest.split('(').next())
            else {
                continue;
            };
            let number = name.split('_').next().unwrap_or_default();
            if !number.starts_with(|digit: char| digit.is_ascii_digit()) {
                continue;
            }
            let number = format!("p{}", number.trim_start_matches('0'));
            let is_whole = number == "p13" || numbers.contains(&number);
            assert!(is_whole, "{}: p{name} proves no promise", path.display());
            named.insert(format!("p{name}"));
        }
    }
    let browser: Vec<String> = WalkDir::new(root().join("tests/browser"))
        .max_depth(1)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".test.mjs"))
        .map(|entry| std::fs::read_to_string(entry.path()).expect("a source is text"))
        .collect();
    for number in &numbers {
        let (digits, part) =
            number[1..].split_at(number[1..].trim_end_matches(char::is_alphabetic).len());
        let prefix = format!("p{digits:0>2}{part}");
        let is_proof = |name: &str| name.split('_').any(|word| word == prefix);
        let is_proved = named.iter().any(|name| is_proof(name))
            || browser
                .iter()
                .any(|text| text.contains(&format!("test(\"{prefix} ")));
        assert!(is_proved, "no test proves {number}");
    }
}

#[test]
fn p05_the_service_sets_no_cookie_that_is_not_in_the_data_map() {
    let installation = Installation::new();
    let rows = json_lines(&installation, &["data-map", "show", "--json"]);
    let cookies: BTreeSet<&str> = rows
        .iter()
        .filter(|row| row["kind"] == "cookie")
        .map(|row| row["place"].as_str().unwrap())
        .collect();
    let server = installation.serve();
    let client = server.client();
    for page in [
        "/",
        "/cookies",
        "/privacy",
        "/privacy/data",
        "/promises",
        "/staff/login",
    ] {
        let answer = client.get(page);
        assert_eq!(answer.header("set-cookie"), None, "{page}");
    }
    let mut names = BTreeSet::new();
    for (path, body) in [
        ("/preferences", "theme=dark&return=/"),
        ("/preferences", "nsfw_filter=off&return=/"),
        ("/preferences", "policy_seen=2026-11-26&return=/"),
        ("/cookies", "choice=accept&return=/"),
    ] {
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        let answer = client
            .request("POST", path, &form, body.as_bytes())
            .expect(303);
        let cookie = answer.expect_header("set-cookie");
        names.extend(cookie.split('=').next().map(str::to_owned));
    }
    assert_eq!(names.len(), 4);
    for name in &names {
        assert!(cookies.contains(name.as_str()), "{name}");
    }
}

#[test]
fn p12_the_pages_show_every_row_and_every_promise() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let picture = Picture::scene(32, 32, 1).png();
    assert_eq!(client.upload("a.png", &picture).status, 201);
    let data = client.get("/privacy/data").expect(200).text();
    for row in json_lines(&installation, &["data-map", "show", "--json"]) {
        let id = row["id"].as_str().unwrap();
        assert!(data.contains(&format!("id=\"{id}\"")), "{id}");
    }
    let page = client.get("/promises").expect(200).text();
    // Asked of the running service, by the command and on the page.
    for promise in promises(&installation).1 {
        let number = promise["promise"].as_str().unwrap();
        assert!(page.contains(&format!("id=\"{number}\"")), "{number}");
        assert_ne!(promise["state"], "not-known", "{number}");
        assert_ne!(promise["state"], "not-kept", "{number}: {promise}");
    }
}

#[test]
fn p16_a_log_that_others_can_open_is_seen_by_the_command_and_on_the_page() {
    let installation = Installation::new();
    let server = installation.serve();
    let state = || {
        let (status, promises) = promises(&installation);
        let of = |number: &str| {
            let found = promises.iter().find(|one| one["promise"] == number);
            found.unwrap()["state"].as_str().unwrap().to_owned()
        };
        (status, of("P16"), of("P4"))
    };
    // What the operator has not filled in is 3, and what is not kept 1.
    let kept = "kept-observed".to_owned();
    assert_eq!(state(), (Some(3), kept.clone(), kept.clone()));
    let log = installation.data().join("log");
    let open = |mode| std::fs::set_permissions(&log, Permissions::from_mode(mode)).unwrap();
    open(0o755);
    assert_eq!(state(), (Some(1), "not-kept".to_owned(), kept.clone()));
    let page = server.client().get("/promises").expect(200).text();
    assert!(
        page.contains("NOT kept: files and folders with data"),
        "{page}"
    );
    open(0o700);
    assert_eq!(state(), (Some(3), kept.clone(), kept.clone()));
    let aside = installation.data().join("tmp/log");
    std::fs::rename(&log, &aside).unwrap();
    assert_eq!(state(), (Some(1), kept, "not-kept".to_owned()));
    std::fs::rename(&aside, &log).unwrap();
}
