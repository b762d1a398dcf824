//! The way of a copyright notice, from the form to the court, in the browser.

use imgshare_storage::State as ImageState;
use imgshare_storage::complaints::{Category, ReportDraft, Text};
use imgshare_storage::moderation::{Claim, Flag, Lane, Moderator, Note, Policy, Reason, Verdict};
use serde_json::json;

use super::*;

const NOTICE: &str = "name=A.+Claimant&email=a%40example.org&work=The+photograph+Evening\
                      &good_faith=on&accurate=on&signature=A.+Claimant";

const COUNTER: &str = "sent=yes&name=B.+Owner&address=1+Main+Street&phone=1&mistake=on&jurisdiction=on\
                       &signature=B.+Owner";

struct Uploaded {
    id: imgshare_storage::ImageId,
    token: String,
}

async fn upload(service: &Service) -> Uploaded {
    let image = service.uploaded(&photo()).await;
    Uploaded {
        id: image["id"].as_str().unwrap().parse().unwrap(),
        token: image["delete_token"].as_str().unwrap().to_owned(),
    }
}

fn remove(service: &Service, who: &Account, image: &Uploaded) {
    let (queue, now_ms) = (&service.app.queue, clock::now_ms());
    let who = Moderator {
        id: who.id.clone(),
        role: who.role,
    };
    let job = queue.claim(&who, &Lane::ALL, &image.id, now_ms).unwrap();
    let claim = Claim {
        image: image.id,
        lease: job.lease().unwrap().token.clone(),
        version: job.version,
    };
    let verdict = Verdict::Remove {
        policy: Policy::Copyright,
        reason: Note::default(),
        bank: None,
    };
    queue.decide(&who, &claim, &verdict, now_ms).unwrap();
}

/// An image that a senior moderator removed upon a notice, and its uploader has
/// countered that.
async fn countered(service: &Service) -> (Uploaded, Account) {
    let image = upload(service).await;
    let notice = format!("images={}&{NOTICE}", image.id);
    service.send(form("/copyright/notice", notice)).await;
    let senior = account(service, "kim", Role::SeniorModerator);
    remove(service, &senior, &image);
    let path = format!("/m/{}/counter-notice", image.id);
    let counter = format!("token={}&{COUNTER}", image.token);
    service.send(form(&path, counter)).await;
    (image, senior)
}

#[tokio::test]
async fn from_the_notice_to_the_court() {
    let service = service();
    let image = upload(&service).await;
    let filed = service
        .send(form(
            "/copyright/notice",
            format!("images={}&{NOTICE}", image.id),
        ))
        .await;
    assert_eq!(filed.status, StatusCode::CREATED, "{}", filed.text());
    let senior = account(&service, "kim", Role::SeniorModerator);
    let browser = session_of(&service, &senior, |_| {});
    let page = browser.get(&service, "/staff/notices").await;
    for said in [image.id.as_str(), "A. Claimant", "Evening", "copyright"] {
        assert!(page.text().contains(said), "{said}: {}", page.text());
    }
    remove(&service, &senior, &image);
    let owner = format!("/m/{}/counter-notice", image.id);
    let counter = || form(&owner, format!("token={}&{COUNTER}", image.token));
    let countered = service.send(counter()).await;
    assert!(countered.status.is_success(), "{}", countered.text());
    let page = browser.get(&service, "/staff/notices").await;
    assert!(page.text().contains("B. Owner") && page.text().contains("Nothing is due"));
    // It is to be sent to whoever claimed, so that stays there.
    for said in ["Send it to A. Claimant", "a@example.org", "Evening"] {
        let page = page.text().replace("&#64;", "@");
        assert!(page.contains(said), "{said}: {page}");
    }
    let receipt = between(page.text(), "name=\"receipt\" value=\"", "\"").unwrap();

    let path = "/staff/notices/action-filed";
    let form_of = format!("receipt={receipt}");
    let moderator = logged_in(&service, "joan", Role::Moderator);
    let refused = moderator.post(&service, path, &form_of).await;
    refused.assert_problem(403, "staff-not-permitted");
    let closed = browser.post(&service, path, &form_of).await;
    assert_eq!(closed.status, StatusCode::OK, "{}", closed.text());
    assert!(closed.text().contains("stays removed"));
    let told = entries(&service).pop().unwrap().entry;
    assert_eq!(told.action.as_str(), "counter-notice-action-filed");
    assert_eq!(told.actor.name(), senior.id.as_str());
    let again = browser.post(&service, path, &form_of).await;
    again.assert_problem(409, "counter-notice-closed");
    let unknown = browser
        .post(&service, path, "receipt=1111111111111111")
        .await;
    unknown.assert_problem(404, "not-found");

    let refiled = service.send(counter()).await;
    assert!(!refiled.status.is_success(), "{}", refiled.text());
    let manage = format!("/m/{}", image.id);
    let manage = service
        .send(form(&manage, format!("token={}", image.token)))
        .await;
    assert!(!manage.text().contains("counter-notice\" method"));
    let far = clock::now_ms() + 90 * 86_400_000;
    let complaints = &service.app.reporting.complaints;
    assert!(complaints.restore_due(far, 10).unwrap().images.is_empty());
}

