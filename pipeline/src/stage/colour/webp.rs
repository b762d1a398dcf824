//! WebP: a still is decoded, converted and encoded without loss.

use std::io;

use image_webp::{ColorType, WebPDecoder, WebPEncoder};

use super::UNCONVERTIBLE;
use super::convert::Converter;
use crate::error::Reject;
use crate::item::Pixels;
use crate::stage::decode::Layout;
use crate::stage::scrub::icc::{self, Channels, Meaning};
use crate::stage::sniff::webp::Chunks;

/// Encoding every frame again without loss would make a file many times as
/// large, and there is no encoder in Rust for the other kind.
const ANIMATION: Reject = Reject::MetadataNotRemovable {
    detail: "an animated WebP with an unusual colour profile cannot be converted; save it in sRGB",
};

/// What the profile says of the picture, which is always RGB.
pub(super) fn meaning(bytes: &[u8]) -> Result<Option<(Meaning, Channels)>, Reject> {
    for chunk in Chunks::of_file(bytes)? {
        let (name, data) = chunk?;
        match &name {
            b"ICCP" => {
                let meaning = icc::meaning(data, Channels::Rgb);
                return Ok(meaning.map(|meaning| (meaning, Channels::Rgb)));
            }
            // Only the extended format has a profile.
            b"VP8 " | b"VP8L" => return Ok(None),
            _ => {}
        }
    }
    Ok(None)
}

/// Converts the frames, and returns the file of them if the stored one cannot stay.
pub(super) fn convert(bytes: &[u8], frames: &mut [Pixels]) -> Result<Option<Vec<u8>>, Reject> {
    let Some((meaning, channels)) = meaning(bytes)? else {
        return Ok(None);
    };
    let Some(converter) = Converter::of(&meaning, channels)? else {
        return Ok(None);
    };
    converter.frames(frames)?;
    match meaning {
        Meaning::Known(_) => Ok(None),
        Meaning::Odd(_) => encode_again(bytes, &converter).map(Some),
    }
}

fn encode_again(bytes: &[u8], converter: &Converter) -> Result<Vec<u8>, Reject> {
    let mut decoder = WebPDecoder::new(io::Cursor::new(bytes)).map_err(|_| UNCONVERTIBLE)?;
    if decoder.is_animated() {
        return Err(ANIMATION);
    }
    let (width, height) = decoder.dimensions();
    let mut samples = vec![0; decoder.output_buffer_size().ok_or(UNCONVERTIBLE)?];
    decoder
        .read_image(&mut samples)
        .map_err(|_| UNCONVERTIBLE)?;
    let (layout, colour) = if decoder.has_alpha() {
        (Layout::Rgba, ColorType::Rgba8)
    } else {
        (Layout::Rgb, ColorType::Rgb8)
    };
    converter.samples(&mut samples, layout)?;
    let mut out = Vec::new();
    WebPEncoder::new(&mut out)
        .encode(&samples, width, height, colour)
        .map_err(|_| UNCONVERTIBLE)?;
    Ok(out)
}
