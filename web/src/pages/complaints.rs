//! The pages about what is wrong with an image, for whoever says so and for its
//! owner.

use askama::Template;

use super::{Site, render, wording};
use crate::complaints::{ReportStatus, Statement};

/// One category of the report form.
pub struct Choice {
    /// Its name.
    pub value: &'static str,
    /// In words.
    pub label: &'static str,
    /// What it means.
    pub hint: &'static str,
    /// It was chosen before.
    pub is_chosen: bool,
}

/// The copyright notice as it was filled in.
pub struct NoticeView<'a> {
    /// A link or id a line.
    pub images: &'a str,
    /// Who complains.
    pub name: &'a str,
    /// For whom.
    pub owner: &'a str,
    /// Postal address.
    pub address: &'a str,
    /// Telephone.
    pub phone: &'a str,
    /// Mail.
    pub email: &'a str,
    /// Which works.
    pub work: &'a str,
    /// The typed name.
    pub signature: &'a str,
    /// The first box.
    pub good_faith: bool,
    /// The second box.
    pub accurate: bool,
}

/// Who claimed what, as the uploader is told it: not how they are reached.
pub struct ClaimView {
    /// Who complained.
    pub name: String,
    /// For whom; empty for themselves.
    pub owner: String,
    /// Which work.
    pub work: String,
    /// On which day.
    pub on: String,
}

/// The counter-notice as it was filled in.
pub struct CounterView<'a> {
    /// What it answers.
    pub claims: &'a [ClaimView],
    /// The image.
    pub id: &'a str,
    /// Its delete token.
    pub token: &'a str,
    /// Who objects.
    pub name: &'a str,
    /// Postal address.
    pub address: &'a str,
    /// Telephone.
    pub phone: &'a str,
    /// Mail.
    pub email: &'a str,
    /// What was mistaken.
    pub text: &'a str,
    /// The typed name.
    pub signature: &'a str,
    /// The first box.
    pub mistake: bool,
    /// The second box.
    pub jurisdiction: bool,
}

/// How an image stands, for its owner.
pub struct OwnerView<'a> {
    /// The image.
    pub id: &'a str,
    /// Its delete token.
    pub token: &'a str,
    /// Its state by name.
    pub state: &'a str,
    /// The name its file came with.
    pub filename: &'a str,
    /// Whether its owner objected to advertising beside it.
    pub ads_objection: bool,
    /// Everything that is held about it: names and values.
    pub held: Vec<(String, String)>,
    /// The policy it is against, in words.
    pub policy_words: Option<&'static str>,
    /// What restricts it.
    pub statement: Option<Statement>,
    /// Who claimed what, where a copyright notice removed it.
    pub claims: Vec<ClaimView>,
    /// The newest appeal: open, or whether it was granted.
    pub appeal: Option<Option<bool>>,
    /// A counter-notice can be given.
    pub can_counter: bool,
    /// The days of an open counter-notice.
    pub restore: Option<(String, String)>,
    /// When it is removed if nobody views it, in words.
    pub ending: Option<String>,
}

/// Asks what is wrong. `filled` is text and contact as they were, `problems`
/// what the form lacked.
pub fn report(
    site: &Site,
    id: &str,
    choices: &[Choice],
    filled: (&str, &str),
    problems: &[String],
) -> String {
    let path = format!("/report/{id}");
    render(&ReportPage {
        site,
        return_path: Some(&path),
        id,
        choices,
        text: filled.0,
        contact: filled.1,
        problems,
    })
}

/// Shows receipts, each with its image.
pub fn reported(site: &Site, receipts: &[(String, String)], is_hidden: bool) -> String {
    render(&ReportedPage {
        site,
        return_path: None,
        receipts,
        is_hidden,
    })
}

/// How a report stands.
pub fn report_status(site: &Site, receipt: &str, status: &ReportStatus) -> String {
    let path = format!("/report/status/{receipt}");
    render(&ReportStatusPage {
        site,
        return_path: Some(&path),
        receipt,
        status,
    })
}

/// The form of a copyright notice.
pub fn notice(site: &Site, view: &NoticeView<'_>, problems: &[String]) -> String {
    render(&NoticePage {
        site,
        return_path: Some("/copyright/notice"),
        view,
        problems,
    })
}

