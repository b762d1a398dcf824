//! Decodes every pixel of the file and keeps the frames to be classified, or what
//! is looked at of them.
//!
//! Most JPEGs are read row by row: see [`decode_for`]. Others are read by zune-jpeg,
//! AVIF by re_rav1d, the rest by image-rs's decoder for the format. An animation plays through to its end, so that every frame is
//! proved, while only its canvas and the frames that may be classified are in
//! memory.

mod avif;
mod canvas;
mod gif;
mod jpeg;
mod jpeg_head;
mod jpeg_stream;
mod png;
mod raster;
mod sample;
mod shrunk;
mod webp;

use std::ops::ControlFlow;

pub(in crate::stage) use jpeg::inks;
pub(in crate::stage) use jpeg_head::colour_transform;
pub(crate) use raster::{Layout, Raster};
pub(crate) use sample::SAMPLED_MAX;
pub(in crate::stage) use shrunk::is_enough as is_only_looked_at;
pub(in crate::stage) use webp::{frame as webp_frame, play as play_webp};

use crate::error::Reject;
use crate::item::{Decoded, Format, Header, Pixels, Sides, Sniffed};
use crate::limits::Limits;

/// Decodes the whole file.
///
/// A still yields one frame, an animation those that [`sample`] chooses,
/// composed as they are shown. Alpha is kept: what shines through is decided
/// when the classifier's input is made.
///
/// # Errors
/// [`Reject::Truncated`] or [`Reject::Malformed`].
pub fn decode(sniffed: Sniffed, limits: &Limits) -> Result<Decoded, Reject> {
    let Sniffed {
        ref bytes,
        format,
        header,
    } = sniffed;
    let mut frames: Vec<Pixels> = Vec::new();
    let mut sampler = sample::Sampler::new(header.frames);
    play(bytes, format, header, limits, &mut |picture| {
        match picture {
            Picture::Whole(raster) => frames.push(raster.into_pixels()),
            Picture::Composed(canvas) => sampler.see(canvas),
        }
        ControlFlow::Continue(())
    })?;
    frames.extend(sampler.into_frames());
    Ok(Decoded {
        sniffed,
        frames,
        shrunk: None,
    })
}

/// As [`decode`], for classifiers that read squares of `sides`: a picture that is
/// only looked at is made into those as it is decoded, and never kept as a whole.
/// That is most JPEGs: upright, without a colour profile of their own, sequential.
///
/// # Errors
/// As [`decode`].
pub fn decode_for(sniffed: Sniffed, limits: &Limits, sides: Sides) -> Result<Decoded, Reject> {
    if !shrunk::is_enough(&sniffed) {
        return decode(sniffed, limits);
    }
    let shrunk = shrunk::shrunk(&sniffed.bytes, sniffed.header, sides)?;
    Ok(Decoded {
        sniffed,
        frames: Vec::new(),
        shrunk: Some(shrunk),
    })
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
pub(in crate::stage) enum Picture<'a> {
    /// A still, or the still that an animated PNG carries beside its animation.
    Whole(Raster),
    /// The canvas of an animation after its next frame.
    Composed(&'a canvas::Canvas),
}

pub(in crate::stage) type Visit<'a> = dyn FnMut(Picture<'_>) -> ControlFlow<()> + 'a;

/// Shows every picture to `visit` until it breaks.
pub(in crate::stage) fn play(
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
        Format::Webp => webp::play(bytes, header, visit),
        Format::Gif => gif::play(bytes, header, limits, visit),
        Format::Avif => avif::play(bytes, header, limits, visit),
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
