//! `POST /preferences`: two cookies, both essential (P5).

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::error::WebError;
use crate::http::visitor::{NSFW_FILTER_COOKIE, THEME_COOKIE};
use crate::pages::Theme;

const COOKIE_SECONDS_MAX: u32 = 31_536_000;

/// The form; each field that is there sets its cookie.
#[derive(Deserialize)]
pub(super) struct Preferences {
    theme: Option<String>,
    nsfw_filter: Option<String>,
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
        headers.append(header::SET_COOKIE, cookie(THEME_COOKIE, theme.as_str())?);
    }
    match preferences.nsfw_filter.as_deref() {
        None => {}
        Some(choice @ ("on" | "off")) => {
            headers.append(header::SET_COOKIE, cookie(NSFW_FILTER_COOKIE, choice)?);
        }
        Some(_) => return Err(WebError::MalformedForm),
    }
    let back = local_path(&preferences.return_path);
    let back = HeaderValue::from_str(back).unwrap_or(HeaderValue::from_static("/"));
    headers.insert(header::LOCATION, back);
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

fn cookie(name: &str, value: &str) -> Result<HeaderValue, WebError> {
    let text =
        format!("{name}={value}; Path=/; Max-Age={COOKIE_SECONDS_MAX}; SameSite=Lax; HttpOnly");
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
