//! What settings are taken, and what is sent for them.

use http_body_util::BodyExt;

use super::*;

const BASE: &str = "https://img.example";

fn purge(address: &str) -> Purge {
    Purge {
        address: address.to_owned(),
        ..Purge::default()
    }
}

fn post(address: &str, body: &str) -> Purge {
    Purge {
        method: PurgeMethod::Post,
        body: body.to_owned(),
        ..purge(address)
    }
}

fn id() -> ImageId {
    "3kTMd8vXqz2P".parse().unwrap()
}

fn requests(purge: &Purge, base: &str) -> Vec<Request<Full<Bytes>>> {
    Target::new(purge, base).unwrap().requests(&id(), "jpg")
}

async fn body(request: Request<Full<Bytes>>) -> String {
    let bytes = request.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn p21_a_cache_is_told_each_address() {
    let sent = requests(&purge("{url}"), BASE);
    assert_eq!(sent.len(), 12);
    let original = &sent[1];
    assert_eq!(original.method(), "PURGE");
    assert_eq!(original.uri(), "/i/3kTMd8vXqz2P.jpg");
    assert_eq!(original.headers()[header::HOST], "img.example");
    let inside = requests(&purge("http://10.0.0.2:6081{path}"), BASE);
    assert_eq!(inside[1].uri(), "/i/3kTMd8vXqz2P.jpg");
    assert_eq!(inside[1].headers()[header::HOST], "img.example");
    let below = requests(
        &purge("http://10.0.0.2/purge{path}"),
        "https://a.example/img",
    );
    assert_eq!(below[1].uri(), "/purge/img/i/3kTMd8vXqz2P.jpg");
    let target = Target::new(&purge("http://10.0.0.2:6081{path}"), BASE).unwrap();
    assert_eq!(target.peer.to_string(), "10.0.0.2:6081");
    let target = Target::new(&purge("{url}"), BASE).unwrap();
    assert_eq!(target.peer.to_string(), "img.example:443");
    assert!(target.peer.is_tls());
}

#[tokio::test]
async fn p21_an_api_is_told_once_of_all_addresses() {
    let api = "https://api.example/zones/7/purge_cache";
    let mut sent = requests(&post(api, r#"{"files":{urls}}"#), BASE);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].uri(), "/zones/7/purge_cache");
    assert_eq!(sent[0].headers()[header::HOST], "api.example");
    assert_eq!(sent[0].headers()[header::CONTENT_TYPE], "application/json");
    let body = body(sent.remove(0)).await;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let files = body["files"].as_array().unwrap();
    assert_eq!(files.len(), 12);
    assert_eq!(files[1], "https://img.example/i/3kTMd8vXqz2P.jpg");

    let tag = requests(&post("https://api.example/tags/{id}", ""), BASE);
    assert_eq!(tag.len(), 1);
    assert_eq!(tag[0].uri(), "/tags/3kTMd8vXqz2P");
    let query = requests(&post("https://api.example/purge?url={url}", ""), BASE);
    assert_eq!(query.len(), 12);
    assert_eq!(
        query[1].uri(),
        "/purge?url=https%3A%2F%2Fimg.example%2Fi%2F3kTMd8vXqz2P.jpg"
    );
}

#[test]
fn p21_what_could_lead_astray_is_refused() {
    let address = |address: &str| (purge(address), "address");
    let body = |body: &str| (post("https://api.example/purge", body), "body");
    let secret = |header: &str, file: &str, field: &'static str| {
        let purge = Purge {
            header: header.to_owned(),
            token_file: file.into(),
            ..purge("https://api.example{path}")
        };
        (purge, field)
    };
    let bad = [
        address(""),
        address("ftp://cache.example{path}"),
        address("{id}"),
        address("{path}"),
        address("http://{id}.example/"),
        address("http://{path}"),
        address("http://cache.example:{id}/"),
        address("http://who@cache.example{path}"),
        address("http://cache.example{path}#a"),
        address("http://cache.example/{name}"),
        address("http://cache.example/all"),
        address("{url}/more"),
        body("{\"files\":[{url}]}"),
        body("{\"files\":[\"{uri}\",\"{url}\"]}"),
        (
            Purge {
                method: PurgeMethod::Purge,
                ..post("{url}", "{}")
            },
            "body",
        ),
        secret("Authorization", "f", "header"),
        secret("Authorization: Bearer", "f", "header"),
        secret("Authorization: {token} {token}", "f", "header"),
        secret("Host: {token}", "f", "header"),
        secret("X-Key: a\nb{token}", "f", "header"),
        secret("Authorization: {token}", "", "token_file"),
        secret("", "f", "header"),
        (
            Purge {
                address: "http://api.example{path}".to_owned(),
                ..secret("Authorization: {token}", "f", "").0
            },
            "address",
        ),
    ];
    for (purge, field) in bad {
        let flaw = Target::new(&purge, BASE).err();
        assert_eq!(flaw.map(|flaw| flaw.field), Some(field), "{purge:?}");
    }
    assert!(Target::new(&secret("Authorization: Bearer {token}", "f", "").0, BASE).is_ok());
    for base in [
        "",
        "img.example",
        "https://a@img.example",
        "https://img.example?a",
    ] {
        assert!(Target::new(&purge("{url}"), base).is_err(), "{base}");
    }
}

#[test]
fn p21_a_secret_is_sent_and_not_shown() {
    let purge = Purge {
        header: "Authorization: Bearer {token}".to_owned(),
        token_file: "f".into(),
        ..purge("https://api.example{path}")
    };
    let target = Target::new(&purge, BASE).unwrap();
    assert_eq!(target.token_file(), Some(std::path::Path::new("f")));
    assert!(target.clone().authorized("a\nb").is_none());
    let target = target.authorized("zebra").unwrap();
    let request = target.requests(&id(), "jpg").remove(0);
    assert_eq!(request.headers()[header::AUTHORIZATION], "Bearer zebra");
    for shown in [format!("{target:?}"), format!("{request:?}")] {
        assert!(!shown.contains("zebra"), "{shown}");
    }
}

/// What one account has said yes to, the other must be asked all the same.
#[test]
fn p21_two_accounts_of_one_api_are_two_targets() {
    let of = |header: &str, token_file: &str| {
        let purge = Purge {
            header: header.to_owned(),
            token_file: token_file.into(),
            ..purge("https://api.example{path}")
        };
        Target::new(&purge, BASE).unwrap().name
    };
    let one = of("Authorization: Bearer {token}", "one");
    assert_eq!(one, of("Authorization: Bearer {token}", "one"));
    assert_ne!(one, of("Authorization: Bearer {token}", "two"));
    assert_ne!(one, of("X-Key: {token}", "one"));
}
