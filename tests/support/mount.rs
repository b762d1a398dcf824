//! Small file systems of their own, for disks that are full or read-only.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A tmpfs that is unmounted when this is dropped.
#[derive(Debug)]
pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts one of this many megabytes.
    ///
    /// # Errors
    /// What `mount` said: it takes root, or sudo without a password.
    pub fn mount(megabytes: u32) -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let options = format!("size={megabytes}m,mode=0777");
        as_root(
            &["mount", "-t", "tmpfs", "-o", &options, "tmpfs"],
            folder.path(),
        )?;
        Ok(Self { folder })
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes all the room that is left, until the result is dropped.
    ///
    /// # Panics
    /// When writing fails for another reason than want of room.
    #[must_use]
    pub fn fill(&self) -> Ballast {
        let path = self.path().join("ballast");
        let mut file = File::create(&path).expect("there is room for an empty file");
        let mut piece = vec![0_u8; 1 << 20];
        while !piece.is_empty() {
            if let Err(error) = file.write_all(&piece) {
                assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{error}");
                piece.truncate(piece.len() / 2);
            }
        }
        Ballast { path }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = as_root(&["umount", "--recursive"], self.folder.path());
        assert!(
            unmounted.is_ok() || std::thread::panicking(),
            "{unmounted:?}"
        );
    }
}

/// What fills a disk. Dropped, there is room again.
#[derive(Debug)]
pub struct Ballast {
    path: PathBuf,
}

impl Drop for Ballast {
    fn drop(&mut self) {
        std::fs::remove_file(&self.path).expect("the ballast is still there");
    }
}

/// A folder that cannot be written by path while this lives, root included.
/// Files that are open for writing stay so, as on a disk that fails.
#[derive(Debug)]
pub struct ReadOnly {
    folder: PathBuf,
}

impl ReadOnly {
    /// Makes a folder read-only.
    ///
    /// # Errors
    /// What `mount` said: it takes root, or sudo without a password.
    pub fn make(folder: &Path) -> Result<Self, String> {
        let path = folder.to_string_lossy();
        as_root(&["mount", "--bind", &path], folder)?;
        let read_only = Self {
            folder: folder.to_owned(),
        };
        as_root(&["mount", "-o", "remount,bind,ro"], folder)?;
        Ok(read_only)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        let unmounted = as_root(&["umount"], &self.folder);
        assert!(
            unmounted.is_ok() || std::thread::panicking(),
            "{unmounted:?}"
        );
    }
}

fn as_root(command: &[&str], path: &Path) -> Result<(), String> {
    let is_root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|id| id.stdout == b"0\n");
    let sudo: &[&str] = if is_root { &[] } else { &["sudo", "-n"] };
    let line = [sudo, command].concat();
    let (program, arguments) = line.split_first().expect("a command has a program");
    let output = Command::new(program)
        .args(arguments)
        .arg(path)
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!(
            "{}: {}",
            line.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        ))
    }
}
