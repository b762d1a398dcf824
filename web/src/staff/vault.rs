//! The key that secrets of authenticator apps are sealed under (XChaCha20 with
//! Poly1305). It lies in a file of its own beside the database, so that a copy of
//! the one alone opens nothing.
//!
//! Without the key those apps prove nothing any more; passkeys, recovery codes
//! and `imgshare admin reset-second-factor` do not need it.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use imgshare_storage::audit;
use imgshare_storage::staff::{self, APP_SECRET_BYTES, KeptSecret, StaffId};
use imgshare_storage::{Keyspace, StorageError};
use sha2::{Digest, Sha256};

use super::Refusal;
use crate::error::WebError;

/// The first byte of a sealed secret.
const VERSION: u8 = 1;

/// Names a key: the beginning of its hash.
const ID_BYTES: usize = 4;

const NONCE_BYTES: usize = 24;

const KEY_BYTES: usize = 32;

/// What an offered secret is sealed for, until it is somebody's.
pub(super) const OFFERED: &str = "offered";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The file cannot be read or made.
    #[error("the key of second factors, {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "{} holds no key: put it back from a copy; or remove it, and second factors are enrolled \
         anew after `imgshare admin reset-second-factor NAME`", path.display()
    )]
    Malformed {
        /// The file.
        path: PathBuf,
    },
}

/// The key, ready to seal and to open.
pub struct Vault {
    cipher: XChaCha20Poly1305,
    id: [u8; ID_BYTES],
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Vault({})", self.name())
    }
}

