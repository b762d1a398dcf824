//! JPEG whose coefficients cannot be turned, turned by encoding its turned pixels
//! again: a reversed side ends inside a unit, and no row of pixels may be lost.

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, EncodingError, SamplingFactor};

use super::super::orientation::Orientation;
use crate::error::Reject;
use crate::item::Pixels;
use crate::stage::scrub::jpeg::outline::Outline;

/// A second compression at 95 loses less than can be seen, in a file about as
/// large as a phone's own.
const QUALITY: u8 = 95;

/// Encodes the turned pixels like the source: grey or colour, with its chroma
/// resolution and its colour profile.
pub(super) fn turn(
    bytes: &[u8],
    orientation: Orientation,
    turned: &Pixels,
) -> Result<Vec<u8>, Reject> {
    const TOO_LARGE: Reject = Reject::Malformed {
        detail: "it is larger than a JPEG can be",
    };
    let outline = Outline::read(bytes)?;
    let side = |side: u32| u16::try_from(side).map_err(|_| TOO_LARGE);
    let size = (side(turned.width)?, side(turned.height)?);
    encode(&outline, orientation, turned, size).map_err(|_| Reject::Malformed {
        detail: "it could not be turned upright",
    })
}

fn encode(
    outline: &Outline,
    orientation: Orientation,
    turned: &Pixels,
    (width, height): (u16, u16),
) -> Result<Vec<u8>, EncodingError> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, QUALITY);
    encoder.set_sampling_factor(chroma_sampling(outline, orientation));
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    // Optimised Huffman tables are left off: with them jpeg-encoder 0.7 writes a
    // scan a component, which zune-jpeg decodes wrongly and this path refuses.
    // A CMYK profile does not describe the RGB that is encoded now.
    if let Some(profile) = outline
        .profile
        .as_ref()
        .filter(|_| outline.n_components != 4)
    {
        encoder.add_icc_profile(profile)?;
    }
    if outline.n_components == 1 {
        let grey: Vec<u8> = turned.rgb.iter().copied().step_by(3).collect();
        encoder.encode(&grey, width, height, ColorType::Luma)?;
    } else {
        encoder.encode(&turned.rgb, width, height, ColorType::Rgb)?;
    }
    Ok(out)
}

/// The source's chroma resolution, which turns with the picture; full where the
/// source's is not one the encoder interleaves.
fn chroma_sampling(outline: &Outline, orientation: Orientation) -> SamplingFactor {
    match orientation.turned_size(outline.luma_sampling.0, outline.luma_sampling.1) {
        (2, 1) => SamplingFactor::F_2_1,
        (1, 2) => SamplingFactor::F_1_2,
        (2, 2) => SamplingFactor::F_2_2,
        _ => SamplingFactor::F_1_1,
    }
}
