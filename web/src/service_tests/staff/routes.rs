//! Every route under `/staff`, tried by everybody who must not come in.

use std::collections::BTreeSet;

use super::*;
use crate::staff::{Access, routes};

/// Methods that may change something; every route is tried with each of them.
const CHANGING: [&str; 4] = ["POST", "PUT", "DELETE", "PATCH"];

/// Every route with a path that could be asked for.
fn every_route() -> Vec<(String, Access)> {
    let made_up = Secret::random().unwrap();
    let named = [
        ("{code}", made_up.expose()),
        ("{id}", "calm-heron-7"),
        ("{image}", "111111111111"),
        ("{receipt}", "1111111111111111"),
        ("{hash}", "sha256:00"),
    ];
    routes()
        .table()
        .map(|(path, access)| {
            let path = named.iter().fold(path.to_owned(), |path, (part, name)| {
                path.replace(part, name)
            });
            assert!(!path.contains('{'), "{path}: a part that no test names");
            (path, access)
        })
        .collect()
}

impl Browser {
    /// Sends a request with the session's token in its header.
    async fn send(&self, service: &Service, method: &str, path: &str) -> Answer {
        let request = self
            .request(method, path)
            .header("x-csrf-token", &self.csrf)
            .body(Body::empty())
            .unwrap();
        service.send(request).await
    }
}

/// The refusal is in the audit, as this actor's.
fn assert_logged(service: &Service, by: &str, with: &str, path: &str) {
    let (actor, action, code) = last_refusal(service);
    assert_eq!(
        (actor.as_str(), action.as_str(), code.as_str()),
        (by, "staff-refused", with),
        "{path}"
    );
}

fn guarded() -> impl Iterator<Item = (String, Access)> {
    every_route()
        .into_iter()
        .filter(|(_, access)| *access != Access::Anyone)
}

#[test]
fn only_the_ways_in_are_open() {
    let open: Vec<&str> = routes()
        .table()
        .filter(|(_, access)| *access == Access::Anyone)
        .map(|(path, _)| path)
        .collect();
    let ways_in = [
        "/staff/login",
        "/staff/login/passkey",
        "/staff/join/{code}",
        "/staff/join/{code}/second-factor",
    ];
    assert_eq!(open, ways_in);
}

#[tokio::test]
async fn p17_nobody_comes_in_without_a_session() {
    let service = service();
    let strangers = [
        Browser::default(),
        Browser {
            cookie: format!("imgshare-staff={}", Secret::random().unwrap().expose()),
            ..Browser::default()
        },
        Browser {
            cookie: "imgshare-staff=../../etc".to_owned(),
            ..Browser::default()
        },
    ];
    for (path, _) in guarded() {
        for stranger in &strangers {
            let got = stranger.get(&service, &path).await;
            got.assert_problem(401, "staff-session-missing");
            for method in CHANGING {
                let refused = stranger.send(&service, method, &path).await;
                refused.assert_problem(401, "staff-session-missing");
            }
        }
    }
    let n_refusals = service_refusals(&service, "staff-session-missing");
    assert!(
        n_refusals >= 200,
        "as many as the bound lets in: {n_refusals}"
    );
}

/// As [`nobody_comes_in_without_a_session`], a route at a time: what strangers
/// cause is bounded in the audit.
#[tokio::test]
async fn every_refusal_of_a_stranger_is_logged() {
    let routes: Vec<(String, Access)> = guarded().collect();
    for some in routes.chunks(60) {
        let service = service();
        for (path, _) in some {
            let stranger = Browser::default();
            let refused = stranger.get(&service, path).await;
            refused.assert_problem(401, "staff-session-missing");
            assert_logged(&service, "visitor", "staff-session-missing", path);
            let refused = stranger.post(&service, path, "").await;
            refused.assert_problem(401, "staff-session-missing");
            assert_logged(&service, "visitor", "staff-session-missing", path);
        }
    }
}

fn service_refusals(service: &Service, code: &str) -> usize {
    let entries = entries(service);
    let is_meant = |sealed: &&Sealed| sealed.entry.after["code"] == code;
    entries.iter().filter(is_meant).count()
}

#[tokio::test]
async fn p17_a_password_alone_opens_nothing() {
    let service = service();
    let account = account(&service, "jane", Role::Admin);
    let half = session_of(&service, &account, |session| {
        session.stage = Stage::SecondFactor
    });
    for (path, access) in guarded() {
        let got = half.get(&service, &path).await;
        if access == Access::HalfWay {
            assert_ne!(got.status.as_u16(), 401, "{path}");
            continue;
        }
        got.assert_problem(401, "staff-second-factor-missing");
        for method in CHANGING {
            let refused = half.send(&service, method, &path).await;
            refused.assert_problem(401, "staff-second-factor-missing");
            let id = account.id.as_str();
            assert_logged(&service, id, "staff-second-factor-missing", &path);
        }
    }
}

