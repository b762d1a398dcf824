//! What was decided: found again, taken back, and told to whoever decides next.

use imgshare_storage::ImageId;
use imgshare_storage::complaints::{Category, ReportDraft, Text};
use serde_json::json;

use super::*;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

fn report(service: &Service, image: ImageId, category: Category, at_ms: u64) {
    let draft = ReportDraft {
        image,
        category,
        text: Text::new("that is my house").unwrap(),
        contact: Text::new("ann@example.org").unwrap(),
    };
    let complaints = &service.app.reporting.complaints;
    complaints.report(&draft, 1.0, at_ms).unwrap();
}

fn removal() -> Value {
    json!({"kind": "remove", "policy": "privacy", "reason": "a letter with an address"})
}

impl Browser {
    /// Claims an image and decides it; returns what an undo names. The next decision
    /// is later by the clock.
    async fn settle(&self, service: &Service, id: &ImageId, verdict: Value) -> u64 {
        let path = format!("/staff/api/queue/{id}");
        let claim = format!("{path}/claim");
        let job = self.call(service, "POST", &claim, json!(null)).await;
        assert_eq!(job.status, StatusCode::OK, "{}", job.text());
        let job = job.json();
        let body = json!({
            "lease": job["lease"]["token"], "version": job["version"], "verdict": verdict,
        });
        let decide = format!("{path}/decide");
        let decided = self.call(service, "POST", &decide, body).await;
        assert_eq!(decided.status, StatusCode::OK, "{}", decided.text());
        let now_ms = clock::now_ms();
        while clock::now_ms() == now_ms {
            std::hint::spin_loop();
        }
        decided.json()["version"].as_u64().unwrap()
    }

    async fn undo(&self, service: &Service, id: &ImageId, version: u64) -> Answer {
        let path = format!("/staff/api/queue/{id}/undo");
        let body = json!({"version": version});
        self.call(service, "POST", &path, body).await
    }

    async fn last(&self, service: &Service) -> Value {
        let answer = self.get(service, "/staff/api/decided/last").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()["last"].clone()
    }

    async fn kin(&self, service: &Service, id: &ImageId) -> Value {
        let kin = self.get(service, &format!("/staff/api/kin/{id}")).await;
        assert_eq!(kin.status, StatusCode::OK, "{}", kin.text());
        kin.json()
    }
}

#[tokio::test]
async fn a_page_asks_for_the_token_of_its_new_session() {
    let service = service();
    let id = queued(&service).await;
    let kim = account(&service, "kim", Role::Moderator);
    let before = session_of(&service, &kim, |_| {});
    let after = session_of(&service, &kim, |_| {});
    // The cookie is the new session's, the page is the old one's.
    let page = Browser {
        csrf: before.csrf.clone(),
        ..after.clone()
    };
    let claim = format!("/staff/api/queue/{id}/claim");
    let refused = page.call(&service, "POST", &claim, json!(null)).await;
    refused.assert_problem(403, "staff-csrf-token");
    let session = page.get(&service, "/staff/api/session").await;
    let told = session.json();
    assert_eq!(told, json!({"me": kim.id, "csrf": after.csrf}));
    assert_eq!(session.header(header::CACHE_CONTROL), "no-store");
    let policy = session.header("cross-origin-resource-policy");
    assert_eq!(policy, "same-origin");
    assert!(!session.headers.contains_key("access-control-allow-origin"));
    let page = Browser {
        csrf: told["csrf"].as_str().unwrap().to_owned(),
        ..page
    };
    let claimed = page.call(&service, "POST", &claim, json!(null)).await;
    assert_eq!(claimed.status, StatusCode::OK, "{}", claimed.text());
}

