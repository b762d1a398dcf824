//! `/assets/{name}`: style sheets, scripts and icons, named by their content.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::error::WebError;
use crate::http::conditional;
use crate::pages::assets;

/// One embedded file. Its name changes with its content, so it may be kept for
/// ever.
pub(super) async fn asset(
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Response, WebError> {
    let asset = assets::find(&name).ok_or(WebError::NotFound)?;
    let own_headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.mime)),
        (header::ETAG, HeaderValue::from_static(asset.etag)),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=31536000, immutable"),
        ),
    ];
    if conditional::is_unchanged(&headers, asset.etag) {
        return Ok((StatusCode::NOT_MODIFIED, own_headers).into_response());
    }
    Ok((own_headers, asset.bytes).into_response())
}