/// The form of a counter-notice.
pub fn counter(site: &Site, view: &CounterView<'_>, problems: &[String]) -> String {
    render(&CounterPage {
        site,
        return_path: None,
        view,
        problems,
    })
}

/// Asks an owner for the token.
pub fn ask_owner(site: &Site, id: &str, problem: Option<&str>) -> String {
    let path = format!("/m/{id}");
    render(&AskOwnerPage {
        site,
        return_path: Some(&path),
        id,
        problem,
    })
}

/// How an image stands, and how to object.
pub fn owner(site: &Site, view: &OwnerView<'_>, problem: Option<&str>) -> String {
    render(&OwnerPage {
        site,
        return_path: None,
        view,
        problem,
    })
}

/// In place of an image that moderation removed. `status` is 410, or 451 for a
/// legal order.
pub fn removed(site: &Site, status: u16, detail: &str, statement: &Statement) -> String {
    render(&RemovedPage {
        site,
        return_path: Some("/"),
        status,
        detail,
        statement,
    })
}

#[derive(Template)]
#[template(path = "complaints/report.html")]
struct ReportPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    id: &'a str,
    choices: &'a [Choice],
    text: &'a str,
    contact: &'a str,
    problems: &'a [String],
}

#[derive(Template)]
#[template(path = "complaints/reported.html")]
struct ReportedPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    receipts: &'a [(String, String)],
    is_hidden: bool,
}

#[derive(Template)]
#[template(path = "complaints/status.html")]
struct ReportStatusPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    receipt: &'a str,
    status: &'a ReportStatus,
}

impl ReportStatusPage<'_> {
    fn title(&self) -> &'static str {
        match self.status.state.as_str() {
            "received" => "Your report was received",
            "looked-at" => "Somebody looks at it",
            _ => "Your report is decided",
        }
    }

    fn outcome(&self) -> &'static str {
        match self.status.now.as_deref() {
            Some("restored") => {
                return "The image was removed, and is shown again now: the decision was changed \
                        after an objection.";
            }
            Some("removed") => {
                return "The image was left at first, and was removed by a later decision.";
            }
            _ => {}
        }
        match self.status.decision.as_deref() {
            Some("removed") => "The image was removed.",
            Some("warned") => "The image is shown behind a warning.",
            Some("kept") => "The image stays: it breaks no rule of this site.",
            Some(_) => "The image is gone: its uploader deleted it.",
            None => "It waits for a moderator. What is most harmful comes first.",
        }
    }

    fn decided_on(&self) -> Option<String> {
        self.status.decided_at.as_deref().map(wording::moment)
    }
}

#[derive(Template)]
#[template(path = "complaints/notice.html")]
struct NoticePage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    view: &'a NoticeView<'a>,
    problems: &'a [String],
}

#[derive(Template)]
#[template(path = "complaints/counter.html")]
struct CounterPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    view: &'a CounterView<'a>,
    problems: &'a [String],
}

#[derive(Template)]
#[template(path = "complaints/ask_owner.html")]
struct AskOwnerPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    id: &'a str,
    problem: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "complaints/owner.html")]
struct OwnerPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    view: &'a OwnerView<'a>,
    problem: Option<&'a str>,
}

impl OwnerPage<'_> {
    fn title(&self) -> &'static str {
        let restriction = self
            .view
            .statement
            .as_ref()
            .map(|said| said.restriction.as_str());
        match restriction {
            Some("removed") => "This image was removed",
            Some("hidden") => "This image is hidden for now",
            Some(_) => "This image is shown behind a warning",
            None => "Nothing restricts this image",
        }
    }

    /// Nothing is asked twice, and a decision that stood is final.
    fn can_appeal(&self) -> bool {
        self.view.statement.is_some() && !matches!(self.view.appeal, Some(None | Some(false)))
    }
}

#[derive(Template)]
#[template(path = "complaints/removed.html")]
struct RemovedPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    status: u16,
    detail: &'a str,
    statement: &'a Statement,
}

impl Statement {
    fn found_words(&self) -> &'static str {
        match self.found_by.as_str() {
            "report" => "by a report",
            "automation" => {
                "automatically, by a classifier, a rule or the hash of an earlier removal"
            }
            _ => "by our staff",
        }
    }

    fn decided_on(&self) -> String {
        wording::moment(&self.decided_at)
    }
}
