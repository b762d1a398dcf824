//! Images that were stored before they could be classified, tried again until
//! they are or until it is clear that they cannot be.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use imgshare_pipeline::{PipelineError, Scored, ShadowInput, Verdict};
use imgshare_storage::moderation::{
    Flag, Job, Lookup, ModerationError, Reason, ReasonKind, upload_rate,
};
use imgshare_storage::{ImageId, Record, State};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::app::{App, AppState};
use crate::clock;
use crate::error::WebError;
use crate::ingest;
use crate::moderation::gate::{Gate, Passed, Refused};

/// Images in the pipeline for rescans at once: enough for a batch, few enough
/// that uploads find room.
const AT_ONCE_MAX: usize = 8;

/// Images listed at a time.
const PAGE: usize = 256;

/// After an upload went out unclassified the device gets this long to catch up.
const CATCH_UP: Duration = Duration::from_secs(5);

/// Rescans at the start, periodically, and soon after an upload stayed
/// unclassified, until `stop` turns true.
pub async fn run(app: AppState, mut stop: watch::Receiver<bool>) {
    let period = Duration::from_secs(app.settings.pipeline.rescan_seconds);
    loop {
        if let Err(error) = rescan_all(&app).await {
            tracing::warn!(%error, "the rescan stopped early; it goes on later");
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = sleep(period) => {}
            () = async { app.rescan.notified().await; sleep(CATCH_UP.min(period)).await } => {}
        }
    }
}

/// Tries every pending image that is due once.
///
/// # Errors
/// The first failure that is not one image's alone: no room, or no store.
pub async fn rescan_all(app: &Arc<App>) -> Result<(), WebError> {
    let mut cursor = None;
    loop {
        let after = cursor.take();
        let page = app
            .with_store(move |store| store.in_state(State::Pending, after.as_ref(), PAGE))
            .await?;
        let mut tries = stream::iter(page.ids)
            .map(|id| rescan_one(app, id))
            .buffer_unordered(AT_ONCE_MAX);
        while let Some(tried) = tries.next().await {
            tried?;
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(()),
        }
    }
}

async fn rescan_one(app: &Arc<App>, id: ImageId) -> Result<(), WebError> {
    let read = app.with_store(move |store| match store.find(&id)? {
        Some(record) if record.state == State::Pending => {
            let bytes = store.read(&id, &record.original()?)?;
            Ok(Some((record, bytes)))
        }
        _ => Ok(None),
    });
    let Some((record, bytes)) = read.await? else {
        return Ok(());
    };
    if !is_due(app, &record) {
        return Ok(());
    }
    let (scored, shadow) = match bytes {
        Some(bytes) => classify(app, bytes).await?,
        None => (None, None),
    };
    if let Some(record) = settle(app, id, scored).await? {
        app.shadow_model.offer(app, shadow, &record);
    }
    Ok(())
}

/// Each failed try doubles the wait: one slow minute must not use them up.
fn is_due(app: &App, record: &Record) -> bool {
    let period_ms = app.settings.pipeline.rescan_seconds.saturating_mul(1_000);
    let tries_here = record.scan_attempts.saturating_sub(1).min(16);
    let wait_ms = period_ms.saturating_mul((1_u64 << tries_here) - 1);
    clock::now_ms() >= record.uploaded_at_ms.saturating_add(wait_ms)
}

/// The image's scores, or nothing when trying was in vain; and what a candidate
/// model is to look at.
async fn classify(
    app: &App,
    bytes: Vec<u8>,
) -> Result<(Option<Scored>, Option<ShadowInput>), WebError> {
    let permit = app
        .pipeline
        .admit(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
    match ingest::run(app, permit, bytes.into()).await {
        Ok(ingested) => Ok(match ingested.verdict {
            Verdict::Scored(scored) => (Some(scored), ingested.shadow),
            Verdict::Pending => (None, None),
        }),
        Err(PipelineError::Reject(_)) => Ok((None, None)),
        Err(other) => Err(other.into()),
    }
}

/// Returns the record as it is then; `None` when its owner deleted it meanwhile.
async fn settle(
    app: &App,
    id: ImageId,
    scored: Option<Scored>,
) -> Result<Option<Record>, WebError> {
    let moderation = app.thresholds.moderation();
    let attempts_max = app.settings.pipeline.rescan_attempts_max;
    let (rules, now_ms) = (app.rules.rules(), clock::now_ms());
    let updated = app.with_queue(move |queue| {
        let gate = Gate {
            moderation: &moderation,
            rules: &rules,
            now_ms,
        };
        let changed = queue.change_and_flag(&id, now_ms, |record, job| {
            if record.state != State::Pending {
                return Ok(None);
            }
            let known = queue.bank().lookup(&Lookup {
                sha256: record.sha256,
                pdq: record.pdq,
            })?;
            let n_reports = job.map_or(0, |job| u64::from(job.n_reports));
            let uploads = upload_rate(&**queue.store(), &id)?;
            let passed = scored
                .as_ref()
                .map(|scored| gate.scored(scored, record, known.as_ref(), uploads, n_reports));
            let flags = settled(record, passed, attempts_max);
            // The classifier does not speak before people who have it in hand, nor
            // before the hash bank, which may have known the file as it came.
            let is_known = |job: &Job| job.reason_kinds().has(ReasonKind::HashMatch);
            let is_for_people = job.is_some_and(|job| job.is_in_hand() || is_known(job));
            if record.state == State::Public && is_for_people {
                record.state = State::Review;
            }
            Ok(Some(flags))
        });
        match changed {
            Ok(record) => {
                queue.count_upload(&record);
                Ok(Some(record))
            }
            Err(ModerationError::Gone { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    });
    let updated = updated.await?;
    if let Some(record) = &updated {
        let label = record
            .classification
            .as_ref()
            .map(|found| found.label.as_str());
        app.metrics.decision(record.state.as_str(), label);
        if record.state == State::ScanFailed {
            tracing::warn!(%id, "an image could not be classified; it stays hidden");
        }
    }
    Ok(updated)
}

/// Settles a pending record by what passing the gate gave, if the image has
/// scores by now.
fn settled(
    record: &mut Record,
    passed: Option<Result<Passed, Refused>>,
    attempts_max: u32,
) -> Vec<Flag> {
    record.scan_attempts = record.scan_attempts.saturating_add(1);
    match passed {
        Some(Ok(passed)) => passed.settle(record),
        // It is taken in already: it can only be hidden.
        Some(Err(Refused(flag))) => {
            record.state = State::Blocked;
            record.legal_hold |= flag.is_about_evidence();
            vec![flag]
        }
        None if record.scan_attempts > attempts_max => {
            record.state = State::ScanFailed;
            vec![Flag::new(Reason::ScanFailed)]
        }
        None => Vec::new(),
    }
}
