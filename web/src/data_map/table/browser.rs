//! What a visitor's browser keeps.

use super::super::{Content, End, Place, Receiver, Row, Subject};
use crate::consent::CONSENT_COOKIE;
use crate::http::visitor::{NSFW_FILTER_COOKIE, THEME_COOKIE};
use crate::policies::POLICY_SEEN_COOKIE;
use crate::staff::{PLAIN_COOKIE, TLS_COOKIE};

const ESSENTIAL: Row = Row {
    id: "",
    place: Place::Cookie(""),
    what: "",
    content: Content::Text,
    fields: &[],
    subject: Subject::Browser,
    purpose: "Essential: it holds what the visitor asked for",
    until: "1 year",
    ended_by: End::Browser,
    seen_by: &[Receiver::Visitor],
    exports: &[],
};

const OF_STAFF: Row = Row {
    what: "For our staff alone: that they are logged in",
    until: "Until they log out or close the browser, 12 hours at most",
    ..ESSENTIAL
};

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "cookie-theme",
        place: Place::Cookie(THEME_COOKIE),
        what: "The colours you chose: light, dark or your device's",
        ..ESSENTIAL
    },
    Row {
        id: "cookie-nsfw-filter",
        place: Place::Cookie(NSFW_FILTER_COOKIE),
        what: "That you do or do not want to be warned",
        ..ESSENTIAL
    },
    Row {
        id: "cookie-policy-seen",
        place: Place::Cookie(POLICY_SEEN_COOKIE),
        what: "Which change of our policies you dismissed the notice of: a date",
        ..ESSENTIAL
    },
    Row {
        id: "cookie-consent",
        place: Place::Cookie(CONSENT_COOKIE),
        what: "What you allow: none, analytics, advertising or all",
        until: "Half a year",
        ..ESSENTIAL
    },
    Row {
        id: "cookie-staff",
        place: Place::Cookie(PLAIN_COOKIE),
        ..OF_STAFF
    },
    Row {
        id: "cookie-staff-tls",
        place: Place::Cookie(TLS_COOKIE),
        ..OF_STAFF
    },
    Row {
        id: "cookie-gads",
        place: Place::Cookie("__gads"),
        what: "Google's: limits how often an advertisement is shown, and counts clicks",
        purpose: "Advertising, only after you consent",
        until: "Up to 13 months",
        seen_by: &[Receiver::Advertiser],
        ..ESSENTIAL
    },
    Row {
        id: "cookie-gpi",
        place: Place::Cookie("__gpi"),
        what: "Google's: limits how often an advertisement is shown, and counts clicks",
        purpose: "Advertising, only after you consent",
        until: "Up to 13 months",
        seen_by: &[Receiver::Advertiser],
        ..ESSENTIAL
    },
    Row {
        id: "browser-visit",
        place: Place::BrowserStorage("visit"),
        what: "That this visit has been counted as begun, without an id",
        purpose: "Analytics, only after you consent: to estimate how long visits last",
        until: "Until the tab is closed",
        ..ESSENTIAL
    },
    Row {
        id: "browser-staff",
        place: Place::BrowserStorage("staff-*"),
        what: "For our staff alone: how strongly pictures are blurred, and when to take a break",
        until: "Until the browser's storage is cleared",
        ..ESSENTIAL
    },
];
