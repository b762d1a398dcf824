//! Holds, exports for authorities, and privacy requests.

use std::io::{Cursor, Read};

use imgshare_storage::calendar::{self, MS_A_DAY};
use imgshare_storage::{ImageId, audit, lawful};
use sha2::{Digest, Sha256};

use super::*;

fn hold_form(browser: &Browser, id: &str) -> String {
    let until = calendar::date(clock::now_ms() + 40 * MS_A_DAY);
    let csrf = &browser.csrf;
    format!("csrf={csrf}&image={id}&reference=5+KLs+12%2F26&until={until}")
}

async fn uploaded(service: &Service) -> (String, ImageId, String) {
    let image = service.uploaded(&photo()).await;
    let id = image["id"].as_str().unwrap().to_owned();
    let token = image["delete_token"].as_str().unwrap().to_owned();
    (id.clone(), id.parse().unwrap(), token)
}

fn actions(service: &Service) -> Vec<String> {
    let entries = entries(service).into_iter();
    entries
        .map(|sealed| sealed.entry.action.to_string())
        .collect()
}

#[tokio::test]
async fn p11_a_hold_needs_a_fresh_second_factor() {
    let service = service();
    let (id, image, _) = uploaded(&service).await;
    let admin = account(&service, "jane", Role::Admin);
    let stale = session_of(&service, &admin, |session| session.factor_at_ms = 0);
    let form = hold_form(&stale, &id);
    for path in [
        "/staff/holds".to_owned(),
        format!("/staff/holds/{id}/release"),
        format!("/staff/holds/{id}/export"),
    ] {
        let answer = stale.post_bare(&service, &path, &form).await;
        assert_asks_for_factor(&answer, &path);
        assert!(answer.text().contains("5 KLs 12/26"), "{path}");
    }
    assert!(!service.app.store.find(&image).unwrap().unwrap().legal_hold);
}

#[tokio::test]
async fn p11_a_hold_stops_the_owners_deletion_and_is_counted() {
    let service = service();
    let (id, image, token) = uploaded(&service).await;
    let admin = logged_in(&service, "jane", Role::Admin);
    let set = admin
        .post_bare(&service, "/staff/holds", &hold_form(&admin, &id))
        .await;
    assert_eq!(set.status, StatusCode::SEE_OTHER, "{}", set.text());
    let page = admin.get(&service, "/staff/holds").await;
    assert!(page.text().contains("5 KLs 12/26") || page.text().contains("5 KLs 12&#x2F;26"));

    let deleted = service
        .send(form(&format!("/d/{id}"), format!("token={token}")))
        .await;
    assert_eq!(
        deleted.status,
        StatusCode::OK,
        "the owner sees no difference"
    );
    service
        .get(&format!("/i/{id}.jpg"))
        .await
        .assert_problem(404, "not-found");
    assert!(
        service.app.store.find(&image).unwrap().is_some(),
        "kept for the law"
    );
    let shown = service.browse("/transparency").await;
    assert!(
        shown.text().contains("<td>1</td><td>0</td><td>0</td>"),
        "{}",
        shown.text()
    );

    let csrf = format!("csrf={}", admin.csrf);
    let released = admin
        .post_bare(&service, &format!("/staff/holds/{id}/release"), &csrf)
        .await;
    assert_eq!(released.status, StatusCode::SEE_OTHER);
    assert!(
        service.app.store.find(&image).unwrap().is_none(),
        "gone at last"
    );
    let actions = actions(&service);
    assert!(actions.contains(&"lawful-hold-set".to_owned()));
    assert!(actions.contains(&"lawful-hold-ended".to_owned()));
}

#[tokio::test]
async fn p11_a_hold_whose_day_has_come_hands_nothing_over() {
    let service = service();
    let (id, image, _) = uploaded(&service).await;
    let admin = logged_in(&service, "jane", Role::Admin);
    let set_at_ms = clock::now_ms() - 31 * MS_A_DAY;
    let new = lawful::NewHold {
        image,
        reference: lawful::Line::new("5 KLs 12/26").unwrap(),
        expires_at_ms: set_at_ms + 30 * MS_A_DAY,
    };
    lawful::hold(&service.app.store, &audit::Actor::Operator, &new, set_at_ms).unwrap();
    let page = admin.get(&service, "/staff/holds").await;
    let page = page.text();
    assert!(page.contains("Its time is over"), "{page}");
    assert!(!page.contains("Sealed export"), "{page}");
    let csrf = format!("csrf={}", admin.csrf);
    let export = format!("/staff/holds/{id}/export");
    let refused = admin.post_bare(&service, &export, &csrf).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("no hold of this image stands"));
    assert!(!actions(&service).contains(&"lawful-export".to_owned()));
    // A new order is followed at once.
    let again = admin
        .post_bare(&service, "/staff/holds", &hold_form(&admin, &id))
        .await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text());
    let sealed = admin.post_bare(&service, &export, &csrf).await;
    assert_eq!(sealed.header(header::CONTENT_TYPE), "application/zip");
}

