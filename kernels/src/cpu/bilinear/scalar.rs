//! The meaning of the kernel: one output value at a time, nothing reused.

use super::taps::taps;
use super::{CHANNELS, RgbView, to_fixed};

pub(super) fn resize(src: RgbView<'_>, side: usize, out: &mut [u16]) {
    let columns = taps(src.width, side, CHANNELS);
    let rows = taps(src.height, side, 1);
    for (idx, value) in out.iter_mut().enumerate() {
        let (row, column) = (
            rows[idx / (side * CHANNELS)],
            columns[idx / CHANNELS % side],
        );
        let channel = idx % CHANNELS;
        let sample = |row_idx, offset: usize| f32::from(src.row(row_idx)[offset + channel]);

        let top_left = sample(row.near, column.near);
        let top_right = sample(row.near, column.far);
        let bottom_left = sample(row.far, column.near);
        let bottom_right = sample(row.far, column.far);

        let top = top_left + (top_right - top_left) * column.far_weight;
        let bottom = bottom_left + (bottom_right - bottom_left) * column.far_weight;
        *value = to_fixed(top + (bottom - top) * row.far_weight);
    }
}
