//! From a sniffed file to the pixels that are classified.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use imgshare_benches::photos;
use imgshare_pipeline::Limits;
use imgshare_pipeline::stage::decode::decode;
use imgshare_pipeline::stage::sniff::sniff;

fn bench(criterion: &mut Criterion) {
    let limits = Limits::default();
    let mut group = criterion.benchmark_group("decode");
    for sample in photos::every_format() {
        let sniffed = sniff(sample.upload(), &limits).expect("a drawn photo is accepted");
        // `Decoded` exists only when every pixel decoded.
        decode(sniffed.clone(), &limits).expect("a drawn photo decodes");
        group.throughput(Throughput::Bytes(sample.n_bytes()));
        group.bench_function(sample.name.to_string(), |bencher| {
            bencher.iter_batched(
                || sniffed.clone(),
                |sniffed| decode(sniffed, &limits),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
