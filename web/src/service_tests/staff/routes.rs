//! Every route under `/staff`, tried by everybody who must not come in.

use super::*;
use crate::staff::{Access, routes};

/// Every route with a path that could be asked for.
fn every_route() -> Vec<(String, Access)> {
    let made_up = Secret::random().unwrap();
    routes()
        .table()
        .map(|(path, access)| {
            let path = path.replace("{code}", made_up.expose());
            (path.replace("{id}", "calm-heron-7"), access)
        })
        .collect()
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
        "/staff/join/{code}",
        "/staff/join/{code}/second-factor",
    ];
    assert_eq!(open, ways_in);
}

#[tokio::test]
async fn nobody_comes_in_without_a_session() {
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
            let posted = stranger.post(&service, &path, "").await;
            posted.assert_problem(401, "staff-session-missing");
            let (actor, action, code) = last_refusal(&service);
            assert_eq!(
                (actor.as_str(), action.as_str(), code.as_str()),
                ("visitor", "staff-refused", "staff-session-missing"),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn a_password_alone_opens_nothing() {
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
        let posted = half.post(&service, &path, "").await;
        posted.assert_problem(401, "staff-second-factor-missing");
        let (actor, _, code) = last_refusal(&service);
        assert_eq!(
            (actor.as_str(), code.as_str()),
            (account.id.as_str(), "staff-second-factor-missing")
        );
    }
}

#[tokio::test]
async fn every_role_that_is_too_small_is_refused() {
    let service = service();
    for role in Role::ALL {
        let account = account(&service, role.as_str(), role);
        let browser = session_of(&service, &account, |_| {});
        for (path, access) in guarded() {
            let Access::Needs(permission) = access else {
                continue;
            };
            let got = browser.get(&service, &path).await;
            if permission.is_of(role) {
                assert!(!matches!(got.status.as_u16(), 401 | 403), "{role} {path}");
                continue;
            }
            got.assert_problem(403, "staff-not-permitted");
            let posted = browser.post(&service, &path, "act=disable").await;
            posted.assert_problem(403, "staff-not-permitted");
            let (actor, action, code) = last_refusal(&service);
            assert_eq!(
                (actor.as_str(), action.as_str(), code.as_str()),
                (account.id.as_str(), "staff-refused", "staff-not-permitted")
            );
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
