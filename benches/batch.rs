//! Admission, channels, batching and answers around stages that cost next to
//! nothing and a classifier that costs nothing.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, mpsc};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use imgshare_benches::instant_classifier::InstantClassifier;
use imgshare_benches::photos;
use imgshare_pipeline::{Ingested, Pipeline, PipelineError, Reply, Settings, Verdict};

/// Images submitted before the first answer is awaited.
const BURSTS: [usize; 3] = [1, 8, 64];

type Answer = Result<Ingested, PipelineError>;

struct Waiting(mpsc::Sender<Answer>);

impl Reply for Waiting {
    fn departed(&self) -> bool {
        false
    }

    fn send(self: Box<Self>, outcome: Answer) {
        self.0
            .send(outcome)
            .expect("the bench waits for every answer");
    }
}

fn bench(criterion: &mut Criterion) {
    let pipeline = Pipeline::start(
        Settings::default(),
        Box::new(|| Ok(Box::new(InstantClassifier))),
    )
    .expect("the pipeline starts");
    let image = photos::thumbnail_jpeg().bytes;
    let mut group = criterion.benchmark_group("batch");
    for n_images in BURSTS {
        for answer in burst(&pipeline, &image, n_images) {
            let verdict = answer.expect("a drawn photo is accepted").verdict;
            assert!(matches!(verdict, Verdict::Scored(scored)
                if scored.scores.to_array() == InstantClassifier::ANSWER));
        }
        group.throughput(Throughput::Elements(
            u64::try_from(n_images).unwrap_or(u64::MAX),
        ));
        group.bench_function(BenchmarkId::from_parameter(n_images), |bencher| {
            bencher.iter(|| burst(&pipeline, &image, n_images));
        });
    }
    group.finish();
    let stats = pipeline.stats();
    assert_eq!(
        stats.pending.load(Relaxed),
        0,
        "every image was batched in time"
    );
}

fn burst(pipeline: &Pipeline, image: &Arc<[u8]>, n_images: usize) -> Vec<Answer> {
    let (answer_tx, answer_rx) = mpsc::channel();
    for _ in 0..n_images {
        let permit = pipeline.admit(1_000).expect("a burst fits");
        pipeline.submit(
            permit,
            Arc::clone(image),
            Box::new(Waiting(answer_tx.clone())),
        );
    }
    answer_rx.iter().take(n_images).collect()
}

criterion_group!(benches, bench);
criterion_main!(benches);
