//! Whole images, from bytes to durable, several at once.

use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use imgshare_benches::photos;
use imgshare_models::{DeviceChoice, Engine, Weights, manifest};
use imgshare_pipeline::{Pipeline, Settings as PipelineSettings};
use imgshare_tests::cache;
use imgshare_web::commands::bench::ingest::IngestBench;
use imgshare_web::config::Settings;

/// Photos of one iteration: a CPU's largest batch.
const N_PHOTOS: usize = 8;

fn bench(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let settings = Settings {
        data: folder.path().to_owned(),
        ..Settings::default()
    };
    let bench = IngestBench::start(settings, pipeline()).expect("the store opens");
    let photo = photos::phone_jpeg();
    let files = vec![Arc::clone(&photo.bytes); N_PHOTOS];
    for done in bench
        .run(&files, Duration::ZERO)
        .expect("every photo is ingested")
    {
        let stored = bench
            .store()
            .find(&done.record.id)
            .expect("records are readable");
        assert_eq!(stored, Some(done.record));
    }
    let mut group = criterion.benchmark_group("ingest");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(N_PHOTOS as u64));
    group.bench_function("8 MP photos on the CPU", |bencher| {
        bencher.iter(|| {
            bench
                .run(&files, Duration::ZERO)
                .expect("every photo is ingested")
        });
    });
    group.finish();
}

fn pipeline() -> Pipeline {
    let make = Box::new(|| {
        let spec = &manifest::models()[0];
        let weights = Weights::load(&cache::models(), spec)?;
        let engine = Engine::start(&weights, DeviceChoice::Cpu)?;
        Ok(Box::new(engine) as Box<_>)
    });
    Pipeline::start(PipelineSettings::default(), make).expect("the pipeline starts")
}

criterion_group!(benches, bench);
criterion_main!(benches);
