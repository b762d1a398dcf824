//! What each path of the CPU says about pictures, against the one that computes
//! everything in plain f32: the difference of every class, and the label.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::PathBuf;
use std::time::Instant;

use imgshare_kernels::{CpuPath, RgbView, resize_align_corners};
use imgshare_models::cpu::{Cpu, CpuError};
use imgshare_models::golden;
use imgshare_models::scores::{Scores, Thresholds};
use imgshare_models::{Classifier, ModelSpec, Weights};
use support::weights;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;

/// Largest difference from f32 of a path that computes in less.
const REDUCED_ERROR_MAX: f32 = 5e-3;
/// The same of inception_v3 on its golden vectors.
const LARGE_REDUCED_ERROR_MAX: f32 = 1e-3;
/// Largest difference of paths in f32, which sum in another order.
const FLOAT_ERROR_MAX: f32 = 2e-5;
const N_GENERATED: u32 = 40;

struct Picture {
    name: String,
    samples: Vec<u16>,
}

#[test]
fn every_path_scores_as_plain_f32_does() {
    assert_paths_agree(weights());
}

#[test]
fn every_path_scores_as_plain_f32_does_with_mobilenet_v2_mid() {
    assert_paths_agree(&support::weights_of("mobilenet_v2_mid"));
}

fn assert_paths_agree(weights: &Weights) {
    let pictures = pictures(weights.spec());
    let mut reference = load(weights, CpuPath::Scalar).unwrap();
    let expected = scores(&mut reference, &pictures);
    for path in CpuPath::ALL {
        let Some(mut cpu) = load(weights, path) else {
            eprintln!("skipped: this CPU does not have {path}");
            continue;
        };
        let actual = scores(&mut cpu, &pictures);
        let error_max = if path.is_reduced() {
            REDUCED_ERROR_MAX
        } else {
            FLOAT_ERROR_MAX
        };
        let (mut worst, mut worst_at_bar) = (0.0_f32, 0.0_f32);
        for ((picture, actual), expected) in pictures.iter().zip(&actual).zip(&expected) {
            let error = error(actual, expected);
            let name = &picture.name;
            assert!(
                error <= error_max,
                "{path}: {name} is off by {error}: {actual:?}, expected {expected:?}"
            );
            assert_eq!(label(actual), label(expected), "{path}: {name}");
            worst = worst.max(error);
            worst_at_bar = worst_at_bar.max(error_at_bar(actual, expected));
        }
        eprintln!(
            "{path}: {}, {} pictures, largest error {worst:.6} in a class, {worst_at_bar:.6} in what \
             is held against the threshold",
            weights.spec().id,
            pictures.len()
        );
    }
}

#[test]
fn golden_vectors_hold_on_every_path() {
    for weights in [weights(), &support::weights_of("mobilenet_v2_mid")] {
        let id = weights.spec().id;
        for path in CpuPath::ALL {
            let Some(mut cpu) = load(weights, path) else {
                eprintln!("skipped: this CPU does not have {path}");
                continue;
            };
            assert_eq!(cpu.device(), format!("cpu ({path})"));
            let tolerance = cpu.tolerance();
            let report = golden::check(&mut cpu, tolerance).unwrap();
            eprintln!("{path}: {id}, largest error {:e}", report.worst_error());
        }
    }
}

/// A batch of its vectors and no more: this model is twenty times the default's
/// work, which takes plain Rust seconds an image.
#[test]
fn inception_v3_gives_its_golden_answers_on_every_path() {
    let weights = support::weights_of("inception_v3");
    let spec = weights.spec();
    let vectors = spec.golden.iter();
    let samples: Vec<u16> = vectors.flat_map(|v| v.samples(spec.side_usize())).collect();
    for path in CpuPath::ALL {
        let Ok(mut cpu) = Cpu::load(&weights, path, None) else {
            assert!(!path.is_available());
            eprintln!("skipped: this CPU does not have {path}");
            continue;
        };
        let started = Instant::now();
        let scores = cpu.classify(&samples, spec.golden.len()).unwrap();
        let time = started.elapsed();
        let error_max = if path.is_reduced() {
            LARGE_REDUCED_ERROR_MAX
        } else {
            cpu.tolerance()
        };
        let mut worst = 0.0_f32;
        for (golden, actual) in spec.golden.iter().zip(scores) {
            let expected = Scores::from_array(golden.expected);
            let error = error(&actual, &expected);
            assert!(
                error <= error_max,
                "{path}: {} is off by {error}",
                golden.name
            );
            assert_eq!(label(&actual), label(&expected), "{path}: {}", golden.name);
            worst = worst.max(error);
        }
        eprintln!("{path}: inception_v3, largest error {worst:.6}, {time:?} for five images");
    }
}

