//! Those who take more than their share: limits for each address and network,
//! networks that are blocked, and patterns that staff are told of (P8, P19).
//!
//! A client is known by hashes under a key of the day, in tables of a fixed
//! size; see [`identity`] and [`table`]. Nothing of it is written anywhere but
//! blocks, which a person makes.
//!
//! Whoever was noticed is held to a quarter of the limits for some minutes. It
//! is not made to wait on its connection: connections are what there are few of.

mod act;
mod alerts;
mod block_list;
mod guard;
mod identity;
mod limit;
mod page;
mod patterns;
mod table;

use std::num::NonZeroU32;
use std::time::Duration;

use imgshare_storage::blocks::{self, Block};
use imgshare_storage::{Keyspace, StorageError};
use tokio::sync::watch;

pub(crate) use act::apart;
pub use act::{BlockAnswer, BlockCommand, obey};
pub use alerts::{Alert, Pattern};
pub(crate) use guard::guarded;
pub use page::routes;

use crate::app::{App, AppState};
use crate::clock;
use crate::config;
use crate::error::WebError;
use crate::http::address::ClientAddress;
use block_list::BlockList;
use identity::{DayKey, Identity};
use limit::{Limit, Rate, Uptime};
use patterns::Patterns;

/// Addresses that a limit tells apart: 65,536 in 1.1 MB. Of more at once, those
/// who have used least are forgotten.
const LOG_ADDRESSES: u32 = 16;

/// Networks that a limit tells apart.
const LOG_NETWORKS: u32 = 14;

/// What a request costs whoever was noticed.
const SLOW_COST: NonZeroU32 = NonZeroU32::new(4).expect("not zero");

const MINUTE: Duration = Duration::from_secs(60);

/// How often the blocks that are in force are read.
const KEEP_EVERY: Duration = Duration::from_secs(60);

/// What a request is, as far as limits go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An image comes in.
    Upload,
    /// An image, its page or its facts go out.
    Image,
    /// An image is reported, or the page for it asked for.
    Report,
    /// Everything else.
    Other,
}

impl Kind {
    /// Whether it stays open to a network that is blocked.
    fn is_for_everybody(self) -> bool {
        matches!(self, Self::Report | Self::Other)
    }
}

/// Why a client is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It takes more than its share.
    #[error("Too many requests came from your address. Try again in {} s.", .wait.as_secs())]
    TooMany {
        /// When the same would be taken.
        wait: Duration,
    },
    /// Its network is blocked.
    #[error(
        "Uploads and images are not open to your network at the moment, because of abuse from \
         there. Reports, deletions and objections are."
    )]
    Blocked,
}

impl Refusal {
    /// In whole seconds, as clients are told: who comes back after them is let in.
    fn after(wait: Duration) -> Self {
        let seconds = wait
            .as_secs()
            .saturating_add(u64::from(wait.subsec_nanos() > 0));
        Self::TooMany {
            wait: Duration::from_secs(seconds),
        }
    }
}

/// Limits, blocks and what was noticed.
#[derive(Debug)]
pub struct Abuse {
    settings: config::Abuse,
    day_key: DayKey,
    requests: Pair,
    uploads: Pair,
    /// As wide as that of requests, and apart from it.
    reports: Pair,
    patterns: Patterns,
    blocks: BlockList,
}

/// A limit for an address and one for its network.
#[derive(Debug)]
struct Pair {
    address: Option<Limit>,
    network: Option<Limit>,
}

impl Pair {
    fn new(burst: u32, per_minute: u32, factor: u32, uptime: &Uptime) -> Self {
        let limit = |factor: u32, log_keys| {
            let (burst, per_minute) = (
                burst.saturating_mul(factor),
                per_minute.saturating_mul(factor),
            );
            Limit::new(Rate::new(burst, per_minute, MINUTE)?, log_keys, uptime)
        };
        Self {
            address: limit(1, LOG_ADDRESSES),
            network: limit(factor, LOG_NETWORKS),
        }
    }
}

/// Who or what was over its limit.
enum Over {
    Address(Duration),
    Network(Duration),
}

impl Pair {
    fn take(&self, client: Identity, cost: NonZeroU32) -> Result<(), Over> {
        if let Some(limit) = &self.address {
            limit.take(client.address, cost).map_err(Over::Address)?;
        }
        if let Some(limit) = &self.network {
            limit.take(client.network, cost).map_err(Over::Network)?;
        }
        Ok(())
    }
}

impl Abuse {
    /// Nothing noticed yet, nobody blocked.
    #[must_use]
    pub fn new(settings: config::Abuse, now_ms: u64) -> Self {
        let uptime = Uptime::new();
        let pair =
            |burst, per_minute| Pair::new(burst, per_minute, settings.network_factor, &uptime);
        Self {
            requests: pair(settings.requests_burst, settings.requests_per_minute),
            reports: pair(settings.requests_burst, settings.requests_per_minute),
            uploads: pair(settings.uploads_burst, settings.uploads_per_minute),
            patterns: Patterns::new(&settings, &uptime),
            day_key: DayKey::new(now_ms),
            blocks: BlockList::default(),
            settings,
        }
    }

