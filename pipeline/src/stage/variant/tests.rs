use super::*;
use crate::item::{Format, Upload};
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
        for spec in VARIANTS {
            let made = variant(&source, spec, &Limits::default())
                .unwrap_or_else(|reject| panic!("{name}: {reject}"));
            let expected = match spec.shape {
                Shape::Fit => (40, 24),
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
fn a_colour_profile_stays_with_its_colours() {
    let jpeg = {
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
        encoder.add_icc_profile(&matrix_profile(b"RGB ")).unwrap();
        let gradient = testing::gradient(640, 480);
        encoder
            .encode(&gradient, 640, 480, jpeg_encoder::ColorType::Rgb)
            .unwrap();
        bytes
    };
    let webp = {
        let plain = testing::webp(640, 480);
        let extended = testing::webp_chunk(b"VP8X", &[0b10_0000, 0, 0, 0, 127, 2, 0, 223, 1, 0]);
        let profile = testing::webp_chunk(b"ICCP", &matrix_profile(b"RGB "));
        let body = [b"WEBP", &extended[..], &profile, &plain[12..]].concat();
        [
            b"RIFF",
            &u32::try_from(body.len()).unwrap().to_le_bytes()[..],
            &body,
        ]
        .concat()
    };
    for source in [scrubbed(jpeg), scrubbed(webp)] {
        let expected = profile::rgb_profile(source.bytes(), source.format());
        assert!(expected.is_some());
        let made = variant(&source, THUMB, &Limits::default()).unwrap();
        assert_eq!(profile::rgb_profile(made.bytes(), made.format()), expected);
    }
}

#[test]
fn a_profile_for_other_colours_is_left_behind() {
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
    encoder.add_icc_profile(&matrix_profile(b"CMYK")).unwrap();
    encoder
        .encode(&[0; 64 * 4], 8, 8, jpeg_encoder::ColorType::Cmyk)
        .unwrap();
    assert_eq!(profile::rgb_profile(&bytes, Format::Jpeg), None);
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

/// The least that describes colours: a white point, three primaries, a tone curve.
fn matrix_profile(colours: &[u8; 4]) -> Vec<u8> {
    let tags = [
        b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC",
    ];
    let xyz = [
        b"XYZ \0\0\0\0",
        &[0, 0, 0x51, 0x23, 0, 0, 0x41, 0, 0, 0, 1, 0x10][..],
    ]
    .concat();
    let curve = b"curv\0\0\0\0\0\0\0\x01\x02\x33\0\0";
    let data_start = 128 + 4 + 12 * tags.len();
    let mut table = vec![0, 0, 0, 7];
    for name in tags {
        let (offset, length) = if name.ends_with(b"TRC") {
            (20, 14)
        } else {
            (0, 20)
        };
        let offset = u32::try_from(data_start + offset).unwrap();
        table.extend([&name[..], &offset.to_be_bytes(), &u32::to_be_bytes(length)].concat());
    }
    let mut header = vec![0; 128];
    let length = u32::try_from(data_start + 36).unwrap();
    header[..4].copy_from_slice(&length.to_be_bytes());
    header[8] = 2;
    header[12..16].copy_from_slice(b"mntr");
    header[16..20].copy_from_slice(colours);
    header[20..24].copy_from_slice(b"XYZ ");
    header[36..40].copy_from_slice(b"acsp");
    [header, table, xyz, curve.to_vec()].concat()
}
