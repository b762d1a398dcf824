//! The header in which proxies say whom they speak for.

use serde::{Deserialize, Serialize};

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
