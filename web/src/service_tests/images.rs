//! How images go out.

use axum::http::{HeaderName, HeaderValue, Method};

use super::*;

async fn get_with(service: &Service, path: &str, name: HeaderName, value: &str) -> Answer {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    request
        .headers_mut()
        .insert(name, HeaderValue::from_str(value).unwrap());
    service.send(request).await
}

#[tokio::test]
async fn an_image_goes_out_with_everything_that_protects_and_keeps_it() {
    let service = Service::saying(SAFE);
    let image = service.uploaded(&photo()).await;
    let id = image["id"].as_str().unwrap();
    let first = service.get(path_of(&image["direct_url"])).await;
    let again = service.get(path_of(&image["direct_url"])).await;
    assert_eq!(first.body, again.body, "from the store and from memory");
    for answer in [first, again] {
        assert_eq!(answer.header(header::CONTENT_TYPE), "image/jpeg");
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(
            answer.header(header::CONTENT_SECURITY_POLICY),
            "sandbox; default-src 'none'"
        );
        assert_eq!(answer.header(header::ACCEPT_RANGES), "bytes");
        assert_eq!(
            answer.header("cross-origin-resource-policy"),
            "cross-origin"
        );
        assert_eq!(
            answer.header(header::CACHE_CONTROL),
            "public, max-age=300, s-maxage=2592000"
        );
        let disposition = format!("inline; filename=\"{id}.jpg\"");
        assert_eq!(answer.header(header::CONTENT_DISPOSITION), disposition);
        assert_eq!(
            image["bytes"].as_u64(),
            u64::try_from(answer.body.len()).ok()
        );
    }
}

/// Once from memory and once streamed: the cache holds nothing in the second.
async fn assert_ranges(cache_bytes_max: u64) {
    let mut settings = Settings::default();
    settings.storage.cache_bytes_max = cache_bytes_max;
    let service = Service::start(&Oracle::says(SAFE), settings);
    let image = service.uploaded(&testing::png(400, 300)).await;
    let path = path_of(&image["direct_url"]);
    let whole = service.get(path).await;
    let (etag, length) = (whole.header(header::ETAG).to_owned(), whole.body.len());

    let part = get_with(&service, path, header::RANGE, "bytes=10-19").await;
    assert_eq!(
        (part.status.as_u16(), &part.body[..]),
        (206, &whole.body[10..20])
    );
    assert_eq!(
        part.header(header::CONTENT_RANGE),
        format!("bytes 10-19/{length}")
    );
    let tail = get_with(&service, path, header::RANGE, "bytes=-5").await;
    assert_eq!(tail.body, whole.body[length - 5..]);
    let outside = get_with(&service, path, header::RANGE, &format!("bytes={length}-")).await;
    outside.assert_problem(416, "range-not-satisfiable");
    assert_eq!(
        outside.header(header::CONTENT_RANGE),
        format!("bytes */{length}")
    );
    let several = get_with(&service, path, header::RANGE, "bytes=0-1,3-4").await;
    assert_eq!((several.status.as_u16(), several.body.len()), (200, length));

    let unchanged = get_with(&service, path, header::IF_NONE_MATCH, &etag).await;
    assert_eq!((unchanged.status.as_u16(), unchanged.body.len()), (304, 0));
    assert_eq!(unchanged.header(header::ETAG), etag);

    let head = Request::builder()
        .method(Method::HEAD)
        .uri(path)
        .body(Body::empty())
        .unwrap();
    let head = service.send(head).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header(header::CONTENT_LENGTH), length.to_string());
}

#[tokio::test]
async fn ranges_and_conditions_hold_from_memory() {
    assert_ranges(1 << 24).await;
}

#[tokio::test]
async fn ranges_and_conditions_hold_from_a_file() {
    assert_ranges(0).await;
}

#[tokio::test]
async fn only_the_images_own_address_works() {
    let service = Service::saying(SAFE);
    let image = service.uploaded(&testing::jpeg(800, 600)).await;
    let id = image["id"].as_str().unwrap();
    for _ in 0..2 {
        let direct = service.get(path_of(&image["direct_url"])).await;
        assert_eq!(direct.status, StatusCode::OK);
        for path in [
            format!("/i/{id}.png"),
            format!("/i/{id}"),
            format!("/i/{id}.jpg.exe"),
            format!("/i/{id}/other.jpg"),
            format!("/i/{id}/thumb.gif"),
            format!("/i/{id}/thumb"),
        ] {
            service.get(&path).await.assert_problem(404, "not-found");
        }
    }
}

#[tokio::test]
async fn a_thumbnail_is_small_made_once_and_kept() {
    let service = Service::saying(SAFE);
    let image = service.uploaded(&testing::jpeg(800, 600)).await;
    let path = path_of(&image["thumbnail_url"]);
    let (first, second) = tokio::join!(service.get(path), service.get(path));
    assert_eq!((first.status, &first.body), (second.status, &second.body));
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(first.header(header::CONTENT_TYPE), "image/jpeg");
    let ranged = get_with(&service, path, header::RANGE, "bytes=0-1").await;
    assert_eq!(ranged.body[..], [0xff, 0xd8]);
}

#[tokio::test]
async fn a_thumbnail_that_shines_through_lives_at_its_png_address() {
    let service = Service::saying(SAFE);
    let rgba: Vec<u8> = (0..400 * 400_u32).flat_map(|_| [200, 0, 0, 128]).collect();
    let image = service.uploaded(&testing::rgba_png(400, 400, &rgba)).await;
    let elsewhere = service.get(path_of(&image["thumbnail_url"])).await;
    assert_eq!(elsewhere.status, StatusCode::TEMPORARY_REDIRECT);
    let thumbnail = service.get(elsewhere.header(header::LOCATION)).await;
    assert_eq!(thumbnail.header(header::CONTENT_TYPE), "image/png");
}

#[tokio::test]
async fn views_are_counted_for_links_and_pages_alone() {
    let service = Service::saying(SAFE);
    let image = service.uploaded(&photo()).await;
    let id = image["id"].as_str().unwrap();
    service.get(path_of(&image["direct_url"])).await;
    service.browse(&format!("/{id}")).await;
    let head = Request::head(path_of(&image["direct_url"]))
        .body(Body::empty())
        .unwrap();
    service.send(head).await;
    service.get(path_of(&image["thumbnail_url"])).await;
    service.app.store.merge_views().unwrap();
    assert_eq!(
        service.app.store.views(&id.parse().unwrap()).unwrap().total,
        2
    );
}
