//! Encodes a variant.

use jpeg_encoder::{ColorType, Encoder, ImageBuffer, JpegColorType};

use super::reduced::Small;
use crate::error::Reject;
use crate::item::Format;
use crate::stage::decode::{Layout, Raster};
use crate::stage::jpeg_coefficients::Colours;

/// Where an eye stops telling the difference at these sizes; about a bit and a
/// half a pixel.
const JPEG_QUALITY: u8 = 82;

const NOT_MADE: Reject = Reject::Malformed {
    detail: "no smaller picture could be made of it",
};

/// JPEG for an opaque picture, PNG for one with real transparency.
pub(super) fn encode(raster: &Raster) -> Result<(Vec<u8>, Format), Reject> {
    if shines_through(raster) {
        png(raster).map(|bytes| (bytes, Format::Png))
    } else {
        jpeg(raster).map(|bytes| (bytes, Format::Jpeg))
    }
    .ok_or(NOT_MADE)
}

/// JPEG of a picture whose colours need not go through RGB; `None` for others.
pub(super) fn encode_small(small: &Small) -> Result<Option<(Vec<u8>, Format)>, Reject> {
    if small.colours != Colours::YCbCr {
        return Ok(None);
    }
    let side = |side: u32| u16::try_from(side).map_err(|_| NOT_MADE);
    let picture = LumaAndColours {
        width: side(small.width)?,
        height: side(small.height)?,
        samples: &small.samples,
    };
    let mut bytes = Vec::new();
    let encoder = Encoder::new(&mut bytes, JPEG_QUALITY);
    encoder.encode_image(picture).map_err(|_| NOT_MADE)?;
    Ok(Some((bytes, Format::Jpeg)))
}

/// Four samples a pixel: luma, blue and red difference, and one that means
/// nothing.
struct LumaAndColours<'a> {
    width: u16,
    height: u16,
    samples: &'a [u8],
}

impl ImageBuffer for LumaAndColours<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let (pixels, _) = self.samples.as_chunks::<4>();
        let width = usize::from(self.width);
        let row = &pixels[usize::from(y) * width..][..width];
        for (idx, buffer) in buffers.iter_mut().take(3).enumerate() {
            buffer.extend(row.iter().map(|pixel| pixel[idx]));
        }
    }
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
