//! `POST /cookies`: a choice becomes a cookie.

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{CONSENT_COOKIE, Purposes};
use crate::app::AppState;
use crate::error::WebError;
use crate::routes::preferences::{cookie, see_other};

/// Half a year, after which visitors are asked again.
const CHOICE_SECONDS_MAX: u32 = 15_552_000;

/// What was pressed.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Choice {
    Refuse,
    Accept,
    /// Exactly what is ticked.
    Save,
}

/// The form of the banner and of the page about cookies.
#[derive(Deserialize)]
pub(crate) struct ConsentForm {
    choice: Choice,
    analytics: Option<String>,
    advertising: Option<String>,
    #[serde(default, rename = "return")]
    return_path: String,
}

/// Saves what was chosen and goes back to the page it was chosen on. Consent
/// that another site's page sends is nobody's.
pub(crate) async fn save(
    State(app): State<AppState>,
    headers: HeaderMap,
    form: Result<Form<ConsentForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    if is_foreign(&headers) {
        return Err(WebError::MalformedForm);
    }
    let offered = Purposes::offered(&app.settings);
    let chosen = match form.choice {
        Choice::Refuse => Purposes::NONE,
        Choice::Accept => offered,
        Choice::Save => offered.and(Purposes {
            analytics: form.analytics.is_some(),
            advertising: form.advertising.is_some(),
        }),
    };
    let kept = cookie(CONSENT_COOKIE, chosen.as_str(), CHOICE_SECONDS_MAX)?;
    let mut headers = HeaderMap::new();
    headers.append(header::SET_COOKIE, kept);
    headers.insert(header::LOCATION, see_other(&form.return_path));
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// Whether the browser says that another site's page sent this.
fn is_foreign(headers: &HeaderMap) -> bool {
    let same_origin = HeaderValue::from_static("same-origin");
    headers
        .get("sec-fetch-site")
        .is_some_and(|site| *site != same_origin && site != "none")
}
