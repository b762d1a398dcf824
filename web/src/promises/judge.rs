//! How promises stand, one function each: from the settings, and from what a look
//! at this service has just found ([`Sight`]).

use imgshare_storage::calendar::MS_A_DAY;

use super::{Facts, Standing};
use crate::retention::Sight;
use Standing::{Broken, ByConstruction, Needs, Observed, Unknown};

const MS_AN_HOUR: u64 = MS_A_DAY / 24;
const MS_A_MINUTE: u64 = MS_AN_HOUR / 60;

/// Days that a deletion may stay on active servers.
const DELETED_DAYS_MAX: u64 = 30;

/// How old the newest backup may be, in milliseconds: a week.
const BACKUP_NEWEST_MS: u64 = 7 * MS_A_DAY;

/// Days that a backup may be kept, and one for the pass that ends it.
const BACKUP_DAYS_MAX: u64 = 91;

/// Days that the request log may be kept, and one for the day it is cut off at.
const LOG_DAYS_MAX: u64 = 91;

/// How long an upload may wait to be classified, in hours: nobody sees it
/// meanwhile.
const UNCLASSIFIED_HOURS_MAX: u64 = 24;

/// The program cannot do otherwise: a running service shows nothing of it.
pub(super) fn by_construction(_: &Facts<'_>) -> Standing {
    ByConstruction
}

/// Judges what was looked at.
fn seen(facts: &Facts<'_>, judge: impl FnOnce(&Sight) -> Standing) -> Standing {
    match &facts.sight {
        Some(sight) => judge(sight),
        None => Unknown("nobody could look into the data folder".to_owned()),
    }
}

/// Judges a number of things that are late.
fn none_late(facts: &Facts<'_>, n_late: impl Fn(&Sight) -> u64, what: &str, no: &str) -> Standing {
    seen(facts, |sight| match n_late(sight) {
        0 => Observed(no.to_owned()),
        n => Broken(format!("{what}: {}", counted(n))),
    })
}

/// A number, which is counted up to a bound.
fn counted(n: u64) -> String {
    match usize::try_from(n) {
        Ok(n) if n < crate::retention::LATE_MAX => n.to_string(),
        _ => format!("{} or more", crate::retention::LATE_MAX),
    }
}

pub(super) fn classification(facts: &Facts<'_>) -> Standing {
    seen(facts, |sight| {
        let hours = sight.lateness.oldest_unclassified_ms / MS_AN_HOUR;
        if hours >= UNCLASSIFIED_HOURS_MAX {
            return Broken(format!(
                "an upload has waited {hours} hours to be classified; nobody sees it meanwhile"
            ));
        }
        Observed("no upload has waited for a day to be classified".to_owned())
    })
}

pub(super) fn request_log(facts: &Facts<'_>) -> Standing {
    if !facts.settings.log.requests {
        return Observed("log.requests is off, and nothing is written down".to_owned());
    }
    seen(facts, |sight| match &sight.log_fault {
        Some(_) => Broken(
            "the request log cannot be written, so that health and abuse are not seen; the \
             service's own log says why"
                .to_owned(),
        ),
        None => Observed("the request log can be written".to_owned()),
    })
}

pub(super) fn reports_decided(facts: &Facts<'_>) -> Standing {
    let what = "reported images that should have been decided by now";
    let no = "no report is past its day";
    none_late(facts, |sight| sight.lateness.n_cases_overdue, what, no)
}

pub(super) fn abuse_prevention(facts: &Facts<'_>) -> Standing {
    if facts.settings.abuse.uploads_per_minute == 0 {
        return Broken("abuse.uploads_per_minute is 0: uploads are not limited".to_owned());
    }
    match holds(facts) {
        Observed(no_hold) => Observed(format!("uploads are limited, and {no_hold}")),
        other => other,
    }
}

pub(super) fn holds(facts: &Facts<'_>) -> Standing {
    let minutes = facts.settings.retention.hold_grace_ms() / MS_A_MINUTE;
    let what = format!("images still held {minutes} minutes after the order's end");
    let no = format!("no hold is past its end by {minutes} minutes");
    none_late(facts, |sight| sight.lateness.n_holds_overdue, &what, &no)
}

pub(super) fn advertising(facts: &Facts<'_>) -> Standing {
    if facts.settings.advertising.is_on() {
        ByConstruction
    } else {
        Observed("there is no advertising on this server".to_owned())
    }
}

/// What the operator has not filled in.
fn placeholders(facts: &Facts<'_>) -> Option<Standing> {
    let settings = facts.settings;
    let missing = settings.operator.placeholders(&settings.site.contact);
    let named = (!missing.is_empty()).then(|| missing.join(", "));
    named.map(|named| Needs(format!("not filled in: {named}")))
}

/// Whom the operator has named.
fn processors(facts: &Facts<'_>) -> String {
    match facts.settings.operator.processors.len() {
        0 => "the operator says that there are no processors".to_owned(),
        n => format!("processors that the operator has named: {n}"),
    }
}

pub(super) fn nothing_sold(facts: &Facts<'_>) -> Standing {
    placeholders(facts).unwrap_or_else(|| {
        let named = processors(facts);
        Observed(format!(
            "{named}; that nothing is sold is the operator's word"
        ))
    })
}

