//! PNG and APNG, by the png crate: every colour type and bit depth, to 8 bits.

use std::io::Cursor;

use png::{BlendOp, ColorType, DecodingError, DisposeOp, Transformations};

use super::canvas::{Area, Blend, Canvas, Dispose};
use super::raster::{Layout, Raster};
use super::{Picture, Visit, zeroed};
use crate::error::Reject;
use crate::item::Header;
use crate::limits::Limits;

type Reader<'a> = png::Reader<Cursor<&'a [u8]>>;

pub(super) fn play(
    bytes: &[u8],
    header: Header,
    limits: &Limits,
    visit: &mut Visit<'_>,
) -> Result<(), Reject> {
    let mut reader = open(bytes, header, limits)?;
    let animated = reader.info().animation_control.is_some();
    if !animated || reader.info().frame_control.is_none() {
        let flow = visit(Picture::Whole(whole(&mut reader, header)?));
        if !animated || flow.is_break() {
            return Ok(());
        }
    }
    let layout = layout(&reader)?;
    let mut frame = zeroed(header.width, header.height, layout.channels())?;
    let mut canvas = Canvas::new(header.width, header.height)?;
    for _ in 0..header.frames {
        draw_next(&mut reader, &mut frame, layout, &mut canvas)?;
        if visit(Picture::Composed(&canvas)).is_break() {
            break;
        }
    }
    Ok(())
}

fn open<'a>(bytes: &'a [u8], header: Header, limits: &Limits) -> Result<Reader<'a>, Reject> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_limits(png::Limits {
        bytes: memory_bytes_max(bytes, header, limits),
    });
    let reader = decoder.read_info().map_err(reject)?;
    if reader.info().size() != (header.width, header.height) {
        return Err(Reject::Malformed {
            detail: "the PNG's sizes contradict each other",
        });
    }
    Ok(reader)
}

/// The png crate counts a line of output per frame against its limit, and never
/// gives it back. Exif it reads whole, into a buffer that doubles, and copies.
fn memory_bytes_max(bytes: &[u8], header: Header, limits: &Limits) -> usize {
    const TABLES_BYTES: u64 = 1 << 20;
    let line = u64::from(limits.side_px_max) * 8;
    let lines = u64::from(header.frames) + 2;
    let fixed = TABLES_BYTES.saturating_add(line.saturating_mul(lines));
    usize::try_from(fixed)
        .unwrap_or(usize::MAX)
        .saturating_add(bytes.len().saturating_mul(3))
}

fn layout(reader: &Reader<'_>) -> Result<Layout, Reject> {
    match reader.output_color_type().0 {
        ColorType::Grayscale => Ok(Layout::Grey),
        ColorType::GrayscaleAlpha => Ok(Layout::GreyAlpha),
        ColorType::Rgb => Ok(Layout::Rgb),
        ColorType::Rgba => Ok(Layout::Rgba),
        ColorType::Indexed => Err(Reject::Malformed {
            detail: "the PNG lacks its palette",
        }),
    }
}

fn whole(reader: &mut Reader<'_>, header: Header) -> Result<Raster, Reject> {
    let Header { width, height, .. } = header;
    let layout = layout(reader)?;
    let mut samples = zeroed(width, height, layout.channels())?;
    reader.next_frame(&mut samples).map_err(reject)?;
    Ok(Raster {
        width,
        height,
        layout,
        samples,
    })
}

fn draw_next(
    reader: &mut Reader<'_>,
    frame: &mut [u8],
    layout: Layout,
    canvas: &mut Canvas,
) -> Result<(), Reject> {
    let output = reader.next_frame(frame).map_err(reject)?;
    let info = reader.info();
    let control = info.frame_control.ok_or(Reject::Malformed {
        detail: "a frame lacks its control",
    })?;
    let area = Area {
        left: control.x_offset,
        top: control.y_offset,
        width: control.width,
        height: control.height,
    };
    let blend = match control.blend_op {
        BlendOp::Source => Blend::Replace,
        BlendOp::Over => Blend::Over,
    };
    let dispose = match control.dispose_op {
        DisposeOp::None => Dispose::Keep,
        DisposeOp::Background => Dispose::Clear,
        DisposeOp::Previous => Dispose::Restore,
    };
    // The crate spaces the rows of an interlaced frame as far as the image's.
    let stride_px = if info.interlaced {
        info.width
    } else {
        output.width
    };
    let stride = usize::try_from(stride_px).unwrap_or(usize::MAX);
    canvas.draw_samples(area, (layout, frame, stride), blend, dispose);
    Ok(())
}

fn reject(error: DecodingError) -> Reject {
    match error {
        DecodingError::IoError(_) => Reject::Truncated,
        _ => Reject::Malformed {
            detail: "its compressed data is broken",
        },
    }
}
