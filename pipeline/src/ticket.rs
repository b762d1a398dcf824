//! One image's claim to an answer: exactly one is given, whoever gives it.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use imgshare_kernels::Pdq;

use crate::admission::Permit;
use crate::error::{Fault, Overloaded, PipelineError, Reject};
use crate::item::Scrubbed;
use crate::outcome::{Ingested, Reply, Timings, Verdict};
use crate::shadow::ShadowInput;
use crate::stats::{Stats, count};

/// What the stages made of an image, waiting for its verdict.
pub(crate) struct Finished {
    pub(crate) scrubbed: Scrubbed,
    pub(crate) sha256: [u8; 32],
    pub(crate) pdq: Option<Pdq>,
    pub(crate) shadow: Option<ShadowInput>,
    pub(crate) timings: Timings,
}

enum State {
    /// In a queue, for a worker or for memory, or in a stage since it was begun.
    Preparing {
        caller: Box<dyn Reply>,
        permit: Permit,
        begun: Option<Instant>,
    },
    /// Through the stages, waiting for the classifier.
    Prepared {
        caller: Box<dyn Reply>,
        permit: Permit,
        finished: Box<Finished>,
        since: Instant,
    },
    /// Answered or abandoned. After a refusal the permit stays until the last
    /// thread lets go of the ticket: its memory is in use until then.
    Closed { _permit: Option<Permit> },
}

/// How long an image may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeLimits {
    /// From its submission until it is decoded, and from there to its last stage.
    pub(crate) stages: Duration,
    /// From there to its verdict.
    pub(crate) verdict: Duration,
}

/// Shared by the worker or batch that carries the image and the watchdog.
pub(crate) struct Ticket {
    id: u64,
    started: Instant,
    limits: TimeLimits,
    state: Mutex<State>,
    open: Arc<OpenTickets>,
}

/// How a ticket was closed, for the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    Scored,
    Pending,
    Rejected,
    Overloaded,
    Fault,
    Departed,
}

impl Ticket {
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// True when no further work on the image is of use to anyone.
    pub(crate) fn is_departed(&self) -> bool {
        match &*self.lock() {
            State::Preparing { caller, .. } | State::Prepared { caller, .. } => caller.departed(),
            State::Closed { .. } => true,
        }
    }

    /// How long the image may still be queued.
    pub(crate) fn patience(&self) -> Duration {
        self.limits.stages.saturating_sub(self.started.elapsed())
    }

    /// Notes that decoding begins: the time until here was our queue's, the
    /// time from here is the image's own.
    pub(crate) fn begin(&self) {
        if let State::Preparing { begun, .. } = &mut *self.lock() {
            *begun = Some(Instant::now());
        }
    }

    /// Records that the stages are through. False when the ticket was closed
    /// meanwhile.
    pub(crate) fn set_prepared(&self, finished: Finished) -> bool {
        let mut state = self.lock();
        match std::mem::replace(&mut *state, State::Closed { _permit: None }) {
            State::Preparing { caller, permit, .. } => {
                *state = State::Prepared {
                    caller,
                    permit,
                    finished: Box::new(finished),
                    since: Instant::now(),
                };
                true
            }
            other => {
                *state = other;
                false
            }
        }
    }

    /// Answers with the image; a verdict past its deadline counts as none, even
    /// where the watchdog has not come by yet. `batch_started` and `infer` go
    /// into the timings. None when the ticket was already closed or the image is
    /// not through its stages.
    pub(crate) fn answer(
        &self,
        verdict: Verdict,
        batch_started: Option<Instant>,
        infer: Duration,
    ) -> Option<Closed> {
        let mut state = self.lock();
        match std::mem::replace(&mut *state, State::Closed { _permit: None }) {
            State::Prepared {
                caller,
                permit,
                finished,
                since,
            } => {
                drop(state);
                let verdict = if since.elapsed() < self.limits.verdict {
                    verdict
                } else {
                    Verdict::Pending
                };
                let closed = match verdict {
                    Verdict::Scored(_) => Closed::Scored,
                    Verdict::Pending => Closed::Pending,
                };
                let mut timings = finished.timings;
                timings.waited_for_batch = batch_started
                    .unwrap_or_else(Instant::now)
                    .saturating_duration_since(since);
                timings.infer = infer;
                timings.total = self.started.elapsed();
                let Finished {
                    scrubbed,
                    sha256,
                    pdq,
                    shadow,
                    ..
                } = *finished;
                caller.send(Ok(Ingested {
                    scrubbed,
                    sha256,
                    pdq,
                    // Without scores there is nothing to compare.
                    shadow: shadow.filter(|_| closed == Closed::Scored),
                    verdict,
                    timings,
                    permit,
                }));
                self.open.remove(self.id);
                Some(closed)
            }
            other => {
                *state = other;
                None
            }
        }
    }

