//! Pages, preferences, health and the contract.

use std::time::{Duration, Instant};

use super::*;

#[tokio::test]
async fn the_pages_carry_their_policy() {
    let service = Service::saying(SAFE);
    let image = service.uploaded(&photo()).await;
    let id = image["id"].as_str().unwrap();
    for path in [
        "/".to_owned(),
        format!("/{id}"),
        format!("/d/{id}"),
        "/nothing-here".to_owned(),
    ] {
        let page = service.browse(&path).await;
        assert!(
            page.header(header::CONTENT_TYPE).starts_with("text/html"),
            "{path}"
        );
        let policy = page.header(header::CONTENT_SECURITY_POLICY);
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{path}: {policy}"
        );
        assert!(
            page.header(header::CACHE_CONTROL).contains("no-store"),
            "{path}"
        );
        assert_eq!(page.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert!(!page.header(header::REFERRER_POLICY).is_empty());
    }
}

#[tokio::test]
async fn a_form_without_script_uploads_and_gets_pages() {
    let service = Service::saying(SAFE);
    let mut request = upload_request("/upload", &photo());
    request
        .headers_mut()
        .insert(header::ACCEPT, "text/html".parse().unwrap());
    let page = service.send(request).await;
    assert_eq!(page.status, StatusCode::CREATED);
    assert!(
        page.text().contains("http://img.example/d/"),
        "the owner sees the deletion link"
    );
    let mut request = upload_request("/upload", b"words");
    request
        .headers_mut()
        .insert(header::ACCEPT, "text/html".parse().unwrap());
    let page = service.send(request).await;
    assert_eq!(page.status.as_u16(), 415);
    assert!(page.text().contains("unsupported-format") && page.text().contains("<html"));
}

#[tokio::test]
async fn nsfw_images_stand_behind_a_warning() {
    let service = Service::saying(NSFW);
    let image = service.uploaded(&photo()).await;
    assert_eq!(
        (&image["label"], &image["state"]),
        (&"nsfw".into(), &"public".into())
    );
    let (page, direct) = (path_of(&image["url"]), path_of(&image["direct_url"]));
    let is_shown = |answer: &Answer| answer.text().contains(&format!("src=\"{direct}\""));
    assert!(!is_shown(&service.browse(page).await));
    assert!(is_shown(&service.browse(&format!("{page}?show=1")).await));
    let request = Request::get(page).header(header::COOKIE, "nsfw_filter=off");
    assert!(is_shown(
        &service.send(request.body(Body::empty()).unwrap()).await
    ));
    assert_eq!(
        service.get(direct).await.status,
        StatusCode::OK,
        "the direct link serves"
    );
}

#[tokio::test]
async fn the_uploaders_name_stays_with_the_uploader() {
    let service = Service::saying(SAFE);
    let parts = part("file", "Jane Doe passport.jpg", &photo());
    let image = service
        .send(multipart_request("/api/v1/images", &parts))
        .await
        .json();
    assert!(
        !service
            .browse(path_of(&image["url"]))
            .await
            .text()
            .contains("Jane")
    );
    let id = image["id"].as_str().unwrap().parse().unwrap();
    let record = service.app.store.find(&id).unwrap().unwrap();
    assert_eq!(record.filename, "Jane Doe passport.jpg");
}

#[tokio::test]
async fn preferences_become_cookies() {
    let service = Service::saying(SAFE);
    let form = |body: &'static str| {
        Request::post("/preferences")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap()
    };
    let saved = service
        .send(form("theme=dark&nsfw_filter=off&return=%2Fabc"))
        .await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    assert_eq!(saved.header(header::LOCATION), "/abc");
    let cookies: Vec<_> = saved
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect();
    assert!(cookies[0].starts_with("theme=dark;") && cookies[1].starts_with("nsfw_filter=off;"));
    assert!(cookies.iter().all(|cookie| cookie.contains("SameSite=Lax")));
    let elsewhere = service
        .send(form("theme=light&return=//evil.example"))
        .await;
    assert_eq!(elsewhere.header(header::LOCATION), "/");
    service
        .send(form("theme=%0d%0aevil"))
        .await
        .assert_problem(400, "malformed-form");

    let request = Request::get("/").header(header::COOKIE, "theme=dark");
    let page = service.send(request.body(Body::empty()).unwrap()).await;
    assert!(page.text().contains("data-theme=\"dark\""));
}

