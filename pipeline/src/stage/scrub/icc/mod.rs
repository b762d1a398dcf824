//! ICC profiles, known by their numbers and never kept.
//!
//! What a profile means is one of three things. It describes one of the
//! [`Space`]s that half the world's files use: then a profile of our own takes
//! its place, and no pixel changes. It describes something else, such as one
//! device as it was calibrated one day: those numbers are a fingerprint, so the
//! pixels are converted to sRGB before the scrub (`stage::colour`). Or it does
//! not parse: decoders ignore it, and so do we.
//!
//! Layout and tag types: ICC.1:2022 (version 4.4), sections 7, 9 and 10.

mod chromaticity;
mod code_points;
pub(in crate::stage) mod curve;
mod elements;
pub(in crate::stage) mod space;
pub(in crate::stage) mod structure;
mod verify;

#[cfg(test)]
mod tests;

pub(in crate::stage) use chromaticity::from_gamma;
pub(in crate::stage) use code_points::from_code_points;
pub(in crate::stage) use space::Space;
pub(in crate::stage) use structure::{Channels, Profile};
pub(super) use verify::verify;

use crate::error::Reject;

/// Largest profile looked at, in bytes. CMYK press profiles are 0.5 to 2.8 MB;
/// display profiles a few kilobytes.
pub(in crate::stage) const PROFILE_BYTES_MAX: usize = 4 << 20;

/// What a profile says of the picture that embeds it.
#[derive(Debug)]
pub(in crate::stage) enum Meaning {
    /// The colours are those of a space that everybody knows.
    Known(Space),
    /// Colours of its own; converting with it is the only way to be rid of it.
    Odd(Profile),
}

/// What an embedded profile means for a picture with these channels, or `None`
/// when it means nothing: it does not parse, or is about other channels.
///
/// Grey pictures may carry an RGB profile; its neutral axis is theirs, as Skia
/// reads it. Any other mismatch is ignored by decoders.
pub(in crate::stage) fn meaning(profile: &[u8], picture: Channels) -> Option<Meaning> {
    let profile = Profile::read(profile)?;
    if profile.channels() != picture
        && (profile.channels(), picture) != (Channels::Rgb, Channels::Grey)
    {
        return None;
    }
    Some(match space::recognise(&profile, picture) {
        Some(space) => Meaning::Known(space),
        None => Meaning::Odd(profile),
    })
}

/// The profile of ours that a scrubbed picture carries in place of its own, or
/// `None` where it needs none: sRGB is what a picture without a profile is in.
///
/// # Errors
/// A picture whose colours should have been converted before.
pub(super) fn replacement(
    profile: &[u8],
    picture: Channels,
) -> Result<Option<&'static [u8]>, Reject> {
    match meaning(profile, picture) {
        None => Ok(None),
        Some(Meaning::Known(space)) => Ok(space.profile()),
        Some(Meaning::Odd(_)) => Err(NOT_CONVERTED),
    }
}

/// Scrubbing alone can neither keep an odd profile nor do without it.
pub(in crate::stage) const NOT_CONVERTED: Reject = Reject::MetadataNotRemovable {
    detail: "its colour profile is one of a kind, and its colours were not converted",
};
