//! Brings the pixels of a variant to sRGB, so that it needs no profile.

use crate::error::Reject;
use crate::item::Format;
use crate::stage::colour::converter_of;
use crate::stage::decode::Raster;
use crate::stage::scrub::icc::Channels;

/// The raster, which was decoded from `bytes`, in sRGB.
///
/// # Errors
/// What [`mod@crate::stage::colour`] says of the profile.
pub(super) fn to_srgb(raster: Raster, bytes: &[u8], format: Format) -> Result<Raster, Reject> {
    let mut raster = raster;
    match converter_of(bytes, format)? {
        // Inks were decoded to RGB; only a file from before inks were converted
        // still has a profile for them.
        Some((_, Channels::Inks)) | None => {}
        Some((converter, _)) => converter.samples(&mut raster.samples, raster.layout)?,
    }
    Ok(raster)
}
