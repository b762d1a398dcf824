//! How much memory decoding a file takes at most, found out from its headers.
//!
//! Counted are the buffers that grow with the picture: what the decoder of the
//! format allocates, read in its source; what is kept for the classifier; and
//! what turning it upright takes. Of a JPEG that is only looked at some rows are kept;
//! another takes three bytes a pixel, and a progressive one three times that.

mod avif;
mod jpeg;
mod png;
mod vp8l;
mod webp;

#[cfg(test)]
mod tests;

use self::jpeg::Frame;
use self::png::Outline;
use crate::error::Reject;
use crate::item::{Format, Header, Scrubbed, Sniffed};
use crate::stage::colour;
use crate::stage::decode::{self, SAMPLED_MAX};
use crate::stage::jpeg_coefficients;
use crate::stage::sniff::gif;
use crate::stage::upright;

/// Tables, rows and code: what does not grow with the area.
const FIXED_BYTES: u64 = 4 << 20;

/// Copies of the file itself that decoding and scrubbing make beside each other: one
/// that is rebuilt, one that is cut, and a scan with and without stuffed bytes.
const FILE_COPIES: u64 = 4;

/// Copies of a turned animation that writing and scrubbing make beside each other.
const TURNED_COPIES: u64 = 4;

/// An RGB picture and the alpha plane beside it.
const KEPT: u64 = 4;
const RGB: u64 = 3;
const RGBA: u64 = 4;

/// Bytes that the stages take for `sniffed`, at most.
///
/// # Errors
/// What is wrong with a header that only this has to read.
pub(crate) fn memory_bytes(sniffed: &Sniffed) -> Result<u64, Reject> {
    let Sniffed {
        ref bytes,
        format,
        header,
    } = *sniffed;
    let picture = Picture::read(bytes, format, header)?;
    if decode::is_only_looked_at(sniffed) {
        let rows = jpeg::rows_bytes(header.width.into());
        return Ok(beside_the_pixels(length(bytes)).saturating_add(rows));
    }
    let turned = if upright::is_sideways(bytes, format) {
        picture.turning_bytes(bytes)
    } else {
        0
    };
    let converted = if colour::is_converted(bytes, format) {
        picture.converting_bytes()
    } else {
        0
    };
    let pixels = picture.decoding_bytes().max(turned).max(converted);
    Ok(beside_the_pixels(length(bytes)).saturating_add(pixels))
}

/// Bytes that making a variant of a stored image takes, at most.
///
/// # Errors
/// As [`memory_bytes`].
pub(crate) fn memory_bytes_again(stored: &Scrubbed) -> Result<u64, Reject> {
    let bytes = stored.bytes();
    let picture = Picture::read(bytes, stored.format(), stored.header())?;
    // The resizer copies what has alpha, to weight its colours, and keeps the
    // rows it has shrunk so far.
    let resizing = picture.area.saturating_mul(2 * RGBA);
    let pixels = picture.decoding_bytes().saturating_add(resizing);
    Ok(beside_the_pixels(length(bytes)).saturating_add(pixels))
}

/// Bytes that a baseline JPEG takes, upright, `width` pixels wide.
pub(crate) fn photo_bytes(width: u32, area: u64, file_bytes: u64) -> u64 {
    beside_the_pixels(file_bytes)
        .saturating_add(area.saturating_mul(RGB))
        .saturating_add(jpeg::rows_bytes(width.into()))
}

