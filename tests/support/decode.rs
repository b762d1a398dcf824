//! The four decoders, as far as our own pictures need them.

use std::io::Cursor;

use zune_core::bytestream::ZCursor;

use crate::picture::Format;

/// Whether two files of a format show the same pixels, in every frame, for as
/// long each.
#[must_use]
pub fn shows_the_same(format: Format, a: &[u8], b: &[u8]) -> bool {
    match format {
        Format::Jpeg => jpeg(a) == jpeg(b),
        Format::Png => png(a) == png(b),
        Format::Webp => webp(a) == webp(b),
        Format::Gif => gif(a) == gif(b),
    }
}

fn jpeg(file: &[u8]) -> Vec<u8> {
    zune_jpeg::JpegDecoder::new(ZCursor::new(file))
        .decode()
        .expect("a JPEG")
}

fn png(file: &[u8]) -> Vec<Vec<u8>> {
    let mut decoder = png::Decoder::new(Cursor::new(file));
    // Chunks that only describe may be damaged here.
    decoder.set_ignore_text_chunk(true);
    let mut reader = decoder.read_info().expect("a PNG");
    let n_frames = reader
        .info()
        .animation_control()
        .map_or(1, |control| control.num_frames);
    let frame = |_| {
        let mut pixels = vec![0; reader.output_buffer_size().expect("a small picture")];
        reader.next_frame(&mut pixels).expect("a whole PNG");
        pixels
    };
    (0..n_frames).map(frame).collect()
}

fn webp(file: &[u8]) -> Vec<(Vec<u8>, u32)> {
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(file)).expect("a WebP");
    let mut pixels = vec![0; decoder.output_buffer_size().expect("a small picture")];
    if !decoder.is_animated() {
        decoder.read_image(&mut pixels).expect("a whole WebP");
        return vec![(pixels, 0)];
    }
    let n_frames = decoder.num_frames();
    let frame = |_| {
        let duration_ms = decoder.read_frame(&mut pixels).expect("a whole frame");
        (pixels.clone(), duration_ms)
    };
    (0..n_frames).map(frame).collect()
}

fn gif(file: &[u8]) -> Vec<(Vec<u8>, u16)> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(file).expect("a GIF");
    let mut frames = Vec::new();
    while let Some(frame) = decoder.read_next_frame().expect("a whole GIF") {
        frames.push((frame.buffer.to_vec(), frame.delay));
    }
    frames
}
