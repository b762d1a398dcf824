//! What visitors, owners and staff see of an image that nobody views.

use imgshare_storage::audit::Actor;
use imgshare_storage::contract::{SampleBytes, sample_record_at};
use imgshare_storage::lawful::{self, NewHold, RequestDraft, RequestKind};
use imgshare_storage::staff::Secret;
use imgshare_storage::{DeleteToken, Record, State, Views};

use super::*;
use crate::clock;
use crate::retention::House;

const DAY: u64 = 86_400_000;

/// A public image that was uploaded so many days ago.
fn uploaded_days_ago(service: &Service, days: u64) -> (Record, DeleteToken) {
    let token = DeleteToken::random().unwrap();
    let record = Record {
        state: State::Public,
        delete_token: token.hash(),
        ..sample_record_at(clock::now_ms() - days * DAY)
    };
    let store = &service.app.store;
    store.commit(&record, &SampleBytes(photo())).unwrap();
    (record, token)
}

fn keep(service: &Service, now_ms: u64) {
    let house = House::of(&service.app);
    house.run(now_ms, &mut |_, _, _| {}).unwrap();
}

fn views(service: &Service, record: &Record) -> Views {
    service.app.store.merge_views().unwrap();
    service.app.store.views(&record.id).unwrap()
}

#[tokio::test]
async fn p13a_owner_and_visitor_are_told_when_an_image_will_go() {
    let service = Service::saying(SAFE);
    let (record, token) = uploaded_days_ago(&service, 185);
    let (young, young_token) = uploaded_days_ago(&service, 3);
    keep(&service, clock::now_ms());
    let ask = |record: &Record, token: &DeleteToken| {
        let path = format!("/m/{}", record.id);
        form(&path, format!("token={}", token.expose()))
    };
    let day = imgshare_storage::calendar::date(clock::now_ms() + 14 * DAY);
    let owner = service.send(ask(&record, &token)).await;
    let told = format!("It will be removed on {day} unless it is viewed.");
    assert!(owner.text().contains(&told), "{}", owner.text());
    let owner = service.send(ask(&young, &young_token)).await;
    assert!(
        owner
            .text()
            .contains("at least, and longer with every view")
    );

    let path = format!("/{}", record.id);
    let page = service.browse(&path).await;
    let told = format!("This image was to be removed on {day}");
    assert!(page.text().contains(&told), "{}", page.text());
    assert_eq!(views(&service, &record).total, 1);
    let page = service.browse(&path).await;
    assert!(!page.text().contains("removed on"), "{}", page.text());
    let page = service.browse(&format!("/{}", young.id)).await;
    assert!(!page.text().contains("removed on"));
    keep(&service, clock::now_ms() + 14 * DAY);
    assert!(service.app.store.find(&record.id).unwrap().is_some());
}

#[tokio::test]
async fn p13a_what_staff_look_at_is_no_view() {
    let service = Service::saying(SAFE);
    let (record, _) = uploaded_days_ago(&service, 185);
    keep(&service, clock::now_ms());
    let cookie = format!("imgshare-staff={}", Secret::random().unwrap().expose());
    for path in [format!("/{}", record.id), format!("/i/{}.jpg", record.id)] {
        let request = Request::get(&path)
            .header(header::COOKIE, &cookie)
            .header(header::ACCEPT, "text/html,*/*;q=0.8");
        let answer = service.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK);
        if path.starts_with("/i/") {
            continue;
        }
        assert!(answer.text().contains("will be removed on"));
    }
    assert_eq!(views(&service, &record), Views::default());
    let _ = service.get(&format!("/i/{}.jpg", record.id)).await;
    assert_eq!(views(&service, &record).total, 1);
    keep(&service, clock::now_ms() + 14 * DAY);
    assert!(service.app.store.find(&record.id).unwrap().is_some());
}

#[tokio::test]
async fn p13a_an_image_that_ends_leaves_every_cache() {
    let service = Service::saying(SAFE);
    let (record, _) = uploaded_days_ago(&service, 185);
    keep(&service, clock::now_ms());
    let command = crate::retention::control::Command::Run;
    let house = House::of(&service.app);
    let mut gone = Vec::new();
    house
        .run(clock::now_ms() + 14 * DAY, &mut |_, _, images| {
            gone.extend_from_slice(images);
        })
        .unwrap();
    assert_eq!(gone, [record.id]);
    service
        .get(&format!("/i/{}.jpg", record.id))
        .await
        .assert_problem(404, "not-found");
    let text = serde_json::to_string(&command).unwrap();
    assert_eq!(text, r#"{"command":"run"}"#);
}

#[tokio::test]
async fn p11_p22_a_look_counts_what_is_late() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        data: dir.path().to_owned(),
        ..Settings::default()
    };
    let service = Service::start(&Oracle::says(SAFE), settings);
    let (image, now_ms) = (service.an_image().await, clock::now_ms());
    assert_eq!(
        service.report(&image, "under-age").await.status,
        StatusCode::CREATED
    );
    let hold = NewHold {
        image: image.id.parse().unwrap(),
        reference: lawful::Line::new("AZ 1/26").unwrap(),
        expires_at_ms: now_ms + 3 * DAY,
    };
    lawful::hold(&service.app.store, &Actor::Operator, &hold, now_ms).unwrap();
    let house = House::of(&service.app);
    let late = |after_ms| {
        let late = house.look(now_ms + after_ms).unwrap().lateness;
        (
            late.n_cases_overdue,
            late.n_children_overdue,
            late.n_holds_overdue,
        )
    };
    assert_eq!(late(DAY / 2), (0, 0, 0));
    assert_eq!(late(DAY + 60_000), (1, 1, 0));
    // A hold has until the next round, which may wait an hour for the one before.
    let grace_ms = DAY / 24 + 10 * 60_000;
    assert_eq!(late(3 * DAY + grace_ms - 1), (1, 1, 0));
    assert_eq!(late(3 * DAY + grace_ms), (1, 1, 1));
    lawful::end_due(&service.app.store, now_ms + 4 * DAY, 9).unwrap();
    assert_eq!(late(4 * DAY), (1, 1, 0));
    let request = RequestDraft {
        kind: RequestKind::UnderAge,
        words: lawful::Words::new("of my daughter").unwrap(),
        contact: lawful::Line::new("a@b.example").unwrap(),
        received_at_ms: now_ms,
    };
    lawful::enter(&*service.app.store, &Actor::Operator, &request, now_ms).unwrap();
    assert_eq!(late(DAY / 2), (0, 0, 0));
    assert_eq!(late(60 * DAY), (1, 2, 0));
}

#[tokio::test]
async fn p03_an_upload_that_waits_to_be_classified_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        data: dir.path().to_owned(),
        ..Settings::default()
    };
    let service = Service::start(&Oracle::failing(), settings);
    let house = House::of(&service.app);
    let waited = |at_ms| house.look(at_ms).unwrap().lateness.oldest_unclassified_ms;
    assert_eq!(waited(clock::now_ms()), 0);
    service.uploaded(&photo()).await;
    let at_ms = clock::now_ms() + DAY;
    assert!((DAY..DAY + 600_000).contains(&waited(at_ms)));
}
