//! What was decided, and can be taken back.

use askama::Template;
use imgshare_storage::moderation::{COPIES_COUNTED_MAX, Lane, Policy, Verdict};

use super::desk::POLICIES;
use super::staff::Me;
use super::{Site, render};

/// A decision in the list.
#[derive(Debug)]
pub struct DecidedRow {
    /// The image.
    pub image: String,
    /// What an undo names.
    pub version: u64,
    /// What was decided.
    pub what: &'static str,
    /// Against which policy, in words.
    pub policy: Option<&'static str>,
    /// What was said with it.
    pub reason: String,
    /// Whether what looks like it is refused for it.
    pub is_banned: bool,
    /// Copies that went with it, and that come back with it.
    pub n_copies: usize,
    /// When.
    pub at: String,
    /// By whom; `None` by the service.
    pub by: Option<String>,
    /// When it is erased.
    pub until: Option<String>,
    /// Whether an order or evidence keeps it beyond that.
    pub is_held: bool,
    /// Whether the image may be shown in a list.
    pub has_preview: bool,
    /// Whether whoever looks may take it back now.
    pub can_undo: bool,
}

/// What became of what was asked for.
#[derive(Debug)]
pub struct Said {
    /// In a sentence.
    pub words: String,
    /// The image to look at again.
    pub image: Option<String>,
}

/// The page's content.
#[derive(Debug)]
pub struct DecidedView {
    /// The newest first.
    pub rows: Vec<DecidedRow>,
    /// Whether it is one's own.
    pub is_own: bool,
    /// Whether everybody's may be seen.
    pub sees_all: bool,
    /// Whether it is the newest page.
    pub is_first: bool,
    /// Where the next page begins.
    pub next: Option<String>,
    /// What became of an undo.
    pub said: Option<Said>,
}

impl DecidedRow {
    fn copies_words(&self) -> String {
        copies_words(self.n_copies)
    }
}

impl DecidedView {
    fn whose(&self) -> &'static str {
        if self.is_own { "own" } else { "everybodys" }
    }
}

/// A verdict as a list tells it.
pub fn verdict_words(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Safe => "Safe",
        Verdict::Nsfw => "Nsfw",
        Verdict::Remove { .. } => "Removed",
        Verdict::Escalate {
            to: Lane::ChildSafety,
            ..
        } => "Passed on to child safety",
        Verdict::Escalate { .. } => "Passed on to senior moderators",
    }
}

/// The copies that a ban had removed, and that come back without it.
pub fn copies_words(n_copies: usize) -> String {
    let words = match n_copies {
        0 => return String::new(),
        1 => "1 copy that its ban had removed comes back with it".to_owned(),
        COPIES_COUNTED_MAX.. => {
            format!(
                "{COPIES_COUNTED_MAX} or more copies that its ban had removed come back with it"
            )
        }
        n => format!("{n} copies that its ban had removed come back with it"),
    };
    format!("{words}, unless something else keeps them removed.")
}

/// A policy as moderators choose it.
pub fn policy_words(policy: Policy) -> &'static str {
    let listed = POLICIES.iter().find(|(kind, ..)| *kind == policy);
    listed.map_or("", |(_, _, words)| words)
}

#[derive(Template)]
#[template(path = "desk/decided.html")]
struct DecidedPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    token: &'a str,
    view: &'a DecidedView,
}

/// The page of what was decided.
pub fn decided(site: &Site, me: &Me, view: &DecidedView) -> String {
    render(&DecidedPage {
        site,
        return_path: Some("/staff/decided"),
        me: Some(me),
        token: &me.csrf,
        view,
    })
}
