use ::png::{BitDepth, ColorType};

use super::*;

#[test]
fn every_kind_decodes_to_its_size() {
    for (name, bytes) in testing::every_kind() {
        let frames = frames(&bytes).unwrap_or_else(|reject| panic!("{name}: {reject}"));
        for frame in frames {
            assert_eq!((frame.width, frame.height), (40, 24), "{name}");
            assert_eq!(frame.rgb.len(), 40 * 24 * 3, "{name}");
        }
    }
}

#[test]
fn lossless_colour_is_exact_whatever_its_alpha() {
    for (name, bytes) in [
        ("rgb", testing::png(40, 24)),
        ("interlaced", testing::png_interlaced(40, 24)),
        (
            "interlaced, smaller than a pass",
            testing::png_interlaced(3, 2),
        ),
        (
            "16 bits",
            testing::png_of_kind(40, 24, ColorType::Rgb, BitDepth::Sixteen),
        ),
        (
            "alpha",
            testing::png_of_kind(40, 24, ColorType::Rgba, BitDepth::Eight),
        ),
        (
            "16 bits, alpha",
            testing::png_of_kind(40, 24, ColorType::Rgba, BitDepth::Sixteen),
        ),
        ("webp", testing::webp(40, 24)),
        ("webp, alpha", testing::webp_with_alpha(40, 24)),
    ] {
        assert_shows_gradient(name, &still(&bytes), 0);
    }
}

#[test]
fn alpha_is_kept_where_something_shines_through() {
    for (name, bytes, alpha) in [
        ("rgb", testing::png(40, 24), None),
        (
            "rgba",
            testing::png_of_kind(40, 24, ColorType::Rgba, BitDepth::Eight),
            Some(vec![128; 960]),
        ),
        (
            "grey",
            testing::png_of_kind(40, 24, ColorType::GrayscaleAlpha, BitDepth::Sixteen),
            Some(vec![128; 960]),
        ),
        (
            "opaque rgba",
            testing::rgba_png(4, 3, &[9, 8, 7, 255].repeat(12)),
            None,
        ),
        ("webp", testing::webp(40, 24), None),
        (
            "webp, alpha",
            testing::webp_with_alpha(40, 24),
            Some(vec![128; 960]),
        ),
        ("jpeg", testing::jpeg(40, 24), None),
        ("gif", testing::gif(40, 24), None),
    ] {
        assert_eq!(still(&bytes).alpha, alpha, "{name}");
    }
}

#[test]
fn lossy_webp_is_close() {
    // Chroma is halved and the slope is steep at this size.
    assert_shows_gradient("lossy", &still(&testing::webp_lossy()), 16);
    assert_shows_gradient(
        "lossy with alpha",
        &still(&testing::webp_lossy_with_alpha()),
        16,
    );
}

#[test]
fn grey_is_repeated_in_every_channel() {
    for (color, depth) in [
        (ColorType::Grayscale, BitDepth::Eight),
        (ColorType::Grayscale, BitDepth::Sixteen),
        (ColorType::GrayscaleAlpha, BitDepth::Eight),
        (ColorType::GrayscaleAlpha, BitDepth::Sixteen),
        (ColorType::Indexed, BitDepth::Eight),
    ] {
        let pixels = still(&testing::png_of_kind(40, 24, color, depth));
        let green: Vec<u8> = testing::gradient(40, 24)
            .into_iter()
            .skip(1)
            .step_by(3)
            .flat_map(|g| [g; 3])
            .collect();
        assert_eq!(pixels.rgb, green, "{color:?} {depth:?}");
    }
}

#[test]
fn few_bits_reach_from_black_to_white() {
    for color in [ColorType::Grayscale, ColorType::Indexed] {
        for depth in [BitDepth::One, BitDepth::Two, BitDepth::Four] {
            // Odd, so that rows end within a byte.
            let pixels = still(&testing::png_of_kind(13, 7, color, depth));
            let checkered: Vec<u8> = (0..7)
                .flat_map(|y| (0..13).flat_map(move |x| [255 * u8::from((x + y) % 2 == 0); 3]))
                .collect();
            assert_eq!(pixels.rgb, checkered, "{color:?} {depth:?}");
        }
    }
}

#[test]
fn a_transparent_colour_keeps_its_colour() {
    let png = testing::png(40, 24);
    let header_end = 8 + 25;
    let transparent = testing::png_chunk(b"tRNS", &[0, 0, 0, 0, 0, 0]);
    let bytes = [&png[..header_end], &transparent, &png[header_end..]].concat();
    assert_shows_gradient("tRNS", &still(&bytes), 0);
}

#[test]
fn flags_of_absent_chunks_do_no_harm() {
    let bitstream = &testing::webp(40, 24)[12..];
    // Exif, XMP and ICC announced, none there.
    let extended = testing::webp_chunk(b"VP8X", &[0b10_1100, 0, 0, 0, 39, 0, 0, 23, 0, 0]);
    let size = u32::try_from(4 + extended.len() + bitstream.len()).unwrap();
    let bytes = [
        b"RIFF",
        &size.to_le_bytes()[..],
        b"WEBP",
        &extended,
        bitstream,
    ]
    .concat();
    assert_shows_gradient("flags", &still(&bytes), 0);
}

#[test]
fn the_first_picture_keeps_its_alpha() {
    let first = |bytes: &[u8]| {
        let limits = Limits::default();
        let sniffed = sniff(
            Upload {
                bytes: bytes.into(),
            },
            &limits,
        )
        .unwrap();
        first_picture(bytes, sniffed.format, sniffed.header, &limits).unwrap()
    };
    let alphas = |raster: Raster| -> Vec<u8> {
        assert_eq!(raster.layout, Layout::Rgba);
        raster.samples.into_iter().skip(3).step_by(4).collect()
    };
    assert_eq!(alphas(first(&testing::webp_with_alpha(8, 8))), [128; 64]);
    let slope = alphas(first(&testing::webp_lossy_with_alpha()));
    assert_eq!((slope[0], slope[39]), (255, 0));
    assert_eq!(alphas(first(&testing::gif(8, 8))), [255; 64]);
    assert_eq!(first(&testing::jpeg(8, 8)).layout, Layout::Rgb);
}
