//! GIFs.

use gif::{DisposalMethod, Encoder, Frame};

/// A GIF of one frame: a slope of 256 greys from left to right.
#[must_use]
pub fn gif(width: u16, height: u16) -> Vec<u8> {
    let grey =
        |x: u16| u8::try_from(u32::from(x) * 255 / u32::from(width.max(2) - 1)).unwrap_or(255);
    let indices: Vec<u8> = (0..height).flat_map(|_| (0..width).map(grey)).collect();
    let palette: Vec<u8> = (0..=255).flat_map(|entry| [entry; 3]).collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height, &palette).expect("a Vec takes it");
    let frame = Frame::from_indexed_pixels(width, height, indices, None);
    encoder.write_frame(&frame).expect("a Vec takes it");
    drop(encoder);
    bytes
}

/// One frame of a GIF, of one colour of its own palette; index 1 is transparent.
#[derive(Debug, Clone)]
pub struct GifFrame {
    /// Left, top, width, height, in pixels.
    pub area: [u16; 4],
    /// Red, green, blue of index 0.
    pub colour: [u8; 3],
    /// Rows of the frame that are transparent, from the bottom.
    pub transparent_rows: u16,
    /// What becomes of it.
    pub dispose: DisposalMethod,
    /// Whether its rows come in four passes.
    pub interlaced: bool,
}

/// A GIF whose frames each cover the canvas in another grey.
#[must_use]
pub fn gif_animation(width: u16, height: u16, n_frames: u16) -> Vec<u8> {
    let frame = |frame_idx: u16| GifFrame {
        area: [0, 0, width, height],
        colour: [u8::try_from(frame_idx % 256).unwrap_or(0); 3],
        transparent_rows: 0,
        dispose: DisposalMethod::Keep,
        interlaced: false,
    };
    gif_of_frames(
        &(0..n_frames).map(frame).collect::<Vec<_>>(),
        (width, height),
    )
}

/// A GIF of the given frames, each with a palette of its own.
#[must_use]
pub fn gif_of_frames(frames: &[GifFrame], (width, height): (u16, u16)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height, &[]).expect("a Vec takes it");
    for frame in frames {
        let [left, top, width, height] = frame.area;
        let mut rows: Vec<u16> = (0..height).collect();
        if frame.interlaced {
            rows.sort_by_key(|row| match row % 8 {
                0 => 0,
                4 => 1,
                2 | 6 => 2,
                _ => 3,
            });
        }
        let opaque_rows = height - frame.transparent_rows;
        let pixels: Vec<u8> = rows
            .iter()
            .flat_map(|&row| vec![u8::from(row >= opaque_rows); usize::from(width)])
            .collect();
        let palette = [frame.colour, [9, 9, 9]].concat();
        let mut written = Frame::from_palette_pixels(width, height, pixels, palette, Some(1));
        (written.left, written.top) = (left, top);
        written.dispose = frame.dispose;
        written.interlaced = frame.interlaced;
        encoder.write_frame(&written).expect("a Vec takes it");
    }
    drop(encoder);
    bytes
}
