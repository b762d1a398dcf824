//! Names the format by its magic bytes, reads size and frames from the header
//! and holds them to the limits, all before a pixel is decoded.
//!
//! The header readers go over the file at most once and allocate nothing, or
//! tables of bounded length for AVIF, so a hostile header costs microseconds.

pub(crate) mod avif;
mod brands;
mod foreign;
pub(crate) mod gif;
pub(crate) mod jpeg;
mod png;
mod tally;
pub(crate) mod webp;

use crate::error::Reject;
use crate::item::{Format, Header, Sniffed, Upload};
use crate::limits::Limits;

/// Names the format and checks the header against the limits.
///
/// # Errors
/// [`Reject::Empty`], [`Reject::UnsupportedFormat`], the limit that is
/// exceeded, or what is wrong with the container.
pub fn sniff(upload: Upload, limits: &Limits) -> Result<Sniffed, Reject> {
    let bytes = upload.bytes;
    if bytes.is_empty() {
        return Err(Reject::Empty);
    }
    let format = format(&bytes).ok_or_else(|| Reject::UnsupportedFormat {
        advice: foreign::advice(&bytes),
    })?;
    let header = header(&bytes, format, limits)?;
    Ok(Sniffed {
        bytes,
        format,
        header,
    })
}

/// The accepted format that the magic bytes name.
pub(super) fn format(bytes: &[u8]) -> Option<Format> {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => Some(Format::Jpeg),
        _ if foreign::is_apples_png(bytes) => None,
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(Format::Png),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Format::Gif),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some(Format::Webp),
        _ if avif::is_still(bytes) => Some(Format::Avif),
        _ => None,
    }
}

fn header(bytes: &[u8], format: Format, limits: &Limits) -> Result<Header, Reject> {
    match format {
        Format::Jpeg => jpeg::header(bytes, limits),
        Format::Png => png::header(bytes, limits),
        Format::Webp => webp::header(bytes, limits),
        Format::Gif => gif::header(bytes, limits),
        Format::Avif => avif::header(bytes, limits),
    }
}

#[cfg(test)]
mod tests;
