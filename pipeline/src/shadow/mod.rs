//! A candidate model that looks at some of the images and decides nothing.
//!
//! Its inputs are made with the image's own, because the pixels end there, and
//! travel with the image's answer. Whoever gets the answer offers them here once
//! the image is through. One thread takes what was offered, only while no image
//! is inside the pipeline: the device and the cores are the uploads'. What finds
//! no place in line is dropped and counted.

mod draw;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::batch::Slab;
use crate::device::{infer, worst};
use crate::outcome::Scored;
use crate::stats::{Stats, count};
use crate::ticket::OpenTickets;
use crate::topology::MakeClassifier;

pub(crate) use draw::Drawer;
pub use draw::{ShadowDraw, ShadowInput};

/// Images that wait for the candidate at most.
const WAITING_MAX: usize = 64;

/// Failures in a row after which the candidate is given up.
const FAILURES_MAX: u32 = 3;

/// How often a thread that waits for a gap looks whether it is to end.
const STOP_TICK: Duration = Duration::from_millis(100);

/// Hears what the candidate says of an image, on the candidate's thread.
pub type Tell = Box<dyn FnOnce(&Scored) + Send>;

/// How a candidate is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ShadowState {
    /// It is being made and warmed.
    #[default]
    Starting,
    /// It looks at images, on this device.
    Running {
        /// The device, for people.
        device: String,
    },
    /// It was given up.
    Failed {
        /// Why.
        reason: String,
    },
    /// The service ends.
    Stopped,
}

/// A candidate model with its thread.
pub struct Shadow {
    offered: Mutex<Option<Sender<Offer>>>,
    shared: Arc<Shared>,
    /// Closed by the thread when it ends.
    ended: Receiver<()>,
}

struct Offer {
    input: ShadowInput,
    tell: Tell,
}

/// What the thread shares with who offers.
struct Shared {
    stats: Arc<Stats>,
    tickets: Arc<OpenTickets>,
    state: Mutex<ShadowState>,
    is_stopping: AtomicBool,
}

impl Shadow {
    /// Starts the thread, which makes the candidate: nothing waits for it. One
    /// that cannot be made is given up, and the reason logged.
    pub(crate) fn start(
        make: MakeClassifier,
        stats: Arc<Stats>,
        tickets: Arc<OpenTickets>,
    ) -> std::io::Result<Self> {
        let (offered_tx, offered) = bounded(WAITING_MAX);
        let (ended_tx, ended) = bounded(0);
        let shared = Arc::new(Shared {
            stats,
            tickets,
            state: Mutex::default(),
            is_stopping: AtomicBool::new(false),
        });
        let this = Arc::clone(&shared);
        let run = move || {
            let _ended: Sender<()> = ended_tx;
            run(&this, make, &offered);
        };
        thread::Builder::new()
            .name("imgshare-shadow".to_owned())
            .spawn(run)?;
        Ok(Self {
            offered: Mutex::new(Some(offered_tx)),
            shared,
            ended,
        })
    }

    /// Has the candidate look at an image that is answered already. Never
    /// blocks; what finds no place in line is dropped and counted.
    pub fn offer(&self, input: ShadowInput, tell: Tell) {
        let offered = self.offered.lock();
        let offered = offered.unwrap_or_else(PoisonError::into_inner);
        let is_taken = offered
            .as_ref()
            .is_some_and(|offered| offered.try_send(Offer { input, tell }).is_ok());
        if !is_taken {
            count(&self.shared.stats.shadow_dropped);
        }
    }

    /// How it is doing.
    #[must_use]
    pub fn state(&self) -> ShadowState {
        self.shared.state().clone()
    }

    /// Ends the thread after the image that it looks at. True when that was
    /// within `timeout`.
    pub fn stop(&self, timeout: Duration) -> bool {
        self.shared.is_stopping.store(true, Relaxed);
        let offered = self.offered.lock();
        drop(offered.unwrap_or_else(PoisonError::into_inner).take());
        let ended = self.ended.recv_timeout(timeout);
        ended == Err(crossbeam_channel::RecvTimeoutError::Disconnected)
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, ShadowState> {
        // It is replaced whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_up(&self, reason: String) {
        tracing::error!(%reason, "the candidate model is given up; nothing else changes");
        *self.state() = ShadowState::Failed { reason };
    }

    /// Waits until no image is inside. False when the service ends.
    fn wait_for_gap(&self) -> bool {
        while !self.is_stopping.load(Relaxed) {
            if self.tickets.wait_until_empty(Instant::now() + STOP_TICK) {
                return true;
            }
        }
        false
    }
}

fn run(shared: &Shared, make: MakeClassifier, offered: &Receiver<Offer>) {
    let made = contained(move || make().map_err(|error| error.to_string()));
    let mut classifier = match made.and_then(|made| made) {
        Ok(classifier) => classifier,
        Err(reason) => return shared.give_up(reason),
    };
    let device = classifier.device();
    tracing::info!(model = classifier.spec().id, %device, "the candidate model looks on");
    *shared.state() = ShadowState::Running { device };
    let mut slab = Slab::default();
    // What one candidate's batches take is none of the pipeline's figures.
    let apart = Stats::default();
    let mut failures_in_a_row = 0;
    for Offer { input, tell } in offered {
        if !shared.wait_for_gap() {
            break;
        }
        let spec = classifier.spec();
        let scores = contained(|| {
            infer(classifier.as_mut(), &mut slab, &apart, &input.slots)
                .and_then(|scores| worst(scores.into_iter()))
        });
        drop(input);
        if let Ok(Some(scores)) = scores {
            failures_in_a_row = 0;
            count(&shared.stats.shadow_scored);
            let scored = Scored {
                model: spec.id,
                preprocessing: spec.preprocessing,
                scores,
            };
            if contained(|| tell(&scored)).is_err() {
                tracing::error!("what the candidate model said was lost in a panic");
            }
            continue;
        }
        count(&shared.stats.shadow_failed);
        failures_in_a_row += 1;
        if failures_in_a_row >= FAILURES_MAX {
            return shared.give_up("it failed again and again".to_owned());
        }
    }
    *shared.state() = ShadowState::Stopped;
}

/// The work, or in words that it panicked; the panic hook has told where.
fn contained<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // What a panic leaves half done is the slab, refilled for every batch, and
    // the classifier, which is given up when it goes on.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .map_err(|_| "it panicked".to_owned())
}
