//! Reading the orientation, and turning what does not stand upright.

use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use imgshare_benches::photos;
use imgshare_pipeline::Limits;
use imgshare_pipeline::item::{Decoded, Upload};
use imgshare_pipeline::stage::decode::decode;
use imgshare_pipeline::stage::sniff::sniff;
use imgshare_pipeline::stage::upright::upright;

/// Short, because each iteration needs a decoded picture of its own.
const MEASURED: Duration = Duration::from_millis(500);

/// How a phone held on its side writes a photo: TIFF orientation 6, a quarter turn.
const QUARTER_TURN: u8 = 6;

fn bench(criterion: &mut Criterion) {
    let limits = Limits::default();
    let photo = photos::phone_jpeg();
    let turned = with_orientation(&photo.bytes, QUARTER_TURN);
    let mut group = criterion.benchmark_group("upright");
    group
        .warm_up_time(MEASURED)
        .measurement_time(MEASURED)
        .sample_size(10);
    for (name, bytes) in [("already", &photo.bytes), ("quarter turn", &turned)] {
        upright(decoded(bytes, &limits)).expect("a drawn photo can be turned");
        group.bench_function(name, |bencher| {
            bencher.iter_batched(|| decoded(bytes, &limits), upright, BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn decoded(bytes: &Arc<[u8]>, limits: &Limits) -> Decoded {
    let sniffed = sniff(
        Upload {
            bytes: Arc::clone(bytes),
        },
        limits,
    )
    .expect("it is accepted");
    decode(sniffed, limits).expect("it decodes")
}

/// Puts an Exif segment with one tag, the orientation, behind the JPEG's first marker.
fn with_orientation(jpeg: &[u8], orientation: u8) -> Arc<[u8]> {
    const SEGMENT: [u8; 36] = *b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\
        \0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    // The value's low byte within the segment.
    const ORIENTATION: usize = 29;
    let mut segment = SEGMENT;
    segment[ORIENTATION] = orientation;
    [&jpeg[..2], &segment, &jpeg[2..]].concat().into()
}

criterion_group!(benches, bench);
criterion_main!(benches);
