//! A still WebP, turned without loss: decoded, turned, and encoded as VP8L.

use std::io;

use image_webp::{ColorType, WebPDecoder, WebPEncoder};

use super::UNTURNABLE;
use super::orientation::Orientation;
use crate::error::Reject;

/// Decodes, turns and encodes; alpha and the colour profile stay. A lossy file
/// grows, for VP8 could only be turned by losing more.
pub(super) fn turn(bytes: &[u8], orientation: Orientation) -> Result<Vec<u8>, Reject> {
    let mut decoder = WebPDecoder::new(io::Cursor::new(bytes)).map_err(|_| UNTURNABLE)?;
    let (width, height) = decoder.dimensions();
    let mut pixels = vec![0; decoder.output_buffer_size().ok_or(UNTURNABLE)?];
    decoder.read_image(&mut pixels).map_err(|_| UNTURNABLE)?;
    let (turned, colour) = if decoder.has_alpha() {
        (
            orientation.turn::<4>(&pixels, width, height),
            ColorType::Rgba8,
        )
    } else {
        (
            orientation.turn::<3>(&pixels, width, height),
            ColorType::Rgb8,
        )
    };

    let mut out = Vec::new();
    let mut encoder = WebPEncoder::new(&mut out);
    if let Ok(Some(profile)) = decoder.icc_profile() {
        encoder.set_icc_profile(profile);
    }
    let (width, height) = orientation.turned_size(width, height);
    encoder
        .encode(&turned, width, height, colour)
        .map_err(|_| UNTURNABLE)?;
    Ok(out)
}
