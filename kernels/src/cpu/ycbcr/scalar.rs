//! A pixel by the definitions, in f64.

use super::Chroma;

/// Red, green and blue, before they are rounded.
pub(super) fn pixel(
    luma: u8,
    chroma: &Chroma<'_>,
    (width, height): (usize, usize),
    (x, y): (usize, usize),
) -> [f64; 3] {
    let columns = if chroma.half_width {
        width.div_ceil(2)
    } else {
        width
    };
    let rows = if chroma.half_height {
        height.div_ceil(2)
    } else {
        height
    };
    let [blue, red] = chroma.planes.map(|plane| {
        let mut sum = 0.0;
        for (column, across) in weights(x, chroma.half_width, columns) {
            for (row, down) in weights(y, chroma.half_height, rows) {
                let sample = plane.samples[row * plane.stride + column];
                sum += across * down * f64::from(sample);
            }
        }
        sum - 128.0
    });
    let luma = f64::from(luma);
    [
        luma + 1.402 * red,
        luma - 0.344_136_286 * blue - 0.714_136_286 * red,
        luma + 1.772 * blue,
    ]
}

/// Samples and what they count: by the distance between the centres, as if the
/// samples at the edges went on beyond it.
fn weights(at: usize, half: bool, length: usize) -> [(usize, f64); 2] {
    if !half {
        return [(at, 1.0), (at, 0.0)];
    }
    let centre = (at as f64 + 0.5) / 2.0 - 0.5;
    let (below, fraction) = (centre.floor(), centre - centre.floor());
    let last = length - 1;
    // Half a pixel before the first centre nothing lies below.
    let below = (0..length).rev().find(|sample| *sample as f64 <= below);
    let (near, far) = below.map_or((0, 0), |below| (below, (below + 1).min(last)));
    [(near, 1.0 - fraction), (far, fraction)]
}
