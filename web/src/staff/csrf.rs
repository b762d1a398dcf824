//! Whether a request that changes something comes from a page of ours: the
//! browser says where it was made, and it carries the session's token.

use std::time::Duration;

use axum::Form;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method, header};
use bytes::Bytes;
use imgshare_storage::staff::Secret;
use subtle::ConstantTimeEq;

use super::Refusal;
use super::transport::Transport;
use crate::error::WebError;

/// The header of calls, and the field of forms.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// The field of forms that carries the token.
pub const CSRF_FIELD: &str = "csrf";

/// Longest form of the staff pages: the longest of rules, carried over the second
/// factor with a passkey's answer.
const FORM_BYTES_MAX: usize = 128 << 10;

/// Time for a form to arrive.
const FORM_TIME_MAX: Duration = Duration::from_secs(20);

const FORM_TYPE: &str = "application/x-www-form-urlencoded";

/// A form as it was sent, token included, for whoever must ask something else first.
#[derive(Debug, Clone)]
pub(super) struct SentForm(pub(super) Bytes);

impl SentForm {
    /// Its fields in their order.
    pub(super) async fn fields(self) -> Result<Vec<(String, String)>, WebError> {
        let request = Request::post("/").header(header::CONTENT_TYPE, FORM_TYPE);
        let request = request
            .body(Body::from(self.0))
            .map_err(|_| WebError::MalformedForm)?;
        let read = Form::from_request(request, &()).await;
        read.map(|Form(fields)| fields)
            .map_err(|_| WebError::MalformedForm)
    }
}

/// The token of a session, derived from its cookie: nothing more to keep.
pub(super) fn token(session: &Secret) -> String {
    session.derived("imgshare staff csrf")
}

/// Whether a method may change something.
pub(super) fn is_changing(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Refuses what a page of another site sent. Browsers name the origin of every
/// request that changes something; programs need not.
pub(super) fn check_origin(transport: &Transport, headers: &HeaderMap) -> Result<(), Refusal> {
    let site = headers.get("sec-fetch-site");
    let is_same_site = site.is_none_or(|site| site == "same-origin");
    let is_own_origin = headers.get(header::ORIGIN).is_none_or(|origin| {
        origin
            .to_str()
            .is_ok_and(|origin| transport.is_own_origin(headers, origin))
    });
    if is_same_site && is_own_origin {
        return Ok(());
    }
    Err(Refusal::ForeignOrigin)
}

/// Refuses a request without the session's token. A form's body is read for it
/// and put back; the request carries it as [`SentForm`] as well.
pub(super) async fn check_token(request: Request, expected: &str) -> Result<Request, WebError> {
    let (mut parts, body) = request.into_parts();
    if let Some(sent) = parts.headers.get(CSRF_HEADER) {
        check(sent.as_bytes(), expected)?;
        return Ok(Request::from_parts(parts, body));
    }
    let is_form = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| {
        let kind = kind.as_bytes().split(|byte| *byte == b';').next();
        kind.is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(FORM_TYPE.as_bytes()))
    });
    if !is_form {
        return Err(Refusal::CsrfToken.into());
    }
    let read = tokio::time::timeout(FORM_TIME_MAX, to_bytes(body, FORM_BYTES_MAX)).await;
    let form = read
        .map_err(|_| WebError::MalformedForm)?
        .map_err(|_| WebError::MalformedForm)?;
    check(field(&form).unwrap_or_default(), expected)?;
    parts.extensions.insert(SentForm(form.clone()));
    Ok(Request::from_parts(parts, Body::from(form)))
}

/// The token's field. A token is hexadecimal, so that nothing is escaped in it.
fn field(form: &[u8]) -> Option<&[u8]> {
    form.split(|byte| *byte == b'&')
        .find_map(|pair| pair.strip_prefix(CSRF_FIELD.as_bytes())?.strip_prefix(b"="))
}

fn check(sent: &[u8], expected: &str) -> Result<(), WebError> {
    if bool::from(sent.ct_eq(expected.as_bytes())) {
        return Ok(());
    }
    Err(Refusal::CsrfToken.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_among_other_fields() {
        assert_eq!(field(b"a=1&csrf=abc&b=2"), Some(b"abc".as_slice()));
        assert_eq!(field(b"xcsrf=abc"), None);
        assert_eq!(field(b""), None);
    }

    #[test]
    fn another_sites_request_is_known_by_either_header() {
        let of = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "localhost:1".parse().unwrap());
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            check_origin(&Transport::Loopback, &headers).is_ok()
        };
        assert!(of(&[]));
        assert!(of(&[
            ("origin", "http://localhost:1"),
            ("sec-fetch-site", "same-origin")
        ]));
        for foreign in [
            &[("origin", "http://localhost:2")],
            &[("origin", "null")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
        ] {
            assert!(!of(foreign), "{foreign:?}");
        }
    }

    #[tokio::test]
    async fn a_form_is_read_and_put_back() {
        let form = |body: String| {
            Request::post("/")
                .header(
                    header::CONTENT_TYPE,
                    "application/x-www-form-urlencoded; charset=utf-8",
                )
                .body(Body::from(body))
                .unwrap()
        };
        let checked = check_token(form("a=1&csrf=abc".to_owned()), "abc")
            .await
            .unwrap();
        let body = to_bytes(checked.into_body(), 100).await.unwrap();
        assert_eq!(body, "a=1&csrf=abc");
        for wrong in ["a=1", "csrf=", "csrf=abd", "csrf=abcd"] {
            let refused = check_token(form(wrong.to_owned()), "abc")
                .await
                .unwrap_err();
            assert_eq!(refused.status_and_code().1, "staff-csrf-token", "{wrong}");
        }
        let long = format!("csrf=abc&x={}", "y".repeat(FORM_BYTES_MAX));
        check_token(form(long), "abc").await.unwrap_err();
    }

    #[tokio::test]
    async fn a_call_carries_it_in_a_header() {
        let call = |token: &str| {
            let request = Request::post("/").header(CSRF_HEADER, token);
            request.body(Body::from("{}")).unwrap()
        };
        check_token(call("abc"), "abc").await.unwrap();
        check_token(call("abd"), "abc").await.unwrap_err();
        let bare = Request::post("/").body(Body::empty()).unwrap();
        check_token(bare, "abc").await.unwrap_err();
    }
}
