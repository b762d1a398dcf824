//! What a visitor allows beyond the essential (P5, P10). The choice is one
//! cookie of four possible values, kept by the browser alone: there is no id in
//! it, and the service keeps nothing of it.

mod form;

use axum::http::HeaderMap;

use crate::config::Settings;
use crate::http::visitor::cookie;

pub(crate) use form::save;

/// Name of the cookie with the choice.
pub const CONSENT_COOKIE: &str = "consent";

/// Global Privacy Control, as browsers send it.
const GPC_HEADER: &str = "sec-gpc";

/// What consent can be about. Essential cookies are not: they hold what a
/// visitor has just asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purposes {
    /// Knowing that two visits belong together, for averages.
    pub analytics: bool,
    /// Advertisements of a third party, with its cookies.
    pub advertising: bool,
}

impl Purposes {
    /// Nothing but the essential.
    pub const NONE: Self = Self {
        analytics: false,
        advertising: false,
    };

    /// What the operator has switched on.
    #[must_use]
    pub fn offered(settings: &Settings) -> Self {
        Self {
            analytics: settings.site.asks_for_analytics,
            advertising: settings.advertising.is_on(),
        }
    }

    /// What both allow. Nobody consents to what they were not asked about.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            analytics: self.analytics && other.analytics,
            advertising: self.advertising && other.advertising,
        }
    }

    /// The value of the cookie.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match (self.analytics, self.advertising) {
            (false, false) => "none",
            (true, false) => "analytics",
            (false, true) => "advertising",
            (true, true) => "all",
        }
    }

    fn of_cookie(text: &str) -> Option<Self> {
        let (analytics, advertising) = match text {
            "none" => (false, false),
            "analytics" => (true, false),
            "advertising" => (false, true),
            "all" => (true, true),
            _ => return None,
        };
        Some(Self {
            analytics,
            advertising,
        })
    }

    /// What a visitor is asked.
    #[must_use]
    pub fn question(self) -> &'static str {
        match (self.analytics, self.advertising) {
            (false, false) => "",
            (true, false) => "May we count how long visits last?",
            (false, true) => "May we show advertisements, which set cookies?",
            (true, true) => {
                "May we count how long visits last, and show advertisements, which set cookies?"
            }
        }
    }

    /// What is then kept in the visitor's browser, besides the answer.
    #[must_use]
    pub fn keeps(self) -> &'static str {
        match (self.analytics, self.advertising) {
            (false, false) => "",
            (true, false) => {
                "For that your browser keeps a mark until the tab is closed: no cookie, and no id."
            }
            (false, true) => {
                "For that your browser loads them from Google, which keeps cookies of its own in it."
            }
            (true, true) => {
                "For the first your browser keeps a mark without an id until the tab is closed; \
                 for the second it keeps cookies of Google's."
            }
        }
    }

    /// The purposes in a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match (self.analytics, self.advertising) {
            (false, false) => "nothing",
            (true, false) => "analytics",
            (false, true) => "advertising",
            (true, true) => "analytics and advertising",
        }
    }
}

/// What a visitor has chosen, and what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent {
    /// What is allowed. Nothing before a choice, and nothing under Global
    /// Privacy Control, whatever was chosen before.
    pub given: Purposes,
    /// What the operator has switched on.
    pub offered: Purposes,
    /// Whether there was a choice.
    pub is_chosen: bool,
    /// Whether the browser sends Global Privacy Control.
    pub has_gpc: bool,
}

impl Consent {
    /// Reads cookie and header; anything unknown counts as no choice.
    #[must_use]
    pub fn of(settings: &Settings, headers: &HeaderMap) -> Self {
        let offered = Purposes::offered(settings);
        let (chosen, has_gpc) = said(headers);
        let given = match chosen {
            Some(chosen) if !has_gpc => chosen.and(offered),
            _ => Purposes::NONE,
        };
        Self {
            given,
            offered,
            is_chosen: chosen.is_some(),
            has_gpc,
        }
    }

    /// What was chosen, unless the browser sends Global Privacy Control.
    #[must_use]
    pub fn chosen(headers: &HeaderMap) -> Option<Purposes> {
        let (chosen, has_gpc) = said(headers);
        chosen.filter(|_| !has_gpc)
    }

    /// Whether a page has to ask. Global Privacy Control is an answer already.
    #[must_use]
    pub fn is_to_be_asked(&self) -> bool {
        self.offered != Purposes::NONE && !self.is_chosen && !self.has_gpc
    }
}

/// The choice in the cookie, and whether the browser sends Global Privacy Control.
fn said(headers: &HeaderMap) -> (Option<Purposes>, bool) {
    let chosen = cookie(headers, CONSENT_COOKIE).and_then(Purposes::of_cookie);
    let has_gpc = headers.get(GPC_HEADER).is_some_and(|value| value == "1");
    (chosen, has_gpc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AdProvider;

    fn settings(analytics: bool, provider: AdProvider) -> Settings {
        let mut settings = Settings::default();
        settings.site.asks_for_analytics = analytics;
        settings.advertising.provider = provider;
        settings
    }

    fn sent(cookie: &str, gpc: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("cookie", cookie.parse().unwrap());
        headers.insert(GPC_HEADER, gpc.parse().unwrap());
        headers
    }

    #[test]
    fn p05_nothing_is_allowed_before_a_choice() {
        let both = settings(true, AdProvider::Adsense);
        for cookie in ["", "consent=", "consent=yes", "consent=ALL", "other=all"] {
            let consent = Consent::of(&both, &sent(cookie, "0"));
            assert_eq!(consent.given, Purposes::NONE, "{cookie}");
            assert!(consent.is_to_be_asked(), "{cookie}");
        }
        let refused = Consent::of(&both, &sent("consent=none", "0"));
        assert_eq!(refused.given, Purposes::NONE);
        assert!(!refused.is_to_be_asked());
        let given = Consent::of(&both, &sent("consent=all", "0")).given;
        assert!(given.analytics && given.advertising);
    }

    #[test]
    fn p05_the_question_says_what_is_kept_in_the_browser() {
        let asked = |analytics, advertising| Purposes {
            analytics,
            advertising,
        };
        let analytics = asked(true, false);
        assert!(!analytics.question().contains("cookie"), "there is none");
        assert!(analytics.keeps().contains("no cookie"));
        for ads in [asked(false, true), asked(true, true)] {
            assert!(ads.question().contains("cookies") && ads.keeps().contains("cookies"));
        }
    }

    #[test]
    fn p05_nobody_is_asked_where_there_is_nothing_to_ask() {
        let none = Settings::default();
        assert!(!Consent::of(&none, &HeaderMap::new()).is_to_be_asked());
        let given = Consent::of(&none, &sent("consent=all", "0")).given;
        assert_eq!(given, Purposes::NONE, "what is off cannot be allowed");
    }

    #[test]
    fn p10_global_privacy_control_refuses_everything() {
        let both = settings(true, AdProvider::Adsense);
        for cookie in ["", "consent=all", "consent=advertising"] {
            let consent = Consent::of(&both, &sent(cookie, "1"));
            assert_eq!(consent.given, Purposes::NONE, "{cookie}");
            assert!(!consent.is_to_be_asked(), "{cookie}");
        }
    }

    #[test]
    fn every_choice_is_read_back_from_its_cookie() {
        for text in ["none", "analytics", "advertising", "all"] {
            assert_eq!(Purposes::of_cookie(text).unwrap().as_str(), text);
        }
    }
}
