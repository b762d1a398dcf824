//! The header in which proxies say whom they speak for.

use serde::{Deserialize, Serialize};

use super::Http;

/// One of the two. Believing both would believe the client: a proxy that sets
/// one of them lets the other one through as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeader {
    /// What most proxies set.
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

impl Http {
    /// Whether a proxy of our own stands in front.
    #[must_use]
    pub fn has_proxies(&self) -> bool {
        self.proxies > 0 || !self.trusted_proxies.is_empty()
    }
}
