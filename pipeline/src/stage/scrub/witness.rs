//! little_exif as an independent witness that the rebuilt file carries no metadata.
//!
//! It only ever sees our own output. Given a stranger's file it can be made to
//! loop on IFD links, to recurse, or to allocate what a length field says.

use little_exif::filetype::FileExtension;
use little_exif::metadata::Metadata;

use super::Unclean;
use crate::item::Format;

/// Holds only when little_exif states that it found nothing. Any other answer,
/// a parse error included, counts against the file. GIF it cannot read.
pub(super) fn sees_nothing(rebuilt: &Vec<u8>, format: Format) -> Result<(), Unclean> {
    let (extension, statements): (_, &[&str]) = match format {
        Format::Jpeg => (FileExtension::JPEG, &["No EXIF data found!"]),
        Format::Png => (
            FileExtension::PNG {
                as_zTXt_chunk: false,
            },
            &["No metadata found!"],
        ),
        Format::Webp => (
            FileExtension::WEBP,
            &[
                "Expected first chunk of WebP file to be of type 'VP8X'",
                "No EXIF chunk according to VP8X flags!",
            ],
        ),
        Format::Avif => (FileExtension::HEIF, &["No EXIF item found!"]),
        Format::Gif => return Ok(()),
    };
    match Metadata::new_from_vec(rebuilt, extension) {
        Err(error) => {
            let text = error.to_string();
            if statements
                .iter()
                .any(|statement| text.starts_with(statement))
            {
                Ok(())
            } else {
                Err("a second reader could not read the rebuilt file")
            }
        }
        Ok(_) => Err("a second reader still found metadata"),
    }
}
