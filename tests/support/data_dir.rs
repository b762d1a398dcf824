//! Looks into what a server has on disk.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// Every file under `dir`, weights left out, sorted.
///
/// # Panics
/// When the folder cannot be read.
#[must_use]
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let models = dir.join("models");
    let mut files: Vec<PathBuf> = WalkDir::new(dir)
        .into_iter()
        .filter_entry(|entry| entry.path() != models)
        // The database may drop a file of its own between listing and looking.
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect();
    files.sort();
    files
}

/// The files that belong to images or are on their way to: everything but the database.
#[must_use]
pub fn image_files(dir: &Path) -> Vec<PathBuf> {
    [dir.join("blobs"), dir.join("tmp")]
        .iter()
        .flat_map(|part| files(part))
        .collect()
}

/// The files under `dir` that contain `needle`, as ASCII or as UTF-16 of either order.
///
/// # Panics
/// When a file cannot be read.
#[must_use]
pub fn files_containing(dir: &Path, needle: &str) -> Vec<PathBuf> {
    files(dir)
        .into_iter()
        .filter(|path| {
            let bytes =
                std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            contains(&bytes, needle)
        })
        .collect()
}

/// Whether the bytes hold `needle`, as ASCII or as UTF-16 of either order.
#[must_use]
pub fn contains(bytes: &[u8], needle: &str) -> bool {
    let ascii = needle.as_bytes().to_vec();
    let utf16_le: Vec<u8> = needle.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16_be: Vec<u8> = needle.encode_utf16().flat_map(u16::to_be_bytes).collect();
    [ascii, utf16_le, utf16_be]
        .iter()
        .any(|needle| find(bytes, needle))
}

fn find(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}
