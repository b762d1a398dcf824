use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender, channel};

use imgshare_models::classifier::ClassifyError;
use imgshare_models::manifest;
use imgshare_models::scores::Scores;

use super::*;
use crate::error::Reject;

mod cascade;
mod shadow;

/// Answers what the test tells it to, batch by batch.
struct Scripted {
    model: &'static str,
    buckets: &'static [usize],
    batches: Sender<usize>,
    script: Receiver<Act>,
}

enum Act {
    Answer([f32; 5]),
    /// One answer an image.
    Each(Vec<[f32; 5]>),
    Fail,
    Panic,
}

const SAFE: [f32; 5] = [0.0, 0.0, 1.0, 0.0, 0.0];

impl Classifier for Scripted {
    fn spec(&self) -> &'static ModelSpec {
        manifest::find(self.model).unwrap()
    }

    fn device(&self) -> String {
        "scripted".into()
    }

    fn buckets(&self) -> &[usize] {
        self.buckets
    }

    fn classify(&mut self, samples: &[u16], n_images: usize) -> Result<Vec<Scores>, ClassifyError> {
        let side = usize::try_from(self.spec().side).unwrap();
        assert_eq!(samples.len(), n_images * side * side * 3);
        self.batches.send(n_images).unwrap();
        match self.script.recv() {
            Ok(Act::Answer(classes)) => Ok(vec![Scores::from_array(classes); n_images]),
            Ok(Act::Each(classes)) => Ok(classes.into_iter().map(Scores::from_array).collect()),
            Ok(Act::Fail) => Err(ClassifyError::Device {
                device: self.device(),
                reason: "it was unplugged".into(),
            }),
            Ok(Act::Panic) => panic!("the driver gave up"),
            // The test has ended.
            Err(_) => Ok(vec![Scores::from_array(SAFE); n_images]),
        }
    }
}

struct Stage {
    pipeline: Pipeline,
    batches: Receiver<usize>,
    script: Sender<Act>,
}

fn stage(settings: Settings, buckets: &'static [usize]) -> Stage {
    let (batches_tx, batches) = channel();
    let (script, script_rx) = channel();
    let make: MakeClassifier = Box::new(move || {
        Ok(Box::new(Scripted {
            model: manifest::DEFAULT_MODEL,
            buckets,
            batches: batches_tx,
            script: script_rx,
        }))
    });
    Stage {
        pipeline: Pipeline::start(settings, make).unwrap(),
        batches,
        script,
    }
}

struct Caller {
    answer: Sender<Result<Ingested, PipelineError>>,
    departed: Arc<AtomicBool>,
}

impl Reply for Caller {
    fn departed(&self) -> bool {
        self.departed.load(Relaxed)
    }

    fn send(self: Box<Self>, outcome: Result<Ingested, PipelineError>) {
        self.answer.send(outcome).unwrap();
    }
}

struct Submitted {
    answer: Receiver<Result<Ingested, PipelineError>>,
    departed: Arc<AtomicBool>,
}

fn submit(pipeline: &Pipeline, bytes: Arc<[u8]>) -> Submitted {
    let (answer_tx, answer) = channel();
    let departed = Arc::new(AtomicBool::new(false));
    let caller = Caller {
        answer: answer_tx,
        departed: Arc::clone(&departed),
    };
    let permit = pipeline.admit(1_000).unwrap();
    pipeline.submit(permit, bytes, Box::new(caller));
    Submitted { answer, departed }
}

fn png() -> Arc<[u8]> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 3, 2);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[90; 18]).unwrap();
    writer.finish().unwrap();
    bytes.into()
}

/// Waits until the stages are through with `n_images`, whatever became of them.
fn wait_prepared(pipeline: &Pipeline, n_images: u64) {
    let until = Instant::now() + Duration::from_secs(20);
    let last_stage = pipeline.stats().stages.last().unwrap();
    while last_stage.snapshot().count < n_images {
        assert!(Instant::now() < until, "the stages are stuck");
        thread::yield_now();
    }
}

#[test]
fn an_image_is_answered_with_its_scores_and_gives_its_place_back() {
    let stage = stage(Settings::default(), &[1]);
    stage.script.send(Act::Answer(SAFE)).unwrap();
    let ingested = stage.pipeline.run(png()).unwrap();
    assert_eq!(
        ingested.verdict,
        Verdict::Scored(crate::outcome::Scored {
            model: "mobilenet_v2",
            preprocessing: stage.pipeline.model().preprocessing,
            scores: Scores::from_array(SAFE),
        })
    );
    assert_eq!(stage.pipeline.in_flight().0, 1);
    drop(ingested);
    assert_eq!(stage.pipeline.in_flight(), (0, 0));
}

#[test]
fn a_batch_is_made_of_what_waits() {
    let stage = stage(Settings::default(), &[1, 4]);
    let first = submit(&stage.pipeline, png());
    assert_eq!(stage.batches.recv().unwrap(), 1);
    let others: Vec<_> = (0..4).map(|_| submit(&stage.pipeline, png())).collect();
    wait_prepared(&stage.pipeline, 5);
    stage.script.send(Act::Answer(SAFE)).unwrap();
    assert_eq!(stage.batches.recv().unwrap(), 4);
    stage.script.send(Act::Answer(SAFE)).unwrap();
    for submitted in std::iter::once(first).chain(others) {
        assert!(matches!(
            submitted.answer.recv().unwrap().unwrap().verdict,
            Verdict::Scored(_)
        ));
    }
}

