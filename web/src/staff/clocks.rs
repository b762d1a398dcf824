//! The clocks that the law starts: how many have run out, for the first page, for
//! metrics and for the log.

use imgshare_storage::lawful::{self, RequestClocks};
use imgshare_storage::moderation::Lane;

use super::{Permission, Session};
use crate::app::App;
use crate::clock;
use crate::error::WebError;
use crate::moderation::api::lanes;

/// Cases and waiting images are counted up to here.
const COUNTED_MAX: usize = 1_000;

/// Waiting images are counted up to here for the metrics: some milliseconds.
const GAUGED_MAX: usize = 10_000;

/// What the first page says of the queues of who looks.
pub(super) struct Queues {
    /// What waits, lane by lane; empty for who has none.
    pub(super) waiting: Vec<String>,
    /// What is late; `None` when nothing is.
    pub(super) overdue: Option<String>,
}

pub(super) async fn queues(app: &App, session: &Session) -> Result<Queues, WebError> {
    let lanes = lanes(session).unwrap_or_default();
    let now_ms = clock::now_ms();
    let (waiting, n_overdue) = app
        .see_complaints(move |reporting| {
            let complaints = &reporting.complaints;
            let mut waiting = Vec::new();
            for lane in &lanes {
                let n_waiting = complaints.queue().count_waiting(*lane, COUNTED_MAX)?;
                waiting.push(format!("{}: {}", words(*lane), counted(n_waiting)));
            }
            let n_overdue = complaints.count_overdue(Some(&lanes), now_ms, COUNTED_MAX)?;
            Ok((waiting, n_overdue))
        })
        .await?;
    let overdue = match n_overdue {
        0 => None,
        1 => {
            Some("1 reported image is overdue: its clock has run out. Sort by “Due first”.".into())
        }
        n => Some(format!(
            "{} reported images are overdue: their clocks have run out. Sort by “Due first”.",
            counted(n)
        )),
    };
    Ok(Queues { waiting, overdue })
}

/// What the first page says of requests about personal data, to those who answer
/// them.
pub(super) async fn requests(app: &App, session: &Session) -> Result<Option<String>, WebError> {
    if !Permission::Requests.is_of(session.role) {
        return Ok(None);
    }
    let now_ms = clock::now_ms();
    let clocks = app.with_store(move |store| lawful::clocks(store, now_ms, COUNTED_MAX));
    Ok(told(&clocks.await?))
}

fn told(clocks: &RequestClocks) -> Option<String> {
    let are = |n: usize| if n == 1 { "is" } else { "are" };
    let requests = |n: usize| match n {
        1 => "1 privacy request".to_owned(),
        n => format!("{} privacy requests", counted(n)),
    };
    let (late, soon) = (clocks.n_overdue, clocks.n_soon);
    let words = match (late, soon) {
        (0, 0) => return None,
        (0, _) => format!("{} {} due within 3 days", requests(soon), are(soon)),
        (_, 0) => format!("{} {} overdue", requests(late), are(late)),
        _ => format!(
            "{} {} overdue, and {} {} due within 3 days",
            requests(late),
            are(late),
            counted(soon),
            are(soon)
        ),
    };
    Some(format!("{words}: answer them under Privacy requests."))
}

fn words(lane: Lane) -> &'static str {
    match lane {
        Lane::General => "Waiting for everybody",
        Lane::Senior => "Passed on to seniors",
        Lane::ChildSafety => "Waiting for child safety",
    }
}

fn counted(n: usize) -> String {
    match n {
        COUNTED_MAX.. => format!("{COUNTED_MAX} or more"),
        n => n.to_string(),
    }
}

impl App {
    /// Counts what waits and what is overdue, for the metrics, and says in the log
    /// when more is overdue than before.
    pub(crate) async fn watch_clocks(&self) {
        let now_ms = clock::now_ms();
        let counted = self.see_complaints(move |reporting| {
            let complaints = &reporting.complaints;
            let n_overdue = complaints.count_overdue(None, now_ms, COUNTED_MAX)?;
            let mut n_waiting = [0; Lane::ALL.len()];
            for (n_waiting, lane) in n_waiting.iter_mut().zip(Lane::ALL) {
                *n_waiting = complaints.queue().count_waiting(lane, GAUGED_MAX)?;
            }
            Ok((n_overdue, complaints.due_first()?, n_waiting))
        });
        match counted.await {
            Ok((n_overdue, due_first, n_waiting)) => {
                for (lane, n_waiting) in Lane::ALL.into_iter().zip(n_waiting) {
                    self.metrics.jobs_waiting(lane.as_str(), n_waiting);
                }
                let late_ms = due_first.map_or(0, |due_ms| now_ms.saturating_sub(due_ms));
                self.metrics.case_overdue(late_ms / 1_000);
                if self.metrics.cases_overdue(n_overdue) {
                    tracing::warn!(n_overdue, "reports were not decided in time; see /staff");
                }
            }
            Err(error) => tracing::warn!(%error, "overdue reports could not be counted"),
        }
        let clocks = self.with_store(move |store| lawful::clocks(store, now_ms, COUNTED_MAX));
        match clocks.await {
            Ok(clocks) => {
                if self.metrics.requests(clocks.n_open, clocks.n_overdue) {
                    let n_overdue = clocks.n_overdue;
                    tracing::warn!(
                        n_overdue,
                        "privacy requests were not answered in time; see /staff/requests"
                    );
                }
            }
            Err(error) => tracing::warn!(%error, "privacy requests could not be counted"),
        }
    }
}
