//! Settings about advertising. Off, nothing of it is on any page.

use serde::{Deserialize, Serialize};

use super::{ConfigError, Http};
use axum::http::HeaderName;

/// Whose advertisements are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdProvider {
    /// None.
    #[default]
    Off,
    /// Google AdSense.
    Adsense,
}

/// Advertising.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Advertising {
    /// Who shows it: `off` or `adsense`.
    pub provider: AdProvider,
    /// The publisher's id at the provider: `ca-pub-` and 16 digits.
    pub client: String,
    /// The id of the place at the provider, in digits.
    pub slot: String,
    /// Script of a certified consent platform, where one is needed; without one
    /// there is no advertising in the regions that ask for it.
    pub consent_platform: String,
    /// Header in which our own proxy writes the visitor's country, in place of
    /// whatever the visitor sent; without one every visitor counts as living in
    /// such a region. Believed from the proxies of `http` alone.
    pub country_header: String,
}

impl Advertising {
    /// Whether there is any.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.provider != AdProvider::Off
    }

    pub(super) fn check(&self, http: &Http) -> Result<(), ConfigError> {
        let invalid = |key: &str, why: &str| {
            Err(ConfigError::Invalid {
                key: key.to_owned(),
                why: why.to_owned(),
            })
        };
        let is_plain = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte))
        };
        let platform = &self.consent_platform;
        let is_an_address = platform.starts_with("https://") && is_plain(platform);
        if !platform.is_empty() && !is_an_address {
            let why = "must be a plain address that starts with https://";
            return invalid("advertising.consent_platform", why);
        }
        let country_header = self.country_header.as_str();
        if !country_header.is_empty() && !http.has_proxies() {
            let why = "needs http.trusted_proxies: without a proxy the client would write it";
            return invalid("advertising.country_header", why);
        }
        if !country_header.is_empty() && HeaderName::try_from(country_header).is_err() {
            return invalid("advertising.country_header", "must be a header's name");
        }
        if !self.is_on() {
            return Ok(());
        }
        let digits = self.client.strip_prefix("ca-pub-").unwrap_or_default();
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if digits.len() != 16 || !are_digits(digits) {
            return invalid("advertising.client", "must be ca-pub- and 16 digits");
        }
        if self.slot.is_empty() || !are_digits(&self.slot) {
            return invalid("advertising.slot", "must be digits");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_stand_in_a_page_is_taken() {
        let good = Advertising {
            provider: AdProvider::Adsense,
            client: "ca-pub-1234567890123456".to_owned(),
            slot: "1234567890".to_owned(),
            ..Advertising::default()
        };
        let none = Http::default();
        assert!(good.check(&none).is_ok());
        let bad: [fn(&mut Advertising); 5] = [
            |ads| ads.client = "ca-pub-1".to_owned(),
            |ads| ads.client = "ca-pub-123456789012345\"".to_owned(),
            |ads| ads.slot = "a".to_owned(),
            |ads| ads.consent_platform = "https://a.example; script-src *".to_owned(),
            |ads| ads.country_header = "x-country".to_owned(),
        ];
        for spoil in bad {
            let mut ads = good.clone();
            spoil(&mut ads);
            assert!(ads.check(&none).is_err(), "{ads:?}");
        }
    }
    #[test]
    fn p10_a_country_is_taken_from_proxies_of_either_kind() {
        let mut ads = Advertising {
            country_header: "x-country".to_owned(),
            ..Advertising::default()
        };
        let counted = Http {
            proxies: 1,
            ..Http::default()
        };
        let trusted = Http {
            trusted_proxies: "10.0.0.0/8".parse().unwrap(),
            ..Http::default()
        };
        assert!(ads.check(&Http::default()).is_err());
        assert!(ads.check(&counted).is_ok() && ads.check(&trusted).is_ok());
        ads.country_header = "x country".to_owned();
        assert!(ads.check(&trusted).is_err());
    }
}
