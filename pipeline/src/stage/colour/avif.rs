//! AVIF: what its code points say is obeyed when it is decoded, so that only an
//! embedded profile is left to be looked at.
//!
//! There is no encoder of AV1 in the tree: a picture that must be converted is
//! stored as PNG, which loses nothing more.

use super::UNCONVERTIBLE;
use super::convert::Converter;
use crate::error::Reject;
use crate::item::Pixels;
use crate::stage::scrub::avif;
use crate::stage::scrub::icc::{Channels, Meaning};
use crate::stage::sniff::avif::Avif;

/// What the profile says of the picture, and what its samples stand for.
pub(super) fn meaning(bytes: &[u8]) -> Result<Option<(Meaning, Channels)>, Reject> {
    Ok(avif::meaning(&Avif::parse(bytes)?))
}

/// Converts the frame, and returns a PNG of it if the stored file cannot stay.
pub(super) fn convert(bytes: &[u8], frames: &mut [Pixels]) -> Result<Option<Vec<u8>>, Reject> {
    let Some((meaning, channels)) = meaning(bytes)? else {
        return Ok(None);
    };
    let Some(converter) = Converter::of(&meaning, channels)? else {
        return Ok(None);
    };
    converter.frames(frames)?;
    match (meaning, &*frames) {
        (Meaning::Odd(_), [frame]) => png(frame).map(Some),
        _ => Ok(None),
    }
}

/// The frame stands as it is shown: a PNG has no turning of its own.
fn png(frame: &Pixels) -> Result<Vec<u8>, Reject> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, frame.width, frame.height);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    let (colours, _) = frame.rgb.as_chunks::<3>();
    let with_alpha: Vec<u8>;
    let samples = match &frame.alpha {
        None => {
            encoder.set_color(png::ColorType::Rgb);
            &frame.rgb
        }
        Some(alpha) => {
            encoder.set_color(png::ColorType::Rgba);
            let pixels = colours.iter().zip(alpha);
            with_alpha = pixels.flat_map(|(&[r, g, b], &a)| [r, g, b, a]).collect();
            &with_alpha
        }
    };
    encoder
        .write_header()
        .and_then(|mut writer| {
            writer.write_image_data(samples)?;
            writer.finish()
        })
        .map_err(|_| UNCONVERTIBLE)?;
    Ok(out)
}
