//! The public documents and the choice about cookies, over HTTP.

use imgshare_storage::calendar;

use super::*;
use crate::config::{AdProvider, Operator, Processor, Tls};
use crate::policies::Document;

fn named() -> Settings {
    let operator = Operator {
        name: "Example & Sons Ltd".to_owned(),
        address: "1 Example Street, Cork".to_owned(),
        country: "Ireland".to_owned(),
        privacy_contact: "privacy@img.example".to_owned(),
        abuse_contact: "abuse@img.example".to_owned(),
        processors: vec![Processor {
            name: "Host <Ltd>".to_owned(),
            purpose: "hosts the server".to_owned(),
            country: "Finland".to_owned(),
            policy: "https://host.example/privacy".to_owned(),
        }],
        ..Operator::default()
    };
    Settings {
        operator,
        ..Settings::default()
    }
}

/// A site with everything that consent can be about.
fn asking() -> Settings {
    let mut settings = named();
    settings.site.asks_for_analytics = true;
    settings.advertising.provider = AdProvider::Adsense;
    settings
}

fn with(settings: Settings) -> Service {
    Service::start(&Oracle::says(SAFE), settings)
}

impl Service {
    async fn browse_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path).header(header::ACCEPT, "text/html");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }
}

#[tokio::test]
async fn p26_every_document_is_linked_from_every_page() {
    let service = with(named());
    let image = service.uploaded(&photo()).await;
    let pages = [
        "/",
        path_of(&image["url"]),
        "/privacy",
        "/report/111111111111",
    ];
    for path in pages
        .into_iter()
        .chain(["/nothing/here", "/copyright/notice"])
    {
        let page = service.browse(path).await;
        let (_, footer) = page.text().split_once("<footer").expect(path);
        for document in Document::ALL {
            let link = format!("href=\"{}\"", document.path());
            assert!(footer.contains(&link), "{path}: {document:?}");
        }
    }
    for document in Document::ALL {
        let page = service.browse(document.path()).await;
        assert_eq!(page.status, StatusCode::OK, "{document:?}");
        assert!(page.text().contains(document.title()), "{document:?}");
        let policy = page.header(header::CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'"), "{document:?}");
    }
    let copyright = service.browse("/copyright").await;
    assert!(copyright.text().contains("href=\"/copyright/notice\""));
}

#[tokio::test]
async fn p24_versions_stay_readable_with_their_dates() {
    let service = with(named());
    for document in Document::ALL {
        let page = service.browse(&format!("{}/1", document.path())).await;
        assert_eq!(page.status, StatusCode::OK, "{document:?}");
        assert!(page.text().contains("in effect from"), "{document:?}");
        assert!(page.text().contains("last reviewed on"), "{document:?}");
    }
    for path in ["/privacy/2", "/privacy/0", "/privacy/x", "/privacy/-1"] {
        assert_eq!(service.get(path).await.status.as_u16(), 404, "{path}");
    }
}

#[tokio::test]
async fn p24_a_change_is_told_on_the_upload_page_until_it_is_dismissed() {
    let mut settings = named();
    settings.operator.changed_on = calendar::date(crate::clock::now_ms());
    let day = settings.operator.changed_on.clone();
    let service = with(settings);
    let shown = |page: &Answer| page.text().contains("policy-notice");
    assert!(shown(&service.browse("/").await));
    let privacy = service.browse("/privacy").await;
    assert!(
        privacy.text().contains(&format!("datetime=\"{day}\"")),
        "a new effective date"
    );

    let dismissed = service
        .send(form("/preferences", format!("policy_seen={day}&return=/")))
        .await;
    assert_eq!(dismissed.status, StatusCode::SEE_OTHER);
    let cookie = dismissed.header(header::SET_COOKIE);
    assert!(
        cookie.starts_with(&format!("policy_seen={day};")),
        "{cookie}"
    );
    let sent = cookie.split(';').next().unwrap().to_owned();
    assert!(!shown(
        &service.browse_with("/", &[("cookie", &sent)]).await
    ));
    let older = [("cookie", "policy_seen=2020-01-01")];
    assert!(shown(&service.browse_with("/", &older).await));
    let made_up = service
        .send(form("/preferences", "policy_seen=x%0d%0ay".to_owned()))
        .await;
    assert_eq!(made_up.status, StatusCode::BAD_REQUEST);
    assert!(!shown(&with(named()).browse("/").await), "nothing changed");
}

#[tokio::test]
async fn p12_p23_processors_and_third_parties_are_named_with_their_policies() {
    let page = with(named()).browse("/processors").await;
    assert!(page.text().contains("Personal data is not sold"));
    assert!(
        page.text()
            .contains("href=\"https://host.example/privacy\"")
    );
    assert!(page.text().contains("Host &#60;Ltd&#62;") || page.text().contains("Host &lt;Ltd&gt;"));
    assert!(!page.text().contains("AdSense"));
    let page = with(asking()).browse("/processors").await;
    assert!(
        page.text()
            .contains("href=\"https://policies.google.com/privacy\"")
    );
    let unnamed = with(Settings::default()).browse("/processors").await;
    assert!(unnamed.text().contains("has not published this list yet"));
}

#[tokio::test]
async fn p25_the_contact_is_named_and_answers_within_thirty_days() {
    let page = with(named()).browse("/contact").await;
    for part in [
        "mailto:privacy@img.example",
        "mailto:abuse@img.example",
        "1 Example Street, Cork",
        "within 30 days",
    ] {
        assert!(page.text().contains(part), "{part}");
    }
}

#[tokio::test]
async fn p14_the_policy_promises_encryption_only_where_there_is_some() {
    let said = "encrypted with TLS 1.2 or 1.3";
    let plain = with(named()).browse("/privacy").await;
    assert!(!plain.text().contains(said));
    let mut settings = named();
    settings.base_url = "https://img.example".to_owned();
    assert!(
        with(settings)
            .browse("/privacy")
            .await
            .text()
            .contains(said)
    );
}

#[tokio::test]
async fn p14_browsers_are_told_to_use_tls_only_where_there_is_some() {
    let hsts = |answer: &Answer| answer.header("strict-transport-security").to_owned();
    assert_eq!(hsts(&with(named()).browse("/").await), "");
    let mut proxied = named();
    proxied.base_url = "https://img.example".to_owned();
    assert_eq!(
        hsts(&with(proxied.clone()).browse("/").await),
        "",
        "no proxy is configured"
    );
    proxied.http.proxies = 1;
    assert!(hsts(&with(proxied).get("/healthz").await).starts_with("max-age=31536000"));
    let mut own = named();
    own.tls = Tls {
        certificate: "a.pem".into(),
        key: "a.key".into(),
    };
    let service = with(own);
    assert!(hsts(&service.browse("/nothing").await).starts_with("max-age=31536000"));
    let image = service.uploaded(&photo()).await;
    assert!(image["url"].as_str().unwrap().starts_with("https://"));
}

#[tokio::test]
async fn p05_the_banner_is_there_only_where_there_is_something_to_ask() {
    let shown = |page: &Answer| page.text().contains("data-consent-form");
    assert!(!shown(&with(named()).browse("/").await));
    let service = with(asking());
    for path in ["/", "/privacy", "/nothing/here"] {
        let page = service.browse(path).await;
        assert!(shown(&page), "{path}");
        assert!(page.headers.get(header::SET_COOKIE).is_none(), "{path}");
    }
    for headers in [
        [("cookie", "consent=none")],
        [("cookie", "consent=all")],
        [("sec-gpc", "1")],
    ] {
        let page = service.browse_with("/", &headers).await;
        assert!(!shown(&page), "{headers:?}");
    }
}

#[tokio::test]
async fn p05_refusing_is_as_easy_as_accepting() {
    let service = with(asking());
    let page = service.browse("/").await;
    let (_, banner) = page.text().split_once("data-consent-form").unwrap();
    let (banner, _) = banner.split_once("</form>").unwrap();
    let refuse = "<button class=\"button\" name=\"choice\" value=\"refuse\">";
    let accept = "<button class=\"button\" name=\"choice\" value=\"accept\">";
    assert!(
        banner.contains(refuse) && banner.contains(accept),
        "{banner}"
    );
    for (body, value) in [
        ("choice=refuse", "none"),
        ("choice=accept", "all"),
        ("choice=save", "none"),
        ("choice=save&analytics=yes", "analytics"),
        ("choice=save&advertising=yes", "advertising"),
    ] {
        let saved = service
            .send(form("/cookies", format!("{body}&return=/x")))
            .await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER, "{body}");
        assert_eq!(saved.header(header::LOCATION), "/x");
        let cookie = saved.header(header::SET_COOKIE);
        assert!(
            cookie.starts_with(&format!("consent={value};")),
            "{body}: {cookie}"
        );
        assert!(cookie.contains("SameSite=Lax"), "{cookie}");
    }
    let only_analytics = {
        let mut settings = named();
        settings.site.asks_for_analytics = true;
        with(settings)
    };
    let saved = only_analytics
        .send(form("/cookies", "choice=accept".to_owned()))
        .await;
    let cookie = saved.header(header::SET_COOKIE);
    assert!(
        cookie.starts_with("consent=analytics;"),
        "what was not asked is not allowed"
    );
}

