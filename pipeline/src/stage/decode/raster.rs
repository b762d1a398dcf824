//! Decoded pixels in the channels they came with.

use crate::item::Pixels;

/// What the samples of a pixel are, 8 bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    Grey,
    GreyAlpha,
    Rgb,
    Rgba,
}

impl Layout {
    pub(crate) fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::GreyAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }
}

/// A picture, row-major, no padding; alpha is not premultiplied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raster {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) layout: Layout,
    pub(crate) samples: Vec<u8>,
}

impl Raster {
    /// RGB without alpha; RGB and RGBA reuse their buffer.
    pub(crate) fn into_pixels(self) -> Pixels {
        let Self {
            width,
            height,
            layout,
            mut samples,
        } = self;
        let rgb = match layout {
            Layout::Rgb => samples,
            Layout::Rgba => {
                drop_fourth(&mut samples);
                samples
            }
            Layout::Grey => samples.iter().flat_map(|&grey| [grey; 3]).collect(),
            Layout::GreyAlpha => {
                let (pairs, _) = samples.as_chunks::<2>();
                pairs.iter().flat_map(|&[grey, _]| [grey; 3]).collect()
            }
        };
        Pixels { width, height, rgb }
    }

    /// RGBA where there is alpha, RGB where there is none.
    pub(crate) fn without_grey(self) -> Self {
        let Self {
            width,
            height,
            layout,
            samples,
        } = self;
        let (layout, samples) = match layout {
            Layout::Grey => (
                Layout::Rgb,
                samples.iter().flat_map(|&grey| [grey; 3]).collect(),
            ),
            Layout::GreyAlpha => {
                let (pairs, _) = samples.as_chunks::<2>();
                let rgba = pairs
                    .iter()
                    .flat_map(|&[grey, alpha]| [grey, grey, grey, alpha]);
                (Layout::Rgba, rgba.collect())
            }
            layout => (layout, samples),
        };
        Self {
            width,
            height,
            layout,
            samples,
        }
    }
}

/// Moves RGBA together to RGB in place.
fn drop_fourth(samples: &mut Vec<u8>) {
    let pixels = samples.len() / 4;
    for pixel_idx in 1..pixels {
        samples.copy_within(pixel_idx * 4..pixel_idx * 4 + 3, pixel_idx * 3);
    }
    samples.truncate(pixels * 3);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raster(layout: Layout, samples: &[u8]) -> Raster {
        Raster {
            width: 2,
            height: 1,
            layout,
            samples: samples.to_vec(),
        }
    }

    #[test]
    fn every_layout_becomes_rgb_without_alpha() {
        let rgb = |layout, samples: &[u8]| raster(layout, samples).into_pixels().rgb;
        assert_eq!(rgb(Layout::Grey, &[1, 2]), [1, 1, 1, 2, 2, 2]);
        assert_eq!(rgb(Layout::GreyAlpha, &[1, 9, 2, 9]), [1, 1, 1, 2, 2, 2]);
        assert_eq!(rgb(Layout::Rgb, &[1, 2, 3, 4, 5, 6]), [1, 2, 3, 4, 5, 6]);
        assert_eq!(
            rgb(Layout::Rgba, &[1, 2, 3, 9, 4, 5, 6, 9]),
            [1, 2, 3, 4, 5, 6]
        );
    }

    #[test]
    fn grey_becomes_colour_and_keeps_its_alpha() {
        let grey = raster(Layout::Grey, &[1, 2]).without_grey();
        assert_eq!(
            (grey.layout, grey.samples),
            (Layout::Rgb, vec![1, 1, 1, 2, 2, 2])
        );
        let faint = raster(Layout::GreyAlpha, &[1, 9, 2, 8]).without_grey();
        assert_eq!(
            (faint.layout, faint.samples),
            (Layout::Rgba, vec![1, 1, 1, 9, 2, 2, 2, 8])
        );
    }
}
