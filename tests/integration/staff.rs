//! The staff over HTTP and from the command line.

use imgshare_tests::installation::Installation;
use imgshare_tests::staff::Staff;
use imgshare_tests::totp;

fn invite(installation: &Installation, role: &str) -> String {
    let invited = installation.run(&["admin", "invite", "--role", role]);
    invited.expect_success().stdout
}

#[test]
fn an_admin_is_invited_before_and_a_moderator_during_the_service() {
    let installation = Installation::new();
    let link = invite(&installation, "admin");
    let server = installation.serve();
    let log = server.log();
    assert!(
        log.contains("no staff yet: imgshare admin invite --role admin"),
        "{log}"
    );
    let mut admin = Staff::join(server.client(), &link, "boss");
    let while_running = invite(&installation, "moderator");
    assert!(while_running.contains("for 48 hours"), "{while_running}");
    let moderator = Staff::join(server.client(), &while_running, "jane");
    moderator
        .get("/staff/people")
        .expect_problem(403, "staff-not-permitted");
    let used = Staff::stranger(server.client());
    let used = used.get(&imgshare_tests::staff::path_of(&while_running));
    used.expect_problem(404, "staff-invitation-unknown");

    let listed = installation.run(&["admin", "list"]).expect_success().stdout;
    assert!(
        listed.contains("boss") && listed.contains("jane"),
        "{listed}"
    );
    let _ = installation
        .run(&["admin", "disable", "jane"])
        .expect_success();
    moderator
        .get("/staff")
        .expect_problem(401, "staff-session-missing");
    let _ = installation
        .run(&["admin", "disable", "boss"])
        .expect_refusal();
    let _ = installation
        .run(&["admin", "disable", "nobody"])
        .expect_refusal();
    let _ = installation
        .run(&["admin", "enable", "jane"])
        .expect_success();
    let reset = installation
        .run(&["admin", "reset-second-factor", "jane"])
        .expect_success();
    assert!(reset.stdout.contains("/staff/join/"), "{}", reset.stdout);

    // The code that was used to join is used up; the next one is taken.
    let used_up = admin.last_code.clone();
    let used_up = admin.log_in("boss", &used_up);
    assert_eq!(used_up.status, 403, "{}", used_up.text());
    let next = totp::code(&admin.secret, 1);
    let next = admin.log_in("boss", &next);
    assert_eq!(next.status, 303, "{}", next.text());
    let _ = admin.get("/staff/people").expect(200);
    server.stop();
    let log = installation.serve().stop();
    assert!(!log.contains("no staff yet"), "{log}");
    let listed = installation.run(&["admin", "list"]).expect_success().stdout;
    assert!(listed.contains("no second factor"), "{listed}");
}

#[test]
fn what_is_secret_is_kept_nowhere_as_it_is() {
    let installation = Installation::new();
    let link = invite(&installation, "admin");
    let server = installation.serve();
    let admin = Staff::join(server.client(), &link, "boss");
    let log = server.stop();
    let code = imgshare_tests::staff::path_of(&link);
    let code = code.rsplit('/').next().expect("a code");
    let token = admin.cookie.split('=').nth(1).expect("a token");
    let mut stored = log.into_bytes();
    for entry in walkdir::WalkDir::new(installation.data()) {
        let entry = entry.expect("the folder can be read");
        let is_ours = entry.file_type().is_file();
        if is_ours {
            stored.extend(std::fs::read(entry.path()).expect("a file can be read"));
        }
    }
    // The app's secret as the database had it once: 20 bytes in hex.
    let app_secret = totp::hex(&admin.secret);
    for secret in [code, token, imgshare_tests::staff::PASSWORD, &app_secret] {
        let is_there = stored
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!is_there, "{secret}");
    }
}

