//! One line of the request log.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use axum::extract::MatchedPath;
use axum::http::HeaderValue;
use serde::Serialize;

use crate::clock;
use crate::http::address::AnonymizedIp;
use crate::http::referrer::Referrer;
use crate::variants;

/// Stands for every path that is none of ours.
pub const UNMATCHED: &str = "(unmatched)";

/// What the addresses of our images end with, and what is written of each.
const IMAGES: [(&str, &str); 5] = [
    ("jpg", "/i/{id}.jpg"),
    ("png", "/i/{id}.png"),
    ("gif", "/i/{id}.gif"),
    ("webp", "/i/{id}.webp"),
    ("avif", "/i/{id}.avif"),
];

/// Longest user agent that is kept, in bytes; what is longer is cut.
const AGENT_BYTES_MAX: usize = 256;

/// What is written of one request. It has no field for a query, a file name, a
/// token or a whole address.
#[derive(Debug, Clone)]
pub struct Line {
    /// When it came, in milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// The method; `OTHER` for what HTTP does not know.
    pub method: &'static str,
    /// The route, never the path.
    pub path: Shown,
    /// The answer's status.
    pub status: u16,
    /// From the request's head to the answer's head.
    pub took: Duration,
    /// The answer's length, where it was known.
    pub bytes: Option<u64>,
    /// What the client calls itself.
    pub agent: Option<HeaderValue>,
    /// The page it came from.
    pub referrer: Option<Referrer>,
    /// Where it came from.
    pub address: Option<AnonymizedIp>,
}

#[derive(Serialize)]
struct Written<'a> {
    at: &'a str,
    method: &'static str,
    path: &'a str,
    status: u16,
    ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    referrer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<AnonymizedIp>,
}

impl Line {
    /// Adds it to a text, with its line feed.
    pub(super) fn write_to(&self, text: &mut Vec<u8>, stamp: &mut Stamp) {
        let micros = u32::try_from(self.took.as_micros()).unwrap_or(u32::MAX);
        let agent = self.agent.as_ref().map(|agent| lossy(agent.as_bytes()));
        let written = Written {
            at: stamp.of(self.at_ms),
            method: self.method,
            path: self.path.as_str(),
            status: self.status,
            ms: f64::from(micros) / 1_000.0,
            bytes: self.bytes,
            agent: agent.as_deref(),
            referrer: self.referrer.as_ref().map(Referrer::page),
            address: self.address,
        };
        serde_json::to_writer(&mut *text, &written)
            .expect("texts and numbers are written to memory");
        text.push(b'\n');
    }
}

/// A user agent as it is kept.
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    let mut agent = String::from_utf8_lossy(bytes);
    let end = agent.floor_char_boundary(AGENT_BYTES_MAX);
    if end < agent.len() {
        agent = Cow::Owned(agent[..end].to_owned());
    }
    agent
}

/// A moment as text. Most lines share their second with the one before.
#[derive(Debug, Default)]
pub(super) struct Stamp {
    second: Option<u64>,
    text: String,
}

impl Stamp {
    fn of(&mut self, at_ms: u64) -> &str {
        let second = Some(at_ms / 1_000);
        let n_kept = self.text.len().saturating_sub(".000Z".len());
        if self.second == second {
            self.text.truncate(n_kept);
        } else {
            self.text = clock::rfc3339(at_ms);
            self.text.pop();
            self.second = second;
        }
        // Writing to a string cannot fail.
        let _ = write!(self.text, ".{:03}Z", at_ms % 1_000);
        &self.text
    }
}

/// A path without what names an image, a receipt or a secret.
#[derive(Debug, Clone)]
pub enum Shown {
    /// The route's pattern.
    Route(MatchedPath),
    /// One of ours, written out.
    Fixed(&'static str),
    /// A variant, by its name.
    Variant(String),
}

impl Shown {
    /// The route, with the ending that tells a photo from a drawing and the name
    /// of a variant.
    #[must_use]
    pub fn of(route: Option<&MatchedPath>, path: &str) -> Self {
        let Some(route) = route else {
            return Self::Fixed(UNMATCHED);
        };
        let name = path.rsplit('/').next().unwrap_or_default();
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        let known = IMAGES.iter().find(|(known, _)| *known == ending);
        match (route.as_str(), known) {
            ("/i/{id}", Some((_, shown))) => Self::Fixed(shown),
            ("/i/{id}/{variant}", Some((ending, _))) => match variants::find_spec(stem) {
                Some(spec) => Self::Variant(format!("/i/{{id}}/{}.{ending}", spec.name)),
                None => Self::Route(route.clone()),
            },
            _ => Self::Route(route.clone()),
        }
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Route(route) => route.as_str(),
            Self::Fixed(shown) => shown,
            Self::Variant(shown) => shown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The way through a router, which alone makes a [`MatchedPath`].
    async fn shown(path: &str) -> String {
        use axum::body::Body;
        use axum::extract::Request;
        use tower::ServiceExt;
        let say = |request: Request| async move {
            let route = request.extensions().get::<MatchedPath>();
            Shown::of(route, request.uri().path()).as_str().to_owned()
        };
        let any = axum::routing::get(say);
        let router: axum::Router = axum::Router::new()
            .route("/i/{id}", any.clone())
            .route("/i/{id}/{variant}", any.clone())
            .route("/d/{id}", any.clone())
            .route("/{id}", any)
            .fallback(say);
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = router.oneshot(request).await.unwrap();
        let bytes = axum::body::to_bytes(answer.into_body(), 1_000).await;
        String::from_utf8(bytes.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn p04_a_path_tells_no_image_and_no_secret() {
        for (path, expected) in [
            ("/i/3kTMd8vXqz2P.jpg?token=x", "/i/{id}.jpg"),
            ("/i/3kTMd8vXqz2P.secret", "/i/{id}"),
            ("/i/token", "/i/{id}"),
            ("/i/3kTMd8vXqz2P/thumb.png", "/i/{id}/thumb.png"),
            ("/i/3kTMd8vXqz2P/name.png", "/i/{id}/{variant}"),
            ("/holiday.jpg", "/{id}"),
            ("/d/3kTMd8vXqz2P", "/d/{id}"),
            ("/wp-login.php/x/y", "(unmatched)"),
        ] {
            assert_eq!(shown(path).await, expected, "{path}");
        }
    }

    #[test]
    fn an_agent_is_cut_and_a_moment_is_told() {
        assert_eq!(lossy("ä".repeat(300).as_bytes()).len(), 256);
        assert_eq!(lossy(b"\xff\x01x"), "\u{fffd}\u{1}x");
        let mut stamp = Stamp::default();
        for (at_ms, text) in [
            (951_782_400_007, "2000-02-29T00:00:00.007Z"),
            (951_782_400_999, "2000-02-29T00:00:00.999Z"),
            (951_782_401_000, "2000-02-29T00:00:01.000Z"),
        ] {
            assert_eq!(stamp.of(at_ms), text);
        }
    }
}
