//! Where moderators work.

use askama::Template;
use imgshare_storage::moderation::{Lane, Policy, Reason, ReasonKind, Sort};

use super::staff::Me;
use super::{Site, render};

/// Policies with the digit that chooses each, the gravest first.
pub(super) const POLICIES: &[(Policy, &str, &str)] = &[
    (Policy::ChildAbuse, "child-abuse", "Sexual abuse of a child"),
    (
        Policy::IntimateImage,
        "intimate-image",
        "Intimate image without consent",
    ),
    (Policy::Illegal, "illegal", "Illegal in another way"),
    (Policy::Copyright, "copyright", "Copyright"),
    (Policy::Privacy, "privacy", "Privacy"),
    (Policy::UnderAge, "under-age", "Under 13"),
    (Policy::Violence, "violence", "Cruelty and gore"),
    (Policy::Spam, "spam", "Spam and fraud"),
    (Policy::SiteRules, "site-rules", "Against this site's rules"),
    (
        Policy::LegalOrder,
        "legal-order",
        "A court or an authority orders it",
    ),
];

/// The grid and the queue can choose all reasons but the sample's, which must
/// not be told from a score near a threshold.
fn reasons() -> Vec<(&'static str, &'static str)> {
    let mut reasons = vec![("check", "Scores to check")];
    for kind in ReasonKind::ALL {
        if !matches!(kind, ReasonKind::ReviewBand | ReasonKind::Sample) {
            reasons.push((kind.as_str(), kind_words(kind)));
        }
    }
    reasons
}

fn kind_words(kind: ReasonKind) -> &'static str {
    match kind {
        ReasonKind::ReviewBand | ReasonKind::Sample => "Score to check",
        ReasonKind::Rule => "A rule",
        ReasonKind::HashMatch => "Known hash",
        ReasonKind::Report => "Reported",
        ReasonKind::ScanFailed => "Scan failed",
        ReasonKind::Appeal => "Appeal",
    }
}

/// A reason in words; a sample is not told from a score.
pub fn reason_words(reason: &Reason) -> &'static str {
    kind_words(reason.kind())
}

fn lane_of(lane: Lane) -> (&'static str, &'static str) {
    match lane {
        Lane::General => ("general", "Everybody's queue"),
        Lane::Senior => ("senior", "Passed on"),
        Lane::ChildSafety => ("child-safety", "Child safety"),
    }
}

fn sort_of(sort: Sort) -> (&'static str, &'static str) {
    match sort {
        Sort::HarmFirst => ("harm-first", "Most harmful first"),
        Sort::MostUncertain => ("most-uncertain", "Most uncertain first"),
        Sort::OldestFirst => ("oldest-first", "Oldest first"),
        Sort::DueFirst => ("due-first", "Due first"),
    }
}

type Choices = Vec<(&'static str, &'static str)>;

/// Which removals may put hashes into the bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bans {
    /// None.
    Nothing,
    /// Those of child abuse.
    ChildAbuse,
    /// All of them.
    Anything,
}

impl Bans {
    /// What whoever keeps the bank, or works child safety's queue, may ban.
    #[must_use]
    pub fn of(keeps_bank: bool, is_child_safety: bool) -> Self {
        match (keeps_bank, is_child_safety) {
            (true, _) => Self::Anything,
            (false, true) => Self::ChildAbuse,
            (false, false) => Self::Nothing,
        }
    }

    /// The one policy that it is for; empty for all.
    fn against(self) -> &'static str {
        match self {
            Self::ChildAbuse => "child-abuse",
            Self::Nothing | Self::Anything => "",
        }
    }
}

#[derive(Template)]
#[template(path = "desk/queue.html")]
struct QueuePage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    token: &'a str,
    lanes: Choices,
    sorts: Choices,
    reasons: Choices,
    policies: &'static [(Policy, &'static str, &'static str)],
    bans: Bans,
    passes_on: bool,
}

/// The page that shows one image at a time, of these lanes.
pub fn one_by_one(site: &Site, me: &Me, lanes: &[Lane], bans: Bans) -> String {
    render(&QueuePage {
        site,
        return_path: Some("/staff/queue"),
        me: Some(me),
        token: &me.csrf,
        lanes: lanes.iter().copied().map(lane_of).collect(),
        sorts: Sort::ALL.map(sort_of).into(),
        reasons: reasons(),
        policies: POLICIES,
        bans,
        passes_on: lanes.iter().any(|lane| *lane != Lane::ChildSafety),
    })
}

#[derive(Template)]
#[template(path = "desk/grid.html")]
struct GridPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    token: &'a str,
    lanes: Choices,
    reasons: Choices,
    policies: &'static [(Policy, &'static str, &'static str)],
    bans: bool,
}

/// The page that decides many images of one reason at once. `bans` is whether
/// hashes may be put into the bank.
pub fn many(site: &Site, me: &Me, lanes: &[Lane], bans: bool) -> String {
    render(&GridPage {
        site,
        return_path: Some("/staff/grid"),
        me: Some(me),
        token: &me.csrf,
        lanes: lanes.iter().copied().map(lane_of).collect(),
        reasons: reasons(),
        policies: POLICIES,
        bans,
    })
}

/// A claimed image as a form shows it.
#[derive(Debug)]
pub struct PlainJob {
    /// Its id.
    pub image: String,
    /// The lease's name.
    pub lease: String,
    /// The job's version.
    pub version: u64,
    /// The larger of its scores.
    pub score: String,
    /// What else is known of it: names and values.
    pub facts: Vec<(String, String)>,
}

/// What the page of forms knows.
#[derive(Debug)]
pub struct PlainView<'a> {
    /// The lane that is worked through.
    pub lane: Lane,
    /// What is to be decided; `None` when nothing waits.
    pub job: Option<PlainJob>,
    /// What became of the image before.
    pub said: Option<&'a str>,
    /// Image and version of the decision that can be taken back.
    pub undo: Option<(String, u64)>,
}

#[derive(Template)]
#[template(path = "desk/plain.html")]
struct PlainPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    token: &'a str,
    lane: &'static str,
    view: &'a PlainView<'a>,
    policies: &'static [(Policy, &'static str, &'static str)],
    passes_on: bool,
}

/// The page of forms.
pub fn plain(site: &Site, me: &Me, view: &PlainView<'_>) -> String {
    render(&PlainPage {
        site,
        return_path: Some("/staff/queue"),
        me: Some(me),
        token: &me.csrf,
        lane: lane_of(view.lane).0,
        view,
        policies: POLICIES,
        passes_on: view.lane != Lane::ChildSafety,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_has_a_digit_and_its_name() {
        assert!(POLICIES.len() <= 10);
        for policy in Policy::ALL {
            let name = serde_json::to_value(policy).unwrap();
            let found = POLICIES.iter().find(|(listed, ..)| *listed == policy);
            assert_eq!(name, found.unwrap().1);
        }
    }

    #[test]
    fn names_are_those_of_the_wire() {
        for lane in Lane::ALL {
            assert_eq!(serde_json::to_value(lane).unwrap(), lane_of(lane).0);
        }
        for sort in Sort::ALL {
            assert_eq!(serde_json::to_value(sort).unwrap(), sort_of(sort).0);
        }
    }
}
