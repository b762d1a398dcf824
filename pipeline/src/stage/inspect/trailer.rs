//! What stands behind the end of an image.

use super::listing::Listing;

/// Names the bytes from `offset` to the end of the file, if there are any.
pub(super) fn list(bytes: &[u8], offset: usize, listing: &mut Listing) {
    let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) else {
        return;
    };
    let what = match rest {
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "video after the end of the image",
        [0xFF, 0xD8, 0xFF, ..] => "further picture after the end of the image",
        [b'P', b'K', 3, 4, ..] => "archive after the end of the image",
        _ if rest.iter().all(|byte| *byte == 0) => "padding after the end of the image",
        _ => "bytes after the end of the image",
    };
    listing.add(what, offset, rest.len());
}
