//! How a promise stands on this very service.

use imgshare_storage::calendar::MS_A_DAY;
use imgshare_storage::retention::Ages;

use super::Promise;
use crate::config::Settings;

/// Days that a deletion may stay on active servers.
const DELETED_DAYS_MAX: u64 = 30;

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
    /// How old the oldest of what must end is; `None` when nobody could look.
    pub ages: Option<Ages>,
    /// Reports that should have ended; `None` when nobody could look.
    pub n_reports_overdue: Option<u64>,
}

impl Facts<'_> {
    /// How a promise stands.
    #[must_use]
    pub fn standing(&self, promise: &Promise) -> Standing {
        let settings = self.settings;
        match promise.number {
            "P12" | "P23" | "P25" => self.operators(),
            "P13b" => self.aged(|ages| {
                let days = ages.oldest_log_ms / MS_A_DAY;
                (days > LOG_DAYS_MAX).then(|| format!("the oldest log is {days} days old"))
            }),
            "P13d" => match self.n_reports_overdue {
                None => Standing::Unknown,
                Some(0) => Standing::Kept,
                Some(n) => Standing::Broken(format!("{n} reports should have ended")),
            },
            "P13e" => self.deletions(),
            "P14" if !settings.is_behind_tls() => Standing::Needs(
                "neither tls.certificate nor a base_url with https is set".to_owned(),
            ),
            "P15" if settings.backup.folder.as_os_str().is_empty() => {
                Standing::Needs("backup.folder is not set: nothing makes backups".to_owned())
            }
            _ => Standing::Kept,
        }
    }

    fn aged(&self, broken: impl Fn(&Ages) -> Option<String>) -> Standing {
        match &self.ages {
            None => Standing::Unknown,
            Some(ages) => broken(ages).map_or(Standing::Kept, Standing::Broken),
        }
    }

    fn deletions(&self) -> Standing {
        let late = self.aged(|ages| {
            let days = ages.pending_purge_ms / MS_A_DAY;
            if days > DELETED_DAYS_MAX {
                return Some(format!(
                    "something deleted {days} days ago is still in a file"
                ));
            }
            let days = ages.oldest_backup_ms / MS_A_DAY;
            (days > BACKUP_DAYS_MAX).then(|| format!("the oldest backup is {days} days old"))
        });
        let n_lost = self.ages.map_or(0, |ages| ages.n_backup_folders_lost);
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
