//! Purges what is due: at the start, and within a second of an image's end.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use imgshare_storage::ImageId;
use imgshare_storage::retention::unpublished::{self, Unpublished, Waiting};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::Cdn;
use super::failing::{Failing, Wait};
use crate::app::AppState;
use crate::clock;
use crate::error::WebError;

/// How often it looks.
const PERIOD: Duration = Duration::from_secs(1);

/// Images looked at together.
const PAGE: usize = 256;

/// Images that are purged at the same time: connections to each target.
const AT_ONCE: usize = 8;

/// Images looked at in one period. What lies behind is looked at in the next, so
/// that a CDN that is away for days costs a bounded share of one core.
const LOOKED_AT_MAX: usize = 10_000;

/// Between two lines in the log about what does not work.
const SAY_AGAIN: Duration = Duration::from_secs(10);

/// Purges until `stop` turns true. What is left is purged by the next start.
pub(crate) async fn keep(app: AppState, cdn: Cdn, mut stop: watch::Receiver<bool>) {
    let mut keeper = Keeper::new(app, cdn);
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            looked = keeper.look() => if let Err(error) = looked {
                tracing::warn!(%error, "copies in the CDN are purged later");
            }
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = sleep(PERIOD) => {}
        }
    }
}

/// What is remembered between two looks.
pub(crate) struct Keeper {
    app: AppState,
    cdn: Cdn,
    failing: Failing,
    /// Waits of the targets that are in trouble, by their place.
    troubled: Mutex<HashMap<usize, Wait>>,
    /// The last image looked at, while there are more behind it.
    after: Option<ImageId>,
    /// What was seen since the first image.
    n_seen: u64,
    oldest_ms: Option<u64>,
    said: Option<Instant>,
}

/// How an image went.
enum Went {
    /// It is not its time.
    NotDue,
    /// It was purged.
    Well,
    /// A target failed; said for the log.
    Badly { target: String, why: String },
}

impl Keeper {
    pub(crate) fn new(app: AppState, cdn: Cdn) -> Self {
        Self {
            app,
            cdn,
            failing: Failing::default(),
            troubled: Mutex::default(),
            after: None,
            n_seen: 0,
            oldest_ms: None,
            said: None,
        }
    }

    /// Looks at what waits, and purges what is due.
    pub(crate) async fn look(&mut self) -> Result<(), WebError> {
        let mut n_looked_at = 0;
        while n_looked_at < LOOKED_AT_MAX {
            let after = self.after;
            let page = self
                .app
                .with_store(move |store| unpublished::waiting(store, after.as_ref(), PAGE))
                .await?;
            n_looked_at += page.len();
            self.after = page.last().map(|waiting| waiting.image);
            let is_last = page.len() < PAGE;
            self.purge(page).await?;
            if is_last {
                self.after = None;
                let now_ms = clock::now_ms();
                let oldest_ms = self.oldest_ms.take();
                let age_ms = oldest_ms.map_or(0, |oldest_ms| now_ms.saturating_sub(oldest_ms));
                self.app.metrics.cdn.waiting(self.n_seen, age_ms);
                self.n_seen = 0;
                return Ok(());
            }
        }
        Ok(())
    }

    async fn purge(&mut self, page: Vec<Waiting>) -> Result<(), WebError> {
        let this = &*self;
        let all = stream::iter(page).map(|waiting| async move {
            let went = this.purge_one(&waiting).await;
            (waiting, went)
        });
        let all: Vec<(Waiting, Went)> = all.buffer_unordered(AT_ONCE).collect().await;
        let mut failures = Vec::new();
        for (waiting, went) in all {
            let is_gone = self.settle(&waiting, &went).await?;
            if !is_gone {
                let noted_ms = waiting.known().noted_ms.unwrap_or_else(clock::now_ms);
                self.n_seen = self.n_seen.saturating_add(1);
                self.oldest_ms = Some(self.oldest_ms.map_or(noted_ms, |ms| ms.min(noted_ms)));
            }
            if let Went::Badly { target, why } = went {
                failures.push((target, why));
            }
        }
        self.say(&failures);
        Ok(())
    }