fn beside_the_pixels(file_bytes: u64) -> u64 {
    FIXED_BYTES.saturating_add(file_bytes.saturating_mul(FILE_COPIES))
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// What there is to know of a picture's memory before it is decoded.
struct Picture {
    /// Of the canvas, in pixels.
    area: u64,
    /// All frames of an animation.
    frames: u64,
    /// Those of them that are kept.
    sampled: u64,
    coding: Coding,
}

enum Coding {
    Jpeg(Frame),
    Png(Outline),
    /// With the area of the largest frame, in pixels.
    Gif(u64),
    Webp(webp::Coding),
    Avif(avif::Planes),
}

impl Picture {
    fn read(bytes: &[u8], format: Format, header: Header) -> Result<Self, Reject> {
        let coding = match format {
            Format::Jpeg => Coding::Jpeg(Frame::read(bytes)?),
            Format::Png => Coding::Png(Outline::read(bytes)?),
            Format::Gif => Coding::Gif(gif::largest_frame(bytes)?),
            Format::Webp => {
                let size = (header.width, header.height);
                Coding::Webp(webp::Coding::read(bytes, size)?)
            }
            Format::Avif => Coding::Avif(avif::Planes::read(bytes)?),
        };
        Ok(Self {
            area: u64::from(header.width) * u64::from(header.height),
            frames: header.frames.into(),
            sampled: header.frames.min(SAMPLED_MAX).into(),
            coding,
        })
    }

    /// While it is decoded and sampled.
    fn decoding_bytes(&self) -> u64 {
        let pixels = |bytes: u64| self.area.saturating_mul(bytes);
        let animation = pixels(RGBA + KEPT * self.sampled);
        match &self.coding {
            Coding::Jpeg(frame) => pixels(RGB)
                .saturating_add(frame.rows_bytes())
                .saturating_add(frame.progressive_bytes()),
            // A frame, and what it covers, to be restored.
            Coding::Png(outline) if outline.animated => {
                animation.saturating_add(pixels(RGBA + RGBA + KEPT * u64::from(outline.beside)))
            }
            // Grey with alpha, until it is RGB with alpha; then its colours on
            // white, to be hashed.
            Coding::Png(_) => pixels(RGB + KEPT),
            Coding::Gif(largest) => animation
                .saturating_add(pixels(RGBA))
                .saturating_add(*largest),
            Coding::Webp(coding) => {
                let frame = pixels(coding.pixel_bytes).saturating_add(coding.tables_bytes);
                if coding.animated {
                    animation.saturating_add(frame)
                } else {
                    // The colours on white, to be hashed.
                    frame.max(pixels(RGB + KEPT))
                }
            }
            // The planes beside the picture they become, and that one beside
            // what it is turned to.
            Coding::Avif(planes) => planes
                .coded_pixels
                .max(self.area)
                .saturating_mul(planes.pixel_bytes)
                .saturating_add(pixels(RGBA + RGBA)),
        }
    }

    /// While its colours are converted and it is encoded again, beside the frames
    /// that are kept.
    fn converting_bytes(&self) -> u64 {
        let pixels = |bytes: u64| self.area.saturating_mul(bytes);
        match &self.coding {
            // Inks, and the colours they become.
            Coding::Jpeg(_) => pixels(KEPT + 4 + RGB),
            // Samples as they are stored, as numbers of 16 bits, and the new file.
            Coding::Png(outline) => pixels(KEPT * self.sampled + 3 * outline.pixel_bytes),
            Coding::Gif(_) => 0,
            // Pixels, the encoder's copy and its output.
            Coding::Webp(coding) => pixels(KEPT + 3 * RGBA).saturating_add(coding.tables_bytes),
            // Pixels with their alpha, and the new file.
            Coding::Avif(_) => pixels(KEPT + 2 * RGBA),
        }
    }

    /// While it is turned upright: the turned frame beside what is turned in
    /// the file's own form.
    fn turning_bytes(&self, file: &[u8]) -> u64 {
        let pixels = |bytes: u64| self.area.saturating_mul(bytes);
        match &self.coding {
            Coding::Jpeg(_) => {
                // What cannot be read there is not turned on its coefficients.
                let coefficients = jpeg_coefficients::bytes_needed(file).unwrap_or(0);
                pixels(RGB).saturating_add(coefficients.max(pixels(RGB)))
            }
            // A frame as it is stored, turned, unpacked and packed again.
            Coding::Png(outline) if outline.animated => pixels(4 * outline.pixel_bytes)
                .saturating_add(self.turned_animation_bytes(outline.pixel_bytes)),
            // Samples as they are stored, turned ones, and the new file twice.
            Coding::Png(outline) => pixels(KEPT + 4 * outline.pixel_bytes),
            // A GIF has no orientation, and an AVIF turns while it is decoded.
            Coding::Gif(_) | Coding::Avif(_) => 0,
            // The canvas, and it turned, the same of the frame before, the part
            // that differs, the encoder's copy and its output.
            Coding::Webp(coding) if coding.animated => {
                let frame = pixels(coding.pixel_bytes).saturating_add(coding.tables_bytes);
                pixels(RGBA)
                    .saturating_add(frame.max(pixels(5 * RGBA)))
                    .saturating_add(self.turned_animation_bytes(RGBA))
            }
            // Pixels, turned ones, the encoder's copy and its output.
            Coding::Webp(coding) => {
                let decoding = pixels(coding.pixel_bytes).saturating_add(coding.tables_bytes);
                pixels(KEPT).saturating_add(decoding.max(pixels(4 * RGBA)))
            }
        }
    }

    /// What is kept of an animation, one frame of it also turned, and the turned
    /// file, whose frames are packed to less than `pixel_bytes` a pixel.
    fn turned_animation_bytes(&self, pixel_bytes: u64) -> u64 {
        let bound = u64::try_from(upright::TURNED_ANIMATION_BYTES_MAX).unwrap_or(u64::MAX);
        let file = self
            .area
            .saturating_mul(self.frames)
            .saturating_mul(pixel_bytes)
            .min(bound);
        self.area
            .saturating_mul(KEPT * (self.sampled + 1))
            .saturating_add(file.saturating_mul(TURNED_COPIES))
    }
}