#[tokio::test]
async fn an_unanswered_counter_notice_brings_the_image_back() {
    let service = service();
    let (image, senior) = countered(&service).await;
    let complaints = &service.app.reporting.complaints;
    let open = complaints.open_counters(9).unwrap();
    let due = complaints.restore_due(open[0].restore_from_ms, 10).unwrap();
    assert_eq!(due.images, [image.id]);
    let browser = session_of(&service, &senior, |_| {});
    let page = browser.get(&service, "/staff/notices").await;
    assert!(page.text().contains("None is open."));
}

#[tokio::test]
async fn a_hold_is_ended_by_whose_lane_it_is_with_a_fresh_factor() {
    let service = service();
    let image = upload(&service).await;
    let now_ms = clock::now_ms();
    let flag = Flag {
        lane: Lane::ChildSafety,
        ..Flag::new(Reason::HashMatch).hiding()
    };
    service.app.queue.flag(&image.id, &flag, now_ms).unwrap();
    let record = || service.app.store.find(&image.id).unwrap().unwrap();
    assert!(record().legal_hold);
    let path = "/staff/notices/release-hold";
    let form_of = format!("image={}", image.id);
    for (login, role, status, code) in [
        ("ada", Role::Admin, 404, "not-queued"),
        ("kim", Role::SeniorModerator, 404, "not-queued"),
        ("joan", Role::Moderator, 403, "staff-not-permitted"),
        ("alma", Role::Auditor, 403, "staff-not-permitted"),
    ] {
        let account = account(&service, login, role);
        let browser = session_of(&service, &account, |_| {});
        let refused = browser.post(&service, path, &form_of).await;
        refused.assert_problem(status, code);
        assert_eq!(last_refusal(&service).0, account.id.as_str());
        if code == "staff-not-permitted" {
            let page = browser.get(&service, "/staff/notices").await;
            page.assert_problem(403, "staff-not-permitted");
        } else {
            let page = browser.get(&service, "/staff/notices").await;
            assert!(!page.text().contains(image.id.as_str()));
        }
    }
    let expert = account(&service, "expert", Role::ChildSafety);
    let stale = session_of(&service, &expert, |session| {
        session.factor_at_ms -= 6 * 60_000;
    });
    let first = stale.post(&service, path, &form_of).await;
    assert_asks_for_factor(&first, path);
    assert!(record().legal_hold);
    let fresh = session_of(&service, &expert, |_| {});
    let page = fresh.get(&service, "/staff/notices").await;
    assert!(
        !page.text().contains("Counter-notices"),
        "those are others'"
    );
    let released = fresh.post(&service, path, &form_of).await;
    assert!(released.text().contains("is held as evidence no more"));
    assert!(!record().legal_hold);
    assert_eq!(record().state, ImageState::Review);
    let told = entries(&service).pop().unwrap().entry;
    assert_eq!(told.action.as_str(), "legal-hold-released");
}

#[tokio::test]
async fn the_operator_does_the_same_from_the_command_line() {
    use crate::staff::control::{AdminAnswer, AdminCommand, obey};
    let service = service();
    let (image, _) = countered(&service).await;
    let complaints = &service.app.reporting.complaints;
    let run = |command| obey(complaints, &service.app.settings, &command);
    let Ok(AdminAnswer::CounterNotices { counters }) = run(AdminCommand::CounterNotices) else {
        panic!("they are listed");
    };
    let receipt = counters[0].receipt.to_string();
    let done = run(AdminCommand::ActionFiled { receipt }).unwrap();
    let name = image.id.to_string();
    assert_eq!(done, AdminAnswer::Done { name: name.clone() });
    let told = entries(&service).pop().unwrap().entry;
    assert_eq!(told.actor.name(), "operator");
    run(AdminCommand::ReleaseHold { image: name }).unwrap_err();
    let not_one = AdminCommand::ActionFiled {
        receipt: json!(1).to_string(),
    };
    run(not_one).unwrap_err();
}

/// Reports an image as anybody would, past every limit of a network.
fn reported(service: &Service, image: &Uploaded, category: Category) {
    let draft = ReportDraft {
        image: image.id,
        category,
        text: Text::default(),
        contact: Text::default(),
    };
    let complaints = &service.app.reporting.complaints;
    complaints.report(&draft, 1.0, clock::now_ms()).unwrap();
}

#[tokio::test]
async fn a_flood_in_one_lane_hides_no_clock_of_another() {
    let service = service();
    for _ in 0..51 {
        let image = upload(&service).await;
        reported(&service, &image, Category::ChildAbuse);
    }
    let theirs = upload(&service).await;
    reported(&service, &theirs, Category::IntimateImage);
    let senior = logged_in(&service, "kim", Role::SeniorModerator);
    let page = senior.get(&service, "/staff/notices").await;
    assert!(page.text().contains(theirs.id.as_str()), "{}", page.text());
    assert!(!page.text().contains("What is due later"));

    // What does not fit is on the next page.
    let expert = logged_in(&service, "expert", Role::ChildSafety);
    let page = expert.get(&service, "/staff/notices").await;
    let n_rows = |page: &Answer| page.text().matches("1 report, due").count();
    assert_eq!(n_rows(&page), 50);
    let next = between(page.text(), "button small\" href=\"", "\"").unwrap();
    let next = next.replace("&#38;", "&").replace("&amp;", "&");
    let page = expert.get(&service, &next).await;
    assert_eq!((page.status, n_rows(&page)), (StatusCode::OK, 1));
    assert!(!page.text().contains("What is due later"));
    let made_up = expert.get(&service, "/staff/notices?due=x").await;
    made_up.assert_problem(400, "malformed-form");
}