/// Against the fastest path in f32, which itself gives nsfwjs's own answers:
/// plain Rust takes seconds an image.
#[test]
fn inception_v3_in_integers_scores_as_in_f32() {
    let weights = support::weights_of("inception_v3");
    let floats = CpuPath::ALL.into_iter().filter(|path| !path.is_reduced());
    let floats = floats.into_iter().find(|path| path.is_available()).unwrap();
    let mut pictures = pictures(weights.spec());
    pictures.extend(uneven_pictures(weights.spec()));
    let expected = scores(&mut load(&weights, floats).unwrap(), &pictures);
    for path in CpuPath::ALL.into_iter().filter(|path| path.is_reduced()) {
        let Some(mut cpu) = load(&weights, path) else {
            eprintln!("skipped: this CPU does not have {path}");
            continue;
        };
        let mut worst = 0.0_f32;
        let actual = scores(&mut cpu, &pictures);
        for ((picture, actual), expected) in pictures.iter().zip(&actual).zip(&expected) {
            let (name, error) = (&picture.name, error(actual, expected));
            assert!(
                error <= REDUCED_ERROR_MAX,
                "{path}: {name} is off by {error}"
            );
            assert_eq!(label(actual), label(expected), "{path}: {name}");
            worst = worst.max(error);
        }
        let n_pictures = pictures.len();
        eprintln!(
            "{path}: inception_v3, {n_pictures} pictures, largest error {worst:.6} from {floats}"
        );
    }
}

