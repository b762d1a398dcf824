//! Settings about a CDN in front, whose copies are purged (P21). Off by default.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ConfigError;
use crate::cdn::Target;

/// Where Debian and its like keep the certificates that everybody trusts.
const SYSTEM_CA_FILE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Targets at most: which of them have purged an image is kept with it.
const TARGETS_MAX: usize = 16;

/// A CDN, or another shared cache in front.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cdn {
    /// Seconds after which everything is purged once more: an answer that was
    /// under way when the image went may be kept after the first purge. 0 purges
    /// once.
    pub again_seconds: u64,
    /// PEM file of the authorities that vouch for `https://` addresses.
    pub ca_file: PathBuf,
    /// What is sent when an image is not public any more; nothing switches it off.
    pub purge: Vec<Purge>,
}

impl Default for Cdn {
    fn default() -> Self {
        Self {
            again_seconds: 60,
            ca_file: PathBuf::from(SYSTEM_CA_FILE),
            purge: Vec::new(),
        }
    }
}

/// A request that purges. `{url}`, `{path}` and `{id}` stand for what an image is
/// known by; with `{url}` or `{path}` it is sent for each of its addresses, without
/// them once an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Purge {
    /// How it is sent.
    pub method: PurgeMethod,
    /// Where to: `{url}` alone, or an address whose path and query may have
    /// placeholders. One with `{path}` is sent with the site's own `Host`.
    pub address: String,
    /// JSON to send, in which `{urls}` is the list of all addresses; empty for none.
    pub body: String,
    /// A header such as `Authorization: Bearer {token}`; empty for none.
    pub header: String,
    /// File with what `{token}` stands for.
    pub token_file: PathBuf,
}

/// A method that purges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PurgeMethod {
    /// As Varnish, nginx and Fastly understand it.
    #[default]
    Purge,
    /// To an API.
    Post,
    /// To an API.
    Delete,
}

impl PurgeMethod {
    /// As it stands in a request.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Purge => "PURGE",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

impl Cdn {
    /// Whether there is one.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.purge.is_empty()
    }

    pub(super) fn check(&self, base_url: &str) -> Result<(), ConfigError> {
        let invalid = |key: String, why: &str| {
            let why = why.to_owned();
            Err(ConfigError::Invalid { key, why })
        };
        if self.is_on() && base_url.is_empty() {
            let why = "must be given where there is a cdn.purge: what is purged begins with it";
            return invalid("base_url".to_owned(), why);
        }
        if self.again_seconds > 86_400 {
            let why = "must be at most 86400, a day";
            return invalid("cdn.again_seconds".to_owned(), why);
        }
        if self.purge.len() > TARGETS_MAX {
            return invalid("cdn.purge".to_owned(), "may be given 16 times at most");
        }
        for (idx, purge) in self.purge.iter().enumerate() {
            if let Err(flaw) = Target::new(purge, base_url) {
                return invalid(format!("cdn.purge[{idx}].{}", flaw.field), flaw.why);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_targets_as_one_entry_can_name_are_taken() {
        let purge = Purge {
            address: "http://127.0.0.1:8081{path}".to_owned(),
            ..Purge::default()
        };
        let with = |n_targets| Cdn {
            purge: vec![purge.clone(); n_targets],
            ..Cdn::default()
        };
        let base_url = "http://img.example";
        assert!(with(TARGETS_MAX).check(base_url).is_ok());
        let refused = with(TARGETS_MAX + 1).check(base_url);
        assert!(matches!(refused, Err(ConfigError::Invalid { key, .. }) if key == "cdn.purge"));
    }
}
