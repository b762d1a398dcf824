//! The resize of a picture in YCbCr that comes row by row.

use std::ops::Range;

use super::taps::{Tap, taps};
use super::{CHANNELS, to_fixed};
use crate::cpu::isa::{Isa, Job, Proof, Start};
use crate::cpu::ycbcr::{Converter, ReadRows, YcbcrRows};

/// As [`super::resize_align_corners`] of all the pixels, of which only those are
/// made that count.
pub struct YcbcrResize {
    proof: Proof,
    rows: Vec<Tap>,
    /// How many of them are done.
    n_done: usize,
    near: BlendedRow,
    far: BlendedRow,
    columns: Columns,
    square: Box<[u16]>,
}

/// One source row, blended along columns to the width of the square.
struct BlendedRow {
    row_idx: Option<usize>,
    /// Red, green and blue, 0.0..=255.0.
    colours: [Vec<f32>; CHANNELS],
}

/// What makes such a row.
struct Columns {
    far_weights: Vec<f32>,
    /// Makes the near pixels of all taps, and then the far ones.
    converter: Converter,
}

impl YcbcrResize {
    /// For a picture of `size`, width and height, to a square of `side`.
    ///
    /// # Panics
    /// If a side of the picture is zero.
    pub fn new(size: (usize, usize), side: u32) -> Self {
        let side = usize::try_from(side).expect("a side of 32 bits fits the address space");
        let (width, height) = size;
        assert!(width > 0 && height > 0, "the picture has no pixels");
        let columns = taps(width, side, 1);
        let (near, far) = (
            columns.iter().map(|tap| tap.near),
            columns.iter().map(|tap| tap.far),
        );
        let blended = || BlendedRow {
            row_idx: None,
            colours: [0; CHANNELS].map(|_| vec![0.0; side]),
        };
        Self {
            proof: Proof::of_best(),
            rows: taps(height, side, 1),
            n_done: 0,
            near: blended(),
            far: blended(),
            columns: Columns {
                converter: Converter::new(near.chain(far).collect()),
                far_weights: columns.iter().map(|tap| tap.far_weight).collect(),
            },
            square: vec![0; side * side * CHANNELS].into_boxed_slice(),
        }
    }

    /// The square, as [`super::resize_align_corners`] writes it, once all rows have
    /// been read.
    pub fn into_square(self) -> Box<[u16]> {
        self.square
    }
}

impl ReadRows for YcbcrResize {
    fn read(&mut self, rows: &YcbcrRows<'_>, ready: Range<usize>) {
        let proof = self.proof;
        proof.choose(Start(Read {
            resize: self,
            rows,
            end: ready.end,
        }));
    }
}

/// Makes the rows of the square that lie before the source row `end`.
struct Read<'a> {
    resize: &'a mut YcbcrResize,
    rows: &'a YcbcrRows<'a>,
    end: usize,
}

impl Job for Read<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, _isa: I) {
        let YcbcrResize {
            rows,
            n_done,
            near,
            far,
            columns,
            square,
            ..
        } = self.resize;
        let row_len = columns.far_weights.len() * CHANNELS;
        for row in &rows[*n_done..] {
            // When enlarging, this row's upper neighbour was the last one's lower.
            if near.row_idx != Some(row.near) && far.row_idx == Some(row.near) {
                std::mem::swap(near, far);
            }
            for (blended, row_idx) in [(&mut *near, row.near), (&mut *far, row.far)] {
                if blended.row_idx != Some(row_idx) {
                    if row_idx >= self.end {
                        return;
                    }
                    blended.row_idx = Some(row_idx);
                    columns.blend(self.rows, row_idx, &mut blended.colours);
                }
            }
            let out = &mut square[*n_done * row_len..][..row_len];
            blend_rows(&near.colours, &far.colours, row.far_weight, out);
            *n_done += 1;
        }
    }
}

impl Columns {
    #[inline(always)]
    fn blend(&mut self, rows: &YcbcrRows<'_>, row_idx: usize, out: &mut [Vec<f32>; CHANNELS]) {
        let pixels = self.converter.row(rows, row_idx);
        for (colour, out) in pixels.iter().zip(out) {
            let (near, far) = colour.split_at(self.far_weights.len());
            let taps = near.iter().zip(far).zip(&self.far_weights);
            for (out, ((near, far), far_weight)) in out.iter_mut().zip(taps) {
                *out = near + (far - near) * far_weight;
            }
        }
    }
}

#[inline(always)]
fn blend_rows(
    near: &[Vec<f32>; CHANNELS],
    far: &[Vec<f32>; CHANNELS],
    far_weight: f32,
    out: &mut [u16],
) {
    let (pixels, _) = out.as_chunks_mut::<CHANNELS>();
    for (channel, (near, far)) in near.iter().zip(far).enumerate() {
        for (pixel, (near, far)) in pixels.iter_mut().zip(near.iter().zip(far)) {
            pixel[channel] = to_fixed(near + (far - near) * far_weight);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{RgbView, resize_align_corners};
    use super::*;
    use crate::cpu::isa::CpuPath;
    use crate::cpu::ycbcr::tests::coded;

    proptest! {
        #[test]
        fn rows_make_the_same_square_as_all_pixels(
            coded in coded(),
            side in 1_u32..50,
            half_height in 1_usize..9,
        ) {
            let (rgb, (width, height)) = (coded.rgb(), coded.size);
            let view = RgbView::new(&rgb, width.try_into().unwrap(), height.try_into().unwrap()).unwrap();
            let mut expected = vec![0; (side * side * 3) as usize];
            resize_align_corners(view, side, &mut expected);
            for path in CpuPath::available() {
                let mut resize = YcbcrResize::new(coded.size, side);
                resize.proof = Proof::of(path).unwrap();
                coded.read_by(2 * half_height, &mut resize);
                prop_assert_eq!(&*resize.into_square(), &expected, "{}", path);
            }
        }
    }

    #[test]
    #[should_panic(expected = "the picture has no pixels")]
    fn no_pixels_are_a_callers_bug() {
        YcbcrResize::new((0, 1), 2);
    }
}
