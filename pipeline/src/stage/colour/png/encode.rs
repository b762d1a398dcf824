//! The pictures of a PNG or APNG, converted one after another.

use std::io;

use png::{
    BitDepth, ColorType, Compression, Decoder, Encoder, Reader, SrgbRenderingIntent,
    Transformations,
};

use crate::error::Reject;
use crate::item::Header;
use crate::stage::colour::UNCONVERTIBLE;
use crate::stage::colour::convert::Converter;
use crate::stage::decode::Layout;

type Source<'a> = Reader<io::Cursor<&'a [u8]>>;

/// Encodes every picture again: at 16 bits what has 16, at 8 what has less.
/// A transparent colour becomes alpha, for another colour may be converted to
/// the same.
pub(super) fn again(
    bytes: &[u8],
    header: Header,
    converter: &Converter,
) -> Result<Vec<u8>, Reject> {
    let mut source = open(bytes, header)?;
    let (color_type, depth) = source.output_color_type();
    let layout = match color_type {
        ColorType::Grayscale => Layout::Grey,
        ColorType::GrayscaleAlpha => Layout::GreyAlpha,
        ColorType::Rgb => Layout::Rgb,
        ColorType::Rgba => Layout::Rgba,
        ColorType::Indexed => return Err(UNCONVERTIBLE),
    };
    let animation = source.info().animation_control;
    let still_apart = animation.is_some() && source.info().frame_control.is_none();
    let n_pictures = animation.map_or(1, |animation| animation.num_frames);

    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, header.width, header.height);
    encoder.set_color(color_type);
    encoder.set_depth(depth);
    // A tenth larger, in a tenth of the time: 50 MP must stay within the deadline.
    encoder.set_compression(Compression::Fast);
    encoder.set_source_srgb(SrgbRenderingIntent::Perceptual);
    encoder.set_pixel_dims(source.info().pixel_dims);
    let mut writer = animation
        .map_or(Ok(()), |animation| {
            encoder.set_animated(animation.num_frames, animation.num_plays)?;
            encoder.set_sep_def_img(still_apart)
        })
        .and_then(|()| encoder.write_header())
        .map_err(|_| UNCONVERTIBLE)?;
    let mut samples = vec![0; source.output_buffer_size().ok_or(UNCONVERTIBLE)?];
    for _ in 0..u64::from(n_pictures) + u64::from(still_apart) {
        let picture = next_picture(&mut source, &mut samples)?;
        convert(picture, depth, layout, converter)?;
        // The still that stands apart has no control; a still has none either.
        if let (Some(_), Some(control)) = (animation, source.info().frame_control) {
            writer
                .reset_frame_position()
                .and_then(|()| writer.set_frame_dimension(control.width, control.height))
                .and_then(|()| writer.set_frame_position(control.x_offset, control.y_offset))
                .and_then(|()| writer.set_frame_delay(control.delay_num, control.delay_den))
                .and_then(|()| writer.set_blend_op(control.blend_op))
                .and_then(|()| writer.set_dispose_op(control.dispose_op))
                .map_err(|_| UNCONVERTIBLE)?;
        }
        writer
            .write_image_data(picture)
            .map_err(|_| UNCONVERTIBLE)?;
    }
    writer.finish().map_err(|_| UNCONVERTIBLE)?;
    Ok(out)
}

fn open(bytes: &[u8], header: Header) -> Result<Source<'_>, Reject> {
    let mut decoder = Decoder::new(io::Cursor::new(bytes));
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    // A line for each frame is counted and never given back.
    let lines = (u64::from(header.frames) + 2).saturating_mul(u64::from(header.width) * 8);
    decoder.set_limits(png::Limits {
        bytes: usize::try_from(lines.saturating_add(1 << 20)).unwrap_or(usize::MAX),
    });
    let source = decoder.read_info().map_err(|_| UNCONVERTIBLE)?;
    if source.info().size() == (header.width, header.height) {
        Ok(source)
    } else {
        Err(UNCONVERTIBLE)
    }
}

/// The next picture's samples, without gaps between its rows.
fn next_picture<'a>(
    source: &mut Source<'_>,
    samples: &'a mut [u8],
) -> Result<&'a mut [u8], Reject> {
    let picture = source.next_frame(samples).map_err(|_| UNCONVERTIBLE)?;
    let info = source.info();
    let rows = usize::try_from(picture.height).map_err(|_| UNCONVERTIBLE)?;
    let row_bytes = picture.line_size;
    if info.interlaced {
        // The crate spaces the rows of an interlaced frame as far as the image's.
        let stride = source.output_line_size(info.width).ok_or(UNCONVERTIBLE)?;
        for row in 1..rows {
            samples.copy_within(row * stride..row * stride + row_bytes, row * row_bytes);
        }
    }
    samples.get_mut(..rows * row_bytes).ok_or(UNCONVERTIBLE)
}

fn convert(
    picture: &mut [u8],
    depth: BitDepth,
    layout: Layout,
    converter: &Converter,
) -> Result<(), Reject> {
    if depth != BitDepth::Sixteen {
        return converter.samples(picture, layout);
    }
    let (pairs, _) = picture.as_chunks_mut::<2>();
    let mut samples: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    converter.samples_of_16_bits(&mut samples, layout)?;
    for (pair, sample) in pairs.iter_mut().zip(samples) {
        *pair = sample.to_be_bytes();
    }
    Ok(())
}
