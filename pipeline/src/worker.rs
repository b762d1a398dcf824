//! Carries one image through the data path and contains what goes wrong there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Fault, Reject};
use crate::item::Prepared;
use crate::limits::Limits;
use crate::outcome::Timings;
use crate::path::StageClock;
use crate::stats::Stats;
use crate::ticket::{Finished, Ticket, settle};

/// An image that was let in.
pub(crate) struct Job {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) ticket: Arc<Ticket>,
}

/// A prepared image's frames on their way to the device.
pub(crate) struct Ready {
    pub(crate) slots: Vec<Box<[u16]>>,
    pub(crate) ticket: Arc<Ticket>,
}

/// The steps from bytes to the classifier's input; [`crate::path::prepare`].
pub(crate) type Path = fn(Arc<[u8]>, &Limits, u32, &StageClock) -> Result<Prepared, Reject>;

/// What every worker thread needs.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) path: Path,
    pub(crate) limits: Limits,
    pub(crate) side: u32,
    pub(crate) stats: Arc<Stats>,
}

impl Worker {
    /// The image's frames, or nothing when its ticket is closed already.
    pub(crate) fn prepare(&self, job: Job) -> Option<Ready> {
        let Job { bytes, ticket } = job;
        if ticket.is_departed() {
            settle(&self.stats, &ticket, ticket.abandon());
            return None;
        }
        ticket.begin();
        let clock = StageClock::default();
        let waited_for_worker = ticket.started().elapsed();
        // The stages share nothing with other images, so a panic in one can
        // leave nothing half done but the image itself.
        let prepared = catch_unwind(AssertUnwindSafe(|| {
            (self.path)(bytes, &self.limits, self.side, &clock)
        }));
        let stages = clock.took();
        for (histogram, took) in self.stats.stages.iter().zip(stages) {
            if took > Duration::ZERO {
                histogram.record(took);
            }
        }
        let prepared = match prepared {
            Ok(Ok(prepared)) => prepared,
            Ok(Err(reject)) => {
                settle(&self.stats, &ticket, ticket.refuse(reject.into()));
                return None;
            }
            Err(_) => {
                let stage = clock.running();
                tracing::error!(stage, "a stage panicked; one image was lost");
                settle(
                    &self.stats,
                    &ticket,
                    ticket.refuse(Fault::Panicked { stage }.into()),
                );
                return None;
            }
        };
        let timings = Timings {
            stages,
            waited_for_worker,
            ..Timings::default()
        };
        let finished = Finished {
            scrubbed: prepared.scrubbed,
            sha256: prepared.sha256,
            pdq: prepared.pdq,
            timings,
        };
        ticket.set_prepared(finished).then_some(Ready {
            slots: prepared.slots,
            ticket,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::admission::Admission;
    use crate::error::PipelineError;
    use crate::outcome::{Ingested, Reply};
    use crate::ticket::{OpenTickets, TimeLimits};

    struct Caller(mpsc::Sender<Result<Ingested, PipelineError>>, bool);

    impl Reply for Caller {
        fn departed(&self) -> bool {
            self.1
        }

        fn send(self: Box<Self>, outcome: Result<Ingested, PipelineError>) {
            self.0.send(outcome).unwrap();
        }
    }

    fn worker(path: Path) -> Worker {
        Worker {
            path,
            limits: Limits::default(),
            side: 4,
            stats: Arc::default(),
        }
    }

    fn job(departed: bool) -> (Job, mpsc::Receiver<Result<Ingested, PipelineError>>) {
        let permit = Admission::new(1, 10).admit(1, Duration::ZERO).unwrap();
        let (sender, receiver) = mpsc::channel();
        let limits = TimeLimits {
            stages: Duration::MAX,
            verdict: Duration::MAX,
        };
        let caller = Box::new(Caller(sender, departed));
        let ticket = Arc::new(OpenTickets::new(limits)).issue(permit, caller);
        (
            Job {
                bytes: Arc::from(&b"x"[..]),
                ticket,
            },
            receiver,
        )
    }

    #[test]
    fn a_panic_costs_one_image_and_names_no_more_than_its_stage() {
        let worker = worker(|_, _, _, _| panic!("a decoder's invariant broke"));
        let (job, answer) = job(false);
        assert!(worker.prepare(job).is_none());
        assert_eq!(
            answer.recv().unwrap().unwrap_err(),
            Fault::Panicked { stage: "sniff" }.into()
        );
    }

    #[test]
    fn a_departed_caller_costs_no_stage() {
        let worker = worker(|_, _, _, _| panic!("must not run"));
        let (job, answer) = job(true);
        assert!(worker.prepare(job).is_none());
        assert!(answer.recv().is_err());
        assert_eq!(
            worker
                .stats
                .departed
                .load(std::sync::atomic::Ordering::Relaxed),
            1
        );
    }

    #[test]
    fn a_refusal_reaches_the_caller() {
        let worker = worker(|_, _, _, _| Err(Reject::Truncated));
        let (job, answer) = job(false);
        assert!(worker.prepare(job).is_none());
        assert_eq!(
            answer.recv().unwrap().unwrap_err(),
            Reject::Truncated.into()
        );
    }
}
