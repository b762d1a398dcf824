//! The meaning of the kernel: every pixel filtered, twice along rows and twice
//! along columns, with the running sums that the reference has; and every turned
//! picture turned pixel by pixel first.

use super::tent::{boxed, centre};
use super::{SIDE, Samples, Ways};
use crate::cpu::bilinear::RgbView;

pub(super) fn shrink(src: RgbView<'_>) -> Ways {
    [false, true].map(|flip| {
        [false, true].map(|mirror| {
            let turned = turned(src, flip, mirror);
            let mut samples = sampled(&turned, src.width, src.height);
            if flip {
                samples.reverse();
            }
            for row in samples.iter_mut().filter(|_| mirror) {
                row.reverse();
            }
            samples
        })
    })
}

/// The pixels of a picture of the same size, top for bottom and left for right.
fn turned(src: RgbView<'_>, flip: bool, mirror: bool) -> Vec<[u8; 3]> {
    let mut rows: Vec<Vec<[u8; 3]>> = (0..src.height)
        .map(|row_idx| src.row(row_idx).as_chunks().0.to_vec())
        .collect();
    if flip {
        rows.reverse();
    }
    for row in rows.iter_mut().filter(|_| mirror) {
        row.reverse();
    }
    rows.concat()
}

fn sampled(rgb: &[[u8; 3]], width: usize, height: usize) -> Samples {
    let mut luma: Vec<f32> = rgb.iter().map(luma).collect();
    for _ in 0..2 {
        for row in luma.chunks_exact_mut(width) {
            let filtered = box_filter(row);
            row.copy_from_slice(&filtered);
        }
        for column_idx in 0..width {
            let column: Vec<f32> = (0..height)
                .map(|row_idx| luma[row_idx * width + column_idx])
                .collect();
            for (row_idx, value) in box_filter(&column).into_iter().enumerate() {
                luma[row_idx * width + column_idx] = value;
            }
        }
    }
    std::array::from_fn::<_, SIDE, _>(|row| {
        let row_idx = centre(height, row);
        std::array::from_fn(|column| luma[row_idx * width + centre(width, column)])
    })
}

/// In f64 first, as the reference's Python binding does.
#[expect(clippy::cast_possible_truncation, reason = "0.0..=255.0")]
fn luma(rgb: &[u8; 3]) -> f32 {
    let [red, green, blue] = rgb.map(f64::from);
    (red * 0.299 + green * 0.587 + blue * 0.114) as f32
}

fn box_filter(values: &[f32]) -> Vec<f32> {
    let mut sum = 0.0;
    let mut summed = 0..0;
    (0..values.len())
        .map(|position| {
            let window = boxed(values.len(), position);
            for value in &values[summed.end..window.end] {
                sum += value;
            }
            for value in &values[summed.start..window.start] {
                sum -= value;
            }
            summed = window;
            sum / summed.len() as f32
        })
        .collect()
}