/// The password is right, the code is one of before, of later, or used up.
#[tokio::test]
async fn p17_an_old_code_opens_no_route() {
    let service = service();
    let account = account(&service, "jane", Role::Admin);
    let used = code(0);
    let opened = Browser::default().log_in(&service, "jane", &used).await;
    assert_eq!(opened.status, StatusCode::SEE_OTHER);
    for (n, old) in [code(-2), code(-1), used, code(3)].into_iter().enumerate() {
        let mut browser = Browser::default();
        let refused = browser.log_in(&service, "jane", &old).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let (actor, action, told) = last_refusal(&service);
        assert_eq!(
            (actor.as_str(), action.as_str(), told.as_str()),
            (
                account.id.as_str(),
                "staff-login-refused",
                "staff-code-wrong"
            )
        );
        let needed = |(_, access): &(String, Access)| *access != Access::HalfWay;
        for (path, _) in guarded().filter(needed).skip(n % 2).step_by(2) {
            let id = account.id.as_str();
            let got = browser.get(&service, &path).await;
            got.assert_problem(401, "staff-second-factor-missing");
            assert_logged(&service, id, "staff-second-factor-missing", &path);
            let posted = browser.post(&service, &path, "").await;
            posted.assert_problem(401, "staff-second-factor-missing");
            assert_logged(&service, id, "staff-second-factor-missing", &path);
        }
    }
}

/// A session whose factor is stale, and an old code for the step up.
#[tokio::test]
async fn an_old_code_steps_nobody_up() {
    let service = service();
    let account = account(&service, "jane", Role::Admin);
    let stale = session_of(&service, &account, |session| {
        session.factor_at_ms -= 6 * 60_000;
    });
    for old in [code(-2), code(3)] {
        let form = format!("code={old}");
        let refused = stale.post(&service, "/staff/step-up", &form).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert_eq!(last_refusal(&service).2, "staff-code-wrong");
    }
    for (path, form) in [
        ("/staff/account/recovery", ""),
        ("/staff/account/remove-factor", "factor=totp"),
        ("/staff/account/password", "current=a&password=b&again=b"),
        ("/staff/account/enrol", "code=1"),
    ] {
        let sent_away = stale.post(&service, path, form).await;
        let location = sent_away.header(header::LOCATION);
        assert!(location.starts_with("/staff/step-up?to="), "{path}");
        assert_logged(&service, account.id.as_str(), "staff-step-up-needed", path);
    }
    for (path, form) in [
        ("/staff/people/invite", "role=admin"),
        ("/staff/people/calm-heron-7", "act=disable"),
    ] {
        let asked = stale.post(&service, path, form).await;
        assert_asks_for_factor(&asked, path);
        assert_logged(&service, account.id.as_str(), "staff-step-up-needed", path);
    }
    let hash = format!("sha256:{}", "0".repeat(64));
    let bank = serde_json::json!({"hash": hash, "against": "copyright"});
    let rules = serde_json::json!({"rules": []});
    for (method, path, body) in [
        ("POST", "/staff/api/bank", bank),
        ("DELETE", &*format!("/staff/api/bank/{hash}"), Value::Null),
        ("PUT", "/staff/api/rules", rules),
    ] {
        let refused = stale.call(&service, method, path, body).await;
        refused.assert_problem(403, "staff-step-up-needed");
        assert_logged(&service, account.id.as_str(), "staff-step-up-needed", path);
    }
}

/// What everybody on the staff has: a first page, an account, and the way out.
/// Whatever else is there belongs to somebody.
#[test]
fn only_ones_own_is_open_to_every_role() {
    let own: Vec<&str> = routes()
        .table()
        .filter(|(_, access)| *access == Access::SignedIn)
        .map(|(path, _)| path)
        .filter(|path| !path.starts_with("/staff/account"))
        .collect();
    let expected = [
        "/staff",
        "/staff/api/session",
        "/staff/logout",
        "/staff/logout-everywhere",
        "/staff/step-up",
    ];
    assert_eq!(
        own.iter().collect::<BTreeSet<_>>(),
        expected.iter().collect()
    );
}

