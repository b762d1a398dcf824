//! What the fuzz targets share.
//!
//! The readers of HTTP are web's own files, compiled here under the same module
//! path: depending on web would bring burn into every fuzzing build.

use imgshare_pipeline::stage::testing::hold_to_promises;
use imgshare_pipeline::{Format, Limits};

pub mod http;

/// Small enough that no legal picture takes long: what is slow here is slow for
/// what it is.
#[must_use]
pub fn limits() -> Limits {
    Limits {
        side_px_max: 1_000,
        pixels_max: 100_000,
        frames_max: 20,
        animation_pixels_max: 300_000,
        ..Limits::default()
    }
}

/// Checks every promise about a file of one format. False for files of others,
/// which are not worth keeping for this target.
#[must_use]
pub fn keeps_promises(bytes: &[u8], format: Format) -> bool {
    let starts = match format {
        Format::Jpeg => bytes.starts_with(&[0xFF, 0xD8, 0xFF]),
        Format::Png => bytes.starts_with(b"\x89PNG\r\n\x1A\n"),
        Format::Webp => bytes.starts_with(b"RIFF"),
        Format::Gif => bytes.starts_with(b"GIF8"),
        Format::Avif => bytes.get(4..8) == Some(b"ftyp"),
    };
    if !starts {
        return false;
    }
    // A refusal is an answer too.
    let _answer = hold_to_promises(bytes, &limits());
    true
}
