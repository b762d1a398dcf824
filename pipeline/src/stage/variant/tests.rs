use super::*;
use crate::item::{Format, Upload};
use crate::stage::decode::Layout;
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

/// A picture with detail of every size, in colour: triangle waves, 255 at most.
fn busy(width: u32, height: u32) -> Vec<u8> {
    let wave = |at: u32, period: u32| (at % (2 * period)).abs_diff(period) * 63 / period;
    let sample = |x: u32, y: u32, slope: u32| {
        let waves = [3, 7, 19, 60].map(|period| wave(x + slope * y / 3, period));
        u8::try_from(waves.into_iter().sum::<u32>()).unwrap()
    };
    let pixel = |x, y| [sample(x, y, 1), sample(y, x, 2), sample(x, y, 4)];
    (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| pixel(x, y)))
        .collect()
}

/// One way to store the picture of a photo.
struct Stored {
    name: &'static str,
    bytes: Vec<u8>,
}

fn stored_in_every_way(rgb: &[u8], (width, height): (u16, u16)) -> Vec<Stored> {
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
    let encoded = |name, samples: &[u8], colours, (quality, factor, progressive)| {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, quality);
        encoder.set_sampling_factor(factor);
        encoder.set_progressive(progressive);
        encoder.encode(samples, width, height, colours).unwrap();
        Stored { name, bytes }
    };
    let of_rgb = |name, how| encoded(name, rgb, ColorType::Rgb, how);
    let (pixels, _) = rgb.as_chunks::<3>();
    let greens: Vec<u8> = pixels.iter().map(|&[_, green, _]| green).collect();
    let mut files = vec![
        of_rgb("4:2:0", (90, SamplingFactor::F_2_2, false)),
        of_rgb("progressive", (75, SamplingFactor::F_2_2, true)),
        of_rgb("4:1:1", (90, SamplingFactor::F_4_1, false)),
        of_rgb("1:4", (90, SamplingFactor::F_1_4, false)),
        encoded(
            "grey",
            &greens,
            ColorType::Luma,
            (90, SamplingFactor::F_1_1, false),
        ),
    ];
    // The same numbers, which a marker of Adobe's says are red, green and blue; the
    // one of JFIF, which comes first, would say otherwise.
    let Stored { bytes, .. } = of_rgb("", (90, SamplingFactor::F_1_1, false));
    let marker = b"\xFF\xEE\0\x0EAdobe\0\x64\0\0\0\0\0";
    files.push(Stored {
        name: "rgb",
        bytes: [&bytes[..2], marker, &bytes[20..]].concat(),
    });
    files
}

#[test]
fn a_picture_made_from_coefficients_is_the_one_made_from_pixels() {
    let (width, height) = (1021, 679);
    let sides = (width.try_into().unwrap(), height.try_into().unwrap());
    let limits = Limits::default();
    let header = Header {
        width,
        height,
        frames: 1,
    };
    let rgb = busy(width, height);
    for Stored { name, bytes } in stored_in_every_way(&rgb, sides) {
        // What has its components one after another is not read as pixels.
        let whole = decode::first_picture(&bytes, Format::Jpeg, header, &limits);
        let psnr_min = if whole.is_ok() { 34.0 } else { 26.0 };
        let source = Raster {
            width,
            height,
            layout: Layout::Rgb,
            samples: rgb.clone(),
        };
        let whole = whole.unwrap_or(source).without_grey();
        for side_max in [80, 160, 320] {
            let size = VariantSpec {
                width_max: side_max,
                height_max: side_max,
                ..THUMB
            }
            .fitted(width, height);
            let small = reduced::shrunk(&bytes, Format::Jpeg, header, size, &limits).unwrap();
            let expected = coarse_in_colour(&shrink::shrink(whole.clone(), size));
            let direct = small.subsampled();
            let is_direct = !matches!(name, "grey" | "rgb");
            assert_eq!(direct.is_some(), is_direct, "{name}");
            let direct = direct.map(|direct| [direct.luma, direct.blue, direct.red]);
            let through_rgb = coarse_in_colour(&small.into_rgb());
            for found in direct.into_iter().chain([through_rgb]) {
                for (component, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    let psnr = psnr(found, expected);
                    assert!(
                        psnr > psnr_min,
                        "{name}, {side_max}, {component}: {psnr:.1} dB"
                    );
                }
            }
        }
    }
}

/// The nearest sample.
fn sample(value: f64) -> u8 {
    (0..u8::MAX)
        .find(|sample| f64::from(*sample) + 0.5 > value)
        .unwrap_or(u8::MAX)
}

/// Luma, and the colour differences of what shares a sample of them: two pixels in
/// each direction in which the size is even.
fn coarse_in_colour(picture: &Raster) -> [Vec<u8>; 3] {
    let (pixels, _) = picture.samples.as_chunks::<3>();
    let pixels: Vec<[f64; 3]> = pixels.iter().map(|rgb| rgb.map(f64::from)).collect();
    let luma = |rgb: &[f64; 3]| 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
    let (width, height) = (picture.width as usize, picture.height as usize);
    let step = |side: usize| if side.is_multiple_of(2) { 2 } else { 1 };
    let difference = |idx: usize, most: f64| -> Vec<u8> {
        let mut samples = Vec::new();
        for top in (0..height).step_by(step(height)) {
            for left in (0..width).step_by(step(width)) {
                let rows = (top..top + step(height)).map(|y| &pixels[y * width..][..width]);
                let field: Vec<&[f64; 3]> = rows
                    .flat_map(|row| &row[left..left + step(width)])
                    .collect();
                let sum: f64 = field.iter().map(|rgb| (rgb[idx] - luma(rgb)) / most).sum();
                samples.push(sample(sum / field.len() as f64 + 128.0));
            }
        }
        samples
    };
    [
        pixels.iter().map(|rgb| sample(luma(rgb))).collect(),
        difference(2, 1.772),
        difference(0, 1.402),
    ]
}

fn psnr(found: &[u8], expected: &[u8]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let squares = found.iter().zip(expected);
    let squares = squares.map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
    let mean = squares.sum::<f64>() / found.len() as f64;
    10.0 * (255.0 * 255.0 / mean).log10()
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
