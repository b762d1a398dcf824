//! From pixels to the classifier's square.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use imgshare_benches::photos;
use imgshare_kernels::cpu::bilinear::{RgbView, resize_align_corners};
use imgshare_models::manifest;

/// Widths and heights: a phone's photo, a screen, a web picture, the square itself.
const SIZES: [(u16, u16); 4] = [(3_264, 2_448), (1_920, 1_080), (640, 480), (224, 224)];

fn bench(criterion: &mut Criterion) {
    let spec = &manifest::models()[0];
    let mut out = vec![0; spec.samples()];
    let mut group = criterion.benchmark_group("resize");
    for (width, height) in SIZES {
        let pixels = photos::pixels(width, height);
        let source = RgbView::new(&pixels, width.into(), height.into())
            .expect("the drawn pixels fill their size");
        resize_align_corners(source, spec.side, &mut out);
        assert_corners_kept(&pixels, &out);
        group.throughput(Throughput::Elements(u64::from(width) * u64::from(height)));
        group.bench_function(
            BenchmarkId::from_parameter(format!("{width}x{height}")),
            |bencher| {
                bencher.iter(|| resize_align_corners(source, spec.side, &mut out));
            },
        );
    }
    group.finish();
}

/// Align-corners puts the source's first and last pixel into the square unchanged.
fn assert_corners_kept(pixels: &[u8], out: &[u16]) {
    let exact = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|&byte| u16::from(byte) * 257)
            .collect::<Vec<_>>()
    };
    assert_eq!(out[..3], exact(&pixels[..3]));
    assert_eq!(out[out.len() - 3..], exact(&pixels[pixels.len() - 3..]));
}

criterion_group!(benches, bench);
criterion_main!(benches);