impl Vault {
    fn of(key: &[u8; KEY_BYTES]) -> Self {
        let hash = Sha256::digest(key);
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&hash[..ID_BYTES]);
        Self {
            cipher: XChaCha20Poly1305::new(key.into()),
            id,
        }
    }

    /// A key that ends with the process.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn passing() -> io::Result<Self> {
        Ok(Self::of(&drawn()?))
    }

    /// The key of a file, if there is one.
    ///
    /// # Errors
    /// When it is none, or cannot be read.
    pub fn read(path: &Path) -> Result<Option<Self>, VaultError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed(path, source)),
        };
        let mut key = [0; KEY_BYTES];
        hex::decode_to_slice(text.trim(), &mut key).map_err(|_| VaultError::Malformed {
            path: path.to_owned(),
        })?;
        Ok(Some(Self::of(&key)))
    }

    /// The key of a file, which is made when there is none: readable by the
    /// service's own user, and on the disk when this returns.
    ///
    /// # Errors
    /// As [`Vault::read`], and when it cannot be made.
    pub fn read_or_make(path: &Path) -> Result<Self, VaultError> {
        if let Some(vault) = Self::read(path)? {
            return Ok(vault);
        }
        make(path).map_err(|source| failed(path, source))?;
        Self::read(path)?.ok_or_else(|| failed(path, io::ErrorKind::NotFound.into()))
    }

    /// What the key is called in messages.
    #[must_use]
    pub fn name(&self) -> String {
        hex::encode(self.id)
    }

    /// Seals a secret for one purpose; it opens for no other.
    ///
    /// # Errors
    /// When there is no randomness.
    pub(super) fn seal(
        &self,
        secret: &[u8; APP_SECRET_BYTES],
        about: &str,
    ) -> Result<KeptSecret, WebError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce)
            .map_err(|error| WebError::Internal(format!("no randomness: {error}")))?;
        let payload = Payload {
            msg: secret,
            aad: about.as_bytes(),
        };
        let sealed = self.cipher.encrypt(XNonce::from_slice(&nonce), payload);
        let sealed = sealed.map_err(|_| WebError::Internal("sealing failed".to_owned()))?;
        let whole = [&[VERSION][..], &self.id, &nonce, &sealed].concat();
        Ok(KeptSecret::Sealed(whole))
    }

    /// Opens what was sealed for this purpose.
    ///
    /// # Errors
    /// [`Refusal::SecretUnreadable`] when it was sealed under another key, or
    /// changed.
    pub(super) fn open(
        &self,
        kept: &KeptSecret,
        about: &str,
    ) -> Result<[u8; APP_SECRET_BYTES], Refusal> {
        let sealed = match kept {
            KeptSecret::Clear(secret) => return Ok(*secret),
            KeptSecret::Sealed(sealed) => sealed,
        };
        self.opened(sealed, about).ok_or(Refusal::SecretUnreadable)
    }

    fn opened(&self, sealed: &[u8], about: &str) -> Option<[u8; APP_SECRET_BYTES]> {
        let rest = sealed.strip_prefix(&[VERSION])?.strip_prefix(&self.id)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_BYTES)?;
        let payload = Payload {
            msg: sealed,
            aad: about.as_bytes(),
        };
        let opened = self.cipher.decrypt(XNonce::from_slice(nonce), payload);
        opened.ok()?.try_into().ok()
    }

    /// Seals what accounts have kept in clear until now.
    ///
    /// # Errors
    /// When they cannot be read or written.
    pub(crate) fn seal_accounts(&self, keys: &dyn Keyspace) -> Result<usize, WebError> {
        let mut n_sealed = 0;
        for kept in staff::accounts(keys)? {
            let Some(KeptSecret::Clear(secret)) = kept.value.totp.as_ref().map(|totp| &totp.secret)
            else {
                continue;
            };
            let mut account = kept.value.clone();
            let sealed = self.seal(secret, account.id.as_str())?;
            if let Some(totp) = &mut account.totp {
                totp.secret = sealed;
            }
            let done = audit::commit(keys, |changes| {
                kept.replace(changes, &account);
                Ok::<(), StorageError>(())
            });
            match done {
                Ok(()) => n_sealed += 1,
                // Its owner was faster, and sealed it.
                Err(StorageError::Stale { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(n_sealed)
    }
}

/// Accounts whose app proves nothing with this key; all that are sealed where
/// there is none.
///
/// # Errors
/// When they cannot be read.
pub fn unreadable(
    keys: &dyn Keyspace,
    vault: Option<&Vault>,
) -> Result<Vec<StaffId>, StorageError> {
    let mut ids = Vec::new();
    for kept in staff::accounts(keys)? {
        let account = kept.value;
        let Some(totp) = &account.totp else { continue };
        let is_readable = match vault {
            Some(vault) => vault.open(&totp.secret, account.id.as_str()).is_ok(),
            None => matches!(totp.secret, KeptSecret::Clear(_)),
        };
        if !is_readable {
            ids.push(account.id);
        }
    }
    Ok(ids)
}

fn drawn() -> io::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(key)
}

/// Whole or not at all: a key that was cut short would be another one.
fn make(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new()
        .mode(0o700)
        .recursive(true)
        .create(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    let mode = fs::Permissions::from_mode(0o600);
    file.as_file().set_permissions(mode)?;
    writeln!(file, "{}", hex::encode(drawn()?))?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        // Another process was first.
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(error.error);
        }
        _ => {}
    }
    File::open(folder)?.sync_all()
}

fn failed(path: &Path, source: io::Error) -> VaultError {
    VaultError::Io {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; APP_SECRET_BYTES] = *b"12345678901234567890";

    #[test]
    fn what_is_sealed_opens_for_its_purpose_under_its_key() {
        let (vault, other) = (Vault::passing().unwrap(), Vault::passing().unwrap());
        let kept = vault.seal(&SECRET, "calm-heron-7").unwrap();
        assert_eq!(vault.open(&kept, "calm-heron-7"), Ok(SECRET));
        let unreadable = Err(Refusal::SecretUnreadable);
        assert_eq!(vault.open(&kept, "calm-heron-8"), unreadable);
        assert_eq!(other.open(&kept, "calm-heron-7"), unreadable);
        let KeptSecret::Sealed(sealed) = &kept else {
            panic!("it is sealed");
        };
        for idx in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[idx] ^= 1;
            let changed = KeptSecret::Sealed(changed);
            assert_eq!(vault.open(&changed, "calm-heron-7"), unreadable, "{idx}");
            let short = KeptSecret::Sealed(sealed[..idx].to_vec());
            assert_eq!(vault.open(&short, "calm-heron-7"), unreadable, "{idx}");
        }
        let again = vault.seal(&SECRET, "calm-heron-7").unwrap();
        assert_ne!(again, kept, "no nonce is used twice");
        let before = KeptSecret::Clear(SECRET);
        assert_eq!(other.open(&before, "calm-heron-7"), Ok(SECRET));
    }

    #[test]
    fn the_key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys").join("second-factors.key");
        assert!(Vault::read(&path).unwrap().is_none());
        let made = Vault::read_or_make(&path).unwrap();
        assert_eq!(Vault::read_or_make(&path).unwrap().name(), made.name());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        fs::write(&path, "not a key").unwrap();
        let refused = Vault::read_or_make(&path).unwrap_err().to_string();
        assert!(refused.contains("reset-second-factor"), "{refused}");
    }
}