#[test]
fn callers_who_left_cost_no_device_time() {
    let stage = stage(Settings::default(), &[1, 4]);
    let _first = submit(&stage.pipeline, png());
    assert_eq!(stage.batches.recv().unwrap(), 1);
    let others: Vec<_> = (0..4).map(|_| submit(&stage.pipeline, png())).collect();
    wait_prepared(&stage.pipeline, 5);
    for submitted in &others[1..] {
        submitted.departed.store(true, Relaxed);
    }
    stage.script.send(Act::Answer(SAFE)).unwrap();
    assert_eq!(stage.batches.recv().unwrap(), 1);
    stage.script.send(Act::Answer(SAFE)).unwrap();
    assert!(others[0].answer.recv().unwrap().is_ok());
    assert!(others[1].answer.recv().is_err());
    assert_eq!(stage.pipeline.stats().departed.load(Relaxed), 3);
}

#[test]
fn a_device_that_hangs_leaves_the_image_pending_not_lost() {
    let settings = Settings {
        classify_time_max: Duration::from_millis(1),
        ..Settings::default()
    };
    let stage = stage(settings, &[1]);
    let submitted = submit(&stage.pipeline, png());
    assert_eq!(stage.batches.recv().unwrap(), 1);
    let ingested = submitted.answer.recv().unwrap().unwrap();
    assert_eq!(ingested.verdict, Verdict::Pending);
    // The late answer must not be a second one.
    stage.script.send(Act::Answer(SAFE)).unwrap();
    assert!(submitted.answer.recv().is_err());
}

#[test]
fn a_verdict_past_its_deadline_counts_as_none() {
    let settings = Settings {
        classify_time_max: Duration::ZERO,
        ..Settings::default()
    };
    let stage = stage(settings, &[1]);
    stage.script.send(Act::Answer(SAFE)).unwrap();
    assert_eq!(stage.pipeline.run(png()).unwrap().verdict, Verdict::Pending);
}

#[test]
fn a_failing_device_leaves_images_pending_and_shows_in_health() {
    let stage = stage(Settings::default(), &[1]);
    for act in [Act::Fail, Act::Panic, Act::Answer([f32::NAN; 5])] {
        assert!(stage.pipeline.is_healthy());
        stage.script.send(act).unwrap();
        assert_eq!(stage.pipeline.run(png()).unwrap().verdict, Verdict::Pending);
    }
    assert!(!stage.pipeline.is_healthy());
    stage.script.send(Act::Answer(SAFE)).unwrap();
    assert!(matches!(
        stage.pipeline.run(png()).unwrap().verdict,
        Verdict::Scored(_)
    ));
    assert!(stage.pipeline.is_healthy());
}

#[test]
fn memory_for_one_serves_many_one_after_another() {
    let bytes = png();
    let one = stage::need::memory_bytes(
        &stage::sniff::sniff(
            crate::item::Upload {
                bytes: Arc::clone(&bytes),
            },
            &Limits::default(),
        )
        .unwrap(),
    )
    .unwrap();
    let settings = |decode_memory_bytes_max| Settings {
        decode_memory_bytes_max,
        workers: 4,
        ..Settings::default()
    };
    let enough = stage(settings(one), &[1, 4]);
    let submitted: Vec<_> = (0..20)
        .map(|_| submit(&enough.pipeline, Arc::clone(&bytes)))
        .collect();
    drop(enough.script);
    for submitted in submitted {
        assert!(submitted.answer.recv().unwrap().is_ok());
    }
    let usage = enough.pipeline.decode_memory();
    assert_eq!((usage.bytes, usage.bytes_peak), (0, one));

    let too_little = stage(settings(one - 1), &[1]);
    let refusal = too_little.pipeline.run(bytes).unwrap_err();
    assert_eq!(refusal.code(), "needs-too-much-memory");
}

#[test]
fn a_refused_image_leaves_nothing_behind() {
    let stage = stage(Settings::default(), &[1]);
    let refused = stage
        .pipeline
        .run(Arc::from(&b"plain text"[..]))
        .unwrap_err();
    assert!(matches!(
        refused,
        PipelineError::Reject(Reject::UnsupportedFormat { .. })
    ));
    // Its worker lets go of it just after the answer.
    let until = Instant::now() + Duration::from_secs(20);
    while stage.pipeline.in_flight() != (0, 0) {
        assert!(Instant::now() < until, "it is kept");
        thread::yield_now();
    }
}

#[test]
fn draining_answers_everyone_and_refuses_newcomers() {
    let stage = stage(Settings::default(), &[1]);
    let submitted: Vec<_> = (0..3).map(|_| submit(&stage.pipeline, png())).collect();
    for _ in 0..3 {
        stage.script.send(Act::Answer(SAFE)).unwrap();
    }
    assert!(stage.pipeline.drain(Duration::from_secs(20)));
    for submitted in submitted {
        assert!(submitted.answer.recv().unwrap().is_ok());
    }
    assert_eq!(
        stage.pipeline.admit(1).unwrap_err(),
        Fault::ShuttingDown.into()
    );
}

#[test]
fn a_drain_that_runs_out_of_time_still_answers() {
    let stage = stage(Settings::default(), &[1]);
    let submitted = submit(&stage.pipeline, png());
    assert_eq!(stage.batches.recv().unwrap(), 1);
    assert!(!stage.pipeline.drain(Duration::ZERO));
    let ingested = submitted.answer.recv().unwrap().unwrap();
    assert_eq!(ingested.verdict, Verdict::Pending);
}

#[test]
fn a_classifier_that_does_not_start_stops_the_start() {
    let failing: MakeClassifier = Box::new(|| Err("no weights".into()));
    let error = Pipeline::start(Settings::default(), failing).err().unwrap();
    assert!(error.to_string().contains("no weights"));
    let panicking: MakeClassifier = Box::new(|| panic!("no driver"));
    assert!(matches!(
        Pipeline::start(Settings::default(), panicking)
            .err()
            .unwrap(),
        StartError::ClassifierPanicked
    ));
}
