//! `/staff/learning`: how well the classifier does, by what people decided.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse, Response};
use imgshare_models::scores::Thresholds;
use imgshare_storage::moderation::{Figures, Judged, Source};
use serde::Deserialize;
use std::collections::BTreeMap;

use super::estimate::{Evidence, Share, WhatIf};
use super::{shadow_model, thresholds};
use crate::app::{App, AppState};
use crate::error::WebError;
use crate::http::visitor::Visitor;
use crate::moderation::relabel::Preview;
use crate::pages::learning as pages;
use crate::staff::{Session, me};

/// One image that was drawn stands for this many at most, whatever the rate is
/// set to now.
const SAMPLE_WEIGHT_MAX: f64 = 10_000.0;

/// Other thresholds, to see what they would do; what is left out is as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    pub(super) model: Option<String>,
    pub(super) explicit: Option<f32>,
    pub(super) sexy: Option<f32>,
    pub(super) band: Option<f32>,
    pub(super) ads: Option<f32>,
}

impl Asked {
    pub(super) fn thresholds(&self, in_force: Thresholds) -> Result<Thresholds, WebError> {
        let chosen = |asked: Option<f32>, is: f32| match asked {
            None => Ok(is),
            Some(share) if (0.0..=1.0).contains(&share) => Ok(share),
            Some(_) => Err(WebError::MalformedForm),
        };
        Ok(Thresholds {
            explicit: chosen(self.explicit, in_force.explicit)?,
            sexy: chosen(self.sexy, in_force.sexy)?,
            review_band: chosen(self.band, in_force.review_band)?,
            ads: chosen(self.ads, in_force.ads)?,
        })
    }
}

/// The counters of one model, under the settings of now.
struct Known {
    figures: Figures,
    models: Vec<String>,
    model: String,
    sample_weight: f64,
}

impl Known {
    async fn read(app: &App, wanted: Option<&str>) -> Result<Self, WebError> {
        let figures = app.with_queue(|queue| queue.figures()).await?;
        let mut counts = BTreeMap::<&str, u64>::new();
        for ((cell, ..), count) in &figures.decided {
            *counts.entry(cell.model.as_str()).or_default() += count;
        }
        let most = counts.iter().max_by_key(|(_, count)| **count);
        let most = most.map(|(model, _)| *model).unwrap_or_default();
        let model = wanted.filter(|wanted| counts.contains_key(*wanted));
        let rate = f64::from(app.settings.moderation.sample_rate);
        Ok(Self {
            model: model.unwrap_or(most).to_owned(),
            models: counts.into_keys().map(str::to_owned).collect(),
            sample_weight: match rate > 0.0 {
                true => (1.0 / rate).min(SAMPLE_WEIGHT_MAX),
                false => 1.0,
            },
            figures,
        })
    }

    fn evidence(&self) -> Evidence<'_> {
        Evidence {
            figures: &self.figures,
            model: &self.model,
            sample_weight: self.sample_weight,
        }
    }
}

