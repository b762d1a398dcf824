//! Copies in a CDN, or in another shared cache in front, are purged when an image
//! is not public any more (P21).
//!
//! Which images those are is storage's to know
//! ([`unpublished`](imgshare_storage::retention::unpublished)): an entry comes with
//! the commit that ends an image's publicity, and stays until every target of the
//! settings has said yes, over restarts and crashes.

mod addresses;
mod client;
mod failing;
mod keeper;
mod target;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::{Request, StatusCode};
use bytes::Bytes;
use http_body_util::Full;
use imgshare_storage::ImageId;
use imgshare_storage::retention::unpublished::{self, TargetName};
use imgshare_storage::{StorageError, Store};

pub use client::TrustError;
#[cfg(test)]
pub(crate) use keeper::Keeper;
pub(crate) use keeper::keep;
pub use target::{Flaw, Target};

use crate::config::Settings;
use client::{Client, SendError, Wire};

/// Longest secret.
const TOKEN_BYTES_MAX: u64 = 4_096;

/// Why there is nobody to purge.
#[derive(Debug, thiserror::Error)]
pub enum CdnError {
    /// The file of a token cannot be read.
    #[error("cdn.token_file {}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// There is no token in it.
    #[error("cdn.token_file {}: must hold one line of text that can stand in a header", .path.display())]
    NoToken {
        /// The file.
        path: PathBuf,
    },
    /// The settings of a purge cannot be used.
    #[error("cdn.purge: the {} {}", .0.field, .0.why)]
    Flaw(Flaw),
    /// Nobody vouches for a target.
    #[error("cdn.ca_file {0}")]
    Trust(#[from] TrustError),
}

/// Everybody who is told to purge.
#[derive(Clone)]
pub struct Cdn {
    targets: Arc<[Target]>,
    /// Their names.
    names: Arc<[TargetName]>,
    client: Client,
    /// When it is done again, in milliseconds; 0 for never.
    again_ms: u64,
}

/// What became of a request to purge.
#[derive(Debug)]
enum Outcome {
    /// It was purged.
    Purged,
    /// There was nothing to purge.
    NothingThere,
    /// The target does not want to.
    Refused(StatusCode),
    /// The target cannot just now.
    Unwell(StatusCode),
    /// There was no answer.
    Unanswered(SendError),
}

impl Outcome {
    /// The stable kebab-case name.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Purged => "purged",
            Self::NothingThere => "nothing-there",
            Self::Refused(_) => "refused",
            Self::Unwell(_) => "unwell",
            Self::Unanswered(_) => "unanswered",
        }
    }

    /// Whether no copy is left there.
    fn is_done(&self) -> bool {
        matches!(self, Self::Purged | Self::NothingThere)
    }

    /// Whether the target as a whole is in trouble, and not what was asked of it.
    fn is_trouble(&self) -> bool {
        matches!(self, Self::Unwell(_) | Self::Unanswered(_))
    }

    /// What it says to whoever reads the log.
    fn detail(&self) -> String {
        match self {
            Self::Purged | Self::NothingThere => String::new(),
            Self::Refused(StatusCode::METHOD_NOT_ALLOWED) => {
                "405: it does not know the method; what it passes on to us is not purged".to_owned()
            }
            Self::Refused(status) | Self::Unwell(status) => status.as_u16().to_string(),
            Self::Unanswered(error) => error.to_string(),
        }
    }
}