#[tokio::test]
async fn health_tells_alive_from_ready() {
    let service = Service::saying(SAFE);
    assert_eq!(service.get("/healthz").await.status, StatusCode::OK);
    let ready = service.get("/readyz").await;
    assert_eq!(
        (ready.status, &ready.json()["ready"]),
        (StatusCode::OK, &true.into())
    );
    service
        .app
        .is_stopping
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let stopping = service.get("/readyz").await;
    assert_eq!(stopping.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(stopping.json()["reasons"][0], "shutting-down");
    assert_eq!(service.get("/healthz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn metrics_name_routes_and_not_images() {
    let service = Service::saying(SAFE);
    let image = service.uploaded(&photo()).await;
    service.get(path_of(&image["direct_url"])).await;
    service.get("/i/111111111111.jpg").await;
    let lines = [
        "imgshare_http_requests_total{route=\"/api/v1/images\",method=\"POST\",status=\"201\"} 1",
        "imgshare_http_requests_total{route=\"/i/{id}\",method=\"GET\",status=\"404\"} 1",
        "imgshare_problems_total{code=\"not-found\"} 1",
        "imgshare_decisions_total{state=\"public\",label=\"safe\"} 1",
        "imgshare_pipeline_images_total{outcome=\"scored\"} 1",
        "imgshare_pipeline_stage_seconds_count{stage=\"decode\"} 1",
        "imgshare_pipeline_decoders_lost 0",
    ];
    // The pipeline counts an image just after its answer.
    let until = Instant::now() + Duration::from_secs(20);
    let text = loop {
        let text = service.app.metrics.text().unwrap();
        let missing = lines.iter().find(|line| !text.contains(**line));
        match missing {
            None => break text,
            Some(line) => assert!(Instant::now() < until, "{line} is not in\n{text}"),
        }
        tokio::task::yield_now().await;
    };
    assert!(!text.contains(image["id"].as_str().unwrap()));
}

#[tokio::test]
async fn the_contract_names_every_route_of_the_api() {
    let service = Service::saying(SAFE);
    let contract = service.get("/openapi.json").await.json();
    assert!(contract["openapi"].as_str().unwrap().starts_with("3."));
    let paths = &contract["paths"];
    for (path, method) in [
        ("/api/v1/images", "post"),
        ("/api/v1/images/{id}", "get"),
        ("/api/v1/images/{id}", "delete"),
        ("/healthz", "get"),
        ("/readyz", "get"),
        ("/i/{id}", "get"),
        ("/i/{id}/{variant}", "get"),
    ] {
        assert!(
            paths[path][method]["responses"].is_object(),
            "{method} {path}"
        );
    }
    let schemas = &contract["components"]["schemas"];
    assert!(schemas["Problem"].is_object() && schemas["Uploaded"].is_object());
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let service = Service::saying(SAFE);
    service.get("/a/b/c").await.assert_problem(404, "not-found");
    let put = Request::put("/api/v1/images").body(Body::empty()).unwrap();
    service
        .send(put)
        .await
        .assert_problem(405, "method-not-allowed");
    let api = service.browse("/api/v1/images/111111111111").await;
    api.assert_problem(404, "not-found");
}

#[tokio::test]
async fn assets_may_be_kept_for_ever() {
    let service = Service::saying(SAFE);
    let home = service.browse("/").await;
    let start = home.text().find("/assets/").unwrap();
    let path = home.text()[start..].split('"').next().unwrap();
    let asset = service.get(path).await;
    assert_eq!(asset.status, StatusCode::OK);
    assert!(asset.header(header::CACHE_CONTROL).contains("immutable"));
    service
        .get("/assets/none.css")
        .await
        .assert_problem(404, "not-found");
}
