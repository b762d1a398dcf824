//! Weights: fetched, checked, installed whole or not at all, and never guessed at.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use imgshare_tests::binary::Finished;
use imgshare_tests::cache;
use imgshare_tests::data_dir;
use imgshare_tests::installation::Installation;
use imgshare_tests::mount::SmallDisk;
use imgshare_tests::server::Server;
use imgshare_tests::skip::skipped;
use sha2::{Digest, Sha256};

const WEIGHTS: &str = "models/mobilenet_v2.safetensors";

#[test]
fn a_tarball_is_all_that_an_installation_takes() {
    let installation = Installation::without_weights();
    let _ = pull(&installation, &cache::tarball()).expect_success();
    let models = installation.data().join("models");
    let mut names: Vec<String> = std::fs::read_dir(&models)
        .expect("the folder was made")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    let whole = [
        "mobilenet_v2.LICENSE",
        "mobilenet_v2.safetensors",
        "mobilenet_v2.safetensors.sha256",
    ];
    assert_eq!(names, whole);

    let weights = std::fs::read(installation.data().join(WEIGHTS)).expect("the weights");
    let noted = std::fs::read_to_string(models.join(whole[2])).expect("their sha256");
    let sha256: String = Sha256::digest(&weights)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert!(noted.starts_with(&sha256), "{noted}");
    let licence = std::fs::read_to_string(models.join(whole[0])).expect("the licence");
    assert!(
        licence.contains("MIT") || licence.contains("Permission is hereby granted"),
        "{licence}"
    );

    let _ = installation.run(&["models", "check"]).expect_success();
    installation.serve().stop();
}

#[test]
fn a_tarball_that_is_not_the_published_one_installs_nothing() {
    let tarball = std::fs::read(cache::tarball()).expect("the tarball");
    let middle = tarball.len() / 2;
    let mut garbled = tarball.clone();
    garbled[middle] ^= 1;
    let text = b"<html>404</html>".to_vec();
    for (name, content) in [
        ("garbled", garbled),
        ("cut", tarball[..middle].to_vec()),
        ("no tarball", text),
        ("empty", Vec::new()),
    ] {
        let installation = Installation::without_weights();
        let path = installation.scratch().join("nsfwjs.tgz");
        std::fs::write(&path, content).expect("scratch is writable");
        let refused = pull(&installation, &path).expect_refusal();
        assert!(
            refused.stderr.contains("fetch it again"),
            "{name}: {refused:#?}"
        );
        assert_nothing_installed(&installation);
    }
}

#[test]
fn a_tarball_that_is_not_there_is_named() {
    let installation = Installation::without_weights();
    let refused = pull(&installation, Path::new("/nowhere/nsfwjs.tgz")).expect_refusal();
    assert!(
        refused.stderr.contains("/nowhere/nsfwjs.tgz"),
        "{refused:#?}"
    );
    assert_nothing_installed(&installation);
}

#[test]
fn without_npm_a_pull_says_what_to_do() {
    let installation = Installation::without_weights();
    let refused = installation
        .run_with(&["models", "pull"], &[("PATH", "/nowhere")])
        .expect_refusal();
    assert!(refused.stderr.contains("npm"), "{refused:#?}");
    assert!(refused.stderr.contains("--from"), "{refused:#?}");
    assert_nothing_installed(&installation);
}

#[test]
fn what_npm_says_when_it_fails_is_passed_on() {
    let installation = Installation::without_weights();
    let path = path_with_npm(
        &installation,
        "echo 'npm error network ENOTFOUND' >&2; exit 1",
    );
    let refused = installation
        .run_with(&["models", "pull"], &[("PATH", &path)])
        .expect_refusal();
    assert!(refused.stderr.contains("ENOTFOUND"), "{refused:#?}");
    assert!(refused.stderr.contains("--from"), "{refused:#?}");
    assert_nothing_installed(&installation);
}

#[test]
fn the_first_start_fetches_the_weights_by_itself() {
    let installation = Installation::without_weights();
    let path = path_with_npm(
        &installation,
        &format!("cp '{}' .", cache::tarball().display()),
    );
    let settings = [
        ("PATH", path.as_str()),
        ("IMGSHARE_MODELS_AUTO_PULL", "true"),
    ];
    let server = installation.serve_with(&settings);
    let log = server.stop();
    assert!(log.contains("fetching the classifier"), "{log}");
    assert!(log.contains("ready on http://127.0.0.1:"), "{log}");
    // What is there is not fetched again.
    let broken = path_with_npm(&installation, "exit 1");
    let settings = [
        ("PATH", broken.as_str()),
        ("IMGSHARE_MODELS_AUTO_PULL", "true"),
    ];
    installation.serve_with(&settings).stop();
}

/// A `PATH` on which `npm` is this shell script.
fn path_with_npm(installation: &Installation, script: &str) -> String {
    let folder = installation.scratch().join("bin");
    std::fs::create_dir_all(&folder).expect("scratch is writable");
    let npm = folder.join("npm");
    std::fs::write(&npm, format!("#!/bin/sh\n{script}\n")).expect("scratch is writable");
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&npm, executable).expect("our own file");
    format!("{}:/usr/bin:/bin", folder.display())
}

