//! Two classifiers, of which the second decides what the first cannot.

use imgshare_models::cascade::{Cascade, Doubt};
use imgshare_models::scores::Thresholds;

use super::*;
use crate::outcome::Scored;

/// In the band around 0.60.
const DOUBTFUL: [f32; 5] = [0.1, 0.3, 0.3, 0.25, 0.05];
const NSFW: [f32; 5] = [0.0, 0.0, 0.02, 0.98, 0.0];

struct Two {
    pipeline: Pipeline,
    first: (Receiver<usize>, Sender<Act>),
    second: (Receiver<usize>, Sender<Act>),
}

fn two() -> Two {
    let scripted = |model, buckets| {
        let (batches_tx, batches) = channel();
        let (script, script_rx) = channel();
        let classifier = Scripted {
            model,
            buckets,
            batches: batches_tx,
            script: script_rx,
        };
        (classifier, (batches, script))
    };
    let (first, first_ends) = scripted("mobilenet_v2", &[1, 4]);
    let (second, second_ends) = scripted("inception_v3", &[1, 2]);
    let doubt = Doubt {
        thresholds: Thresholds::default(),
        band: 0.1,
    };
    let make = move || {
        let cascade = Cascade::new(Box::new(first), Box::new(second), doubt);
        Ok(Box::new(cascade) as Box<dyn Classifier>)
    };
    // One worker, so that images come in the order in which they were sent.
    let settings = Settings {
        workers: 1,
        ..Settings::default()
    };
    Two {
        pipeline: Pipeline::start(settings, Box::new(make)).unwrap(),
        first: first_ends,
        second: second_ends,
    }
}

fn scored(outcome: Result<Ingested, PipelineError>) -> (&'static str, [f32; 5]) {
    match outcome.unwrap().verdict {
        Verdict::Scored(Scored { model, scores, .. }) => (model, scores.to_array()),
        Verdict::Pending => panic!("it was not classified"),
    }
}

#[test]
fn the_second_decides_where_the_first_leaves_a_doubt_and_nowhere_else() {
    let two = two();
    assert_eq!(two.pipeline.model().id, "mobilenet_v2");
    assert_eq!(two.pipeline.second_model().unwrap().id, "inception_v3");
    two.first.1.send(Act::Answer(DOUBTFUL)).unwrap();
    two.second.1.send(Act::Answer(NSFW)).unwrap();
    assert_eq!(scored(two.pipeline.run(png())), ("inception_v3", NSFW));
    two.first.1.send(Act::Answer(SAFE)).unwrap();
    assert_eq!(scored(two.pipeline.run(png())), ("mobilenet_v2", SAFE));
    assert_eq!(two.second.0.try_iter().count(), 1);
    // An answer goes out before it is counted.
    assert!(two.pipeline.drain(Duration::from_secs(20)));
    let stats = two.pipeline.stats();
    assert_eq!(
        (
            stats.scored.load(Relaxed),
            stats.second_opinions.load(Relaxed)
        ),
        (2, 1)
    );
}

/// Five images: one holds the device until the others wait as one batch, of
/// which three are in doubt.
fn a_batch_with_doubts(two: &Two) -> Vec<Submitted> {
    let hold = submit(&two.pipeline, png());
    assert_eq!(two.first.0.recv().unwrap(), 1);
    let images: Vec<_> = (0..4).map(|_| submit(&two.pipeline, png())).collect();
    wait_prepared(&two.pipeline, 5);
    two.first.1.send(Act::Answer(SAFE)).unwrap();
    scored(hold.answer.recv().unwrap());
    let batch = vec![DOUBTFUL, NSFW, DOUBTFUL, DOUBTFUL];
    two.first.1.send(Act::Each(batch)).unwrap();
    images
}

#[test]
fn batches_of_the_second_are_made_of_what_is_in_doubt() {
    let two = two();
    let images = a_batch_with_doubts(&two);
    // What is settled does not wait for the second.
    assert_eq!(
        scored(images[1].answer.recv().unwrap()),
        ("mobilenet_v2", NSFW)
    );
    assert_eq!(two.second.0.recv().unwrap(), 2);
    two.second.1.send(Act::Each(vec![SAFE, NSFW])).unwrap();
    assert_eq!(
        scored(images[0].answer.recv().unwrap()),
        ("inception_v3", SAFE)
    );
    assert_eq!(
        scored(images[2].answer.recv().unwrap()),
        ("inception_v3", NSFW)
    );
    assert_eq!(two.second.0.recv().unwrap(), 1);
    two.second.1.send(Act::Answer(SAFE)).unwrap();
    assert_eq!(
        scored(images[3].answer.recv().unwrap()),
        ("inception_v3", SAFE)
    );
}

#[test]
fn a_second_that_fails_leaves_what_is_in_doubt_pending() {
    let two = two();
    let images = a_batch_with_doubts(&two);
    two.second.1.send(Act::Fail).unwrap();
    two.second.1.send(Act::Answer(NSFW)).unwrap();
    let outcome = |image: &Submitted| image.answer.recv().unwrap();
    for image in [&images[0], &images[2]] {
        assert_eq!(outcome(image).unwrap().verdict, Verdict::Pending);
    }
    assert_eq!(scored(outcome(&images[1])), ("mobilenet_v2", NSFW));
    assert_eq!(scored(outcome(&images[3])), ("inception_v3", NSFW));
    assert!(two.pipeline.is_healthy());
}

#[test]
fn who_left_is_not_looked_at_twice() {
    let two = two();
    let images = a_batch_with_doubts(&two);
    assert_eq!(two.second.0.recv().unwrap(), 2);
    images[3].departed.store(true, Relaxed);
    two.second.1.send(Act::Each(vec![SAFE, SAFE])).unwrap();
    scored(images[2].answer.recv().unwrap());
    // The next image shows that the device has moved on without it.
    two.first.1.send(Act::Answer(SAFE)).unwrap();
    scored(two.pipeline.run(png()));
    assert_eq!(two.second.0.try_iter().count(), 0);
    assert_eq!(two.pipeline.stats().departed.load(Relaxed), 1);
}
