//! Whether two files hold the same, cut into pieces in different ways. Only what
//! has no meaning in the format is passed over: where chunks and blocks are cut,
//! how a profile is compressed, which of several equal orders was chosen. A part
//! that is not known here makes two files different.

mod gif;
mod jpeg;
mod png;
mod webp;

use super::listing::Reader;
use crate::item::Format;

/// One part: what it is, and its bytes in one piece.
pub(super) type Part<'a> = ([u8; 4], std::borrow::Cow<'a, [u8]>);

/// True when everything that one file holds the other holds as well. AVIF has too
/// many ways to say the same: nothing is found there.
pub(super) fn is_same(file: &[u8], other: &[u8], format: Format) -> bool {
    match (parts(file, format), parts(other, format)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

/// What a file is made of, if there is nothing else in it.
pub(super) fn parts(file: &[u8], format: Format) -> Option<Vec<Part<'_>>> {
    match format {
        Format::Jpeg => jpeg::parts(file),
        Format::Png => png::parts(file),
        Format::Webp => webp::parts(file),
        Format::Gif => gif::parts(file),
        Format::Avif => None,
    }
}

/// A part that was in one piece before.
fn whole(name: [u8; 4], data: &[u8]) -> Part<'_> {
    (name, data.into())
}
