//! The ICC profile chunk: a name, then the profile as a zlib stream (PNG 3rd
//! edition, section 11.3.2.3).

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use crate::stage::scrub::icc;

/// The name of every profile, and the zero that ends it.
pub(super) const NAME: &[u8] = b"ICC\0";

/// The profile of a chunk's data, as far as the limit on profiles goes.
pub(super) fn unpack(data: &[u8]) -> Option<Vec<u8>> {
    // Up to 79 bytes of name, a zero, compression method 0.
    let name_end = data.iter().take(80).position(|byte| *byte == 0)?;
    let stream = data.get(name_end..)?.strip_prefix(&[0, 0])?;
    let limit = u64::try_from(icc::PROFILE_BYTES_MAX).ok()?;
    let mut profile = Vec::new();
    ZlibDecoder::new(stream)
        .take(limit)
        .read_to_end(&mut profile)
        .ok()?;
    Some(profile)
}

/// A chunk's data for a profile.
pub(super) fn pack(profile: &[u8]) -> Option<Vec<u8>> {
    let compress = || -> io::Result<Vec<u8>> {
        let packed = [NAME, &[0]].concat();
        let mut encoder = ZlibEncoder::new(packed, Compression::default());
        encoder.write_all(profile)?;
        encoder.finish()
    };
    compress().ok()
}
