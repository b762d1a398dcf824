//! What a moderator without JavaScript reads of an image, line by line.

use imgshare_storage::complaints::Restriction;
use imgshare_storage::moderation::{Decision, Job, Verdict};

use super::told::{AppealDto, NoticeDto, Told};
use crate::clock;
use crate::pages::decided::{policy_words, verdict_words};
use crate::pages::desk::reason_words;

/// A name and what stands behind it.
pub(super) type Line = (String, String);

/// Why it is looked at, what people say, and what was decided before.
pub(super) fn lines(job: &Job, told: &Told, now_ms: u64) -> Vec<Line> {
    let mut reasons: Vec<&str> = job.reasons.iter().map(reason_words).collect();
    reasons.dedup();
    let mut lines = vec![("Why".to_owned(), reasons.join(", "))];
    if let Some(due_at_ms) = told.due_at_ms {
        let late = if due_at_ms <= now_ms { ": overdue" } else { "" };
        let words = format!("{}{late}", clock::rfc3339(due_at_ms));
        lines.push(("To be settled by".to_owned(), words));
    }
    for report in &told.reports {
        let said = with_contact(&report.text, report.contact.as_deref());
        lines.push((format!("Report: {}", report.words), said));
        lines.extend(report.notice.as_ref().map(claim));
    }
    if let Some(appeal) = &told.appeal {
        lines.push(("Its uploader objects".to_owned(), appeal.text.clone()));
        lines.push(("Against".to_owned(), against(appeal)));
    } else if let Some(decision) = &job.decision {
        lines.push(before(decision));
    }
    lines
}

fn with_contact(text: &str, contact: Option<&str>) -> String {
    match contact {
        Some(contact) => format!("{text} (reached by {contact})"),
        None => text.to_owned(),
    }
}

fn claim(notice: &NoticeDto) -> Line {
    let owner = match notice.owner.as_str() {
        "" => String::new(),
        owner => format!(" for {owner}"),
    };
    let words = format!(
        "“{}”, claimed by {}{owner}, signed {}",
        notice.work, notice.name, notice.signature
    );
    let words = with_contact(&words, notice.contact.as_deref());
    ("Copyright notice".to_owned(), words)
}

fn against(appeal: &AppealDto) -> String {
    let what = match appeal.against {
        Restriction::Removed => "removed",
        Restriction::Hidden => "hidden",
        Restriction::Warning => "shown behind a warning",
    };
    let by = appeal.by.as_ref();
    let by = by.map_or_else(|| "by no person".to_owned(), |by| format!("by {by}"));
    let policy = appeal.policy.map(policy_words);
    let policy = policy.map_or_else(String::new, |policy| format!(", {policy}"));
    let reason = match appeal.reason.as_str() {
        "" => String::new(),
        reason => format!(": {reason}"),
    };
    format!("{what} {by}{policy}{reason}")
}

fn before(decision: &Decision) -> Line {
    let by = decision.by.as_ref();
    let by = by.map_or_else(|| "the service".to_owned(), ToString::to_string);
    let (policy, said) = match &decision.verdict {
        Verdict::Remove { policy, reason, .. } => (Some(policy_words(*policy)), reason.as_str()),
        Verdict::Escalate { note, .. } => (None, note.as_str()),
        Verdict::Safe | Verdict::Nsfw => (None, ""),
    };
    let what = verdict_words(&decision.verdict);
    let policy = policy.map_or_else(String::new, |policy| format!(", {policy}"));
    let said = if said.is_empty() {
        String::new()
    } else {
        format!(": {said}")
    };
    let words = format!("{what} by {by}{policy}{said}");
    ("Before".to_owned(), words)
}
