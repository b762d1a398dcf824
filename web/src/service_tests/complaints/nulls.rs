//! Optional fields of the API: `null` is as if they were not there.

use super::*;

#[tokio::test]
async fn what_is_null_is_as_if_it_were_not_there() {
    let service = Service::saying(SAFE);
    let image = service.an_image().await;
    let path = format!("/api/v1/images/{}/reports", image.id);
    let post = |path: &str, body: Value| {
        let token = Some(image.token.as_str());
        service.send(json_request(Method::POST, path, token, &body))
    };
    let report = serde_json::json!({"category": "spam", "text": "look", "contact": null});
    assert_eq!(post(&path, report).await.status, StatusCode::CREATED);
    // What is needed is missed by its name, as where it is left out.
    for (path, fields) in [
        (path, &["category", "text", "contact"][..]),
        (
            "/api/v1/copyright/notices".to_owned(),
            &[
                "images",
                "name",
                "owner",
                "address",
                "phone",
                "email",
                "work",
                "good_faith",
                "accurate",
                "signature",
            ],
        ),
    ] {
        let nulls = fields.iter().map(|name| ((*name).to_owned(), Value::Null));
        let with_nulls = post(&path, Value::Object(nulls.collect())).await;
        let without = post(&path, serde_json::json!({})).await;
        with_nulls.assert_problem(422, "form-incomplete");
        assert_eq!(
            with_nulls.json()["flaws"],
            without.json()["flaws"],
            "{path}"
        );
    }
    let appeal = format!("/api/v1/images/{}/appeals", image.id);
    let with_null = post(&appeal, serde_json::json!({"text": null})).await;
    let without = post(&appeal, serde_json::json!({})).await;
    assert_eq!(with_null.status, without.status, "{}", with_null.text());
    assert_ne!(with_null.status, StatusCode::BAD_REQUEST);
    let counter = format!("/api/v1/images/{}/counter-notices", image.id);
    let nulls = serde_json::json!({"email": null, "mistake": null});
    let with_null = post(&counter, nulls).await;
    assert_ne!(
        with_null.status,
        StatusCode::BAD_REQUEST,
        "{}",
        with_null.text()
    );
    assert_ne!(with_null.status, StatusCode::NOT_FOUND);
}
