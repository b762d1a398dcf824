//! Finds the colour profile that the pixels of a stored image are meant in.

use std::io::Cursor;

use zune_core::bytestream::ZCursor;
use zune_jpeg::JpegDecoder;

use crate::item::Format;
use crate::stage::sniff::webp::Chunks;

/// The embedded ICC profile, if it describes RGB. Pixels are decoded to RGB, so
/// that a profile for grey or for inks would no longer be about them.
pub(super) fn rgb_profile(bytes: &[u8], format: Format) -> Option<Vec<u8>> {
    let profile = match format {
        Format::Jpeg => of_jpeg(bytes),
        Format::Png => of_png(bytes),
        Format::Webp => of_webp(bytes),
        Format::Gif => None,
    }?;
    // ICC.1:2022, 7.2.6: the data colour space.
    (profile.get(16..20) == Some(b"RGB ")).then_some(profile)
}

fn of_jpeg(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = JpegDecoder::new(ZCursor::new(bytes));
    decoder.decode_headers().ok()?;
    decoder.icc_profile()
}

fn of_png(bytes: &[u8]) -> Option<Vec<u8>> {
    let reader = png::Decoder::new(Cursor::new(bytes)).read_info().ok()?;
    reader
        .info()
        .icc_profile
        .as_ref()
        .map(|profile| profile.to_vec())
}

fn of_webp(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut chunks = Chunks::of_file(bytes).ok()?.flatten();
    chunks
        .find(|(name, _)| name == b"ICCP")
        .map(|(_, profile)| profile.to_vec())
}
