//! What people say of an image: reports with their clock, copyright notices, the
//! owner's appeal, and the decision that this is against.

use imgshare_storage::ImageId;
use imgshare_storage::complaints::{
    Appeal, Case, Category, ComplaintError, Complaints, Notice, Report, Restriction,
};
use imgshare_storage::moderation::Policy;
use imgshare_storage::staff::StaffId;
use serde::Serialize;

use crate::app::App;
use crate::complaints::category_words;
use crate::error::WebError;
use crate::staff::{Permission, Session};

/// Reports that are shown, the oldest first.
const REPORTS_MAX: usize = 24;

/// What people say.
#[derive(Serialize, Default)]
pub(super) struct Told {
    /// What visitors say of it; who they are is not told.
    pub(super) reports: Vec<ReportDto>,
    /// By when they must be settled, in milliseconds since 1970 UTC; null when they
    /// are.
    pub(super) due_at_ms: Option<u64>,
    /// What its uploader says against a decision.
    pub(super) appeal: Option<AppealDto>,
}

/// One report.
#[derive(Serialize)]
pub(super) struct ReportDto {
    category: Category,
    /// The category as the form calls it.
    pub(super) words: &'static str,
    pub(super) text: String,
    pub(super) at_ms: u64,
    /// How the reporter can be reached, for those who answer notices.
    pub(super) contact: Option<String>,
    pub(super) notice: Option<NoticeDto>,
}

/// The copyright notice that a report came with.
#[derive(Serialize)]
pub(super) struct NoticeDto {
    pub(super) work: String,
    pub(super) name: String,
    pub(super) owner: String,
    pub(super) signature: String,
    at_ms: u64,
    /// How the claimant can be reached, for those who answer notices.
    pub(super) contact: Option<String>,
}

/// An appeal with what it is against.
#[derive(Serialize)]
pub(super) struct AppealDto {
    pub(super) text: String,
    at_ms: u64,
    pub(super) against: Restriction,
    /// Null where a score or a rule restricts it.
    pub(super) policy: Option<Policy>,
    /// Who decided; null where nobody did.
    pub(super) by: Option<StaffId>,
    pub(super) reason: String,
    decided_at_ms: Option<u64>,
}

/// What is said of an image. The caller has asked whether its lane is theirs.
///
/// # Errors
/// The store's.
pub(super) async fn told(app: &App, session: &Session, id: ImageId) -> Result<Told, WebError> {
    let answers_notices = Permission::Notices.is_of(session.role);
    app.see_complaints(move |reporting| find(&reporting.complaints, &id, answers_notices))
        .await
}

fn find(complaints: &Complaints, id: &ImageId, answers: bool) -> Result<Told, ComplaintError> {
    let mut told = Told::default();
    let appeal = complaints.newest_appeal(id)?;
    let appeal = appeal.filter(|appeal| appeal.outcome.is_none());
    // Whoever decides an appeal reads what the decision before was made of.
    let is_shown = |(case, _): &(Case, _)| case.outcome.is_none() || appeal.is_some();
    if let Some((case, reports)) = complaints.case(id, REPORTS_MAX)?.filter(is_shown) {
        told.due_at_ms = case.outcome.is_none().then_some(case.due_at_ms);
        for report in reports {
            told.reports.push(said(complaints, report, answers)?);
        }
    }
    if let Some(appeal) = appeal {
        told.appeal = Some(objection(complaints, id, appeal)?);
    }
    Ok(told)
}

fn said(
    complaints: &Complaints,
    report: Report,
    answers: bool,
) -> Result<ReportDto, ComplaintError> {
    let notice = match &report.notice {
        Some(receipt) => complaints.notice_of(receipt)?,
        None => None,
    };
    let contact = report.contact.as_str();
    Ok(ReportDto {
        category: report.category,
        words: category_words(report.category).0,
        text: report.text.as_str().to_owned(),
        at_ms: report.at_ms,
        contact: (answers && !contact.is_empty()).then(|| contact.to_owned()),
        notice: notice.map(|notice| claimed(&notice, answers)),
    })
}

fn claimed(notice: &Notice, answers: bool) -> NoticeDto {
    let reached = [
        notice.address.as_str(),
        notice.phone.as_str(),
        notice.email.as_str(),
    ];
    let reached = reached.into_iter().filter(|part| !part.is_empty());
    NoticeDto {
        work: notice.work.as_str().to_owned(),
        name: notice.name.as_str().to_owned(),
        owner: notice.owner.as_str().to_owned(),
        signature: notice.signature.as_str().to_owned(),
        at_ms: notice.at_ms,
        contact: answers.then(|| reached.collect::<Vec<_>>().join(" · ")),
    }
}

fn objection(
    complaints: &Complaints,
    id: &ImageId,
    appeal: Appeal,
) -> Result<AppealDto, ComplaintError> {
    let record = complaints.queue().store().find(id);
    let statement = match record.map_err(ComplaintError::from)? {
        Some(record) => complaints.statement(&record)?,
        None => None,
    };
    let statement = statement.filter(|said| said.restriction == appeal.against);
    Ok(AppealDto {
        text: appeal.text.as_str().to_owned(),
        at_ms: appeal.at_ms,
        against: appeal.against,
        policy: statement.as_ref().and_then(|said| said.policy),
        by: appeal.against_by,
        reason: statement
            .as_ref()
            .map(|said| said.reason.as_str().to_owned())
            .unwrap_or_default(),
        decided_at_ms: statement.map(|said| said.at_ms),
    })
}
