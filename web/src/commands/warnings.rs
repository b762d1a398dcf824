//! What an operator should hear at every start until it is mended.

use crate::config::Settings;

/// The warnings about these settings.
pub(super) fn of(settings: &Settings) -> Vec<String> {
    let mut warnings = Vec::new();
    let missing = settings.operator.placeholders(&settings.site.contact);
    if !missing.is_empty() {
        warnings.push(format!(
            "the public pages (/privacy, /contact, /processors) still have placeholders: set {}",
            missing.join(", ")
        ));
    }
    let is_open = !settings.listen.ip().is_loopback();
    let http = &settings.http;
    let has_proxy = http.proxies > 0 || !http.trusted_proxies.is_empty();
    if is_open && !settings.tls.is_on() && !has_proxy {
        warnings.push(format!(
            "{} is reached by others without TLS, and no proxy is configured: what visitors send \
             and see can be read on the way. Set tls.certificate and tls.key, or put a proxy in \
             front and set http.trusted_proxies",
            settings.listen
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Operator, Tls};

    fn named() -> Settings {
        let mut settings = Settings::default();
        settings.site.contact = "privacy@img.example".to_owned();
        settings.operator = Operator {
            name: "Example Ltd".to_owned(),
            address: "1 Example Street".to_owned(),
            country: "Ireland".to_owned(),
            has_no_processors: true,
            ..Operator::default()
        };
        settings
    }

    #[test]
    fn p25_placeholders_are_warned_about() {
        let warnings = of(&Settings::default());
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("operator.name"), "{warnings:?}");
        assert_eq!(of(&named()), Vec::<String>::new());
    }

    #[test]
    fn p14_listening_to_others_without_tls_is_warned_about() {
        let mut open = named();
        open.listen = "0.0.0.0:80".parse().unwrap();
        assert!(of(&open)[0].contains("without TLS"));
        let mut proxied = open.clone();
        proxied.http.proxies = 1;
        assert!(of(&proxied).is_empty());
        let mut trusting = open.clone();
        trusting.http.trusted_proxies = "10.0.0.1/32".parse().unwrap();
        assert!(of(&trusting).is_empty());
        open.tls = Tls {
            certificate: "a.pem".into(),
            key: "a.key".into(),
        };
        assert!(of(&open).is_empty());
    }
}
