//! Logging in, joining, and what does not get in.

use imgshare_storage::moderation::{Flag, Lane, Moderator, Reason};

use super::*;
use crate::config::Staff as StaffSettings;
use crate::staff::admin::{self, By};

#[tokio::test]
async fn password_and_code_open_a_session_that_lasts_until_logout() {
    let service = service();
    let account = account(&service, "jane", Role::Moderator);
    let mut browser = Browser::default();
    let answer = browser.log_in(&service, "Jane", &code(0)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header(header::LOCATION), "/staff");
    let cookie = answer.header(header::SET_COOKIE);
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    let home = browser.get(&service, "/staff").await;
    assert_eq!(home.status, StatusCode::OK);
    browser.take(&home);
    assert!(home.text().contains(account.id.as_str()) && home.text().contains("work the queue"));
    assert!(!home.text().contains("jane"), "only admins see login names");
    browser.post(&service, "/staff/logout", "").await;
    browser
        .get(&service, "/staff")
        .await
        .assert_problem(401, "staff-session-missing");
    let actions: Vec<String> = entries(&service)
        .iter()
        .map(|sealed| sealed.entry.action.to_string())
        .collect();
    assert_eq!(
        actions,
        ["staff-logged-in", "staff-logged-out", "staff-refused"]
    );
}

#[tokio::test]
async fn a_second_factor_gives_a_new_token() {
    let service = service();
    account(&service, "jane", Role::Moderator);
    let mut browser = Browser::default();
    let form = "login=jane&password=correct+horse+battery";
    let answer = browser.post_bare(&service, "/staff/login", form).await;
    browser.take(&answer);
    let half = browser.clone();
    let page = browser.get(&service, "/staff/login/second-factor").await;
    browser.take(&page);
    let form = format!("code={}", code(0));
    let answer = browser
        .post(&service, "/staff/login/second-factor", &form)
        .await;
    browser.take(&answer);
    assert_ne!(half.cookie, browser.cookie);
    half.get(&service, "/staff")
        .await
        .assert_problem(401, "staff-session-missing");
    assert_eq!(browser.get(&service, "/staff").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_old_code_and_a_used_one_are_refused_and_logged() {
    let service = service();
    let account = account(&service, "jane", Role::Moderator);
    let mut browser = Browser::default();
    for old in [code(-2), code(3), "000000".to_owned()] {
        let answer = browser.log_in(&service, "jane", &old).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.text().contains("was used already"));
        let (actor, action, code) = last_refusal(&service);
        assert_eq!(actor, account.id.as_str());
        assert_eq!(
            (action.as_str(), code.as_str()),
            ("staff-login-refused", "staff-code-wrong")
        );
    }
    let now = code(0);
    let answer = browser.log_in(&service, "jane", &now).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let again = Browser::default().log_in(&service, "jane", &now).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN, "a code is good once");
    let before = Browser::default().log_in(&service, "jane", &code(-1)).await;
    assert_eq!(
        before.status,
        StatusCode::FORBIDDEN,
        "and so are those before it"
    );
}

#[tokio::test]
async fn of_two_who_use_one_code_at_once_one_gets_in() {
    let service = service();
    account(&service, "jane", Role::Moderator);
    let now = code(0);
    let (mut one, mut two) = (Browser::default(), Browser::default());
    let (one, two) = tokio::join!(
        one.log_in(&service, "jane", &now),
        two.log_in(&service, "jane", &now)
    );
    let n_in = [one, two]
        .iter()
        .filter(|answer| answer.status == StatusCode::SEE_OTHER)
        .count();
    assert_eq!(n_in, 1);
}

/// What an answer tells, without the name that was entered and the challenge
/// that was drawn for a passkey.
fn told(answer: &Answer, login: &str) -> (u16, String) {
    let text = answer.text().replace(login, "NAME");
    let challenge = between(&text, "challenge&#34;:&#34;", "&#34;").unwrap();
    let text = text.replace(challenge, "CHALLENGE");
    (answer.status.as_u16(), text)
}

#[tokio::test]
async fn names_that_exist_and_names_that_do_not_are_answered_alike() {
    let service = service();
    account(&service, "jane", Role::Moderator);
    let closed = account(&service, "shut", Role::Moderator);
    let by = By::operator(&service.app.settings);
    admin::set_disabled(&*service.app.store, &by, &closed.id, true).unwrap();
    let mut answers = Vec::new();
    for login in ["jane", "john", "shut"] {
        let mut told_of = Vec::new();
        for _ in 0..6 {
            let form = format!("login={login}&password=wrong+wrong+wrong");
            let answer = Browser::default()
                .post_bare(&service, "/staff/login", &form)
                .await;
            told_of.push(told(&answer, login));
        }
        let statuses: Vec<u16> = told_of.iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses, [403, 403, 403, 403, 403, 429]);
        assert!(told_of[5].1.contains("Try again in a minute"));
        answers.push(told_of);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    let right = "login=jane&password=correct+horse+battery";
    let locked = Browser::default()
        .post_bare(&service, "/staff/login", right)
        .await;
    assert_eq!(
        locked.status.as_u16(),
        429,
        "a lock holds against the right password too"
    );
    assert!(!locked.header(header::RETRY_AFTER).is_empty());
    let says_lock = |sealed: &Sealed| sealed.entry.after["locked_seconds"] == 30;
    assert_eq!(
        entries(&service)
            .iter()
            .filter(|sealed| says_lock(sealed))
            .count(),
        3
    );
}