    /// Tells every target that is well. One that failed a moment ago is not asked.
    async fn purge_one(&self, waiting: &Waiting) -> Went {
        let (image, known) = (waiting.image, waiting.known());
        if !self.failing.is_due(&image, Instant::now()) || !self.is_time(known) {
            return Went::NotDue;
        }
        // Nothing that is asked for from now on may come from our own memory.
        self.app.cache.remove(image);
        let mut went = Went::Well;
        for (idx, target) in self.cdn.targets.iter().enumerate() {
            let why = if self.is_troubled(idx) {
                Some("it failed a moment ago".to_owned())
            } else {
                let sent = |outcome: &super::Outcome| self.app.metrics.cdn.sent(outcome.as_str());
                let last = self.cdn.purge_at(target, &image, &known.extension, sent);
                let last = last.await;
                self.note_health(idx, last.is_trouble());
                (!last.is_done()).then(|| format!("{} ({})", last.as_str(), last.detail()))
            };
            if let Some(why) = why {
                let target = target.peer.to_string();
                went = Went::Badly { target, why };
            }
        }
        went
    }

    /// Whether an image that was purged once is to be purged again by now. A clock
    /// that was put back makes nobody wait.
    fn is_time(&self, known: &Unpublished) -> bool {
        let waited_ms = known.purged_ms.map(|ms| clock::now_ms().abs_diff(ms));
        waited_ms.is_none_or(|waited_ms| waited_ms >= self.cdn.again_ms)
    }

    /// Keeps what is known now. True when nothing is left to do.
    async fn settle(&mut self, waiting: &Waiting, went: &Went) -> Result<bool, WebError> {
        let (now, now_ms) = (Instant::now(), clock::now_ms());
        let known = waiting.known();
        let is_over = known.purged_ms.is_some() || self.cdn.again_ms == 0;
        let next = Unpublished {
            noted_ms: known.noted_ms.or(Some(now_ms)),
            ..known.clone()
        };
        let next = match went {
            Went::NotDue => return Ok(false),
            Went::Well => {
                self.failing.succeeded(&waiting.image);
                Unpublished {
                    purged_ms: Some(now_ms),
                    ..next
                }
            }
            Went::Badly { .. } => {
                self.failing.failed(waiting.image, now);
                next
            }
        };
        let is_gone = matches!(went, Went::Well) && is_over;
        let (waiting, is_new) = (waiting.clone(), next != *known);
        let kept = self.app.with_store(move |store| match is_gone {
            true => waiting.end(store, now_ms),
            false if is_new => waiting.keep(store, &next),
            false => Ok(()),
        });
        kept.await?;
        Ok(is_gone)
    }

    fn is_troubled(&self, idx: usize) -> bool {
        let troubled = self.troubled.lock().unwrap_or_else(PoisonError::into_inner);
        troubled
            .get(&idx)
            .is_some_and(|wait| !wait.is_over(Instant::now()))
    }

    fn note_health(&self, idx: usize, is_trouble: bool) {
        let now = Instant::now();
        let mut troubled = self.troubled.lock().unwrap_or_else(PoisonError::into_inner);
        if is_trouble {
            troubled.entry(idx).or_insert(Wait::new(now)).failed(now);
        } else {
            troubled.remove(&idx);
        }
    }

    /// One line for all that failed, and not too often.
    fn say(&mut self, failures: &[(String, String)]) {
        let Some((target, why)) = failures.first() else {
            return;
        };
        let now = Instant::now();
        if self.said.is_some_and(|said| now < said + SAY_AGAIN) {
            return;
        }
        self.said = Some(now);
        let n_images = failures.len();
        tracing::warn!(
            n_images,
            target_host = target,
            why,
            "copies in the CDN are purged later"
        );
    }
}