pub(super) fn third_parties(facts: &Facts<'_>) -> Standing {
    placeholders(facts).unwrap_or_else(|| Observed(processors(facts)))
}

pub(super) fn idle_images(facts: &Facts<'_>) -> Standing {
    let days = facts.settings.retention.idle_days;
    Observed(format!(
        "nothing is removed before {days} days without a view"
    ))
}

pub(super) fn log_age(facts: &Facts<'_>) -> Standing {
    seen(facts, |sight| {
        let days = sight.lateness.ages.oldest_log_ms / MS_A_DAY;
        match days > LOG_DAYS_MAX {
            true => Broken(format!("the oldest log is {days} days old")),
            false => Observed(format!("the oldest log is {days} days old")),
        }
    })
}

pub(super) fn reports_ended(facts: &Facts<'_>) -> Standing {
    let what = "reports that should have ended";
    let no = "no report is kept for longer";
    none_late(facts, |sight| sight.lateness.n_reports_overdue, what, no)
}

pub(super) fn deletions(facts: &Facts<'_>) -> Standing {
    seen(facts, |sight| {
        let ages = &sight.lateness.ages;
        let (deleted, backup) = (
            ages.pending_purge_ms / MS_A_DAY,
            ages.oldest_backup_ms / MS_A_DAY,
        );
        if deleted > DELETED_DAYS_MAX {
            return Broken(format!(
                "something deleted {deleted} days ago is still in a file"
            ));
        }
        if backup > BACKUP_DAYS_MAX {
            return Broken(format!("the oldest backup is {backup} days old"));
        }
        match ages.n_backup_folders_lost {
            0 => Observed(format!(
                "what is deleted and still in a file is {deleted} days old at most, and the \
                 oldest backup {backup}"
            )),
            n => Needs(format!(
                "{n} folders with backups cannot be reached: nothing ends what is in them"
            )),
        }
    })
}

pub(super) fn encryption(facts: &Facts<'_>) -> Standing {
    let settings = facts.settings;
    if settings.tls.is_on() {
        return Observed("this program itself speaks TLS, 1.2 and 1.3 alone".to_owned());
    }
    if settings.is_behind_tls() {
        return Needs(
            "base_url has https, so that a proxy in front speaks TLS: that it takes nothing \
             older than 1.2 is to be seen there"
                .to_owned(),
        );
    }
    Needs("neither tls.certificate nor a base_url with https is set".to_owned())
}

pub(super) fn backups(facts: &Facts<'_>) -> Standing {
    seen(facts, |sight| {
        let Some(age) = sight.lateness.ages.newest_backup_ms else {
            return Needs("there is no backup of this server".to_owned());
        };
        let days = age / MS_A_DAY;
        match age <= BACKUP_NEWEST_MS {
            true => Observed(format!("the newest backup is {days} days old")),
            false => Needs(format!("the newest backup is {days} days old")),
        }
    })
}

pub(super) fn closed_to_others(facts: &Facts<'_>) -> Standing {
    seen(facts, |sight| {
        let exposed = &sight.exposed;
        match exposed.n_open {
            0 if exposed.n_looked_at == 0 => Unknown("there is no data folder".to_owned()),
            0 => Observed(format!(
                "{} files and folders are open to the service's own user alone",
                exposed.n_looked_at
            )),
            n => Broken(format!(
                "files and folders with data that are open to other users of the machine: {n}"
            )),
        }
    })
}

pub(super) fn patterns(facts: &Facts<'_>) -> Standing {
    let abuse = &facts.settings.abuse;
    let off: Vec<&str> = [
        ("abuse.same_image_max", abuse.same_image_max),
        ("abuse.missing_images_max", abuse.missing_images_max),
        ("abuse.different_images_max", abuse.different_images_max),
    ]
    .into_iter()
    .filter_map(|(name, max)| (max == 0).then_some(name))
    .collect();
    match off.as_slice() {
        [] => Observed("every pattern is watched for".to_owned()),
        off => Broken(format!("not watched for: {} is 0", off.join(", "))),
    }
}

pub(super) fn requests(facts: &Facts<'_>) -> Standing {
    let what = "requests that should have been answered";
    let no = "no request is past its day";
    none_late(facts, |sight| sight.lateness.n_requests_overdue, what, no)
}

pub(super) fn network_copies(facts: &Facts<'_>) -> Standing {
    seen(facts, |sight| {
        let hours = sight.lateness.oldest_cdn_purge_ms / MS_AN_HOUR;
        match hours {
            0 => Observed("no copy has waited for an hour to be purged".to_owned()),
            _ => Broken(format!(
                "copies of an image have waited {hours} hours for the network's purge"
            )),
        }
    })
}

pub(super) fn children(facts: &Facts<'_>) -> Standing {
    let what = "reports and requests about children under 13 that are past their day";
    let no = "no report or request about a child is past its day";
    none_late(facts, |sight| sight.lateness.n_children_overdue, what, no)
}

pub(super) fn contact(facts: &Facts<'_>) -> Standing {
    match requests(facts) {
        on_time @ Observed(_) => placeholders(facts).unwrap_or(on_time),
        late => late,
    }
}
