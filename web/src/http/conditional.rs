//! Conditions on an entity tag (RFC 9110, section 13).

use axum::http::{HeaderMap, header};

/// Whether `If-None-Match` names this tag, so that 304 says it all. Tags are
/// compared weakly, as the RFC asks for here.
#[must_use]
pub fn is_unchanged(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// Whether a range may be served: there is no `If-Range`, or it names this
/// very tag. A date never matches, for no date is sent.
#[must_use]
pub fn range_applies(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get(header::IF_RANGE)
        .is_none_or(|value| value.as_bytes() == etag.as_bytes())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn any_of_the_tags_counts() {
        for value in ["\"a\"", "\"b\", \"a\"", "W/\"a\"", "*"] {
            assert!(
                is_unchanged(&with(header::IF_NONE_MATCH, value), "\"a\""),
                "{value}"
            );
        }
        for value in ["\"b\"", "a", ""] {
            assert!(
                !is_unchanged(&with(header::IF_NONE_MATCH, value), "\"a\""),
                "{value}"
            );
        }
        assert!(!is_unchanged(&HeaderMap::new(), "\"a\""));
    }

    #[test]
    fn a_range_of_another_version_is_not_served() {
        assert!(range_applies(&HeaderMap::new(), "\"a\""));
        assert!(range_applies(&with(header::IF_RANGE, "\"a\""), "\"a\""));
        for value in ["\"b\"", "W/\"a\"", "Sat, 29 Oct 1994 19:43:31 GMT"] {
            assert!(
                !range_applies(&with(header::IF_RANGE, value), "\"a\""),
                "{value}"
            );
        }
    }
}
