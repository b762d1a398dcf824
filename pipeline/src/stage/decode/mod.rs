//! Decodes every pixel of the file and keeps the frames to be classified.
//!
//! JPEG is read by zune-jpeg, the others by image-rs's decoder for the format.
//! An animation plays through to its end, so that its last frame is proved,
//! while only its canvas and the kept frames are in memory.

mod canvas;
mod gif;
mod jpeg;
mod jpeg_head;
mod jpeg_stream;
mod png;
mod raster;
mod webp;

use std::ops::ControlFlow;

pub(crate) use raster::{Layout, Raster};

use crate::error::Reject;
use crate::item::{Decoded, Format, Header, Pixels, Sniffed};
use crate::limits::Limits;

/// Decodes the whole file.
///
/// A still yields one frame; an animation its first, middle and last, composed
/// as they are shown. Alpha is dropped, not blended: the classifier was trained
/// on pixels read that way.
///
/// # Errors
/// [`Reject::Truncated`] or [`Reject::Malformed`].
pub fn decode(sniffed: Sniffed, limits: &Limits) -> Result<Decoded, Reject> {
    let header = sniffed.header;
    let sampled = [0, header.frames / 2, header.frames - 1];
    let mut frames: Vec<Pixels> = Vec::with_capacity(sampled.len());
    let mut frame_idx = 0;
    play(
        &sniffed.bytes,
        sniffed.format,
        header,
        limits,
        &mut |picture| {
            match picture {
                Picture::Whole(raster) => frames.push(raster.into_pixels()),
                Picture::Composed(canvas) => {
                    if sampled.contains(&frame_idx) {
                        frames.push(canvas.pixels());
                    }
                    frame_idx += 1;
                }
            }
            ControlFlow::Continue(())
        },
    )?;
    Ok(Decoded { sniffed, frames })
}

/// Decodes the picture a viewer shows first, with its alpha.
///
/// # Errors
/// As [`decode`].
pub(crate) fn first_picture(
    bytes: &[u8],
    format: Format,
    header: Header,
    limits: &Limits,
) -> Result<Raster, Reject> {
    let mut first = None;
    play(bytes, format, header, limits, &mut |picture| {
        first = Some(match picture {
            Picture::Whole(raster) => raster,
            Picture::Composed(canvas) => canvas.raster(),
        });
        ControlFlow::Break(())
    })?;
    first.ok_or(Reject::Truncated)
}

/// One picture of a file, in the order of the file.
enum Picture<'a> {
    /// A still, or the still that an animated PNG carries beside its animation.
    Whole(Raster),
    /// The canvas of an animation after its next frame.
    Composed(&'a canvas::Canvas),
}

type Visit<'a> = dyn FnMut(Picture<'_>) -> ControlFlow<()> + 'a;

/// Shows every picture to `visit` until it breaks.
fn play(
    bytes: &[u8],
    format: Format,
    header: Header,
    limits: &Limits,
    visit: &mut Visit<'_>,
) -> Result<(), Reject> {
    match format {
        Format::Jpeg => {
            let _stills_have_no_rest = visit(Picture::Whole(jpeg::decode(bytes, header, limits)?));
            Ok(())
        }
        Format::Png => png::play(bytes, header, limits, visit),
        Format::Webp => webp::play(bytes, header, limits, visit),
        Format::Gif => gif::play(bytes, header, limits, visit),
    }
}

/// Bytes of `channels` samples each for `width` x `height` pixels, zeroed.
fn zeroed(width: u32, height: u32, channels: usize) -> Result<Vec<u8>, Reject> {
    let length = usize::try_from(u64::from(width) * u64::from(height))
        .ok()
        .and_then(|pixels| pixels.checked_mul(channels))
        .ok_or(Reject::Malformed {
            detail: "it does not fit into memory",
        })?;
    Ok(vec![0; length])
}

#[cfg(test)]
mod tests;
