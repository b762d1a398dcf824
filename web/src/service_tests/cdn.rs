//! What becomes of copies in a CDN when an image is not public any more (P21).

use imgshare_storage::retention::unpublished::{self, Waiting};
use imgshare_storage::{ImageId, State};

use super::*;
use crate::cache::Rendition;
use crate::cdn::tests::{Told, cache, settings};
use crate::cdn::{self, Cdn, Keeper};
use crate::config::Purge;

const NOW: u64 = 1_749_945_600_000;

/// A service behind a cache that is told its addresses.
fn behind(port: u16, again_seconds: u64) -> (Service, Keeper) {
    let mut settings = settings(Purge {
        address: format!("http://127.0.0.1:{port}{{path}}"),
        ..Purge::default()
    });
    settings.cdn.again_seconds = again_seconds;
    let cdn = Cdn::load(&settings).unwrap().unwrap();
    let service = Service::start(&Oracle::says(SAFE), settings);
    cdn::announce(&service.app.store, true, NOW).unwrap();
    let keeper = Keeper::new(Arc::clone(&service.app), cdn);
    (service, keeper)
}

fn waiting(service: &Service) -> Vec<Waiting> {
    unpublished::waiting(&*service.app.store, None, 100).unwrap()
}

fn n_told(told: &Told) -> usize {
    told.requests.lock().unwrap().len()
}

async fn hidden(service: &Service) -> ImageId {
    let image = service.uploaded(&photo()).await;
    let id: ImageId = image["id"].as_str().unwrap().parse().unwrap();
    let direct = path_of(&image["direct_url"]);
    assert_eq!(service.get(direct).await.status, StatusCode::OK);
    let set = |record: &mut imgshare_storage::Record| record.state = State::Blocked;
    service.app.store.update(&id, set).unwrap();
    id
}

fn metric(service: &Service, line: &str) -> bool {
    let text = service.app.metrics.text().unwrap();
    text.lines().any(|told| told == line)
}

#[tokio::test]
async fn p21_copies_are_purged_at_once_and_once_more() {
    let (port, told, _stop) = cache(StatusCode::OK, None).await;
    let (service, mut keeper) = behind(port, 1);
    let id = hidden(&service).await;
    assert!(service.app.cache.find(id, Rendition::Original).is_some());
    keeper.look().await.unwrap();
    assert!(service.app.cache.find(id, Rendition::Original).is_none());
    assert_eq!(n_told(&told), 12);
    let known = waiting(&service).remove(0);
    assert!(known.known().purged_ms.is_some());
    assert!(metric(&service, "imgshare_cdn_purges_pending 1"));
    while !waiting(&service).is_empty() {
        keeper.look().await.unwrap();
    }
    assert_eq!(n_told(&told), 24, "twice, and not more");
    assert!(metric(&service, "imgshare_cdn_purges_pending 0"));
    assert!(metric(
        &service,
        "imgshare_cdn_purges_total{outcome=\"purged\"} 24"
    ));
}

#[tokio::test]
async fn p21_what_fails_is_kept_and_tried_again() {
    let (port, told, _stop) = cache(StatusCode::SERVICE_UNAVAILABLE, None).await;
    let (service, mut keeper) = behind(port, 0);
    let ids = [hidden(&service).await, hidden(&service).await];
    keeper.look().await.unwrap();
    assert!(
        (1..=2).contains(&n_told(&told)),
        "the first failure ends it"
    );
    assert_eq!(waiting(&service).len(), 2);
    assert!(waiting(&service).iter().all(|waiting| {
        let known = waiting.known();
        known.noted_ms.is_some() && known.purged_ms.is_none()
    }));
    assert!(metric(&service, "imgshare_cdn_purges_pending 2"));
    *told.status.lock().unwrap() = StatusCode::OK;
    while !waiting(&service).is_empty() {
        keeper.look().await.unwrap();
    }
    let requests = told.requests.lock().unwrap();
    for id in ids {
        let path = format!("/i/{id}.jpg");
        let n_purged = requests.iter().filter(|(_, told)| *told == path).count();
        assert_eq!(n_purged, 1, "{path}");
    }
}

#[tokio::test]
async fn p21_an_address_that_no_purge_names_is_not_kept_for_long() {
    let service = Service::saying(SAFE);
    let image = service.uploaded(&photo()).await;
    let direct = path_of(&image["direct_url"]);
    let thumbnail = path_of(&image["thumbnail_url"]);
    // The first letter of the id, as a percent sign and its code.
    let coded = |path: &str| {
        let (code, rest) = (path.as_bytes()["/i/".len()], &path["/i/".len() + 1..]);
        format!("/i/%{code:02X}{rest}")
    };
    for path in [direct, thumbnail] {
        let kept = service.get(path).await;
        assert_eq!(
            kept.header(header::CACHE_CONTROL),
            "public, max-age=300, s-maxage=2592000"
        );
        for other in [format!("{path}?v=2"), coded(path)] {
            let kept = service.get(&other).await;
            assert_eq!(kept.status, StatusCode::OK, "{other}");
            assert_eq!(
                kept.header(header::CACHE_CONTROL),
                "public, max-age=300, s-maxage=300",
                "{other}"
            );
        }
    }
}