#[test]
fn the_audit_survives_a_kill_and_shows_what_was_changed_behind_it() {
    let installation = Installation::new();
    let link = invite(&installation, "admin");
    let server = installation.serve();
    let admin = Staff::join(server.client(), &link, "boss");
    for _ in 0..20 {
        let _ = admin
            .post("/staff/people/invite", "role=auditor")
            .expect(200);
    }
    server.kill();
    let verified = installation
        .run(&["audit", "verify"])
        .expect_success()
        .stdout;
    assert!(verified.starts_with("whole: 22 entries"), "{verified}");

    let lines = installation
        .run(&["audit", "export"])
        .expect_success()
        .stdout;
    assert_eq!(lines.lines().count(), 22);
    assert!(lines.lines().all(|line| line.contains("\"hash\":\"")));
    let csv = ["audit", "export", "--format", "csv", "--to", "2000-01-01"];
    let csv = installation.run(&csv).expect_success().stdout;
    assert_eq!(csv.lines().count(), 1, "the header alone: {csv}");

    let file = std::fs::read_dir(installation.data().join("audit"))
        .expect("the audit has its folder")
        .next()
        .expect("it has a file")
        .expect("it can be read")
        .path();
    let text = std::fs::read_to_string(&file).expect("it is text");
    let changed = text.replacen("auditor", "moderator", 1);
    std::fs::write(&file, changed).expect("it can be written");
    let verified = installation.run(&["audit", "verify"]);
    assert_eq!(verified.status.code(), Some(1));
    assert!(
        verified.stdout.contains("not whole: entry 3"),
        "{}",
        verified.stdout
    );
    // Lines that only the files have lost are missed, one side whole or not.
    let kept: Vec<&str> = text.lines().take(17).collect();
    std::fs::write(&file, kept.join("\n") + "\n").expect("it can be written");
    let lost = |first: u64| {
        let verified = installation.run(&["audit", "verify"]);
        assert_eq!(verified.status.code(), Some(1), "{}", verified.stdout);
        let said = format!("not whole: entry {first} (at the end of the files)");
        assert!(verified.stdout.starts_with(&said), "{}", verified.stdout);
    };
    lost(18);
    std::fs::remove_file(&file).expect("it can be removed");
    lost(1);
    std::fs::write(&file, &text).expect("it can be written");

    // A database without its end is one that was put back from a copy.
    std::fs::remove_dir_all(installation.data().join("db")).expect("it can be removed");
    let log = installation.serve().stop();
    assert!(log.contains("had lost entries of the audit"), "{log}");
    let verified = installation
        .run(&["audit", "verify"])
        .expect_success()
        .stdout;
    assert!(verified.starts_with("whole: 23 entries"), "{verified}");

    // The service says how far the files must go, while it runs.
    let server = installation.serve();
    let verified = installation.run(&["audit", "verify"]).expect_success();
    assert!(
        verified
            .stdout
            .starts_with("whole: 23 entries in the files"),
        "{}",
        verified.stdout
    );
    let file = std::fs::read_dir(installation.data().join("audit"))
        .expect("the audit has its folder")
        .map(|entry| entry.expect("it can be read").path())
        .max()
        .expect("it has a file");
    std::fs::write(&file, "").expect("it can be written");
    let verified = installation.run(&["audit", "verify"]);
    assert_eq!(verified.status.code(), Some(1), "{}", verified.stdout);
    server.stop();
    // What the files have lost is written again, and both sides tell of it.
    let log = installation.serve().stop();
    assert!(log.contains("had lost their last lines"), "{log}");
    let exported = installation.run(&["audit", "export"]).expect_success();
    assert!(exported.stdout.contains("audit-files-restored"));
}

#[test]
fn a_lost_key_is_named_with_the_way_back() {
    let installation = Installation::new();
    let link = invite(&installation, "admin");
    let server = installation.serve();
    let admin = Staff::join(server.client(), &link, "boss");
    server.stop();
    let path = installation.data().join("keys").join("second-factors.key");
    let key = std::fs::read(&path).expect("there is a key");
    std::fs::remove_file(&path).expect("it can be removed");
    let repaired = installation.run(&["repair"]).expect_success();
    assert!(
        repaired.stderr.contains("reset-second-factor"),
        "{}",
        repaired.stderr
    );

    let server = installation.serve();
    let log = server.log();
    assert!(log.contains("sealed under another key"), "{log}");
    let mut again = Staff::stranger(server.client());
    let refused = again.log_in("boss", &totp::code(&admin.secret, 1));
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert!(refused.text().contains("lost the key"));
    server.stop();

    std::fs::write(&path, key).expect("it can be put back");
    let server = installation.serve();
    let mut again = Staff::stranger(server.client());
    let opened = again.log_in("boss", &totp::code(&admin.secret, 1));
    assert_eq!(opened.status, 303, "{}", opened.text());
    server.stop();
}