impl Cdn {
    /// Of the settings, with the secrets that they name; `None` where there is none.
    ///
    /// # Errors
    /// When a file cannot be read or used.
    pub fn load(settings: &Settings) -> Result<Option<Self>, CdnError> {
        let cdn = &settings.cdn;
        if !cdn.is_on() {
            return Ok(None);
        }
        let mut targets = Vec::with_capacity(cdn.purge.len());
        for purge in &cdn.purge {
            let target = Target::new(purge, &settings.base_url).map_err(CdnError::Flaw)?;
            targets.push(match target.token_file().map(Path::to_owned) {
                None => target,
                Some(path) => {
                    let token = read_token(&path)?;
                    let authorized = target.authorized(token.trim());
                    authorized.ok_or(CdnError::NoToken { path })?
                }
            });
        }
        number_labels(&mut targets);
        let client = match targets.iter().any(|target| target.peer.is_tls()) {
            true => Client::trusting(&cdn.ca_file)?,
            false => Client::default(),
        };
        Ok(Some(Self {
            names: targets.iter().map(|target| target.name.clone()).collect(),
            targets: targets.into(),
            client,
            again_ms: cdn.again_seconds.saturating_mul(1_000),
        }))
    }

    /// Sends everything that one target is to be told of an image, until something
    /// fails. `sent` is told of each outcome; the last one is returned.
    async fn purge_at(
        &self,
        target: &Target,
        image: &ImageId,
        extension: &str,
        sent: impl Fn(&Outcome),
    ) -> Outcome {
        let mut wire = None;
        let mut last = Outcome::NothingThere;
        for request in target.requests(image, extension) {
            last = match self.send(target, &mut wire, request).await {
                Ok(status) => judge(target, status),
                Err(error) => Outcome::Unanswered(error),
            };
            sent(&last);
            if !last.is_done() {
                break;
            }
        }
        last
    }

    async fn send(
        &self,
        target: &Target,
        wire: &mut Option<Wire>,
        request: Request<Full<Bytes>>,
    ) -> Result<StatusCode, SendError> {
        if let Some(used) = wire
            && used.is_open().await
            && let Ok(status) = used.send(request.clone()).await
        {
            return Ok(status);
        }
        // Whoever answers may hang up at any time; the first word on a new
        // connection is heard.
        let mut fresh = self.client.connect(&target.peer).await?;
        let answered = fresh.send(request).await;
        *wire = Some(fresh);
        answered
    }
}

/// Tells targets at the same host apart, for people.
fn number_labels(targets: &mut [Target]) {
    let mut n_seen: HashMap<String, u32> = HashMap::new();
    for target in targets {
        let n_seen = n_seen.entry(target.label.clone()).or_default();
        *n_seen = n_seen.saturating_add(1);
        if *n_seen > 1 {
            target.label = format!("{} ({n_seen})", target.label);
        }
    }
}

/// What an answer means.
fn judge(target: &Target, status: StatusCode) -> Outcome {
    match status {
        _ if status.is_success() => Outcome::Purged,
        StatusCode::NOT_FOUND | StatusCode::GONE if target.may_find_nothing() => {
            Outcome::NothingThere
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Outcome::Unwell(status),
        _ if status.is_server_error() => Outcome::Unwell(status),
        _ => Outcome::Refused(status),
    }
}

/// Lets the store know whether there is a CDN: whether it puts down what is to be
/// purged, from now on and by commands without the service.
///
/// # Errors
/// The store's.
pub fn announce(store: &Store, is_there: bool, now_ms: u64) -> Result<(), StorageError> {
    let n_dropped = unpublished::expect_copies(store, is_there, now_ms)?;
    if n_dropped > 0 {
        tracing::warn!(
            n_dropped,
            "there is no cdn.purge any more: images that waited for it are not purged"
        );
    }
    Ok(())
}

fn read_token(path: &Path) -> Result<String, CdnError> {
    let mut token = String::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(TOKEN_BYTES_MAX + 1).read_to_string(&mut token));
    read.map_err(|source| CdnError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    // A part of a token is none.
    let is_whole = u64::try_from(token.len()).is_ok_and(|bytes| bytes <= TOKEN_BYTES_MAX);
    if token.trim().is_empty() || !is_whole {
        return Err(CdnError::NoToken {
            path: path.to_owned(),
        });
    }
    Ok(token)
}
