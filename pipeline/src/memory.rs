//! The memory that decoded pictures may take, over all images at once.
//!
//! A file of a few megabytes can decode to hundreds, so admission's bytes do
//! not bound it. Whoever decodes reserves what the header says it will take,
//! and waits in line for it. In line means first come, first served: small
//! pictures do not overtake a large one until it starves.

use std::collections::VecDeque;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Fault, Overloaded, PipelineError, Reject};
use crate::lost::NoDecoder;

/// A number of bytes that is shared out and taken back.
#[derive(Debug)]
pub struct DecodeMemory {
    bytes_max: u64,
    state: Mutex<State>,
    changed: Condvar,
}

/// How much of the memory is reserved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// Reserved at this moment, in bytes.
    pub bytes: u64,
    /// The most that was ever reserved at once, in bytes.
    pub bytes_peak: u64,
    /// Pictures that wait for memory.
    pub waiting: usize,
}

#[derive(Debug, Default)]
struct State {
    bytes: u64,
    bytes_peak: u64,
    /// Of `bytes`, what lost decoders keep: never free again.
    bytes_lost: u64,
    /// Who waits, the longest first.
    waiting: VecDeque<u64>,
    next_turn: u64,
}

impl DecodeMemory {
    /// Memory of `bytes_max` bytes.
    #[must_use]
    pub fn new(bytes_max: u64) -> Arc<Self> {
        Arc::new(Self {
            bytes_max,
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// Waits until `bytes` bytes are free and it is this caller's turn, at most
    /// for `wait_max`. What fits at all is always given in the end: whoever is
    /// first in line needs nothing but that others finish.
    ///
    /// # Errors
    /// [`Reject::NeedsTooMuchMemory`] for more than there will ever be,
    /// [`Overloaded`] when the time is up, or at once for more than lost decoders
    /// have left.
    pub fn reserve(
        self: &Arc<Self>,
        bytes: u64,
        wait_max: Duration,
    ) -> Result<Reservation, PipelineError> {
        if bytes > self.bytes_max {
            let bytes_max = self.bytes_max;
            return Err(Reject::NeedsTooMuchMemory { bytes, bytes_max }.into());
        }
        let asked = Instant::now();
        let mut state = self.lock();
        let turn = state.next_turn;
        state.next_turn += 1;
        state.waiting.push_back(turn);
        let is_hopeless = |state: &State| bytes > self.bytes_max - state.bytes_lost;
        let must_wait = |state: &mut State| {
            let is_next = state.waiting.front() == Some(&turn);
            !is_hopeless(state) && (!is_next || bytes > self.bytes_max - state.bytes)
        };
        let (mut state, timeout) = self
            .changed
            .wait_timeout_while(state, wait_max, must_wait)
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting.retain(|&waiting| waiting != turn);
        let is_given = !timeout.timed_out() && !is_hopeless(&state);
        if is_given {
            state.bytes += bytes;
            state.bytes_peak = state.bytes_peak.max(state.bytes);
        }
        drop(state);
        // Another is first in line now, and there may be room for it too.
        self.changed.notify_all();
        if !is_given {
            let retry_after = asked.elapsed().max(Duration::from_secs(1));
            return Err(Overloaded { retry_after }.into());
        }
        Ok(Reservation {
            memory: Arc::clone(self),
            bytes,
        })
    }

    /// How much is reserved.
    #[must_use]
    pub fn usage(&self) -> MemoryUse {
        let state = self.lock();
        MemoryUse {
            bytes: state.bytes,
            bytes_peak: state.bytes_peak,
            waiting: state.waiting.len(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No panic can come between two statements that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Memory that one picture may use. Dropping it gives it back: drop the
/// picture first.
#[derive(Debug)]
#[must_use = "it is given back when this is dropped"]
pub struct Reservation {
    memory: Arc<DecodeMemory>,
    bytes: u64,
}

impl Reservation {
    /// Does the work that the memory is for, and gives the memory back, after a
    /// panic too. What a lost decoder keeps is never free again, so it stays
    /// reserved.
    ///
    /// # Errors
    /// [`Fault::DecoderLost`] and [`Fault::FormatUnavailable`].
    pub fn spend<T>(self, work: impl FnOnce() -> T) -> Result<T, Fault> {
        // Other panics go on, so nobody sees what the work left half done.
        let payload = match catch_unwind(AssertUnwindSafe(work)) {
            Ok(done) => return Ok(done),
            Err(payload) => payload,
        };
        match payload.downcast::<NoDecoder>() {
            Ok(reason) => {
                if *reason == NoDecoder::Lost {
                    self.memory.lock().bytes_lost += self.bytes;
                    self.memory.changed.notify_all();
                    mem::forget(self);
                }
                Err((*reason).into())
            }
            Err(payload) => resume_unwind(payload),
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.memory.lock().bytes -= self.bytes;
        self.memory.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    /// Waits until `n` callers stand in line.
    fn wait_for_line(memory: &DecodeMemory, n: usize) {
        let until = Instant::now() + LONG;
        while memory.usage().waiting != n {
            assert!(Instant::now() < until, "nobody came");
            thread::yield_now();
        }
    }

    #[test]
    fn what_is_reserved_comes_back() {
        let memory = DecodeMemory::new(100);
        let first = memory.reserve(60, LONG).unwrap();
        let second = memory.reserve(40, LONG).unwrap();
        assert_eq!(memory.usage().bytes, 100);
        drop((first, second));
        let expected = MemoryUse {
            bytes: 0,
            bytes_peak: 100,
            waiting: 0,
        };
        assert_eq!(memory.usage(), expected);
    }

    #[test]
    fn what_a_lost_decoder_keeps_stays_reserved() {
        let memory = DecodeMemory::new(100);
        let spend = |bytes, work: fn()| memory.reserve(bytes, LONG).unwrap().spend(work);
        assert_eq!(spend(60, || ()), Ok(()));
        assert_eq!(
            spend(60, || NoDecoder::NoneLeft.unwind()),
            Err(Fault::FormatUnavailable)
        );
        assert_eq!(memory.usage().bytes, 0);
        assert_eq!(
            spend(60, || NoDecoder::Lost.unwind()),
            Err(Fault::DecoderLost)
        );
        assert_eq!(memory.usage().bytes, 60);
        let asked = Instant::now();
        let refused = memory.reserve(50, 10 * LONG);
        assert!(matches!(refused, Err(PipelineError::Overloaded(_))));
        assert!(asked.elapsed() < LONG, "refused at once");
        let other = catch_unwind(AssertUnwindSafe(|| spend(30, || panic!("meant by a test"))));
        assert!(other.is_err());
        assert_eq!(memory.usage().bytes, 60);
    }

    #[test]
    fn what_can_never_fit_is_refused_at_once() {
        let memory = DecodeMemory::new(100);
        assert_eq!(
            memory.reserve(101, LONG).unwrap_err(),
            Reject::NeedsTooMuchMemory {
                bytes: 101,
                bytes_max: 100
            }
            .into()
        );
        drop(memory.reserve(100, LONG).unwrap());
    }

    #[test]
    fn whoever_waits_too_long_leaves_the_line() {
        let memory = DecodeMemory::new(100);
        let held = memory.reserve(100, LONG).unwrap();
        assert!(matches!(
            memory.reserve(1, Duration::ZERO),
            Err(PipelineError::Overloaded(_))
        ));
        assert_eq!((memory.usage().bytes, memory.usage().waiting), (100, 0));
        drop(held);
        assert!(memory.reserve(100, LONG).is_ok());
    }

    #[test]
    fn whoever_waits_for_what_a_lost_decoder_keeps_leaves_the_line() {
        let memory = DecodeMemory::new(100);
        let held = memory.reserve(60, LONG).unwrap();
        thread::scope(|scope| {
            let hopeless = scope.spawn(|| memory.reserve(50, LONG).map(drop));
            wait_for_line(&memory, 1);
            let small = scope.spawn(|| memory.reserve(10, LONG).map(drop));
            wait_for_line(&memory, 2);
            let asked = Instant::now();
            assert!(held.spend(|| NoDecoder::Lost.unwind()).is_err());
            assert!(hopeless.join().unwrap().is_err());
            assert!(small.join().unwrap().is_ok());
            assert!(asked.elapsed() < LONG);
        });
    }

    #[test]
    fn small_ones_do_not_overtake_a_large_one() {
        let memory = DecodeMemory::new(100);
        let held = memory.reserve(50, LONG).unwrap();
        let (order_tx, order) = mpsc::channel();
        let mut threads = Vec::new();
        for (n_before, bytes) in [80, 10, 10].into_iter().enumerate() {
            wait_for_line(&memory, n_before);
            let (memory, order) = (Arc::clone(&memory), order_tx.clone());
            threads.push(thread::spawn(move || {
                let reservation = memory.reserve(bytes, LONG).unwrap();
                order.send(bytes).unwrap();
                reservation
            }));
        }
        wait_for_line(&memory, 3);
        assert!(order.try_recv().is_err());
        drop(held);
        let reservations: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        assert_eq!(order.iter().take(3).collect::<Vec<_>>().len(), 3);
        assert_eq!(memory.usage().bytes, 100);
        drop(reservations);
        assert_eq!(memory.usage().bytes, 0);
    }

    #[test]
    fn the_next_in_line_is_not_held_up_by_one_that_gave_up() {
        let memory = DecodeMemory::new(100);
        let held = memory.reserve(50, LONG).unwrap();
        thread::scope(|scope| {
            let large = scope.spawn(|| memory.reserve(80, Duration::from_millis(300)));
            wait_for_line(&memory, 1);
            let small = scope.spawn(|| memory.reserve(10, LONG));
            assert!(large.join().unwrap().is_err());
            assert!(small.join().unwrap().is_ok());
        });
        drop(held);
        assert_eq!(memory.usage().bytes, 0);
    }

    #[test]
    fn many_at_once_never_exceed_it() {
        let memory = DecodeMemory::new(1_000);
        thread::scope(|scope| {
            for seed in 0..8_u64 {
                let memory = &memory;
                scope.spawn(move || {
                    for step in 0..200 {
                        let bytes = (seed * 131 + step * 37) % 1_000 + 1;
                        let reservation = memory.reserve(bytes, LONG).unwrap();
                        assert!(memory.usage().bytes <= 1_000);
                        drop(reservation);
                    }
                });
            }
        });
        assert_eq!((memory.usage().bytes, memory.usage().waiting), (0, 0));
        assert!(memory.usage().bytes_peak <= 1_000);
    }
}
