//! Headers that hold for a whole group of answers.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::ads::AdPolicy;
use crate::config::Settings;

/// Pages load their own files, show images and previews of chosen files, and
/// talk to their own origin; nothing else, no inline script, no frame.
const PAGE_CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'";

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// No browser may guess another type than the one that is sent.
#[must_use]
pub fn nosniff() -> SetResponseHeaderLayer<HeaderValue> {
    let value = HeaderValue::from_static("nosniff");
    SetResponseHeaderLayer::overriding(header::X_CONTENT_TYPE_OPTIONS, value)
}

/// For a year browsers come over TLS alone. Of other hosts below this name
/// nothing is known, so nothing is said of them.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Tells browsers to come over TLS alone, where they can (P14).
#[must_use]
pub fn strict_transport(settings: &Settings) -> Option<SetResponseHeaderLayer<HeaderValue>> {
    let name = header::STRICT_TRANSPORT_SECURITY;
    settings
        .asks_for_tls()
        .then(|| SetResponseHeaderLayer::overriding(name, HSTS))
}

/// What pages may do, and that nobody keeps them: they carry preferences and,
/// after an upload, a secret.
pub async fn page_policy(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let ad_policy = response.extensions_mut().remove::<AdPolicy>();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, PAGE_CSP),
        (header::REFERRER_POLICY, "strict-origin-when-cross-origin"),
        (
            PERMISSIONS_POLICY,
            "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(policy) = ad_policy {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy.value().clone());
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("private, no-store"));
    response
}
