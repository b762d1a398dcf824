//! Where moderators work, and what their decisions teach.

use std::fmt::Write;

use askama::Template;
use imgshare_storage::moderation::{Lane, Policy, ReasonKind, Sort};

use super::staff::Me;
use super::{Site, render};

/// Policies with the digit that chooses each, the gravest first.
const POLICIES: &[(Policy, &str, &str)] = &[
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
        let words = match kind {
            ReasonKind::ReviewBand | ReasonKind::Sample => continue,
            ReasonKind::Rule => "A rule",
            ReasonKind::HashMatch => "Known hash",
            ReasonKind::Report => "Reported",
            ReasonKind::ScanFailed => "Scan failed",
            ReasonKind::Appeal => "Appeal",
        };
        reasons.push((kind.as_str(), words));
    }
    reasons
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
    })
}

/// What would be with some thresholds, in words.
#[derive(Debug, serde::Serialize)]
pub struct WhatIfView {
    /// P(hentai) + P(porn) from which an image is nsfw.
    pub explicit: String,
    /// P(sexy) from which it is.
    pub sexy: String,
    /// How near a threshold people look.
    pub band: String,
    /// Images that the counters stand for.
    pub n_images: String,
    /// Those of them that would be queued.
    pub n_queued: String,
    /// Share of what is labelled nsfw that people call so.
    pub precision: String,
    /// Share of what people call nsfw that is labelled so.
    pub recall: String,
}

/// How many images were decided so.
#[derive(Debug)]
pub struct CountRow {
    /// The decision.
    pub words: &'static str,
    /// Of what was queued.
    pub n_queued: u64,
    /// Of what was drawn at random.
    pub n_sampled: u64,
}

/// The plot's inner size; its margins are the template's.
const PLOT: (f64, f64) = (560.0, 240.0);

/// A line with the interval around it, as paths of a plot.
#[derive(Debug)]
pub struct Curve {
    line: String,
    around: String,
}

impl Curve {
    /// Of points between 0 and 1 both ways.
    pub fn new(
        values: impl Iterator<Item = (f64, f64)>,
        lows: impl DoubleEndedIterator<Item = (f64, f64)>,
        highs: impl Iterator<Item = (f64, f64)>,
    ) -> Self {
        Self {
            line: path(values),
            around: path(highs.chain(lows.rev())),
        }
    }
}

fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (x, y) in points {
        let (x, y) = (x * PLOT.0, (1.0 - y) * PLOT.1);
        // Writing to a string cannot fail.
        let _ = write!(path, "{x:.1},{y:.1} ");
    }
    path
}

/// One bar of a plot.
#[derive(Debug)]
pub struct Bar {
    x: f64,
    y: f64,
    height: f64,
    label: String,
    count: u64,
}

/// Counts as bars beside each other.
#[derive(Debug)]
pub struct Bars {
    bars: Vec<Bar>,
    median: Option<String>,
}

/// A bar's height at most, and its place's width.
const BAR: (f64, f64) = (44.0, 120.0);

impl Bars {
    /// Of counts with their names.
    #[must_use]
    pub fn new(counts: Vec<(String, u64)>, median: Option<String>) -> Self {
        let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let bar = |(place, (label, count)): (usize, (String, u64))| {
            let height = BAR.1 * count as f64 / most.max(1) as f64;
            Bar {
                x: BAR.0 * place as f64,
                y: BAR.1 - height,
                height,
                label,
                count,
            }
        };
        Self {
            bars: counts.into_iter().enumerate().map(bar).collect(),
            median,
        }
    }

    fn width(&self) -> f64 {
        BAR.0 * self.bars.len() as f64
    }
}

/// What the page of figures knows.
#[derive(Debug)]
pub struct LearningView<'a> {
    /// The model that is told of; empty when none has decided images yet.
    pub model: &'a str,
    /// All that have.
    pub models: &'a [String],
    /// How many images one that was drawn stands for.
    pub sample_weight: f64,
    /// With the thresholds in force.
    pub in_force: WhatIfView,
    /// With those that are tried.
    pub tried: WhatIfView,
    /// With some others.
    pub points: Vec<WhatIfView>,
    /// Precision by the explicit threshold.
    pub precision: Curve,
    /// Recall by it.
    pub recall: Curve,
    /// What was decided.
    pub counts: Vec<CountRow>,
    /// Whether moderators agree.
    pub agreement: String,
    /// Times under a lease.
    pub held: Bars,
    /// Times that jobs waited.
    pub waited: Bars,
    /// The thresholds and what may follow them.
    pub thresholds: ThresholdsView,
}

/// What the page knows of thresholds.
#[derive(Debug)]
pub struct ThresholdsView {
    /// Whether the one who looks may change them.
    pub may_change: bool,
    /// Those in force.
    pub in_force: String,
    /// Who set them, and when; `None` when they are the settings'.
    pub set: Option<String>,
    /// Those of the settings.
    pub settings: String,
    /// Explicit, sexy, advertising and band as they are tried.
    pub tried: [f32; 4],
    /// The models that classify here.
    pub models: Vec<&'static str>,
    /// What those that are tried would change.
    pub preview: Option<PreviewView>,
    /// How far what is stored follows.
    pub relabelling: Option<String>,
    /// The candidate.
    pub candidate: Option<CandidateView>,
}

/// What thresholds would change about what is stored.
#[derive(Debug)]
pub struct PreviewView {
    /// The changes.
    pub changes: String,
    /// Whether every image was looked at.
    pub is_complete: bool,
}

/// A candidate beside what is in force.
#[derive(Debug)]
pub struct CandidateView {
    /// Which one, whose, since when.
    pub words: String,
    /// Its figures.
    pub rows: Vec<ComparedRow>,
}

/// A figure of both.
#[derive(Debug)]
pub struct ComparedRow {
    /// What is counted.
    pub words: &'static str,
    /// By the thresholds in force.
    pub live: u64,
    /// By the candidate.
    pub would: u64,
}

#[derive(Template)]
#[template(path = "desk/learning.html")]
struct LearningPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    token: &'a str,
    view: &'a LearningView<'a>,
}

/// The page of figures.
pub fn learning(site: &Site, me: &Me, view: &LearningView<'_>) -> String {
    render(&LearningPage {
        site,
        return_path: Some("/staff/learning"),
        me: Some(me),
        token: &me.csrf,
        view,
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

    #[test]
    fn a_plot_stays_within_its_frame() {
        let points = [(0.0, 1.0), (1.0, 0.0)];
        let curve = Curve::new(points.into_iter(), points.into_iter(), points.into_iter());
        assert_eq!(curve.line, "0.0,0.0 560.0,240.0 ");
        let bars = Bars::new(vec![("1 s".into(), 2), ("2 s".into(), 1)], None);
        assert_eq!((bars.width(), bars.bars[1].height), (88.0, 60.0));
        assert_eq!(Bars::new(Vec::new(), None).width(), 0.0);
    }
}
