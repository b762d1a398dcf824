//! What is counted of visitors, over HTTP.

use imgshare_tests::client::Client;
use imgshare_tests::data_dir;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::Picture;
use imgshare_tests::staff::Staff;
use serde_json::Value;

fn joined(installation: &Installation, client: Client, role: &str, login: &str) -> Staff {
    let invited = installation.run(&["admin", "invite", "--role", role]);
    Staff::join(client, &invited.expect_success().stdout, login)
}

fn today(staff: &Staff) -> Value {
    let stats = staff.get("/api/v1/stats").expect(200).json();
    assert_eq!(stats["count_min"], 5);
    let days = stats["days"].as_array().expect("a list").clone();
    days.last().expect("today").clone()
}

#[test]
fn p09_staff_see_numbers_by_day_and_nobody_else_does() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let uploaded = client
        .upload("a.png", &Picture::scene(30, 30, 1).png())
        .expect(201);
    let id = uploaded.field("id");
    let page = format!("/{id}");
    for _ in 0..7 {
        let headers = [("Referer", "https://forum.example/thread?MARKERquery=1")];
        let _ = client.get_with(&page, &headers).expect(200);
    }
    let rare = [("Referer", "https://rare.example/")];
    for _ in 0..2 {
        let _ = client.get_with(&page, &rare).expect(200);
    }
    client
        .get("/api/v1/stats")
        .expect_problem(401, "staff-session-missing");
    let moderator = joined(&installation, client, "moderator", "jane");
    moderator
        .get("/api/v1/stats")
        .expect_problem(403, "staff-not-permitted");
    let auditor = joined(&installation, client, "auditor", "john");
    let counts = &today(&auditor)["counts"];
    // Nine, in steps of five while the day lasts.
    assert_eq!(counts["pages"]["names"]["/{id}"], 5);
    assert_eq!(counts["images"]["names"][&id], 5);
    assert_eq!(counts["referrers"]["names"]["forum.example"], 5);
    assert_eq!(counts["referrers"]["names"]["rare.example"], Value::Null);
    let shown = auditor.get("/staff/statistics").expect(200).text();
    assert!(
        shown.contains("forum.example") && shown.contains("<svg"),
        "{shown}"
    );
    assert!(
        !shown.contains("rare.example") && !shown.contains("<script>"),
        "{shown}"
    );
    let wrong = auditor.get("/api/v1/stats?from=2026-02-31");
    wrong.expect_problem(400, "malformed-form");

    // A restart goes on where the service stopped.
    server.stop();
    let server = installation.serve();
    let _ = server.client().get(&page).expect(200);
    let auditor = joined(&installation, server.client(), "auditor", "mary");
    assert_eq!(today(&auditor)["counts"]["pages"]["names"]["/{id}"], 10);
    server.stop();
    let found = data_dir::files_containing(installation.data(), "MARKERquery");
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn p05_sessions_are_counted_for_those_who_agreed() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let visit = |seconds: &str, cookie: &str| {
        let form = format!("seconds={seconds}");
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Cookie", cookie),
        ];
        client.request("POST", "/visit", &headers, form.as_bytes())
    };
    for _ in 0..6 {
        assert_eq!(visit("0", "consent=analytics").status, 204);
        assert_eq!(visit("40", "consent=analytics").status, 204);
        assert_eq!(visit("0", "theme=dark").status, 204);
        assert_eq!(visit("1000", "").status, 204);
    }
    visit("many", "consent=analytics").expect_problem(400, "malformed-form");
    // The script that measures is loaded by nobody else.
    let home = |cookie: &str| {
        client
            .get_with("/", &[("Cookie", cookie)])
            .expect(200)
            .text()
    };
    assert!(home("consent=analytics").contains("/assets/visit."));
    assert!(!home("consent=essential").contains("/assets/visit."));
    assert!(!home("").contains("/assets/visit."));
    let objects = [("Cookie", "consent=analytics"), ("Sec-GPC", "1")];
    let objecting = client.get_with("/", &objects).expect(200).text();
    assert!(!objecting.contains("/assets/visit."));
    server.stop();
}
