//! The data map: one table of everything that is kept, where, what for, until
//! when, what ends it, who gets to see it, and which export has it.
//!
//! Folders, entries of the database and their fields, lines of logs, cookies and
//! what else a browser keeps: each is a [`Row`]. What the public documents list
//! is rendered from it ([`public`]), and [`check()`] compares it with what lies in
//! a data folder: what is not in the table is found by its place and name. The
//! tests do that with every data folder they have filled.
//!
//! Deliberately absent: values. Nothing here reads what somebody's data says.

pub mod check;
mod fields;
pub mod public;
mod service_log;
mod table;

#[cfg(test)]
mod tests;

use imgshare_storage::Space;
use imgshare_storage::retention::Job;
use serde::Serialize;

pub use check::check;
pub use fields::Field;
pub use table::rows;

/// Where something lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Files below the data folder. `*` stands for any part of one name.
    File(&'static str),
    /// Files below a backup's folder.
    BackupFile(&'static str),
    /// Entries of the database outside [`Space`], by what their keys begin with.
    Entry(&'static str),
    /// Entries of the database in a space, by what comes behind its two bytes.
    SpaceEntry(Space, &'static str),
    /// A cookie, by its name.
    Cookie(&'static str),
    /// What a page keeps in the browser, by its key.
    BrowserStorage(&'static str),
    /// Lines that the service writes to standard error; where they go is the
    /// operator's choice.
    ServiceLog,
    /// The running service's memory, and no file.
    Memory(&'static str),
}

/// What lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Nothing: being there says it.
    Nothing,
    /// Bytes without fields of ours.
    Bytes,
    /// JSON, behind a byte with the encoding's version.
    Json,
    /// A JSON object a line.
    JsonLines,
    /// Text or numbers; the fields say which.
    Text,
    /// The database; its entries have rows of their own.
    Database,
}

/// What ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A job of [`imgshare_storage::retention`].
    Job(Job),
    /// The commit that erases the image it is about.
    WithImage,
    /// What it is about changes or is done: the next write takes its place.
    Replaced,
    /// A sweep of the service, or the use that finds it expired.
    Expiry,
    /// Whoever put it there, by a command or in a page.
    Staff,
    /// The visitor's browser, at its date or when the visitor clears it.
    Browser,
    /// The service's end, or sooner.
    Memory,
    /// Nothing does; the row's `until` says why that is right.
    Nothing,
}

/// Who gets to see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Receiver {
    /// Whoever has the link.
    Public,
    /// Whoever has the private link of the upload.
    Uploader,
    /// Whoever has the receipt of a report.
    Reporter,
    /// The other side of a copyright notice.
    OtherSide,
    /// Staff whose role lets them.
    Staff,
    /// Staff who read the audit.
    Auditors,
    /// An authority with a valid order, by a sealed export.
    Authority,
    /// The visitor's own browser alone.
    Visitor,
    /// Whoever runs the machine, and nobody through the service.
    Operator,
    /// An advertising network, after consent.
    Advertiser,
}

/// An export that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Export {
    /// The archive behind the private link (P20).
    Uploader,
    /// The sealed export for an authority (P11).
    Authority,
    /// `imgshare audit export`.
    Audit,
    /// `imgshare bank export`.
    Bank,
    /// `GET /api/v1/stats`.
    Statistics,
    /// `imgshare backup`.
    Backup,
}

/// What a row is about, in the words of the privacy policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Images and what was given with them.
    Images,
    /// What the classifier said.
    Scores,
    /// What is left of deleted images for a while.
    Deletions,
    /// The request log.
    Requests,
    /// Daily numbers.
    Numbers,
    /// Reports, notices, objections, and what was decided.
    Complaints,
    /// The moderators' queue.
    Queue,
    /// Fingerprints of what must not come back.
    Fingerprints,
    /// What staff did.
    Audit,
    /// Accounts of staff.
    Accounts,
    /// Requests about personal data that came by mail.
    DataRequests,
    /// What the law keeps.
    Holds,
    /// What keeps abuse off.
    Abuse,
    /// What a visitor's browser keeps.
    Browser,
    /// What the service needs to run and that is about nobody.
    Operation,
}

/// Something that is kept.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its name, never changed.
    pub id: &'static str,
    /// Where.
    pub place: Place,
    /// What.
    pub what: &'static str,
    /// What lies there.
    pub content: Content,
    /// Every field of it; empty where there are none.
    pub fields: &'static [Field],
    /// What it is about.
    pub subject: Subject,
    /// What for.
    pub purpose: &'static str,
    /// Until when.
    pub until: &'static str,
    /// What ends it.
    pub ended_by: End,
    /// Who gets to see it, besides whoever runs the machine.
    pub seen_by: &'static [Receiver],
    /// Which exports have it.
    pub exports: &'static [Export],
}