/// Dark pictures with a little that is as bright as can be, which is what the
/// steps of integers are chosen by.
fn uneven_pictures(spec: &ModelSpec) -> Vec<Picture> {
    let side = u32::try_from(spec.side_usize()).unwrap();
    let bright = |patch: u32, x: u32, y: u32| x / patch == 3 && y / patch == 2;
    let picture = |patch: u32| {
        let mut pixels = generated(patch, side, side);
        for (idx, rgb) in pixels.chunks_exact_mut(3).enumerate() {
            let idx = u32::try_from(idx).unwrap();
            let is_bright = bright(patch, idx % side, idx / side);
            rgb.iter_mut()
                .for_each(|byte| *byte = if is_bright { 255 } else { *byte / 16 });
        }
        resized(format!("dark but for {patch}"), &pixels, [side, side], spec)
    };
    [1, 8, 32, 64].into_iter().map(picture).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn pinned_threads_give_the_same_scores_and_show_in_the_name() {
    let pictures = pictures(weights().spec());
    let mut free = load(weights(), CpuPath::best()).unwrap();
    let mut pinned = load(weights(), CpuPath::best()).unwrap().pinned();
    assert!(pinned.is_pinned() && !free.is_pinned());
    assert_eq!(
        pinned.device(),
        format!("cpu ({}, pinned)", CpuPath::best())
    );
    assert_eq!(scores(&mut pinned, &pictures), scores(&mut free, &pictures));
}

#[test]
fn a_batch_of_another_size_than_announced_is_refused() {
    let mut cpu = load(weights(), CpuPath::best()).unwrap();
    assert!(cpu.classify(&[0; 7], 1).is_err());
    assert!(cpu.classify(&[], 0).is_err());
}

fn load(weights: &Weights, path: CpuPath) -> Option<Cpu> {
    match Cpu::load(weights, path, None) {
        Err(CpuError::Plan(_)) if !path.is_available() => None,
        cpu => Some(cpu.unwrap()),
    }
}

fn scores(cpu: &mut Cpu, pictures: &[Picture]) -> Vec<Scores> {
    let samples: Vec<u16> = pictures
        .iter()
        .flat_map(|p| p.samples.iter().copied())
        .collect();
    cpu.classify(&samples, pictures.len()).unwrap()
}

fn error(actual: &Scores, expected: &Scores) -> f32 {
    let pairs = actual.to_array().into_iter().zip(expected.to_array());
    pairs.fold(0.0, |worst, (a, e)| worst.max((a - e).abs()))
}

/// The difference of the two sums that decide the label.
fn error_at_bar(actual: &Scores, expected: &Scores) -> f32 {
    let explicit = (actual.explicit_mass() - expected.explicit_mass()).abs();
    explicit.max((actual.sexy - expected.sexy).abs())
}

fn label(scores: &Scores) -> imgshare_models::Label {
    Thresholds::default().judge(scores).label
}

/// The golden vectors, generated pictures and the fixtures.
fn pictures(spec: &ModelSpec) -> Vec<Picture> {
    let golden = spec.golden.iter().map(|golden| Picture {
        name: golden.name.to_owned(),
        samples: golden.samples(spec.side_usize()),
    });
    let generated = (0..N_GENERATED).map(|seed| {
        let (width, height) = (60 + 37 * (seed % 11), 50 + 53 * (seed % 7));
        let pixels = generated(seed, width, height);
        resized(format!("generated {seed}"), &pixels, [width, height], spec)
    });
    let fixtures = ["porn", "hentai", "sexy"].map(|class| {
        let file = format!("pattern_scored_{class}.png");
        let (pixels, sides) = decode_png(&file);
        resized(file, &pixels, sides, spec)
    });
    let (pixels, sides) = decode_jpeg("scene.jpg");
    let scene = resized("scene.jpg".to_owned(), &pixels, sides, spec);
    golden
        .chain(generated)
        .chain(fixtures)
        .chain([scene])
        .collect()
}

fn resized(name: String, rgb: &[u8], [width, height]: [u32; 2], spec: &ModelSpec) -> Picture {
    let mut samples = vec![0; spec.samples()];
    let view = RgbView::new(rgb, width, height).unwrap();
    resize_align_corners(view, spec.side, &mut samples);
    Picture { name, samples }
}

/// Gradients, stripes, rings and noise, mixed by `seed`.
fn generated(seed: u32, width: u32, height: u32) -> Vec<u8> {
    let mut noise = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let gradient =
                    (x * (3 + channel) + y * (2 + seed % 5)) * 255 / (8 * width + 8 * height);
                let stripe = if (x / (2 + seed % 13) + y / (3 + seed % 9)).is_multiple_of(2) {
                    70
                } else {
                    0
                };
                let (dx, dy) = (x.abs_diff(width / 2), y.abs_diff(height / 3));
                let ring = (dx * dx + dy * dy) / (20 + 11 * seed) % 97;
                let grain = (noise >> 24) % (1 + 17 * (seed % 8));
                let skin = [90, 50, 30][channel as usize] * (seed % 3) / 2;
                pixels.push(u8::try_from((gradient + stripe + ring + grain + skin) % 256).unwrap());
            }
        }
    }
    pixels
}

fn fixture(file: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    std::fs::read(folder.join(file)).unwrap()
}

fn decode_png(file: &str) -> (Vec<u8>, [u32; 2]) {
    let bytes = fixture(file);
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb, "{file}");
    (pixels, [info.width, info.height])
}

fn decode_jpeg(file: &str) -> (Vec<u8>, [u32; 2]) {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
    let bytes = fixture(file);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(&bytes), options);
    let pixels = decoder.decode().unwrap();
    let (width, height) = decoder.dimensions().unwrap();
    let sides = [width, height].map(|side| u32::try_from(side).unwrap());
    (pixels, sides)
}
