//! Threads, bounded channels and deadlines around the data path.
//!
//! ```text
//! submit -> [jobs] -> workers: sniff decode upright colour scrub look resize
//!                       -> [ready] -> device thread: batch, infer -> reply
//! watchdog: answers whatever is overdue
//! ```
//!
//! Both channels hold as many images as admission lets in, so a send never
//! blocks. Batches are work-conserving: the device takes what waits, up to its
//! largest bucket, and lingers only if told to.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use imgshare_models::classifier::Classifier;
use imgshare_models::manifest::ModelSpec;

use crate::admission::{Admission, Permit};
use crate::device::Device;
use crate::error::{Fault, PipelineError};
use crate::item::{Scrubbed, Sides};
use crate::limits::Limits;
use crate::memory::{DecodeMemory, MemoryUse, Reservation};
use crate::outcome::{Ingested, Reply, Verdict};
use crate::path;
use crate::shadow::{Drawer, Shadow, ShadowDraw};
use crate::stage;
use crate::stats::{Stats, count};
use crate::ticket::{OpenTickets, TimeLimits, settle};
use crate::worker::{Job, Ready, Worker};

/// How often deadlines are looked at: fine enough for limits in seconds.
const WATCHDOG_TICK: Duration = Duration::from_millis(50);

/// Failed batches in a row after which the device counts as gone.
const BATCH_FAILURES_MAX: u64 = 3;

/// How the pipeline is sized. Each is a setting; the defaults are the service's.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bounds on one image.
    pub limits: Limits,
    /// Images inside at once, from the door to durable.
    pub images_in_flight_max: usize,
    /// Bytes of uploads inside at once.
    pub bytes_in_flight_max: u64,
    /// Memory for decoded pixels, over all images at once, in bytes. An image
    /// that would take more by itself is refused.
    pub decode_memory_bytes_max: u64,
    /// Threads that decode and scrub; at least 1.
    pub workers: usize,
    /// How long a prepared image waits for its verdict before it is answered
    /// as pending.
    pub classify_time_max: Duration,
    /// How long a batch that is not full waits for more. Zero: not at all.
    pub linger: Duration,
    /// What a candidate model needs, if one is to look on: see
    /// [`Pipeline::start_shadow`].
    pub shadow: Option<ShadowDraw>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            images_in_flight_max: 64,
            bytes_in_flight_max: 1 << 30,
            decode_memory_bytes_max: 1 << 30,
            workers: thread::available_parallelism().map_or(1, usize::from),
            classify_time_max: Duration::from_secs(10),
            linger: Duration::ZERO,
            shadow: None,
        }
    }
}