    /// Answers with an error. None when the ticket was already closed.
    pub(crate) fn refuse(&self, error: PipelineError) -> Option<Closed> {
        let closed = match &error {
            PipelineError::Reject(_) => Closed::Rejected,
            PipelineError::Overloaded(_) => Closed::Overloaded,
            PipelineError::Fault(_) => Closed::Fault,
        };
        let caller = self.close()?;
        caller.send(Err(error));
        self.open.remove(self.id);
        Some(closed)
    }

    /// Closes the ticket of a caller that left; nobody is told.
    pub(crate) fn abandon(&self) -> Option<Closed> {
        drop(self.close()?);
        self.open.remove(self.id);
        Some(Closed::Departed)
    }

    /// Answers whatever is overdue at `now`.
    pub(crate) fn enforce(&self, now: Instant) -> Option<Closed> {
        enum Overdue {
            Queue,
            Stages,
            Verdict,
        }
        let TimeLimits { stages, verdict } = self.limits;
        let past = |start: Instant, limit| now.saturating_duration_since(start) >= limit;
        let overdue = match &*self.lock() {
            State::Preparing { begun: None, .. } if past(self.started, stages) => Overdue::Queue,
            State::Preparing {
                begun: Some(begun), ..
            } if past(*begun, stages) => Overdue::Stages,
            State::Prepared { since, .. } if past(*since, verdict) => Overdue::Verdict,
            _ => return None,
        };
        match overdue {
            Overdue::Queue => self.refuse(
                Overloaded {
                    retry_after: stages,
                }
                .into(),
            ),
            Overdue::Stages => self.refuse(
                Reject::DeadlineExceeded {
                    seconds: stages.as_secs(),
                }
                .into(),
            ),
            Overdue::Verdict => self.answer(Verdict::Pending, None, Duration::ZERO),
        }
    }

    /// Answers at once because the pipeline ends: a prepared image is whole and
    /// is handed out unclassified, any other is refused.
    pub(crate) fn end(&self) -> Option<Closed> {
        self.answer(Verdict::Pending, None, Duration::ZERO)
            .or_else(|| self.refuse(Fault::ShuttingDown.into()))
    }

    fn close(&self) -> Option<Box<dyn Reply>> {
        let mut state = self.lock();
        match std::mem::replace(&mut *state, State::Closed { _permit: None }) {
            State::Preparing { caller, permit, .. } | State::Prepared { caller, permit, .. } => {
                *state = State::Closed {
                    _permit: Some(permit),
                };
                Some(caller)
            }
            other => {
                *state = other;
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change replaces the state whole; a poisoned lock holds a valid one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts how a ticket was closed, if this call closed it.
pub(crate) fn settle(stats: &Stats, ticket: &Ticket, closed: Option<Closed>) {
    let counter = match closed {
        None => return,
        Some(Closed::Scored) => &stats.scored,
        Some(Closed::Pending) => &stats.pending,
        Some(Closed::Rejected) => &stats.rejected,
        Some(Closed::Overloaded) => &stats.overloaded,
        Some(Closed::Fault) => &stats.faults,
        Some(Closed::Departed) => &stats.departed,
    };
    count(counter);
    stats.total.record(ticket.started().elapsed());
}

/// Every ticket that still owes an answer. Bounded by admission.
pub(crate) struct OpenTickets {
    limits: TimeLimits,
    inner: Mutex<Open>,
    emptied: Condvar,
}

#[derive(Default)]
struct Open {
    next_id: u64,
    tickets: HashMap<u64, Arc<Ticket>>,
}

impl OpenTickets {
    pub(crate) fn new(limits: TimeLimits) -> Self {
        Self {
            limits,
            inner: Mutex::default(),
            emptied: Condvar::new(),
        }
    }

    pub(crate) fn issue(self: &Arc<Self>, permit: Permit, caller: Box<dyn Reply>) -> Arc<Ticket> {
        let mut open = self.lock();
        let id = open.next_id;
        open.next_id += 1;
        let ticket = Arc::new(Ticket {
            id,
            started: Instant::now(),
            limits: self.limits,
            state: Mutex::new(State::Preparing {
                caller,
                permit,
                begun: None,
            }),
            open: Arc::clone(self),
        });
        open.tickets.insert(id, Arc::clone(&ticket));
        ticket
    }

    /// The tickets open at this moment.
    pub(crate) fn all(&self) -> Vec<Arc<Ticket>> {
        self.lock().tickets.values().cloned().collect()
    }

    /// Waits until every ticket is closed, at most until `until`.
    pub(crate) fn wait_until_empty(&self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let (open, _) = self
            .emptied
            .wait_timeout_while(self.lock(), left, |open| !open.tickets.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        open.tickets.is_empty()
    }

    fn remove(&self, id: u64) {
        let mut open = self.lock();
        let removed = open.tickets.remove(&id);
        if open.tickets.is_empty() {
            self.emptied.notify_all();
        }
        // The ticket may hold the last reference to much memory; free it
        // outside the lock.
        drop(open);
        drop(removed);
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
