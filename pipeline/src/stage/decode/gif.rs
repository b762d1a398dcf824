//! GIF, by the gif crate: local palettes, interlacing, every way of disposal.

use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, DecodingError, DisposalMethod, MemoryLimit};

use super::canvas::{Area, Blend, Canvas, Dispose};
use super::{Picture, Visit};
use crate::error::Reject;
use crate::item::Header;
use crate::limits::Limits;

type Decoder<'a> = gif::Decoder<&'a [u8]>;

/// What an index the palette lacks stands for: nothing, as in browsers.
const TRANSPARENT: [u8; 4] = [0; 4];

pub(super) fn play(
    bytes: &[u8],
    header: Header,
    limits: &Limits,
    visit: &mut Visit<'_>,
) -> Result<(), Reject> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    // Extensions nobody knows are skipped, as in browsers; unknown blocks that
    // are no extensions were refused when the header was read.
    options.allow_unknown_blocks(true);
    if let Some(bytes_max) = NonZeroU64::new(limits.animation_pixels_max.max(limits.pixels_max)) {
        options.set_memory_limit(MemoryLimit::Bytes(bytes_max));
    }
    let mut decoder = options.read_info(bytes).map_err(reject)?;
    let mut canvas = Canvas::new(header.width, header.height)?;
    let mut indices = Vec::new();
    for _ in 0..header.frames {
        draw_next(&mut decoder, &mut indices, &mut canvas)?;
        if visit(Picture::Composed(&canvas)).is_break() {
            break;
        }
    }
    Ok(())
}

fn draw_next(
    decoder: &mut Decoder<'_>,
    indices: &mut Vec<u8>,
    canvas: &mut Canvas,
) -> Result<(), Reject> {
    let frame = decoder
        .next_frame_info()
        .map_err(reject)?
        .ok_or(Reject::Malformed {
            detail: "the GIF has fewer frames than it seemed",
        })?;
    let area = Area {
        left: frame.left.into(),
        top: frame.top.into(),
        width: frame.width.into(),
        height: frame.height.into(),
    };
    let stride = usize::from(frame.width);
    let transparent = frame.transparent;
    let dispose = match frame.dispose {
        DisposalMethod::Any | DisposalMethod::Keep => Dispose::Keep,
        DisposalMethod::Background => Dispose::Clear,
        DisposalMethod::Previous => Dispose::Restore,
    };
    indices.resize(decoder.buffer_size(), 0);
    decoder.read_into_buffer(indices).map_err(reject)?;
    let palette = palette(decoder.palette().map_err(reject)?, transparent);
    let colour = |&index: &u8| palette[usize::from(index)];
    canvas.draw(area, stride, indices, Blend::Over, dispose, colour);
    Ok(())
}

fn palette(rgb: &[u8], transparent: Option<u8>) -> [[u8; 4]; 256] {
    let mut palette = [TRANSPARENT; 256];
    let (colours, _) = rgb.as_chunks::<3>();
    for (entry, &[r, g, b]) in palette.iter_mut().zip(colours) {
        *entry = [r, g, b, 255];
    }
    if let Some(index) = transparent {
        palette[usize::from(index)] = TRANSPARENT;
    }
    palette
}

fn reject(error: DecodingError) -> Reject {
    match error {
        DecodingError::Io(_) | DecodingError::UnexpectedEof => Reject::Truncated,
        _ => Reject::Malformed {
            detail: "its compressed data is broken",
        },
    }
}
