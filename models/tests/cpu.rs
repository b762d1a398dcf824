//! The real model on the CPU: nsfwjs's answers to known inputs and pictures.
#![cfg(feature = "burn")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use imgshare_kernels::{CpuPath, RgbView, resize_align_corners};
use imgshare_models::Classifier;
use imgshare_models::engine::{CpuPathChoice, DeviceChoice, Engine, EngineError, EngineSettings};
use imgshare_models::golden::{self, CPU_TOLERANCE};
use support::weights;

fn cpu(cpu_path: CpuPathChoice) -> Engine {
    let weights = weights();
    let settings = EngineSettings {
        device: DeviceChoice::Cpu,
        cpu_path,
        ..EngineSettings::default()
    };
    Engine::start(weights, settings).unwrap()
}

#[test]
fn golden_vectors_hold_in_every_bucket() {
    let mut engine = cpu(CpuPathChoice::BurnFlex);
    assert_eq!(engine.device(), "cpu (burn-flex)");
    let report = golden::check(&mut engine, CPU_TOLERANCE).unwrap();
    assert_eq!(report.buckets.len(), engine.buckets().len());
    for bucket in report.buckets {
        let error = bucket.worst_error;
        eprintln!(
            "batch {}: {:?}, worst error {error:e}",
            bucket.n_images, bucket.batch_time
        );
    }
}

#[test]
fn mobilenet_v2_mid_gives_its_golden_answers() {
    let weights = support::weights_of("mobilenet_v2_mid");
    let best = CpuPathChoice::Path(CpuPath::best());
    for cpu_path in [CpuPathChoice::BurnFlex, best] {
        let settings = EngineSettings {
            device: DeviceChoice::Cpu,
            cpu_path,
            ..EngineSettings::default()
        };
        let mut engine = Engine::start(&weights, settings).unwrap();
        let tolerance = engine.tolerance();
        let report = golden::check(&mut engine, tolerance).unwrap();
        eprintln!(
            "{}: worst error {:e}",
            engine.device(),
            report.worst_error()
        );
    }
}

#[test]
fn without_a_gpu_auto_takes_the_cpu_and_gpu_is_an_error() {
    let weights = weights();
    match Engine::start(weights, DeviceChoice::Gpu) {
        Ok(engine) => return eprintln!("skipped: this machine has {}", engine.device()),
        Err(error) => assert!(matches!(error, EngineError::NoDevice { .. }), "{error}"),
    }
    let engine = Engine::start(weights, DeviceChoice::Auto).unwrap();
    let device = engine.device();
    let names = fastest().into_iter().map(|path| format!("cpu ({path})"));
    let mut names = names.chain(["cpu (burn-flex)".to_owned()]);
    let is_settled = CpuPath::best().is_measured();
    assert!(names.any(|name| name == device), "{device}");
    assert!(!is_settled || device == format!("cpu ({})", CpuPath::best()));
}

/// The paths among which a start takes the faster one.
fn fastest() -> Vec<CpuPath> {
    let mut paths = Vec::new();
    for path in CpuPath::available() {
        paths.push(path);
        if path.is_measured() {
            break;
        }
    }
    paths
}

#[test]
fn a_path_that_was_named_is_the_one_that_runs() {
    for path in CpuPath::ALL {
        if path.is_available() {
            let engine = cpu(CpuPathChoice::Path(path));
            assert_eq!(engine.device(), format!("cpu ({path})"));
        } else {
            eprintln!("skipped: this CPU does not have {path}");
        }
    }
}

/// Pictures of other sizes than the model's, through the sampler and the
/// network, against nsfwjs 4.4.0 (tfjs 4.22, wasm backend) on the same pixels.
#[test]
fn pictures_score_as_in_nsfwjs() {
    let cases = [
        (
            640,
            360,
            1,
            [
                0.153_631,
                0.001_813_6,
                0.842_827_9,
                0.001_413_2,
                0.000_314_3,
            ],
        ),
        (
            97,
            413,
            7,
            [
                0.864_692_9,
                0.000_721_8,
                0.134_524_4,
                0.000_039_8,
                0.000_021,
            ],
        ),
        (
            23,
            17,
            3,
            [0.789_325_7, 0.025_535_5, 0.170_19, 0.013_007_3, 0.001_941_6],
        ),
    ];
    let best = CpuPathChoice::Path(CpuPath::best());
    for mut engine in [CpuPathChoice::BurnFlex, best].map(cpu) {
        assert_scores(&mut engine, &cases);
    }
}

fn assert_scores(engine: &mut Engine, cases: &[(u32, u32, u32, [f32; 5])]) {
    let side = engine.spec().side;
    let tolerance = engine.tolerance() * 2.0;
    for &(width, height, seed, expected) in cases {
        let pixels = picture(width, height, seed);
        let mut samples = vec![0; engine.spec().samples()];
        resize_align_corners(
            RgbView::new(&pixels, width, height).unwrap(),
            side,
            &mut samples,
        );
        let scores = engine.classify(&samples, 1).unwrap()[0].to_array();
        let error = scores
            .iter()
            .zip(expected)
            .map(|(a, e): (&f32, f32)| (a - e).abs());
        let error = error.fold(0.0, f32::max);
        assert!(
            error < tolerance,
            "{width}x{height}: {scores:?}, expected {expected:?}"
        );
    }
}

/// Soft gradients under a hard-edged texture.
fn picture(width: u32, height: u32, seed: u32) -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                let gradients = x * x * (3 + channel) / width + y * y * (5 - channel) / height;
                let texture = x * y / 16 % (61 + seed);
                let edges = if (x / 9 + y / 13) % 3 == channel {
                    40
                } else {
                    0
                };
                pixels.push(u8::try_from((gradients + texture + edges) % 256).unwrap());
            }
        }
    }
    pixels
}

#[test]
fn a_batch_of_another_size_than_announced_is_refused() {
    let mut engine = cpu(CpuPathChoice::Auto);
    assert!(engine.classify(&[0; 7], 1).is_err());
    assert!(engine.classify(&[], 0).is_err());
}
