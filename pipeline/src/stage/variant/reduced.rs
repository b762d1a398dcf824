//! A photo made smaller from its coefficients: what the small picture does not
//! need is never decoded.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::item::{Format, Header};
use crate::limits::Limits;
use crate::stage::decode::{Layout, Raster};
use crate::stage::jpeg_coefficients::{Colours, Eighths, Reduced, reduced};

/// How many times the wanted size a reduced picture has at least. What resampling
/// takes from it then is what it takes from the whole one, to the eye.
const OVERSIZE: (u64, u64) = (3, 2);

/// A small picture as it comes out of its coefficients, not yet in RGB.
pub(super) struct Small {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) colours: Colours,
    /// As in [`Reduced`].
    pub(super) samples: Vec<u8>,
}

/// The picture at this size, or `None` where it must be made from all its pixels:
/// it is no JPEG, not large enough, of inks or rare subsampling, or beyond the
/// limits.
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
        colours: picture.colours,
        samples: resampled(&picture, header, eighths, size),
    })
}

impl Small {
    pub(super) fn into_rgb(self) -> Raster {
        Raster {
            width: self.width,
            height: self.height,
            layout: Layout::Rgb,
            samples: rgb(&self.samples, self.colours),
        }
    }
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

/// The picture at another size, in the same kind of samples.
fn resampled(
    picture: &Reduced,
    header: Header,
    eighths: Eighths,
    (width, height): (u32, u32),
) -> Vec<u8> {
    let pixel_type = match picture.colours {
        Colours::Grey => PixelType::U8,
        Colours::Rgb | Colours::YCbCr => PixelType::U8x4,
    };
    let source = ImageRef::new(picture.width, picture.height, &picture.samples, pixel_type)
        .expect("a picture has the samples of each of its pixels");
    let mut target = Image::new(width, height, pixel_type);
    // The last pixel of a row may lie partly beyond the edge.
    let true_side = |side: u32| f64::from(side) * f64::from(eighths as u8) / 8.0;
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .use_alpha(false)
        .crop(0.0, 0.0, true_side(header.width), true_side(header.height));
    Resizer::new()
        .resize(&source, &mut target, &options)
        .expect("source and target have the same kind of pixels, and the crop is within");
    target.into_vec()
}

fn rgb(samples: &[u8], colours: Colours) -> Vec<u8> {
    let (fours, _) = samples.as_chunks::<4>();
    match colours {
        Colours::Grey => samples.iter().flat_map(|grey| [*grey; 3]).collect(),
        Colours::Rgb => from_fours(fours, |[red, green, blue, _]| [red, green, blue]),
        Colours::YCbCr => from_fours(fours, |[luma, blue, red, _]| ycbcr_to_rgb(luma, blue, red)),
    }
}

fn from_fours(fours: &[[u8; 4]], to_rgb: impl Fn([u8; 4]) -> [u8; 3]) -> Vec<u8> {
    let mut samples = vec![0; fours.len() * 3];
    let (pixels, _) = samples.as_chunks_mut::<3>();
    for (pixel, four) in pixels.iter_mut().zip(fours) {
        *pixel = to_rgb(*four);
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
