//! Taking reports, and saying what became of them.

use serde_json::{Value, json};

use super::case::{self, CONTACT_CHARS_MAX, Case, REPORT_CHARS_MAX, Report};
use super::{Category, ComplaintError, Complaints, Receipt, Resolution, Text, keys};
use crate::audit::{self, Action, Actor, Subject};
use crate::moderation::{self, Flag, Job, Lane, Reason, Status, Verdict};
use crate::staff::Role;
use crate::staff::kept::{self, Kept};
use crate::{Changes, ImageId, Keyspace, Record, State, Views};

/// Largest weight of one report.
const WEIGHT_MAX: f32 = 30.0;

/// Reports of a case that are looked through for one of a category: twice what is open,
/// and what came beyond it.
const CASE_REPORTS_MAX: usize = 1_000;

/// What somebody reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportDraft {
    /// Which image.
    pub image: ImageId,
    /// What it is about.
    pub category: Category,
    /// What was written.
    pub text: Text<REPORT_CHARS_MAX>,
    /// How the reporter can be reached; empty for no wish to be.
    pub contact: Text<CONTACT_CHARS_MAX>,
}

/// A report that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filed {
    /// Names it.
    pub receipt: Receipt,
    /// The image left the public by it: it must leave every cache now.
    pub is_hidden: bool,
    /// A rule that counts reports has changed the image.
    pub is_ruled: bool,
}

/// Whether a report may hide its image at once, where its category does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// As its category says.
    Full,
    /// It is looked at, and hides nothing by itself.
    LookedAt,
}

/// What may be told of a report to whoever has its receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It waits.
    Received,
    /// Somebody looks at it, or passed it on to somebody who will.
    LookedAt,
    /// It is decided.
    Decided {
        /// What became of the image.
        resolution: Resolution,
        /// Whether the report's category proved right.
        is_upheld: bool,
        /// When, in milliseconds since 1970 UTC.
        at_ms: u64,
    },
}

/// A report that is planned.
pub(super) struct Planned<'a> {
    pub(super) draft: &'a ReportDraft,
    pub(super) receipt: Receipt,
    pub(super) notice: Option<Receipt>,
    pub(super) views: Views,
    /// What the reporter's word counts, 1 for an unknown one.
    pub(super) trust: f32,
    pub(super) reach: Reach,
}

impl Complaints {
    /// Takes a report: it makes the image's job or adds to it, in one commit
    /// with the audit's entry. `trust` is what this reporter's word counts, 1 for
    /// an unknown one.
    ///
    /// # Errors
    /// [`ComplaintError::UnknownImage`] for what strangers may not know of,
    /// [`ComplaintError::ReportedEnough`], and the store's.
    pub fn report(
        &self,
        draft: &ReportDraft,
        trust: f32,
        now_ms: u64,
    ) -> Result<Filed, ComplaintError> {
        self.report_within(draft, trust, Reach::Full, now_ms)
    }

    /// The same for a report that may not do all that its category does.
    ///
    /// # Errors
    /// As [`Complaints::report`].
    pub fn report_within(
        &self,
        draft: &ReportDraft,
        trust: f32,
        reach: Reach,
        now_ms: u64,
    ) -> Result<Filed, ComplaintError> {
        let _turn = self.queue.turn();
        let store = self.queue.store();
        let planned = Planned {
            draft,
            receipt: Receipt::random()?,
            notice: None,
            views: store.views(&draft.image)?,
            trust,
            reach,
        };
        audit::commit(&**store, |changes| {
            self.plan_report(changes, &planned, now_ms)
        })
    }

    /// Plans a report, with what the rules make of one more.
    pub(super) fn plan_report(
        &self,
        changes: &mut Changes,
        planned: &Planned<'_>,
        now_ms: u64,
    ) -> Result<Filed, ComplaintError> {
        let store = &**self.queue.store();
        let (draft, category) = (planned.draft, planned.draft.category);
        let mut record = self.reportable(&draft.image)?;
        let newest = case::newest(store, &draft.image)?;
        let mut case = open_or_new(newest.as_ref(), draft, now_ms);
        let consequence = category.consequence();
        let job = self.queue.job(&draft.image)?;
        let may_hide = planned.reach == Reach::Full && !job.as_ref().is_some_and(is_cleared);
        let hides = consequence.hides && may_hide;
        if !case.takes(category) && !hides {
            return self.one_too_many(&case, category);
        }
        let before = case.due_at_ms;
        case.add(category, now_ms, planned.notice.is_some());

        let ruled = match planned.trust > 0.0 {
            true => self.ruled(&record, job.as_ref(), now_ms)?,
            false => None,
        };
        let told_before = json!({"state": record.state});
        let mut flag = Flag::new(Reason::Report);
        flag.lane = consequence.lane;
        flag.due_at_ms = Some(case.due_at_ms);
        flag.report = Some(moderation::Report {
            receipt: planned.receipt.to_string(),
            weight: (consequence.weight * planned.trust).clamp(0.0, WEIGHT_MAX),
        });
        let mut flags = vec![flag];
        if let Some(ruled) = &ruled {
            flags.extend(ruled.flag.clone());
            ruled.plan(store, changes, &mut record, now_ms)?;
        }
        Flag::plan_all(&flags, store, changes, &mut record, &planned.views, now_ms)?;
        let is_ruled_out = record.state != State::Public && ruled.is_some();
        if hides {
            case.holds |= !record.legal_hold;
            (record.state, record.legal_hold) = (State::Review, true);
            changes.update_record(record.clone());
        }
        put_case(changes, newest, &case, before);
        put_report(changes, planned, &case, now_ms);

        let told = json!({
            "state": record.state,
            "category": category,
            "n_reports": case.n_reports(),
        });
        let told_before = if hides { told_before } else { Value::Null };
        let mut entry = audit::Entry::new(now_ms, Actor::Visitor, Action::new("image-reported"))
            .about(Subject::image(&draft.image))
            .changed(told_before, told);
        entry.reports = vec![planned.receipt.to_string()];
        audit::append(store, changes, entry)?;
        Ok(Filed {
            receipt: planned.receipt,
            is_hidden: hides || is_ruled_out,
            is_ruled: ruled.is_some(),
        })
    }

