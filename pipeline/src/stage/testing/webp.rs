//! WebPs. Lossy ones come from files, since no encoder of them is built in.

use image_webp::{ColorType, WebPEncoder};

use super::gradient;

/// A lossless RGB WebP of the gradient.
#[must_use]
pub fn webp(width: u16, height: u16) -> Vec<u8> {
    encode(
        &gradient(width.into(), height.into()),
        width.into(),
        height.into(),
        ColorType::Rgb8,
    )
}

/// A lossless RGBA WebP of the gradient at half alpha.
#[must_use]
pub fn webp_with_alpha(width: u16, height: u16) -> Vec<u8> {
    let rgb = gradient(width.into(), height.into());
    let rgba: Vec<u8> = rgb
        .as_chunks::<3>()
        .0
        .iter()
        .flat_map(|&[r, g, b]| [r, g, b, 128])
        .collect();
    encode(&rgba, width.into(), height.into(), ColorType::Rgba8)
}

/// A lossy WebP of the gradient, 40 x 24 pixels.
#[must_use]
pub fn webp_lossy() -> Vec<u8> {
    include_bytes!("../../../../tests/fixtures/lossy.webp").to_vec()
}

/// A lossy WebP of the gradient with an alpha that falls from left to right,
/// 40 x 24 pixels.
#[must_use]
pub fn webp_lossy_with_alpha() -> Vec<u8> {
    include_bytes!("../../../../tests/fixtures/lossy_alpha.webp").to_vec()
}

/// One frame of an animated WebP, of one colour.
#[derive(Debug, Clone, Copy)]
pub struct WebpFrame {
    /// Left, top (both even), width, height, in pixels.
    pub area: [u32; 4],
    /// Red, green, blue, alpha.
    pub colour: [u8; 4],
    /// Whether it is blended over what is there.
    pub blends: bool,
    /// Whether its area is cleared afterwards.
    pub disposes: bool,
}

impl WebpFrame {
    /// Red, then green on the left half, then blue on the right half.
    #[must_use]
    pub fn plain_colours(width: u16, height: u16) -> [Self; 3] {
        let (width, height) = (u32::from(width), u32::from(height));
        let half = width / 4 * 2;
        let frame = |area, colour| Self {
            area,
            colour,
            blends: false,
            disposes: false,
        };
        [
            frame([0, 0, width, height], [255, 0, 0, 255]),
            frame([0, 0, half, height], [0, 255, 0, 255]),
            frame([half, 0, width - half, height], [0, 0, 255, 255]),
        ]
    }
}

/// An animated WebP of lossless frames.
#[must_use]
pub fn webp_animation(frames: &[WebpFrame], (width, height): (u16, u16)) -> Vec<u8> {
    let extended = [
        &[0b1_0010, 0, 0, 0][..],
        &u24(u32::from(width) - 1),
        &u24(u32::from(height) - 1),
    ]
    .concat();
    let mut body = webp_chunk(b"VP8X", &extended);
    body.extend(webp_chunk(b"ANIM", &[0; 6]));
    for frame in frames {
        body.extend(webp_chunk(b"ANMF", &animation_frame(frame)));
    }
    let size = u32::try_from(body.len() + 4).expect("small");
    [b"RIFF", &size.to_le_bytes()[..], b"WEBP", &body].concat()
}

fn animation_frame(frame: &WebpFrame) -> Vec<u8> {
    let [left, top, width, height] = frame.area;
    let pixels = frame.colour.repeat((width * height) as usize);
    let still = encode(&pixels, width, height, ColorType::Rgba8);
    let flags = u8::from(!frame.blends) << 1 | u8::from(frame.disposes);
    let head = [
        u24(left / 2),
        u24(top / 2),
        u24(width - 1),
        u24(height - 1),
        u24(100),
    ]
    .concat();
    // What follows `RIFF`, size and `WEBP` is the frame's own chunk.
    [&head[..], &[flags], &still[12..]].concat()
}

/// One chunk with its length and padding.
#[must_use]
pub fn webp_chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("small");
    let mut chunk = [name, &length.to_le_bytes()[..], data].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

fn u24(value: u32) -> [u8; 3] {
    let [a, b, c, _] = value.to_le_bytes();
    [a, b, c]
}

fn encode(samples: &[u8], width: u32, height: u32, color: ColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    WebPEncoder::new(&mut bytes)
        .encode(samples, width, height, color)
        .expect("the samples fit the size");
    bytes
}
