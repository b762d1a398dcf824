//! One's own account, everybody's, and the audit's page.

use super::*;
use crate::staff::vault::Vault;

fn member(service: &Service, id: &StaffId) -> Account {
    staff::account(&*service.app.store, id)
        .unwrap()
        .unwrap()
        .value
}

#[tokio::test]
async fn what_is_dangerous_asks_for_the_factor_again() {
    let service = service();
    let account = account(&service, "jane", Role::Admin);
    let mut stale = session_of(&service, &account, |session| {
        session.factor_at_ms -= 6 * 60_000;
    });
    for (path, form) in [
        ("/staff/account/recovery", ""),
        ("/staff/account/remove-factor", "factor=totp"),
        ("/staff/account/password", "current=a&password=b&again=b"),
    ] {
        let answer = stale.post(&service, path, form).await;
        let location = answer.header(header::LOCATION);
        assert!(
            location.starts_with("/staff/step-up?to="),
            "{path}: {location}"
        );
        assert!(!answer.text().contains("current"), "no password goes along");
    }
    for (path, form) in [
        ("/staff/people/invite", "role=admin"),
        ("/staff/people/calm-heron-7", "act=disable"),
    ] {
        let answer = stale.post(&service, path, form).await;
        assert_asks_for_factor(&answer, path);
    }
    let wrong = stale.post(&service, "/staff/step-up", "code=000000").await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    let form = format!("code={}", code(0));
    let proved = stale
        .post(&service, "/staff/step-up?to=%2Fstaff%2Fpeople", &form)
        .await;
    assert_eq!(proved.header(header::LOCATION), "/staff/people");
    let codes = stale.post(&service, "/staff/account/recovery", "").await;
    assert_eq!(codes.status, StatusCode::OK);
    assert_eq!(codes.text().matches("<li><code>").count(), 10);
    stale.take(&codes);
    assert_eq!(stale.get(&service, "/staff").await.status, StatusCode::OK);
    assert_eq!(member(&service, &account.id).recovery.len(), 10);
}

