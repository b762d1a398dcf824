//! The decoders, as far as our own pictures need them.

mod avif;

use std::io::Cursor;

use zune_core::bytestream::ZCursor;

use crate::picture::Format;

pub use avif::avif;

/// The pixels of each frame, and how long it is shown in units of the format.
pub type Frames = Vec<(Vec<u8>, u32)>;

/// What a file shows, or `None` if the decoder does not take it: some of them
/// refuse parts that browsers pass over.
#[must_use]
pub fn frames(format: Format, file: &[u8]) -> Option<Frames> {
    match format {
        Format::Jpeg => jpeg(file),
        Format::Png => png(file),
        Format::Webp => webp(file),
        Format::Gif => gif(file),
    }
}

fn jpeg(file: &[u8]) -> Option<Frames> {
    let mut decoder = zune_jpeg::JpegDecoder::new(ZCursor::new(file));
    Some(vec![(decoder.decode().ok()?, 0)])
}

fn png(file: &[u8]) -> Option<Frames> {
    let mut reader = png::Decoder::new(Cursor::new(file)).read_info().ok()?;
    let n_frames = reader
        .info()
        .animation_control()
        .map_or(1, |control| control.num_frames);
    let frame = |_| {
        let mut pixels = vec![0; reader.output_buffer_size()?];
        reader.next_frame(&mut pixels).ok()?;
        let control = reader.info().frame_control();
        let delay = control.map_or(0, |control| u32::from(control.delay_num));
        Some((pixels, delay))
    };
    (0..n_frames).map(frame).collect()
}

fn webp(file: &[u8]) -> Option<Frames> {
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(file)).ok()?;
    let mut pixels = vec![0; decoder.output_buffer_size()?];
    if !decoder.is_animated() {
        decoder.read_image(&mut pixels).ok()?;
        return Some(vec![(pixels, 0)]);
    }
    let n_frames = decoder.num_frames();
    let frame = |_| {
        let duration_ms = decoder.read_frame(&mut pixels).ok()?;
        Some((pixels.clone(), duration_ms))
    };
    (0..n_frames).map(frame).collect()
}

fn gif(file: &[u8]) -> Option<Frames> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(file).ok()?;
    let mut frames = Vec::new();
    while let Some(frame) = decoder.read_next_frame().ok()? {
        frames.push((frame.buffer.to_vec(), u32::from(frame.delay)));
    }
    Some(frames)
}
