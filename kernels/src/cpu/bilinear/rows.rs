//! The form that runs: source rows are blended along columns once each, then
//! two of them at a time along rows. Source rows that no output row needs are
//! never read.

use super::taps::{Tap, taps};
use super::{CHANNELS, RgbView, to_fixed};

pub(super) fn resize(src: RgbView<'_>, side: usize, out: &mut [u16]) {
    if side == 0 {
        return;
    }
    let columns = taps(src.width, side, CHANNELS);
    let mut near = BlendedRow::new(side);
    let mut far = BlendedRow::new(side);
    let out_rows = out.chunks_exact_mut(side * CHANNELS);
    for (row, out_row) in taps(src.height, side, 1).into_iter().zip(out_rows) {
        // When enlarging, this row's upper neighbour was the last one's lower.
        if far.row_idx == Some(row.near) {
            std::mem::swap(&mut near, &mut far);
        }
        near.fill(src, row.near, &columns);
        far.fill(src, row.far, &columns);
        blend_rows(&near.values, &far.values, row.far_weight, out_row);
    }
}

/// One source row, blended along columns to the width of the square.
struct BlendedRow {
    row_idx: Option<usize>,
    /// 0.0..=255.0
    values: Vec<f32>,
}

impl BlendedRow {
    fn new(side: usize) -> Self {
        Self {
            row_idx: None,
            values: vec![0.0; side * CHANNELS],
        }
    }

    fn fill(&mut self, src: RgbView<'_>, row_idx: usize, columns: &[Tap]) {
        if self.row_idx == Some(row_idx) {
            return;
        }
        self.row_idx = Some(row_idx);
        let source = src.row(row_idx);
        for (column, values) in columns.iter().zip(self.values.chunks_exact_mut(CHANNELS)) {
            let left = &source[column.near..column.near + CHANNELS];
            let right = &source[column.far..column.far + CHANNELS];
            for ((value, &left), &right) in values.iter_mut().zip(left).zip(right) {
                let left = f32::from(left);
                *value = left + (f32::from(right) - left) * column.far_weight;
            }
        }
    }
}

fn blend_rows(near: &[f32], far: &[f32], far_weight: f32, out: &mut [u16]) {
    for ((value, &near), &far) in out.iter_mut().zip(near).zip(far) {
        *value = to_fixed(near + (far - near) * far_weight);
    }
}
