//! Chooses the frames of an animation that are classified, while it plays.
//!
//! Five frames by their place, so that no long scene is missed, and the two
//! that differ most from the first, so that a short one is not. Only frames
//! that may still be chosen are in memory. A frame that shows exactly what one
//! in memory shows is passed over: it would be classified twice.

use super::canvas::Canvas;
use crate::item::Pixels;

/// Frames of an animation that are classified at most.
pub(crate) const SAMPLED_MAX: u32 = 7;

/// How many of them are chosen by their difference from the first.
const DIFFERENT_MAX: usize = 2;

/// Cells across and down that a frame is averaged over to be compared. Coarse
/// enough that noise and dithering cancel out, fine enough for a face.
const GRID: usize = 32;

/// A frame that may be classified.
struct Sampled {
    frame_idx: u32,
    pixels: Pixels,
}

/// Sees every frame of an animation and keeps a few.
pub(super) struct Sampler {
    by_place: [u32; 5],
    frame_idx: u32,
    first: Option<Signature>,
    placed: Vec<Sampled>,
    /// With their distance from the first, the most different before the others.
    different: Vec<(u64, Sampled)>,
}

impl Sampler {
    /// Of an animation of `n_frames` frames: the first, those at the quarter
    /// points, the last.
    pub(super) fn new(n_frames: u32) -> Self {
        let three_quarters = n_frames - n_frames.div_ceil(4);
        let last = n_frames.saturating_sub(1);
        Self {
            by_place: [0, n_frames / 4, n_frames / 2, three_quarters, last],
            frame_idx: 0,
            first: None,
            placed: Vec::new(),
            different: Vec::new(),
        }
    }

    /// Takes the next frame as it is shown.
    pub(super) fn see(&mut self, canvas: &Canvas) {
        let frame_idx = self.frame_idx;
        self.frame_idx += 1;
        let is_known = |sampled: &Sampled| canvas.shows(&sampled.pixels);
        if self.by_place.contains(&frame_idx) {
            // What was chosen for its difference makes room for another.
            self.different.retain(|(_, sampled)| !is_known(sampled));
            if !self.placed.iter().any(is_known) {
                self.placed.push(Sampled {
                    frame_idx,
                    pixels: canvas.pixels(),
                });
            }
        }
        let Some(first) = &self.first else {
            self.first = Some(Signature::of(canvas));
            return;
        };
        let mut known = self.different.iter().map(|(_, sampled)| sampled);
        if known.any(is_known) || self.placed.iter().any(is_known) {
            return;
        }
        let distance = first.distance(&Signature::of(canvas));
        let rank = self
            .different
            .partition_point(|&(other, _)| other >= distance);
        if rank < DIFFERENT_MAX {
            self.different.truncate(DIFFERENT_MAX - 1);
            let pixels = canvas.pixels();
            self.different
                .insert(rank, (distance, Sampled { frame_idx, pixels }));
        }
    }

    /// What is to be classified, in the order it is shown.
    pub(super) fn into_frames(self) -> impl Iterator<Item = Pixels> {
        let different = self.different.into_iter().map(|(_, sampled)| sampled);
        let mut sampled: Vec<Sampled> = self.placed.into_iter().chain(different).collect();
        sampled.sort_unstable_by_key(|sampled| sampled.frame_idx);
        sampled.into_iter().map(|sampled| sampled.pixels)
    }
}

/// Means of a frame's cells: red, green and blue, each times alpha, and alpha
/// times 255. What is invisible counts for nothing.
struct Signature {
    means: Vec<[u64; 4]>,
}

impl Signature {
    fn of(canvas: &Canvas) -> Self {
        let (width, height) = canvas.sides();
        let (across, down) = (width.min(GRID), height.min(GRID));
        let mut means = Vec::with_capacity(across * down);
        for cell_row in 0..down {
            let (top, bottom) = (cell_row * height / down, (cell_row + 1) * height / down);
            let mut sums = vec![[0_u64; 4]; across];
            for row in canvas.shown()[top * width..bottom * width].chunks_exact(width) {
                for (cell_idx, sum) in sums.iter_mut().enumerate() {
                    let (left, right) =
                        (cell_idx * width / across, (cell_idx + 1) * width / across);
                    add(sum, &row[left..right]);
                }
            }
            let area = |cell_idx: usize| {
                let left = cell_idx * width / across;
                let right = (cell_idx + 1) * width / across;
                as_u64((right - left) * (bottom - top))
            };
            let mean = |(cell_idx, sum): (usize, [u64; 4])| sum.map(|sum| sum / area(cell_idx));
            means.extend(sums.into_iter().enumerate().map(mean));
        }
        Self { means }
    }

    fn distance(&self, other: &Self) -> u64 {
        let cells = self.means.iter().zip(&other.means);
        let channels = cells.flat_map(|(a, b)| a.iter().zip(b));
        channels.map(|(a, b)| a.abs_diff(*b)).sum()
    }
}

/// Adds a part of a row. A side has at most 65,535 pixels, a 32nd of it 2,048,
/// so that 32 bits hold the sum of 16-bit products.
fn add(sum: &mut [u64; 4], part: &[[u8; 4]]) {
    let mut row = [0_u32; 4];
    for &[r, g, b, a] in part {
        let alpha = u32::from(a);
        row[0] = row[0].wrapping_add(u32::from(r) * alpha);
        row[1] = row[1].wrapping_add(u32::from(g) * alpha);
        row[2] = row[2].wrapping_add(u32::from(b) * alpha);
        row[3] = row[3].wrapping_add(255 * alpha);
    }
    for (sum, row) in sum.iter_mut().zip(row) {
        *sum += u64::from(row);
    }
}

fn as_u64(area: usize) -> u64 {
    u64::try_from(area).unwrap_or(u64::MAX)
}
