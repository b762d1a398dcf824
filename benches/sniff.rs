//! From magic bytes to a header within the limits.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use imgshare_benches::photos;
use imgshare_pipeline::Limits;
use imgshare_pipeline::stage::sniff::sniff;

fn bench(criterion: &mut Criterion) {
    let limits = Limits::default();
    let mut group = criterion.benchmark_group("sniff");
    for sample in photos::every_format() {
        sniff(sample.upload(), &limits).expect("a drawn photo is accepted");
        group.bench_function(sample.name.to_string(), |bencher| {
            bencher.iter_batched(
                || sample.upload(),
                |upload| sniff(upload, &limits),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