/// Why the pipeline did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The classifier could not be made.
    #[error("the classifier did not start: {0}")]
    Classifier(#[source] Box<dyn Error + Send + Sync>),
    /// Making the classifier panicked.
    #[error("the classifier panicked while it started")]
    ClassifierPanicked,
    /// The operating system refused a thread.
    #[error("a thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// Makes the classifier, on the thread that will own the device.
pub type MakeClassifier =
    Box<dyn FnOnce() -> Result<Box<dyn Classifier>, Box<dyn Error + Send + Sync>> + Send>;

/// A running pipeline. Clones share it.
#[derive(Clone)]
pub struct Pipeline {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    models: Warm,
    admission: Arc<Admission>,
    memory: Arc<DecodeMemory>,
    tickets: Arc<OpenTickets>,
    stats: Arc<Stats>,
    device_name: Arc<Mutex<String>>,
    /// Dropped to end the threads; `None` once drained.
    running: Mutex<Option<Running>>,
}

struct Running {
    jobs: Sender<Job>,
    /// Never sent on: its closing stops the watchdog.
    _watchdog_stop: Sender<()>,
    threads: Vec<JoinHandle<()>>,
}

impl Pipeline {
    /// Starts every thread and returns once the classifier is warm.
    ///
    /// # Errors
    /// [`StartError`] when the classifier or a thread cannot be made.
    pub fn start(settings: Settings, make: MakeClassifier) -> Result<Self, StartError> {
        let stats = Arc::new(Stats::default());
        let device_name = Arc::new(Mutex::new(String::new()));
        let (ready_tx, ready_rx) = bounded(settings.images_in_flight_max);
        let (jobs_tx, jobs_rx) = bounded(settings.images_in_flight_max);
        let (stop_tx, stop_rx) = bounded(0);
        let tickets = Arc::new(OpenTickets::new(TimeLimits {
            stages: settings.limits.image_time_max,
            verdict: settings.classify_time_max,
        }));

        let (warm, device_thread) =
            start_device(make, ready_rx, settings.linger, &stats, &device_name)?;

        let memory = DecodeMemory::new(settings.decode_memory_bytes_max);
        let mut threads = vec![device_thread];
        let worker = Worker {
            path: path::prepare,
            limits: settings.limits.clone(),
            sides: Sides {
                first: warm.first.side,
                second: warm.second.map(|spec| spec.side),
                shadow: None,
            },
            drawer: settings.shadow.map(|draw| Arc::new(Drawer::new(draw))),
            memory: Arc::clone(&memory),
            stats: Arc::clone(&stats),
        };
        for worker_idx in 0..settings.workers.max(1) {
            let (worker, jobs, ready) = (worker.clone(), jobs_rx.clone(), ready_tx.clone());
            let run = move || run_worker(&worker, &jobs, &ready);
            threads.push(spawn(&format!("worker-{worker_idx}"), run)?);
        }
        let watchdog = Watchdog {
            stop: stop_rx,
            tickets: Arc::clone(&tickets),
            stats: Arc::clone(&stats),
        };
        threads.push(spawn("watchdog", move || watchdog.run())?);

        let admission = Admission::new(settings.images_in_flight_max, settings.bytes_in_flight_max);
        let running = Running {
            jobs: jobs_tx,
            _watchdog_stop: stop_tx,
            threads,
        };
        Ok(Self {
            shared: Arc::new(Shared {
                settings,
                models: warm,
                admission,
                memory,
                tickets,
                stats,
                device_name,
                running: Mutex::new(Some(running)),
            }),
        })
    }

    /// Room for one image of at most `bytes_max` bytes; ask before reading it.
    ///
    /// # Errors
    /// Overloaded when there is no room, a fault when the pipeline is ending.
    pub fn admit(&self, bytes_max: u64) -> Result<Permit, PipelineError> {
        let stats = &self.shared.stats;
        let workers = u32::try_from(self.shared.settings.workers.max(1)).unwrap_or(u32::MAX);
        let per_image = stats.total.mean() / workers;
        let admitted = self.shared.admission.admit(bytes_max, per_image);
        if matches!(admitted, Err(PipelineError::Overloaded(_))) {
            count(&stats.overloaded);
        }
        admitted
    }

    /// Takes the image. `reply` gets its one answer, unless it departs first.
    pub fn submit(&self, permit: Permit, bytes: Arc<[u8]>, reply: Box<dyn Reply>) {
        let ticket = self.shared.tickets.issue(permit, reply);
        let jobs = lock(&self.shared.running)
            .as_ref()
            .map(|running| running.jobs.clone());
        let sent = jobs.is_some_and(|jobs| {
            jobs.try_send(Job {
                bytes,
                ticket: Arc::clone(&ticket),
            })
            .is_ok()
        });
        if !sent {
            settle(
                &self.shared.stats,
                &ticket,
                ticket.refuse(Fault::ShuttingDown.into()),
            );
        }
    }

    /// Takes the image and waits for its answer.
    ///
    /// # Errors
    /// Whatever the path or admission says.
    pub fn run(&self, bytes: Arc<[u8]>) -> Result<Ingested, PipelineError> {
        let permit = self.admit(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
        let (answer_tx, answer_rx) = mpsc::sync_channel(1);
        self.submit(permit, bytes, Box::new(Waiting { answer: answer_tx }));
        answer_rx
            .recv()
            .unwrap_or(Err(PipelineError::Fault(Fault::ShuttingDown)))
    }

    /// Starts a candidate model beside the pipeline, for the inputs that
    /// [`Settings::shadow`] has drawn. It is made on its own thread, and this
    /// does not wait for it.
    ///
    /// # Errors
    /// [`StartError::Thread`].
    pub fn start_shadow(&self, make: MakeClassifier) -> Result<Shadow, StartError> {
        let (stats, tickets) = (&self.shared.stats, &self.shared.tickets);
        Ok(Shadow::start(make, Arc::clone(stats), Arc::clone(tickets))?)
    }

    /// The running counters.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.shared.stats
    }

    /// The model that classifies.
    #[must_use]
    pub fn model(&self) -> &'static ModelSpec {
        self.shared.models.first
    }

    /// The model that decides where the first one leaves a doubt, if there is one.
    #[must_use]
    pub fn second_model(&self) -> Option<&'static ModelSpec> {
        self.shared.models.second
    }

    /// Both, the first one first.
    pub fn models(&self) -> impl Iterator<Item = &'static ModelSpec> {
        [self.model()].into_iter().chain(self.second_model())
    }

    /// The device that classifies at present, for people.
    #[must_use]
    pub fn device(&self) -> String {
        lock(&self.shared.device_name).clone()
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Images and bytes inside at this moment.
    #[must_use]
    pub fn in_flight(&self) -> (usize, u64) {
        self.shared.admission.in_use()
    }

    /// Memory to decode a stored image in once more, for a variant of it. Waits
    /// in line with the uploads, as long as one of them may be queued.
    ///
    /// # Errors
    /// Overloaded when the time is up; a reject when the image takes more than
    /// there is now.
    pub fn reserve_memory(&self, stored: &Scrubbed) -> Result<Reservation, PipelineError> {
        let bytes = stage::need::memory_bytes_again(stored)?;
        let wait_max = self.shared.settings.limits.image_time_max;
        self.shared.memory.reserve(bytes, wait_max)
    }

    /// Memory reserved for decoded pixels.
    #[must_use]
    pub fn decode_memory(&self) -> MemoryUse {
        self.shared.memory.usage()
    }

    /// False while the device fails batch after batch, and once draining began.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.shared.stats.batch_failures_in_a_row.load(Relaxed) < BATCH_FAILURES_MAX
            && lock(&self.shared.running).is_some()
    }

    /// Refuses newcomers, lets what is inside finish, then ends every thread.
    /// What is not done after `timeout` is answered at once: as pending when it
    /// is clean, else with a fault. True when everything finished by itself.
    pub fn drain(&self, timeout: Duration) -> bool {
        self.shared.admission.close();
        let until = Instant::now() + timeout;
        let in_time = self.shared.tickets.wait_until_empty(until);
        for ticket in self.shared.tickets.all() {
            settle(&self.shared.stats, &ticket, ticket.end());
        }
        let Some(Running {
            jobs,
            _watchdog_stop,
            threads,
        }) = lock(&self.shared.running).take()
        else {
            return in_time;
        };
        drop((jobs, _watchdog_stop));
        for thread in threads {
            // A thread still inside a decoder is left to the end of the
            // process: nothing waits for it any more.
            if in_time || thread.is_finished() {
                // Its panic, if any, was contained and counted where it happened.
                let _ = thread.join();
            }
        }
        in_time
    }
}

