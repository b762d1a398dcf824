//! JPEG encoded again from its pixels, like the file that they came from.

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, EncodingError, SamplingFactor};

use crate::item::Pixels;
use crate::stage::scrub::icc::Channels;

/// A second compression at 95 loses less than can be seen, in a file about as
/// large as a phone's own.
const QUALITY: u8 = 95;

/// What the new file has in common with the old one.
pub(super) struct Likeness<'a> {
    /// Grey is encoded as grey, all else as colour.
    pub(super) channels: Channels,
    /// How many luma samples share one chroma sample, across and down. Full
    /// chroma where they are not such as the encoder interleaves.
    pub(super) luma_sampling: (u8, u8),
    /// The colour profile to embed.
    pub(super) profile: Option<&'a [u8]>,
}

/// Encodes `pixels`, whose `size` is their width and height.
pub(super) fn encode(
    pixels: &Pixels,
    (width, height): (u16, u16),
    likeness: &Likeness<'_>,
) -> Result<Vec<u8>, EncodingError> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, QUALITY);
    encoder.set_sampling_factor(match likeness.luma_sampling {
        (2, 1) => SamplingFactor::F_2_1,
        (1, 2) => SamplingFactor::F_1_2,
        (2, 2) => SamplingFactor::F_2_2,
        _ => SamplingFactor::F_1_1,
    });
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    // Optimised Huffman tables are left off: with them jpeg-encoder 0.7 writes a
    // scan a component, which zune-jpeg decodes wrongly and decoding refuses.
    if let Some(profile) = likeness.profile {
        encoder.add_icc_profile(profile)?;
    }
    if likeness.channels == Channels::Grey {
        let grey: Vec<u8> = pixels.rgb.iter().copied().step_by(3).collect();
        encoder.encode(&grey, width, height, ColorType::Luma)?;
    } else {
        encoder.encode(&pixels.rgb, width, height, ColorType::Rgb)?;
    }
    Ok(out)
}
