//! The package's tarball: fetched through npm, and believed only once its
//! length and sha512 are those of the published package.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha512};

use super::{PullError, PullProgress};
use crate::manifest::{PACKAGE, PACKAGE_BYTES, PACKAGE_INTEGRITY};

/// 25 MB in this time is 40 KB/s, which is no usable network.
const NPM_TIMEOUT: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(100);

/// What `npm pack` prints is of use in an error up to here.
const NPM_WORDS_MAX: usize = 600;

/// Has npm put the tarball into `folder`, and returns its path. npm's cache is
/// put there too: its growth is the only sign of progress that npm gives, and
/// it leaves with the folder.
pub(super) fn fetch(
    folder: &Path,
    progress: &mut dyn FnMut(PullProgress),
) -> Result<PathBuf, PullError> {
    let writing = |source| PullError::writing(folder.to_owned(), source);
    let words = folder.join("npm.log");
    let log = File::create(&words).map_err(writing)?;
    let errors = log.try_clone().map_err(writing)?;
    let child = Command::new("npm")
        .args(["pack", PACKAGE, "--ignore-scripts", "--no-audit", "--no-fund"])
        .args(["--no-update-notifier", "--no-progress", "--loglevel=error"])
        .arg("--cache")
        .arg(folder.join("cache"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn();
    let child = child.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => PullError::NpmMissing,
        _ => PullError::NpmFailed { reason: error.to_string() },
    })?;
    let status = wait(child, folder, progress)?;
    let tarball = find_tarball(folder).map_err(writing)?;
    match tarball {
        Some(tarball) if status.success() => Ok(tarball),
        _ => Err(npm_failure(folder, &words)),
    }
}

/// Waits for npm, reporting how much lies on disk; stops it at the timeout.
fn wait(
    mut child: Child,
    folder: &Path,
    progress: &mut dyn FnMut(PullProgress),
) -> Result<ExitStatus, PullError> {
    let failed = |error: io::Error| PullError::NpmFailed { reason: error.to_string() };
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(status);
        }
        if started.elapsed() > NPM_TIMEOUT {
            // It may have ended by itself in the meantime; either way it is gone.
            let _ = child.kill();
            let _ = child.wait();
            return Err(PullError::NpmTimeout { after: NPM_TIMEOUT });
        }
        let bytes = bytes_below(folder, 8).min(PACKAGE_BYTES);
        progress(PullProgress::Downloading { bytes, bytes_total: PACKAGE_BYTES });
        thread::sleep(POLL);
    }
}

/// Bytes of the files below `folder`. What vanishes while it is looked at
/// counts as nothing: npm moves its files about.
fn bytes_below(folder: &Path, depth_max: u32) -> u64 {
    let Some(depth_max) = depth_max.checked_sub(1) else { return 0 };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path(), depth_max),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    bytes.sum()
}

fn find_tarball(folder: &Path) -> io::Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "tgz") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// Why npm failed: a full disk by its own name, else the end of its words.
fn npm_failure(folder: &Path, words: &Path) -> PullError {
    let words = fs::read(words).unwrap_or_default();
    let words = String::from_utf8_lossy(&words);
    if words.contains("ENOSPC") || words.contains("EDQUOT") {
        return PullError::NoSpace { folder: folder.parent().unwrap_or(folder).to_owned() };
    }
    let skipped = words.chars().count().saturating_sub(NPM_WORDS_MAX);
    let words: String = words.chars().skip(skipped).collect();
    PullError::NpmFailed { reason: words.split_whitespace().collect::<Vec<_>>().join(" ") }
}

/// The tarball's bytes, once they are known to be the published package. They
/// are read once, so that nothing can change between the check and the use.
pub(super) fn read_verified(path: &Path) -> Result<Vec<u8>, PullError> {
    let unreadable =
        |source| PullError::TarballUnreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let mut tarball = Vec::new();
    file.take(PACKAGE_BYTES + 1).read_to_end(&mut tarball).map_err(unreadable)?;
    let bytes = u64::try_from(tarball.len()).unwrap_or(u64::MAX);
    if bytes != PACKAGE_BYTES {
        return Err(PullError::TarballLength { path: path.to_owned(), bytes });
    }
    let integrity = format!("sha512-{}", STANDARD.encode(Sha512::digest(&tarball)));
    if integrity != PACKAGE_INTEGRITY {
        return Err(PullError::WrongHash { path: path.to_owned() });
    }
    Ok(tarball)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_tarball_is_told_by_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.tgz");
        fs::write(&path, [0x1f, 0x8b, 0]).unwrap();
        let error = read_verified(&path).unwrap_err();
        assert!(matches!(error, PullError::TarballLength { bytes: 3, .. }), "{error}");
        assert!(error.to_string().contains("delete it and fetch it again"), "{error}");
    }

    #[test]
    fn a_changed_tarball_is_told_by_its_hash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zeros.tgz");
        File::create(&path).unwrap().set_len(PACKAGE_BYTES).unwrap();
        assert!(matches!(read_verified(&path), Err(PullError::WrongHash { .. })));
    }

    #[test]
    fn a_missing_tarball_names_its_path() {
        let error = read_verified(Path::new("/nowhere/at-all.tgz")).unwrap_err();
        assert!(matches!(error, PullError::TarballUnreadable { .. }));
        assert!(error.to_string().contains("/nowhere/at-all.tgz"), "{error}");
    }

    #[test]
    fn a_full_disk_under_npm_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let words = folder.path().join("npm.log");
        fs::write(&words, "npm error code ENOSPC\n").unwrap();
        assert!(matches!(npm_failure(folder.path(), &words), PullError::NoSpace { .. }));
        fs::write(&words, "npm error code ENOTFOUND\nnpm error network").unwrap();
        let error = npm_failure(folder.path(), &words).to_string();
        assert!(error.contains("ENOTFOUND") && error.contains("--from TARBALL"), "{error}");
    }
}