impl Place {
    /// Which kind of place, for people.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::BackupFile(_) => "file of a backup",
            Self::Entry(_) | Self::SpaceEntry(..) => "entry of the database",
            Self::Cookie(_) => "cookie",
            Self::BrowserStorage(_) => "browser storage",
            Self::ServiceLog => "log of the service",
            Self::Memory(_) => "memory",
        }
    }

    /// Its name among those of its kind.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(name)
            | Self::BackupFile(name)
            | Self::Entry(name)
            | Self::Cookie(name)
            | Self::BrowserStorage(name)
            | Self::Memory(name) => (*name).to_owned(),
            Self::SpaceEntry(space, kind) => {
                let prefix = space.prefix().map(char::from);
                format!("{}{}{kind}", prefix[0], prefix[1])
            }
            Self::ServiceLog => "standard error".to_owned(),
        }
    }

    /// What the keys of an entry begin with.
    fn key_prefix(&self) -> Option<Vec<u8>> {
        match self {
            Self::Entry(name) => Some(name.as_bytes().to_vec()),
            Self::SpaceEntry(space, kind) => Some(space.key(&[kind.as_bytes()])),
            _ => None,
        }
    }
}

impl End {
    /// What ends it, for people.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Job(job) => format!("the job {}", job.as_str()),
            Self::WithImage => "the erasure of its image".to_owned(),
            Self::Replaced => "the next write of it".to_owned(),
            Self::Expiry => "its expiry".to_owned(),
            Self::Staff => "staff or the operator".to_owned(),
            Self::Browser => "the browser".to_owned(),
            Self::Memory => "the service's end at the latest".to_owned(),
            Self::Nothing => "nothing".to_owned(),
        }
    }
}

impl Receiver {
    /// Who, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Public => "whoever has the link",
            Self::Uploader => "whoever has the private link",
            Self::Reporter => "whoever has the receipt",
            Self::OtherSide => "the other side of the notice",
            Self::Staff => "staff",
            Self::Auditors => "auditors",
            Self::Authority => "an authority with a valid order",
            Self::Visitor => "the visitor alone",
            Self::Operator => "the operator",
            Self::Advertiser => "the advertising network",
        }
    }
}

impl Export {
    /// Which, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Uploader => "the uploader's archive",
            Self::Authority => "the sealed export",
            Self::Audit => "the audit's export",
            Self::Bank => "the list's export",
            Self::Statistics => "the daily numbers",
            Self::Backup => "backups, sealed",
        }
    }
}

impl Subject {
    /// Every subject, as the documents list them.
    pub const ALL: [Self; 15] = [
        Self::Images,
        Self::Scores,
        Self::Deletions,
        Self::Requests,
        Self::Numbers,
        Self::Complaints,
        Self::DataRequests,
        Self::Fingerprints,
        Self::Queue,
        Self::Audit,
        Self::Holds,
        Self::Abuse,
        Self::Accounts,
        Self::Browser,
        Self::Operation,
    ];

    /// What it is, in the privacy policy's words.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Images => "Images with file name, size, type, time of upload and count of views",
            Self::Scores => "Label and probabilities of the automatic check",
            Self::Deletions => "Deleted images",
            Self::Requests => "The request log",
            Self::Numbers => "Daily numbers: page views, popular pages, error rates",
            Self::Complaints => "Reports, copyright notices and objections, and what was decided",
            Self::DataRequests => "Requests about your data, made by mail",
            Self::Fingerprints => "Fingerprints of images that were removed for breaking the rules",
            Self::Queue => "What moderators are to look at, and what they decided",
            Self::Audit => {
                "The log of what staff did, with the reasons that they gave; it names images by their id alone"
            }
            Self::Holds => "Images that the law keeps, and how often it asked",
            Self::Abuse => "Networks that are blocked, and limits against abuse",
            Self::Accounts => "Accounts of staff",
            Self::Browser => "Cookies and notes in your own browser",
            Self::Operation => "What the service needs to run, which is about nobody",
        }
    }

    /// Until when, in the privacy policy's words; `None` for what is not in its table:
    /// about nobody, or about staff, and on the page with the whole map. The numbers
    /// are those that the jobs use, which a test holds them to.
    #[must_use]
    fn how_long(self) -> Option<&'static str> {
        Some(match self {
            Self::Images => {
                "Until they are deleted. An image that nobody looked at for 180 days in a row may \
                 be removed by the routine clean-up"
            }
            Self::Scores => "Exactly as long as the image",
            Self::Deletions => {
                "Out of sight at once, off active servers within 30 days, out of backups within \
                 90 days. A hash that tells nothing without the link is kept for 120 days, so that \
                 no backup brings the image back"
            }
            Self::Requests => "90 days",
            Self::Numbers => "2 years, small counts withheld",
            Self::Complaints => "One year after they are decided",
            Self::DataRequests => "One year after they are answered",
            Self::Fingerprints => {
                "As long as they must not come back. An image cannot be made from them"
            }
            Self::Audit => "As long as the service exists",
            Self::Queue
            | Self::Holds
            | Self::Abuse
            | Self::Accounts
            | Self::Browser
            | Self::Operation => return None,
        })
    }
}
