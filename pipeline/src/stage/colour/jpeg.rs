//! JPEG: decoded, converted and encoded again. Loses what a second compression
//! loses; a profile that is a fingerprint leaves no other way.

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, EncodingError, SamplingFactor};

use super::convert::Converter;
use crate::error::Reject;
use crate::item::{Header, Pixels};
use crate::stage::decode::{self, Layout};
use crate::stage::scrub::icc::{self, Channels, Meaning};
use crate::stage::scrub::jpeg::outline::Outline;

/// A second compression at 95 loses less than can be seen.
const QUALITY: u8 = 95;

/// What the profile says of the picture, and what the components stand for.
pub(super) fn meaning(bytes: &[u8]) -> Result<Option<(Meaning, Channels)>, Reject> {
    let outline = Outline::read(bytes)?;
    Ok(meaning_in(&outline).map(|meaning| (meaning, outline.channels)))
}

fn meaning_in(outline: &Outline) -> Option<Meaning> {
    icc::meaning(outline.profile.as_deref()?, outline.channels)
}

/// Converts the frame, and returns the file of it if the stored one cannot stay.
pub(super) fn convert(
    bytes: &[u8],
    header: Header,
    frames: &mut [Pixels],
) -> Result<Option<Vec<u8>>, Reject> {
    let outline = Outline::read(bytes)?;
    let Some(meaning) = meaning_in(&outline) else {
        return Ok(None);
    };
    let Some(converter) = Converter::of(&meaning, outline.channels)? else {
        return Ok(None);
    };
    for frame in &mut *frames {
        if outline.channels == Channels::Inks {
            // It is RGB already, by the rule for inks without a profile.
            frame.rgb = converter.inks(&decode::inks(bytes, header)?)?;
        } else {
            converter.samples(&mut frame.rgb, Layout::Rgb)?;
        }
    }
    match (meaning, &*frames) {
        (Meaning::Odd(_), [frame]) => encode(&outline, frame).map(Some),
        _ => Ok(None),
    }
}

/// RGB of a JPEG of inks, by the profile for them; `None` for other JPEGs.
pub(super) fn rgb_of_inks(bytes: &[u8], header: Header) -> Result<Option<Vec<u8>>, Reject> {
    let outline = Outline::read(bytes)?;
    let (Channels::Inks, Some(meaning)) = (outline.channels, meaning_in(&outline)) else {
        return Ok(None);
    };
    let Some(converter) = Converter::of(&meaning, Channels::Inks)? else {
        return Ok(None);
    };
    converter.inks(&decode::inks(bytes, header)?).map(Some)
}

/// Encodes the pixels like the source: grey or colour, with its chroma resolution.
fn encode(outline: &Outline, pixels: &Pixels) -> Result<Vec<u8>, Reject> {
    let side = |side: u32| u16::try_from(side).map_err(|_| super::UNCONVERTIBLE);
    let (width, height) = (side(pixels.width)?, side(pixels.height)?);
    let encode = || -> Result<Vec<u8>, EncodingError> {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, QUALITY);
        encoder.set_sampling_factor(match outline.luma_sampling {
            (2, 1) => SamplingFactor::F_2_1,
            (1, 2) => SamplingFactor::F_1_2,
            (2, 2) => SamplingFactor::F_2_2,
            _ => SamplingFactor::F_1_1,
        });
        encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
        if outline.channels == Channels::Grey {
            let grey: Vec<u8> = pixels.rgb.iter().copied().step_by(3).collect();
            encoder.encode(&grey, width, height, ColorType::Luma)?;
        } else {
            encoder.encode(&pixels.rgb, width, height, ColorType::Rgb)?;
        }
        Ok(out)
    };
    encode().map_err(|_| super::UNCONVERTIBLE)
}
