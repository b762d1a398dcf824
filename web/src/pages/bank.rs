//! The hash bank, and taking a hash off it.

use askama::Template;
use imgshare_storage::moderation::Policy;

use super::desk::POLICIES;
use super::staff::Me;
use super::{Site, render};

/// A hash of the list.
#[derive(Debug)]
pub struct BankRow {
    /// The hash.
    pub hash: String,
    /// Whether what matches is refused; else it is queued.
    pub refuses: bool,
    /// Against which policy it is, in words; `None` where that is for others.
    pub against: Option<&'static str>,
    /// Why it is there.
    pub reason: String,
    /// The image it was taken from.
    pub image: Option<String>,
    /// Whether it came by a list, or its image is gone.
    pub is_listed: bool,
    /// Who added it.
    pub by: String,
    /// When.
    pub at: String,
    /// How many uploads it has refused.
    pub n_refused: u64,
    /// How many stored copies are removed for it.
    pub n_copies: usize,
}

/// The page's content.
#[derive(Debug)]
pub struct BankView<'a> {
    /// In the order of their hashes.
    pub rows: Vec<BankRow>,
    /// What was looked for.
    pub q: String,
    /// Where the next page begins.
    pub next: Option<String>,
    /// Why the last change failed.
    pub problem: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "desk/bank.html")]
struct BankPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    token: &'a str,
    view: &'a BankView<'a>,
    policies: &'a [(Policy, &'a str, &'a str)],
}

/// The page of the hash bank.
pub fn bank(site: &Site, me: &Me, view: &BankView<'_>) -> String {
    render(&BankPage {
        site,
        return_path: Some("/staff/bank"),
        me: Some(me),
        token: &me.csrf,
        view,
        policies: POLICIES,
    })
}

#[derive(Template)]
#[template(path = "desk/take_off.html")]
struct TakeOffPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    token: &'a str,
    row: &'a BankRow,
    problem: Option<&'a str>,
}

/// The page that asks whether a hash shall be taken off.
pub fn take_off(site: &Site, me: &Me, row: &BankRow, problem: Option<&str>) -> String {
    render(&TakeOffPage {
        site,
        return_path: Some("/staff/bank"),
        me: Some(me),
        token: &me.csrf,
        row,
        problem,
    })
}
