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
    /// Colours and alpha apart; RGB and RGBA reuse their buffer.
    pub(crate) fn into_pixels(self) -> Pixels {
        let Self {
            width,
            height,
            layout,
            mut samples,
        } = self;
        let mut alpha = None;
        let rgb = match layout {
            Layout::Rgb => samples,
            Layout::Rgba => {
                let (pixels, _) = samples.as_chunks::<4>();
                alpha = alpha_plane(pixels.iter().map(|&[_, _, _, alpha]| alpha));
                drop_fourth(&mut samples);
                samples
            }
            Layout::Grey => samples.iter().flat_map(|&grey| [grey; 3]).collect(),
            Layout::GreyAlpha => {
                let (pairs, _) = samples.as_chunks::<2>();
                alpha = alpha_plane(pairs.iter().map(|&[_, alpha]| alpha));
                pairs.iter().flat_map(|&[grey, _]| [grey; 3]).collect()
            }
        };
        Pixels {
            width,
            height,
            rgb,
            alpha,
        }
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

/// The plane of these alphas, unless all of them are opaque.
pub(super) fn alpha_plane(alphas: impl Iterator<Item = u8> + Clone) -> Option<Vec<u8>> {
    let shines_through = alphas.clone().any(|alpha| alpha < u8::MAX);
    shines_through.then(|| alphas.collect())
}

/// Moves RGBA together to RGB in place, and gives the rest of the memory back.
fn drop_fourth(samples: &mut Vec<u8>) {
    let pixels = samples.len() / 4;
    for pixel_idx in 1..pixels {
        samples.copy_within(pixel_idx * 4..pixel_idx * 4 + 3, pixel_idx * 3);
    }
    samples.truncate(pixels * 3);
    samples.shrink_to_fit();
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
    fn every_layout_becomes_rgb_beside_its_alpha() {
        let parts = |layout, samples: &[u8]| {
            let Pixels { rgb, alpha, .. } = raster(layout, samples).into_pixels();
            (rgb, alpha)
        };
        let grey = vec![1, 1, 1, 2, 2, 2];
        assert_eq!(parts(Layout::Grey, &[1, 2]), (grey.clone(), None));
        assert_eq!(
            parts(Layout::GreyAlpha, &[1, 9, 2, 255]),
            (grey.clone(), Some(vec![9, 255]))
        );
        assert_eq!(parts(Layout::GreyAlpha, &[1, 255, 2, 255]), (grey, None));
        let rgb = vec![1, 2, 3, 4, 5, 6];
        assert_eq!(parts(Layout::Rgb, &rgb), (rgb.clone(), None));
        assert_eq!(
            parts(Layout::Rgba, &[1, 2, 3, 255, 4, 5, 6, 0]),
            (rgb.clone(), Some(vec![255, 0]))
        );
        assert_eq!(
            parts(Layout::Rgba, &[1, 2, 3, 255, 4, 5, 6, 255]),
            (rgb, None)
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
