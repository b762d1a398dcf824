//! The site's public documents: what it promises, in words (P12, P23 to P26).
//!
//! Each version of a document is a template of its own and stays readable; the
//! dates stand in one table, [`versions`]. Who runs the site comes from the
//! settings.

mod routes;
mod versions;

use imgshare_storage::calendar;

pub(crate) use routes::pages;
pub use versions::{Notice, NoticeItem, Table, Version};

/// Name of the cookie that says which change of the documents was noticed.
pub const POLICY_SEEN_COOKIE: &str = "policy_seen";

/// A document of the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// What is known of visitors and uploaders.
    Privacy,
    /// What using the site means.
    Terms,
    /// What may be shared.
    Content,
    /// What owners of rights can do.
    Copyright,
    /// Cookies, and the choice about them.
    Cookies,
    /// Who else handles data.
    Processors,
    /// How to reach the operator.
    Contact,
    /// How often the law reached in.
    Transparency,
}

impl Document {
    /// Every document, as the footer lists them.
    pub const ALL: [Self; 8] = [
        Self::Privacy,
        Self::Terms,
        Self::Content,
        Self::Copyright,
        Self::Cookies,
        Self::Processors,
        Self::Contact,
        Self::Transparency,
    ];

    /// Where its version in force is.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Privacy => "/privacy",
            Self::Terms => "/terms",
            Self::Content => "/content",
            Self::Copyright => "/copyright",
            Self::Cookies => "/cookies",
            Self::Processors => "/processors",
            Self::Contact => "/contact",
            Self::Transparency => "/transparency",
        }
    }

    /// What it is called.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Privacy => "Privacy policy",
            Self::Terms => "Terms of use",
            Self::Content => "Content policy",
            Self::Copyright => "Copyright policy",
            Self::Cookies => "Cookie policy",
            Self::Processors => "Processors and third parties",
            Self::Contact => "Contact",
            Self::Transparency => "Transparency",
        }
    }

    /// What the footer calls it.
    #[must_use]
    pub fn short_title(self) -> &'static str {
        match self {
            Self::Privacy => "Privacy",
            Self::Terms => "Terms",
            Self::Content => "Content policy",
            Self::Copyright => "Copyright",
            Self::Cookies => "Cookies",
            Self::Processors => "Processors",
            Self::Contact => "Contact",
            Self::Transparency => "Transparency",
        }
    }

    /// Whether what the operator's settings say stands in it.
    fn names_operator(self) -> bool {
        matches!(self, Self::Privacy | Self::Processors | Self::Contact)
    }
}

/// Whether a text is a day as YYYY-MM-DD.
#[must_use]
pub fn is_day(text: &str) -> bool {
    calendar::start_of(text).is_some()
}
