//! Holds, and requests about personal data.

use askama::Template;
use imgshare_storage::lawful::RequestKind;

use super::Me;
use crate::pages::{Site, render};

/// An image that the law keeps.
#[derive(Debug, Clone)]
pub struct HoldRow {
    /// Its id.
    pub image: String,
    /// What it is held for.
    pub reference: String,
    /// Who set it.
    pub set_by: String,
    /// Since which day.
    pub since: String,
    /// Until which day.
    pub until: String,
    /// Whether it stands; one whose day has come is taken away by the next round.
    pub stands: bool,
    /// Whether whoever looks may hand it over.
    pub is_theirs: bool,
}

/// The page of holds. `keeps` is whether whoever looks sets and ends them.
pub fn holds(
    site: &Site,
    me: &Me,
    holds: &[HoldRow],
    keeps: bool,
    problem: Option<&str>,
) -> String {
    render(&HoldsPage {
        site,
        return_path: Some("/staff/holds"),
        me: Some(me),
        holds,
        keeps,
        problem,
    })
}

#[derive(Template)]
#[template(path = "staff/holds.html")]
struct HoldsPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    holds: &'a [HoldRow],
    keeps: bool,
    problem: Option<&'a str>,
}

/// A request about personal data.
#[derive(Debug, Clone)]
pub struct RequestRow {
    /// Its number.
    pub number: u64,
    /// By when it is answered, in milliseconds since 1970 UTC.
    pub due_at_ms: u64,
    /// What is asked for.
    pub kind: &'static str,
    /// What it says.
    pub words: String,
    /// Where the answer goes.
    pub contact: String,
    /// The day it arrived.
    pub received: String,
    /// The day by which it is answered.
    pub due: String,
    /// Days until then; `None` when that is over.
    pub days_left: Option<u64>,
    /// When, by whom and what was answered.
    pub answer: Option<String>,
}

/// Everything on the page of requests.
#[derive(Debug)]
pub struct RequestsView<'a> {
    /// What waits, the most urgent first.
    pub open: Vec<RequestRow>,
    /// What was answered, the newest first.
    pub answered: Vec<RequestRow>,
    /// Today, as YYYY-MM-DD.
    pub today: String,
    /// Why the last change failed.
    pub problem: Option<&'a str>,
}

/// The page of requests.
pub fn requests(site: &Site, me: &Me, view: &RequestsView<'_>) -> String {
    render(&RequestsPage {
        site,
        return_path: Some("/staff/requests"),
        me: Some(me),
        view,
    })
}

#[derive(Template)]
#[template(path = "staff/requests.html")]
struct RequestsPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    view: &'a RequestsView<'a>,
}

impl RequestsPage<'_> {
    fn kinds(&self) -> [&'static str; 7] {
        RequestKind::ALL.map(RequestKind::as_str)
    }
}
