//! WebP, by image-webp: lossy, lossless and animated.
//!
//! Each image is decoded from a file of its own, rebuilt around its bitstream.
//! An animation's frames are composed here, because image-webp 0.2 leaves
//! disposed frames standing, and flags of chunks that are absent do no harm.

use std::io::Cursor;

use image_webp::{DecodingError, WebPDecoder};

use super::canvas::{Area, Blend, Canvas, Dispose};
use super::raster::{Layout, Raster};
use super::{Picture, Visit, zeroed};
use crate::error::Reject;
use crate::item::Header;
use crate::stage::sniff::webp::{AnimationFrame, Chunks, is_animated};

const ALPHA_FLAG: u8 = 0b1_0000;

/// Shows every frame of an animation as it is composed, or a still.
pub(in crate::stage) fn play(
    bytes: &[u8],
    header: Header,
    visit: &mut Visit<'_>,
) -> Result<(), Reject> {
    let chunks = Chunks::of_file(bytes)?;
    if !is_animated(bytes)? {
        let raster = decode(chunks, (header.width, header.height))?;
        let _stills_have_no_rest = visit(Picture::Whole(raster));
        return Ok(());
    }
    let mut canvas = Canvas::new(header.width, header.height)?;
    for chunk in chunks {
        let (name, data) = chunk?;
        if name != *b"ANMF" {
            continue;
        }
        draw(&AnimationFrame::parse(data)?, &mut canvas)?;
        if visit(Picture::Composed(&canvas)).is_break() {
            break;
        }
    }
    Ok(())
}

/// The picture of a frame by itself.
pub(in crate::stage) fn frame(frame: &AnimationFrame<'_>) -> Result<Raster, Reject> {
    decode(frame.chunks(), (frame.width, frame.height))
}

fn draw(frame: &AnimationFrame<'_>, canvas: &mut Canvas) -> Result<(), Reject> {
    let &AnimationFrame {
        left,
        top,
        width,
        height,
        ..
    } = frame;
    let Raster {
        layout, samples, ..
    } = self::frame(frame)?;
    let blend = if frame.blends {
        Blend::Over
    } else {
        Blend::Replace
    };
    let dispose = if frame.disposes {
        Dispose::Clear
    } else {
        Dispose::Keep
    };
    let stride = usize::try_from(width).unwrap_or(usize::MAX);
    let area = Area {
        left,
        top,
        width,
        height,
    };
    canvas.draw_samples(area, (layout, &samples, stride), blend, dispose);
    Ok(())
}

/// Decodes the first bitstream among `chunks`, with the alpha before it.
fn decode(chunks: Chunks<'_>, (width, height): (u32, u32)) -> Result<Raster, Reject> {
    let file = still_file(chunks, (width, height))?;
    let mut decoder = WebPDecoder::new(Cursor::new(file.as_slice())).map_err(reject)?;
    if decoder.dimensions() != (width, height) {
        return Err(Reject::Malformed {
            detail: "the WebP's sizes contradict each other",
        });
    }
    let layout = if decoder.has_alpha() {
        Layout::Rgba
    } else {
        Layout::Rgb
    };
    let mut samples = zeroed(width, height, layout.channels())?;
    decoder.read_image(&mut samples).map_err(reject)?;
    Ok(Raster {
        width,
        height,
        layout,
        samples,
    })
}

/// A WebP file of one image and nothing else.
fn still_file(chunks: Chunks<'_>, size: (u32, u32)) -> Result<Vec<u8>, Reject> {
    let mut alpha = None;
    for chunk in chunks {
        let (name, data) = chunk?;
        match (&name, alpha) {
            (b"ALPH", None) => alpha = Some(data),
            (b"VP8 ", Some(alpha)) => {
                let extended = extended_header(size);
                return Ok(riff(&[
                    (*b"VP8X", &extended),
                    (*b"ALPH", alpha),
                    (name, data),
                ]));
            }
            (b"VP8 " | b"VP8L", _) => return Ok(riff(&[(name, data)])),
            _ => {}
        }
    }
    Err(Reject::Malformed {
        detail: "the WebP has no pixels",
    })
}

fn extended_header((width, height): (u32, u32)) -> [u8; 10] {
    // The sizes came from 24 bits, plus one.
    let [w0, w1, w2, _] = (width - 1).to_le_bytes();
    let [h0, h1, h2, _] = (height - 1).to_le_bytes();
    [ALPHA_FLAG, 0, 0, 0, w0, w1, w2, h0, h1, h2]
}

fn riff(chunks: &[([u8; 4], &[u8])]) -> Vec<u8> {
    let length_of = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
    let mut body = b"WEBP".to_vec();
    for (name, data) in chunks {
        body.extend_from_slice(name);
        body.extend_from_slice(&length_of(data.len()));
        body.extend_from_slice(data);
        body.resize(body.len().next_multiple_of(2), 0);
    }
    let mut file = b"RIFF".to_vec();
    file.extend_from_slice(&length_of(body.len()));
    file.append(&mut body);
    file
}

fn reject(error: DecodingError) -> Reject {
    match error {
        DecodingError::IoError(_) => Reject::Truncated,
        _ => Reject::Malformed {
            detail: "its compressed data is broken",
        },
    }
}
