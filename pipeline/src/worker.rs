//! Carries one image through the data path and contains what goes wrong there.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Fault, PipelineError};
use crate::item::{Prepared, Sides};
use crate::limits::Limits;
use crate::memory::{DecodeMemory, Reservation};
use crate::outcome::Timings;
use crate::path::{Reserve, StageClock};
use crate::shadow::{Drawer, ShadowInput};
use crate::stats::{Stats, count};
use crate::ticket::{Finished, Ticket, settle};

/// An image that was let in.
pub(crate) struct Job {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) ticket: Arc<Ticket>,
}

/// A prepared image's frames on their way to the device.
pub(crate) struct Ready {
    pub(crate) slots: Vec<Box<[u16]>>,
    /// For a cascade's second classifier; empty without one.
    pub(crate) second_slots: Vec<Box<[u16]>>,
    pub(crate) ticket: Arc<Ticket>,
}

/// The steps from bytes to the classifier's input; [`crate::path::prepare`].
pub(crate) type Path =
    fn(Arc<[u8]>, &Limits, Sides, &StageClock, &Reserve<'_>) -> Result<Prepared, PipelineError>;

/// What every worker thread needs.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) path: Path,
    pub(crate) limits: Limits,
    pub(crate) sides: Sides,
    /// Draws images for a candidate model, if there is one.
    pub(crate) drawer: Option<Arc<Drawer>>,
    pub(crate) memory: Arc<DecodeMemory>,
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
        let clock = StageClock::default();
        let waited = Cell::new(ticket.started().elapsed());
        let reserve = |bytes| self.reserve(bytes, &ticket, &waited);
        let drawer = self.drawer.as_deref();
        let sides = Sides {
            shadow: drawer.and_then(Drawer::side),
            ..self.sides
        };
        // The stages share nothing with other images, so a panic in one can
        // leave nothing half done but the image itself.
        let prepared = catch_unwind(AssertUnwindSafe(|| {
            (self.path)(bytes, &self.limits, sides, &clock, &reserve)
        }));
        let stages = clock.took();
        for (histogram, took) in self.stats.stages.iter().zip(stages) {
            if took > Duration::ZERO {
                histogram.record(took);
            }
        }
        let prepared = match prepared {
            Ok(Ok(prepared)) => prepared,
            Ok(Err(error)) => {
                settle(&self.stats, &ticket, ticket.refuse(error));
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
            waited_for_worker: waited.get(),
            ..Timings::default()
        };
        let finished = Finished {
            scrubbed: prepared.scrubbed,
            sha256: prepared.sha256,
            pdq: prepared.pdq,
            shadow: self.keep(prepared.shadow_slots),
            timings,
        };
        ticket.set_prepared(finished).then_some(Ready {
            slots: prepared.slots,
            second_slots: prepared.second_slots,
            ticket,
        })
    }

    /// A drawn image's inputs for the candidate, if there is room for them.
    fn keep(&self, slots: Vec<Box<[u16]>>) -> Option<ShadowInput> {
        let drawer = self.drawer.as_ref().filter(|_| !slots.is_empty())?;
        let kept = drawer.keep(slots);
        if kept.is_none() {
            count(&self.stats.shadow_no_room);
        }
        kept
    }

    /// Memory for the image, waited for as long as for a worker: both queues
    /// are ours. The image's own time begins after them.
    fn reserve(
        &self,
        bytes: u64,
        ticket: &Ticket,
        waited: &Cell<Duration>,
    ) -> Result<Reservation, PipelineError> {
        let reservation = self.memory.reserve(bytes, ticket.patience())?;
        ticket.begin();
        waited.set(ticket.started().elapsed());
        Ok(reservation)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Barrier, mpsc};
    use std::thread;
    use std::time::Instant;

    use super::*;
    use crate::admission::Admission;
    use crate::error::Reject;
    use crate::outcome::{Ingested, Reply};
    use crate::ticket::{Closed, OpenTickets, TimeLimits};

    /// Longer than any test takes.
    const STAGES_MAX: Duration = Duration::from_secs(600);

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
            sides: 4.into(),
            drawer: None,
            memory: DecodeMemory::new(100),
            stats: Arc::default(),
        }
    }

    fn job(departed: bool) -> (Job, mpsc::Receiver<Result<Ingested, PipelineError>>) {
        let permit = Admission::new(1, 10).admit(1, Duration::ZERO).unwrap();
        let (sender, receiver) = mpsc::channel();
        let limits = TimeLimits {
            stages: STAGES_MAX,
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
        let worker = worker(|_, _, _, _, _| panic!("a decoder's invariant broke"));
        let (job, answer) = job(false);
        assert!(worker.prepare(job).is_none());
        assert_eq!(
            answer.recv().unwrap().unwrap_err(),
            Fault::Panicked { stage: "sniff" }.into()
        );
    }

    #[test]
    fn a_departed_caller_costs_no_stage() {
        let worker = worker(|_, _, _, _, _| panic!("must not run"));
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

    /// A decoder that goes on for ever, as far as the watchdog can tell.
    #[test]
    fn a_stuck_stage_is_answered_at_its_deadline_and_keeps_only_what_it_uses() {
        static STUCK: Barrier = Barrier::new(2);
        static RELEASED: Barrier = Barrier::new(2);
        let worker = worker(|_, _, _, _, reserve| {
            let _memory = reserve(60)?;
            STUCK.wait();
            RELEASED.wait();
            Err(Reject::Truncated.into())
        });
        let (job, answer) = job(false);
        let ticket = Arc::clone(&job.ticket);
        thread::scope(|scope| {
            let prepared = scope.spawn(|| worker.prepare(job));
            STUCK.wait();
            assert_eq!(ticket.enforce(Instant::now()), None);
            let late = Instant::now() + STAGES_MAX;
            assert_eq!(ticket.enforce(late), Some(Closed::Rejected));
            let seconds = STAGES_MAX.as_secs();
            assert_eq!(
                answer.recv().unwrap().unwrap_err(),
                Reject::DeadlineExceeded { seconds }.into()
            );
            // It is in use until the decoder lets go of it.
            assert_eq!(worker.memory.usage().bytes, 60);
            RELEASED.wait();
            assert!(prepared.join().unwrap().is_none());
        });
        assert_eq!(worker.memory.usage().bytes, 0);
        assert!(answer.try_recv().is_err(), "it was answered twice");
    }

    #[test]
    fn a_panic_gives_the_memory_back() {
        let worker = worker(|_, _, _, _, reserve| {
            let _memory = reserve(60)?;
            panic!("a decoder's invariant broke")
        });
        assert!(worker.prepare(job(false).0).is_none());
        assert_eq!(worker.memory.usage().bytes, 0);
    }

    #[test]
    fn waiting_for_memory_is_our_queue_and_not_the_images_time() {
        let worker = worker(|_, _, _, _, reserve| {
            let _memory = reserve(60)?;
            Err(Reject::Truncated.into())
        });
        let held = worker.memory.reserve(60, Duration::ZERO).unwrap();
        let (job, answer) = job(false);
        let ticket = Arc::clone(&job.ticket);
        thread::scope(|scope| {
            scope.spawn(|| worker.prepare(job));
            while worker.memory.usage().waiting == 0 {
                thread::yield_now();
            }
            let late = Instant::now() + STAGES_MAX;
            assert_eq!(ticket.enforce(late), Some(Closed::Overloaded));
            assert!(matches!(
                answer.recv().unwrap(),
                Err(PipelineError::Overloaded(_))
            ));
            drop(held);
        });
        assert_eq!(worker.memory.usage().bytes, 0);
    }

    #[test]
    fn what_no_memory_suffices_for_is_refused() {
        let worker = worker(|_, _, _, _, reserve| {
            let _memory = reserve(101)?;
            panic!("must not run")
        });
        let (job, answer) = job(false);
        assert!(worker.prepare(job).is_none());
        let refusal = answer.recv().unwrap().unwrap_err();
        assert_eq!(refusal.code(), "needs-too-much-memory");
    }

    #[test]
    fn a_refusal_reaches_the_caller() {
        let worker = worker(|_, _, _, _, _| Err(Reject::Truncated.into()));
        let (job, answer) = job(false);
        assert!(worker.prepare(job).is_none());
        assert_eq!(
            answer.recv().unwrap().unwrap_err(),
            Reject::Truncated.into()
        );
    }
}
