//! The canvas an animation is composed on, the same for GIF, APNG and WebP.

use super::raster::{Layout, Raster, alpha_plane};
use crate::error::Reject;
use crate::item::Pixels;

/// Where a frame lies on the canvas, in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// How a frame meets what is already there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Blend {
    Replace,
    Over,
}

/// What becomes of a frame's area before the next frame.
#[derive(Debug, Clone, Copy)]
pub(super) enum Dispose {
    Keep,
    Clear,
    Restore,
}

/// RGBA pixels, transparent at first, as in every browser whatever background
/// the file names.
#[derive(Debug)]
pub(in crate::stage) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 4]>,
    pending: Pending,
}

/// What is still to be done to the last frame's area.
#[derive(Debug)]
enum Pending {
    Nothing,
    Clear(Bounds),
    Restore(Bounds, Vec<[u8; 4]>),
}

/// An [`Area`] cut to the canvas.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
}

impl Canvas {
    pub(super) fn new(width: u32, height: u32) -> Result<Self, Reject> {
        let too_large = |_| Reject::Malformed {
            detail: "it does not fit into memory",
        };
        let pixels = usize::try_from(u64::from(width) * u64::from(height)).map_err(too_large)?;
        Ok(Self {
            width: usize::try_from(width).map_err(too_large)?,
            height: usize::try_from(height).map_err(too_large)?,
            pixels: vec![[0; 4]; pixels],
            pending: Pending::Nothing,
        })
    }

    /// Draws a frame of packed samples; `stride` is its row length in pixels.
    pub(super) fn draw_samples(
        &mut self,
        area: Area,
        (layout, samples, stride): (Layout, &[u8], usize),
        blend: Blend,
        dispose: Dispose,
    ) {
        match layout {
            Layout::Grey => {
                self.draw(area, stride, samples, blend, dispose, |&grey| {
                    [grey, grey, grey, 255]
                });
            }
            Layout::GreyAlpha => {
                let (pixels, _) = samples.as_chunks::<2>();
                self.draw(area, stride, pixels, blend, dispose, |&[grey, a]| {
                    [grey, grey, grey, a]
                });
            }
            Layout::Rgb => {
                let (pixels, _) = samples.as_chunks::<3>();
                self.draw(area, stride, pixels, blend, dispose, |&[r, g, b]| {
                    [r, g, b, 255]
                });
            }
            Layout::Rgba => {
                let (pixels, _) = samples.as_chunks::<4>();
                self.draw(area, stride, pixels, blend, dispose, |&rgba| rgba);
            }
        }
    }

    /// Draws a frame; `rgba` gives the colour of one of its pixels.
    pub(super) fn draw<P>(
        &mut self,
        area: Area,
        stride: usize,
        frame: &[P],
        blend: Blend,
        dispose: Dispose,
        rgba: impl Fn(&P) -> [u8; 4],
    ) {
        self.settle();
        let bounds = self.bounds(area);
        self.pending = match dispose {
            Dispose::Keep => Pending::Nothing,
            Dispose::Clear => Pending::Clear(bounds),
            Dispose::Restore => Pending::Restore(bounds, self.copy_of(bounds)),
        };
        for (row, source) in self.rows(bounds).zip(frame.chunks(stride)) {
            for (pixel, source) in row.iter_mut().zip(source) {
                let source = rgba(source);
                *pixel = match blend {
                    Blend::Replace => source,
                    Blend::Over => over(source, *pixel),
                };
            }
        }
    }

    /// What is shown now, RGBA, row-major.
    pub(in crate::stage) fn shown(&self) -> &[[u8; 4]] {
        &self.pixels
    }

    /// What is shown now, as one keeps it.
    pub(super) fn pixels(&self) -> Pixels {
        let (width, height) = self.size();
        let shown = self.shown();
        let mut rgb = vec![0; 3 * shown.len()];
        for (colour, &[r, g, b, _]) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(shown) {
            *colour = [r, g, b];
        }
        let alpha = alpha_plane(shown.iter().map(|&[_, _, _, alpha]| alpha));
        Pixels {
            width,
            height,
            rgb,
            alpha,
        }
    }

