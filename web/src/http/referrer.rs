//! Which page a request came from, without what is nobody's business.

use axum::http::{HeaderMap, header};

use crate::config::Settings;

/// Longest address of a page that is told, in bytes; what is longer is cut.
const PAGE_BYTES_MAX: usize = 300;

/// A part of a foreign path this long, with digits and without a word's breaks,
/// is a secret more likely than a title.
const TOKEN_BYTES_MIN: usize = 20;

/// Stands for what is not told.
const HIDDEN: &str = "{}";

/// The parts of our own paths that name nothing: everything else is an image, a
/// receipt or a secret.
const WORDS: [&str; 30] = [
    "account",
    "api",
    "appeal",
    "audit",
    "blocks",
    "contact",
    "content",
    "cookies",
    "copyright",
    "counter-notice",
    "grid",
    "images",
    "learning",
    "login",
    "notice",
    "openapi.json",
    "people",
    "preferences",
    "privacy",
    "processors",
    "queue",
    "report",
    "second-factor",
    "staff",
    "statistics",
    "status",
    "terms",
    "transparency",
    "upload",
    "v1",
];

/// Where a request came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Referrer {
    /// A page of ours, as a pattern: `/report/{}`.
    Own(String),
    /// The address of somebody else's page: `https://`, the site in lower case,
    /// and the path, without user, query and fragment.
    Foreign(String),
}

impl Referrer {
    /// What the request says; `None` where it says nothing that can be read.
    #[must_use]
    pub fn of(settings: &Settings, headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(header::REFERER)?.to_str().ok()?;
        // A page within an application has that one's scheme.
        let (scheme, rest) = text.split_once("://")?;
        let scheme = ["https", "http"]
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(scheme))?;
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let site = authority.rsplit('@').next().filter(|site| is_site(site))?;
        let path = tail.split(['?', '#', '\\']).next().unwrap_or_default();
        if is_own(settings, headers, site) {
            let mut pattern = String::with_capacity(path.len());
            map(path, &mut pattern, |part| {
                part.is_empty() || WORDS.contains(&part)
            });
            return Some(Self::Own(pattern));
        }
        let mut page = String::with_capacity(text.len());
        page.push_str(scheme);
        page.push_str("://");
        page.push_str(site);
        page.make_ascii_lowercase();
        map(path, &mut page, is_told);
        page.truncate(page.floor_char_boundary(PAGE_BYTES_MAX));
        Some(Self::Foreign(page))
    }

    /// As it is written down.
    #[must_use]
    pub fn page(&self) -> &str {
        match self {
            Self::Own(pattern) => pattern,
            Self::Foreign(page) => page,
        }
    }

    /// The other site, without its port.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        let Self::Foreign(page) = self else {
            return None;
        };
        let site = page.split('/').nth(2)?;
        match site.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(host),
            _ => Some(site),
        }
    }
}

/// A host and perhaps a port, and nothing else.
fn is_site(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
    !text.is_empty() && text.bytes().all(is_plain)
}

/// Whether a site is this one, by the setting or by the name it was asked by.
fn is_own(settings: &Settings, headers: &HeaderMap, site: &str) -> bool {
    let asked = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let known = settings.base_url.split("://").nth(1);
    let known = known.and_then(|rest| rest.split('/').next());
    [asked, known]
        .into_iter()
        .flatten()
        .any(|own| own.eq_ignore_ascii_case(site))
}

/// Whether a part of a foreign path may be told: a word, not a secret and not
/// somebody's name.
fn is_told(part: &str) -> bool {
    let is_secret = part.len() >= TOKEN_BYTES_MIN
        && part.bytes().any(|byte| byte.is_ascii_digit())
        && !part.contains(['-', '_', '.', '+']);
    !is_secret && !part.contains('@') && !part.contains("%40")
}

/// Adds a path with what is not told left out.
fn map(path: &str, to: &mut String, is_told: impl Fn(&str) -> bool) {
    let parts = path.strip_prefix('/').unwrap_or(path).split('/');
    for part in parts {
        to.push('/');
        to.push_str(if is_told(part) { part } else { HIDDEN });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(referrer: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "localhost:8080".parse().unwrap());
        headers.insert(header::REFERER, referrer.parse().unwrap());
        let settings = Settings {
            base_url: "https://img.example/shared".to_owned(),
            ..Settings::default()
        };
        Referrer::of(&settings, &headers).map(|referrer| referrer.page().to_owned())
    }

    #[test]
    fn p04_a_referrer_loses_user_query_and_fragment() {
        for (referrer, told) in [
            (
                "https://jane:pass@forum.example/t/7?sid=SECRET#top",
                "https://forum.example/t/7",
            ),
            ("http://Forum.Example:81/", "http://forum.example:81/"),
            (
                "https://mail.example/u/jane@example.org/inbox",
                "https://mail.example/u/{}/inbox",
            ),
            (
                "https://x.example/reset/a8f7e6d5c4b3a2918070605040/now",
                "https://x.example/reset/{}/now",
            ),
            (
                "https://x.example/how-to-keep-a-secret-in-2026",
                "https://x.example/how-to-keep-a-secret-in-2026",
            ),
        ] {
            assert_eq!(of(referrer).as_deref(), Some(told), "{referrer}");
        }
        for none in [
            "",
            "about:blank",
            "android-app://x/",
            "javascript:alert(1)",
            "/path",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
        let foreign = Referrer::Foreign("http://forum.example:81/t".to_owned());
        assert_eq!(foreign.host(), Some("forum.example"));
        assert_eq!(of("https://a b.example/").as_deref(), None);
        assert_eq!(
            of("https://x.example?SECRET").as_deref(),
            Some("https://x.example/")
        );
        let long = format!("https://x.example/{}", "a/".repeat(1_000));
        assert_eq!(of(&long).unwrap().len(), PAGE_BYTES_MAX);
    }

    #[test]
    fn p04_a_page_of_ours_is_told_by_its_pattern() {
        for site in ["http://localhost:8080", "https://img.example"] {
            for (path, told) in [
                ("/", "/"),
                ("/3kTMd8vXqz2P?show=1", "/{}"),
                ("/d/3kTMd8vXqz2P", "/{}/{}"),
                ("/m/3kTMd8vXqz2P/appeal", "/{}/{}/appeal"),
                ("/report/status/RECEIPT", "/report/status/{}"),
                ("/staff/join/CODE", "/staff/{}/{}"),
                ("/i/3kTMd8vXqz2P.jpg", "/{}/{}"),
            ] {
                assert_eq!(
                    of(&format!("{site}{path}")).as_deref(),
                    Some(told),
                    "{path}"
                );
            }
        }
        assert!(WORDS.is_sorted());
    }
}
