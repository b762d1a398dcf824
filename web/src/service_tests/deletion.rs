//! Who may delete, and what is left.

use super::*;

fn delete_request(id: &str, token: Option<&str>) -> Request<Body> {
    let mut request = Request::delete(format!("/api/v1/images/{id}"));
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn only_the_token_deletes() {
    let service = Service::saying(SAFE);
    let image = service.uploaded(&photo()).await;
    let other = service.uploaded(&photo()).await;
    let (id, token) = (
        image["id"].as_str().unwrap(),
        image["delete_token"].as_str().unwrap(),
    );
    let wrong = other["delete_token"].as_str().unwrap();
    let missing = service.send(delete_request(id, None)).await;
    missing.assert_problem(401, "delete-token-missing");
    assert_eq!(missing.header(header::WWW_AUTHENTICATE), "Bearer");
    service
        .send(delete_request(id, Some(wrong)))
        .await
        .assert_problem(403, "delete-token-wrong");
    let unknown = service
        .send(delete_request("111111111111", Some(token)))
        .await;
    unknown.assert_problem(404, "not-found");
    assert_eq!(service.n_stored(), 2);

    let direct = path_of(&image["direct_url"]);
    assert_eq!(
        service.get(direct).await.status,
        StatusCode::OK,
        "now it is in memory"
    );
    let deleted = service.send(delete_request(id, Some(token))).await;
    assert_eq!(
        (deleted.status, deleted.body.len()),
        (StatusCode::NO_CONTENT, 0)
    );
    service.get(direct).await.assert_problem(404, "not-found");
    service
        .send(delete_request(id, Some(token)))
        .await
        .assert_problem(404, "not-found");
    assert_eq!(service.n_stored(), 1);
}

#[tokio::test]
async fn unknown_and_deleted_answer_alike() {
    let service = Service::saying(SAFE);
    let image = service.uploaded(&photo()).await;
    let (id, token) = (
        image["id"].as_str().unwrap(),
        image["delete_token"].as_str().unwrap(),
    );
    service.send(delete_request(id, Some(token))).await;
    for (deleted, unknown) in [
        (format!("/{id}"), "/111111111111"),
        (format!("/i/{id}.jpg"), "/i/111111111111.jpg"),
        (format!("/i/{id}/thumb.jpg"), "/i/111111111111/thumb.jpg"),
        (
            format!("/api/v1/images/{id}"),
            "/api/v1/images/111111111111",
        ),
    ] {
        for (deleted, unknown) in [
            (service.get(&deleted).await, service.get(unknown).await),
            (
                service.browse(&deleted).await,
                service.browse(unknown).await,
            ),
        ] {
            assert_eq!(deleted.status, StatusCode::NOT_FOUND);
            assert_eq!(
                (deleted.body, deleted.headers),
                (unknown.body, unknown.headers)
            );
        }
    }
}

#[tokio::test]
async fn asking_deletes_nothing_and_the_form_does() {
    let service = Service::saying(SAFE);
    let image = service.uploaded(&photo()).await;
    let (id, token) = (
        image["id"].as_str().unwrap(),
        image["delete_token"].as_str().unwrap(),
    );
    let path = format!("/d/{id}");
    assert_eq!(service.browse(&path).await.status, StatusCode::OK);
    assert_eq!(service.n_stored(), 1);
    for (body, status) in [("", 400), ("token=", 400), ("token=0000", 403)] {
        let again = service.send(form(&path, body.to_owned())).await;
        assert_eq!(again.status.as_u16(), status, "{body}");
        assert!(again.text().contains("<form"));
    }
    assert_eq!(service.n_stored(), 1);
    let deleted = service.send(form(&path, format!("token=+{token}"))).await;
    assert_eq!(deleted.status, StatusCode::OK);
    assert_eq!(service.n_stored(), 0);
}
