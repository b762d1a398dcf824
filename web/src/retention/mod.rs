//! The end of what is kept, done by the service and by commands.
//!
//! What ends and when is storage's ([`imgshare_storage::retention`]); here are the
//! clock, the pauses, and the door for commands while the service runs.

pub mod backup;
pub mod control;
mod keeper;
mod last_look;
pub mod views;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use imgshare_storage::calendar::MS_A_DAY;
use imgshare_storage::complaints::{Category, Complaints};
use imgshare_storage::lawful::RequestKind;
use imgshare_storage::moderation::{Bank, Queue, QueueSettings};
use imgshare_storage::retention::{
    Ages, Did, Job, PLAN_MAX, Planned, Retention, RetentionError, Terms, unpublished,
};
use imgshare_storage::{Exposed, ImageId, State, Store, lawful, request_log};
use serde::{Deserialize, Serialize};

pub(crate) use keeper::keep;
pub use last_look::LastLook;

use crate::app::App;
use crate::config::Settings;

/// Things ended in one piece.
const PIECE: usize = 64;

/// What jobs need, by shared ownership: for threads where it may block.
#[derive(Clone)]
pub struct House {
    queue: Arc<Queue>,
    complaints: Arc<Complaints>,
    data: PathBuf,
    terms: Terms,
    /// How long after its end a hold may still be there: that is looked for every so
    /// often.
    hold_grace_ms: u64,
    /// Whether a service runs here, and writes the request log.
    is_serving: bool,
}

/// Requests about personal data that are looked at.
const REQUESTS_MAX: usize = 1_000;

/// Things that are late are counted up to this.
pub(crate) const LATE_MAX: usize = 10_000;

/// Holds read at a time.
const HOLDS_PAGE: usize = 200;

/// What a look at the service has found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sight {
    /// How late what has a deadline is.
    pub lateness: Lateness,
    /// What others than the service's own user may open.
    pub exposed: Exposed,
    /// Why the request log cannot be written, if that is so.
    pub log_fault: Option<String>,
}

/// How late what has a deadline is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lateness {
    /// How old the oldest of what must end is.
    pub ages: Ages,
    /// Reports that should have ended a day ago.
    pub n_reports_overdue: u64,
    /// Requests about personal data that should have been answered.
    pub n_requests_overdue: u64,
    /// Reported images that should have been decided.
    pub n_cases_overdue: u64,
    /// Those of them, and of the requests, that are about a child under 13.
    pub n_children_overdue: u64,
    /// Images that are held although the order's end has passed, and the next round
    /// had its time.
    pub n_holds_overdue: u64,
    /// For how long an upload has waited to be classified, in milliseconds.
    pub oldest_unclassified_ms: u64,
    /// For how long copies of an image have waited to be purged at a CDN for the
    /// first time, in milliseconds.
    pub oldest_cdn_purge_ms: u64,
}

/// What a job has done as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Which.
    pub job: Job,
    /// Things that came to their end.
    pub n_done: u64,
    /// How long a rewrite kept everybody from writing, in microseconds.
    pub pause_us: u64,
}

impl House {
    /// That of the running service.
    #[must_use]
    pub fn of(app: &App) -> Self {
        let queue = Arc::clone(&app.queue);
        Self {
            complaints: Arc::new(Complaints::new(Arc::clone(&queue))),
            queue,
            data: app.settings.data.clone(),
            terms: app.settings.terms(),
            hold_grace_ms: app.settings.retention.hold_grace_ms(),
            is_serving: true,
        }
    }

    /// Over a store that no service has open.
    #[must_use]
    pub fn over(store: Store, settings: &Settings, queue: QueueSettings) -> Self {
        let store = Arc::new(store);
        let bank = Arc::new(Bank::new(Arc::clone(&store)));
        let queue = Arc::new(Queue::new(store, bank, queue));
        Self {
            complaints: Arc::new(Complaints::new(Arc::clone(&queue))),
            queue,
            data: settings.data.clone(),
            terms: settings.terms(),
            hold_grace_ms: settings.retention.hold_grace_ms(),
            is_serving: false,
        }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        self.queue.store()
    }