    /// Whether a client is served. What is not counts as nothing.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(crate) fn admit(
        &self,
        client: ClientAddress,
        kind: Kind,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        if !kind.is_for_everybody() && self.blocks.contains(client, now_ms) {
            return Err(Refusal::Blocked);
        }
        if self.is_exempt(client) {
            return Ok(());
        }
        let identity = self.day_key.identity(client, now_ms);
        // Whatever else came from there, a report is heard: it may be of a child's abuse.
        let cost = match kind != Kind::Report && self.patterns.is_slow(identity) {
            true => SLOW_COST,
            false => NonZeroU32::MIN,
        };
        let pairs: &[&Pair] = match kind {
            Kind::Upload => &[&self.uploads, &self.requests],
            Kind::Report => &[&self.reports],
            Kind::Image | Kind::Other => &[&self.requests],
        };
        for pair in pairs {
            match pair.take(identity, cost) {
                Ok(()) => {}
                Err(Over::Address(wait)) => return Err(Refusal::after(wait)),
                Err(Over::Network(wait)) => {
                    let network = client.anonymized();
                    self.patterns.raise(Pattern::NetworkBurst, network, now_ms);
                    return Err(Refusal::after(wait));
                }
            }
        }
        Ok(())
    }

    /// An image by its id, for [`Self::saw_image`].
    pub(crate) fn image(&self, id: &str, now_ms: u64) -> u64 {
        self.day_key.of(id.as_bytes(), now_ms)
    }

    /// An image was asked for: somebody may be guessing ids, or walking through
    /// all there are.
    pub(crate) fn saw_image(&self, client: ClientAddress, image: u64, is_there: bool, now_ms: u64) {
        let identity = self.day_key.identity(client, now_ms);
        let seen = self.patterns.image(identity, image, is_there);
        self.notice(seen, identity, client, now_ms);
    }

    /// An image came in.
    pub(crate) fn saw_upload(&self, client: ClientAddress, sha256: &[u8; 32], now_ms: u64) {
        if self.is_exempt(client) {
            return;
        }
        let identity = self.day_key.identity(client, now_ms);
        let seen = self.patterns.upload(self.day_key.of(sha256, now_ms));
        self.notice(seen, identity, client, now_ms);
    }

    fn notice(
        &self,
        seen: Option<Pattern>,
        identity: Identity,
        client: ClientAddress,
        now_ms: u64,
    ) {
        if let Some(pattern) = seen {
            let slow_ms = self.settings.slow_minutes.saturating_mul(60_000);
            self.patterns.slow_down(identity, slow_ms);
            self.patterns.raise(pattern, client.anonymized(), now_ms);
        }
    }

    /// Whether a client is not limited.
    pub(crate) fn is_exempt(&self, client: ClientAddress) -> bool {
        self.settings.exempt.contain(client.exposed())
    }

    /// The alerts that are shown, the newest first.
    #[must_use]
    pub fn alerts(&self, now_ms: u64) -> Vec<Alert> {
        self.patterns.alerts(now_ms)
    }

    /// How often each pattern was noticed since the start.
    pub(crate) fn noticed(&self) -> [(Pattern, u64); 4] {
        self.patterns.noticed()
    }

    /// Takes the blocks of the store for those in force.
    ///
    /// # Errors
    /// The store's.
    pub fn load_blocks(
        &self,
        keys: &dyn Keyspace,
        now_ms: u64,
    ) -> Result<Vec<Block>, StorageError> {
        let blocks = blocks::list(keys, now_ms)?;
        self.blocks.replace(&blocks);
        Ok(blocks)
    }
}

impl App {
    /// As [`Abuse::admit`], counted and as a problem. A client without an
    /// address is no client of the network.
    pub(crate) fn admit_client(
        &self,
        client: Option<ClientAddress>,
        kind: Kind,
    ) -> Result<(), WebError> {
        let Some(client) = client else {
            return Ok(());
        };
        let admitted = self.abuse.admit(client, kind, clock::now_ms());
        admitted.map_err(|refusal| {
            self.metrics.refused_client(match refusal {
                Refusal::TooMany { .. } => "limit",
                Refusal::Blocked => "block",
            });
            refusal.into()
        })
    }
}

/// Reads the blocks that are in force, until the service stops.
pub(crate) async fn keep(app: AppState, mut stop: watch::Receiver<bool>) {
    loop {
        let this = std::sync::Arc::clone(&app);
        let kept = app.with_store(move |store| this.abuse.load_blocks(store, clock::now_ms()));
        if let Err(error) = kept.await {
            tracing::warn!(%error, "blocks could not be read; those in force stay so");
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(KEEP_EVERY) => {}
        }
    }
}

#[cfg(test)]
mod tests;
