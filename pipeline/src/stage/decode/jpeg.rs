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

/// The inks of a CMYK or YCCK JPEG, four samples a pixel, 255 for full ink.
///
/// Such files hold the inks' complements: Adobe's do and say nothing of it, and
/// all others are read alike, here as in Skia.
pub(in crate::stage) fn inks(bytes: &[u8], header: Header) -> Result<Vec<u8>, Reject> {
    const CONTRADICTION: Reject = Reject::Malformed {
        detail: "the JPEG's sizes contradict each other",
    };
    let stream = jpeg_stream::pixels_only(bytes)?;
    let mut samples = super::zeroed(header.width, header.height, 4)?;
    let side = |side: u32| usize::try_from(side).unwrap_or(usize::MAX);
    let options = DecoderOptions::new_fast()
        .set_strict_mode(true)
        .set_max_width(side(header.width))
        .set_max_height(side(header.height));
    let open = |colours| {
        let options = options.jpeg_set_out_colorspace(colours);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(stream.as_slice()), options);
        decoder.decode_headers().map_err(reject)?;
        Ok(decoder)
    };
    let colours = open(ColorSpace::CMYK)?.input_colorspace();
    let colours = colours.ok_or(CONTRADICTION)?;
    let mut decoder = open(colours)?;
    if decoder.output_buffer_size() != Some(samples.len()) {
        return Err(CONTRADICTION);
    }
    decoder.decode_into(&mut samples).map_err(reject)?;
    if colours == ColorSpace::YCCK {
        samples
            .as_chunks_mut::<4>()
            .0
            .iter_mut()
            .for_each(ycck_to_cmyk);
    } else {
        samples.iter_mut().for_each(|ink| *ink = 255 - *ink);
    }
    Ok(samples)
}

/// T.871, 7, whose red, green and blue are cyan's, magenta's and yellow's
/// amounts here; black is a complement.
fn ycck_to_cmyk(pixel: &mut [u8; 4]) {
    let [luma, blue, red, black] = pixel.map(i32::from);
    let (blue, red) = (blue - 128, red - 128);
    // In 16 fractional bits, rounded.
    let scaled = |offset: i32| {
        let value = luma + ((offset + (1 << 15)) >> 16);
        u8::try_from(value.clamp(0, 255)).unwrap_or(u8::MAX)
    };
    *pixel = [
        scaled(91_881 * red),
        scaled(-22_554 * blue - 46_802 * red),
        scaled(116_130 * blue),
        u8::try_from(255 - black).unwrap_or(0),
    ];
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
