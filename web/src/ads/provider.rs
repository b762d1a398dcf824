//! What a provider needs on a page: a place, and hosts that the policy names.

use axum::http::HeaderValue;

use crate::config::{AdProvider, Advertising};
use crate::consent::Consent;

/// Hosts that AdSense loads scripts from.
const ADSENSE_SCRIPTS: &str = "https://pagead2.googlesyndication.com \
     https://partner.googleadservices.com https://tpc.googlesyndication.com \
     https://www.googletagservices.com https://adservice.google.com \
     https://ep2.adtrafficquality.google";

/// Hosts that its frames come from.
const ADSENSE_FRAMES: &str = "https://googleads.g.doubleclick.net \
     https://tpc.googlesyndication.com https://www.google.com https://ep2.adtrafficquality.google";

/// Hosts of its pictures, and that it reports to.
const ADSENSE_OTHERS: &str = "https://pagead2.googlesyndication.com \
     https://googleads.g.doubleclick.net https://tpc.googlesyndication.com \
     https://ep1.adtrafficquality.google https://csi.gstatic.com";

/// The place for advertising on one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Whose, in words and for scripts.
    pub provider: &'static str,
    /// The publisher's id there.
    pub client: String,
    /// The place's id there.
    pub slot: String,
    /// A certified consent platform that is loaded before.
    pub consent_platform: Option<String>,
    /// Whether the visitor allowed analytics as well.
    pub allows_analytics: bool,
    /// The content security policy of its page.
    pub policy: AdPolicy,
}

impl Slot {
    pub(super) fn of(advertising: &Advertising, consent: Consent) -> Option<Self> {
        let provider = match advertising.provider {
            AdProvider::Off => return None,
            AdProvider::Adsense => "adsense",
        };
        let platform = &advertising.consent_platform;
        Some(Self {
            provider,
            client: advertising.client.clone(),
            slot: advertising.slot.clone(),
            consent_platform: (!platform.is_empty()).then(|| platform.clone()),
            allows_analytics: consent.given.analytics,
            policy: AdPolicy::of(advertising)?,
        })
    }
}

/// A content security policy that names the hosts of a provider. Put among an
/// answer's extensions it takes the place of the pages' own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdPolicy(HeaderValue);

impl AdPolicy {
    fn of(advertising: &Advertising) -> Option<Self> {
        let platform = origin(&advertising.consent_platform);
        let text = format!(
            "default-src 'none'; script-src 'self' {ADSENSE_SCRIPTS}{platform}; \
             style-src 'self'; img-src 'self' blob: {ADSENSE_OTHERS}; \
             connect-src 'self' {ADSENSE_OTHERS}{platform}; frame-src {ADSENSE_FRAMES}{platform}; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        HeaderValue::try_from(text).ok().map(Self)
    }

    /// The header's value.
    #[must_use]
    pub fn value(&self) -> &HeaderValue {
        &self.0
    }
}

/// The origin of an address, with a space before it; nothing for none.
fn origin(address: &str) -> String {
    let parts: Vec<&str> = address.splitn(4, '/').take(3).collect();
    match parts.as_slice() {
        [scheme @ "https:", "", host] if !host.is_empty() => format!(" {scheme}//{host}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p10_the_policy_names_hosts_and_never_everybody() {
        let mut advertising = Advertising {
            provider: AdProvider::Adsense,
            ..Advertising::default()
        };
        let text = |advertising: &Advertising| {
            let policy = AdPolicy::of(advertising).unwrap();
            policy.value().to_str().unwrap().to_owned()
        };
        let without = text(&advertising);
        for loose in ["unsafe", "https: ", "http:", "*", "data:"] {
            assert!(!without.contains(loose), "{loose}: {without}");
        }
        assert!(without.contains("https://pagead2.googlesyndication.com"));
        advertising.consent_platform = "https://consent.example/a/b.js".to_owned();
        assert_eq!(
            text(&advertising)
                .matches(" https://consent.example;")
                .count(),
            3
        );
    }
}
