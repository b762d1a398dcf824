//! The hash of a picture whose luma comes row by row.

use std::collections::VecDeque;
use std::ops::Range;

use super::shrink::{Pair, pairs, sum_columns, sum_rows};
use super::tent::{Tent, backwards, tents};
use super::{Pdq, SIDE, SIDE_MIN, Ways, of_samples};
use crate::cpu::isa::{Isa, Job, Proof, Start};
use crate::cpu::ycbcr::{ReadRows, YcbcrRows};

/// As [`super::pdq`] of all the pixels, but that luma is the file's own, where the
/// pixels' differs by what rounding and keeping colours within their range changes:
/// few bits, if any.
pub struct LumaPdq {
    proof: Proof,
    rows: RowSums,
    /// From both ends.
    columns: [Vec<Tent>; 2],
    ways: Box<Ways>,
    is_large_enough: bool,
}

impl LumaPdq {
    /// For a picture of `size`, width and height.
    ///
    /// # Panics
    /// If a side of the picture is zero.
    pub fn new((width, height): (usize, usize)) -> Self {
        assert!(width > 0 && height > 0, "the picture has no pixels");
        Self {
            proof: Proof::of_best(),
            rows: RowSums::new(height, width),
            columns: [tents(width), backwards(width)],
            ways: Box::new([[[[0.0; SIDE]; SIDE]; 2]; 2]),
            is_large_enough: width.min(height) >= SIDE_MIN,
        }
    }

    /// The hash, once all rows have been read; `None` as for [`super::pdq`].
    pub fn finish(self) -> Option<Pdq> {
        self.is_large_enough.then(|| of_samples(&self.ways))
    }
}

impl ReadRows for LumaPdq {
    fn read(&mut self, rows: &YcbcrRows<'_>, ready: Range<usize>) {
        let proof = self.proof;
        proof.choose(Start(Read {
            hash: self,
            rows,
            ready,
        }));
    }
}

/// Weighted sums of source rows, a set for each sample and end, as the rows come.
struct RowSums {
    pairs: Vec<Pair>,
    /// How many of them have all their rows.
    n_done: usize,
    /// The sums of those that have begun, from `n_done` on.
    begun: VecDeque<[Vec<f32>; 2]>,
    /// Sums to be used again.
    spare: Vec<[Vec<f32>; 2]>,
    width: usize,
}

impl RowSums {
    fn new(height: usize, width: usize) -> Self {
        Self {
            pairs: pairs(height),
            n_done: 0,
            begun: VecDeque::new(),
            spare: Vec::new(),
            width,
        }
    }

    /// Adds the rows that are ready; `done` hears the number and the sums of each
    /// pair that has all of its rows.
    #[inline(always)]
    fn add(
        &mut self,
        rows: &YcbcrRows<'_>,
        ready: &Range<usize>,
        mut done: impl FnMut(usize, &[Vec<f32>; 2]),
    ) {
        let begun = self.pairs.iter().enumerate().skip(self.n_done);
        let mut at = 0;
        for (pair_idx, pair) in begun {
            let of_pair = pair.rows();
            if of_pair.start >= ready.end {
                break;
            }
            if self.begun.len() == at {
                let mut sums = self.spare.pop().unwrap_or_default();
                for sums in &mut sums {
                    sums.clear();
                    sums.resize(self.width, 0.0);
                }
                self.begun.push_back(sums);
            }
            let now = of_pair.start.max(ready.start)..of_pair.end.min(ready.end);
            sum_rows(pair, now, &mut self.begun[at], |row_idx| {
                rows.luma_row(row_idx)
            });
            // They end in the order in which they begin.
            if of_pair.end > ready.end {
                at += 1;
            } else if let Some(sums) = self.begun.pop_front() {
                done(pair_idx, &sums);
                self.spare.push(sums);
                self.n_done += 1;
            }
        }
    }
}

