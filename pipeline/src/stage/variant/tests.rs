use super::*;
use crate::item::{Format, Upload};
use crate::stage::scrub::icc::Space;
use crate::stage::sniff::sniff;
use crate::stage::testing;

const THUMB: VariantSpec = VARIANTS[0];

fn scrubbed(bytes: Vec<u8>) -> Scrubbed {
    let limits = Limits::default();
    let sniffed = sniff(
        Upload {
            bytes: bytes.into(),
        },
        &limits,
    )
    .unwrap();
    scrub_encoded(sniffed.bytes, sniffed.format, sniffed.header).unwrap()
}

fn variant_of(bytes: Vec<u8>, spec: VariantSpec) -> Scrubbed {
    variant(&scrubbed(bytes), spec, &Limits::default()).unwrap()
}

fn picture(image: &Scrubbed) -> Raster {
    let (bytes, format, header) = (image.bytes(), image.format(), image.header());
    decode::first_picture(bytes, format, header, &Limits::default()).unwrap()
}

fn size(image: &Scrubbed) -> (u32, u32) {
    let header = sniff(
        Upload {
            bytes: image.bytes().clone(),
        },
        &Limits::default(),
    )
    .unwrap()
    .header;
    assert_eq!(header, image.header());
    (header.width, header.height)
}

#[test]
fn every_kind_has_every_variant() {
    for (name, bytes) in testing::every_kind() {
        let source = scrubbed(bytes);
        for spec in VARIANTS.into_iter().chain([VEILED]) {
            let made = variant(&source, spec, &Limits::default())
                .unwrap_or_else(|reject| panic!("{name}: {reject}"));
            let expected = match spec.shape {
                Shape::Fit | Shape::Veiled => (40, 24),
                Shape::Card | Shape::BlurredCard => (1200, 630),
            };
            assert_eq!(size(&made), expected, "{name}");
            assert_eq!(made.header().frames, 1, "{name}");
        }
    }
}

#[test]
fn a_photo_becomes_a_smaller_jpeg_of_the_same_picture() {
    let made = variant_of(testing::jpeg(640, 480), THUMB);
    assert_eq!((made.format(), size(&made)), (Format::Jpeg, (320, 240)));
    let expected = testing::gradient(320, 240);
    let found = picture(&made).samples;
    let worst = expected
        .iter()
        .zip(&found)
        .map(|(a, b)| a.abs_diff(*b))
        .max();
    assert!(worst < Some(12), "{worst:?}");
}

#[test]
fn transparency_is_kept_and_an_opaque_alpha_is_not() {
    let (width, height) = (640, 480);
    let clear_left = |alpha: u8| -> Vec<u8> {
        let row = [[255, 0, 0, alpha].repeat(320), [0, 255, 0, 255].repeat(320)].concat();
        testing::rgba_png(width, height, &row.repeat(480))
    };
    let made = variant_of(clear_left(0), THUMB);
    assert_eq!((made.format(), size(&made)), (Format::Png, (320, 240)));
    let raster = picture(&made);
    let (pixels, _) = raster.samples.as_chunks::<4>();
    assert_eq!((pixels[0][3], pixels[319]), (0, [0, 255, 0, 255]));
    // The invisible red does not bleed into the edge.
    assert!(
        pixels
            .iter()
            .all(|&[red, _, _, alpha]| alpha == 0 || red < 16)
    );

    assert_eq!(variant_of(clear_left(255), THUMB).format(), Format::Jpeg);
}

#[test]
fn an_animation_is_shown_by_its_first_frame() {
    let frames = testing::WebpFrame::plain_colours(640, 480);
    let made = variant_of(testing::webp_animation(&frames, (640, 480)), THUMB);
    assert_eq!((made.format(), size(&made)), (Format::Jpeg, (320, 240)));
    let [red, green, blue] = *picture(&made).samples.first_chunk().unwrap();
    assert!(red > 250 && green < 5 && blue < 5);
}

#[test]
fn a_profile_is_left_behind_and_its_colours_are_not() {
    let (width, height) = (640, 480);
    let in_p3 = Space::DisplayP3.profile().unwrap();
    let green = [0, 200, 0].repeat(640 * 480);
    let jpeg = {
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
        encoder.add_icc_profile(in_p3).unwrap();
        encoder
            .encode(&green, 640, 480, jpeg_encoder::ColorType::Rgb)
            .unwrap();
        bytes
    };
    let webp = {
        let mut bytes = Vec::new();
        let mut encoder = image_webp::WebPEncoder::new(&mut bytes);
        encoder.set_icc_profile(in_p3.to_vec());
        encoder
            .encode(&green, width, height, image_webp::ColorType::Rgb8)
            .unwrap();
        bytes
    };
    for source in [scrubbed(jpeg), scrubbed(webp)] {
        assert!(contains(source.bytes(), in_p3));
        let made = variant(&source, THUMB, &Limits::default()).unwrap();
        assert!(!contains(made.bytes(), b"acsp"));
        // P3's green of 200 lies outside sRGB; this is the nearest inside.
        let [red, green, blue] = *picture(&made).samples.first_chunk().unwrap();
        assert!(
            red < 4 && green.abs_diff(204) < 4 && blue < 4,
            "{red} {green} {blue}"
        );
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_source_beyond_the_limits_in_force_is_refused() {
    let source = scrubbed(testing::jpeg(64, 48));
    let tight = Limits {
        side_px_max: 32,
        ..Limits::default()
    };
    assert!(variant(&source, THUMB, &tight).is_err());
}
