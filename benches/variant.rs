//! From a stored photo to each of its variants.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use imgshare_benches::photos;
use imgshare_pipeline::stage::scrub::{recall, scrub_encoded};
use imgshare_pipeline::stage::variant::{Shape, VARIANTS, variant};
use imgshare_pipeline::{Format, Header, Limits, Scrubbed};
use sha2::{Digest, Sha256};

fn bench(criterion: &mut Criterion) {
    let limits = Limits::default();
    let stored = stored();
    let sha256 = Sha256::digest(stored.bytes()).into();
    let mut group = criterion.benchmark_group("variant");
    group.throughput(Throughput::Elements(1));
    group.bench_function("recall of the original", |bencher| {
        let bytes = stored.bytes();
        bencher.iter(|| {
            recall(bytes.clone(), &sha256, stored.format(), stored.header())
                .expect("the bytes are those that were hashed")
        });
    });
    for spec in VARIANTS {
        let made = variant(&stored, spec, &limits).expect("a drawn photo has every variant");
        let (width, height) = match spec.shape {
            Shape::Fit | Shape::Veiled => {
                spec.fitted(stored.header().width, stored.header().height)
            }
            Shape::Card | Shape::BlurredCard => (spec.width_max, spec.height_max),
        };
        assert_eq!((made.header().width, made.header().height), (width, height));
        group.bench_function(spec.name, |bencher| {
            bencher.iter(|| variant(&stored, spec, &limits));
        });
    }
    group.finish();
}

/// A photo as the service keeps it.
fn stored() -> Scrubbed {
    let (width, height) = photos::TWO_K;
    let header = Header {
        width: width.into(),
        height: height.into(),
        frames: 1,
    };
    scrub_encoded(photos::two_k_jpeg().bytes, Format::Jpeg, header)
        .expect("a drawn photo can be scrubbed")
}

criterion_group!(benches, bench);
criterion_main!(benches);