struct Read<'a> {
    hash: &'a mut LumaPdq,
    rows: &'a YcbcrRows<'a>,
    ready: Range<usize>,
}

impl Job for Read<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, _isa: I) {
        let LumaPdq {
            rows,
            columns,
            ways,
            ..
        } = self.hash;
        rows.add(self.rows, &self.ready, |row_idx, sums| {
            for (luma, ways) in sums.iter().zip(&mut **ways) {
                for (columns, samples) in columns.iter().zip(ways) {
                    sum_columns(luma, columns, &mut samples[row_idx]);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::pdq;
    use super::super::shrink::shrink;
    use super::*;
    use crate::cpu::bilinear::RgbView;
    use crate::cpu::isa::CpuPath;
    use crate::cpu::ycbcr::Rows;
    use crate::cpu::ycbcr::tests::coded;

    /// What has been read of a grey picture by some rows at a time.
    fn read(luma: &[u8], size: (usize, usize), at_once: usize, path: CpuPath) -> LumaPdq {
        let (width, height) = size;
        let mut hash = LumaPdq::new(size);
        hash.proof = Proof::of(path).unwrap();
        for first in (0..height).step_by(at_once) {
            let end = height.min(first + at_once);
            let luma = Rows {
                samples: &luma[first * width..end * width],
                stride: width,
                first,
            };
            let rows = YcbcrRows {
                size: (width, height),
                luma,
                chroma: None,
            };
            hash.read(&rows, first..end);
        }
        hash
    }

    fn flat(ways: &Ways) -> Vec<f32> {
        let samples = ways.as_flattened().as_flattened();
        samples.as_flattened().to_vec()
    }

    #[test]
    fn a_grey_picture_is_sampled_as_its_pixels_are() {
        for size in [
            (5, 5),
            (64, 64),
            (100, 40),
            (129, 257),
            (640, 480),
            (33, 2000),
        ] {
            let (width, height) = size;
            let wave =
                |at: usize| ((at % width) * 7 + (at / width) * (at / width) / 9).to_le_bytes()[0];
            let luma: Vec<u8> = (0..width * height).map(wave).collect();
            let rgb: Vec<u8> = luma.iter().flat_map(|luma| [*luma; 3]).collect();
            let view =
                RgbView::new(&rgb, width.try_into().unwrap(), height.try_into().unwrap()).unwrap();
            let (expected, samples) = (pdq(view).unwrap(), shrink(view));
            let paths = CpuPath::available().map(|path| (path, 16));
            for (path, at_once) in [1, 8, height]
                .map(|at_once| (CpuPath::Scalar, at_once))
                .into_iter()
                .chain(paths)
            {
                let found = read(&luma, size, at_once, path);
                let pairs = flat(&found.ways).into_iter().zip(flat(&samples));
                for (found, expected) in pairs {
                    let error: f32 = found - expected;
                    assert!(error.abs() < 1e-3, "{size:?}: {found} {expected}");
                }
                let found = found.finish().unwrap();
                let bits = found.hash.iter().zip(expected.hash);
                let distance: u32 = bits.map(|(a, b)| (a ^ b).count_ones()).sum();
                // Five rows have frequencies of nothing, whose bits are chance.
                assert!(distance <= 2 || width == 5, "{size:?}: {distance}");
                assert_eq!(found.quality, expected.quality);
            }
        }
        assert_eq!(read(&[0; 16], (4, 4), 1, CpuPath::Scalar).finish(), None);
    }

    proptest! {
        #[test]
        fn any_rows_are_read(coded in coded(), half_height in 1_usize..9) {
            let mut hash = LumaPdq::new(coded.size);
            coded.read_by(2 * half_height, &mut hash);
            let (width, height) = coded.size;
            prop_assert_eq!(hash.rows.n_done, SIDE);
            prop_assert_eq!(hash.finish().is_some(), width.min(height) >= SIDE_MIN);
        }
    }
}
