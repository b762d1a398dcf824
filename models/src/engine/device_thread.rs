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

/// Why there is no classifier on a thread of its own.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The machine lacks the device.
    Absent,
    /// The device is there and does not work.
    Failed(String),
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
        build: impl FnOnce() -> Result<C, Refusal> + Send + 'static,
    ) -> Result<Self, Refusal> {
        let (ready_sender, ready) = sync_channel(1);
        let (requests, request_receiver) = sync_channel(1);
        let (answer_sender, answers) = sync_channel(1);
        let work = move || {
            far_side(
                spec,
                build,
                &ready_sender,
                &request_receiver,
                &answer_sender,
            )
        };
        let thread = thread::Builder::new()
            .name("imgshare-device".to_owned())
            .spawn(work)
            .map_err(|error| Refusal::Failed(error.to_string()))?;
        let Ready { device, buckets } = match ready.recv_timeout(timeouts.start) {
            Ok(ready) => ready?,
            Err(timeout) => return Err(Refusal::Failed(silence(timeout, timeouts.start))),
        };
        let line = Some(Line {
            requests,
            answers,
            thread,
        });
        Ok(Self {
            spec,
            device,
            buckets,
            batch_timeout: timeouts.batch,
            line,
        })
    }

    fn ask(&self, batch: Batch) -> Answer {
        let line = self.line.as_ref().ok_or("it failed before")?;
        line.requests
            .send(batch)
            .map_err(|_| "its thread has ended".to_owned())?;
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

    fn classify(&mut self, samples: &[u16], n_images: usize) -> Result<Vec<Scores>, ClassifyError> {
        let answer = self.ask(Batch {
            samples: samples.to_vec(),
            n_images,
        });
        answer.map_err(|reason| {
            // A late answer must never be taken for the next batch's, so the
            // line is cut. A hung thread is left to itself.
            self.line = None;
            ClassifyError::Device {
                device: self.device.clone(),
                reason,
            }
        })
    }
}

impl Drop for DeviceThread {
    /// Waits for a healthy device to be put down: drivers that are still at
    /// work when the process exits have crashed it.
    fn drop(&mut self) {
        if let Some(Line {
            requests,
            answers,
            thread,
        }) = self.line.take()
        {
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
    build: impl FnOnce() -> Result<C, Refusal>,
    ready: &SyncSender<Result<Ready, Refusal>>,
    requests: &Receiver<Batch>,
    answers: &SyncSender<Answer>,
) {
    let built = contained(|| {
        let mut classifier = build()?;
        warm(spec, &mut classifier).map_err(Refusal::Failed)?;
        Ok(classifier)
    });
    let mut classifier = match built.map_err(Refusal::Failed).and_then(|built| built) {
        Ok(classifier) => classifier,
        Err(refusal) => return drop(ready.send(Err(refusal))),
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
        classifier
            .classify(&samples, n_images)
            .map_err(|error| reason(&error))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{self, Fake, Manner};
    use crate::golden::{self, GPU_TOLERANCE, GoldenMismatch};

    /// Longer than any of these tests takes on a busy machine.
    const LONG: Duration = Duration::from_secs(60);

    fn start(manner: Manner) -> Result<DeviceThread, String> {
        let start = if manner == Manner::Hangs {
            Duration::from_millis(100)
        } else {
            LONG
        };
        let build = move || Ok(Fake::new("fake", manner));
        let device = DeviceThread::start(fake::spec(), Timeouts { start, batch: LONG }, build);
        device.map_err(|refusal| match refusal {
            Refusal::Absent => "absent".to_owned(),
            Refusal::Failed(reason) => reason,
        })
    }

    #[test]
    fn answers_pass_through() {
        let mut device = start(Manner::Right).unwrap();
        assert_eq!(
            (device.device().as_str(), device.buckets()),
            ("fake", &[1, 4][..])
        );
        golden::check(&mut device, GPU_TOLERANCE).unwrap();
    }

    #[test]
    fn a_device_that_cannot_be_started_says_why() {
        assert!(start(Manner::Errs).err().unwrap().contains("it is lost"));
        assert!(
            start(Manner::Panics)
                .err()
                .unwrap()
                .contains("the driver is confused")
        );
        assert!(
            start(Manner::Hangs)
                .err()
                .unwrap()
                .contains("did not answer within")
        );
    }

    #[test]
    fn a_device_that_is_not_there_is_told_apart() {
        let build = || Err::<Fake, _>(Refusal::Absent);
        let timeouts = Timeouts {
            start: LONG,
            batch: LONG,
        };
        let refusal = DeviceThread::start(fake::spec(), timeouts, build)
            .err()
            .unwrap();
        assert!(matches!(refusal, Refusal::Absent));
    }

    #[test]
    fn a_device_that_dies_is_not_asked_again() {
        // Two batches warm the two buckets.
        let mut device = start(Manner::DiesAfter(3)).unwrap();
        let mismatch = golden::check(&mut device, GPU_TOLERANCE).unwrap_err();
        assert!(matches!(mismatch, GoldenMismatch::Failed(_)), "{mismatch}");
        let error = device
            .classify(&vec![0; fake::spec().samples()], 1)
            .unwrap_err();
        assert!(error.to_string().contains("it failed before"), "{error}");
    }
}
