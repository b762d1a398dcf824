//! What the law puts a clock on.

use askama::Template;

use super::staff::Me;
use super::{Site, render};

/// Reports on one image that are decided together.
#[derive(Debug)]
pub struct DueRow {
    /// The image's id.
    pub image: String,
    /// What it is reported for.
    pub categories: Vec<&'static str>,
    /// How many reports.
    pub n_reports: u32,
    /// By when it must be decided.
    pub due: String,
    /// Whether that is over.
    pub is_late: bool,
    /// How often the same was removed for an upheld notice.
    pub n_same: u64,
    /// And what looks alike.
    pub n_alike: u64,
    /// Copyright notices about it.
    pub notices: Vec<NoticeRow>,
}

/// A copyright notice.
#[derive(Debug)]
pub struct NoticeRow {
    /// Who complains.
    pub name: String,
    /// For whom; may be empty.
    pub owner: String,
    /// How they are reached.
    pub contact: String,
    /// Which works.
    pub work: String,
    /// The typed signature.
    pub signature: String,
    /// When.
    pub at: String,
}

/// A counter-notice that is open.
#[derive(Debug)]
pub struct CounterRow {
    /// Names it.
    pub receipt: String,
    /// The image's id.
    pub image: String,
    /// Who objects.
    pub name: String,
    /// How they are reached.
    pub contact: String,
    /// What was mistaken; may be empty.
    pub text: String,
    /// The typed signature.
    pub signature: String,
    /// When.
    pub at: String,
    /// From when on the image comes back.
    pub restore_from: String,
    /// By when it must.
    pub restore_by: String,
    /// What it answers: whoever claimed is to be sent it.
    pub notices: Vec<NoticeRow>,
}

/// What the page knows.
#[derive(Debug)]
pub struct NoticesView<'a> {
    /// What is due, the most urgent first.
    pub due: Vec<DueRow>,
    /// The page with what is due later, if there is more.
    pub more_due: Option<String>,
    /// Counter-notices, the one due first at the beginning.
    pub counters: Vec<CounterRow>,
    /// The page with later ones, if there are more.
    pub more_counters: Option<String>,
    /// Whether notices are theirs to answer.
    pub sees_notices: bool,
    /// What was just done.
    pub said: Option<&'a str>,
}

/// The page of notices and clocks.
pub fn notices(site: &Site, me: &Me, view: &NoticesView<'_>) -> String {
    render(&NoticesPage {
        site,
        return_path: Some("/staff/notices"),
        me: Some(me),
        view,
    })
}

#[derive(Template)]
#[template(path = "staff/notices.html")]
struct NoticesPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    view: &'a NoticesView<'a>,
}