#[tokio::test]
async fn what_was_decided_is_listed_and_taken_back() {
    let service = service();
    let [first, second] = [queued(&service).await, queued(&service).await];
    let kim = logged_in(&service, "kim", Role::Moderator);
    assert_eq!(kim.last(&service).await, json!(null));
    let version = kim.settle(&service, &first, removal()).await;
    // Within one millisecond there is no order.
    let settled_ms = clock::now_ms();
    while clock::now_ms() == settled_ms {
        tokio::task::yield_now().await;
    }
    kim.settle(&service, &second, json!({"kind": "safe"})).await;
    let page = kim.get(&service, "/staff/decided").await;
    let text = page.text();
    for said in [
        "Privacy",
        "a letter with an address",
        "Safe",
        first.as_str(),
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(text.find(second.as_str()) < text.find(first.as_str()));
    assert!(text.contains(&format!("/staff/preview/{first}?look=veiled")));
    let last = kim.last(&service).await;
    assert_eq!(last["image"], second.as_str());
    assert_eq!(last["is_undoable"], true);

    // Others' are for seniors.
    let joan = logged_in(&service, "joan", Role::Moderator);
    let theirs = joan.get(&service, "/staff/decided").await;
    assert!(theirs.text().contains("Nothing was decided yet."));
    let all = "/staff/decided?whose=everybodys";
    let refused = joan.get(&service, all).await;
    refused.assert_problem(403, "staff-not-permitted");
    let form = format!("image={first}&version={version}");
    let undo = "/staff/decided/undo";
    let refused = joan.post(&service, undo, &form).await;
    refused.assert_problem(403, "staff-not-permitted");
    let senior = logged_in(&service, "senior", Role::SeniorModerator);
    assert!(
        senior
            .get(&service, all)
            .await
            .text()
            .contains(first.as_str())
    );

    let undone = kim.post(&service, undo, &form).await;
    assert_eq!(undone.status, StatusCode::OK, "{}", undone.text());
    assert!(undone.text().contains("waits in the queue"));
    let job = service.app.queue.job(&first).unwrap().unwrap();
    assert!(job.lease().is_none() && job.decision.is_none());
    let direct = service.app.store.find(&first).unwrap().unwrap();
    assert_eq!(direct.state, imgshare_storage::State::Public);
    let again = kim.post(&service, undo, &form).await;
    assert!(
        again.text().contains("It was not taken back"),
        "{}",
        again.text()
    );
    let page = kim.get(&service, "/staff/decided").await;
    assert!(!page.text().contains(first.as_str()));
    let broken = kim.get(&service, "/staff/decided?whose=nobodys").await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    let strange = kim.get(&service, "/staff/decided?after=6d71zz").await;
    assert!(strange.text().contains(second.as_str()));
}

#[tokio::test]
async fn a_slip_towards_seniors_is_taken_back_and_one_towards_child_safety_is_not() {
    let service = service();
    let kim = logged_in(&service, "kim", Role::Moderator);
    let escalation = |to: &str| json!({"kind": "escalate", "to": to, "note": "twins?"});
    let slip = queued(&service).await;
    let version = kim.settle(&service, &slip, escalation("senior")).await;
    let joan = logged_in(&service, "joan", Role::Moderator);
    let foreign = joan.undo(&service, &slip, version).await;
    foreign.assert_problem(404, "not-queued");
    let undone = kim.undo(&service, &slip, version).await;
    assert_eq!(undone.status, StatusCode::OK, "{}", undone.text());
    assert_eq!(undone.json()["lane"], "general");

    // Once somebody looks at it, it is theirs.
    let looked_at = queued(&service).await;
    let version = kim.settle(&service, &looked_at, escalation("senior")).await;
    let senior = logged_in(&service, "senior", Role::SeniorModerator);
    let claim = format!("/staff/api/queue/{looked_at}/claim");
    let job = senior.call(&service, "POST", &claim, json!(null)).await;
    // They see who passed it on, and why.
    let decision = &job.json()["decision"];
    assert_eq!(decision["verdict"]["note"], "twins?");
    assert!(decision["by"].is_string());
    let late = kim.undo(&service, &looked_at, version).await;
    late.assert_problem(404, "not-queued");

    for verdict in [
        escalation("child-safety"),
        json!({"kind": "remove", "policy": "child-abuse"}),
    ] {
        let secret = queued(&service).await;
        let version = kim.settle(&service, &secret, verdict).await;
        let refused = kim.undo(&service, &secret, version).await;
        refused.assert_problem(404, "not-queued");
        let last = kim.last(&service).await;
        assert_eq!(last["image"], secret.as_str(), "nothing older is offered");
        let page = kim.get(&service, "/staff/decided").await;
        assert!(page.text().contains("Passed on to child safety"));
        assert!(!page.text().contains(&format!("/staff/preview/{secret}")));
        assert!(!page.text().contains(&format!("value=\"{secret}\"")));
        let all = senior
            .get(&service, "/staff/decided?whose=everybodys")
            .await;
        assert!(!all.text().contains(secret.as_str()));
    }
}

#[tokio::test]
async fn whoever_decides_an_appeal_reads_what_it_is_against() {
    let service = service();
    let image = service.uploaded(&photo()).await;
    let id: ImageId = image["id"].as_str().unwrap().parse().unwrap();
    report(&service, id, Category::Privacy, clock::now_ms());
    let account = account(&service, "kim", Role::Moderator);
    let kim = session_of(&service, &account, |_| {});
    let kin = kim.kin(&service, &id).await;
    assert_eq!(kin["reports"][0]["words"], "Privacy");
    assert_eq!(kin["reports"][0]["contact"], json!(null));
    assert!(kin["due_at_ms"].as_u64() > kin["now_ms"].as_u64());
    kim.settle(&service, &id, removal()).await;
    let token = image["delete_token"].as_str().unwrap();
    let appeal = form(
        &format!("/m/{id}/appeal"),
        format!("token={token}&text=It+is+my+own+house"),
    );
    let taken = service.send(appeal).await;
    assert!(taken.status.is_success(), "{}", taken.text());

    let senior = logged_in(&service, "senior", Role::SeniorModerator);
    let kin = senior.kin(&service, &id).await;
    let appeal = &kin["appeal"];
    assert_eq!(appeal["text"], "It is my own house");
    assert_eq!(appeal["against"], "removed");
    assert_eq!(appeal["policy"], "privacy");
    assert_eq!(appeal["by"], account.id.as_str());
    assert_eq!(appeal["reason"], "a letter with an address");
    assert!(appeal["decided_at_ms"].as_u64().unwrap() > 0);
    let said = &kin["reports"][0];
    assert_eq!(said["text"], "that is my house");
    assert_eq!(said["contact"], "ann@example.org");
    assert_eq!(kin["due_at_ms"], json!(null), "they were settled");
}

#[tokio::test]
async fn a_copyright_notice_is_read_where_it_is_decided() {
    let service = service();
    let id = uploaded(&service).await;
    let notice = "name=A.+Claimant&owner=Studio&email=a%40example.org&work=The+photograph+Evening\
                  &good_faith=on&accurate=on&signature=A.+C.";
    let sent = form("/copyright/notice", format!("images={id}&{notice}"));
    assert_eq!(service.send(sent).await.status, StatusCode::CREATED);
    let kim = logged_in(&service, "kim", Role::Moderator);
    let notice = &kim.kin(&service, &id).await["reports"][0]["notice"];
    assert_eq!(notice["work"], "The photograph Evening");
    assert_eq!(notice["name"], "A. Claimant");
    assert_eq!(notice["owner"], "Studio");
    assert_eq!(notice["signature"], "A. C.");
    assert_eq!(notice["contact"], json!(null));
    let senior = logged_in(&service, "senior", Role::SeniorModerator);
    let kin = senior.kin(&service, &id).await;
    assert_eq!(kin["reports"][0]["notice"]["contact"], "a@example.org");

    let page = kim.post(&service, "/staff/queue/plain", "").await;
    for said in ["Report: Copyright", "Evening", "A. Claimant for Studio"] {
        assert!(page.text().contains(said), "{said}: {}", page.text());
    }
    assert!(!page.text().contains("a@example.org"));
}

#[tokio::test]
async fn forms_alone_tell_why_and_take_back() {
    let service = service();
    let id = uploaded(&service).await;
    report(
        &service,
        id,
        Category::UnderAge,
        clock::now_ms() - 2 * DAY_MS,
    );
    let kim = logged_in(&service, "kim", Role::Moderator);
    let page = kim.post(&service, "/staff/queue/plain", "").await;
    for said in [
        "Reported",
        "that is my house",
        "Child under 13",
        ": overdue",
    ] {
        assert!(page.text().contains(said), "{said}: {}", page.text());
    }
    let field = |page: &Answer, name: &str| {
        let before = format!("name=\"{name}\" value=\"");
        between(page.text(), &before, "\"").unwrap().to_owned()
    };
    let form = format!(
        "image={id}&lease={}&version={}&act=nsfw",
        field(&page, "lease"),
        field(&page, "version")
    );
    let decided = kim.post(&service, "/staff/queue/plain", &form).await;
    assert!(decided.text().contains("Undo that"), "{}", decided.text());
    let form = format!("image={id}&version={}&act=undo", field(&decided, "version"));
    let back = kim.post(&service, "/staff/queue/plain", &form).await;
    assert!(back.text().contains("It is taken back."), "{}", back.text());
    assert_eq!(field(&back, "image"), id.as_str());
    let again = kim.post(&service, "/staff/queue/plain", &form).await;
    assert!(again.text().contains("It was not taken back"));
}

#[tokio::test]
async fn clocks_order_the_queue_and_are_counted_when_they_run_out() {
    let service = service();
    let now_ms = clock::now_ms();
    let [late, soon] = [uploaded(&service).await, uploaded(&service).await];
    report(&service, soon, Category::Illegal, now_ms - DAY_MS);
    report(&service, late, Category::IntimateImage, now_ms - 3 * DAY_MS);
    let kim = logged_in(&service, "kim", Role::Moderator);
    let page = kim
        .get(&service, "/staff/api/queue?sort=due-first")
        .await
        .json();
    let due: Vec<&Value> = [0, 1].map(|n| &page["jobs"][n]["due_at_ms"]).into();
    assert_eq!(page["jobs"][0]["image"], late.as_str());
    assert!(due[0].as_u64().unwrap() < now_ms && due[1].as_u64().unwrap() > now_ms);
    let home = kim.get(&service, "/staff").await;
    assert!(home.text().contains("1 reported image is overdue"));
    assert!(home.text().contains("Waiting for everybody: 2"));
    let expert = logged_in(&service, "expert", Role::ChildSafety);
    let theirs = expert.get(&service, "/staff").await;
    assert!(!theirs.text().contains("overdue"));
    service.app.watch_clocks().await;
    let metrics = service.app.metrics.text().unwrap();
    assert!(metrics.contains("imgshare_cases_overdue 1"), "{metrics}");
    let gauge = |metrics: &str, name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim().parse::<i64>().unwrap()
    };
    // Two days have 48 hours, and the clock of intimate images as many.
    let late_s = gauge(&metrics, "imgshare_case_overdue_seconds ");
    assert!((86_400..86_500).contains(&late_s), "{late_s}");
    for (lane, n_waiting) in [("general", 2), ("senior", 0), ("child-safety", 0)] {
        let name = format!("imgshare_jobs_waiting{{lane=\"{lane}\"}} ");
        assert_eq!(gauge(&metrics, &name), n_waiting);
    }
    kim.settle(&service, &late, removal()).await;
    service.app.watch_clocks().await;
    let metrics = service.app.metrics.text().unwrap();
    assert!(metrics.contains("imgshare_cases_overdue 0"), "{metrics}");
    assert_eq!(gauge(&metrics, "imgshare_case_overdue_seconds "), 0);
    let name = "imgshare_jobs_waiting{lane=\"general\"} ";
    assert_eq!(gauge(&metrics, name), 1);
}

#[tokio::test]
async fn an_empty_queue_says_what_waits_for_others() {
    let service = service();
    let id = queued(&service).await;
    let kim = logged_in(&service, "kim", Role::Moderator);
    let next = async |body: Value| {
        let path = "/staff/api/queue/claim";
        kim.call(&service, "POST", path, body).await.json()
    };
    let filtered = next(json!({"reason": "appeal"})).await;
    assert_eq!(filtered["waiting"]["n_waiting"], 1);
    assert_eq!(filtered["waiting"]["n_skipped"], 0);
    let job = next(json!({})).await["jobs"][0].clone();
    let lease = json!({"lease": job["lease"]["token"], "version": job["version"]});
    let path = format!("/staff/api/queue/{id}/skip");
    kim.call(&service, "POST", &path, lease).await;
    let empty = next(json!({})).await;
    assert_eq!(empty["waiting"]["n_skipped"], 1);
    let until_ms = empty["waiting"]["skipped_until_ms"].as_u64().unwrap();
    let now_ms = empty["now_ms"].as_u64().unwrap();
    assert!((3_500_000..=3_600_000).contains(&(until_ms - now_ms)));
}
