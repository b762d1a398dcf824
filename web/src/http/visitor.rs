//! What a request tells of its visitor: cookies with preferences and choices,
//! and the host asked for. Nothing else is looked at.

use axum::http::{HeaderMap, HeaderValue, Uri, header};

use crate::app::AppState;
use crate::consent::Consent;
use crate::pages::{Site, Theme};

/// Name of the cookie with the theme.
pub const THEME_COOKIE: &str = "theme";

/// Name of the cookie that turns the nsfw warning off.
pub const NSFW_FILTER_COOKIE: &str = "nsfw_filter";

/// The formats in the pages' words.
const FORMATS: &str = "JPEG, PNG, WebP, GIF, AVIF";

/// A visitor, as far as pages care.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The site as this visitor sees it.
    pub site: Site,
    /// Whether nsfw images stand behind a warning.
    pub nsfw_filter: bool,
    /// What beyond the essential is allowed.
    pub consent: Consent,
}

impl Visitor {
    /// Reads the cookies; anything unknown counts as absent.
    #[must_use]
    pub fn of(app: &AppState, headers: &HeaderMap) -> Self {
        let settings = &app.settings;
        let theme = cookie(headers, THEME_COOKIE).and_then(|theme| theme.parse().ok());
        let contact = &settings.site.contact;
        let consent = Consent::of(settings, headers);
        Self {
            site: Site {
                name: settings.site.name.clone(),
                base_url: base_url(app, headers),
                theme: theme.unwrap_or(Theme::System),
                upload_bytes_max: settings.limits.upload_bytes_max,
                formats: FORMATS,
                files_per_batch_max: settings.site.files_per_batch_max,
                contact: (!contact.is_empty()).then(|| contact.clone()),
                is_counted: settings.statistics.enabled && agrees_to_analytics(headers),
                asks: consent.is_to_be_asked().then_some(consent.offered),
            },
            consent,
            nsfw_filter: cookie(headers, NSFW_FILTER_COOKIE) != Some("off"),
        }
    }
}

/// The start of every link: the setting, or else the host the client asked
/// for. No answer that carries such a link is cached by anyone.
#[must_use]
pub fn base_url(app: &AppState, headers: &HeaderMap) -> String {
    if !app.settings.base_url.is_empty() {
        return app.settings.base_url.clone();
    }
    let asked = headers.get(header::HOST).and_then(authority);
    let scheme = app.settings.tls.scheme();
    asked.map_or_else(
        || format!("{scheme}://{}", app.settings.listen),
        |host| format!("{scheme}://{host}"),
    )
}

/// A `Host` value that is a host and perhaps a port, and nothing else.
fn authority(host: &HeaderValue) -> Option<&str> {
    let host = host.to_str().ok()?;
    let is_plain = host.bytes().all(|byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
    });
    let parses = format!("http://{host}/").parse::<Uri>().is_ok();
    (is_plain && parses && !host.is_empty()).then_some(host)
}

/// Whether a visitor agreed to be counted for analytics. A browser that asks for
/// privacy (Global Privacy Control) has not, whatever its cookie says.
#[must_use]
pub fn agrees_to_analytics(headers: &HeaderMap) -> bool {
    Consent::chosen(headers).is_some_and(|chosen| chosen.analytics)
}

/// The value of a cookie.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("a=1; theme=dark;b=2"),
        );
        headers.append(header::COOKIE, HeaderValue::from_static("nsfw_filter=off"));
        assert_eq!(cookie(&headers, THEME_COOKIE), Some("dark"));
        assert_eq!(cookie(&headers, NSFW_FILTER_COOKIE), Some("off"));
        assert_eq!(cookie(&headers, "b"), Some("2"));
        assert_eq!(cookie(&headers, "c"), None);
    }

    #[test]
    fn only_a_plain_host_becomes_part_of_links() {
        for host in ["img.example", "127.0.0.1:8080", "[::1]:80"] {
            assert_eq!(authority(&HeaderValue::from_static(host)), Some(host));
        }
        for host in ["", "a/b", "a\"b", "user@host", "a b", "a?b"] {
            assert_eq!(authority(&HeaderValue::from_static(host)), None, "{host}");
        }
    }
}