fn few_failures() -> Service {
    let settings = Settings {
        staff: StaffSettings {
            failures_per_minute_max: 3,
            ..StaffSettings::default()
        },
        ..Settings::default()
    };
    Service::start(&Oracle::says(SAFE), settings)
}

/// A browser in another network.
fn in_network(network: u8) -> Browser {
    Browser {
        network,
        ..Browser::default()
    }
}

#[tokio::test]
async fn failures_of_one_network_are_bounded_over_all_names() {
    let service = few_failures();
    let mut statuses = Vec::new();
    for n in 0..4 {
        let form = format!("login=name{n}&password=wrong");
        let answer = in_network(1)
            .post_bare(&service, "/staff/login", &form)
            .await;
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [403, 403, 403, 429]);
}

#[tokio::test]
async fn a_flood_from_one_network_keeps_nobody_out_elsewhere() {
    let service = few_failures();
    let jane = account(&service, "jane", Role::Moderator);
    let held = session_of(&service, &jane, |_| {});
    for _ in 0..200 {
        let form = "login=jane&password=wrong";
        in_network(1)
            .post_bare(&service, "/staff/login", form)
            .await;
    }
    let here = in_network(1).log_in_bare(&service, "jane").await;
    assert_eq!(here.status.as_u16(), 429, "who floods waits");
    let elsewhere = in_network(2).log_in(&service, "jane", &code(0)).await;
    assert_eq!(elsewhere.status, StatusCode::SEE_OTHER);
    assert_eq!(held.get(&service, "/staff").await.status, StatusCode::OK);
    let form = format!("code={}", code(1));
    let proved = held.post(&service, "/staff/step-up", &form).await;
    assert_eq!(proved.status, StatusCode::SEE_OTHER, "{}", proved.text());
}

#[tokio::test]
async fn who_knows_a_password_locks_no_session_of_its_owner() {
    let service = service();
    let jane = account(&service, "jane", Role::Moderator);
    let held = session_of(&service, &jane, |_| {});
    let mut thief = in_network(1);
    let opened = thief.log_in_bare(&service, "jane").await;
    thief.take(&opened);
    let page = thief.get(&service, "/staff/login/second-factor").await;
    thief.take(&page);
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let path = "/staff/login/second-factor";
        let answer = thief.post(&service, path, "code=000000").await;
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [403, 403, 403, 403, 403, 429]);
    // Another half session is of the same account.
    let again = in_network(2).log_in(&service, "jane", &code(0)).await;
    assert_eq!(again.status.as_u16(), 429);
    let form = format!("code={}", code(0));
    let proved = held.post(&service, "/staff/step-up", &form).await;
    assert_eq!(proved.status, StatusCode::SEE_OTHER, "{}", proved.text());
    let admin = logged_in(&service, "boss", Role::Admin);
    let people = admin.get(&service, "/staff/people").await;
    assert!(people.text().contains(">locked<"));
    let path = format!("/staff/people/{}", jane.id);
    admin.post(&service, &path, "act=unlock").await;
    let people = admin.get(&service, "/staff/people").await;
    assert!(!people.text().contains(">locked<"));
}

#[tokio::test]
async fn a_flood_from_many_networks_stops_no_session() {
    let service = Arc::new(service());
    let jane = account(&service, "jane", Role::Moderator);
    let held = session_of(&service, &jane, |_| {});
    let mut flood = tokio::task::JoinSet::new();
    for n in 0..250_u8 {
        let service = Arc::clone(&service);
        flood.spawn(async move {
            let form = format!("login=name{n}&password=wrong+wrong+wrong");
            let browser = in_network(n);
            let answer = browser.post_bare(&service, "/staff/login", &form).await;
            answer.status.as_u16()
        });
    }
    // A session's password is looked at while strangers wait.
    let form = "current=correct+horse+battery&password=another+passphrase&again=another+passphrase";
    let changed = held.post(&service, "/staff/account/password", form).await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.text());
    let statuses = flood.join_all().await;
    assert!(statuses.iter().all(|status| [403, 429].contains(status)));
    let n_looked_at = statuses.iter().filter(|status| **status == 403).count();
    assert!(n_looked_at >= 18, "{n_looked_at}");
}

