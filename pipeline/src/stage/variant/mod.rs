//! Makes the smaller pictures that pages show: JPEG, or PNG where something
//! shines through.

mod encode;
mod profile;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::error::Reject;
use crate::item::{Header, Scrubbed};
use crate::limits::Limits;
use crate::stage::decode::{self, Layout, Raster};
use crate::stage::scrub::scrub_encoded;

/// One entry of the fixed list of variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VariantSpec {
    /// Its name in links and on disk.
    pub name: &'static str,
    /// Widest it may be, in pixels.
    pub width_max: u32,
    /// Highest it may be, in pixels.
    pub height_max: u32,
}

/// Every variant there is. The list is fixed so that nobody can ask for work
/// without end.
pub const VARIANTS: [VariantSpec; 2] = [
    // A card in a grid, at twice the density of a 160 px column.
    VariantSpec {
        name: "thumb",
        width_max: 320,
        height_max: 320,
    },
    // The viewer page on a laptop.
    VariantSpec {
        name: "medium",
        width_max: 1280,
        height_max: 1280,
    },
];

/// Makes the variant `spec` of a stored image: its first frame, in its
/// proportions, never larger than it is.
///
/// # Errors
/// What [`mod@decode`] says of the source, and a source beyond the limits now
/// in force.
pub fn variant(source: &Scrubbed, spec: VariantSpec, limits: &Limits) -> Result<Scrubbed, Reject> {
    let (bytes, format, header) = (source.bytes(), source.format(), source.header());
    let raster = decode::first_picture(bytes, format, header, limits)?.without_grey();
    let raster = shrink(raster, fit(header, spec));
    let profile = profile::rgb_profile(bytes, format);
    let (encoded, format) = encode::encode(&raster, profile)?;
    let header = Header {
        width: raster.width,
        height: raster.height,
        frames: 1,
    };
    scrub_encoded(encoded.into(), format, header)
}

/// The size of the variant, at least one pixel a side.
fn fit(header: Header, spec: VariantSpec) -> (u32, u32) {
    let (width, height) = (u64::from(header.width), u64::from(header.height));
    let (width_max, height_max) = (u64::from(spec.width_max), u64::from(spec.height_max));
    if width <= width_max && height <= height_max {
        return (header.width, header.height);
    }
    let rounded = |length: u64, numerator: u64, denominator: u64| {
        let scaled = (length * numerator + denominator / 2) / denominator;
        u32::try_from(scaled.max(1)).unwrap_or(u32::MAX)
    };
    if width * height_max >= height * width_max {
        (spec.width_max, rounded(height, width_max, width))
    } else {
        (rounded(width, height_max, height), spec.height_max)
    }
}

fn shrink(raster: Raster, (width, height): (u32, u32)) -> Raster {
    if (raster.width, raster.height) == (width, height) {
        return raster;
    }
    let pixel_type = match raster.layout {
        Layout::Rgba => PixelType::U8x4,
        _ => PixelType::U8x3,
    };
    let source = ImageRef::new(raster.width, raster.height, &raster.samples, pixel_type)
        .expect("a raster holds its layout's samples for each of its pixels");
    let mut target = Image::new(width, height, pixel_type);
    // Colours are weighted by alpha, so that none bleeds out of what is invisible.
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .use_alpha(true);
    Resizer::new()
        .resize(&source, &mut target, &options)
        .expect("source and target have the same kind of pixels");
    Raster {
        width,
        height,
        layout: raster.layout,
        samples: target.into_vec(),
    }
}

#[cfg(test)]
mod tests;
