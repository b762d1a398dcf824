//! The service's own round: every job, in small pieces with pauses between them.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use imgshare_storage::retention::{Did, Job, RetentionError};
use tokio::sync::watch;
use tokio::time::sleep;

use super::{House, backup};
use crate::app::AppState;
use crate::clock;
use crate::error::WebError;

/// Between two pieces of a job.
const PAUSE: Duration = Duration::from_secs(1);

/// Between two pieces of a rewrite: half of the time is left to everybody else.
const REWRITE_PAUSE: Duration = Duration::from_millis(2);

/// Between two images of a backup.
const BACKUP_PAUSE: Duration = Duration::from_millis(1);

const SECONDS_A_MINUTE: u64 = 60;

/// Ends what is due, at the start and every so often, until `stop` turns true.
pub(crate) async fn keep(app: AppState, mut stop: watch::Receiver<bool>) {
    let minutes = app.settings.retention.every_minutes;
    let period = Duration::from_secs(minutes.saturating_mul(SECONDS_A_MINUTE));
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = round(&app) => {}
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = sleep(period) => {}
        }
    }
}

async fn round(app: &AppState) {
    for job in Job::ALL {
        if let Err(error) = all_of(app, job).await {
            app.metrics.retention.failed(job);
            tracing::error!(job = job.as_str(), %error, "what is due ends later");
        }
    }
    back_up(app).await;
    let house = House::of(app);
    let now_ms = clock::now_ms();
    let ages = blocking(move || house.retention().ages(now_ms));
    match ages.await {
        Ok(ages) => app.metrics.retention.aged(&ages, now_ms),
        Err(error) => tracing::error!(%error, "the age of what must end is not known"),
    }
}

/// Makes the service's own backup, if one is due.
async fn back_up(app: &AppState) {
    let (house, settings) = (House::of(app), app.settings.backup.clone());
    let made = tokio::task::spawn_blocking(move || {
        let mut pace = || std::thread::sleep(BACKUP_PAUSE);
        backup::due(house.store(), &settings, clock::now_ms(), &mut pace)
    });
    match made.await {
        Ok(Ok(None)) => {}
        Ok(Ok(Some(made))) => {
            app.metrics.retention.backed_up(clock::now_ms());
            for lost in &made.lost {
                tracing::error!(id = %lost.id, why = lost.why, "an image is not in the backup");
            }
            tracing::info!(
                n_images = made.n_images,
                n_new = made.n_new,
                n_ended = made.n_ended,
                "backed up"
            );
        }
        Ok(Err(error)) => tracing::error!(%error, "there is no new backup"),
        Err(_) => tracing::error!("a backup panicked"),
    }
}

async fn all_of(app: &AppState, job: Job) -> Result<(), WebError> {
    let limit = usize::try_from(app.settings.retention.images_per_second_max).unwrap_or(usize::MAX);
    loop {
        let did = piece(app, job, limit).await?;
        if did.n_done > 0 {
            tracing::info!(job = job.as_str(), n = did.n_done, "came to their end");
        }
        if !did.is_more {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
}

/// Does a piece of a job, with what follows from it: the audit's files, caches and
/// metrics.
async fn piece(app: &AppState, job: Job, limit: usize) -> Result<Did, WebError> {
    let this = Arc::clone(app);
    let house = House::of(app);
    let follow = app.staff.follower();
    blocking(move || {
        let mut pace = || {
            if this.is_stopping.load(Ordering::Relaxed) {
                return ControlFlow::Break(());
            }
            std::thread::sleep(REWRITE_PAUSE);
            ControlFlow::Continue(())
        };
        let did = house
            .retention()
            .run(job, clock::now_ms(), limit, &mut pace);
        follow(house.store());
        let did = did?;
        for id in &did.images {
            this.cache.remove(*id);
        }
        this.metrics.retention.did(job, &did);
        Ok(did)
    })
    .await
}

async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, RetentionError> + Send + 'static,
) -> Result<T, WebError> {
    let result = tokio::task::spawn_blocking(call)
        .await
        .map_err(|_| WebError::Internal("a call about retention panicked".to_owned()))?;
    result.map_err(|error| WebError::Internal(error.to_string()))
}
