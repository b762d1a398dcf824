//! The jobs, their names, and what each is for.

use serde::{Deserialize, Serialize};

/// What ends something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Job {
    /// Images that nobody views are announced to be removed.
    IdleWarnings,
    /// Announced images that nobody has viewed since are removed.
    IdleRemovals,
    /// What moderation removed, and may not be restored any more.
    ModeratedRemovals,
    /// What was deleted while something kept it that has ended.
    Erasures,
    /// What queue and audit still know of images that are gone.
    Leftovers,
    /// Reports and objections that were settled a year ago.
    Reports,
    /// Days of the request log.
    RequestLogs,
    /// Databases that a repair has put aside.
    OldDatabases,
    /// Backups in every folder that is known.
    Backups,
    /// Tombstones older than any backup.
    Tombstones,
    /// Which logs of a CDN were imported.
    Imports,
    /// Holds whose order has ended.
    LegalHolds,
    /// Requests about personal data that were answered a year ago.
    PrivacyRequests,
    /// Blocks of networks that are over.
    Blocks,
    /// The numbers of days.
    Statistics,
    /// Deleted entries in the files of the database.
    Rewrite,
}

impl Job {
    /// Every job, in the order in which they are done.
    pub const ALL: [Self; 16] = [
        Self::LegalHolds,
        Self::IdleWarnings,
        Self::IdleRemovals,
        Self::ModeratedRemovals,
        Self::Erasures,
        Self::Leftovers,
        Self::Reports,
        Self::RequestLogs,
        Self::OldDatabases,
        Self::Backups,
        Self::Tombstones,
        Self::Imports,
        Self::PrivacyRequests,
        Self::Blocks,
        Self::Statistics,
        Self::Rewrite,
    ];

    /// The stable kebab-case name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IdleWarnings => "idle-warnings",
            Self::IdleRemovals => "idle-removals",
            Self::ModeratedRemovals => "moderated-removals",
            Self::Erasures => "erasures",
            Self::Leftovers => "leftovers",
            Self::Reports => "reports",
            Self::RequestLogs => "request-logs",
            Self::OldDatabases => "old-databases",
            Self::Backups => "backups",
            Self::Tombstones => "tombstones",
            Self::Imports => "imports",
            Self::LegalHolds => "legal-holds",
            Self::PrivacyRequests => "privacy-requests",
            Self::Blocks => "blocks",
            Self::Statistics => "statistics",
            Self::Rewrite => "rewrite",
        }
    }

    /// The promise that it keeps.
    #[must_use]
    pub fn promise(self) -> &'static str {
        match self {
            Self::IdleWarnings | Self::IdleRemovals | Self::Imports => "P13a",
            Self::RequestLogs => "P13b",
            Self::Leftovers => "P13c",
            Self::LegalHolds => "P11",
            Self::PrivacyRequests => "P25",
            Self::Blocks => "P8",
            Self::Statistics => "P9",
            Self::Reports => "P13d",
            Self::ModeratedRemovals
            | Self::Erasures
            | Self::OldDatabases
            | Self::Backups
            | Self::Tombstones
            | Self::Rewrite => "P13e",
        }
    }
}
