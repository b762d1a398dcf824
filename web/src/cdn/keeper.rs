//! Purges what is due: at the start, and within a second of an image's end. Each
//! target has a keeper of its own, with its own place in the list and its own waits:
//! one that refuses for ever, or hangs, keeps no other from its work.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use imgshare_storage::ImageId;
use imgshare_storage::retention::unpublished::{self, Heard, Purged, Unpublished, Waiting};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::failing::{Due, Failing, Wait};
use super::{Cdn, Outcome, Target};
use crate::app::AppState;
use crate::clock;
use crate::error::WebError;

/// How often it looks.
const PERIOD: Duration = Duration::from_secs(1);

/// Images looked at together, and images without a count of their failures that are
/// tried in one period.
const PAGE: usize = 64;

/// Images that are purged at the same time: connections to a target.
const AT_ONCE: usize = 8;

/// Images looked at in one period. What lies behind is looked at in the next, so
/// that a CDN that is away for days costs a bounded share of one core.
const LOOKED_AT_MAX: usize = 10_000;

/// Between two lines in the log about what does not work.
const SAY_AGAIN: Duration = Duration::from_secs(10);

/// Purges at every target until `stop` turns true. What is left is purged by the
/// next start.
pub(crate) async fn keep(app: AppState, cdn: Cdn, stop: watch::Receiver<bool>) {
    let keepers = Keeper::all(&app, &cdn).into_iter();
    join_all(keepers.map(|keeper| keeper.keep(stop.clone()))).await;
}

/// What is remembered of one target between two looks.
pub(crate) struct Keeper {
    app: AppState,
    cdn: Cdn,
    target: Target,
    failing: Failing,
    /// While the target as a whole is in trouble.
    trouble: Mutex<Option<Wait>>,
    /// The last image looked at, while there are more behind it.
    after: Option<ImageId>,
    /// What was seen since the first image.
    n_seen: u64,
    oldest_ms: Option<u64>,
    said: Option<Instant>,
}

/// How an image went.
enum Went {
    /// The target has said all that it is asked for.
    Over,
    /// It is not its time.
    NotDue,
    /// It was purged.
    Well,
    /// The target failed; said for the log.
    Badly(String),
}

impl Keeper {
    /// One for each target.
    pub(crate) fn all(app: &AppState, cdn: &Cdn) -> Vec<Self> {
        let keeper = |target: &Target| Self {
            app: AppState::clone(app),
            cdn: cdn.clone(),
            target: target.clone(),
            failing: Failing::default(),
            trouble: Mutex::default(),
            after: None,
            n_seen: 0,
            oldest_ms: None,
            said: None,
        };
        cdn.targets.iter().map(keeper).collect()
    }

