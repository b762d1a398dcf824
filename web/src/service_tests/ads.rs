//! Advertising over HTTP: the slot and the policy come and go together.

use imgshare_models::scores::Thresholds;
use imgshare_storage::audit::Actor;

use super::*;
use crate::ads::tests::settings;
use crate::http::address::Peer;

const HOST: &str = "googlesyndication.com";

const CONSENTING: [(&str, &str); 2] = [("cookie", "consent=advertising"), ("x-country", "US")];

async fn visit(service: &Service, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(path).header(header::ACCEPT, "text/html");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    service.send(request.body(Body::empty()).unwrap()).await
}

/// Whether there is advertising; slot and policy must agree.
#[track_caller]
fn has_ad(answer: &Answer) -> bool {
    let has_slot = answer.text().contains("data-ad ");
    let policy = answer.header(header::CONTENT_SECURITY_POLICY);
    assert_eq!(has_slot, policy.contains(HOST), "{policy}");
    assert!(
        !answer.text().contains(HOST),
        "no page itself names the host"
    );
    has_slot
}

#[tokio::test]
async fn p10_a_safe_image_has_advertising_for_those_who_consented() {
    let service = Service::start(&Oracle::says(SAFE), settings());
    let image = service.uploaded(&photo()).await;
    let path = path_of(&image["url"]);
    assert!(has_ad(&visit(&service, path, &CONSENTING).await));
    for headers in [
        &[("x-country", "US")][..],
        &[("cookie", "consent=none"), ("x-country", "US")],
        &[("cookie", "consent=analytics"), ("x-country", "US")],
        &[("cookie", "consent=advertising"), ("x-country", "FR")],
        &[("cookie", "consent=advertising")],
        &[
            ("cookie", "consent=advertising"),
            ("x-country", "US"),
            ("sec-gpc", "1"),
        ],
    ] {
        assert!(
            !has_ad(&visit(&service, path, headers).await),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn p10_a_country_is_believed_from_a_trusted_proxy_alone() {
    let mut settings = settings();
    settings.http.proxies = 0;
    settings.http.trusted_proxies = "10.0.0.0/8, 2001:db8::/32".parse().unwrap();
    let service = Service::start(&Oracle::says(SAFE), settings);
    let image = service.uploaded(&photo()).await;
    let path = path_of(&image["url"]);
    let from = async |peer: Option<&str>, countries: &[&str]| {
        let mut request = Request::get(path)
            .header(header::ACCEPT, "text/html")
            .header(header::COOKIE, "consent=advertising");
        for country in countries {
            request = request.header("x-country", *country);
        }
        if let Some(peer) = peer {
            request = request.extension(Peer::new(peer.parse().unwrap()));
        }
        has_ad(&service.send(request.body(Body::empty()).unwrap()).await)
    };
    for peer in [
        "10.0.0.1:5000",
        "[2001:db8::7]:5000",
        "[::ffff:10.0.0.1]:5000",
    ] {
        assert!(from(Some(peer), &["US"]).await, "{peer}");
        assert!(!from(Some(peer), &["DE"]).await, "{peer}");
        assert!(!from(Some(peer), &[]).await, "{peer}");
        // The proxy left the visitor's own line where it was.
        assert!(!from(Some(peer), &["US", "DE"]).await, "{peer}");
    }
    for peer in [None, Some("192.0.2.1:5000"), Some("[2001:db9::7]:5000")] {
        assert!(!from(peer, &["US"]).await, "{peer:?}");
    }
}

#[tokio::test]
async fn p10_no_other_page_has_any() {
    let service = Service::start(&Oracle::says(SAFE), settings());
    let image = service.uploaded(&photo()).await;
    let id = image["id"].as_str().unwrap();
    let others = [
        "/",
        "/privacy",
        "/cookies",
        "/nothing/here",
        "/111111111111",
        "/staff/login",
    ];
    let of_image = [
        format!("/d/{id}"),
        format!("/m/{id}"),
        format!("/report/{id}"),
    ];
    for path in others
        .into_iter()
        .chain(of_image.iter().map(String::as_str))
    {
        assert!(!has_ad(&visit(&service, path, &CONSENTING).await), "{path}");
    }
}

#[tokio::test]
async fn p10_an_nsfw_or_unchecked_image_has_none() {
    for oracle in [Oracle::says(NSFW), Oracle::failing()] {
        let service = Service::start(&oracle, settings());
        let image = service.uploaded(&photo()).await;
        let path = path_of(&image["url"]);
        for path in [path.to_owned(), format!("{path}?show=1")] {
            assert!(
                !has_ad(&visit(&service, &path, &CONSENTING).await),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn p10_thresholds_that_staff_set_count_for_advertising() {
    // A mass of 0.20 that may be nsfw: allowed by the settings.
    let near = Scores::from_array([0.02, 0.05, 0.78, 0.05, 0.10]);
    let service = Service::start(&Oracle::says(near), settings());
    let image = service.uploaded(&photo()).await;
    let path = path_of(&image["url"]);
    assert!(has_ad(&visit(&service, path, &CONSENTING).await));
    let stricter = |change: fn(&mut Thresholds)| {
        let mut thresholds = service.app.thresholds.moderation().thresholds();
        change(&mut thresholds);
        let (book, store) = (&service.app.thresholds, &*service.app.store);
        book.set(store, &Actor::Operator, thresholds, 7).unwrap();
    };
    stricter(|thresholds| thresholds.ads = 0.15);
    assert!(!has_ad(&visit(&service, path, &CONSENTING).await));
    stricter(|thresholds| thresholds.ads = 0.30);
    assert!(has_ad(&visit(&service, path, &CONSENTING).await));
    // What the viewer warns of carries none, whatever the settings say.
    stricter(|thresholds| thresholds.explicit = 0.09);
    let shown = visit(&service, &format!("{path}?show=1"), &CONSENTING).await;
    assert!(!has_ad(&shown));
}

#[tokio::test]
async fn p10_a_reported_image_has_none_until_it_is_decided() {
    let service = Service::start(&Oracle::says(SAFE), settings());
    let image = service.uploaded(&photo()).await;
    let (id, path) = (image["id"].as_str().unwrap(), path_of(&image["url"]));
    assert!(has_ad(&visit(&service, path, &CONSENTING).await));
    let report = form(
        &format!("/report/{id}"),
        "category=spam&text=x&contact=".to_owned(),
    );
    let reported = service.send(report).await;
    assert!(reported.status.is_success(), "{}", reported.text());
    assert!(!has_ad(&visit(&service, path, &CONSENTING).await));
}

#[tokio::test]
async fn p20_an_owners_objection_takes_it_away() {
    let service = Service::start(&Oracle::says(SAFE), settings());
    let image = service.uploaded(&photo()).await;
    let (id, path) = (image["id"].as_str().unwrap(), path_of(&image["url"]));
    let token = image["delete_token"].as_str().unwrap();
    let body = format!("token={token}&objects=yes");
    service
        .send(form(&format!("/m/{id}/advertising"), body))
        .await;
    assert!(!has_ad(&visit(&service, path, &CONSENTING).await));
}

#[tokio::test]
async fn p10_without_a_provider_nothing_of_it_is_there() {
    let service = Service::saying(SAFE);
    let image = service.uploaded(&photo()).await;
    let page = visit(&service, path_of(&image["url"]), &CONSENTING).await;
    assert!(!has_ad(&page) && !page.text().contains("/assets/ads."));
}