#[test]
fn a_disk_too_small_for_the_weights_keeps_nothing_of_them() {
    let disk = match SmallDisk::mount(1) {
        Ok(disk) => disk,
        Err(reason) => return skipped("weights on a full disk", &reason),
    };
    let installation = Installation::at(&disk.path().join("data"));
    std::fs::remove_file(installation.data().join("models")).expect("the link to the weights");
    let refused = pull(&installation, &cache::tarball()).expect_refusal();
    assert!(refused.stderr.contains("space"), "{refused:#?}");
    assert_nothing_installed(&installation);
}

#[test]
fn a_list_tells_what_is_installed_and_what_runs() {
    let installation = Installation::without_weights();
    let before = installation
        .run(&["models", "list"])
        .expect_refusal()
        .stdout;
    let _ = pull(&installation, &cache::tarball()).expect_success();
    let after = installation
        .run(&["models", "list"])
        .expect_success()
        .stdout;
    for id in ["mobilenet_v2", "mobilenet_v2_mid", "inception_v3"] {
        assert!(before.contains(id), "{before}");
        assert!(after.contains(id), "{after}");
    }
    assert_ne!(before, after, "an installed model is told apart");
}

#[test]
fn without_weights_nothing_is_served() {
    let installation = Installation::without_weights();
    let log = refused_start(&installation, &[]);
    assert!(log.contains("imgshare models pull"), "{log}");
    let _ = installation.run(&["models", "check"]).expect_refusal();
    let _ = installation
        .run(&["classify", "--offline", "."])
        .expect_refusal();
}

#[test]
fn altered_weights_are_refused() {
    let installation = Installation::without_weights();
    let _ = pull(&installation, &cache::tarball()).expect_success();
    let path = installation.data().join(WEIGHTS);
    let mut weights = std::fs::read(&path).expect("the weights");
    let last = weights.len() - 1;
    weights[last] ^= 0x40;
    std::fs::write(&path, weights).expect("the weights can be replaced");
    assert_refused_everywhere(&installation);
}

#[test]
fn weights_with_a_checksum_of_their_own_are_held_to_the_golden_vectors() {
    let installation = Installation::without_weights();
    let _ = pull(&installation, &cache::tarball()).expect_success();
    let path = installation.data().join(WEIGHTS);
    let mut weights = std::fs::read(&path).expect("the weights");
    // The exponents of a stretch of floats in the middle.
    let middle = weights.len() / 2;
    weights[middle..middle + 40_000].fill(0x3F);
    let sha256: String = Sha256::digest(&weights)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    std::fs::write(&path, weights).expect("the weights can be replaced");
    let checksum = installation
        .data()
        .join("models/mobilenet_v2.safetensors.sha256");
    std::fs::write(checksum, format!("{sha256}  mobilenet_v2.safetensors\n")).expect("a new sum");
    assert_refused_everywhere(&installation);
}

#[test]
fn the_wider_model_is_pulled_and_checked() {
    let installation = Installation::without_weights();
    let (id, tarball) = ("mobilenet_v2_mid", cache::tarball());
    let _ = installation
        .run(&["models", "pull", id, "--from", &tarball.to_string_lossy()])
        .expect_success();
    let set = [("IMGSHARE_MODELS_DEFAULT", id)];
    let checked = installation.run_with(&["models", "check"], &set);
    let checked = checked.expect_success().stdout;
    assert!(
        checked.contains(&format!("\n{id} on ")) && checked.contains("golden vectors hold"),
        "{checked}"
    );
}

#[test]
fn an_unknown_model_is_refused_with_the_way_to_the_known_ones() {
    let installation = Installation::new();
    let log = refused_start(&installation, &[("IMGSHARE_MODELS_DEFAULT", "resnet")]);
    assert!(log.contains("models list"), "{log}");
}

fn pull(installation: &Installation, tarball: &Path) -> Finished {
    installation.run(&["models", "pull", "--from", &tarball.to_string_lossy()])
}

fn assert_nothing_installed(installation: &Installation) {
    let left = data_dir::files(&installation.data().join("models"));
    let left: Vec<_> = left
        .iter()
        .filter(|path| std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

fn assert_refused_everywhere(installation: &Installation) {
    let checked = installation.run(&["models", "check"]).expect_refusal();
    assert!(checked.stderr.contains("models pull"), "{checked:#?}");
    let log = refused_start(installation, &[]);
    assert!(log.contains("models pull"), "{log}");
}

/// What a server says that must not start.
fn refused_start(installation: &Installation, settings: &[(&str, &str)]) -> String {
    let mut server = Server::spawn(installation.data(), settings);
    let status = server.wait_for_exit();
    let log = server.log();
    assert!(
        status.code().is_some_and(|code| code != 0 && code != 101),
        "{status}\n{log}"
    );
    assert!(!log.contains("panicked"), "{log}");
    log
}
