//! Encodes a variant.

use jpeg_encoder::{
    ChromaSubsamplingMethod, ColorType, Encoder, ImageBuffer, JpegColorType, SamplingFactor,
};

use super::reduced::{Small, Subsampled};
use crate::error::Reject;
use crate::item::Format;
use crate::stage::decode::{Layout, Raster};

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
    let Some(samples) = small.subsampled() else {
        return Ok(None);
    };
    let side = |side: u32| u16::try_from(side).map_err(|_| NOT_MADE);
    let picture = LumaAndColours {
        width: side(small.width)?,
        height: side(small.height)?,
        samples,
    };
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, JPEG_QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.encode_image(picture).map_err(|_| NOT_MADE)?;
    Ok(Some((bytes, Format::Jpeg)))
}

/// A picture whose colours are already as coarse as the file's where its size is
/// even. The encoder wants a sample of them a pixel all the same.
struct LumaAndColours {
    width: u16,
    height: u16,
    samples: Subsampled,
}

impl ImageBuffer for LumaAndColours {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn fill_buffers(&self, y: u16, [luma, blue, red, _]: &mut [Vec<u8>; 4]) {
        let (y, width) = (usize::from(y), usize::from(self.width));
        luma.extend_from_slice(&self.samples.luma[y * width..][..width]);
        let (across, down) = self.samples.shared;
        let (across, down) = (across as usize, down as usize);
        let length = width / across;
        for (buffer, samples) in [(blue, &self.samples.blue), (red, &self.samples.red)] {
            let row = &samples[y / down * length..][..length];
            if across == 2 {
                buffer.extend(row.iter().flat_map(|sample| [*sample; 2]));
            } else {
                buffer.extend_from_slice(row);
            }
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
    let mut encoder = Encoder::new(&mut bytes, JPEG_QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
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
