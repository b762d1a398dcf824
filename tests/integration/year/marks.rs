//! Marks in names and texts, looked for in every byte of a folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use imgshare_tests::data_dir;

/// What a mark begins with: a rare byte first, so that looking for it is quick.
const NAME: &str = "ßMarke-";
const REPORT: &str = "ßMelde-";
const DIGITS: usize = 6;

/// The numbers that were found.
#[derive(Debug, Default)]
pub(super) struct Marks {
    pub(super) names: BTreeSet<u64>,
    pub(super) reports: BTreeSet<u64>,
}

pub(super) fn name(n: u64) -> String {
    format!("{NAME}{n:06}.png")
}

pub(super) fn report(n: u64) -> String {
    format!("{REPORT}{n:06}")
}

impl Marks {
    /// In these files.
    pub(super) fn in_files(files: &[PathBuf]) -> Self {
        let mut marks = Self::default();
        for path in files {
            // The database may drop a file of its own between listing and looking.
            let bytes = std::fs::read(path).unwrap_or_default();
            marks.find(&bytes);
        }
        marks
    }

    fn find(&mut self, bytes: &[u8]) {
        let first = NAME.as_bytes()[0];
        let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == first);
        for (at, _) in starts {
            let rest = &bytes[at..];
            for (mark, found) in [(NAME, &mut self.names), (REPORT, &mut self.reports)] {
                if rest.starts_with(mark.as_bytes())
                    && let Some(digits) = rest.get(mark.len()..mark.len() + DIGITS)
                    && let Ok(digits) = std::str::from_utf8(digits)
                    && let Ok(n) = digits.parse()
                {
                    found.insert(n);
                }
            }
        }
    }
}

/// Every file below a folder.
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    data_dir::files(folder)
}

/// Every file of a data folder but those of its images, which never change.
pub(super) fn files_beside_images(data: &Path) -> Vec<PathBuf> {
    let parts = std::fs::read_dir(data).expect("a data folder");
    let parts = parts.map(|part| part.expect("an entry").path());
    parts
        .filter(|part| !part.ends_with("blobs") && !part.ends_with("models"))
        .flat_map(|part| data_dir::files(&part))
        .collect()
}

/// Whether one of the files holds these bytes.
pub(super) fn hold(files: &[PathBuf], wanted: &[u8]) -> Option<PathBuf> {
    let holds = |path: &&PathBuf| {
        let bytes = std::fs::read(path).unwrap_or_default();
        let first = wanted[0];
        let mut starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == first);
        starts.any(|(at, _)| bytes[at..].starts_with(wanted))
    };
    files.iter().find(holds).cloned()
}
