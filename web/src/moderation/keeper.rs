//! What is due by the clock: leases that have ended, removed images whose time
//! is over, and copies of what was put into the hash bank, or left it.

use std::sync::Arc;
use std::time::Duration;

use imgshare_storage::ImageId;
use imgshare_storage::moderation::{ModerationError, Queue};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::app::AppState;
use crate::clock;
use crate::error::WebError;

/// How often it looks, at the latest.
const PERIOD: Duration = Duration::from_secs(30);

/// Images purged at a time.
const PURGES: usize = 100;

/// Copies that come back at a time.
const RETURNS: usize = 200;

/// Hashes whose copies are looked for in one pass over the records.
const HASHES: usize = 10_000;

/// Does what is due, at the start, every half minute, and when the bank has
/// something new, until `stop` turns true.
pub async fn run(app: AppState, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = keep(&app).await {
            tracing::warn!(%error, "what is due in the queue is done later");
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            () = sleep(PERIOD) => {}
            () = app.bank_grew.notified() => {}
        }
    }
    if let Err(error) = app.with_queue(|queue| queue.bank().keep_refused()).await {
        tracing::warn!(%error, "how many uploads were refused is known no more");
    }
}

/// Does once what is due now.
///
/// # Errors
/// The store's.
pub async fn keep(app: &AppState) -> Result<(), WebError> {
    loop {
        let now_ms = clock::now_ms();
        let this = Arc::clone(app);
        let done = app.with_queue(move |queue| {
            let mut gone = Vec::new();
            let done = due(queue, now_ms, &mut gone);
            // Even what a failure cut short must not be served from memory.
            for id in gone {
                this.cache.remove(id);
            }
            done
        });
        if !done.await? {
            return Ok(());
        }
    }
}

/// `gone` becomes the images that may not be public any more. One search for
/// copies at a time, so that leases and purges never wait for all of them; true
/// when there may be more of them.
fn due(queue: &Queue, now_ms: u64, gone: &mut Vec<ImageId>) -> Result<bool, ModerationError> {
    queue.return_expired(now_ms)?;
    queue.merge_uploads()?;
    gone.extend(queue.purge_due(now_ms, PURGES)?.images);
    // First what is to be hidden: nothing that fails about what comes back delays it.
    let has_hidden = hide_copies(queue, now_ms, gone)?;
    queue.bank().keep_refused()?;
    let returned = queue.return_copies(now_ms, RETURNS)?;
    if !returned.images.is_empty() || returned.n_kept > 0 {
        tracing::info!(
            n_returned = returned.images.len(),
            n_kept = returned.n_kept,
            "copies of what is banned no more are shown again, or looked at"
        );
    }
    // Where nothing could be done, the next time may do better.
    let has_returned = !returned.images.is_empty() || returned.n_kept > 0;
    Ok(has_hidden || (has_returned && !returned.is_complete))
}

/// Hides copies of what was banned; whether there may be more.
fn hide_copies(
    queue: &Queue,
    now_ms: u64,
    gone: &mut Vec<ImageId>,
) -> Result<bool, ModerationError> {
    let hashes = queue.bank().unsearched(HASHES)?;
    if hashes.is_empty() {
        return Ok(false);
    }
    let copies = queue.find_copies(&hashes)?;
    gone.extend(copies.images.iter().map(|(image, _)| *image));
    let jobs = queue.treat_copies(None, &copies, now_ms)?;
    if !jobs.is_empty() {
        tracing::info!(
            n_copies = jobs.len(),
            "copies of what was banned are hidden"
        );
    }
    if copies.is_complete {
        queue.bank().searched(&hashes)?;
    }
    Ok(copies.is_complete || !jobs.is_empty())
}

/// Rings after the bank has grown or shrunk, so that copies go, or come back, within
/// moments.
pub fn ring(app: &AppState) {
    app.bank_grew.notify_one();
}
