//! JPEG, by zune-jpeg: baseline and progressive; grey, YCbCr, RGB, CMYK, YCCK.

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use super::jpeg_stream;
use super::raster::{Layout, Raster};
use crate::error::Reject;
use crate::item::Header;
use crate::limits::Limits;

/// Decodes to RGB, whatever the file's colour space.
pub(super) fn decode(bytes: &[u8], header: Header, limits: &Limits) -> Result<Raster, Reject> {
    let stream = jpeg_stream::pixels_only(bytes)?;
    let side_max = usize::try_from(limits.side_px_max).unwrap_or(usize::MAX);
    let options = DecoderOptions::new_fast()
        .set_strict_mode(true)
        .set_max_width(side_max)
        .set_max_height(side_max)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(stream.as_slice()), options);
    decoder.decode_headers().map_err(reject)?;
    let mut samples = super::zeroed(header.width, header.height, Layout::Rgb.channels())?;
    if decoder.output_buffer_size() != Some(samples.len()) {
        return Err(Reject::Malformed {
            detail: "the JPEG's sizes contradict each other",
        });
    }
    decoder.decode_into(&mut samples).map_err(reject)?;
    Ok(Raster {
        width: header.width,
        height: header.height,
        layout: Layout::Rgb,
        samples,
    })
}

fn reject(error: DecodeErrors) -> Reject {
    match error {
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => Reject::Truncated,
        // The only other signs that zune-jpeg 0.5 gives of data that ends early.
        DecodeErrors::FormatStatic("Premature end of buffer") => Reject::Truncated,
        DecodeErrors::Format(text) if text.contains("more than bits left") => Reject::Truncated,
        _ => Reject::Malformed {
            detail: "its coded data is broken",
        },
    }
}
