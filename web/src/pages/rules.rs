//! The rules in force, and others tried before they are.

use askama::Template;

use super::staff::Me;
use super::{Site, render};
use crate::moderation::rules::TYPED_CHARS_MAX;

/// A rule in force.
#[derive(Debug)]
pub struct RuleRow {
    /// Its name.
    pub name: String,
    /// What becomes of an image for which it holds.
    pub outcome: &'static str,
    /// When it holds, as JSON.
    pub when: String,
}

/// Images with the same change.
#[derive(Debug)]
pub struct ChangeRow {
    /// What they are.
    pub from: &'static str,
    /// What they would be.
    pub to: &'static str,
    /// How many.
    pub n_images: u64,
    /// The first of them.
    pub images: Vec<ExampleRow>,
}

/// An image that would change.
#[derive(Debug)]
pub struct ExampleRow {
    /// Its id.
    pub id: String,
    /// Where it can be seen; `None` where there is no page of it.
    pub link: Option<String>,
}

/// What rules would change about what is stored.
#[derive(Debug)]
pub struct PreviewView {
    /// Images that were judged again.
    pub n_images: u64,
    /// Images that staff decided.
    pub n_decided: u64,
    /// Images without scores.
    pub n_unscored: u64,
    /// What would change.
    pub changes: Vec<ChangeRow>,
    /// Whether everything was looked at.
    pub is_complete: bool,
}

/// The page's content.
#[derive(Debug)]
pub struct RulesView {
    /// Those in force, in their order.
    pub rows: Vec<RuleRow>,
    /// What is in the field.
    pub typed: String,
    /// Why what was sent cannot be used.
    pub problem: Option<String>,
    /// How many rules were checked and can be used.
    pub n_fit: Option<usize>,
    /// What they would change.
    pub preview: Option<PreviewView>,
}

#[derive(Template)]
#[template(path = "desk/rules.html")]
struct RulesPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    token: &'a str,
    typed_chars_max: usize,
    view: &'a RulesView,
}

/// The page of rules.
pub fn rules(site: &Site, me: &Me, view: &RulesView) -> String {
    render(&RulesPage {
        site,
        return_path: Some("/staff/rules"),
        me: Some(me),
        token: &me.csrf,
        typed_chars_max: TYPED_CHARS_MAX,
        view,
    })
}
