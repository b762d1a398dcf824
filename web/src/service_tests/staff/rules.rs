//! The page of rules: checked, previewed, put in force.

use imgshare_storage::audit::Actor;
use imgshare_storage::{Record, State as ImageState, Store};
use serde_json::json;

use super::*;
use crate::moderation::rulebook::RuleBook;
use crate::moderation::rules;

const PATH: &str = "/staff/rules";

fn typed(outcome: &str) -> String {
    let rules = json!({"rules": [
        {"name": "wide", "outcome": outcome, "when": {"width": {"at-least": 1}}},
    ]});
    rules.to_string()
}

fn form(act: &str, rules: &str) -> String {
    let escaped: String = rules.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("act={act}&rules={escaped}")
}

#[tokio::test]
async fn rules_are_checked_previewed_and_put_in_force() {
    let service = service();
    let id = uploaded(&service).await;
    let kim = account(&service, "kim", Role::SeniorModerator);
    let browser = session_of(&service, &kim, |_| {});
    let shown = browser.get(&service, PATH).await;
    assert!(shown.text().contains("There are none."));
    let fit = browser
        .post(&service, PATH, &form("check", &typed("review")))
        .await;
    assert!(
        fit.text().contains("1 rule: they can be used."),
        "{}",
        fit.text()
    );
    let toml =
        "[[rules]]\nname = \"wide\"\noutcome = \"nsfw\"\nwhen = { width = { at-least = 1 } }";
    let fit = browser.post(&service, PATH, &form("check", toml)).await;
    assert_eq!(fit.status, StatusCode::OK, "{}", fit.text());
    let unfit = typed("review").replace("wide", "Not A Name");
    for act in ["check", "preview", "set"] {
        let refused = browser.post(&service, PATH, &form(act, &unfit)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text().contains("lower-case letters"));
        assert!(refused.text().contains("Not A Name"), "it is there still");
    }
    let preview = browser
        .post(&service, PATH, &form("preview", &typed("review")))
        .await;
    let text = preview.text();
    assert!(text.contains("public → review: 1"), "{text}");
    assert!(text.contains(id.as_str()) && text.contains("Put these in force"));
    assert!(service.app.rules.rules().is_empty(), "it was a preview");

    let stale = session_of(&service, &kim, |session| {
        session.factor_at_ms -= 6 * 60_000;
    });
    let first = stale
        .post(&service, PATH, &form("set", &typed("review")))
        .await;
    assert_asks_for_factor(&first, PATH);
    assert!(service.app.rules.rules().is_empty());
    let set = browser
        .post(&service, PATH, &form("set", &typed("review")))
        .await;
    assert_eq!(set.status, StatusCode::SEE_OTHER, "{}", set.text());
    let told = entries(&service).pop().unwrap().entry;
    assert_eq!(told.action.as_str(), "rules-changed");
    assert_eq!(told.after[0]["name"], "wide");
    let shown = browser.get(&service, PATH).await;
    assert!(shown.text().contains("<strong>wide</strong>"));
    let held = service.uploaded(&photo()).await;
    assert_eq!(held["state"], "review");
    // Back to those of the settings, of which there are none.
    let page = browser.get(&service, "/staff/rules?from=settings").await;
    assert!(
        page.text().contains("&#34;rules&#34;: []"),
        "{}",
        page.text()
    );
}

/// Rules of the largest size that is kept, of a shape that is written with the most
/// lines and the deepest indentation.
fn largest_rules() -> Vec<rules::Rule> {
    let of = |n_leaves: usize| -> Vec<rules::Rule> {
        let mut when = json!({"any": vec![json!({"bytes": {"below": 1}}); n_leaves]});
        for _ in 0..rules::DEPTH_MAX - 2 {
            when = json!({"any": [when]});
        }
        let rule = json!({"name": "deep", "outcome": "review", "when": when});
        serde_json::from_value(json!([rule])).unwrap()
    };
    let store = Store::memory();
    let book = RuleBook::open(&store, &[]).unwrap();
    let fits = |n: &usize| book.set(&store, &Actor::Operator, of(*n), 7).is_ok();
    of((1..rules::CONDITIONS_MAX).take_while(fits).last().unwrap())
}