struct Waiting {
    answer: mpsc::SyncSender<Result<Ingested, PipelineError>>,
}

impl Reply for Waiting {
    fn departed(&self) -> bool {
        false
    }

    fn send(self: Box<Self>, outcome: Result<Ingested, PipelineError>) {
        // Nobody is left to tell when the receiver is gone.
        let _ = self.answer.try_send(outcome);
    }
}

/// The models that are warm.
#[derive(Clone, Copy)]
struct Warm {
    first: &'static ModelSpec,
    second: Option<&'static ModelSpec>,
}

/// Makes the classifier on its own thread and waits until it is warm.
fn start_device(
    make: MakeClassifier,
    ready: Receiver<Ready>,
    linger: Duration,
    stats: &Arc<Stats>,
    name: &Arc<Mutex<String>>,
) -> Result<(Warm, JoinHandle<()>), StartError> {
    let (warm_tx, warm_rx) = bounded(1);
    let (stats, name) = (Arc::clone(stats), Arc::clone(name));
    let thread = spawn("device", move || {
        let mut classifier = match catch_unwind(AssertUnwindSafe(make)) {
            Ok(Ok(classifier)) => classifier,
            Ok(Err(error)) => {
                let _ = warm_tx.send(Err(StartError::Classifier(error)));
                return;
            }
            Err(_) => {
                let _ = warm_tx.send(Err(StartError::ClassifierPanicked));
                return;
            }
        };
        lock(&name).clone_from(&classifier.device());
        let warm = Warm {
            first: classifier.spec(),
            second: classifier.second().map(|second| second.classifier.spec()),
        };
        if warm_tx.send(Ok(warm)).is_ok() {
            let mut device = Device::new(classifier, Arc::clone(&stats), name);
            run_device(&mut device, &ready, linger, &stats);
        }
    })?;
    let warm = warm_rx
        .recv()
        .unwrap_or(Err(StartError::ClassifierPanicked))?;
    Ok((warm, thread))
}

