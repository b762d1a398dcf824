//! Files that no camera makes.

use crate::picture::{Format, Jpeg, Picture, animation};

/// The file cut to its first `keep` bytes.
#[must_use]
pub fn cut(file: &[u8], keep: usize) -> Vec<u8> {
    file[..keep].to_vec()
}

/// A real JPEG whose frame header claims 65,535 by 65,535 pixels.
///
/// # Panics
/// When our encoder writes no frame header.
#[must_use]
pub fn huge_jpeg() -> Vec<u8> {
    let mut file = Picture::scene(64, 64, 1).jpeg(Jpeg::Baseline);
    let start_of_frame = file
        .windows(2)
        .position(|marker| marker == [0xFF, 0xC0])
        .expect("a baseline JPEG has an SOF0");
    // Marker, length, precision, then height and width as two u16.
    file[start_of_frame + 5..start_of_frame + 9].fill(0xFF);
    file
}

/// A PNG whose header, with a valid checksum, claims these dimensions.
#[must_use]
pub fn png_of_size(width: u32, height: u32) -> Vec<u8> {
    let mut file = Picture::scene(16, 16, 1).png();
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = crc32fast::hash(&file[12..29]);
    file[29..33].copy_from_slice(&checksum.to_be_bytes());
    file
}

/// A GIF of this many frames of 8 x 8 pixels.
#[must_use]
pub fn gif_of_frames(n_frames: usize) -> Vec<u8> {
    animation(&vec![Picture::scene(8, 8, 1); n_frames])
}

/// Bytes that start like each format and go on as noise.
#[must_use]
pub fn magic_then_noise(format: Format) -> Vec<u8> {
    let mut file = match format {
        Format::Jpeg => vec![0xFF, 0xD8, 0xFF, 0xE0],
        Format::Png => b"\x89PNG\r\n\x1a\n".to_vec(),
        Format::Webp => b"RIFF\x00\x10\x00\x00WEBPVP8L".to_vec(),
        Format::Gif => b"GIF89a".to_vec(),
    };
    let mut random = crate::random::Random::seeded(7);
    file.extend((0..4096).map(|_| random.byte()));
    file
}
