//! Smaller renderings and cards.

use futures_util::future::join_all;
use imgshare_storage::Record;

use super::*;

async fn variant(service: &Service, image: &Value, name: &str) -> Answer {
    let id = image["id"].as_str().unwrap();
    service.get(&format!("/i/{id}/{name}")).await
}

fn change(service: &Service, image: &Value, change: impl Fn(&mut Record)) {
    let id = image["id"].as_str().unwrap().parse().unwrap();
    service.app.store.update(&id, change).unwrap().unwrap();
}

fn relabel(service: &Service, image: &Value, scores: Scores) {
    change(service, image, |record| {
        let classification = record.classification.as_mut().unwrap();
        classification.probabilities = scores.to_array();
    });
}

/// Width and height of a JPEG, from its frame header.
fn jpeg_size(jpeg: &[u8]) -> (u16, u16) {
    let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]);
    let side = |offset| {
        let start = frame.unwrap() + offset;
        u16::from_be_bytes([jpeg[start], jpeg[start + 1]])
    };
    (side(7), side(5))
}

#[track_caller]
fn assert_sends_to(answer: &Answer, path: &str) {
    assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(answer.header(header::LOCATION), path);
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
}

#[tokio::test]
async fn fifty_requests_at_once_make_one_variant() {
    let service = Service::saying(SAFE);
    let image = service.uploaded(&testing::jpeg(800, 600)).await;
    let path = path_of(&image["thumbnail_url"]);
    let answers = join_all((0..50).map(|_| service.get(path))).await;
    for answer in &answers {
        assert_eq!(
            (answer.status, &answer.body),
            (StatusCode::OK, &answers[0].body)
        );
    }
    assert_eq!(jpeg_size(&answers[0].body), (320, 240));
    let metrics = service.app.metrics.text().unwrap();
    let made = "imgshare_variants_made_total{variant=\"thumb\"} 1\n";
    assert!(metrics.contains(made), "{metrics}");
}

#[tokio::test]
async fn a_variant_is_found_again_and_gone_with_its_image() {
    let mut settings = Settings::default();
    settings.storage.cache_bytes_max = 0;
    let service = Service::start(&Oracle::says(SAFE), settings);
    let image = service.uploaded(&testing::jpeg(1400, 600)).await;
    for name in ["thumb.jpg", "small.jpg", "medium.jpg", "social.jpg"] {
        let first = variant(&service, &image, name).await;
        let again = variant(&service, &image, name).await;
        assert_eq!((first.status, &first.body), (StatusCode::OK, &again.body));
        assert_eq!(first.header(header::ETAG), again.header(header::ETAG));
    }
    let metrics = service.app.metrics.text().unwrap();
    assert!(metrics.contains("made_total{variant=\"social\"} 1\n"));
    let id = image["id"].as_str().unwrap().parse().unwrap();
    assert!(service.app.store.variant_bytes() > 0);
    service
        .app
        .store
        .remove(&id, crate::clock::now_ms())
        .unwrap();
    assert_eq!(service.app.store.variant_bytes(), 0);
}

#[tokio::test]
async fn no_more_is_kept_than_the_setting_allows() {
    let mut settings = Settings::default();
    settings.storage.cache_bytes_max = 0;
    settings.storage.variant_bytes_max = 0;
    let service = Service::start(&Oracle::says(SAFE), settings);
    let image = service.uploaded(&testing::jpeg(800, 600)).await;
    for _ in 0..2 {
        let answer = variant(&service, &image, "small.jpg").await;
        assert_eq!(jpeg_size(&answer.body), (512, 384));
    }
    assert_eq!(service.app.store.variant_bytes(), 0);
}

