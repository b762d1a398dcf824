//! AVIF (version 1.1.0, over HEIF, ISO/IEC 23008-12): finds the primary picture
//! in the tables of the file, and reads its sizes from the tables and from the
//! coded data, which must agree.
//!
//! What a still needs is read: one coded picture or a grid of them, a picture of
//! its alpha, its colours, its turning. An animation, layers, crops and other
//! derived pictures are refused: a reader that follows them would show something
//! else than what is classified here, or keep what its author cut off.

mod bits;
mod boxes;
mod meta;
mod obu;
mod picture;
mod sequence;

#[cfg(test)]
mod tests;

use super::brands::brands;
use super::tally::Tally;
use crate::error::Reject;
use crate::item::Header;
use crate::limits::Limits;
pub(crate) use obu::Coded;
pub(crate) use picture::{Avif, Layer, Nclx};
pub(crate) use sequence::{ColourConfig, Sequence};

const UNSUPPORTED: Reject = Reject::UnsupportedFormat {
    advice: Some(
        "This AVIF uses a part of the format that we do not read: save it as PNG or JPEG.",
    ),
};

/// True for a still; browsers ask for the brand as well. An animation has the
/// brand of a still too.
pub(super) fn is_still(bytes: &[u8]) -> bool {
    brands(bytes).any(|brand| brand == *b"avif") && !brands(bytes).any(|brand| brand == *b"avis")
}

pub(super) fn header(bytes: &[u8], limits: &Limits) -> Result<Header, Reject> {
    open(bytes, limits).map(|(_, header)| header)
}

/// The picture's parts, if it is within the limits. The header's width and height
/// are those of the turned picture: the turning belongs to an AVIF's structure and
/// stays in the file.
pub(crate) fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(Avif<'a>, Header), Reject> {
    let avif = Avif::parse(bytes)?;
    let (width, height) = avif.shown_size();
    let header = Tally::new(width, height, limits)?.into_header();
    for layer in [Some(&avif.colour), avif.alpha.as_ref()]
        .into_iter()
        .flatten()
    {
        // The tiles of a grid may reach beyond the picture, by less than one.
        let (pixels, pixels_max) = (layer.coded_pixels(), limits.pixels_max);
        if pixels > pixels_max {
            return Err(Reject::TooManyPixels { pixels, pixels_max });
        }
    }
    Ok((avif, header))
}
