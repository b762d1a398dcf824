//! The public documents: one template a version.

use askama::Template;

use super::site::contact_href;
use super::{Site, render, wording};
use crate::config::Operator;
use crate::consent::{Consent, Purposes};
use crate::data_map::{Row, public};
use crate::policies::Document;

/// A version of a document with all that its template can ask for.
pub struct Sheet<'a> {
    /// The site.
    pub site: &'a Site,
    /// Which document.
    pub document: Document,
    /// Which version of it.
    pub version: u32,
    /// Which version is in force.
    pub in_force: u32,
    /// From when it applies, as YYYY-MM-DD.
    pub effective: &'a str,
    /// When it was last compared with what the program does.
    pub reviewed: &'a str,
    /// Every version, the newest first.
    pub versions: Vec<Listed<'a>>,
    /// What is true of this site.
    pub facts: Facts<'a>,
}

/// A version in the list of versions.
pub struct Listed<'a> {
    /// Its number.
    pub number: u32,
    /// From when it applies.
    pub effective: &'a str,
    /// What is different, where that matters to visitors.
    pub change: Option<&'a str>,
}

/// What is true of this site and of this visitor.
pub struct Facts<'a> {
    /// Who runs it.
    pub operator: &'a Operator,
    /// What this visitor allows.
    pub consent: Consent,
    /// What visitors are asked about here.
    pub offered: Purposes,
    /// Whether connections are encrypted.
    pub is_behind_tls: bool,
    /// Script of the consent platform that advertising brings along, or empty.
    pub consent_platform: &'a str,
    /// What the law has asked for, by year; `None` where it cannot be read.
    pub counts: Option<Vec<LawfulYear>>,
}

/// What the law asked for in one year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LawfulYear {
    /// The year.
    pub year: u64,
    /// Images that were put under a hold.
    pub n_held: u64,
    /// Holds that ended.
    pub n_ended: u64,
    /// Images handed over.
    pub n_exported: u64,
}

impl Listed<'_> {
    fn effective_on(&self) -> String {
        wording::day(self.effective)
    }
}

impl Sheet<'_> {
    fn is_current(&self) -> bool {
        self.version == self.in_force
    }

    fn standing_words(&self) -> Option<&'static str> {
        match self.version.cmp(&self.in_force) {
            std::cmp::Ordering::Less => Some("This is an older version, kept to be read."),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some("This version is not in effect yet."),
        }
    }

    fn effective_on(&self) -> String {
        wording::day(self.effective)
    }

    fn reviewed_on(&self) -> String {
        wording::day(self.reviewed)
    }

    fn operator_name(&self) -> &str {
        filled(&self.facts.operator.name)
            .unwrap_or("the operator of this site (who has not filled in a name yet)")
    }

    fn named_operator(&self) -> Option<&str> {
        filled(&self.facts.operator.name)
    }

    fn operator_address(&self) -> Option<&str> {
        filled(&self.facts.operator.address)
    }

    fn operator_country(&self) -> Option<&str> {
        filled(&self.facts.operator.country)
    }

    fn copyright_agent(&self) -> Option<&str> {
        filled(&self.facts.operator.copyright_agent)
    }

    /// Where the privacy contact leads, and what it is.
    fn privacy_contact(&self) -> Option<(String, &str)> {
        let own = filled(&self.facts.operator.privacy_contact);
        let contact = own.or(self.site.contact.as_deref())?;
        Some((contact_href(contact), contact))
    }

    fn abuse_contact(&self) -> Option<(String, &str)> {
        let Some(own) = filled(&self.facts.operator.abuse_contact) else {
            return self.privacy_contact();
        };
        Some((contact_href(own), own))
    }

    fn cookies(&self) -> Vec<(&'static str, &'static Row)> {
        public::cookies(self.facts.offered, self.facts.is_behind_tls)
    }

    fn browser_storage(&self) -> Vec<(&'static str, &'static Row)> {
        public::browser_storage(self.facts.offered).collect()
    }

    /// Whether this site asks for consent to anything.
    fn asks(&self) -> bool {
        self.facts.offered != Purposes::NONE
    }

    /// The choice, where there is one to make.
    fn choice(&self) -> Option<&Consent> {
        let has_choice = self.facts.offered != Purposes::NONE && self.is_current();
        has_choice.then_some(&self.facts.consent)
    }
}

fn filled(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

macro_rules! version {
    ($show:ident, $page:ident, $path:tt) => {
        #[derive(Template)]
        #[template(path = $path)]
        struct $page<'a> {
            site: &'a Site,
            return_path: Option<&'a str>,
            sheet: &'a Sheet<'a>,
        }

        pub(crate) fn $show(sheet: &Sheet<'_>) -> String {
            render(&$page {
                site: sheet.site,
                return_path: Some(sheet.document.path()),
                sheet,
            })
        }
    };
}

version!(privacy_1, Privacy1, "policies/privacy/1.html");
version!(terms_1, Terms1, "policies/terms/1.html");
version!(content_1, Content1, "policies/content/1.html");
version!(copyright_1, Copyright1, "policies/copyright/1.html");
version!(cookies_1, Cookies1, "policies/cookies/1.html");
version!(processors_1, Processors1, "policies/processors/1.html");
version!(contact_1, Contact1, "policies/contact/1.html");
version!(
    transparency_1,
    Transparency1,
    "policies/transparency/1.html"
);
