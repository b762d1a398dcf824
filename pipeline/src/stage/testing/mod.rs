//! Small images of every accepted format, made in code, for tests and benches.

mod avif;
mod gif;
mod jpeg;
mod png;
mod promises;
mod webp;

pub use avif::{
    AvifDraft, AvifItem, AvifKind, avif, avif_box, avif_coded, avif_of_kind, avif_unit,
};
pub use gif::{GifFrame, gif, gif_animation, gif_of_frames};
pub use jpeg::{JpegKind, jpeg, jpeg_of_kind, jpeg_of_several_scans, jpeg_refined, jpeg_with_size};
pub use png::{
    PngFrame, apng, png, png_chunk, png_interlaced, png_of_kind, png_with_checksums_mended,
    rgba_png,
};
pub use promises::hold_to_promises;
pub use webp::{
    WebpFrame, webp, webp_animation, webp_chunk, webp_lossy, webp_lossy_with_alpha, webp_with_alpha,
};

/// A picture with a slope in each channel: RGB, row-major. Every format keeps
/// it nearly as it is.
#[must_use]
pub fn gradient(width: u32, height: u32) -> Vec<u8> {
    let slope = |position: u32, length: u32| {
        u8::try_from(position * 255 / length.max(2).saturating_sub(1)).unwrap_or(u8::MAX)
    };
    let pixel = |x, y| {
        [
            slope(x, width),
            slope(y, height),
            slope(x + y, width + height),
        ]
    };
    (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| pixel(x, y)))
        .collect()
}

/// One file of every kind that is accepted, by name; each shows
/// [`gradient`] or plain colours.
#[must_use]
pub fn every_kind() -> Vec<(&'static str, Vec<u8>)> {
    use ::png::{BitDepth, ColorType};
    let (width, height) = (40, 24);
    let mut kinds = vec![
        ("baseline jpeg", jpeg(width, height)),
        (
            "progressive jpeg",
            jpeg_of_kind(width, height, JpegKind::Progressive),
        ),
        ("grey jpeg", jpeg_of_kind(width, height, JpegKind::Grey)),
        ("cmyk jpeg", jpeg_of_kind(width, height, JpegKind::Cmyk)),
        ("ycck jpeg", jpeg_of_kind(width, height, JpegKind::Ycck)),
        (
            "jpeg with restarts",
            jpeg_of_kind(width, height, JpegKind::Restarts),
        ),
        ("png", png(width, height)),
        ("interlaced png", png_interlaced(width, height)),
        (
            "apng",
            apng(
                &PngFrame::plain_colours(width, height),
                (width, height),
                false,
            ),
        ),
        (
            "apng beside a still",
            apng(
                &PngFrame::plain_colours(width, height),
                (width, height),
                true,
            ),
        ),
        ("lossless webp", webp(width, height)),
        ("lossless webp with alpha", webp_with_alpha(width, height)),
        ("lossy webp", webp_lossy()),
        ("lossy webp with alpha", webp_lossy_with_alpha()),
        (
            "animated webp",
            webp_animation(&WebpFrame::plain_colours(width, height), (width, height)),
        ),
        ("gif", gif(width, height)),
        ("animated gif", gif_animation(width, height, 4)),
        ("avif", avif()),
        ("10-bit avif", avif_of_kind(AvifKind::TenBit444)),
        ("12-bit avif", avif_of_kind(AvifKind::TwelveBit422)),
        ("avif with alpha", avif_of_kind(AvifKind::Alpha)),
        ("grey avif", avif_of_kind(AvifKind::Grey)),
        ("turned avif", avif_of_kind(AvifKind::Turned)),
    ];
    for (name, color, depth) in [
        ("1-bit grey png", ColorType::Grayscale, BitDepth::One),
        ("2-bit grey png", ColorType::Grayscale, BitDepth::Two),
        ("4-bit grey png", ColorType::Grayscale, BitDepth::Four),
        ("16-bit grey png", ColorType::Grayscale, BitDepth::Sixteen),
        ("1-bit palette png", ColorType::Indexed, BitDepth::One),
        ("8-bit palette png", ColorType::Indexed, BitDepth::Eight),
        (
            "grey png with alpha",
            ColorType::GrayscaleAlpha,
            BitDepth::Eight,
        ),
        ("16-bit png", ColorType::Rgb, BitDepth::Sixteen),
        ("16-bit png with alpha", ColorType::Rgba, BitDepth::Sixteen),
    ] {
        kinds.push((name, png_of_kind(width, height, color, depth)));
    }
    kinds
}