#[tokio::test]
async fn every_role_that_is_too_small_is_refused() {
    let service = service();
    for role in Role::ALL {
        let account = account(&service, role.as_str(), role);
        let browser = session_of(&service, &account, |_| {});
        for (path, access) in guarded() {
            if matches!(access, Access::SignedIn | Access::HalfWay) {
                continue;
            }
            let got = browser.get(&service, &path).await;
            if access.is_open_to(role) {
                // Without a lane it is the general one, which is not theirs.
                if (&*path, role) == ("/staff/api/queue", Role::ChildSafety) {
                    continue;
                }
                assert!(!matches!(got.status.as_u16(), 401 | 403), "{role} {path}");
                continue;
            }
            got.assert_problem(403, "staff-not-permitted");
            let posted = browser.post(&service, &path, "act=disable").await;
            posted.assert_problem(403, "staff-not-permitted");
            for method in CHANGING {
                let refused = browser.send(&service, method, &path).await;
                refused.assert_problem(403, "staff-not-permitted");
                assert_logged(&service, account.id.as_str(), "staff-not-permitted", &path);
            }
        }
    }
}

#[tokio::test]
async fn another_sessions_token_is_none() {
    let service = service();
    let mine = logged_in(&service, "jane", Role::Admin);
    let theirs = logged_in(&service, "john", Role::Admin);
    for (path, _) in guarded() {
        for csrf in [
            "",
            &theirs.csrf,
            &mine.csrf[1..],
            &format!("{}0", mine.csrf),
        ] {
            let forged = Browser {
                csrf: csrf.to_owned(),
                ..mine.clone()
            };
            let posted = forged.post(&service, &path, "").await;
            posted.assert_problem(403, "staff-csrf-token");
            assert_eq!(last_refusal(&service).2, "staff-csrf-token");
            for method in CHANGING {
                let refused = forged.send(&service, method, &path).await;
                refused.assert_problem(403, "staff-csrf-token");
                assert_eq!(last_refusal(&service).2, "staff-csrf-token", "{path}");
            }
        }
        let bare = mine.post_bare(&service, &path, "a=b").await;
        bare.assert_problem(403, "staff-csrf-token");
        let deleted = mine.request("DELETE", &path).body(Body::empty()).unwrap();
        service
            .send(deleted)
            .await
            .assert_problem(403, "staff-csrf-token");
    }
}

#[tokio::test]
async fn what_another_site_sends_is_refused_with_any_token() {
    let service = service();
    let browser = logged_in(&service, "jane", Role::Admin);
    for (path, _) in every_route() {
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let request = browser
                .request("POST", &path)
                .header("x-csrf-token", &browser.csrf)
                .header(name, value)
                .body(Body::empty())
                .unwrap();
            let answer = service.send(request).await;
            answer.assert_problem(403, "staff-foreign-origin");
        }
    }
    assert_eq!(last_refusal(&service).2, "staff-foreign-origin");
}

#[tokio::test]
async fn a_call_carries_the_token_in_its_header() {
    let service = service();
    let browser = logged_in(&service, "jane", Role::Admin);
    let call = |token: &str| {
        browser
            .request("POST", "/staff/logout")
            .header("x-csrf-token", token)
            .body(Body::empty())
            .unwrap()
    };
    service
        .send(call("x"))
        .await
        .assert_problem(403, "staff-csrf-token");
    let gone = service.send(call(&browser.csrf)).await;
    assert_eq!(gone.status, StatusCode::SEE_OTHER);
    assert!(gone.header(header::SET_COOKIE).contains("Max-Age=0"));
    let after = browser.get(&service, "/staff").await;
    after.assert_problem(401, "staff-session-missing");
}

#[tokio::test]
async fn nothing_under_staff_is_kept_or_framed() {
    let service = service();
    let browser = logged_in(&service, "jane", Role::Admin);
    for (path, _) in every_route() {
        for answer in [
            browser.get(&service, &path).await,
            Browser::default().get(&service, &path).await,
        ] {
            assert_eq!(answer.header(header::CACHE_CONTROL), "no-store", "{path}");
            let policy = answer.header(header::CONTENT_SECURITY_POLICY);
            assert!(policy.contains("script-src 'self'"), "{path}");
            assert!(policy.contains("frame-ancestors 'none'"), "{path}");
            assert_eq!(answer.header(header::REFERRER_POLICY), "same-origin");
        }
    }
}

#[tokio::test]
async fn over_a_network_without_tls_nobody_comes_in() {
    let settings = Settings {
        listen: "0.0.0.0:80".parse().unwrap(),
        ..Settings::default()
    };
    let service = Service::start(&Oracle::says(SAFE), settings);
    let browser = logged_in(&service, "jane", Role::Admin);
    for (path, _) in every_route() {
        let answer = browser.get(&service, &path).await;
        answer.assert_problem(403, "staff-insecure-transport");
    }
}

#[tokio::test]
async fn strangers_cannot_fill_the_audit() {
    let service = service();
    for _ in 0..300 {
        Browser::default().get(&service, "/staff").await;
    }
    let n_entries = entries(&service).len();
    assert!((200..=202).contains(&n_entries), "{n_entries}");
}
