//! What of the service's files others than its own user may open (P16), by the
//! rights that files and folders have now, whoever changed them.
//!
//! Not looked at: the weights, which are public, and the files within a database,
//! which sled makes with whatever rights; their folder is looked at.

use std::collections::VecDeque;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Keyspace, StorageError, backup};

/// Files and folders that are looked at in one folder of data or of backups. What
/// comes last are the images, of which there can be any number.
const LOOKED_AT_MAX: usize = 20_000;

/// Rights of the group and of everybody.
const OTHERS: u32 = 0o077;

/// What a look at the rights found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Exposed {
    /// Files and folders that were looked at.
    pub n_looked_at: u64,
    /// Those that others than the service's own user may open.
    pub n_open: u64,
    /// The first of them: a path below the data folder, `the data folder`, or a
    /// path in a folder of backups.
    pub first: Option<String>,
}

/// What is looked at next.
struct Waiting {
    path: PathBuf,
    /// What it is called where it is named.
    name: String,
}

impl Exposed {
    /// Looks at a data folder.
    #[must_use]
    pub fn of_data(data: &Path) -> Self {
        let mut exposed = Self::default();
        exposed.look(data, "the data folder", "");
        exposed
    }

    /// Looks at the folders that hold backups, as far as they can be reached. The
    /// folder itself may be anybody's: what is in it must be closed.
    ///
    /// # Errors
    /// The store's.
    pub fn add_backups(&mut self, keys: &dyn Keyspace) -> Result<(), StorageError> {
        for folder in backup::folders(keys)? {
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            for entry in entries {
                let path = entry.path();
                let name = path.display().to_string();
                self.look(&path, &name, &format!("{name}/"));
            }
        }
        Ok(())
    }

    /// Looks at a folder with all that is in it, the images last.
    fn look(&mut self, root: &Path, root_name: &str, below: &str) {
        let mut waiting = VecDeque::from([Waiting {
            path: root.to_owned(),
            name: root_name.to_owned(),
        }]);
        for _ in 0..LOOKED_AT_MAX {
            let Some(next) = waiting.pop_front() else {
                return;
            };
            // What has gone meanwhile is open to nobody.
            let Ok(metadata) = self.judge(&next) else {
                continue;
            };
            if !metadata.is_dir() || is_database(root, &next.path) {
                continue;
            }
            let entries = fs::read_dir(&next.path).into_iter().flatten().flatten();
            let room = LOOKED_AT_MAX.saturating_sub(waiting.len());
            for entry in entries.take(room) {
                let path = entry.path();
                let inside = path.strip_prefix(root).unwrap_or(&path);
                if inside == Path::new("models") {
                    continue;
                }
                let name = format!("{below}{}", inside.display());
                let is_of_images = inside.starts_with("blobs") || inside.starts_with("variants");
                let found = Waiting { path, name };
                match is_of_images {
                    true => waiting.push_back(found),
                    false => waiting.push_front(found),
                }
            }
        }
    }

    fn judge(&mut self, next: &Waiting) -> io::Result<Metadata> {
        // The operator may have put a part of the folder elsewhere; what a link
        // leads to is what others may open.
        let metadata = fs::metadata(&next.path)?;
        self.n_looked_at = self.n_looked_at.saturating_add(1);
        if metadata.permissions().mode() & OTHERS != 0 {
            self.n_open = self.n_open.saturating_add(1);
            self.first.get_or_insert_with(|| next.name.clone());
        }
        Ok(metadata)
    }
}

/// Whether a folder is a database of the data folder: `db`, or one that was put aside.
fn is_database(root: &Path, path: &Path) -> bool {
    let is_child = path.parent() == Some(root);
    let name = path.file_name().map(|name| name.to_string_lossy());
    is_child && name.is_some_and(|name| name == "db" || name.starts_with("db."))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::backup::BackupKey;
    use crate::request_log::Segments;
    use crate::{Store, durable_fs};

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn filled(data: &Path) -> Store {
        let store = Store::open_at(data, 1).unwrap();
        let mut log = Segments::open(&data.join("log")).unwrap();
        log.append(1, b"{}\n").unwrap();
        durable_fs::create_dir_all(&data.join("blobs/ab")).unwrap();
        durable_fs::write_new(&data.join("blobs/ab/original.jpg"), b"x").unwrap();
        // As an operator's command leaves them.
        fs::create_dir(data.join("models")).unwrap();
        fs::write(data.join("models/weights"), b"x").unwrap();
        set(&data.join("models"), 0o755);
        store
    }

    #[test]
    fn p16_what_the_service_makes_is_open_to_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let store = filled(&data);
        let found = Exposed::of_data(&data);
        assert_eq!((found.n_open, found.first), (0, None));
        assert!(found.n_looked_at >= 6, "{}", found.n_looked_at);
        let to = dir.path().join("backup");
        let key = BackupKey::random().unwrap();
        backup::make(&store, &to, &key, 2, 30, &mut || {}).unwrap();
        set(&to, 0o755);
        let mut found = Exposed::of_data(&data);
        let of_data = found.n_looked_at;
        found.add_backups(&store).unwrap();
        assert_eq!((found.n_open, found.first), (0, None));
        assert!(found.n_looked_at > of_data + 3);
    }

    #[test]
    fn p16_what_others_may_open_is_found_wherever_it_lies() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let store = filled(&data);
        let log = "log/1970-01-01.jsonl";
        for (path, mode) in [
            ("", 0o750),
            ("", 0o701),
            ("lock", 0o644),
            ("log", 0o711),
            (log, 0o640),
            ("db", 0o755),
            ("blobs/ab/original.jpg", 0o604),
        ] {
            let whole = data.join(path);
            let before = fs::metadata(&whole).unwrap().permissions();
            set(&whole, mode);
            let found = Exposed::of_data(&data);
            let name = if path.is_empty() {
                "the data folder"
            } else {
                path
            };
            assert_eq!(found.first.as_deref(), Some(name), "{mode:o}");
            assert_eq!(found.n_open, 1, "{name}");
            fs::set_permissions(&whole, before).unwrap();
        }
        let elsewhere = dir.path().join("elsewhere");
        fs::rename(data.join("log"), &elsewhere).unwrap();
        symlink(&elsewhere, data.join("log")).unwrap();
        assert_eq!(Exposed::of_data(&data).n_open, 0);
        set(&elsewhere, 0o755);
        assert_eq!(Exposed::of_data(&data).first.as_deref(), Some("log"));
        let to = dir.path().join("backup");
        let key = BackupKey::random().unwrap();
        backup::make(&store, &to, &key, 2, 30, &mut || {}).unwrap();
        set(&to.join("snapshots"), 0o755);
        let mut found = Exposed::default();
        found.add_backups(&store).unwrap();
        let name = to.join("snapshots").display().to_string();
        assert_eq!((found.n_open, found.first), (1, Some(name)));
    }
}
