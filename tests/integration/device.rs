//! The golden answers on the CPU, and on a real GPU where there is one. The tests
//! of `models` hold software Vulkan to them, wherever they run.

use std::process::Command;
use std::time::Duration;

use imgshare_tests::binary::{self, Finished};
use imgshare_tests::installation::Installation;
use imgshare_tests::skip::skipped;

/// A GPU's first start compiles and tunes some hundred kernels.
const CHECKED_WITHIN: Duration = Duration::from_secs(400);

/// What a GPU may differ from the golden vectors by.
const TOLERANCE: f64 = 1e-3;

/// What the CPU's paths in 32-bit floats may.
const FLOATS_TOLERANCE: f64 = 1e-4;

/// What the CPU's fastest path may, which need not compute in floats.
const FASTEST_TOLERANCE: f64 = 5e-3;

#[test]
fn a_real_gpu_gives_the_golden_answers() {
    let installation = Installation::new();
    let checked = check(&installation, "gpu");
    if checked.stderr.contains("this machine has no gpu device") {
        return skipped("a real GPU", "no adapter");
    }
    let checked = checked.expect_success();
    assert!(
        checked.stdout.contains("wgpu"),
        "the CPU took over: {checked:#?}"
    );
    assert_within(&checked.stdout, TOLERANCE);
}

#[test]
fn the_cpu_gives_the_golden_answers_more_closely() {
    let installation = Installation::new();
    for (path, tolerance) in [
        ("auto", FASTEST_TOLERANCE),
        ("scalar", FLOATS_TOLERANCE),
        ("burn-flex", FLOATS_TOLERANCE),
    ] {
        let checked = check_path(&installation, path).expect_success();
        let named = match path {
            "auto" => " on cpu (".to_owned(),
            path => format!(" on cpu ({path})"),
        };
        assert!(checked.stdout.contains(&named), "{checked:#?}");
        assert_within(&checked.stdout, tolerance);
    }
}

#[test]
fn a_device_that_does_not_exist_is_refused() {
    let installation = Installation::new();
    let refused = check(&installation, "abacus").expect_refusal();
    assert!(
        refused.stderr.contains("software-gpu"),
        "the choices are named: {refused:#?}"
    );
}

#[test]
fn a_path_that_the_cpu_lacks_is_refused_with_those_that_it_has() {
    let installation = Installation::new();
    let listed = check_path(&installation, "auto").expect_success().stdout;
    let ways = listed
        .lines()
        .next()
        .and_then(|line| line.split_once(" by "));
    let ways: Vec<&str> = ways.expect("a list of ways").1.split(", ").collect();
    assert!(ways.ends_with(&["scalar", "burn-flex"]), "{listed}");
    for path in ["amx", "avx512-vnni", "avx512", "avx2-vnni", "avx2"] {
        if ways.contains(&path) {
            continue;
        }
        let refused = check_path(&installation, path).expect_refusal();
        let told = format!(
            "have the path {path}; it has {}",
            ways[..ways.len() - 1].join(", ")
        );
        assert!(refused.stderr.contains(&told), "{refused:#?}");
    }
    let unknown = check_path(&installation, "sse2").expect_refusal();
    assert!(
        unknown.stderr.contains("\"sse2\" is no path of the CPU"),
        "{unknown:#?}"
    );
}

fn check_path(installation: &Installation, path: &str) -> Finished {
    let mut command = command(installation, "cpu");
    binary::run(command.args(["--cpu-path", path]), CHECKED_WITHIN)
}

fn check(installation: &Installation, device: &str) -> Finished {
    binary::run(&mut command(installation, device), CHECKED_WITHIN)
}

fn command(installation: &Installation, device: &str) -> Command {
    let mut command = binary::command();
    command
        .args(["models", "check", "--device", device, "--data"])
        .arg(installation.data())
        .current_dir(installation.scratch());
    command
}

/// Reads the largest error of every batch size off the report.
fn assert_within(report: &str, tolerance: f64) {
    let errors: Vec<f64> = report
        .split("largest error ")
        .skip(1)
        .filter_map(|rest| rest.split(',').next()?.parse().ok())
        .collect();
    assert!(!errors.is_empty(), "{report}");
    assert!(errors.iter().all(|error| *error <= tolerance), "{report}");
}
