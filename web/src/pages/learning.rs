//! What the decisions of moderators teach.

use std::fmt::Write;

use askama::Template;

use super::staff::Me;
use super::{Site, render};

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
    /// The candidate model.
    pub shadow_model: Option<ShadowModelView>,
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

/// A candidate model beside the one that acts.
#[derive(Debug)]
pub struct ShadowModelView {
    /// The candidate.
    pub model: String,
    /// The models that act.
    pub beside: String,
    /// Since when.
    pub since: String,
    /// The share of uploads that it looks at.
    pub share: String,
    /// How it is doing.
    pub state: String,
    /// Uploads that both looked at.
    pub n_compared: u64,
    /// Drawn since the start, and not looked at: for lack of memory, of a place
    /// in line, or because it failed.
    pub n_skipped: [u64; 3],
    /// How often both give the same label.
    pub agreement: String,
    /// What would have changed.
    pub moves: Vec<MoveRow>,
    /// Images that people decided as safe or nsfw.
    pub n_decided: u64,
    /// How well each does, by what people decided.
    pub quality: Vec<QualityRow>,
}

/// Images that a candidate would have put elsewhere.
#[derive(Debug)]
pub struct MoveRow {
    /// Where they are.
    pub from: &'static str,
    /// Where they would be.
    pub to: &'static str,
    /// How many.
    pub n_images: u64,
}

/// How well one model does.
#[derive(Debug)]
pub struct QualityRow {
    /// Which, by which thresholds.
    pub words: String,
    /// Share of what it labels nsfw that people call so.
    pub precision: String,
    /// Share of what people call nsfw that it labels so.
    pub recall: String,
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
    fn a_plot_stays_within_its_frame() {
        let points = [(0.0, 1.0), (1.0, 0.0)];
        let curve = Curve::new(points.into_iter(), points.into_iter(), points.into_iter());
        assert_eq!(curve.line, "0.0,0.0 560.0,240.0 ");
        let bars = Bars::new(vec![("1 s".into(), 2), ("2 s".into(), 1)], None);
        assert_eq!((bars.width(), bars.bars[1].height), (88.0, 60.0));
        assert_eq!(Bars::new(Vec::new(), None).width(), 0.0);
    }
}