#[tokio::test]
async fn p25_overdue_requests_are_told_at_the_door_and_counted() {
    let service = service();
    let admin = logged_in(&service, "jane", Role::Admin);
    let moderator = logged_in(&service, "max", Role::Moderator);
    let now_ms = clock::now_ms();
    for days in [40, 29, 1] {
        let draft = lawful::RequestDraft {
            kind: lawful::RequestKind::Deletion,
            words: lawful::Words::new("Delete what you have.").unwrap(),
            contact: lawful::Line::default(),
            received_at_ms: now_ms - days * MS_A_DAY,
        };
        lawful::enter(&*service.app.store, &audit::Actor::Operator, &draft, now_ms).unwrap();
    }
    let home = admin.get(&service, "/staff").await;
    let home = home.text();
    assert!(home.contains("1 privacy request is overdue"), "{home}");
    assert!(home.contains("1 is due within 3 days"), "{home}");
    let theirs = moderator.get(&service, "/staff").await;
    let theirs = theirs.text();
    assert!(!theirs.contains("privacy request"), "{theirs}");
    service.app.watch_clocks().await;
    let metrics = service.app.metrics.text().unwrap();
    for line in [
        "imgshare_privacy_requests_open 3",
        "imgshare_privacy_requests_overdue 1",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn p20_a_request_of_tomorrow_or_of_years_ago_is_refused_in_words() {
    let service = service();
    let admin = logged_in(&service, "jane", Role::Admin);
    for (day, words) in [
        (clock::now_ms() + 2 * MS_A_DAY, "still to come"),
        (clock::now_ms() - 400 * MS_A_DAY, "more than a year ago"),
    ] {
        let form = format!(
            "csrf={}&kind=access&words=Which&contact=&received={}",
            admin.csrf,
            calendar::date(day)
        );
        let refused = admin.post_bare(&service, "/staff/requests", &form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text().contains(words), "{}", refused.text());
    }
    let open = lawful::open(&*service.app.store, 9).unwrap();
    assert!(open.is_empty(), "{open:?}");
}

#[tokio::test]
async fn p11_a_sealed_export_can_be_checked_and_is_in_the_audit() {
    let service = service();
    let (id, _, _) = uploaded(&service).await;
    let admin = logged_in(&service, "jane", Role::Admin);
    let path = format!("/staff/holds/{id}/export");
    let csrf = format!("csrf={}", admin.csrf);
    let early = admin.post_bare(&service, &path, &csrf).await;
    assert_eq!(
        early.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "not without an order"
    );
    admin
        .post_bare(&service, "/staff/holds", &hold_form(&admin, &id))
        .await;
    let sealed = admin.post_bare(&service, &path, &csrf).await;
    assert_eq!(sealed.header(header::CONTENT_TYPE), "application/zip");

    let digest = hex::encode(Sha256::digest(&sealed.body));
    let last = entries(&service).pop().unwrap().entry;
    assert_eq!(last.action.as_str(), "lawful-export");
    assert_eq!(last.after["sha256"], digest);
    let mut archive = zip::ZipArchive::new(Cursor::new(sealed.body.to_vec())).unwrap();
    let mut manifest = String::new();
    let mut file = archive.by_name("manifest.sha256").unwrap();
    file.read_to_string(&mut manifest).unwrap();
    drop(file);
    assert_eq!(manifest.lines().count(), archive.len() - 1);
    for line in manifest.lines() {
        let (hash, name) = line.split_once("  ").unwrap();
        let mut bytes = Vec::new();
        archive
            .by_name(name)
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        assert_eq!(hex::encode(Sha256::digest(&bytes)), hash, "{name}");
    }
}

#[tokio::test]
async fn p20_a_request_by_mail_is_entered_and_answered_in_time() {
    let service = service();
    let admin = logged_in(&service, "jane", Role::Admin);
    let today = calendar::date(clock::now_ms());
    let csrf = &admin.csrf;
    for kind in ["access", "under-age"] {
        let form = format!(
            "csrf={csrf}&kind={kind}&received={today}&contact=jane%40example.org&words=About+{kind}"
        );
        let entered = admin.post_bare(&service, "/staff/requests", &form).await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.text());
    }
    let page = admin.get(&service, "/staff/requests").await;
    let at = |words: &str| page.text().find(words).expect(words);
    assert!(
        at("About under-age") < at("About access"),
        "p22: children first"
    );
    assert!(page.text().contains("29 days left") || page.text().contains("30 days left"));
    let due = between(page.text(), "name=\"due_at_ms\" value=\"", "\"").unwrap();
    let number = between(page.text(), "name=\"number\" value=\"", "\"").unwrap();
    let form = format!("csrf={csrf}&number={number}&due_at_ms={due}&words=Deleted");
    let answered = admin
        .post_bare(&service, "/staff/requests/answer", &form)
        .await;
    assert_eq!(
        answered.status,
        StatusCode::SEE_OTHER,
        "{}",
        answered.text()
    );
    let audit = format!("{:?}", entries(&service));
    assert!(
        !audit.contains("jane@example.org") && !audit.contains("About"),
        "{audit}"
    );
}
