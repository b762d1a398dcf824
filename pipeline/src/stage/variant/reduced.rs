//! A photo made smaller from its coefficients: what the small picture does not
//! need is never decoded.

use fast_image_resize::images::{CroppedImage, Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::item::{Format, Header};
use crate::limits::Limits;
use crate::stage::decode::{Layout, Raster};
use crate::stage::jpeg_coefficients::{Colours, Eighths, Reduced, Samples, reduced};

/// How many times the wanted size a reduced picture has at least. What resampling
/// takes from it then is what it takes from the whole one, to the eye.
const OVERSIZE: (u64, u64) = (3, 2);

/// A picture that is to have this size, with samples to spare.
pub(super) struct Small {
    pub(super) width: u32,
    pub(super) height: u32,
    picture: Reduced,
}

/// Luma at a picture's size, and its colours at half of that, rounded down.
pub(super) struct Subsampled {
    pub(super) luma: Vec<u8>,
    pub(super) blue: Vec<u8>,
    pub(super) red: Vec<u8>,
    /// Samples of a row of `blue` and `red`.
    pub(super) colours_across: usize,
}

/// The picture for this size, or `None` where it must be made from all its pixels:
/// it is no JPEG, not large enough, of inks, or beyond the limits.
pub(super) fn shrunk(
    bytes: &[u8],
    format: Format,
    header: Header,
    size: (u32, u32),
    limits: &Limits,
) -> Option<Small> {
    let is_within = header.width.max(header.height) <= limits.side_px_max;
    let eighths = eighths_for(header, size).filter(|_| format == Format::Jpeg && is_within)?;
    // What is not read from its coefficients is read by its pixels, which say why
    // if they cannot be.
    let picture = reduced(bytes, eighths).ok().flatten()?;
    Some(Small {
        width: size.0,
        height: size.1,
        picture,
    })
}

impl Small {
    /// `None` for a picture that is not in luma and colour differences.
    pub(super) fn subsampled(&self) -> Option<Subsampled> {
        let (Colours::YCbCr, [luma, blue, red]) =
            (self.picture.colours, self.picture.components.as_slice())
        else {
            return None;
        };
        let (across, down) = (half(self.width), half(self.height));
        // Of an odd side, the last pixel has its neighbour's colours.
        let covered = |halves: u32, side: u32| (f64::from(2 * halves) / f64::from(side)).min(1.0);
        let part = (covered(across, self.width), covered(down, self.height));
        Some(Subsampled {
            luma: resampled(luma, (1.0, 1.0), (self.width, self.height)),
            blue: resampled(blue, part, (across, down)),
            red: resampled(red, part, (across, down)),
            colours_across: across as usize,
        })
    }

    pub(super) fn into_rgb(self) -> Raster {
        let components = self.picture.components.iter();
        let components: Vec<Vec<u8>> = components
            .map(|samples| resampled(samples, (1.0, 1.0), (self.width, self.height)))
            .collect();
        Raster {
            width: self.width,
            height: self.height,
            layout: Layout::Rgb,
            samples: rgb(&components, self.picture.colours),
        }
    }
}

fn half(side: u32) -> u32 {
    (side / 2).max(1)
}

/// The fewest eighths that leave more than enough.
fn eighths_for(header: Header, (width, height): (u32, u32)) -> Option<Eighths> {
    let leaves_enough = |side: u32, wanted: u32, eighths: Eighths| {
        u64::from(side) * (eighths as u64) * OVERSIZE.1 >= u64::from(wanted) * 8 * OVERSIZE.0
    };
    [Eighths::One, Eighths::Two, Eighths::Four]
        .into_iter()
        .find(|eighths| {
            leaves_enough(header.width, width, *eighths)
                && leaves_enough(header.height, height, *eighths)
        })
}

/// A part of the samples, from the upper left, at another size.
fn resampled(samples: &Samples, part: (f64, f64), (width, height): (u32, u32)) -> Vec<u8> {
    let (columns, rows) = samples.size;
    let all = ImageRef::new(columns, rows, &samples.samples, PixelType::U8)
        .expect("a component has the samples of each of its rows");
    // What lies beyond the edge is not the picture's.
    let (across, down) = samples.shown;
    let shown = CroppedImage::new(&all, 0, 0, whole(across, columns), whole(down, rows))
        .expect("a component has the samples that it shows");
    let mut target = Image::new(width, height, PixelType::U8);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .crop(0.0, 0.0, across * part.0, down * part.1);
    Resizer::new()
        .resize(&shown, &mut target, &options)
        .expect("source and target have the same kind of pixels, and the crop is within");
    target.into_vec()
}

/// How many whole samples the shown ones are, the last in part.
fn whole(shown: f64, most: u32) -> u32 {
    let less = (0..most).rev().find(|less| f64::from(*less) < shown);
    less.map_or(most, |less| less + 1)
}

fn rgb(components: &[Vec<u8>], colours: Colours) -> Vec<u8> {
    let [first, second, third] = components else {
        let grey = components.iter().flatten();
        return grey.flat_map(|grey| [*grey; 3]).collect();
    };
    let mut samples = vec![0; first.len() * 3];
    let (pixels, _) = samples.as_chunks_mut::<3>();
    let each = first.iter().zip(second.iter().zip(third));
    for (pixel, (first, (second, third))) in pixels.iter_mut().zip(each) {
        *pixel = match colours {
            Colours::YCbCr => ycbcr_to_rgb(*first, *second, *third),
            _ => [*first, *second, *third],
        };
    }
    samples
}

/// T.871, 7, in 16 fractional bits, rounded.
#[inline(always)]
fn ycbcr_to_rgb(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let [luma, blue, red] = [luma, blue, red].map(i32::from);
    let (blue, red) = (blue - 128, red - 128);
    let shifted = |offset: i32| {
        let value = luma + ((offset + (1 << 15)) >> 16);
        u8::try_from(value.clamp(0, 255)).unwrap_or(u8::MAX)
    };
    [
        shifted(91_881 * red),
        shifted(-22_554 * blue - 46_802 * red),
        shifted(116_130 * blue),
    ]
}
