//! AVIF: what re_rav1d allocates for a picture, read in its source.

use crate::error::Reject;
use crate::stage::sniff::avif::{Avif, Layer};

/// Block modes, filter masks and segments, beside each other for a frame.
const TABLES: u64 = 2;

/// What decoding takes beside the picture that comes out.
#[derive(Debug)]
pub(super) struct Planes {
    /// Bytes for each coded pixel.
    pub(super) pixel_bytes: u64,
    /// Those of a grid's tiles may lie beyond the picture.
    pub(super) coded_pixels: u64,
}

impl Planes {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Reject> {
        let avif = Avif::parse(bytes)?;
        let alpha = avif.alpha.as_ref();
        let coded_pixels = alpha.map_or(0, Layer::coded_pixels);
        Ok(Self {
            pixel_bytes: layer_bytes(&avif.colour) + alpha.map_or(0, layer_bytes),
            coded_pixels: avif.colour.coded_pixels().max(coded_pixels),
        })
    }
}

/// The planes, and with film grain a second copy of them.
fn layer_bytes(layer: &Layer<'_>) -> u64 {
    let Some(first) = layer.tiles.first() else {
        return 0;
    };
    let (colours, grainy) = (first.sequence.colours, first.sequence.grainy);
    let samples = match (
        colours.monochrome,
        colours.halved_across,
        colours.halved_down,
    ) {
        (true, ..) => 1,
        // One and a half, rounded up, makes up for padding at the edges.
        (_, true, _) => 2,
        _ => 3,
    };
    let sample_bytes = if colours.depth > 8 { 2 } else { 1 };
    let copies = if grainy { 2 } else { 1 };
    copies * samples * sample_bytes + TABLES
}
