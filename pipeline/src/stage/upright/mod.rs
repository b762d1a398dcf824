//! Upright: the orientation tag is obeyed by turning the pixels, because the tag
//! itself will not survive the scrubbing.
//!
//! Most files say "upright" or nothing and pass through untouched. PNG and WebP
//! are turned without loss, animations frame by frame, and so is a JPEG whose size
//! allows it: its sides that are reversed must end with a whole unit. Other JPEGs
//! are encoded again.
//! AVIF has a turning of its own in its structure, which stays; browsers do not
//! obey an Exif orientation there, and nor do we.

mod bounded;
mod exif;
mod jpeg;
pub(super) mod orientation;
mod place;
mod png;
mod webp;
mod webp_animation;

#[cfg(test)]
mod tests;

use self::orientation::Orientation;
use crate::error::Reject;
use crate::item::{Decoded, Format, Header, Pixels, Sniffed, Upright};
use crate::stage::colour::rgb_of_inks;
use crate::stage::sniff::webp::is_animated;

/// The file was decoded before, but not by the code that turns it.
const UNTURNABLE: Reject = Reject::Malformed {
    detail: "it could not be turned upright",
};

/// A turned animation may take this many bytes. Lossy frames grow several times
/// when they are encoded without loss, and what a stranger sends must not become
/// many times as much on disk and in memory.
pub(in crate::stage) const TURNED_ANIMATION_BYTES_MAX: usize = 96 << 20;

/// The refusal of an animation that would take more than `bytes_max`.
fn grows_too_large(bytes_max: usize) -> Reject {
    Reject::TurnedAnimationTooLarge {
        bytes_max: u64::try_from(bytes_max).unwrap_or(u64::MAX),
    }
}

/// True if the file's orientation tag says that it must be turned.
pub(in crate::stage) fn is_sideways(bytes: &[u8], format: Format) -> bool {
    exif::orientation(bytes, format) != Orientation::Upright
}

/// Turns the image the way its orientation tag says. Damaged Exif counts as none.
///
/// # Errors
/// [`Reject::MetadataNotRemovable`] for an animation that grows too large;
/// [`Reject::Malformed`] when the file cannot be decoded for turning.
pub fn upright(decoded: Decoded) -> Result<Upright, Reject> {
    let Decoded {
        sniffed: Sniffed {
            bytes,
            format,
            header,
        },
        mut frames,
        shrunk,
    } = decoded;
    let orientation = exif::orientation(&bytes, format);
    if orientation == Orientation::Upright {
        return Ok(Upright {
            bytes,
            format,
            header,
            frames,
            shrunk,
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
    let turned = match (format, frames.as_slice()) {
        (Format::Jpeg, [frame]) => jpeg::turn(&bytes, orientation, frame)?,
        (Format::Png, _) => png::turn(&bytes, header, orientation, TURNED_ANIMATION_BYTES_MAX)?,
        (Format::Webp, _) if is_animated(&bytes)? => {
            webp_animation::turn(&bytes, header, orientation, TURNED_ANIMATION_BYTES_MAX)?
        }
        (Format::Webp, _) => webp::turn(&bytes, orientation)?,
        // Neither has an orientation that is obeyed here.
        (Format::Jpeg | Format::Gif | Format::Avif, _) => return Err(UNTURNABLE),
    };
    let (width, height) = orientation.turned_size(header.width, header.height);
    Ok(Upright {
        bytes: turned.into(),
        format,
        header: Header {
            width,
            height,
            frames: header.frames,
        },
        frames,
        // Of what is turned all pixels were kept.
        shrunk: None,
    })
}
