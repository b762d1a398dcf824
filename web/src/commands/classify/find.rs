//! The files below the paths that were given.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// A file, or a path that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// A file to read.
    File(PathBuf),
    /// A path with the reason why there is no file to read.
    Unreadable(PathBuf, String),
}

impl Found {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Unreadable(path, _) => path,
        }
    }
}

/// Files as they are given, folders with everything below them in the order of
/// their names. Links within folders are not followed.
pub(super) fn find(paths: &[PathBuf]) -> Vec<Found> {
    paths.iter().flat_map(|path| below(path)).collect()
}

fn below(root: &Path) -> Vec<Found> {
    WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .filter_map(|entry| match entry {
            Ok(entry) if entry.file_type().is_file() => Some(Found::File(entry.into_path())),
            // A link that was named itself is meant.
            Ok(entry)
                if entry.depth() == 0 && entry.path_is_symlink() && entry.path().is_file() =>
            {
                Some(Found::File(entry.into_path()))
            }
            Ok(_) => None,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                let reason = error
                    .io_error()
                    .map_or_else(|| error.to_string(), std::string::ToString::to_string);
                Some(Found::Unreadable(path, reason))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_walked_in_order_and_links_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        std::fs::create_dir(root.join("b")).unwrap();
        for name in ["c.jpg", "a.jpg", "b/d.jpg"] {
            std::fs::write(root.join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink(root.join("a.jpg"), root.join("link.jpg")).unwrap();
        let found = find(&[root.to_owned()]);
        let names: Vec<_> = found.iter().map(|found| found.path().to_owned()).collect();
        assert_eq!(
            names,
            ["a.jpg", "b/d.jpg", "c.jpg"].map(|name| root.join(name))
        );
        let named = find(&[root.join("link.jpg")]);
        assert_eq!(named, [Found::File(root.join("link.jpg"))]);
    }

    #[test]
    fn a_missing_path_is_reported_and_stops_nothing() {
        let found = find(&["/nowhere/a.jpg".into(), "Cargo.toml".into()]);
        assert!(matches!(&found[0], Found::Unreadable(path, _) if path.ends_with("a.jpg")));
        assert_eq!(found[1], Found::File("Cargo.toml".into()));
    }
}
