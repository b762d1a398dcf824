//! What the documents list: what is kept for how long, and the cookies.

use crate::consent::{CONSENT_COOKIE, Purposes};
use crate::http::visitor::{NSFW_FILTER_COOKIE, THEME_COOKIE};

use super::POLICY_SEEN_COOKIE;

/// Something that is kept.
#[derive(Debug, Clone, Copy)]
pub struct KeptRow {
    /// What.
    pub what: &'static str,
    /// Until when.
    pub how_long: &'static str,
}

/// What is kept, and for how long.
pub const KEPT: [KeptRow; 8] = [
    KeptRow {
        what: "Images with file name, size, type, time of upload and count of views",
        how_long: "Until they are deleted. An image that nobody looked at for 180 days in a row \
                   may be removed by the routine clean-up",
    },
    KeptRow {
        what: "Label and probabilities of the automatic check",
        how_long: "Exactly as long as the image",
    },
    KeptRow {
        what: "Deleted images",
        how_long: "Out of sight at once, off active servers within 30 days, out of backups within \
                   90 days",
    },
    KeptRow {
        what: "The request log",
        how_long: "90 days",
    },
    KeptRow {
        what: "Reports, copyright notices and objections",
        how_long: "One year after they are decided",
    },
    KeptRow {
        what: "Requests about your data, made by mail",
        how_long: "One year after they are answered",
    },
    KeptRow {
        what: "Fingerprints of images that were removed for breaking the rules",
        how_long: "As long as they must not come back. An image cannot be made from them",
    },
    KeptRow {
        what: "The log of what staff did, which names images by their id alone",
        how_long: "As long as the service exists",
    },
];

/// What a cookie belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieKind {
    /// It holds what the visitor asked for.
    Essential,
    /// Set by a third party, after consent to advertising.
    Advertising,
}

impl CookieKind {
    fn words(self) -> &'static str {
        match self {
            Self::Essential => "Essential",
            Self::Advertising => "Advertising, only after you consent",
        }
    }
}

/// A cookie that a visitor can meet.
#[derive(Debug, Clone, Copy)]
pub struct CookieRow {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// What it belongs to, in words.
    pub kind: &'static str,
    /// How long the browser keeps it.
    pub kept: &'static str,
}

/// The cookies of a site that offers these purposes. Staff have one more, from
/// logging in until logging out.
#[must_use]
pub fn cookies(offered: Purposes) -> Vec<CookieRow> {
    let essential = |name, purpose, kept| CookieRow {
        name,
        purpose,
        kind: CookieKind::Essential.words(),
        kept,
    };
    let mut rows = vec![
        essential(
            THEME_COOKIE,
            "The colours you chose: light, dark or your device's",
            "1 year",
        ),
        essential(
            NSFW_FILTER_COOKIE,
            "That you do or do not want to be warned",
            "1 year",
        ),
        essential(
            POLICY_SEEN_COOKIE,
            "Which change of our policies you dismissed the notice of: a date",
            "1 year",
        ),
    ];
    if offered != Purposes::NONE {
        let purpose = "What you allow: none, analytics, advertising or all";
        rows.push(essential(CONSENT_COOKIE, purpose, "Half a year"));
    }
    rows.push(essential(
        "imgshare-staff",
        "For our staff alone: that they are logged in",
        "Until they log out, 12 hours at most",
    ));
    if offered.advertising {
        rows.push(CookieRow {
            name: "__gads, __gpi",
            purpose: "Google's: limits how often an advertisement is shown, and counts clicks",
            kind: CookieKind::Advertising.words(),
            kept: "Up to 13 months",
        });
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p05_the_cookies_that_are_listed_are_those_that_there_can_be() {
        let names = |offered| -> Vec<&str> {
            let rows = cookies(offered);
            rows.into_iter().map(|row| row.name).collect()
        };
        let essential = ["theme", "nsfw_filter", "policy_seen", "imgshare-staff"];
        assert_eq!(names(Purposes::NONE), essential);
        let all = names(Purposes {
            analytics: true,
            advertising: true,
        });
        assert!(all.contains(&"consent") && all.contains(&"__gads, __gpi"));
    }

    #[test]
    fn p13_the_promised_times_are_in_the_table() {
        let text: String = KEPT.iter().map(|row| row.how_long).collect();
        for promise in [
            "180 days",
            "30 days",
            "90 days",
            "Exactly as long",
            "One year after",
        ] {
            assert!(text.contains(promise), "{promise}");
        }
    }
}
