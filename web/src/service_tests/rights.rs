//! What an owner sees, exports, corrects and objects to, with the token alone.

use std::io::{Cursor, Read};

use imgshare_storage::audit::Actor;
use imgshare_storage::lawful::{self, Line, NewHold};
use zip::ZipArchive;

use super::*;
use crate::clock;

async fn owned(service: &Service) -> (String, String) {
    let image = service.uploaded(&photo()).await;
    let text = |name: &str| image[name].as_str().unwrap().to_owned();
    (text("id"), text("delete_token"))
}

pub(super) async fn exported(
    service: &Service,
    id: &str,
    token: &str,
) -> ZipArchive<Cursor<Vec<u8>>> {
    let path = format!("/m/{id}/export");
    let answer = service.send(form(&path, format!("token={token}"))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/zip");
    assert!(answer.header(header::CACHE_CONTROL).contains("no-store"));
    ZipArchive::new(Cursor::new(answer.body.to_vec())).unwrap()
}

pub(super) fn file(archive: &mut ZipArchive<Cursor<Vec<u8>>>, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    archive
        .by_name(name)
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

#[tokio::test]
async fn p20_everything_held_is_exported_with_its_schema() {
    let service = Service::saying(SAFE);
    let (id, token) = owned(&service).await;
    let mut archive = exported(&service, &id, &token).await;
    let image = file(&mut archive, &format!("{id}.jpg"));
    let served = service.get(&format!("/i/{id}.jpg")).await;
    assert_eq!(image, served.body, "the image as it is served");
    let held: Value = serde_json::from_slice(&file(&mut archive, "metadata.json")).unwrap();
    assert_eq!(held["filename"], "cat.jpg");
    assert_eq!(
        (&held["id"], &held["label"]),
        (&id.as_str().into(), &"safe".into())
    );
    let schema = file(&mut archive, "metadata.schema.json");
    let schema: Value = serde_json::from_slice(&schema).unwrap();
    let described = schema["properties"].as_object().unwrap();
    let given = held.as_object().unwrap();
    assert!(
        given.keys().all(|name| described.contains_key(name)),
        "{schema:#}"
    );
    assert_eq!(given.len(), described.len());
}

#[tokio::test]
async fn p20_the_page_shows_what_the_archive_holds() {
    let service = Service::saying(SAFE);
    let (id, token) = owned(&service).await;
    let page = service
        .send(form(&format!("/m/{id}"), format!("token={token}")))
        .await;
    let record = service
        .app
        .store
        .find(&id.parse().unwrap())
        .unwrap()
        .unwrap();
    for part in [
        "What we hold about it",
        "cat.jpg",
        &hex::encode(record.sha256),
    ] {
        assert!(page.text().contains(part), "{part}");
    }
}

#[tokio::test]
async fn p20_a_file_name_is_corrected() {
    let service = Service::saying(SAFE);
    let (id, token) = owned(&service).await;
    let body = format!("token={token}&filename=..%2Fholiday%0d%0a.jpg");
    let page = service.send(form(&format!("/m/{id}/filename"), body)).await;
    assert_eq!(page.status, StatusCode::OK);
    let record = service
        .app
        .store
        .find(&id.parse().unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(record.filename, "holiday.jpg");
    let wrong = format!("token={}&filename=x", "0".repeat(40));
    let refused = service
        .send(form(&format!("/m/{id}/filename"), wrong))
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn p20_an_objection_to_advertising_is_kept_and_taken_back() {
    let service = Service::saying(SAFE);
    let (id, token) = owned(&service).await;
    let path = format!("/m/{id}/advertising");
    let objects = || {
        let record = service.app.store.find(&id.parse().unwrap()).unwrap();
        record.unwrap().ads_objection
    };
    service
        .send(form(&path, format!("token={token}&objects=yes")))
        .await;
    assert!(objects());
    service.send(form(&path, format!("token={token}"))).await;
    assert!(!objects());
}

#[tokio::test]
async fn p20_deleting_from_the_same_page_takes_the_same_token() {
    let service = Service::saying(SAFE);
    let (id, token) = owned(&service).await;
    let page = service
        .send(form(&format!("/m/{id}"), format!("token={token}")))
        .await;
    assert!(page.text().contains(&format!("action=\"/d/{id}\"")));
    let gone = service
        .send(form(&format!("/d/{id}"), format!("token={token}")))
        .await;
    assert_eq!(gone.status, StatusCode::OK);
    service
        .get(&format!("/i/{id}.jpg"))
        .await
        .assert_problem(404, "not-found");
}

#[tokio::test]
async fn p20_the_owner_is_told_the_label_that_is_in_force() {
    let near = Scores::from_array([0.02, 0.05, 0.78, 0.05, 0.10]);
    let service = Service::saying(near);
    let (id, token) = owned(&service).await;
    let mut thresholds = service.app.thresholds.moderation().thresholds();
    thresholds.explicit = 0.09;
    let (book, store) = (&service.app.thresholds, &*service.app.store);
    book.set(store, &Actor::Operator, thresholds, 7).unwrap();
    let shown = service.get(&format!("/api/v1/images/{id}")).await.json();
    assert_eq!(shown["label"], "nsfw");
    let mut archive = exported(&service, &id, &token).await;
    let held: Value = serde_json::from_slice(&file(&mut archive, "metadata.json")).unwrap();
    assert_eq!(held["label"], shown["label"]);
    assert_eq!(held["confidence"], shown["confidence"]);
}

/// Whoever looks every day must not be able to tell when an order came or ended.
#[tokio::test]
async fn p20_neither_page_nor_archive_tells_of_a_hold() {
    let service = Service::saying(SAFE);
    let (id, token) = owned(&service).await;
    let (store, image) = (&*service.app.store, id.parse().unwrap());
    let seen = async || {
        let mut bodies = Vec::new();
        for path in [format!("/m/{id}"), format!("/m/{id}/export")] {
            let answer = service.send(form(&path, format!("token={token}"))).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            bodies.push(answer.body);
        }
        bodies
    };
    let before = seen().await;
    let page = String::from_utf8(before[0].to_vec()).unwrap();
    assert!(page.contains("This one stays until"), "{page}");
    let now_ms = clock::now_ms();
    let hold = NewHold {
        image,
        reference: Line::new("AZ 1/26").unwrap(),
        expires_at_ms: now_ms + 3 * 24 * 60 * 60 * 1_000,
    };
    lawful::hold(store, &Actor::Operator, &hold, now_ms).unwrap();
    assert!(store.find(&image).unwrap().unwrap().is_held());
    assert!(before == seen().await, "while it is held");
    assert!(lawful::release(store, &Actor::Operator, &image, now_ms).unwrap());
    assert!(before == seen().await, "after its release");
}
