//! What `tests/run` fetched once for all tests.

use std::path::PathBuf;

/// Folder with the installed weights: `IMGSHARE_TEST_MODELS`, or where
/// `tests/run` puts them.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn models() -> PathBuf {
    fetched("IMGSHARE_TEST_MODELS", "models")
}

/// The npm package that holds the weights: `IMGSHARE_TEST_TARBALL`, or where
/// `tests/run` puts it.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn tarball() -> PathBuf {
    fetched("IMGSHARE_TEST_TARBALL", "nsfwjs-4.4.0.tgz")
}

/// Top of the working tree.
#[must_use]
pub fn workspace() -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    tests.parent().map(PathBuf::from).unwrap_or(tests)
}

fn fetched(variable: &str, name: &str) -> PathBuf {
    let path = std::env::var_os(variable).map_or_else(
        || workspace().join("target/test-cache").join(name),
        PathBuf::from,
    );
    assert!(
        path.exists(),
        "{} is missing: run tests/run",
        path.display()
    );
    path
}
