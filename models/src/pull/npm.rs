//! The package's tarball from npm's registry: `npm pack` knows the operator's
//! registry, proxy and certificates.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{PullError, PullProgress};
use crate::manifest::{PACKAGE, PACKAGE_BYTES};

/// 25 MB in this time is 40 KB/s, which is no usable network.
const TIMEOUT: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(100);

/// What npm prints is of use in an error up to here.
const WORDS_MAX: usize = 600;

/// npm's program and how long it may take.
struct Npm<'a> {
    program: &'a Path,
    timeout: Duration,
}

/// Has npm put the tarball into `folder`, and returns its path.
pub(super) fn fetch(
    folder: &Path,
    progress: &mut dyn FnMut(PullProgress),
) -> Result<PathBuf, PullError> {
    Npm {
        program: Path::new("npm"),
        timeout: TIMEOUT,
    }
    .fetch(folder, progress)
}

impl Npm<'_> {
    /// npm's cache is put into `folder` too: its growth is the only sign of
    /// progress that npm gives, and it leaves with the folder.
    fn fetch(
        &self,
        folder: &Path,
        progress: &mut dyn FnMut(PullProgress),
    ) -> Result<PathBuf, PullError> {
        let writing = |source| PullError::writing(folder.to_owned(), source);
        let words = folder.join("npm.log");
        let log = File::create(&words).map_err(writing)?;
        let errors = log.try_clone().map_err(writing)?;
        let child = Command::new(self.program)
            .args([
                "pack",
                PACKAGE,
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
            ])
            .args(["--no-update-notifier", "--no-progress", "--loglevel=error"])
            .arg("--cache=cache")
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn();
        let child = child.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => PullError::NpmMissing,
            _ => PullError::NpmFailed {
                reason: error.to_string(),
            },
        })?;
        let status = self.wait(child, folder, progress)?;
        let tarball = find_tarball(folder).map_err(writing)?;
        match tarball {
            Some(tarball) if status.success() => Ok(tarball),
            _ => Err(npm_failure(folder, &words)),
        }
    }

    /// Waits for npm, reporting how much lies on disk; stops it at the timeout.
    fn wait(
        &self,
        mut child: Child,
        folder: &Path,
        progress: &mut dyn FnMut(PullProgress),
    ) -> Result<ExitStatus, PullError> {
        let failed = |error: io::Error| PullError::NpmFailed {
            reason: error.to_string(),
        };
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait().map_err(failed)? {
                return Ok(status);
            }
            if started.elapsed() > self.timeout {
                // It may have ended by itself in the meantime; either way it is gone.
                let _ = child.kill();
                let _ = child.wait();
                return Err(PullError::NpmTimeout {
                    after: self.timeout,
                });
            }
            let bytes = bytes_below(folder, 8).min(PACKAGE_BYTES);
            progress(PullProgress::Downloading {
                bytes,
                bytes_total: PACKAGE_BYTES,
            });
            thread::sleep(POLL);
        }
    }
}

/// Bytes of the files below `folder`. What vanishes while it is looked at
/// counts as nothing: npm moves its files about.
fn bytes_below(folder: &Path, depth_max: u32) -> u64 {
    let Some(depth_max) = depth_max.checked_sub(1) else {
        return 0;
    };
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
        return PullError::NoSpace {
            folder: folder.parent().unwrap_or(folder).to_owned(),
        };
    }
    let skipped = words.chars().count().saturating_sub(WORDS_MAX);
    let words: String = words.chars().skip(skipped).collect();
    PullError::NpmFailed {
        reason: words.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Has a shell script stand in for npm, in a fresh folder.
    fn fetch(script: &str) -> Result<PathBuf, PullError> {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("fake-npm");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let npm = Npm {
            program: &program,
            timeout: Duration::from_secs(2),
        };
        npm.fetch(folder.path(), &mut |_| {})
    }

    #[test]
    fn what_npm_leaves_is_the_tarball() {
        let path = fetch("echo $1 $2 > nsfwjs-4.4.0.tgz").unwrap();
        assert_eq!(path.file_name().unwrap(), "nsfwjs-4.4.0.tgz");
    }

    #[test]
    fn a_machine_without_npm_is_told_what_to_install() {
        let folder = tempfile::tempdir().unwrap();
        let npm = Npm {
            program: Path::new("/nowhere/npm"),
            timeout: TIMEOUT,
        };
        let error = npm.fetch(folder.path(), &mut |_| {}).unwrap_err();
        assert!(matches!(error, PullError::NpmMissing));
        assert!(error.to_string().contains("install Node.js"), "{error}");
    }

    #[test]
    fn npm_failures_are_passed_on() {
        let error = fetch("echo npm error code ENOTFOUND >&2; exit 1")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("ENOTFOUND") && error.contains("--from TARBALL"),
            "{error}"
        );
        assert!(
            matches!(fetch("exit 0"), Err(PullError::NpmFailed { .. })),
            "no tarball"
        );
    }

    #[test]
    fn a_full_disk_under_npm_is_named() {
        assert!(matches!(
            fetch("echo ENOSPC; exit 1"),
            Err(PullError::NoSpace { .. })
        ));
    }

    #[test]
    fn an_npm_that_hangs_is_stopped() {
        let error = fetch("exec sleep 600").unwrap_err();
        assert!(matches!(error, PullError::NpmTimeout { .. }), "{error}");
    }

    #[test]
    fn progress_counts_what_lies_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("cache")).unwrap();
        fs::write(folder.path().join("cache/part"), [0; 1000]).unwrap();
        fs::write(folder.path().join("log"), [0; 10]).unwrap();
        assert_eq!(bytes_below(folder.path(), 8), 1010);
    }
}
