//! Scrub: the container is rebuilt from an allow-list of parts, then proved clean.
//!
//! Nothing is removed here. Each format has a `rebuild` that copies only the
//! parts it knows to be picture, and a `verify` that walks the result with code
//! of its own and accepts nothing else. little_exif looks at the result as well.
//! What was left behind is neither kept nor logged nor named (P2).

pub(super) mod avif;
mod gif;
pub(super) mod icc;
pub(super) mod jpeg;
pub(super) mod png;
mod recall;
pub(super) mod webp;
mod witness;

#[cfg(test)]
pub(super) mod fixtures;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use recall::recall;

use crate::error::Reject;
use crate::item::{Clean, Coloured, Format, Header, Scrubbed};

/// What a `verify` found that may not be there, in words that quote nothing.
type Unclean = &'static str;

/// Rebuilds an image's container and proves the result clean.
///
/// # Errors
/// [`Reject::Truncated`] or [`Reject::Malformed`] when the container breaks its
/// format's rules; [`Reject::MetadataNotRemovable`] when the rebuilt file cannot
/// be proved clean.
pub fn scrub(coloured: Coloured) -> Result<Clean, Reject> {
    let Coloured {
        bytes,
        format,
        header,
        frames,
        shrunk,
    } = coloured;
    let scrubbed = scrub_encoded(bytes, format, header)?;
    Ok(Clean {
        scrubbed,
        frames,
        shrunk,
    })
}

/// Scrubs bytes whose pixels are not needed any more, such as a new variant.
/// `header` is what the bytes are known to contain; the result must agree.
///
/// # Errors
/// As [`scrub`].
pub fn scrub_encoded(bytes: Arc<[u8]>, format: Format, header: Header) -> Result<Scrubbed, Reject> {
    let rebuilt = match format {
        Format::Jpeg => jpeg::rebuild(&bytes),
        Format::Png => png::rebuild(&bytes),
        Format::Webp => webp::rebuild(&bytes),
        Format::Gif => gif::rebuild(&bytes),
        Format::Avif => avif::rebuild(&bytes),
    }?;
    let rebuilt = match prove(&rebuilt, format, header) {
        Err(jpeg::TAIL) => without_tails(&rebuilt, header)?,
        proof => proof.map(|()| rebuilt).map_err(unclean)?,
    };
    Ok(Scrubbed {
        bytes: rebuilt.into(),
        format,
        header,
    })
}

/// Cuts off what hides behind the last blocks of a JPEG. Few files have such
/// bytes, so the time to find out where exactly they begin is spent on those.
fn without_tails(rebuilt: &[u8], header: Header) -> Result<Vec<u8>, Reject> {
    let cut = jpeg::without_tails(rebuilt)?;
    prove(&cut, Format::Jpeg, header).map_err(unclean)?;
    Ok(cut)
}

fn unclean(detail: Unclean) -> Reject {
    Reject::MetadataNotRemovable { detail }
}

/// Parses the rebuilt file afresh: only allowed parts, the same picture by its
/// header, and a second reader that sees no metadata either.
fn prove(rebuilt: &Vec<u8>, format: Format, header: Header) -> Result<(), Unclean> {
    let found = match format {
        Format::Jpeg => jpeg::verify(rebuilt),
        Format::Png => png::verify(rebuilt),
        Format::Webp => webp::verify(rebuilt),
        Format::Gif => gif::verify(rebuilt),
        Format::Avif => avif::verify(rebuilt),
    }?;
    if found != header {
        return Err("the rebuilt file does not have the size or the frames of the original");
    }
    witness::sees_nothing(rebuilt, format)
}

/// The file breaks a rule of its format.
const fn malformed(detail: &'static str) -> Reject {
    Reject::Malformed { detail }
}
