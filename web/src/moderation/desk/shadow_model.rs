//! What `/staff/learning` shows of a candidate model.

use std::sync::atomic::Ordering::Relaxed;

use imgshare_models::scores::Thresholds;
use imgshare_storage::moderation::OpinionFigures;

use super::estimate::{Quality, Share, quality, would_label};
use super::learning::share_words;
use crate::app::App;
use crate::clock;
use crate::error::WebError;
use crate::moderation::shadow_model::{Compared, counted, state_words, words};
use crate::pages::learning as pages;

/// What is known of the candidate model; `None` without one.
pub(super) async fn view(
    app: &App,
    tried: &Thresholds,
    sample_weight: f64,
) -> Result<Option<pages::ShadowModelView>, WebError> {
    let read = app.with_queue(|queue| {
        queue.merge_uploads()?;
        Ok(counted(&**queue.store())?)
    });
    let Some((run, figures)) = read.await? else {
        return Ok(None);
    };
    let Compared {
        n_compared,
        n_same_label,
        moves,
        n_decided,
        n_right: _,
    } = Compared::of(&figures);
    let beside = run.beside.join(" and ");
    let stats = app.pipeline.stats();
    let skipped = [
        &stats.shadow_no_room,
        &stats.shadow_dropped,
        &stats.shadow_failed,
    ];
    Ok(Some(pages::ShadowModelView {
        quality: rows(&figures, &run.model, &beside, tried, sample_weight),
        model: run.model,
        beside,
        since: clock::rfc3339(run.since_ms),
        share: format!("{:.0} %", app.settings.models.shadow_share * 100.0),
        state: state_words(app.shadow_model.state().as_ref()),
        n_compared,
        n_skipped: skipped.map(|counter| counter.load(Relaxed)),
        agreement: share_words(Share::of_counts(n_same_label, n_compared)),
        moves: moves
            .into_iter()
            .map(|change| pages::MoveRow {
                from: words(change.from),
                to: words(change.to),
                n_images: change.n_images,
            })
            .collect(),
        n_decided,
    }))
}

fn rows(
    figures: &OpinionFigures,
    model: &str,
    beside: &str,
    tried: &Thresholds,
    sample_weight: f64,
) -> Vec<pages::QualityRow> {
    let row = |words, found: Quality| pages::QualityRow {
        words,
        precision: share_words(found.precision),
        recall: share_words(found.recall),
    };
    let acting = quality(figures, sample_weight, |seen| seen.standings.live.nsfw);
    let candidate = quality(figures, sample_weight, |seen| seen.standings.would.nsfw);
    let otherwise = quality(figures, sample_weight, |seen| would_label(tried, seen));
    vec![
        row(beside.to_owned(), acting),
        row(format!("{model}, by the thresholds of the time"), candidate),
        row(
            format!(
                "{model}, explicit from {:.2}, sexy from {:.2}",
                tried.explicit, tried.sexy
            ),
            otherwise,
        ),
    ]
}
