//! `POST /preferences`: three cookies, all essential (P5).

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::error::WebError;
use crate::http::visitor::{NSFW_FILTER_COOKIE, THEME_COOKIE};
use crate::pages::Theme;
use crate::policies::{self, POLICY_SEEN_COOKIE};

const COOKIE_SECONDS_MAX: u32 = 31_536_000;

/// The form; each field that is there sets its cookie.
#[derive(Deserialize)]
pub(super) struct Preferences {
    theme: Option<String>,
    nsfw_filter: Option<String>,
    /// The change of the policies whose notice is dismissed.
    policy_seen: Option<String>,
    #[serde(default, rename = "return")]
    return_path: String,
}

/// Saves what was chosen and goes back to the page it was chosen on.
pub(super) async fn save(
    form: Result<Form<Preferences>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(preferences) = form.map_err(|_| WebError::MalformedForm)?;
    let mut headers = HeaderMap::new();
    if let Some(theme) = &preferences.theme {
        let theme: Theme = theme.parse().map_err(|_| WebError::MalformedForm)?;
        headers.append(
            header::SET_COOKIE,
            preference(THEME_COOKIE, theme.as_str())?,
        );
    }
    match preferences.nsfw_filter.as_deref() {
        None => {}
        Some(choice @ ("on" | "off")) => {
            headers.append(header::SET_COOKIE, preference(NSFW_FILTER_COOKIE, choice)?);
        }
        Some(_) => return Err(WebError::MalformedForm),
    }
    if let Some(day) = &preferences.policy_seen {
        if !policies::is_day(day) {
            return Err(WebError::MalformedForm);
        }
        headers.append(header::SET_COOKIE, preference(POLICY_SEEN_COOKIE, day)?);
    }
    headers.insert(header::LOCATION, see_other(&preferences.return_path));
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// Where a form leads back to.
pub(crate) fn see_other(return_path: &str) -> HeaderValue {
    HeaderValue::from_str(local_path(return_path)).unwrap_or(HeaderValue::from_static("/"))
}

fn preference(name: &str, value: &str) -> Result<HeaderValue, WebError> {
    cookie(name, value, COOKIE_SECONDS_MAX)
}

/// A cookie of ours, for this site alone and out of reach of scripts.
pub(crate) fn cookie(name: &str, value: &str, seconds_max: u32) -> Result<HeaderValue, WebError> {
    let text = format!("{name}={value}; Path=/; Max-Age={seconds_max}; SameSite=Lax; HttpOnly");
    HeaderValue::try_from(text).map_err(|_| WebError::MalformedForm)
}

/// A path on this site, or the upload page: `//host` and `/\host` lead away.
fn local_path(path: &str) -> &str {
    let is_local = path.starts_with('/')
        && !path.starts_with("//")
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_local { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_gone_back_to() {
        for path in ["/", "/3kTMd8vXqz2P", "/d/3kTMd8vXqz2P?a=b"] {
            assert_eq!(local_path(path), path);
        }
        for path in [
            "",
            "//evil",
            "/\\evil",
            "https://evil",
            "javascript:x",
            "/a\r\nb",
            "/ä",
        ] {
            assert_eq!(local_path(path), "/", "{path:?}");
        }
    }
}
