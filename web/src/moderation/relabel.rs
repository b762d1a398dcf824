//! What is stored follows the thresholds: page by page in the background, from
//! the stored scores, and going on after a restart where it was.
//!
//! The label that is shown is derived and has followed already. Here the record
//! learns its label, who is to be looked at comes into the queue, and who need
//! not be any more leaves it. What people or rules have decided stays.

use std::sync::Arc;
use std::time::{Duration, Instant};

use imgshare_models::scores::{Scores, Thresholds};
use imgshare_storage::audit::{self, Action, Actor, Subject};
use imgshare_storage::moderation::{
    Job, ModerationError, Queue, Rescore, ScorePlace, Status, is_about_score, is_settled,
};
use imgshare_storage::{
    Classification, Cursor, ImageId, Keyspace, Record, State, StorageError, StoredLabel,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;

use super::thresholds::{encode, read, relabelling_key};
use crate::app::AppState;
use crate::clock;
use crate::config::Moderation;
use crate::decision::{stored_label, stored_thresholds};
use crate::error::WebError;

/// Images looked at together; between two pages others have their turn.
const PAGE: usize = 128;

/// After a failure it is tried again.
const RETRY: Duration = Duration::from_secs(30);

/// How long a preview looks. What it has not seen by then it says so of.
const PREVIEW_TIME_MAX: Duration = Duration::from_secs(10);

/// States in which thresholds have a say.
const STATES: [State; 2] = [State::Public, State::Review];

/// What new thresholds change about what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relabelled {
    /// Images that were looked at.
    pub n_seen: u64,
    /// Those that people or a rule decided: nothing changes them.
    pub n_settled: u64,
    /// From safe to nsfw.
    pub n_to_nsfw: u64,
    /// From nsfw to safe.
    pub n_to_safe: u64,
    /// Into the queue.
    pub n_queued: u64,
    /// Out of it.
    pub n_withdrawn: u64,
}

impl Relabelled {
    fn count(&mut self, record: &Record, rescore: &Rescore) {
        let before = record.classification.as_ref().map(|found| found.label);
        match (before, rescore.classification.label) {
            (Some(StoredLabel::Safe), StoredLabel::Nsfw) => self.n_to_nsfw += 1,
            (Some(StoredLabel::Nsfw), StoredLabel::Safe) => self.n_to_safe += 1,
            _ => {}
        }
        match rescore.place {
            ScorePlace::Stays => {}
            ScorePlace::Queue { .. } => self.n_queued += 1,
            ScorePlace::Withdraw => self.n_withdrawn += 1,
        }
    }
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relabelling {
    /// By which thresholds.
    pub thresholds: Thresholds,
    /// Who set them, by pseudonym.
    pub by: String,
    /// When it began, in milliseconds since 1970 UTC.
    pub begun_at_ms: u64,
    /// When it was done.
    pub finished_at_ms: Option<u64>,
    /// What it has changed. A page that a crash cut short is looked at again,
    /// and what it had changed by then is not counted.
    pub changed: Relabelled,
    state_idx: usize,
    after: Option<(u64, ImageId)>,
}

impl Relabelling {
    pub(super) fn new(thresholds: Thresholds, by: &str, now_ms: u64) -> Self {
        Self {
            thresholds,
            by: by.to_owned(),
            begun_at_ms: now_ms,
            finished_at_ms: None,
            changed: Relabelled::default(),
            state_idx: 0,
            after: None,
        }
    }

    /// The last one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn last(keys: &dyn Keyspace) -> Result<Option<Self>, StorageError> {
        Ok(read(keys, &relabelling_key())?.map(|(last, _)| last))
    }
}

/// What new thresholds make of a stored image; `None` when nothing changes.
fn judged(
    thresholds: &Thresholds,
    hold_review: bool,
    record: &Record,
    job: Option<&Job>,
) -> Option<Rescore> {
    let found = record.classification.as_ref()?;
    let scores = Scores::from_array(found.probabilities);
    let (before, after) = (
        stored_thresholds(found).judge(&scores),
        thresholds.judge(&scores),
    );
    let is_free = job.is_none_or(|job| job.status == Status::Waiting);
    let place = match (before.review, after.review) {
        (false, true) if is_free => ScorePlace::Queue { hide: hold_review },
        (true, false) if job.is_some_and(is_about_score) => ScorePlace::Withdraw,
        _ => ScorePlace::Stays,
    };
    let label = stored_label(after.label);
    if label == found.label && place == ScorePlace::Stays {
        return None;
    }
    let classification = Classification {
        thresholds: [
            thresholds.explicit,
            thresholds.sexy,
            thresholds.ads,
            thresholds.review_band,
        ],
        label,
        confidence: after.confidence,
        ..found.clone()
    };
    Some(Rescore {
        classification,
        place,
    })
}

/// What thresholds would change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Preview {
    /// The changes.
    pub changes: Relabelled,
    /// Whether every image was looked at.
    pub is_complete: bool,
}

