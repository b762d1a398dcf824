//! The perceptual hash of what is shown.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use imgshare_benches::photos;
use imgshare_kernels::cpu::bilinear::RgbView;
use imgshare_kernels::cpu::pdq::pdq;

/// Widths and heights: a phone's photo, a screen, a web picture.
const SIZES: [(u16, u16); 3] = [(3_264, 2_448), (1_920, 1_080), (640, 480)];

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("perceptual hash");
    for (width, height) in SIZES {
        let pixels = photos::pixels(width, height);
        let source = RgbView::new(&pixels, width.into(), height.into())
            .expect("the drawn pixels fill their size");
        assert!(pdq(source).is_some(), "a picture of this size has a hash");
        group.throughput(Throughput::Elements(u64::from(width) * u64::from(height)));
        group.bench_function(
            BenchmarkId::from_parameter(format!("{width}x{height}")),
            |bencher| bencher.iter(|| pdq(source)),
        );
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
