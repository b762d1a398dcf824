//! One line of the request log.

use std::time::Duration;

use serde::Serialize;

use crate::clock;
use crate::http::address::AnonymizedIp;
use crate::variants;

/// Stands for every path that is none of ours.
pub const UNMATCHED: &str = "(unmatched)";

/// What the images of our addresses end with.
const EXTENSIONS: [&str; 5] = ["jpg", "png", "gif", "webp", "avif"];

/// Longest user agent that is kept, in bytes; what is longer is cut.
const AGENT_BYTES_MAX: usize = 256;

/// What is written of one request. It has no field for a query, a file name, a
/// token or a whole address.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// When it came, in milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// The method; `OTHER` for what HTTP does not know.
    pub method: &'static str,
    /// The route, never the path: see [`shown_path`].
    pub path: String,
    /// The answer's status.
    pub status: u16,
    /// From the request's head to the answer's head.
    pub took: Duration,
    /// The answer's length, where it was known.
    pub bytes: Option<u64>,
    /// What the client calls itself.
    pub agent: Option<String>,
    /// The page it came from: see [`crate::http::referrer`].
    pub referrer: Option<String>,
    /// Where it came from.
    pub address: Option<AnonymizedIp>,
}

#[derive(Serialize)]
struct Written<'a> {
    at: String,
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
    pub(super) fn write_to(&self, text: &mut Vec<u8>) {
        let micros = u32::try_from(self.took.as_micros()).unwrap_or(u32::MAX);
        let written = Written {
            at: clock::rfc3339_ms(self.at_ms),
            method: self.method,
            path: &self.path,
            status: self.status,
            ms: f64::from(micros) / 1_000.0,
            bytes: self.bytes,
            agent: self.agent.as_deref(),
            referrer: self.referrer.as_deref(),
            address: self.address,
        };
        serde_json::to_writer(&mut *text, &written)
            .expect("texts and numbers are written to memory");
        text.push(b'\n');
    }
}

/// A user agent as it is kept.
#[must_use]
pub fn agent(bytes: &[u8]) -> String {
    let mut agent = String::from_utf8_lossy(bytes).into_owned();
    agent.truncate(agent.floor_char_boundary(AGENT_BYTES_MAX));
    agent
}

/// The path without what names an image, a receipt or a secret: the route, with
/// the ending that tells a photo from a drawing and the name of a variant.
#[must_use]
pub fn shown_path(route: Option<&str>, path: &str) -> String {
    let Some(route) = route else {
        return UNMATCHED.to_owned();
    };
    let name = path.rsplit('/').next().unwrap_or_default();
    let ending = name.rsplit_once('.').and_then(|(stem, ending)| {
        Some((stem, *EXTENSIONS.iter().find(|known| **known == ending)?))
    });
    match (route, ending) {
        ("/i/{id}", Some((_, ending))) => format!("{route}.{ending}"),
        ("/i/{id}/{variant}", Some((stem, ending))) => match variants::find_spec(stem) {
            Some(spec) => format!("/i/{{id}}/{}.{ending}", spec.name),
            None => route.to_owned(),
        },
        _ => route.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p04_a_path_tells_no_image_and_no_secret() {
        for (route, path, shown) in [
            (Some("/i/{id}"), "/i/3kTMd8vXqz2P.jpg", "/i/{id}.jpg"),
            (Some("/i/{id}"), "/i/3kTMd8vXqz2P.secret", "/i/{id}"),
            (Some("/i/{id}"), "/i/token", "/i/{id}"),
            (
                Some("/i/{id}/{variant}"),
                "/i/3kTMd8vXqz2P/thumb.png",
                "/i/{id}/thumb.png",
            ),
            (
                Some("/i/{id}/{variant}"),
                "/i/3kTMd8vXqz2P/name.png",
                "/i/{id}/{variant}",
            ),
            (Some("/{id}"), "/holiday.jpg", "/{id}"),
            (Some("/d/{id}"), "/d/3kTMd8vXqz2P", "/d/{id}"),
            (None, "/wp-login.php", "(unmatched)"),
        ] {
            assert_eq!(shown_path(route, path), shown, "{path}");
        }
        let long = agent("ä".repeat(300).as_bytes());
        assert_eq!(long.len(), 256);
        assert_eq!(agent(b"\xff\x01x"), "\u{fffd}\u{1}x");
    }
}
