//! Makes the smaller pictures that pages show: JPEG, or PNG where something
//! shines through.

mod card;
mod encode;
mod profile;
mod shrink;
mod spec;
mod veil;

pub use spec::{Shape, VARIANTS, VEILED, VariantSpec};

use crate::error::Reject;
use crate::item::{Header, Scrubbed};
use crate::limits::Limits;
use crate::stage::decode::{self, Raster};
use crate::stage::scrub::scrub_encoded;

/// Makes the variant `spec` of a stored image from its first frame.
///
/// Where a variant has the very pixels of a still that takes no more bytes, it
/// is that still as it is stored.
///
/// # Errors
/// What [`mod@decode`] says of the source, and a source beyond the limits now
/// in force.
pub fn variant(source: &Scrubbed, spec: VariantSpec, limits: &Limits) -> Result<Scrubbed, Reject> {
    let (bytes, format, header) = (source.bytes(), source.format(), source.header());
    let raster = decode::first_picture(bytes, format, header, limits)?.without_grey();
    let picture = shrink::shrink(raster, spec.fitted(header.width, header.height));
    let picture = profile::to_srgb(picture, bytes, format)?;
    let raster = shaped(picture, spec);
    let (encoded, format) = encode::encode(&raster)?;
    let made = Header {
        width: raster.width,
        height: raster.height,
        frames: 1,
    };
    if spec.shape == Shape::Fit && made == header && encoded.len() >= bytes.len() {
        return Ok(source.clone());
    }
    scrub_encoded(encoded.into(), format, made)
}

fn shaped(picture: Raster, spec: VariantSpec) -> Raster {
    let card_size = (spec.width_max, spec.height_max);
    match spec.shape {
        Shape::Fit => picture,
        Shape::Card => card::placed(&picture, card_size),
        Shape::BlurredCard => card::blurred(&picture, card_size),
        Shape::Veiled => veil::veiled(&picture),
    }
}

#[cfg(test)]
mod tests;