#[tokio::test]
async fn p05_nobody_else_can_consent_for_a_visitor() {
    let service = with(asking());
    let mut forged = form("/cookies", "choice=accept".to_owned());
    let headers = forged.headers_mut();
    headers.insert("sec-fetch-site", "cross-site".parse().unwrap());
    let answer = service.send(forged).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.headers.get(header::SET_COOKIE).is_none());
}

#[tokio::test]
async fn p10_global_privacy_control_is_published_and_shown() {
    let service = with(asking());
    let published = service.get("/.well-known/gpc.json").await;
    assert_eq!(published.header(header::CONTENT_TYPE), "application/json");
    assert_eq!(published.json()["gpc"], true);
    let headers = [("sec-gpc", "1"), ("cookie", "consent=all")];
    let page = service.browse_with("/cookies", &headers).await;
    assert!(
        page.text()
            .contains("Your browser sends Global Privacy Control")
    );
    assert!(
        !page.text().contains(" checked"),
        "nothing counts as allowed"
    );
}

#[tokio::test]
async fn p05_what_a_browser_keeps_is_listed_with_its_kind() {
    let mut settings = named();
    settings.site.asks_for_analytics = true;
    let page = with(settings).browse("/cookies").await;
    let (_, row) = page.text().split_once("<code>visit</code>").unwrap();
    let (row, _) = row.split_once("</tr>").unwrap();
    assert!(row.contains("Analytics, only after you consent"), "{row}");
    let (_, banner) = page.text().split_once("id=\"consent-title\"").unwrap();
    let (banner, _) = banner.split_once("</section>").unwrap();
    assert!(!banner.contains("cookies for"), "{banner}");
    assert!(banner.contains("no cookie, and no id"), "{banner}");
    let asks_for_nothing = with(named()).browse("/cookies").await;
    assert!(!asks_for_nothing.text().contains("Before you choose"));
    let image = with(named()).browse("/").await;
    let (_, kept) = image.text().split_once("What is kept").unwrap();
    assert!(kept.contains("fingerprints") && kept.contains("how often it is viewed"));
}

#[tokio::test]
async fn p25_the_contact_page_speaks_of_no_address_that_is_not_there() {
    let says = async |settings: Settings| {
        let page = with(settings).browse("/contact").await;
        page.text().contains("the address above")
    };
    assert!(says(named()).await);
    assert!(!says(Settings::default()).await);
    let mut by_mail = Settings::default();
    by_mail.site.contact = "privacy@img.example".to_owned();
    assert!(says(by_mail).await);
}

#[tokio::test]
async fn p12_p23_the_pages_do_not_deny_the_advertising_that_there_is() {
    let mut settings = asking();
    settings.advertising.consent_platform = "https://consent.example/p.js".to_owned();
    let service = with(settings);
    let processors = service.browse("/processors").await;
    let privacy = service.browse("/privacy").await;
    for page in [&processors, &privacy] {
        assert!(page.text().contains("your browser itself talks to"));
        assert!(!page.text().contains("Nobody else gets any"));
    }
    assert!(processors.text().contains("https://consent.example/p.js"));
    let without = with(named()).browse("/processors").await;
    assert!(!without.text().contains("your browser itself talks to"));
}
