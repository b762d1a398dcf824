//! Encodes a variant.

use jpeg_encoder::{ColorType, Encoder};

use crate::error::Reject;
use crate::item::Format;
use crate::stage::decode::{Layout, Raster};

/// Where an eye stops telling the difference at these sizes; about a bit and a
/// half a pixel.
const JPEG_QUALITY: u8 = 82;

/// JPEG for an opaque picture, PNG for one with real transparency.
pub(super) fn encode(raster: &Raster) -> Result<(Vec<u8>, Format), Reject> {
    if shines_through(raster) {
        png(raster).map(|bytes| (bytes, Format::Png))
    } else {
        jpeg(raster).map(|bytes| (bytes, Format::Jpeg))
    }
    .ok_or(Reject::Malformed {
        detail: "no smaller picture could be made of it",
    })
}

fn shines_through(raster: &Raster) -> bool {
    raster.layout == Layout::Rgba
        && raster
            .samples
            .as_chunks::<4>()
            .0
            .iter()
            .any(|&[_, _, _, alpha]| alpha < u8::MAX)
}

fn jpeg(raster: &Raster) -> Option<Vec<u8>> {
    let color_type = match raster.layout {
        Layout::Rgba => ColorType::Rgba,
        _ => ColorType::Rgb,
    };
    let (width, height) = (
        raster.width.try_into().ok()?,
        raster.height.try_into().ok()?,
    );
    let mut bytes = Vec::new();
    let encoder = Encoder::new(&mut bytes, JPEG_QUALITY);
    // Neither progressive, which this encoder makes larger, nor with tables of
    // its own, which it writes as one scan a component: many decoders fail there.
    encoder
        .encode(&raster.samples, width, height, color_type)
        .ok()?;
    Some(bytes)
}

fn png(raster: &Raster) -> Option<Vec<u8>> {
    let mut info = png::Info::with_size(raster.width, raster.height);
    info.color_type = png::ColorType::Rgba;
    info.bit_depth = png::BitDepth::Eight;
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::with_info(&mut bytes, info)
        .ok()?
        .write_header()
        .ok()?;
    writer.write_image_data(&raster.samples).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}