    /// Everything that jobs end things in.
    #[must_use]
    pub fn retention(&self) -> Retention<'_> {
        Retention {
            queue: &self.queue,
            complaints: &self.complaints,
            data: &self.data,
            terms: self.terms,
        }
    }

    /// What every job would do now. Changes nothing but counted views, which are
    /// written first.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn plan(&self, now_ms: u64) -> Result<Vec<Planned>, RetentionError> {
        self.store().merge_views()?;
        let retention = self.retention();
        Job::ALL
            .into_iter()
            .map(|job| retention.plan(job, now_ms))
            .collect()
    }

    /// Looks at everything that promises are judged by. Changes nothing, but may
    /// begin the day's segment of the request log.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn look(&self, now_ms: u64) -> Result<Sight, RetentionError> {
        let mut exposed = Exposed::of_data(&self.data);
        exposed.add_backups(&**self.store())?;
        if let Some(path) = &exposed.first {
            tracing::warn!(path, n = exposed.n_open, "others may open what holds data");
        }
        let log = self.data.join("log");
        let is_written = self.is_serving || log.exists();
        let probed = is_written.then(|| request_log::probe(&log, now_ms));
        let log_fault = probed.and_then(Result::err).map(|error| error.to_string());
        Ok(Sight {
            lateness: self.lateness(now_ms)?,
            exposed,
            log_fault,
        })
    }

    /// How late what has a deadline is. Changes nothing.
    fn lateness(&self, now_ms: u64) -> Result<Lateness, RetentionError> {
        let retention = self.retention();
        let store = &**self.store();
        // Jobs come round within hours.
        let reports = retention.plan(Job::Reports, now_ms.saturating_sub(MS_A_DAY))?;
        let requests = lawful::open(store, REQUESTS_MAX)?;
        let late = requests.iter().filter(|request| request.due_at_ms < now_ms);
        let requests: Vec<RequestKind> = late.map(|request| request.kind).collect();
        let of_children = requests
            .iter()
            .filter(|kind| **kind == RequestKind::UnderAge);
        let complaints = &self.complaints;
        let reported = complaints.count_overdue_about(Category::UnderAge, now_ms, LATE_MAX)?;
        let purges = unpublished::waiting(store, None, PLAN_MAX)?;
        let noted = purges.iter().filter_map(|waiting| {
            let known = waiting.known();
            known.noted_ms.filter(|_| known.purged_ms.is_none())
        });
        Ok(Lateness {
            ages: retention.ages(now_ms)?,
            n_reports_overdue: reports.n_due,
            n_requests_overdue: wide(requests.len()),
            n_cases_overdue: wide(complaints.count_overdue(None, now_ms, LATE_MAX)?),
            n_children_overdue: wide(of_children.count().saturating_add(reported)),
            n_holds_overdue: wide(self.holds_overdue(now_ms)?),
            oldest_unclassified_ms: self.oldest_unclassified_ms(now_ms)?,
            oldest_cdn_purge_ms: noted.min().map_or(0, |since| now_ms.saturating_sub(since)),
        })
    }

    fn holds_overdue(&self, now_ms: u64) -> Result<usize, RetentionError> {
        let store = &**self.store();
        let (mut n_seen, mut n_overdue, mut after) = (0, 0, None);
        while n_seen < LATE_MAX {
            let page = lawful::holds(store, after.as_ref(), HOLDS_PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.image);
            n_seen += page.len();
            let is_over = |until: u64| until.saturating_add(self.hold_grace_ms) <= now_ms;
            let over = page.iter().filter(|hold| is_over(hold.expires_at_ms));
            n_overdue += over.count();
        }
        Ok(n_overdue)
    }

    fn oldest_unclassified_ms(&self, now_ms: u64) -> Result<u64, RetentionError> {
        let store = self.store();
        let oldest = store.in_state(State::Pending, None, 1)?;
        let Some(id) = oldest.ids.first() else {
            return Ok(0);
        };
        let record = store.find(id)?;
        Ok(record.map_or(0, |record| now_ms.saturating_sub(record.uploaded_at_ms)))
    }

    /// Does everything that is due. `gone` is told the images that are gone after each
    /// piece of a job. A job that fails keeps no other from being done.
    ///
    /// # Errors
    /// The first job's that does not go on, once all others are done; calling again
    /// goes on.
    pub fn run(
        &self,
        now_ms: u64,
        gone: &mut dyn FnMut(Job, &Did, &[ImageId]),
    ) -> Result<Vec<Ended>, RetentionError> {
        let (mut all, mut failure) = (Vec::new(), None);
        for job in Job::ALL {
            match self.run_all_of(job, now_ms, gone) {
                Ok(ended) => all.push(ended),
                Err(error) => {
                    tracing::error!(job = job.as_str(), %error, "what is due ends later");
                    failure = failure.or(Some(error));
                }
            }
        }
        failure.map_or(Ok(all), Err)
    }

    fn run_all_of(
        &self,
        job: Job,
        now_ms: u64,
        gone: &mut dyn FnMut(Job, &Did, &[ImageId]),
    ) -> Result<Ended, RetentionError> {
        let retention = self.retention();
        let mut ended = Ended {
            job,
            n_done: 0,
            pause_us: 0,
        };
        loop {
            let mut go_on = || ControlFlow::Continue(());
            let did = retention.run(job, now_ms, PIECE, &mut go_on)?;
            ended.n_done = ended.n_done.saturating_add(did.n_done);
            ended.pause_us = ended.pause_us.max(did.pause_us);
            gone(job, &did, &did.images);
            if !did.is_more {
                return Ok(ended);
            }
        }
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
