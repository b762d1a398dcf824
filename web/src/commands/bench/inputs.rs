//! What is ingested: given files, or photos that are drawn.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::WalkDir;

use super::BenchError;
use super::photo::Photo;

/// Files a bench holds in memory at most; more would measure the same.
const FILES_MAX: usize = 256;

/// Bytes a bench holds in memory at most.
const BYTES_MAX: u64 = 512 << 20;

/// Photos drawn when no files are given, and their size: 8 MP, as phones take.
const N_DRAWN: u64 = 4;
const DRAWN_WIDTH: u16 = 3_264;
const DRAWN_HEIGHT: u16 = 2_448;

/// Extensions taken from a folder. A file named outright is taken whatever its name.
const EXTENSIONS: [&str; 6] = ["jpg", "jpeg", "png", "webp", "gif", "avif"];

/// One file in memory.
pub(super) struct Input {
    /// Its path as given, or what was drawn.
    pub(super) name: String,
    /// The whole file.
    pub(super) bytes: Arc<[u8]>,
}

/// The files at `paths` and below, or drawn photos when there are no paths.
///
/// # Errors
/// When a file cannot be read, or the paths hold no picture.
pub(super) fn load(paths: &[PathBuf]) -> Result<Vec<Input>, BenchError> {
    if paths.is_empty() {
        eprintln!("drawing {N_DRAWN} photos of {DRAWN_WIDTH} x {DRAWN_HEIGHT}");
        return (0..N_DRAWN).map(draw).collect();
    }
    let mut inputs = Vec::new();
    let mut n_bytes = 0;
    for path in files(paths)? {
        let bytes = fs::read(&path).map_err(|source| unreadable(&path, source))?;
        n_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if inputs.len() == FILES_MAX || n_bytes > BYTES_MAX {
            eprintln!(
                "the first {} files are enough; the rest are left out",
                inputs.len()
            );
            break;
        }
        inputs.push(Input {
            name: path.display().to_string(),
            bytes: bytes.into(),
        });
    }
    if inputs.is_empty() {
        Err(BenchError::NoPictures)
    } else {
        Ok(inputs)
    }
}

fn draw(seed: u64) -> Result<Input, BenchError> {
    let file = Photo::draw(seed, DRAWN_WIDTH, DRAWN_HEIGHT).jpeg()?;
    Ok(Input {
        name: format!("drawn photo {seed}"),
        bytes: file.into(),
    })
}

/// Every file named, and every picture in the folders named, in a stable order.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, BenchError> {
    let mut files = Vec::new();
    for path in paths {
        for entry in WalkDir::new(path).sort_by_file_name() {
            let entry = entry.map_err(|error| unreadable(path, error.into()))?;
            let is_named = entry.depth() == 0;
            if entry.path().is_file() && (is_named || has_picture_extension(entry.path())) {
                files.push(entry.into_path());
            }
        }
    }
    Ok(files)
}

fn has_picture_extension(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    EXTENSIONS
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
}

fn unreadable(path: &Path, source: std::io::Error) -> BenchError {
    BenchError::Unreadable {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_give_their_pictures_and_files_are_taken_as_named() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.JPG", "a.png", "README.md"] {
            fs::write(folder.path().join(name), b"x").unwrap();
        }
        let named = folder.path().join("README.md");
        let inputs = load(&[folder.path().to_owned(), named]).unwrap();
        let names: Vec<&str> = inputs
            .iter()
            .filter_map(|input| input.name.rsplit('/').next())
            .collect();
        assert_eq!(names, ["a.png", "b.JPG", "README.md"]);
    }

    #[test]
    fn no_picture_and_no_file_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            load(&[folder.path().to_owned()]),
            Err(BenchError::NoPictures)
        ));
        let absent = folder.path().join("absent.jpg");
        assert!(matches!(
            load(&[absent]),
            Err(BenchError::Unreadable { .. })
        ));
    }
}