    /// True if `pixels` are what is shown now.
    pub(super) fn shows(&self, pixels: &Pixels) -> bool {
        let (colours, _) = pixels.rgb.as_chunks::<3>();
        let same_colours = colours.len() == self.pixels.len()
            && colours
                .iter()
                .zip(&self.pixels)
                .all(|(colour, [r, g, b, _])| *colour == [*r, *g, *b]);
        let mut shown_alphas = self.pixels.iter().map(|&[_, _, _, alpha]| alpha);
        same_colours
            && match &pixels.alpha {
                Some(alphas) => alphas.iter().copied().eq(shown_alphas),
                None => shown_alphas.all(|alpha| alpha == u8::MAX),
            }
    }

    /// What is shown now, as one shrinks it.
    pub(super) fn raster(&self) -> Raster {
        let (width, height) = self.size();
        let samples = self.pixels.as_flattened().to_vec();
        Raster {
            width,
            height,
            layout: Layout::Rgba,
            samples,
        }
    }

    /// Width and height.
    pub(super) fn sides(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    fn size(&self) -> (u32, u32) {
        let side = |length| u32::try_from(length).expect("the canvas was made from u32 sides");
        (side(self.width), side(self.height))
    }

    /// Disposes of the last frame.
    fn settle(&mut self) {
        match std::mem::replace(&mut self.pending, Pending::Nothing) {
            Pending::Nothing => {}
            Pending::Clear(bounds) => self.rows(bounds).for_each(|row| row.fill([0; 4])),
            Pending::Restore(bounds, saved) => {
                let width = (bounds.right - bounds.left).max(1);
                for (row, saved) in self.rows(bounds).zip(saved.chunks(width)) {
                    row.copy_from_slice(saved);
                }
            }
        }
    }

    fn bounds(&self, area: Area) -> Bounds {
        // A side beyond usize lies beyond the canvas too.
        let at = |position: u32| usize::try_from(position).unwrap_or(usize::MAX);
        let (left, top) = (at(area.left).min(self.width), at(area.top).min(self.height));
        Bounds {
            left,
            right: left.saturating_add(at(area.width)).min(self.width),
            top,
            bottom: top.saturating_add(at(area.height)).min(self.height),
        }
    }

    fn rows(&mut self, bounds: Bounds) -> impl Iterator<Item = &mut [[u8; 4]]> {
        let Bounds {
            left,
            right,
            top,
            bottom,
        } = bounds;
        self.pixels[top * self.width..bottom * self.width]
            .chunks_mut(self.width)
            .map(move |row| &mut row[left..right])
    }

    fn copy_of(&mut self, bounds: Bounds) -> Vec<[u8; 4]> {
        self.rows(bounds)
            .flat_map(|row| row.iter().copied())
            .collect()
    }
}

/// Porter and Duff's over for colours that are not premultiplied (PNG, third
/// edition, 13.16; RFC 9649, 2.7.1.1).
fn over(source: [u8; 4], below: [u8; 4]) -> [u8; 4] {
    match (source[3], below[3]) {
        (255, _) => source,
        (0, _) => below,
        (_, 0) => source,
        (source_alpha, below_alpha) => {
            let source_part = u32::from(source_alpha) * 255;
            let below_part = u32::from(below_alpha) * (255 - u32::from(source_alpha));
            let whole = source_part + below_part;
            let mix = |source: u8, below: u8| {
                let sum = u32::from(source) * source_part + u32::from(below) * below_part;
                rounded(sum, whole)
            };
            [
                mix(source[0], below[0]),
                mix(source[1], below[1]),
                mix(source[2], below[2]),
                rounded(whole, 255),
            ]
        }
    }
}

/// A quotient that cannot exceed 255, rounded to nearest.
fn rounded(sum: u32, divisor: u32) -> u8 {
    u8::try_from((sum + divisor / 2) / divisor).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: [u8; 4] = [255, 0, 0, 255];
    const BLUE: [u8; 4] = [0, 0, 255, 255];
    const CLEAR: [u8; 4] = [0; 4];

    fn dot(canvas: &mut Canvas, left: u32, colour: [u8; 4], blend: Blend, dispose: Dispose) {
        let area = Area {
            left,
            top: 0,
            width: 1,
            height: 1,
        };
        canvas.draw(area, 1, &[colour], blend, dispose, |&pixel| pixel);
    }

    #[test]
    fn frames_are_kept_cleared_or_taken_back() {
        let mut canvas = Canvas::new(3, 1).expect("small");
        dot(&mut canvas, 0, RED, Blend::Replace, Dispose::Keep);
        dot(&mut canvas, 1, RED, Blend::Replace, Dispose::Clear);
        assert_eq!(canvas.pixels, [RED, RED, CLEAR]);
        dot(&mut canvas, 0, BLUE, Blend::Replace, Dispose::Restore);
        assert_eq!(canvas.pixels, [BLUE, CLEAR, CLEAR]);
        dot(&mut canvas, 2, BLUE, Blend::Replace, Dispose::Keep);
        assert_eq!(canvas.pixels, [RED, CLEAR, BLUE]);
    }

    #[test]
    fn a_frame_is_cut_to_the_canvas() {
        let mut canvas = Canvas::new(2, 1).expect("small");
        let area = Area {
            left: 1,
            top: 0,
            width: 2,
            height: 2,
        };
        canvas.draw(
            area,
            2,
            &[RED; 4],
            Blend::Replace,
            Dispose::Restore,
            |&pixel| pixel,
        );
        assert_eq!(canvas.pixels, [CLEAR, RED]);
        dot(&mut canvas, 7, BLUE, Blend::Over, Dispose::Restore);
        dot(&mut canvas, 7, BLUE, Blend::Over, Dispose::Keep);
        assert_eq!(canvas.pixels, [CLEAR, CLEAR]);
    }

    #[test]
    fn over_mixes_by_both_alphas() {
        assert_eq!(over(RED, BLUE), RED);
        assert_eq!(over(CLEAR, BLUE), BLUE);
        assert_eq!(over([255, 0, 0, 128], CLEAR), [255, 0, 0, 128]);
        assert_eq!(over([255, 0, 0, 128], BLUE), [128, 0, 127, 255]);
        // 128 over 128: 128 + 128 * 127 / 255 = 191.75; the source weighs 128 / 191.75.
        assert_eq!(over([255, 0, 0, 128], [0, 0, 255, 128]), [170, 0, 85, 192]);
    }

    #[test]
    fn what_shines_through_is_kept_and_told_apart() {
        let mut canvas = Canvas::new(2, 1).expect("small");
        dot(&mut canvas, 0, RED, Blend::Replace, Dispose::Keep);
        let half = canvas.pixels();
        assert_eq!(half.alpha, Some(vec![255, 0]));
        dot(
            &mut canvas,
            1,
            [0, 0, 0, 255],
            Blend::Replace,
            Dispose::Keep,
        );
        let whole = canvas.pixels();
        assert_eq!((&whole.rgb, &whole.alpha), (&half.rgb, &None));
        assert!(canvas.shows(&whole) && !canvas.shows(&half));
    }

    #[test]
    fn every_layout_is_drawn() {
        for (layout, sample) in [
            (Layout::Grey, &[7][..]),
            (Layout::GreyAlpha, &[7, 255]),
            (Layout::Rgb, &[7, 7, 7]),
            (Layout::Rgba, &[7, 7, 7, 255]),
        ] {
            let mut canvas = Canvas::new(1, 1).expect("small");
            let area = Area {
                left: 0,
                top: 0,
                width: 1,
                height: 1,
            };
            canvas.draw_samples(area, (layout, sample, 1), Blend::Over, Dispose::Keep);
            assert_eq!(canvas.pixels, [[7, 7, 7, 255]], "{layout:?}");
            assert_eq!(canvas.pixels().rgb, [7; 3]);
            assert_eq!(canvas.pixels().alpha, None);
            assert!(canvas.shows(&canvas.pixels()));
            assert_eq!(canvas.raster().samples, [7, 7, 7, 255]);
        }
    }
}
