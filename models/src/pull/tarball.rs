//! The package's tarball: believed only once its length and sha512 are those of
//! the published package.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha512};

use super::PullError;
use crate::manifest::{PACKAGE_BYTES, PACKAGE_INTEGRITY};

/// The tarball's bytes, once they are known to be the published package. They
/// are read once, so that nothing can change between the check and the use.
pub(super) fn read_verified(path: &Path) -> Result<Vec<u8>, PullError> {
    let unreadable = |source| PullError::TarballUnreadable {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut tarball = Vec::new();
    file.take(PACKAGE_BYTES + 1)
        .read_to_end(&mut tarball)
        .map_err(unreadable)?;
    let bytes = u64::try_from(tarball.len()).unwrap_or(u64::MAX);
    if bytes != PACKAGE_BYTES {
        return Err(PullError::TarballLength {
            path: path.to_owned(),
            bytes,
        });
    }
    let integrity = format!("sha512-{}", STANDARD.encode(Sha512::digest(&tarball)));
    if integrity != PACKAGE_INTEGRITY {
        return Err(PullError::WrongHash {
            path: path.to_owned(),
        });
    }
    Ok(tarball)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_cut_tarball_is_told_by_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.tgz");
        fs::write(&path, [0x1f, 0x8b, 0]).unwrap();
        let error = read_verified(&path).unwrap_err();
        assert!(
            matches!(error, PullError::TarballLength { bytes: 3, .. }),
            "{error}"
        );
        assert!(
            error.to_string().contains("delete it and fetch it again"),
            "{error}"
        );
    }

    #[test]
    fn a_changed_tarball_is_told_by_its_hash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zeros.tgz");
        File::create(&path).unwrap().set_len(PACKAGE_BYTES).unwrap();
        assert!(matches!(
            read_verified(&path),
            Err(PullError::WrongHash { .. })
        ));
    }

    #[test]
    fn a_missing_tarball_names_its_path() {
        let error = read_verified(Path::new("/nowhere/at-all.tgz")).unwrap_err();
        assert!(matches!(error, PullError::TarballUnreadable { .. }));
        assert!(error.to_string().contains("/nowhere/at-all.tgz"), "{error}");
    }
}
