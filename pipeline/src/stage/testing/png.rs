//! PNGs and APNGs.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use png::{BitDepth, BlendOp, ColorType, DisposeOp};

use super::gradient;

/// An 8-bit RGB PNG of the gradient.
#[must_use]
pub fn png(width: u16, height: u16) -> Vec<u8> {
    png_of_kind(width, height, ColorType::Rgb, BitDepth::Eight)
}

/// A PNG of the given kind. Colour shows the gradient, grey its green; an image
/// of few bits a checkerboard of its first and last value; alpha is half.
///
/// # Panics
/// If PNG has no such kind.
#[must_use]
pub fn png_of_kind(width: u16, height: u16, color: ColorType, depth: BitDepth) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width.into(), height.into());
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == ColorType::Indexed {
        let entries = 1_u16 << (depth as u8);
        let last = entries - 1;
        let grey = |entry: u16| u8::try_from(u32::from(entry) * 255 / u32::from(last));
        encoder.set_palette(
            (0..entries)
                .flat_map(|entry| [grey(entry).unwrap_or(255); 3])
                .collect::<Vec<_>>(),
        );
    }
    let data = image_data(width.into(), height.into(), color, depth);
    let mut writer = encoder.write_header().expect("PNG has such images");
    writer
        .write_image_data(&data)
        .expect("the samples fit the size");
    writer.finish().expect("a Vec takes it");
    bytes
}

/// An 8-bit PNG of the given RGBA samples.
#[must_use]
pub fn rgba_png(width: u32, height: u32, rgba: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(ColorType::Rgba);
    let mut writer = encoder.write_header().expect("PNG has such images");
    writer
        .write_image_data(rgba)
        .expect("the samples fit the size");
    writer.finish().expect("a Vec takes it");
    bytes
}

fn image_data(width: u32, height: u32, color: ColorType, depth: BitDepth) -> Vec<u8> {
    let bits = depth as u8;
    if bits < 8 {
        let row_bytes = (usize::try_from(width).expect("small") * usize::from(bits)).div_ceil(8);
        let row = |y: u32| checkered_row(row_bytes, bits, y % 2 == 1);
        return (0..height).flat_map(row).collect();
    }
    let rgb = gradient(width, height);
    let samples = rgb
        .as_chunks::<3>()
        .0
        .iter()
        .flat_map(|&[r, g, b]| match color {
            ColorType::Rgb => vec![r, g, b],
            ColorType::Rgba => vec![r, g, b, 128],
            ColorType::GrayscaleAlpha => vec![g, 128],
            ColorType::Grayscale | ColorType::Indexed => vec![g],
        });
    // The low byte is noise that 8 bits do not see.
    if bits == 16 {
        samples.flat_map(|high| [high, 77]).collect()
    } else {
        samples.collect()
    }
}

fn checkered_row(bytes: usize, bits: u8, odd: bool) -> Vec<u8> {
    let mut row = vec![0; bytes];
    for pixel_idx in (usize::from(odd)..bytes * 8 / usize::from(bits)).step_by(2) {
        for bit in pixel_idx * usize::from(bits)..(pixel_idx + 1) * usize::from(bits) {
            row[bit / 8] |= 0x80 >> (bit % 8);
        }
    }
    row
}

/// One chunk with its length and checksum.
#[must_use]
pub fn png_chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("small");
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(name);
    checksum.update(data);
    let checksum = checksum.finalize().to_be_bytes();
    [&length.to_be_bytes()[..], name, data, &checksum].concat()
}

/// A PNG whose checksums are right again, so that its data is looked at; `None`
/// for other files and where it breaks off.
#[must_use]
pub fn png_with_checksums_mended(bytes: &[u8]) -> Option<Vec<u8>> {
    let (signature, mut chunks) = bytes.split_at_checked(8)?;
    if !signature.starts_with(b"\x89PNG") {
        return None;
    }
    let mut mended = signature.to_vec();
    while !chunks.is_empty() {
        let (length, rest) = chunks.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (name, rest) = rest.split_first_chunk()?;
        let (data, rest) = rest.split_at_checked(length)?;
        mended.extend(png_chunk(name, data));
        chunks = rest.get(4..)?;
    }
    Some(mended)
}

