//! A classifier that lives on a thread of its own.
//!
//! burn's streams belong to an OS thread, so the thread that builds a network
//! must be the one that runs it; and a driver that hangs or panics must not
//! take the caller along. Whatever goes wrong on the other side is an error on
//! this one, in bounded time.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::contained::contained;
use crate::classifier::{Classifier, ClassifyError};
use crate::manifest::ModelSpec;
use crate::scores::Scores;

/// How long the other side may take.
#[derive(Clone, Copy)]
pub(super) struct Timeouts {
    /// To build the network and warm every bucket.
    pub(super) start: Duration,
    /// For a batch.
    pub(super) batch: Duration,
}

/// The near side of a classifier on a thread of its own.
pub(super) struct DeviceThread {
    spec: &'static ModelSpec,
    device: String,
    buckets: Vec<usize>,
    batch_timeout: Duration,
    /// `None` once the device has failed: it is not asked again.
    line: Option<Line>,
}

struct Line {
    requests: SyncSender<Batch>,
    answers: Receiver<Answer>,
    thread: JoinHandle<()>,
}

struct Batch {
    samples: Vec<u16>,
    n_images: usize,
}

type Answer = Result<Vec<Scores>, String>;

/// What the far side says once it is ready.
struct Ready {
    device: String,
    buckets: Vec<usize>,
}

impl DeviceThread {
    /// Starts a thread, has it build a classifier and warm its buckets.
    pub(super) fn start<C: Classifier>(
        spec: &'static ModelSpec,
        timeouts: Timeouts,
        build: impl FnOnce() -> Result<C, String> + Send + 'static,
    ) -> Result<Self, String> {
        let (ready_sender, ready) = sync_channel(1);
        let (requests, request_receiver) = sync_channel(1);
        let (answer_sender, answers) = sync_channel(1);
        let work = move || far_side(spec, build, &ready_sender, &request_receiver, &answer_sender);
        let thread = thread::Builder::new()
            .name("imgshare-device".to_owned())
            .spawn(work)
            .map_err(|error| error.to_string())?;
        let Ready { device, buckets } = match ready.recv_timeout(timeouts.start) {
            Ok(ready) => ready?,
            Err(timeout) => return Err(silence(timeout, timeouts.start)),
        };
        let line = Some(Line { requests, answers, thread });
        Ok(Self { spec, device, buckets, batch_timeout: timeouts.batch, line })
    }

    fn ask(&self, batch: Batch) -> Answer {
        let line = self.line.as_ref().ok_or("it failed before")?;
        line.requests.send(batch).map_err(|_| "its thread has ended".to_owned())?;
        match line.answers.recv_timeout(self.batch_timeout) {
            Ok(answer) => answer,
            Err(timeout) => Err(silence(timeout, self.batch_timeout)),
        }
    }
}

impl Classifier for DeviceThread {
    fn spec(&self) -> &'static ModelSpec {
        self.spec
    }

    fn device(&self) -> String {
        self.device.clone()
    }

    fn buckets(&self) -> &[usize] {
        &self.buckets
    }

    fn classify(
        &mut self,
        samples: &[u16],
        n_images: usize,
    ) -> Result<Vec<Scores>, ClassifyError> {
        let answer = self.ask(Batch { samples: samples.to_vec(), n_images });
        answer.map_err(|reason| {
            // A late answer must never be taken for the next batch's, so the
            // line is cut. A hung thread is left to itself.
            self.line = None;
            ClassifyError::Device { device: self.device.clone(), reason }
        })
    }
}

impl Drop for DeviceThread {
    /// Waits for a healthy device to be put down: drivers that are still at
    /// work when the process exits have crashed it.
    fn drop(&mut self) {
        if let Some(Line { requests, answers, thread }) = self.line.take() {
            drop((requests, answers));
            // A panic on the way out has nobody left to matter to.
            let _ = thread.join();
        }
    }
}

fn silence(timeout: RecvTimeoutError, after: Duration) -> String {
    match timeout {
        RecvTimeoutError::Timeout => format!("it did not answer within {} s", after.as_secs_f32()),
        RecvTimeoutError::Disconnected => "its thread has ended".to_owned(),
    }
}

/// Everything the device's thread does. It ends when the near side has gone or
/// the device has failed.
fn far_side<C: Classifier>(
    spec: &'static ModelSpec,
    build: impl FnOnce() -> Result<C, String>,
    ready: &SyncSender<Result<Ready, String>>,
    requests: &Receiver<Batch>,
    answers: &SyncSender<Answer>,
) {
    let built = contained(|| {
        let mut classifier = build()?;
        warm(spec, &mut classifier)?;
        Ok(classifier)
    });
    let mut classifier = match built.and_then(|built| built) {
        Ok(classifier) => classifier,
        Err(reason) => return drop(ready.send(Err(reason))),
    };
    let (device, buckets) = (classifier.device(), classifier.buckets().to_vec());
    if ready.send(Ok(Ready { device, buckets })).is_err() {
        return;
    }
    for Batch { samples, n_images } in requests {
        let answer = contained(|| classifier.classify(&samples, n_images));
        let answer = answer.and_then(|scores| scores.map_err(|error| reason(&error)));
        let has_failed = answer.is_err();
        if answers.send(answer).is_err() || has_failed {
            return;
        }
    }
}

/// Runs every bucket once: that is when a GPU compiles and chooses its kernels.
fn warm(spec: &ModelSpec, classifier: &mut dyn Classifier) -> Result<(), String> {
    for n_images in classifier.buckets().to_vec() {
        let samples = vec![0; n_images * spec.samples()];
        classifier.classify(&samples, n_images).map_err(|error| reason(&error))?;
    }
    Ok(())
}

/// The part of an error that does not repeat the device's name.
fn reason(error: &ClassifyError) -> String {
    match error {
        ClassifyError::Device { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}
