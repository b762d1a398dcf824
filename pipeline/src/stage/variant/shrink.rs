//! Brings a picture to another size.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::stage::decode::{Layout, Raster};

/// The picture at the size of a variant.
pub(super) fn shrink(raster: Raster, size: (u32, u32)) -> Raster {
    if (raster.width, raster.height) == size {
        return raster;
    }
    resized(&raster, size, FilterType::Lanczos3)
}

/// RGB or RGBA at another size.
pub(super) fn resized(raster: &Raster, (width, height): (u32, u32), filter: FilterType) -> Raster {
    let pixel_type = match raster.layout {
        Layout::Rgba => PixelType::U8x4,
        _ => PixelType::U8x3,
    };
    let source = ImageRef::new(raster.width, raster.height, &raster.samples, pixel_type)
        .expect("a raster holds its layout's samples for each of its pixels");
    let mut target = Image::new(width, height, pixel_type);
    // Colours are weighted by alpha, so that none bleeds out of what is invisible.
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(filter))
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