impl Preview {
    /// Looks at what is stored, the oldest first, for ten seconds at most.
    ///
    /// # Errors
    /// The store's.
    pub fn run(
        queue: &Queue,
        thresholds: &Thresholds,
        moderation: &Moderation,
    ) -> Result<Self, ModerationError> {
        Self::within(queue, thresholds, moderation, PREVIEW_TIME_MAX)
    }

    fn within(
        queue: &Queue,
        thresholds: &Thresholds,
        moderation: &Moderation,
        time_max: Duration,
    ) -> Result<Self, ModerationError> {
        let begun = Instant::now();
        let (store, mut changes) = (queue.store(), Relabelled::default());
        for state in STATES {
            let mut after = None;
            loop {
                if begun.elapsed() >= time_max {
                    return Ok(Self {
                        changes,
                        is_complete: false,
                    });
                }
                let page = store.in_state(state, after.as_ref(), PAGE)?;
                for id in &page.ids {
                    let Some(record) = store.find(id)? else {
                        continue;
                    };
                    changes.n_seen += 1;
                    let job = queue.job(id)?;
                    if is_settled(&record, job.as_ref()) {
                        changes.n_settled += 1;
                        continue;
                    }
                    let hold = moderation.hold_review;
                    if let Some(rescore) = judged(thresholds, hold, &record, job.as_ref()) {
                        changes.count(&record, &rescore);
                    }
                }
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        Ok(Self {
            changes,
            is_complete: true,
        })
    }
}

/// Goes on with what is to be relabelled, at the start and whenever thresholds
/// are set, until `stop` turns true.
pub async fn run(app: AppState, mut stop: watch::Receiver<bool>) {
    loop {
        let pause = match step(&app).await {
            Ok(true) => Duration::ZERO,
            Ok(false) => Duration::MAX,
            Err(error) => {
                tracing::warn!(%error, "relabelling stopped; it goes on later");
                RETRY
            }
        };
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            () = sleep(pause) => {}
            () = app.relabel.notified() => {}
        }
    }
}

/// One page; whether there is more.
///
/// # Errors
/// The store's.
pub async fn step(app: &AppState) -> Result<bool, WebError> {
    let (this, now_ms) = (Arc::clone(app), clock::now_ms());
    let hold_review = app.settings.moderation.hold_review;
    app.with_queue(move |queue| {
        let page = page(queue, hold_review, now_ms, &mut |id| this.cache.remove(id))?;
        Ok(page)
    })
    .await
}

fn page(
    queue: &Queue,
    hold_review: bool,
    now_ms: u64,
    hidden: &mut dyn FnMut(ImageId),
) -> Result<bool, ModerationError> {
    let store = queue.store();
    let read = read::<Relabelling>(&**store, &relabelling_key())?;
    let Some((mut job, stored)) = read.filter(|(job, _)| job.finished_at_ms.is_none()) else {
        return Ok(false);
    };
    let Some(state) = STATES.get(job.state_idx).copied() else {
        finish(queue, job, stored, now_ms)?;
        return Ok(false);
    };
    let after = job.after.map(|(at_ms, id)| Cursor::new(at_ms, id));
    let page = store.in_state(state, after.as_ref(), PAGE)?;
    for id in &page.ids {
        let Some(record) = store.find(id)? else {
            continue;
        };
        job.changed.n_seen += 1;
        if is_settled(&record, queue.job(id)?.as_ref()) {
            job.changed.n_settled += 1;
            continue;
        }
        let thresholds = job.thresholds;
        let judge =
            |record: &Record, job: Option<&Job>| judged(&thresholds, hold_review, record, job);
        if let Some(rescore) = queue.rescore(id, now_ms, judge)? {
            job.changed.count(&record, &rescore);
            hidden(*id);
        }
    }
    job.after = page.next.map(|next| next.parts());
    if job.after.is_none() {
        job.state_idx += 1;
    }
    let mut changes = imgshare_storage::Changes::new();
    changes.expect(relabelling_key(), Some(stored));
    changes.put(relabelling_key(), encode(&job));
    match Keyspace::commit(&**store, changes) {
        // Other thresholds were set meanwhile: it begins anew.
        Ok(()) | Err(StorageError::Stale { .. }) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

fn finish(
    queue: &Queue,
    mut job: Relabelling,
    stored: Vec<u8>,
    now_ms: u64,
) -> Result<(), ModerationError> {
    let store = &**queue.store();
    job.finished_at_ms = Some(now_ms);
    let finished = audit::commit(store, |changes| {
        changes.expect(relabelling_key(), Some(stored.clone()));
        changes.put(relabelling_key(), encode(&job));
        let told = json!({"thresholds": job.thresholds, "changed": job.changed});
        let entry = audit::Entry::new(now_ms, Actor::System, Action::new("images-relabelled"))
            .about(Subject::named("setting", "thresholds"))
            .changed(Value::Null, told);
        audit::append(store, changes, entry)?;
        Ok::<_, StorageError>(())
    });
    match finished {
        Ok(()) => tracing::info!(changed = ?job.changed, "what is stored follows the thresholds"),
        // It begins anew.
        Err(StorageError::Stale { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

#[cfg(test)]
#[path = "relabel/tests.rs"]
mod tests;