    /// What is answered to a report that says nothing new. One of the abuse of a child is
    /// refused to nobody: it is one that waits already, and its receipt tells the same.
    fn one_too_many(&self, case: &Case, category: Category) -> Result<Filed, ComplaintError> {
        let store = &**self.queue.store();
        if !category.consequence().hides {
            return Err(ComplaintError::ReportedEnough);
        }
        let reports = keys::reports_of_case(&case.image, case.round);
        for entry in store.range(&reports, CASE_REPORTS_MAX)? {
            if let Some(receipt) = keys::last_receipt(&entry.key)
                && let Some(report) = Kept::<Report>::read(store, keys::report(&receipt))?
                && report.value.category == category
            {
                return Ok(Filed {
                    receipt,
                    is_hidden: false,
                    is_ruled: false,
                });
            }
        }
        Err(ComplaintError::ReportedEnough)
    }

    /// The record of an image that strangers may know of.
    fn reportable(&self, image: &ImageId) -> Result<Record, ComplaintError> {
        let found = self.queue.store().find(image)?;
        let is_known = |state| matches!(state, State::Public | State::Pending | State::ScanFailed);
        found
            .filter(|record| is_known(record.state))
            .ok_or(ComplaintError::UnknownImage)
    }

    /// How a report stands; `None` for an unknown receipt.
    ///
    /// # Errors
    /// The store's.
    pub fn progress(&self, receipt: &Receipt) -> Result<Option<Progress>, ComplaintError> {
        let store = &**self.queue.store();
        let Some(report) = Kept::<Report>::read(store, keys::report(receipt))? else {
            return Ok(None);
        };
        let report = report.value;
        let case = Kept::<Case>::read(store, keys::case(&report.image, report.round))?;
        if let Some(outcome) = case.and_then(|case| case.value.outcome) {
            return Ok(Some(Progress::Decided {
                resolution: outcome.resolution,
                is_upheld: outcome.upheld.contains(&report.category),
                at_ms: outcome.at_ms,
            }));
        }
        let is_looked_at = self.queue.job(&report.image)?.is_some_and(|job| {
            matches!(job.status, Status::Claimed(_)) || job.lane == Lane::Senior
        });
        Ok(Some(if is_looked_at {
            Progress::LookedAt
        } else {
            Progress::Received
        }))
    }

    /// The newest case of an image with its reports, the oldest first and at
    /// most `limit`: what whoever decides is shown.
    ///
    /// # Errors
    /// The store's.
    pub fn case(
        &self,
        image: &ImageId,
        limit: usize,
    ) -> Result<Option<(Case, Vec<Report>)>, ComplaintError> {
        let store = &**self.queue.store();
        let Some(case) = case::newest(store, image)? else {
            return Ok(None);
        };
        let mut reports = Vec::new();
        for entry in store.range(&keys::reports_of_case(image, case.value.round), limit)? {
            if let Some(receipt) = keys::last_receipt(&entry.key)
                && let Some(report) = Kept::<Report>::read(store, keys::report(&receipt))?
            {
                reports.push(report.value);
            }
        }
        reports.sort_by_key(|report| report.at_ms);
        Ok(Some((case.value, reports)))
    }
}

/// The case that a report belongs to: the open one, or one behind the last.
fn open_or_new(newest: Option<&Kept<Case>>, draft: &ReportDraft, now_ms: u64) -> Case {
    match newest {
        Some(kept) if kept.value.outcome.is_none() => kept.value.clone(),
        _ => Case {
            image: draft.image,
            round: newest.map_or(1, |kept| kept.value.round.saturating_add(1)),
            opened_at_ms: now_ms,
            due_at_ms: u64::MAX,
            categories: std::collections::BTreeMap::new(),
            n_notices: 0,
            holds: false,
            outcome: None,
        },
    }
}

/// Whoever decides about child abuse has seen the image and let it stay: another
/// report brings it back into their queue, but hides it no more.
fn is_cleared(job: &Job) -> bool {
    job.decision.as_ref().is_some_and(|decision| {
        decision.role == Some(Role::ChildSafety)
            && matches!(decision.verdict, Verdict::Safe | Verdict::Nsfw)
    })
}

fn put_case(changes: &mut Changes, newest: Option<Kept<Case>>, case: &Case, due_before: u64) {
    match newest {
        Some(kept) if kept.value.round == case.round => kept.replace(changes, case),
        _ => kept::insert(changes, keys::case(&case.image, case.round), case),
    }
    if case.due_at_ms != due_before {
        changes.delete(keys::due(due_before, &case.image));
        changes.put(keys::due(case.due_at_ms, &case.image), []);
    }
}

fn put_report(changes: &mut Changes, planned: &Planned<'_>, case: &Case, now_ms: u64) {
    let draft = planned.draft;
    let report = Report {
        receipt: planned.receipt,
        image: draft.image,
        round: case.round,
        category: draft.category,
        text: draft.text.clone(),
        contact: draft.contact.clone(),
        notice: planned.notice,
        at_ms: now_ms,
    };
    kept::insert(changes, keys::report(&report.receipt), &report);
    changes.put(keys::of_case(&draft.image, case.round, &report.receipt), []);
}
