//! A candidate model that looks on.

use super::*;
use crate::outcome::Scored;
use crate::shadow::{Shadow, ShadowDraw, ShadowState};

const NSFW: [f32; 5] = [0.0, 0.0, 0.02, 0.98, 0.0];

/// The longest that anything here takes.
const LONG: Duration = Duration::from_secs(20);

struct Beside {
    stage: Stage,
    shadow: Shadow,
    batches: Receiver<usize>,
    script: Sender<Act>,
}

fn beside(share: f32) -> Beside {
    let settings = Settings {
        shadow: Some(ShadowDraw { side: 299, share }),
        ..Settings::default()
    };
    let stage = stage(settings, &[1]);
    let (batches_tx, batches) = channel();
    let (script, script_rx) = channel();
    let make: MakeClassifier = Box::new(move || {
        Ok(Box::new(Scripted {
            model: "inception_v3",
            buckets: &[1],
            batches: batches_tx,
            script: script_rx,
        }))
    });
    Beside {
        shadow: stage.pipeline.start_shadow(make).unwrap(),
        stage,
        batches,
        script,
    }
}

impl Beside {
    fn answered(&self) -> Ingested {
        self.stage.script.send(Act::Answer(SAFE)).unwrap();
        self.stage.pipeline.run(png()).unwrap()
    }

    /// Offers an answered image; hears what the candidate says of it.
    fn offer(&self, ingested: Ingested) -> Receiver<Scored> {
        let (said_tx, said) = channel();
        let tell = move |scored: &Scored| said_tx.send(scored.clone()).unwrap();
        self.shadow.offer(ingested.shadow.unwrap(), Box::new(tell));
        said
    }

    fn counted(&self) -> [u64; 3] {
        let stats = self.stage.pipeline.stats();
        [
            &stats.shadow_scored,
            &stats.shadow_dropped,
            &stats.shadow_failed,
        ]
        .map(|counter| counter.load(Relaxed))
    }
}

#[test]
fn it_speaks_after_the_answer_and_changes_nothing() {
    let beside = beside(1.0);
    let ingested = beside.answered();
    let Verdict::Scored(acting) = &ingested.verdict else {
        panic!("it was not classified");
    };
    assert_eq!(acting.model, "mobilenet_v2");
    assert_eq!(acting.scores.to_array(), SAFE);
    let said = beside.offer(ingested);
    assert_eq!(beside.batches.recv_timeout(LONG), Ok(1));
    beside.script.send(Act::Answer(NSFW)).unwrap();
    let scored = said.recv_timeout(LONG).unwrap();
    assert_eq!(scored.model, "inception_v3");
    assert_eq!(scored.scores.to_array(), NSFW);
    assert_eq!(beside.counted(), [1, 0, 0]);
    assert_eq!(
        beside.shadow.state(),
        ShadowState::Running {
            device: "scripted".to_owned()
        }
    );
    // Its batches are none of the pipeline's.
    assert_eq!(beside.stage.pipeline.stats().batches.load(Relaxed), 1);
    assert!(beside.shadow.stop(LONG));
    assert_eq!(beside.shadow.state(), ShadowState::Stopped);
}

#[test]
fn it_waits_until_no_upload_is_inside() {
    let beside = beside(1.0);
    let first = beside.answered();
    let inside = submit(&beside.stage.pipeline, png());
    wait_prepared(&beside.stage.pipeline, 2);
    let said = beside.offer(first);
    beside.script.send(Act::Answer(NSFW)).unwrap();
    assert!(beside.batches.try_recv().is_err());
    beside.stage.script.send(Act::Answer(SAFE)).unwrap();
    inside.answer.recv_timeout(LONG).unwrap().unwrap();
    assert_eq!(beside.batches.recv_timeout(LONG), Ok(1));
    said.recv_timeout(LONG).unwrap();
}

#[test]
fn what_finds_no_place_in_line_is_dropped_and_counted() {
    let beside = beside(1.0);
    let held = beside.offer(beside.answered());
    assert_eq!(beside.batches.recv_timeout(LONG), Ok(1));
    let waiting: Vec<_> = (0..66).map(|_| beside.offer(beside.answered())).collect();
    assert_eq!(beside.counted(), [0, 2, 0]);
    // Nobody hears of those that were dropped, and the end drops those in line.
    assert!(waiting[65].recv_timeout(LONG).is_err());
    assert!(!beside.shadow.stop(Duration::ZERO));
    beside.script.send(Act::Answer(SAFE)).unwrap();
    held.recv_timeout(LONG).unwrap();
    assert!(beside.shadow.stop(LONG));
    assert!(waiting.iter().all(|said| said.recv_timeout(LONG).is_err()));
}

#[test]
fn one_that_fails_again_and_again_is_given_up() {
    let beside = beside(1.0);
    for act in [Act::Fail, Act::Panic, Act::Fail] {
        beside.script.send(act).unwrap();
        let said = beside.offer(beside.answered());
        assert!(said.recv_timeout(LONG).is_err());
    }
    assert!(beside.shadow.stop(LONG));
    assert!(matches!(beside.shadow.state(), ShadowState::Failed { .. }));
    let said = beside.offer(beside.answered());
    assert!(said.recv_timeout(LONG).is_err());
    assert_eq!(beside.counted(), [0, 1, 3]);
    assert!(beside.stage.pipeline.is_healthy());
}

#[test]
fn one_that_cannot_be_made_costs_no_upload() {
    let beside = beside(1.0);
    let broken = || Err("no such weights".into());
    let shadow = beside
        .stage
        .pipeline
        .start_shadow(Box::new(broken))
        .unwrap();
    assert!(shadow.stop(LONG));
    let reason = "no such weights".to_owned();
    assert_eq!(shadow.state(), ShadowState::Failed { reason });
    assert!(matches!(beside.answered().verdict, Verdict::Scored(_)));
}

#[test]
fn what_is_not_drawn_or_not_scored_carries_nothing() {
    let none = beside(0.0);
    assert!(none.answered().shadow.is_none());
    let all = beside(1.0);
    all.stage.script.send(Act::Fail).unwrap();
    let pending = all.stage.pipeline.run(png()).unwrap();
    assert_eq!(pending.verdict, Verdict::Pending);
    assert!(pending.shadow.is_none());
}