/// Adam7: left and top of the pass, then the distance of its columns and rows.
const PASSES: [[u32; 4]; 7] = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
];

/// An 8-bit RGB PNG of the gradient, interlaced.
#[must_use]
pub fn png_interlaced(width: u16, height: u16) -> Vec<u8> {
    let (width, height) = (u32::from(width), u32::from(height));
    let data = interlaced(width, height, &gradient(width, height));
    png_file(&[
        png_chunk(b"IHDR", &interlaced_header(width, height)),
        png_chunk(b"IDAT", &data),
    ])
}

fn interlaced_header(width: u32, height: u32) -> Vec<u8> {
    [
        &width.to_be_bytes()[..],
        &height.to_be_bytes(),
        &[8, 2, 0, 0, 1],
    ]
    .concat()
}

fn interlaced(width: u32, height: u32, rgb: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    for [left, top, columns, rows] in PASSES {
        for y in (top..height).step_by(rows as usize) {
            let mut row = vec![0];
            for x in (left..width).step_by(columns as usize) {
                let at = 3 * (y * width + x) as usize;
                row.extend_from_slice(&rgb[at..at + 3]);
            }
            if row.len() > 1 {
                encoder.write_all(&row).expect("a Vec takes it");
            }
        }
    }
    encoder.finish().expect("a Vec takes it")
}

fn png_file(chunks: &[Vec<u8>]) -> Vec<u8> {
    let signature = b"\x89PNG\r\n\x1A\n".to_vec();
    [&[signature], chunks, &[png_chunk(b"IEND", &[])]]
        .concat()
        .concat()
}

/// One frame of an APNG, of one colour.
#[derive(Debug, Clone, Copy)]
pub struct PngFrame {
    /// Left, top, width, height, in pixels.
    pub area: [u32; 4],
    /// Red, green, blue, alpha.
    pub colour: [u8; 4],
    /// How it meets what is there.
    pub blend: BlendOp,
    /// What becomes of it.
    pub dispose: DisposeOp,
}

impl PngFrame {
    /// Red, then green on the left half, then blue on the right half.
    #[must_use]
    pub fn plain_colours(width: u16, height: u16) -> [Self; 3] {
        let (width, height) = (u32::from(width), u32::from(height));
        let frame = |area, colour| Self {
            area,
            colour,
            blend: BlendOp::Source,
            dispose: DisposeOp::None,
        };
        [
            frame([0, 0, width, height], [255, 0, 0, 255]),
            frame([0, 0, width / 2, height], [0, 255, 0, 255]),
            frame([width / 2, 0, width - width / 2, height], [0, 0, 255, 255]),
        ]
    }
}

/// An RGBA APNG; beside a white still that is no part of it if `still` says so.
///
/// # Panics
/// If a frame leaves the canvas, or the first is not the canvas and `still` is false.
#[must_use]
pub fn apng(frames: &[PngFrame], (width, height): (u16, u16), still: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width.into(), height.into());
    encoder.set_color(ColorType::Rgba);
    encoder
        .set_animated(frames.len().try_into().expect("small"), 0)
        .expect("it has frames");
    encoder.set_sep_def_img(still).expect("it is animated");
    let mut writer = encoder.write_header().expect("PNG has such images");
    if still {
        let white = vec![255; 4 * usize::from(width) * usize::from(height)];
        writer
            .write_image_data(&white)
            .expect("the samples fit the size");
    }
    for frame in frames {
        let [left, top, width, height] = frame.area;
        writer.reset_frame_position().expect("it is animated");
        writer
            .set_frame_dimension(width, height)
            .expect("it lies on the canvas");
        writer
            .set_frame_position(left, top)
            .expect("it lies on the canvas");
        writer.set_blend_op(frame.blend).expect("it is animated");
        writer
            .set_dispose_op(frame.dispose)
            .expect("it is animated");
        let pixels = frame.colour.repeat((width * height) as usize);
        writer
            .write_image_data(&pixels)
            .expect("the samples fit the size");
    }
    writer.finish().expect("a Vec takes it");
    bytes
}