#[tokio::test]
async fn a_session_ends_with_its_time_its_account_and_its_generation() {
    let service = service();
    let account = account(&service, "jane", Role::Moderator);
    let minutes = |count: u64| clock::now_ms() - count * 60_000;
    for age in [31, 13 * 60] {
        let idle = session_of(&service, &account, |session| {
            session.created_at_ms = minutes(age);
            session.seen_at_ms = minutes(if age == 31 { 31 } else { 1 });
        });
        idle.get(&service, "/staff")
            .await
            .assert_problem(401, "staff-session-missing");
    }
    let used = session_of(&service, &account, |session| {
        session.created_at_ms = minutes(11 * 60);
        session.seen_at_ms = minutes(29);
    });
    assert_eq!(used.get(&service, "/staff").await.status, StatusCode::OK);
    let others = session_of(&service, &account, |_| {});
    let page = used.get(&service, "/staff").await;
    let mut used = used;
    used.take(&page);
    used.post(&service, "/staff/logout-everywhere", "").await;
    for browser in [&used, &others] {
        let answer = browser.get(&service, "/staff").await;
        answer.assert_problem(401, "staff-session-missing");
    }
}

#[tokio::test]
async fn an_admin_invites_and_the_invited_joins_once() {
    let service = service();
    let admin = logged_in(&service, "boss", Role::Admin);
    let page = admin
        .post(&service, "/staff/people/invite", "role=moderator")
        .await;
    let link = between(page.text(), "value=\"http://localhost:8080", "\"")
        .unwrap()
        .to_owned();
    let mut invited = Browser::default();
    let weak = "login=jane&password=short&again=short";
    let answer = invited.post_bare(&service, &link, weak).await;
    assert_eq!(answer.status.as_u16(), 422);
    let taken = "login=BOSS&password=a+long+passphrase&again=a+long+passphrase";
    assert_eq!(
        invited
            .post_bare(&service, &link, taken)
            .await
            .status
            .as_u16(),
        422
    );
    let good = "login=jane&password=a+long+passphrase&again=a+long+passphrase";
    let answer = invited.post_bare(&service, &link, good).await;
    let step = answer.header(header::LOCATION).to_owned();
    let page = invited.get(&service, &step).await;
    let secret = between(page.text(), "data-secret>", "<")
        .unwrap()
        .replace(' ', "");
    let secret = totp_rs::Secret::Encoded(secret).to_bytes().unwrap();
    let totp = TOTP::new_unchecked(Algorithm::SHA1, 6, 1, 30, secret);
    let wrong = invited.post_bare(&service, &step, "code=000000").await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    let now = totp.generate(clock::now_ms() / 1_000);
    let joined = invited
        .post_bare(&service, &step, &format!("code={now}"))
        .await;
    assert_eq!(joined.status, StatusCode::OK, "{}", joined.text());
    assert_eq!(joined.text().matches("<li><code>").count(), 10);
    invited.take(&joined);
    let home = invited.get(&service, "/staff").await;
    assert!(home.text().contains("moderator"));
    for path in [&link, &step] {
        let again = Browser::default().get(&service, path).await;
        again.assert_problem(404, "staff-invitation-unknown");
    }
    let recovery = between(joined.text(), "<li><code>", "<").unwrap();
    let form = format!("recovery={recovery}");
    for status in [303, 403] {
        let mut browser = Browser::default();
        let password = "login=jane&password=a+long+passphrase";
        let answer = browser.post_bare(&service, "/staff/login", password).await;
        browser.take(&answer);
        let page = browser.get(&service, "/staff/login/second-factor").await;
        browser.take(&page);
        let answer = browser
            .post(&service, "/staff/login/second-factor", &form)
            .await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "a recovery code is good once"
        );
    }
}

#[tokio::test]
async fn who_navigates_without_a_session_gets_the_page_to_log_in() {
    let service = service();
    let page = service.browse("/staff/audit").await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(!page.header(header::WWW_AUTHENTICATE).is_empty());
    assert!(page.text().contains("name=\"to\" value=\"/staff/audit\""));
    assert_eq!(last_refusal(&service).2, "staff-session-missing");
}

/// Whoever knows a password, and nothing more, takes nothing from its owner.
#[tokio::test]
async fn a_password_alone_gives_back_nobodys_leases() {
    let service = service();
    let kim = account(&service, "kim", Role::Moderator);
    let uploaded = service.uploaded(&photo()).await;
    let id = uploaded["id"].as_str().unwrap().parse().unwrap();
    let (queue, now_ms) = (&service.app.queue, clock::now_ms());
    queue.flag(&id, &Flag::new(Reason::Report), now_ms).unwrap();
    let who = Moderator {
        id: kim.id.clone(),
        role: kim.role,
    };
    queue.claim(&who, &Lane::ALL, &id, now_ms).unwrap();
    let is_held = || queue.job(&id).unwrap().unwrap().lease().is_some();
    let half = session_of(&service, &kim, |session| {
        session.stage = Stage::SecondFactor;
    });
    let gone = half.post(&service, "/staff/login/cancel", "").await;
    assert_eq!(gone.status, StatusCode::SEE_OTHER, "{}", gone.text());
    assert!(is_held());
    let whole = session_of(&service, &kim, |_| {});
    whole.post(&service, "/staff/logout", "").await;
    assert!(!is_held());
}
