//! From a sniffed file to the pixels that are classified, or to the square of them.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use imgshare_benches::photos;
use imgshare_pipeline::Limits;
use imgshare_pipeline::stage::decode::decode_for;
use imgshare_pipeline::stage::sniff::sniff;

/// Of the default model's square.
const SIDE: u32 = 224;

fn bench(criterion: &mut Criterion) {
    let limits = Limits::default();
    let mut group = criterion.benchmark_group("decode");
    for sample in photos::every_format() {
        let sniffed = sniff(sample.upload(), &limits).expect("a drawn photo is accepted");
        // `Decoded` exists only when every pixel decoded.
        decode_for(sniffed.clone(), &limits, SIDE.into()).expect("a drawn photo decodes");
        group.throughput(Throughput::Bytes(sample.n_bytes()));
        group.bench_function(sample.name.to_string(), |bencher| {
            bencher.iter_batched(
                || sniffed.clone(),
                |sniffed| decode_for(sniffed, &limits, SIDE.into()),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