    async fn keep(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                looked = self.look() => if let Err(error) = looked {
                    tracing::warn!(%error, "copies in the CDN are purged later");
                }
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = sleep(PERIOD) => {}
            }
        }
    }

    /// Looks at what waits, and purges what is due at this target.
    pub(crate) async fn look(&mut self) -> Result<(), WebError> {
        let mut n_looked_at = 0;
        while n_looked_at < LOOKED_AT_MAX {
            let after = self.after;
            let page = self
                .app
                .with_store(move |store| unpublished::waiting(store, after.as_ref(), PAGE))
                .await?;
            n_looked_at += page.len();
            let (last, is_last) = (page.last().map(|one| one.image), page.len() < PAGE);
            let has_uncounted = self.purge(page).await?;
            self.after = last.filter(|_| !is_last);
            if is_last {
                let now_ms = clock::now_ms();
                let oldest_ms = self.oldest_ms.take();
                let age_ms = oldest_ms.map_or(0, |oldest_ms| now_ms.saturating_sub(oldest_ms));
                let metrics = &self.app.metrics.cdn;
                metrics.waiting(&self.target.label, self.n_seen, age_ms);
                self.n_seen = 0;
                return Ok(());
            }
            if has_uncounted {
                // The next look goes on behind these: each has its turn.
                return Ok(());
            }
        }
        Ok(())
    }

    /// Purges what is due of a page. True when some of it failed that there is no
    /// room to count the failures of.
    async fn purge(&mut self, page: Vec<Waiting>) -> Result<bool, WebError> {
        let this = &*self;
        let all = stream::iter(page).map(|waiting| async move {
            let went = this.purge_one(&waiting).await;
            (waiting, went)
        });
        let all: Vec<(Waiting, Went)> = all.buffer_unordered(AT_ONCE).collect().await;
        let (now, now_ms) = (Instant::now(), clock::now_ms());
        let mut heard = Vec::new();
        let mut failures = Vec::new();
        let mut has_uncounted = false;
        for (waiting, went) in all {
            let (image, known) = (waiting.image, waiting.known());
            let purged = match went {
                Went::Over | Went::NotDue => None,
                Went::Well => {
                    self.failing.succeeded(&image);
                    Some(self.yes(known, now_ms))
                }
                Went::Badly(why) => {
                    has_uncounted |= self.failing.due(&image, now) == Due::Uncounted;
                    self.failing.failed(image, now);
                    failures.push(why);
                    None
                }
            };
            let said = purged.or_else(|| known.purged_by.get(&self.target.name).copied());
            if !said.is_some_and(|said| said.is_over) {
                let noted_ms = known.noted_ms.unwrap_or(now_ms);
                self.n_seen = self.n_seen.saturating_add(1);
                self.oldest_ms = Some(self.oldest_ms.map_or(noted_ms, |ms| ms.min(noted_ms)));
            }
            // One that refused may have left the settings.
            let is_left = known.is_over(&self.cdn.names);
            if purged.is_some() || is_left || known.noted_ms.is_none() {
                heard.push(Heard {
                    image,
                    revision: known.revision,
                    purged,
                });
            }
        }
        self.note(heard, now_ms).await?;
        self.say(&failures);
        Ok(has_uncounted)
    }

    /// Asks the target for an image, unless it failed a moment ago.
    async fn purge_one(&self, waiting: &Waiting) -> Went {
        let (image, known) = (waiting.image, waiting.known());
        let said = known.purged_by.get(&self.target.name);
        if said.is_some_and(|said| said.is_over) {
            return Went::Over;
        }
        if self.failing.due(&image, Instant::now()) == Due::No
            || !self.is_time(said)
            || self.is_troubled()
        {
            return Went::NotDue;
        }
        // Nothing that is asked for from now on may come from our own memory.
        self.app.cache.remove(image);
        let metrics = &self.app.metrics.cdn;
        let sent = |outcome: &Outcome| metrics.sent(&self.target.label, outcome.as_str());
        let last = self
            .cdn
            .purge_at(&self.target, &image, &known.extension, sent);
        let last = last.await;
        self.note_health(last.is_trouble());
        if last.is_done() {
            return Went::Well;
        }
        Went::Badly(format!("{} ({})", last.as_str(), last.detail()))
    }

    /// Whether an image that was purged once is to be purged again by now. A clock
    /// that was put back makes nobody wait.
    fn is_time(&self, said: Option<&Purged>) -> bool {
        let waited_ms = said.map(|said| clock::now_ms().abs_diff(said.first_ms));
        waited_ms.is_none_or(|waited_ms| waited_ms >= self.cdn.again_ms)
    }

    /// What the target has said yes to by now.
    fn yes(&self, known: &Unpublished, now_ms: u64) -> Purged {
        let before = known.purged_by.get(&self.target.name);
        Purged {
            first_ms: before.map_or(now_ms, |before| before.first_ms),
            is_over: before.is_some() || self.cdn.again_ms == 0,
        }
    }

    async fn note(&self, heard: Vec<Heard>, now_ms: u64) -> Result<(), WebError> {
        if heard.is_empty() {
            return Ok(());
        }
        let (name, all) = (self.target.name.clone(), self.cdn.names.clone());
        let noted = self.app.with_store(move |store| {
            unpublished::note(store, &name, &all, &heard, now_ms).map(|_| ())
        });
        noted.await
    }

    fn is_troubled(&self) -> bool {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.is_some_and(|wait| !wait.is_over(Instant::now()))
    }

    fn note_health(&self, is_trouble: bool) {
        let now = Instant::now();
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if is_trouble {
            trouble.get_or_insert(Wait::new(now)).failed(now);
        } else {
            *trouble = None;
        }
    }

    /// One line for all that failed, and not too often.
    fn say(&mut self, failures: &[String]) {
        let Some(why) = failures.first() else {
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
            target_host = self.target.label,
            why,
            "copies in the CDN are purged later"
        );
    }
}
