//! Makes the smaller pictures that pages show: JPEG, or PNG where something
//! shines through.

mod card;
mod encode;
mod profile;
mod reduced;
mod shrink;
mod spec;
mod veil;

pub use spec::{Shape, VARIANTS, VEILED, VariantSpec};

use self::reduced::Small;
use crate::error::Reject;
use crate::item::{Format, Header, Scrubbed};
use crate::limits::Limits;
use crate::stage::colour::converter_of;
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
    let size = spec.fitted(header.width, header.height);
    let (encoded, format, made) = match reduced::shrunk(bytes, format, header, size, limits) {
        Some(small) => from_small(small, source, spec)?,
        None => {
            let raster = decode::first_picture(bytes, format, header, limits)?.without_grey();
            from_raster(shrink::shrink(raster, size), source, spec)?
        }
    };
    if spec.shape == Shape::Fit && made == header && encoded.len() >= bytes.len() {
        return Ok(source.clone());
    }
    scrub_encoded(encoded.into(), format, made)
}

type Encoded = (Vec<u8>, Format, Header);

fn from_small(small: Small, source: &Scrubbed, spec: VariantSpec) -> Result<Encoded, Reject> {
    let is_in_srgb = converter_of(source.bytes(), source.format())?.is_none();
    if spec.shape == Shape::Fit
        && is_in_srgb
        && let Some((encoded, format)) = encode::encode_small(&small)?
    {
        return Ok((encoded, format, still(small.width, small.height)));
    }
    from_raster(small.into_rgb(), source, spec)
}

fn from_raster(picture: Raster, source: &Scrubbed, spec: VariantSpec) -> Result<Encoded, Reject> {
    let picture = profile::to_srgb(picture, source.bytes(), source.format())?;
    let raster = shaped(picture, spec);
    let (encoded, format) = encode::encode(&raster)?;
    Ok((encoded, format, still(raster.width, raster.height)))
}

fn still(width: u32, height: u32) -> Header {
    Header {
        width,
        height,
        frames: 1,
    }
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
