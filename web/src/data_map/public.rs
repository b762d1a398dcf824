//! What the public documents show of the data map.

use super::{Place, Row, Subject, rows};
use crate::consent::{CONSENT_COOKIE, Purposes};
use crate::staff::TLS_COOKIE;

/// What the privacy policy's table says of a subject.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    subject: Subject,
    how_long: &'static str,
}

impl Kept {
    /// What is kept.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.subject.title()
    }

    /// Until when.
    #[must_use]
    pub fn how_long(&self) -> &'static str {
        self.how_long
    }
}

/// The mark that a visit was counted, which analytics alone keeps.
const VISIT: &str = "visit";

/// What is kept and for how long, as the privacy policy says it.
pub fn kept() -> impl Iterator<Item = Kept> {
    Subject::ALL.into_iter().filter_map(|subject| {
        let how_long = subject.how_long()?;
        Some(Kept { subject, how_long })
    })
}

/// A subject with all its rows.
pub struct Chapter {
    /// The subject.
    pub subject: Subject,
    /// Its rows.
    pub rows: Vec<&'static Row>,
}

/// The whole map, by subject.
#[must_use]
pub fn chapters() -> Vec<Chapter> {
    let chapters = Subject::ALL.into_iter().map(|subject| Chapter {
        subject,
        rows: rows().filter(|row| row.subject == subject).collect(),
    });
    chapters
        .filter(|chapter| !chapter.rows.is_empty())
        .collect()
}

/// The cookies of a site that offers these purposes and is reached over TLS, or
/// not.
#[must_use]
pub fn cookies(offered: Purposes, is_behind_tls: bool) -> Vec<(&'static str, &'static Row)> {
    rows()
        .filter_map(|row| match row.place {
            Place::Cookie(name) => Some((name, row)),
            _ => None,
        })
        .filter(|(name, row)| match *name {
            CONSENT_COOKIE => offered != Purposes::NONE,
            name if row.id.starts_with("cookie-staff") => (name == TLS_COOKIE) == is_behind_tls,
            _ => offered.advertising || !row.is_advertisers(),
        })
        .collect()
}

/// What pages keep in the browser besides cookies.
pub fn browser_storage(offered: Purposes) -> impl Iterator<Item = (&'static str, &'static Row)> {
    rows().filter_map(move |row| match row.place {
        Place::BrowserStorage(name) if offered.analytics || name != VISIT => Some((name, row)),
        _ => None,
    })
}

impl Row {
    /// Who gets to see it, for people.
    #[must_use]
    pub fn receivers(&self) -> String {
        let words: Vec<&str> = self.seen_by.iter().map(|who| who.words()).collect();
        match words.as_slice() {
            [] => "nobody".to_owned(),
            words => words.join(", "),
        }
    }

    /// Which exports have it, for people.
    #[must_use]
    pub fn exported(&self) -> String {
        let words: Vec<&str> = self.exports.iter().map(|export| export.words()).collect();
        match words.as_slice() {
            [] => "none".to_owned(),
            words => words.join(", "),
        }
    }

    /// Whether it is an advertising network's.
    #[must_use]
    pub fn is_advertisers(&self) -> bool {
        self.seen_by.contains(&super::Receiver::Advertiser)
    }

    /// What something in a visitor's browser belongs to.
    #[must_use]
    pub fn browser_kind(&self) -> &'static str {
        if self.is_advertisers() {
            "Advertising, only after you consent"
        } else if self.place == Place::BrowserStorage(VISIT) {
            "Analytics, only after you consent"
        } else {
            "Essential"
        }
    }
}