#[tokio::test]
async fn the_largest_rules_are_taken_as_the_page_writes_them() {
    let service = service();
    let browser = logged_in(&service, "kim", Role::SeniorModerator);
    let largest = largest_rules();
    let written = rules::typed(&largest);
    assert!(written.len() > 16_000, "{}", written.len());
    assert!(written.len() <= rules::TYPED_CHARS_MAX, "{}", written.len());
    for act in ["check", "preview", "set"] {
        // Browsers send lines with both of their ends.
        let sent = form(act, &written.replace('\n', "\r\n"));
        let taken = browser.post(&service, PATH, &sent).await;
        let is_taken = taken.status == StatusCode::OK || taken.status == StatusCode::SEE_OTHER;
        assert!(is_taken, "{act}: {} {}", taken.status, taken.text());
    }
    assert_eq!(*service.app.rules.rules(), largest);
}

/// The page that asks for the second factor carries what was typed, and sends it on.
#[tokio::test]
async fn what_was_typed_outlives_the_second_factor() {
    let service = service();
    let kim = account(&service, "kim", Role::SeniorModerator);
    let stale = session_of(&service, &kim, |session| {
        session.factor_at_ms -= 6 * 60_000;
    });
    let sent = form("set", &typed("review"));
    let asked = stale.post(&service, PATH, &sent).await;
    let step = "/staff/step-up?to=%2Fstaff%2Frules";
    let carried = "name=\"rules\" value=\"{&#34;rules&#34;:[{&#34;name&#34;:&#34;wide&#34;";
    let wrong = format!("{sent}&code=000000");
    let again = stale.post(&service, step, &wrong).await;
    for page in [&asked, &again] {
        assert_asks_for_factor(page, step);
        let text = page.text();
        let parts = [
            "name=\"act\" value=\"set\"",
            carried,
            "action=\"/staff/step-up?to=/staff/rules\"",
        ];
        for part in parts {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    // Another session's token, or none, carries nothing on.
    let other = logged_in(&service, "lee", Role::SeniorModerator);
    let foreign = format!("csrf={}&{sent}&code={}", other.csrf, code(0));
    let refused = stale.post_bare(&service, step, &foreign).await;
    refused.assert_problem(403, "staff-csrf-token");
    let proof = format!("{sent}&code={}", code(0));
    let on = stale.post(&service, step, &proof).await;
    assert_eq!(on.status, StatusCode::TEMPORARY_REDIRECT, "{}", on.text());
    assert_eq!(on.header(header::LOCATION), PATH);
    assert!(service.app.rules.rules().is_empty());
    let set = stale.post(&service, PATH, &proof).await;
    assert_eq!(set.status, StatusCode::SEE_OTHER, "{}", set.text());
    assert_eq!(service.app.rules.rules()[0].name, "wide");
}

#[tokio::test]
async fn an_example_is_linked_to_a_page_that_exists() {
    let service = service();
    let (bare, with_job, hidden) = (
        uploaded(&service).await,
        queued(&service).await,
        uploaded(&service).await,
    );
    let hide = |record: &mut Record| record.state = ImageState::Review;
    service.app.store.update(&hidden, hide).unwrap();
    let browser = logged_in(&service, "kim", Role::SeniorModerator);
    let preview = browser
        .post(&service, PATH, &form("preview", &typed("blocked")))
        .await;
    let text = preview.text();
    for (id, link) in [
        (bare, Some(format!("/{bare}"))),
        (
            with_job,
            Some(format!("/staff/preview/{with_job}?look=veiled")),
        ),
        (hidden, None),
    ] {
        assert!(text.contains(id.as_str()), "{text}");
        match link {
            Some(link) => {
                assert!(
                    text.contains(&format!("<a href=\"{link}\"")),
                    "{link}: {text}"
                );
                let page = browser.get(&service, &link).await;
                assert_eq!(page.status, StatusCode::OK, "{link}");
            }
            None => assert!(
                !text.contains(&format!("{id}\" target")) && !text.contains(&format!("{id}?look"))
            ),
        }
    }
}

#[tokio::test]
async fn examples_name_nothing_of_child_safetys() {
    let service = service();
    let id = uploaded(&service).await;
    let flag = Flag {
        lane: Lane::ChildSafety,
        ..Flag::new(Reason::Report)
    };
    service.app.queue.flag(&id, &flag, clock::now_ms()).unwrap();
    let browser = logged_in(&service, "kim", Role::SeniorModerator);
    let preview = browser
        .post(&service, PATH, &form("preview", &typed("review")))
        .await;
    assert!(preview.text().contains("public → review: 1"));
    assert!(!preview.text().contains(id.as_str()));
}