/// Feeds the device until every worker has ended.
fn run_device(device: &mut Device, ready: &Receiver<Ready>, linger: Duration, stats: &Stats) {
    while let Ok(first) = ready.recv() {
        let waiting = collect(first, ready, device.frames_max(), linger, stats);
        if !waiting.is_empty() {
            device.classify(waiting);
        }
    }
}

/// What waits, up to `frames_max` frames; those who left are dropped.
fn collect(
    first: Ready,
    ready: &Receiver<Ready>,
    frames_max: usize,
    linger: Duration,
    stats: &Stats,
) -> Vec<Ready> {
    let linger_until = Instant::now() + linger;
    let mut waiting = Vec::new();
    let mut n_frames = 0;
    let mut next = Some(first);
    while let Some(one) = next {
        if one.ticket.is_departed() {
            settle(stats, &one.ticket, one.ticket.abandon());
        } else {
            n_frames += one.slots.len();
            waiting.push(one);
        }
        if n_frames >= frames_max {
            break;
        }
        next = ready
            .try_recv()
            .ok()
            .or_else(|| ready.recv_deadline(linger_until).ok());
    }
    waiting
}

/// Carries jobs through the stages until the pipeline drains.
fn run_worker(worker: &Worker, jobs: &Receiver<Job>, ready: &Sender<Ready>) {
    for job in jobs {
        let Some(prepared) = worker.prepare(job) else {
            continue;
        };
        if let Err(full) = ready.try_send(prepared) {
            // The device is far behind or gone: the image is whole and goes
            // out unclassified rather than wait.
            let ticket = full.into_inner().ticket;
            let closed = ticket.answer(Verdict::Pending, None, Duration::ZERO);
            settle(&worker.stats, &ticket, closed);
        }
    }
}

struct Watchdog {
    stop: Receiver<()>,
    tickets: Arc<OpenTickets>,
    stats: Arc<Stats>,
}

impl Watchdog {
    fn run(self) {
        use crossbeam_channel::RecvTimeoutError::Timeout;
        while self.stop.recv_timeout(WATCHDOG_TICK) == Err(Timeout) {
            let now = Instant::now();
            for ticket in self.tickets.all() {
                let closed = ticket.enforce(now);
                settle(&self.stats, &ticket, closed);
            }
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new()
        .name(format!("imgshare-{name}"))
        .spawn(run)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What these guard is replaced whole, never left half done by a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