#[tokio::test]
async fn a_new_password_ends_other_sessions() {
    let service = service();
    let account = account(&service, "jane", Role::Moderator);
    let other = session_of(&service, &account, |_| {});
    let mut browser = session_of(&service, &account, |_| {});
    let path = "/staff/account/password";
    let wrong = "current=not+it&password=another+passphrase&again=another+passphrase";
    assert_eq!(
        browser.post(&service, path, wrong).await.status.as_u16(),
        422
    );
    let right =
        "current=correct+horse+battery&password=another+passphrase&again=another+passphrase";
    let answer = browser.post(&service, path, right).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    browser.take(&answer);
    assert_eq!(browser.get(&service, "/staff").await.status, StatusCode::OK);
    other
        .get(&service, "/staff")
        .await
        .assert_problem(401, "staff-session-missing");
    let old = "login=jane&password=correct+horse+battery";
    let refused = Browser::default()
        .post_bare(&service, "/staff/login", old)
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_only_second_factor_stays() {
    let service = service();
    let account = account(&service, "jane", Role::Moderator);
    let browser = session_of(&service, &account, |_| {});
    let answer = browser
        .post(&service, "/staff/account/remove-factor", "factor=totp")
        .await;
    assert_eq!(answer.status.as_u16(), 422);
    assert!(member(&service, &account.id).totp.is_some());
}

#[tokio::test]
async fn an_admin_closes_changes_and_resets() {
    let service = service();
    let admin = logged_in(&service, "boss", Role::Admin);
    let jane = account(&service, "jane", Role::Moderator);
    let theirs = session_of(&service, &jane, |_| {});
    let path = format!("/staff/people/{}", jane.id);
    admin
        .post(&service, &path, "act=change-role&role=auditor")
        .await;
    let audit = theirs.get(&service, "/staff/audit").await;
    assert_eq!(
        audit.status,
        StatusCode::OK,
        "a role holds from the next request on"
    );
    admin
        .post(&service, &path, "act=disable&role=auditor")
        .await;
    theirs
        .get(&service, "/staff")
        .await
        .assert_problem(401, "staff-session-missing");
    admin.post(&service, &path, "act=enable").await;
    let page = admin.post(&service, &path, "act=reset-second-factor").await;
    let link = between(page.text(), "value=\"http://localhost:8080", "\"")
        .unwrap()
        .to_owned();
    assert!(!member(&service, &jane.id).has_second_factor());
    let form = "login=jane&password=correct+horse+battery";
    let shut = Browser::default()
        .post_bare(&service, "/staff/login", form)
        .await;
    assert_eq!(
        shut.status,
        StatusCode::FORBIDDEN,
        "no way in without a second factor"
    );
    let wrong = Browser::default()
        .post_bare(&service, &link, "login=jane&password=no")
        .await;
    assert_eq!(
        wrong.status,
        StatusCode::FORBIDDEN,
        "the link alone is not enough"
    );
    let right = Browser::default().post_bare(&service, &link, form).await;
    assert!(right.header(header::LOCATION).ends_with("/second-factor"));
    let people = admin.get(&service, "/staff/people").await;
    assert!(people.text().contains("jane") && people.text().contains("no second factor"));
    let boss = staff::accounts(&*service.app.store).unwrap();
    let boss = boss
        .iter()
        .find(|kept| kept.value.role == Role::Admin)
        .unwrap();
    let own = format!("/staff/people/{}", boss.value.id);
    let last = admin.post(&service, &own, "act=disable").await;
    assert_eq!(last.status.as_u16(), 422, "the last admin stays");
}

#[tokio::test]
async fn the_audit_is_paged_and_filtered() {
    let service = service();
    let auditor = logged_in(&service, "jane", Role::Auditor);
    for _ in 0..120 {
        Browser::default().get(&service, "/staff/people").await;
    }
    auditor.get(&service, "/staff/people").await;
    let rows = |page: &Answer| page.text().matches("<time ").count();
    let newest = auditor.get(&service, "/staff/audit").await;
    assert_eq!(rows(&newest), 50);
    let next = between(newest.text(), "before=", "\"").unwrap();
    assert_eq!(next, "72");
    let filtered = auditor
        .get(
            &service,
            "/staff/audit?actor=visitor&action=staff-refused&subject=%2Fstaff%2Fpeople&before=31",
        )
        .await;
    assert_eq!(rows(&filtered), 30);
    let nobody = auditor
        .get(&service, "/staff/audit?actor=calm-heron-7")
        .await;
    assert_eq!(rows(&nobody), 0);
    let hostile = auditor
        .get(&service, "/staff/audit?actor=%22%3E%3Cscript%3E")
        .await;
    assert!(
        !hostile.text().contains("<script>"),
        "what is looked for is escaped"
    );
}

#[tokio::test]
async fn an_invitation_is_listed_and_revoked_on_the_page() {
    let service = service();
    let admin = logged_in(&service, "boss", Role::Admin);
    let made = admin
        .post(&service, "/staff/people/invite", "role=auditor")
        .await;
    let link = between(made.text(), "value=\"http://localhost:8080", "\"").unwrap();
    let path = between(made.text(), "/staff/people/invitations/", "\"").unwrap();
    let open = Browser::default().get(&service, link).await;
    assert_eq!(open.status, StatusCode::OK);
    let path = format!("/staff/people/invitations/{path}");
    let revoked = admin.post(&service, &path, "").await;
    assert_eq!(revoked.status, StatusCode::SEE_OTHER);
    let gone = Browser::default().get(&service, link).await;
    gone.assert_problem(404, "staff-invitation-unknown");
    let again = admin.post(&service, &path, "").await;
    assert_eq!(again.status.as_u16(), 422);
}

#[tokio::test]
async fn the_secret_of_an_app_is_sealed_at_the_start() {
    let service = service();
    let jane = account(&service, "jane", Role::Moderator);
    let store = &*service.app.store;
    let vault = Vault::passing().unwrap();
    service.app.staff.seal_with(vault, store).unwrap();
    let kept = member(&service, &jane.id).totp.unwrap().secret;
    assert!(matches!(kept, KeptSecret::Sealed(_)));
    let opened = Browser::default().log_in(&service, "jane", &code(0)).await;
    assert_eq!(opened.status, StatusCode::SEE_OTHER);
    let kept = member(&service, &jane.id).totp.unwrap().secret;
    assert!(matches!(kept, KeptSecret::Sealed(_)));
}

#[tokio::test]
async fn a_lost_key_is_named_and_locks_nobody() {
    let service = service();
    let jane = account(&service, "jane", Role::Moderator);
    let store = &*service.app.store;
    let lost = Vault::passing().unwrap();
    lost.seal_accounts(store).unwrap();
    let vault = Vault::passing().unwrap();
    let unreadable = crate::staff::vault::unreadable(store, Some(&vault)).unwrap();
    assert_eq!(unreadable, std::slice::from_ref(&jane.id));
    service.app.staff.seal_with(vault, store).unwrap();
    for _ in 0..7 {
        let refused = Browser::default().log_in(&service, "jane", &code(0)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(refused.text().contains("lost the key"));
    }
    assert_eq!(last_refusal(&service).2, "staff-secret-unreadable");
    // The way back.
    let by = crate::staff::admin::By::operator(&service.app.settings);
    crate::staff::admin::reset_second_factor(store, &by, &jane.id).unwrap();
    assert!(!member(&service, &jane.id).has_second_factor());
}
