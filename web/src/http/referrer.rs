//! Which page a request came from, without what is nobody's business.

use axum::http::{HeaderMap, Uri, header};

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
    "content",
    "contact",
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
    /// A page of somebody else's.
    Foreign {
        /// The site, in lower case.
        host: String,
        /// Its address without user, query and fragment.
        page: String,
    },
}

impl Referrer {
    /// What the request says; `None` where it says nothing that can be read.
    #[must_use]
    pub fn of(settings: &Settings, headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(header::REFERER)?.to_str().ok()?;
        // A page within an application is its own scheme's.
        let uri: Uri = text.parse().ok()?;
        let scheme = uri.scheme_str()?;
        if scheme != "http" && scheme != "https" {
            return None;
        }
        let host = uri.host()?.to_ascii_lowercase();
        let site = match uri.port_u16() {
            Some(port) => format!("{host}:{port}"),
            None => host.clone(),
        };
        if is_own(settings, headers, &site) {
            return Some(Self::Own(pattern(uri.path())));
        }
        let mut page = format!("{scheme}://{site}{}", foreign_path(uri.path()));
        page.truncate(page.floor_char_boundary(PAGE_BYTES_MAX));
        Some(Self::Foreign { host, page })
    }

    /// The same, taken out.
    #[must_use]
    pub fn into_page(self) -> String {
        match self {
            Self::Own(pattern) => pattern,
            Self::Foreign { page, .. } => page,
        }
    }

    /// As it is written down.
    #[must_use]
    pub fn page(&self) -> &str {
        match self {
            Self::Own(pattern) => pattern,
            Self::Foreign { page, .. } => page,
        }
    }
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

fn pattern(path: &str) -> String {
    mapped(path, |part| part.is_empty() || WORDS.contains(&part))
}

fn foreign_path(path: &str) -> String {
    mapped(path, |part| {
        let is_secret = part.len() >= TOKEN_BYTES_MIN
            && part.bytes().any(|byte| byte.is_ascii_digit())
            && !part.contains(['-', '_', '.', '+']);
        let names_somebody = part.contains('@') || part.contains("%40");
        !is_secret && !names_somebody
    })
}

fn mapped(path: &str, is_told: impl Fn(&str) -> bool) -> String {
    let parts: Vec<&str> = path
        .split('/')
        .map(|part| if is_told(part) { part } else { HIDDEN })
        .collect();
    parts.join("/")
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
