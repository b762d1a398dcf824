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

/// Luma at a picture's size, and its colours at half of that in the directions
/// in which it is even.
pub(super) struct Subsampled {
    pub(super) luma: Vec<u8>,
    pub(super) blue: Vec<u8>,
    pub(super) red: Vec<u8>,
    /// How many pixels share a sample of `blue` and of `red`, across and down: 1 or
    /// 2.
    pub(super) shared: (u32, u32),
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
        let (width, height) = (self.width, self.height);
        let shared = (evenly(width), evenly(height));
        let coarse = (width / shared.0, height / shared.1);
        Some(Subsampled {
            luma: resampled(luma, (width, height)),
            blue: resampled(blue, coarse),
            red: resampled(red, coarse),
            shared,
        })
    }

    pub(super) fn into_rgb(self) -> Raster {
        let components = self.picture.components.iter();
        let components: Vec<Vec<u8>> = components
            .map(|samples| resampled(samples, (self.width, self.height)))
            .collect();
        Raster {
            width: self.width,
            height: self.height,
            layout: Layout::Rgb,
            samples: rgb(&components, self.picture.colours),
        }
    }
}

/// How many pixels of a side can share a sample so that none is left over.
fn evenly(side: u32) -> u32 {
    if side.is_multiple_of(2) { 2 } else { 1 }
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

/// The samples at another size.
fn resampled(samples: &Samples, (width, height): (u32, u32)) -> Vec<u8> {
    let (columns, rows) = samples.size;
    let all = ImageRef::new(columns, rows, &samples.samples, PixelType::U8)
        .expect("a component has the samples of each of its rows");
    // What lies beyond the edge is not the picture's.
    let (across, down) = samples.shown;
    let shown = CroppedImage::new(
        &all,
        0,
        0,
        samples_shown(across, columns),
        samples_shown(down, rows),
    )
    .expect("a component has the samples that it shows");
    let mut target = Image::new(width, height, PixelType::U8);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .crop(0.0, 0.0, across, down);
    Resizer::new()
        .resize(&shown, &mut target, &options)
        .expect("source and target have the same kind of pixels, and the crop is within");
    target.into_vec()
}

/// How many samples show something, the last perhaps in part. It is found among
/// whole numbers, from the padding's end on, so that no fraction is cut off.
fn samples_shown(shown: f64, most: u32) -> u32 {
    let less = (0..most).rev().find(|less| f64::from(*less) < shown);
    less.map_or(most, |less| less + 1)
}

fn rgb(components: &[Vec<u8>], colours: Colours) -> Vec<u8> {
    let [first, second, third] = components else {
        let grey = components.iter().flatten();
        return grey.flat_map(|grey| [*grey; 3]).collect();
    };
    let to_rgb = match colours {
        Colours::YCbCr => ycbcr_to_rgb,
        Colours::Rgb | Colours::Grey => |red, green, blue| [red, green, blue],
    };
    let mut samples = vec![0; first.len() * 3];
    let (pixels, _) = samples.as_chunks_mut::<3>();
    let each = first.iter().zip(second.iter().zip(third));
    for (pixel, (first, (second, third))) in pixels.iter_mut().zip(each) {
        *pixel = to_rgb(*first, *second, *third);
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
