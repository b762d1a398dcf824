//! What becomes of copies in a CDN when an image is not public any more (P21).

use std::collections::HashSet;

use imgshare_storage::retention::unpublished::{self, Waiting};
use imgshare_storage::{Changes, ImageId, Keyspace, Space, State};

use super::*;
use crate::cache::Rendition;
use crate::cdn::tests::{Told, cache, settings};
use crate::cdn::{self, Cdn, Keeper};
use crate::config::{Purge, PurgeMethod};

const NOW: u64 = 1_749_945_600_000;
const PENDING: &str = "imgshare_cdn_purges_pending";
const AGE: &str = "imgshare_cdn_purge_age_seconds";

/// Images that wait: more than failures are counted of, and more than are looked at
/// in one period.
const N_WAITING: usize = 10_300;

/// A service behind a cache that is told its addresses.
fn behind(port: u16, again_seconds: u64) -> (Service, Keeper) {
    let mut settings = settings(Purge {
        address: format!("http://127.0.0.1:{port}{{path}}"),
        ..Purge::default()
    });
    settings.cdn.again_seconds = again_seconds;
    let (service, mut keepers) = with(settings);
    (service, keepers.remove(0))
}

fn with(settings: Settings) -> (Service, Vec<Keeper>) {
    let cdn = Cdn::load(&settings).unwrap().unwrap();
    let service = Service::start(&Oracle::says(SAFE), settings);
    cdn::announce(&service.app.store, true, NOW).unwrap();
    let keepers = Keeper::all(&service.app, &cdn);
    (service, keepers)
}

/// APIs that are told once of an image, by its id.
fn apis(ports: &[u16]) -> Settings {
    let mut settings = settings(Purge::default());
    settings.cdn.again_seconds = 0;
    let api = |port: &u16| Purge {
        method: PurgeMethod::Post,
        address: format!("http://127.0.0.1:{port}/tags/{{id}}"),
        ..Purge::default()
    };
    settings.cdn.purge = ports.iter().map(api).collect();
    settings
}

/// Entries as the end of public images leaves them.
fn unpublish(service: &Service, n_images: usize) -> Vec<ImageId> {
    let ids: Vec<ImageId> = (0..n_images).map(|_| ImageId::random().unwrap()).collect();
    for ids in ids.chunks(1_000) {
        let mut changes = Changes::new();
        for id in ids {
            let key = Space::Retention.key(&[b"u", id.as_bytes()]);
            changes.put(key, b"\x01{\"extension\":\"jpg\",\"revision\":3}");
        }
        Keyspace::commit(&*service.app.store, changes).unwrap();
    }
    ids
}

fn n_waiting(service: &Service) -> usize {
    let waiting = unpublished::waiting(&*service.app.store, None, usize::MAX);
    waiting.unwrap().len()
}

fn n_told_of(told: &Told, id: &ImageId) -> usize {
    let requests = told.requests.lock().unwrap();
    let of_it = requests
        .iter()
        .filter(|(_, path)| path.ends_with(id.as_str()));
    of_it.count()
}

/// The number of a metric of the target at a port.
fn at(service: &Service, name: &str, port: u16) -> u64 {
    let text = service.app.metrics.text().unwrap();
    let begin = format!("{name}{{target=\"127.0.0.1:{port}\"}} ");
    let number = text.lines().find_map(|line| line.strip_prefix(&begin));
    number
        .unwrap_or_else(|| panic!("no {begin}"))
        .parse()
        .unwrap()
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
    assert_eq!(at(&service, PENDING, port), 1);
    while !waiting(&service).is_empty() {
        keeper.look().await.unwrap();
    }
    assert_eq!(n_told(&told), 24, "twice, and not more");
    assert_eq!(at(&service, PENDING, port), 0);
    let sent = format!("{{target=\"127.0.0.1:{port}\",outcome=\"purged\"}} 24");
    assert!(metric(
        &service,
        &format!("imgshare_cdn_purges_total{sent}")
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
    assert_eq!(at(&service, PENDING, port), 2);
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
async fn p21_a_target_that_refuses_for_ever_keeps_no_other_from_its_work() {
    let (bad_port, bad, _stop) = cache(StatusCode::FORBIDDEN, None).await;
    let (good_port, good, _stop) = cache(StatusCode::OK, None).await;
    let settings = apis(&[bad_port, good_port]);
    let cdn = Cdn::load(&settings).unwrap().unwrap();
    let (service, mut keepers) = with(settings);
    let ids = unpublish(&service, N_WAITING);
    // The refusing one fills every count of failures first.
    while n_told(&bad) < N_WAITING {
        keepers[0].look().await.unwrap();
    }
    // A crash while the other is at work, after some of what it said is kept.
    {
        let killed = keepers[1].look();
        tokio::pin!(killed);
        while n_told(&good) < 3_000 {
            tokio::select! {
                biased;
                done = &mut killed => panic!("it is not done: {done:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
    }
    let mut keepers = Keeper::all(&service.app, &cdn);
    keepers[1].look().await.unwrap();
    keepers[1].look().await.unwrap();
    let asked: HashSet<String> = {
        let requests = good.requests.lock().unwrap();
        requests.iter().map(|(_, path)| path.clone()).collect()
    };
    let is_asked = |id: &ImageId| asked.contains(&format!("/tags/{id}"));
    assert!(ids.iter().all(is_asked), "each copy was asked for");
    let n_twice = n_told(&good) - asked.len();
    assert!(n_twice <= 64, "what was said is not asked again: {n_twice}");
    assert_eq!(at(&service, PENDING, good_port), 0);
    assert_eq!(at(&service, AGE, good_port), 0);
    assert_eq!(n_waiting(&service), N_WAITING, "one has not said yes");

    // What ends now comes to the good one at its next look.
    let late = unpublish(&service, 1).remove(0);
    for _ in 0..2 {
        keepers[1].look().await.unwrap();
    }
    assert_eq!(n_told_of(&good, &late), 1);

    // And the bad one comes round to everything, bounded, until it says yes.
    let n_before = n_told(&bad);
    while n_told(&bad) < n_before + N_WAITING {
        let before = n_told(&bad);
        keepers[0].look().await.unwrap();
        assert!(n_told(&bad) - before <= 10_000 + 64, "a look is bounded");
    }
    while n_told_of(&bad, &late) == 0 {
        keepers[0].look().await.unwrap();
    }
    *bad.status.lock().unwrap() = StatusCode::OK;
    let mut keepers = Keeper::all(&service.app, &cdn);
    while n_waiting(&service) > 0 {
        keepers[0].look().await.unwrap();
    }
    keepers[0].look().await.unwrap();
    assert_eq!(at(&service, PENDING, bad_port), 0);
    assert_eq!(n_told_of(&good, &late), 1, "the other is not asked again");
}

#[tokio::test]
async fn p21_a_target_that_left_the_settings_holds_nothing() {
    let (bad_port, _bad, _stop) = cache(StatusCode::FORBIDDEN, None).await;
    let (good_port, good, _stop) = cache(StatusCode::OK, None).await;
    let (service, mut keepers) = with(apis(&[bad_port, good_port]));
    unpublish(&service, 3);
    for keeper in &mut keepers {
        keeper.look().await.unwrap();
    }
    assert_eq!(n_waiting(&service), 3);
    assert_eq!(at(&service, PENDING, bad_port), 3);
    let cdn = Cdn::load(&apis(&[good_port])).unwrap().unwrap();
    Keeper::all(&service.app, &cdn)[0].look().await.unwrap();
    assert_eq!((n_waiting(&service), n_told(&good)), (0, 3));
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
