//! Settings about transport encryption.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, Settings};

/// Certificate and key; both or neither.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// PEM file of the certificate, its chain behind it; empty for no TLS.
    pub certificate: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
}

impl Tls {
    /// Whether the service speaks TLS itself.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.certificate.as_os_str().is_empty()
    }

    /// The scheme of the service's own addresses.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.is_on() { "https" } else { "http" }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.is_on() == self.key.as_os_str().is_empty() {
            return Err(ConfigError::Invalid {
                key: "tls.key".to_owned(),
                why: "and tls.certificate must be given both or neither".to_owned(),
            });
        }
        Ok(())
    }
}

impl Settings {
    /// Whether visitors reach the service over TLS, its own or a proxy's.
    #[must_use]
    pub fn is_behind_tls(&self) -> bool {
        self.tls.is_on() || self.base_url.starts_with("https://")
    }

    /// Whether browsers may be told to come over TLS alone: it is ours, or that
    /// of a proxy of ours that the site's address speaks of.
    #[must_use]
    pub fn asks_for_tls(&self) -> bool {
        let is_proxied = self.http.has_proxies() && self.base_url.starts_with("https://");
        self.tls.is_on() || is_proxied
    }
}