#[tokio::test]
async fn a_small_still_is_its_own_variant() {
    let service = Service::saying(SAFE);
    for (file, extension) in [(testing::webp(64, 48), "webp"), (photo(), "jpg")] {
        let image = service.uploaded(&file).await;
        let (id, thumbnail) = (
            image["id"].as_str().unwrap(),
            path_of(&image["thumbnail_url"]),
        );
        assert_eq!(thumbnail, format!("/i/{id}/thumb.{extension}"));
        let original = service.get(path_of(&image["direct_url"])).await;
        let answer = service.get(thumbnail).await;
        assert_eq!(
            (answer.status, &answer.body),
            (StatusCode::OK, &original.body)
        );
        if extension != "jpg" {
            let elsewhere = variant(&service, &image, "thumb.jpg").await;
            assert_sends_to(&elsewhere, thumbnail);
        }
    }
    assert_eq!(service.app.store.variant_bytes(), 0);
    assert!(
        !service
            .app
            .metrics
            .text()
            .unwrap()
            .contains("variants_made_total{")
    );
}

#[tokio::test]
async fn a_safe_image_has_a_card_of_its_own() {
    let service = Service::saying(SAFE);
    let image = service.uploaded(&testing::jpeg(800, 600)).await;
    let card = variant(&service, &image, "social.jpg").await;
    assert_eq!(card.status, StatusCode::OK);
    assert_eq!(jpeg_size(&card.body), (1200, 630));
    assert_eq!(
        card.header(header::CACHE_CONTROL),
        "public, max-age=300, s-maxage=300",
        "the label may change"
    );
    let page = service.browse(path_of(&image["url"])).await;
    let id = image["id"].as_str().unwrap();
    let text = page.text();
    let (_, link) = text.split_once("og:image\" content=\"").unwrap();
    let (link, _) = link.split_once('"').unwrap();
    assert!(link.ends_with(&format!("/i/{id}/social.jpg")), "{link}");
}

#[tokio::test]
async fn an_nsfw_image_has_a_blurred_card_alone() {
    let service = Service::saying(NSFW);
    let image = service.uploaded(&testing::jpeg(800, 600)).await;
    let id = image["id"].as_str().unwrap();
    let blurred = format!("/i/{id}/social-blurred.jpg");
    assert_sends_to(&variant(&service, &image, "social.jpg").await, &blurred);
    let card = service.get(&blurred).await;
    assert_eq!(
        (card.status, jpeg_size(&card.body)),
        (StatusCode::OK, (1200, 630))
    );
    for page in [format!("/{id}"), format!("/{id}?show=1")] {
        let page = service.browse(&page).await;
        assert!(page.text().contains(&format!("{blurred}\"")));
        assert!(!page.text().contains("/social.jpg"));
    }
}

#[tokio::test]
async fn a_card_follows_the_label_of_the_moment() {
    let service = Service::saying(SAFE);
    let image = service.uploaded(&testing::jpeg(800, 600)).await;
    let blurred = format!("/i/{}/social-blurred.jpg", image["id"].as_str().unwrap());
    // Made, stored and in memory before the label changes.
    let open = variant(&service, &image, "social.jpg").await;
    assert_eq!(open.status, StatusCode::OK);
    relabel(&service, &image, NSFW);
    assert_sends_to(&variant(&service, &image, "social.jpg").await, &blurred);
    let hidden = service.get(&blurred).await;
    assert_ne!(hidden.body, open.body);
    relabel(&service, &image, SAFE);
    assert_eq!(
        variant(&service, &image, "social.jpg").await.body,
        open.body
    );
    // Without a verdict nobody knows what it would show.
    change(&service, &image, |record| record.classification = None);
    assert_sends_to(&variant(&service, &image, "social.jpg").await, &blurred);
}

#[tokio::test]
async fn what_is_not_served_has_no_card_either() {
    let service = Service::start(&Oracle::failing(), Settings::default());
    let image = service.uploaded(&photo()).await;
    assert_eq!(image["state"], "pending");
    for name in ["thumb.jpg", "social.jpg", "social-blurred.jpg"] {
        variant(&service, &image, name)
            .await
            .assert_problem(404, "not-found");
    }
    let page = service.browse(path_of(&image["url"])).await;
    assert!(!page.text().contains("og:image"));
}
