//! The pages as a browser without JavaScript gets them.

use imgshare_tests::cache;
use imgshare_tests::client::Client;
use imgshare_tests::installation::Installation;
use imgshare_tests::multipart::{self, FormPart};
use imgshare_tests::picture::{Format, Picture};
use imgshare_tests::response::Response;

const ACCEPTS_HTML: (&str, &str) = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

#[test]
fn the_form_alone_uploads_shows_and_deletes() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let home = client.get_with("/", &[ACCEPTS_HTML]).expect(200).text();
    assert!(
        home.contains("action=\"/upload\"") && home.contains("name=\"file\""),
        "{home}"
    );

    let file = Picture::scene(120, 80, 1).encode(Format::Jpeg);
    let page = submit(client, &file).expect(201);
    assert_page(&page);
    let page = page.text();
    assert!(page.contains("sommer.jpg"), "{page}");
    let delete_link = snippet(&page, "delete");
    let (path, token) = delete_link
        .split_once('#')
        .expect("the token is the fragment");
    let id = path
        .rsplit('/')
        .next()
        .expect("a link has an end")
        .to_owned();
    assert_eq!(
        snippet(&page, "direct"),
        format!("{}/i/{id}.jpg", origin(path))
    );

    let asked = client
        .get_with(&format!("/d/{id}"), &[ACCEPTS_HTML])
        .expect(200);
    assert!(asked.text().contains("method=\"post\""), "{}", asked.text());
    let _ = client.get(&format!("/i/{id}.jpg")).expect(200);
    let _ = delete(client, &id, "").expect(400);
    let _ = delete(client, &id, "not-the-token").expect(403);
    let _ = client.get(&format!("/i/{id}.jpg")).expect(200);
    assert_page(&delete(client, &id, token).expect(200));
    client
        .get(&format!("/i/{id}.jpg"))
        .expect_problem(404, "not-found");
}

#[test]
fn the_viewer_offers_every_way_to_share() {
    let installation = Installation::new();
    let server = installation.serve();
    let file = Picture::scene(120, 80, 2).png();
    let uploaded = server.client().upload("a.png", &file).expect(201);
    let (url, direct) = (uploaded.field("url"), uploaded.field("direct_url"));
    let viewer = server
        .client()
        .get_with(&uploaded.link("url"), &[ACCEPTS_HTML])
        .expect(200);
    assert_page(&viewer);
    let page = viewer.text();
    assert_eq!(snippet(&page, "link"), url);
    assert_eq!(snippet(&page, "direct"), direct);
    for (key, parts) in [
        ("markdown", ["![", "]("]),
        ("html", ["&lt;a href=", "&lt;img src="]),
        ("bbcode", ["[url=", "[img]"]),
    ] {
        let text = snippet(&page, key).replace("&#60;", "&lt;");
        assert!(
            text.contains(&url) && text.contains(&direct),
            "{key}: {text}"
        );
        for part in parts {
            assert!(text.contains(part), "{key}: {text}");
        }
    }
    assert!(
        page.contains(&format!("src=\"{}\"", uploaded.link("direct_url"))),
        "{page}"
    );
}

#[test]
fn p03_an_nsfw_image_stands_behind_a_warning() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let fixture = cache::workspace().join("tests/fixtures/pattern_scored_porn.png");
    let file = std::fs::read(fixture).expect("a fixture");
    let uploaded = client.upload("a.png", &file).expect(201);
    assert_eq!(uploaded.field("label"), "nsfw");
    let viewer = uploaded.link("url");
    let image = format!("src=\"{}\"", uploaded.link("direct_url"));

    let warned = client.get(&viewer).expect(200).text();
    assert!(
        !warned.contains(&image) && warned.contains("?show=1"),
        "{warned}"
    );
    let social = format!("og:image\" content=\"{}", uploaded.field("direct_url"));
    assert!(
        !warned.contains(&social),
        "no preview elsewhere either: {warned}"
    );
    assert!(
        client
            .get(&format!("{viewer}?show=1"))
            .expect(200)
            .text()
            .contains(&image)
    );
    let unfiltered = client
        .get_with(&viewer, &[("Cookie", "nsfw_filter=off")])
        .expect(200);
    assert!(unfiltered.text().contains(&image));
}

