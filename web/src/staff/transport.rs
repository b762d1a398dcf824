//! How staff reach the service, and what their cookie is called for it.

use axum::http::{HeaderMap, HeaderValue, header};
use imgshare_storage::staff::Secret;

use crate::config::Settings;
use crate::http::visitor::cookie;

/// Over TLS the name forbids any host but this one and any path but all to set
/// it: no neighbour on a shared domain can put one in its place.
pub(crate) const TLS_COOKIE: &str = "__Host-imgshare-staff";
pub(crate) const PLAIN_COOKIE: &str = "imgshare-staff";

/// What lies between a member of the staff and the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Transport {
    /// TLS, ours or what the site's address says; that ends in front of the
    /// service.
    Tls {
        /// The site's address, or empty where it is whatever was asked for.
        origin: String,
    },
    /// Nothing: the service listens on this machine alone.
    Loopback,
    /// A network, without TLS. Nobody logs in over it.
    Plain,
}

impl Transport {
    pub(super) fn of(settings: &Settings) -> Self {
        if settings.is_behind_tls() {
            return Self::Tls {
                origin: settings.base_url.clone(),
            };
        }
        if settings.listen.ip().is_loopback() {
            return Self::Loopback;
        }
        Self::Plain
    }

    fn cookie_name(&self) -> &'static str {
        match self {
            Self::Tls { .. } => TLS_COOKIE,
            Self::Loopback | Self::Plain => PLAIN_COOKIE,
        }
    }

    /// The token that the request's cookie holds.
    pub(super) fn token(&self, headers: &HeaderMap) -> Option<Secret> {
        cookie(headers, self.cookie_name()).and_then(Secret::presented)
    }

    /// The cookie that keeps a token until the browser is closed.
    pub(super) fn set_cookie(&self, token: &Secret) -> HeaderValue {
        self.cookie(token.expose(), "")
    }

    /// The cookie that takes it away.
    pub(super) fn clear_cookie(&self) -> HeaderValue {
        self.cookie("", "; Max-Age=0")
    }

    fn cookie(&self, value: &str, more: &str) -> HeaderValue {
        let secure = match self {
            Self::Tls { .. } => "; Secure",
            Self::Loopback | Self::Plain => "",
        };
        let name = self.cookie_name();
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}");
        HeaderValue::try_from(text).expect("a token is hexadecimal")
    }

    /// The origin that pages of ours have in a browser: the setting, or what
    /// the browser itself says it asked for.
    pub(super) fn is_own_origin(&self, headers: &HeaderMap, origin: &str) -> bool {
        if let Self::Tls { origin: own } = self
            && !own.is_empty()
        {
            return own.split('/').take(3).eq(origin.split('/'));
        }
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        // A proxy that speaks TLS may stand before a service that was not told.
        let asked = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        asked.is_some() && asked == host
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls() -> Transport {
        Transport::of(&Settings {
            base_url: "https://img.example/shared".to_owned(),
            ..Settings::default()
        })
    }

    #[test]
    fn only_tls_or_this_machine_will_do() {
        assert!(matches!(tls(), Transport::Tls { .. }));
        assert_eq!(Transport::of(&Settings::default()), Transport::Loopback);
        let open = Settings {
            listen: "0.0.0.0:80".parse().unwrap(),
            base_url: "http://img.example".to_owned(),
            ..Settings::default()
        };
        assert_eq!(Transport::of(&open), Transport::Plain);
    }

    #[test]
    fn the_cookie_is_as_strict_as_the_transport_allows() {
        let token = Secret::random().unwrap();
        let text = tls().set_cookie(&token);
        let text = text.to_str().unwrap();
        assert!(text.starts_with("__Host-imgshare-staff="), "{text}");
        assert!(
            text.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"),
            "{text}"
        );
        let plain = Transport::Loopback.set_cookie(&token);
        assert!(!plain.to_str().unwrap().contains("Secure"));
        let mut headers = HeaderMap::new();
        let sent = text.split(';').next().unwrap();
        headers.insert(header::COOKIE, sent.parse().unwrap());
        assert_eq!(tls().token(&headers), Some(token));
        assert_eq!(Transport::Loopback.token(&headers), None);
    }

    #[test]
    fn only_our_own_origin_is_ours() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "localhost:8080".parse().unwrap());
        let here = |origin: &str| Transport::Loopback.is_own_origin(&headers, origin);
        assert!(here("http://localhost:8080") && here("https://localhost:8080"));
        assert!(!here("http://localhost:8081") && !here("null") && !here(""));
        assert!(tls().is_own_origin(&headers, "https://img.example"));
        for origin in [
            "http://img.example",
            "https://img.example.evil",
            "https://localhost:8080",
        ] {
            assert!(!tls().is_own_origin(&headers, origin), "{origin}");
        }
    }
}
