//! Upright: the orientation tag is obeyed by turning the pixels, because the tag
//! itself will not survive the scrubbing.
//!
//! Most files say "upright" or nothing and pass through untouched. PNG and WebP
//! are turned without loss, and so is a JPEG whose size allows it: its sides that
//! are reversed must end with a whole unit. Other JPEGs are encoded again.
//! AVIF has a turning of its own in its structure, which stays; browsers do not
//! obey an Exif orientation there, and nor do we.

mod exif;
mod jpeg;
pub(super) mod orientation;
mod png;
mod webp;

#[cfg(test)]
mod tests;

use self::orientation::Orientation;
use crate::error::Reject;
use crate::item::{Decoded, Format, Header, Pixels, Sniffed, Upright};
use crate::stage::colour::rgb_of_inks;

/// An animation would have to be turned frame by frame, each with its offsets,
/// and no browser obeys the tag there reliably. Refusing is the only answer that
/// neither keeps the tag nor shows the picture in a way its author did not mean.
const SIDEWAYS_ANIMATION: Reject = Reject::MetadataNotRemovable {
    detail: "an animation that is stored sideways cannot be turned; save it upright",
};

/// True if the file's orientation tag says that it must be turned.
pub(in crate::stage) fn is_sideways(bytes: &[u8], format: Format) -> bool {
    exif::orientation(bytes, format) != Orientation::Upright
}

/// Turns the image the way its orientation tag says. Damaged Exif counts as none.
///
/// # Errors
/// [`Reject::MetadataNotRemovable`] for an animation with an orientation;
/// [`Reject::Malformed`] when the file cannot be decoded for turning.
pub fn upright(decoded: Decoded) -> Result<Upright, Reject> {
    let Decoded {
        sniffed: Sniffed {
            bytes,
            format,
            header,
        },
        mut frames,
    } = decoded;
    let orientation = exif::orientation(&bytes, format);
    if orientation == Orientation::Upright {
        return Ok(Upright {
            bytes,
            format,
            header,
            frames,
        });
    }
    // Turning may mean encoding as RGB, and then the inks' profile is lost.
    if let ([frame], Some(rgb)) = (frames.as_mut_slice(), rgb_of_inks(&bytes, format, header)?) {
        frame.rgb = rgb;
    }
    let frames: Vec<Pixels> = frames
        .into_iter()
        .map(|frame| orientation.turn_pixels(&frame))
        .collect();
    let [frame] = frames.as_slice() else {
        return Err(SIDEWAYS_ANIMATION);
    };
    let turned = match format {
        Format::Jpeg => jpeg::turn(&bytes, orientation, frame)?,
        Format::Png => png::turn(&bytes, orientation)?,
        Format::Webp => webp::turn(&bytes, orientation)?,
        Format::Gif | Format::Avif => return Err(SIDEWAYS_ANIMATION),
    };
    let header = Header {
        width: frame.width,
        height: frame.height,
        frames: 1,
    };
    Ok(Upright {
        bytes: turned.into(),
        format,
        header,
        frames,
    })
}
