//! JPEG whose coefficients cannot be turned, turned by encoding its turned pixels
//! again: a reversed side ends inside a unit, and no row of pixels may be lost.

use super::super::orientation::Orientation;
use crate::error::Reject;
use crate::item::Pixels;
use crate::stage::jpeg_again::{self, Likeness};
use crate::stage::scrub::jpeg::outline::Outline;

/// Encodes the turned pixels like the source: grey or colour, with its chroma
/// resolution and its colour profile.
pub(super) fn turn(
    bytes: &[u8],
    orientation: Orientation,
    turned: &Pixels,
) -> Result<Vec<u8>, Reject> {
    const TOO_LARGE: Reject = Reject::Malformed {
        detail: "it is larger than a JPEG can be",
    };
    let outline = Outline::read(bytes)?;
    let side = |side: u32| u16::try_from(side).map_err(|_| TOO_LARGE);
    let size = (side(turned.width)?, side(turned.height)?);
    let (across, down) = outline.luma_sampling;
    let likeness = Likeness {
        channels: outline.channels,
        // Chroma's resolution turns with the picture.
        luma_sampling: orientation.turned_size(across, down),
        // A CMYK profile does not describe the RGB that is encoded now.
        profile: outline
            .profile
            .as_deref()
            .filter(|_| outline.n_components != 4),
    };
    jpeg_again::encode(turned, size, &likeness).map_err(|_| Reject::Malformed {
        detail: "it could not be turned upright",
    })
}
