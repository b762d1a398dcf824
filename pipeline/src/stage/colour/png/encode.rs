//! The pictures of a PNG or APNG, converted one after another.

use png::{BitDepth, ColorType, Encoder, SrgbRenderingIntent, Transformations};

use crate::error::Reject;
use crate::item::Header;
use crate::stage::colour::UNCONVERTIBLE;
use crate::stage::colour::convert::Converter;
use crate::stage::decode::Layout;
use crate::stage::png_pictures::{self, Pictures};

/// Encodes every picture again: at 16 bits what has 16, at 8 what has less.
/// A transparent colour becomes alpha, for another colour may be converted to
/// the same.
pub(super) fn again(
    bytes: &[u8],
    header: Header,
    converter: &Converter,
) -> Result<Vec<u8>, Reject> {
    let pictures = Pictures::open(bytes, header, Transformations::EXPAND);
    let mut pictures = pictures.map_err(|_| UNCONVERTIBLE)?;
    let (color_type, depth) = pictures.shape();
    let layout = match color_type {
        ColorType::Grayscale => Layout::Grey,
        ColorType::GrayscaleAlpha => Layout::GreyAlpha,
        ColorType::Rgb => Layout::Rgb,
        ColorType::Rgba => Layout::Rgba,
        ColorType::Indexed => return Err(UNCONVERTIBLE),
    };
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, header.width, header.height);
    encoder.set_color(color_type);
    encoder.set_depth(depth);
    encoder.set_deflate_compression(pictures.packing(header, bytes.len()));
    encoder.set_source_srgb(SrgbRenderingIntent::Perceptual);
    encoder.set_pixel_dims(pictures.info().pixel_dims);
    let mut writer = pictures
        .announce(&mut encoder)
        .and_then(|()| encoder.write_header())
        .map_err(|_| UNCONVERTIBLE)?;
    while let Some(picture) = pictures.next().map_err(|_| UNCONVERTIBLE)? {
        convert(picture.samples, depth, layout, converter)?;
        png_pictures::write(&mut writer, picture.control, picture.samples)
            .map_err(|_| UNCONVERTIBLE)?;
    }
    writer.finish().map_err(|_| UNCONVERTIBLE)?;
    Ok(out)
}

fn convert(
    picture: &mut [u8],
    depth: BitDepth,
    layout: Layout,
    converter: &Converter,
) -> Result<(), Reject> {
    if depth != BitDepth::Sixteen {
        return converter.samples(picture, layout);
    }
    let (pairs, _) = picture.as_chunks_mut::<2>();
    let mut samples: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    converter.samples_of_16_bits(&mut samples, layout)?;
    for (pair, sample) in pairs.iter_mut().zip(samples) {
        *pair = sample.to_be_bytes();
    }
    Ok(())
}