#[test]
fn p05_only_a_choice_sets_a_cookie() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let uploaded = client
        .upload("a.png", &Picture::scene(30, 30, 3).png())
        .expect(201);
    for path in [
        "/",
        &uploaded.link("url"),
        &uploaded.link("direct_url"),
        "/openapi.json",
        "/nothing-here",
    ] {
        assert_eq!(client.get(path).header("set-cookie"), None, "{path}");
    }
    let body = b"theme=dark&return=%2F";
    let chosen = client
        .request("POST", "/preferences", &[FORM], body)
        .expect(303);
    assert_eq!(chosen.expect_header("location"), "/");
    let cookie = chosen.expect_header("set-cookie");
    assert!(
        cookie.starts_with("theme=dark;") && cookie.contains("SameSite"),
        "{cookie}"
    );
    let page = client
        .get_with("/", &[("Cookie", "theme=dark")])
        .expect(200)
        .text();
    assert!(page.contains("data-theme=\"dark\""), "{page}");
    let away = client.request(
        "POST",
        "/preferences",
        &[FORM],
        b"theme=light&return=%2F%2Fevil",
    );
    assert_eq!(
        away.expect(303).expect_header("location"),
        "/",
        "never to another host"
    );
    client
        .request("POST", "/preferences", &[FORM], b"theme=pink")
        .expect_problem(400, "malformed-form");
}

#[test]
fn browsers_get_problems_as_pages_and_programs_as_json() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let page = client
        .get_with("/111111111111", &[ACCEPTS_HTML])
        .expect(404);
    assert_page(&page);
    assert!(page.text().contains("not-found"), "{}", page.text());
    client.get("/111111111111").expect_problem(404, "not-found");
    client
        .get_with("/api/v1/images/111111111111", &[ACCEPTS_HTML])
        .expect_problem(404, "not-found");
    let refused = submit(client, b"no picture").expect(415);
    assert_page(&refused);
    assert!(
        refused.text().contains("unsupported-format"),
        "{}",
        refused.text()
    );
}

#[test]
fn a_hostile_file_name_stays_text() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let name = "<img src=x onerror=alert(1)>.png";
    let file = Picture::scene(30, 30, 4).png();
    let form = multipart::body(&[FormPart::file(name, &file)]);
    let headers = [
        ("Content-Type", multipart::content_type()),
        ("Accept", "text/html".to_owned()),
    ];
    let headers = headers
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let page = client
        .request("POST", "/upload", &headers, &form)
        .expect(201)
        .text();
    assert!(!page.contains("<img src=x"), "{page}");
}

#[test]
fn what_a_page_loads_is_there_and_may_be_kept() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let home = client.get("/").expect(200).text();
    let assets: Vec<&str> = home
        .split('"')
        .filter(|text| text.starts_with("/assets/"))
        .map(|text| text.split('#').next().unwrap_or(text))
        .collect();
    assert!(assets.len() > 4, "{home}");
    for path in assets {
        let asset = client.get(path).expect(200);
        assert!(
            asset.expect_header("cache-control").contains("immutable"),
            "{path}"
        );
        let etag = asset.expect_header("etag").to_owned();
        let _ = client
            .get_with(path, &[("If-None-Match", &etag)])
            .expect(304);
    }
}

fn submit(client: Client, file: &[u8]) -> Response {
    let form = multipart::body(&[FormPart::file("sommer.jpg", file)]);
    let content_type = multipart::content_type();
    client.request(
        "POST",
        "/upload",
        &[("Content-Type", &content_type), ACCEPTS_HTML],
        &form,
    )
}

fn delete(client: Client, id: &str, token: &str) -> Response {
    let form = format!("token={token}");
    client.request(
        "POST",
        &format!("/d/{id}"),
        &[FORM, ACCEPTS_HTML],
        form.as_bytes(),
    )
}

fn assert_page(response: &Response) {
    assert!(
        response
            .expect_header("content-type")
            .starts_with("text/html")
    );
    assert!(
        response.text().starts_with("<!doctype html>"),
        "{}",
        response.text()
    );
    let policy = response.expect_header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert!(response.expect_header("cache-control").contains("no-store"));
}

/// What the read-only field of this kind holds.
fn snippet(page: &str, key: &str) -> String {
    let marked = format!("data-snippet=\"{key}\"");
    let tag = page.split('<').find(|tag| tag.contains(&marked));
    let tag = tag.unwrap_or_else(|| panic!("no snippet {key} in {page}"));
    let value = tag
        .split("value=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    value
        .unwrap_or_else(|| panic!("no value in {tag}"))
        .to_owned()
}

fn origin(link: &str) -> &str {
    let path = link["http://".len()..]
        .find('/')
        .expect("links have a path");
    &link[.."http://".len() + path]
}
