//! How a promise stands on this very service.

use imgshare_storage::calendar::MS_A_DAY;

use super::Promise;
use crate::config::Settings;
use crate::retention::Lateness;

/// Days that a deletion may stay on active servers.
const DELETED_DAYS_MAX: u64 = 30;

const MS_AN_HOUR: u64 = MS_A_DAY / 24;

/// How old the newest backup may be, in milliseconds: a week.
const BACKUP_NEWEST_MS: u64 = 7 * MS_A_DAY;

/// Days that a backup may be kept, and one for the pass that ends it.
const BACKUP_DAYS_MAX: u64 = 91;

/// Days that the request log may be kept, and one for the day it is cut off at.
const LOG_DAYS_MAX: u64 = 91;

/// How a promise stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is kept.
    Kept,
    /// It is kept as far as this service goes; the operator has to do the rest.
    Needs(String),
    /// It is not kept at present.
    Broken(String),
    /// Nobody could look.
    Unknown,
}

impl Standing {
    /// Its stable name.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Needs(_) => "needs-operator",
            Self::Broken(_) => "broken",
            Self::Unknown => "unknown",
        }
    }

    /// It in words.
    #[must_use]
    pub fn words(&self) -> &str {
        match self {
            Self::Kept => "kept",
            Self::Needs(why) | Self::Broken(why) => why,
            Self::Unknown => "not known: the service does not run",
        }
    }
}

/// What promises are judged by.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The settings.
    pub settings: &'a Settings,
    /// How late what has a deadline is; `None` when nobody could look.
    pub lateness: Option<Lateness>,
}

impl Facts<'_> {
    /// How a promise stands.
    #[must_use]
    pub fn standing(&self, promise: &Promise) -> Standing {
        let settings = self.settings;
        match promise.number {
            "P12" | "P23" => self.operators(),
            "P13b" => self.late(|late| {
                let days = late.ages.oldest_log_ms / MS_A_DAY;
                (days > LOG_DAYS_MAX).then(|| format!("the oldest log is {days} days old"))
            }),
            "P13d" => self.late(|late| {
                let n = late.n_reports_overdue;
                (n > 0).then(|| format!("{n} reports should have ended"))
            }),
            "P13e" => self.deletions(),
            "P14" if !settings.is_behind_tls() => Standing::Needs(
                "neither tls.certificate nor a base_url with https is set".to_owned(),
            ),
            "P15" => self.backups(),
            "P20" => self.requests(),
            "P21" => self.late(|late| {
                let hours = late.oldest_cdn_purge_ms / MS_AN_HOUR;
                (hours > 0).then(|| {
                    format!("copies of an image have waited {hours} hours for the network's purge")
                })
            }),
            "P25" => match self.requests() {
                Standing::Kept => self.operators(),
                late => late,
            },
            _ => Standing::Kept,
        }
    }

    fn late(&self, broken: impl Fn(&Lateness) -> Option<String>) -> Standing {
        match &self.lateness {
            None => Standing::Unknown,
            Some(late) => broken(late).map_or(Standing::Kept, Standing::Broken),
        }
    }

    fn requests(&self) -> Standing {
        self.late(|late| {
            let n = late.n_requests_overdue;
            (n > 0).then(|| format!("{n} requests should have been answered"))
        })
    }

    fn backups(&self) -> Standing {
        let newest = self.lateness.map(|late| late.ages.newest_backup_ms);
        match newest {
            None => Standing::Unknown,
            Some(Some(age)) if age <= BACKUP_NEWEST_MS => Standing::Kept,
            Some(Some(age)) => {
                let days = age / MS_A_DAY;
                Standing::Needs(format!("the newest backup is {days} days old"))
            }
            Some(None) => Standing::Needs("there is no backup of this server".to_owned()),
        }
    }

    fn deletions(&self) -> Standing {
        let late = self.late(|late| {
            let ages = &late.ages;
            let days = ages.pending_purge_ms / MS_A_DAY;
            if days > DELETED_DAYS_MAX {
                return Some(format!(
                    "something deleted {days} days ago is still in a file"
                ));
            }
            let days = ages.oldest_backup_ms / MS_A_DAY;
            (days > BACKUP_DAYS_MAX).then(|| format!("the oldest backup is {days} days old"))
        });
        let n_lost = self
            .lateness
            .map_or(0, |late| late.ages.n_backup_folders_lost);
        match late {
            Standing::Kept if n_lost > 0 => Standing::Needs(format!(
                "{n_lost} folders with backups cannot be reached: nothing ends what is in them"
            )),
            late => late,
        }
    }

    fn operators(&self) -> Standing {
        let missing = self
            .settings
            .operator
            .placeholders(&self.settings.site.contact);
        if missing.is_empty() {
            return Standing::Kept;
        }
        Standing::Needs(format!("not filled in: {}", missing.join(", ")))
    }
}
