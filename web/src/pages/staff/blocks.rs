//! What was noticed, and who is blocked.

use askama::Template;

use super::Me;
use crate::pages::{Site, render};

/// Something that was noticed.
#[derive(Debug, Clone)]
pub struct AlertRow {
    /// What.
    pub words: &'static str,
    /// From where.
    pub network: String,
    /// How often.
    pub n_times: u64,
    /// First.
    pub first: String,
    /// Last.
    pub last: String,
}

/// A network that is blocked.
#[derive(Debug, Clone)]
pub struct BlockRow {
    /// Which.
    pub network: String,
    /// Why, or nothing.
    pub reason: String,
    /// Who did it.
    pub by: String,
    /// Since when.
    pub since: String,
    /// Until when.
    pub until: String,
}

/// What the page knows.
#[derive(Debug)]
pub struct BlocksView<'a> {
    /// The newest first.
    pub alerts: Vec<AlertRow>,
    /// By address.
    pub blocks: Vec<BlockRow>,
    /// Why the last change failed.
    pub problem: Option<&'a str>,
}

/// The page of alerts and blocks.
pub fn blocks(site: &Site, me: &Me, view: &BlocksView<'_>) -> String {
    render(&BlocksPage {
        site,
        return_path: Some("/staff/blocks"),
        me: Some(me),
        view,
    })
}

#[derive(Template)]
#[template(path = "staff/blocks.html")]
struct BlocksPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    view: &'a BlocksView<'a>,
}
