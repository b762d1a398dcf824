//! Colour: what is stored is in a space that everybody knows, and what is
//! classified is in sRGB.
//!
//! Most files are sRGB, by name or by saying nothing, and pass untouched.
//! Display P3, Adobe RGB, ProPhoto and plain greys pass with every sample as it
//! is; the scrub gives them a profile of ours, and only the frames to be
//! classified are converted. Any other profile is the mark of a device or of a
//! print shop: the stored pixels are converted to sRGB, by the profile's own
//! rendering intent, and encoded again in the file's format. Inks become RGB.
//!
//! | format | stored again as |
//! |---|---|
//! | JPEG | JPEG at quality 95, grey or with the source's chroma resolution |
//! | PNG, APNG | the same depth, lossless; of palettes only the colours change |
//! | WebP | lossless; an animation is refused |
//! | AVIF | PNG |

mod avif;
mod convert;
mod jpeg;
mod png;
mod webp;

#[cfg(test)]
mod tests;

pub(in crate::stage) use self::convert::Converter;

use crate::error::Reject;
use crate::item::{Coloured, Format, Header, Upright};
use crate::stage::scrub::icc::{Channels, Meaning};

/// The file was decoded before, but not by the decoder for this.
const UNCONVERTIBLE: Reject = Reject::Malformed {
    detail: "its colours could not be converted",
};

/// Brings the frames to sRGB, and the stored pixels where their profile is
/// none that can be named.
///
/// # Errors
/// [`Reject::MetadataNotRemovable`] for a profile that can be neither kept nor
/// converted, which every animated WebP's is unless its space is a known one;
/// [`Reject::Malformed`] when the file cannot be decoded for converting.
pub fn colour(upright: Upright) -> Result<Coloured, Reject> {
    let Upright {
        bytes,
        format,
        header,
        mut frames,
        shrunk,
    } = upright;
    let converted = match format {
        Format::Jpeg => jpeg::convert(&bytes, header, &mut frames)?,
        Format::Png => png::convert(&bytes, header, &mut frames)?,
        Format::Webp => webp::convert(&bytes, &mut frames)?,
        // GIF's colours are sRGB; the profile that an extension block may hold
        // is read by nobody.
        Format::Gif => None,
        Format::Avif => avif::convert(&bytes, &mut frames)?,
    };
    let (bytes, format) = match converted {
        None => (bytes, format),
        Some(converted) if format == Format::Avif => (converted.into(), Format::Png),
        Some(converted) => (converted.into(), format),
    };
    Ok(Coloured {
        bytes,
        format,
        header,
        frames,
        shrunk,
    })
}

/// RGB of a JPEG of inks that has a profile for them, for whoever must encode
/// the picture anew: RGB has no use for that profile. `None` for other files.
///
/// # Errors
/// As [`colour`].
pub(in crate::stage) fn rgb_of_inks(
    bytes: &[u8],
    format: Format,
    header: Header,
) -> Result<Option<Vec<u8>>, Reject> {
    if format == Format::Jpeg {
        jpeg::rgb_of_inks(bytes, header)
    } else {
        Ok(None)
    }
}

/// How to bring the samples of an encoded picture to sRGB, and what they stand
/// for; `None` if they are sRGB.
///
/// # Errors
/// As [`colour`].
pub(in crate::stage) fn converter_of(
    bytes: &[u8],
    format: Format,
) -> Result<Option<(Converter, Channels)>, Reject> {
    let Some((meaning, channels)) = meaning(bytes, format)? else {
        return Ok(None);
    };
    let converter = Converter::of(&meaning, channels)?;
    Ok(converter.map(|converter| (converter, channels)))
}

/// Whether the stored pixels of a file will be converted and encoded again. What
/// cannot be read is refused where it is read in earnest.
pub(in crate::stage) fn is_converted(bytes: &[u8], format: Format) -> bool {
    matches!(
        meaning(bytes, format),
        Ok(Some((Meaning::Odd(_), _) | (_, Channels::Inks)))
    )
}

/// What an encoded picture says of its colours, and what its samples stand for.
fn meaning(bytes: &[u8], format: Format) -> Result<Option<(Meaning, Channels)>, Reject> {
    match format {
        Format::Jpeg => jpeg::meaning(bytes),
        Format::Png => png::meaning(bytes),
        Format::Webp => webp::meaning(bytes),
        // GIF's colours are sRGB; the profile that an extension block may hold
        // is read by nobody.
        Format::Gif => Ok(None),
        Format::Avif => avif::meaning(bytes),
    }
}
