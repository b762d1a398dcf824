//! From upright pictures in known colours to files proved free of metadata.

use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use imgshare_benches::photos::{self, Sample};
use imgshare_pipeline::Limits;
use imgshare_pipeline::item::Coloured;
use imgshare_pipeline::stage::colour::colour;
use imgshare_pipeline::stage::decode::decode;
use imgshare_pipeline::stage::scrub::scrub;
use imgshare_pipeline::stage::sniff::sniff;
use imgshare_pipeline::stage::upright::upright;

/// Short, because each iteration needs a decoded picture of its own, which
/// takes many times as long as what is measured.
const MEASURED: Duration = Duration::from_millis(500);

fn bench(criterion: &mut Criterion) {
    let limits = Limits::default();
    let mut group = criterion.benchmark_group("scrub");
    group
        .warm_up_time(MEASURED)
        .measurement_time(MEASURED)
        .sample_size(20);
    for sample in photos::every_format() {
        // `Clean` exists only when the rebuilt file was parsed again and found clean.
        scrub(prepared(&sample, &limits)).expect("a drawn photo can be scrubbed");
        group.throughput(Throughput::Bytes(sample.n_bytes()));
        group.bench_function(sample.name.to_string(), |bencher| {
            bencher.iter_batched(
                || prepared(&sample, &limits),
                scrub,
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn prepared(sample: &Sample, limits: &Limits) -> Coloured {
    let sniffed = sniff(sample.upload(), limits).expect("a drawn photo is accepted");
    let decoded = decode(sniffed, limits).expect("a drawn photo decodes");
    let upright = upright(decoded).expect("a drawn photo stands upright");
    colour(upright).expect("a drawn photo is sRGB")
}

criterion_group!(benches, bench);
criterion_main!(benches);