/// What would be with these thresholds, as JSON.
pub(super) async fn what_if(
    State(app): State<AppState>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, WebError> {
    let Query(asked) = asked.map_err(|_| WebError::MalformedForm)?;
    let thresholds = asked.thresholds(app.thresholds.moderation().thresholds())?;
    let known = Known::read(&app, asked.model.as_deref()).await?;
    let found = shown(&known.evidence().what_if(&thresholds));
    Ok(Json(found).into_response())
}

/// The page.
pub(super) async fn page(
    State(app): State<AppState>,
    headers: HeaderMap,
    session: Session,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Html<String>, WebError> {
    let Query(asked) = asked.map_err(|_| WebError::MalformedForm)?;
    Ok(Html(
        shown_page(&app, &headers, &session, asked, None).await?,
    ))
}

/// The page, with what thresholds would change where that was asked for.
pub(super) async fn shown_page(
    app: &AppState,
    headers: &HeaderMap,
    session: &Session,
    asked: Asked,
    preview: Option<Preview>,
) -> Result<String, WebError> {
    let in_force = app.thresholds.moderation().thresholds();
    let tried = asked.thresholds(in_force)?;
    let known = Known::read(app, asked.model.as_deref()).await?;
    let evidence = known.evidence();
    let curve = evidence.curve(&in_force);
    let view = pages::LearningView {
        model: &known.model,
        models: &known.models,
        sample_weight: known.sample_weight,
        in_force: shown(&evidence.what_if(&in_force)),
        tried: shown(&evidence.what_if(&tried)),
        points: curve.iter().skip(4).step_by(5).map(shown).collect(),
        precision: curve_of(&curve, |at| at.precision),
        recall: curve_of(&curve, |at| at.recall),
        counts: counts(&evidence),
        agreement: agreement(&known.figures),
        held: times(&known.figures.held),
        waited: times(&known.figures.waited),
        thresholds: thresholds::view(app, session, &tried, preview).await?,
        shadow_model: shadow_model::view(app, &tried, known.sample_weight).await?,
    };
    let site = Visitor::of(app, headers).site;
    Ok(pages::learning(&site, &me(session), &view))
}

/// A share with the images behind it.
pub(super) fn share_words(share: Option<Share>) -> String {
    match share {
        Some(share) => format!("{}, {} images", share.percent(), share.n_images),
        None => "not known yet".to_owned(),
    }
}

fn shown(found: &WhatIf) -> pages::WhatIfView {
    pages::WhatIfView {
        explicit: format!("{:.2}", found.explicit),
        sexy: format!("{:.2}", found.sexy),
        band: format!("{:.2}", found.review_band),
        n_images: format!("{:.0}", found.n_images),
        n_queued: format!("{:.0}", found.n_queued),
        precision: share_words(found.precision),
        recall: share_words(found.recall),
    }
}

fn curve_of(curve: &[WhatIf], of: impl Fn(&WhatIf) -> Option<Share>) -> pages::Curve {
    let known = |at: &WhatIf| Some((f64::from(at.explicit), of(at)?));
    let points: Vec<(f64, Share)> = curve.iter().filter_map(known).collect();
    let along = |end: fn(&Share) -> f64| points.iter().map(move |(at, share)| (*at, end(share)));
    pages::Curve::new(
        along(|share| share.value),
        along(|share| share.low),
        along(|share| share.high),
    )
}

fn counts(evidence: &Evidence<'_>) -> Vec<pages::CountRow> {
    let row = |(judged, words): (Judged, &'static str)| pages::CountRow {
        words,
        n_queued: evidence.count(Source::Queued, judged),
        n_sampled: evidence.count(Source::Sampled, judged),
    };
    [
        (Judged::Safe, "safe"),
        (Judged::Nsfw, "nsfw"),
        (Judged::RemovedAsSexual, "removed as sexual"),
        (Judged::RemovedOtherwise, "removed for another reason"),
        (Judged::Escalated, "passed on, not decided yet"),
    ]
    .map(row)
    .into()
}

/// How often the second moderator said what the first had said.
fn agreement(figures: &Figures) -> String {
    let all = figures.pairs.values().sum();
    let same = figures.pairs.iter().filter(|((one, two), _)| one == two);
    match Share::of_counts(same.map(|(_, count)| count).sum(), all) {
        Some(share) => format!("{}, {all} images decided twice", share.percent()),
        None => "No image was decided by two moderators yet.".to_owned(),
    }
}

/// Counts by doublings of a millisecond, as bars.
fn times(counts: &BTreeMap<u8, u64>) -> pages::Bars {
    let bars = counts
        .iter()
        .map(|(doublings, count)| (words(2_f64.powi(i32::from(*doublings))), *count));
    pages::Bars::new(bars.collect(), median(counts).map(words))
}

/// The middle one, as if times lay evenly between two doublings.
fn median(counts: &BTreeMap<u8, u64>) -> Option<f64> {
    let half = counts.values().sum::<u64>() as f64 / 2.0;
    let mut below = 0.0;
    for (doublings, count) in counts {
        let count = *count as f64;
        if count > 0.0 && below + count >= half {
            let part = (half - below) / count;
            return Some((f64::from(*doublings) + part).exp2());
        }
        below += count;
    }
    None
}

/// A time in milliseconds, for people.
fn words(ms: f64) -> String {
    const UNITS: [(f64, &str); 4] = [
        (86_400_000.0, "d"),
        (3_600_000.0, "h"),
        (60_000.0, "min"),
        (1_000.0, "s"),
    ];
    match UNITS.iter().find(|(unit, _)| ms >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", ms / unit),
        None => format!("{ms:.0} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_their_unit() {
        assert_eq!(words(512.0), "512 ms");
        assert_eq!(words(4_096.0), "4.1 s");
        assert_eq!(words(90_000.0), "1.5 min");
        assert_eq!(words(172_800_000.0), "2.0 d");
    }

    #[test]
    fn the_median_lies_in_the_middle_of_its_doubling() {
        assert_eq!(median(&BTreeMap::new()), None);
        let counts = BTreeMap::from([(10, 10)]);
        assert!((median(&counts).unwrap() - 1_448.2).abs() < 0.1);
        let counts = BTreeMap::from([(3, 5), (10, 4), (20, 1)]);
        assert_eq!(median(&counts), Some(16.0));
    }

    #[test]
    fn no_threshold_beyond_a_share_is_tried() {
        let asked = |explicit| Asked {
            explicit: Some(explicit),
            ..Asked::default()
        };
        let of = |explicit| asked(explicit).thresholds(Thresholds::default());
        assert_eq!(of(0.7).unwrap().explicit, 0.7);
        for wrong in [-0.1, 1.1, f32::NAN, f32::INFINITY] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
