//! JPEG: decoded, converted and encoded again. Loses what a second compression
//! loses; a profile that is a fingerprint leaves no other way.

use super::convert::Converter;
use crate::error::Reject;
use crate::item::{Header, Pixels};
use crate::stage::decode::{self, Layout};
use crate::stage::jpeg_again::{self, Likeness};
use crate::stage::scrub::icc::{self, Channels, Meaning};
use crate::stage::scrub::jpeg::outline::Outline;

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
    let likeness = Likeness {
        channels: outline.channels,
        luma_sampling: outline.luma_sampling,
        profile: None,
    };
    jpeg_again::encode(pixels, (width, height), &likeness).map_err(|_| super::UNCONVERTIBLE)
}
