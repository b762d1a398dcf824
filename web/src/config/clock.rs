//! The setting that moves the clock. For tests alone.

use serde::{Deserialize, Serialize};

/// Hosts that nobody else reaches: this machine, and names that are reserved for
/// tests (RFC 2606, RFC 6761).
const OWN_ENDINGS: [&str; 4] = [".test", ".example", ".invalid", ".localhost"];

/// The clock, for tests of what takes months.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clock {
    /// A file with the milliseconds that the clock is ahead; empty leaves the
    /// clock alone. Refused where `base_url` is one that others reach.
    pub file: String,
}

/// Whether others may reach a service of this address.
pub(super) fn is_public(base_url: &str) -> bool {
    let Some((_, rest)) = base_url.split_once("://") else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let host = host.to_ascii_lowercase();
    let is_this_machine = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    !is_this_machine && !OWN_ENDINGS.iter().any(|ending| host.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_else_reaches_is_not_public() {
        for own in [
            "",
            "http://localhost:8080",
            "http://127.0.0.1",
            "https://[::1]:8443",
            "https://img.example",
            "https://IMG.TEST:1",
        ] {
            assert!(!is_public(own), "{own}");
        }
        for public in [
            "https://img.example.org",
            "http://192.0.2.1",
            "https://test",
            "https://localhost.evil.org",
            "https://[2001:db8::1]",
        ] {
            assert!(is_public(public), "{public}");
        }
    }
}
