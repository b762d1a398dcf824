//! The key of a backup. Everything is derived from it: without it nothing of a
//! backup can be read, and nobody can tell whether it holds an image they know.

use std::fmt;
use std::io;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// What the key's text begins with, so that nobody takes another file for it.
const TEXT_PREFIX: &str = "imgshare-backup-key-1:";

/// A random key of 256 bits.
#[derive(Clone)]
pub struct BackupKey([u8; 32]);

/// The text is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key of `imgshare backup keygen`")]
pub struct InvalidBackupKey;

impl BackupKey {
    /// Draws a key from the operating system's random source.
    ///
    /// # Errors
    /// When that source fails.
    pub fn random() -> io::Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self(key))
    }

    /// Reads a key's text.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, InvalidBackupKey> {
        let digits = text.trim().strip_prefix(TEXT_PREFIX);
        let mut key = [0; 32];
        hex::decode_to_slice(digits.ok_or(InvalidBackupKey)?, &mut key)
            .map_err(|_| InvalidBackupKey)?;
        Ok(Self(key))
    }

    /// The text to be kept in a safe place.
    #[must_use]
    pub fn expose(&self) -> String {
        format!("{TEXT_PREFIX}{}", hex::encode(self.0))
    }

    /// A key for one purpose, of which no other can be told.
    pub(super) fn for_purpose(&self, purpose: &str) -> [u8; 32] {
        self.keyed("imgshare backup key for", &[purpose.as_bytes()])
    }

    /// The name of the file that holds bytes of this hash and length.
    pub(super) fn name_of(&self, sha256: &[u8; 32], bytes: u64) -> [u8; 32] {
        self.keyed("imgshare backup name of", &[sha256, &bytes.to_be_bytes()])
    }

    fn keyed(&self, context: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut keyed = Hmac::<Sha256>::new_from_slice(&self.0).expect("it takes any length");
        keyed.update(context.as_bytes());
        for part in parts {
            keyed.update(&[0]);
            keyed.update(part);
        }
        keyed.finalize().into_bytes().into()
    }
}

impl fmt::Debug for BackupKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("BackupKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_nothing_else_is_one() {
        let key = BackupKey::random().unwrap();
        let text = key.expose();
        let again = BackupKey::parse(&format!("{text}\n")).unwrap();
        assert_eq!(again.expose(), text);
        assert_eq!(again.for_purpose("a"), key.for_purpose("a"));
        assert_ne!(key.for_purpose("a"), key.for_purpose("b"));
        assert_ne!(key.name_of(&[1; 32], 7), key.name_of(&[1; 32], 8));
        for wrong in [
            "",
            "imgshare-backup-key-1:",
            &text[..text.len() - 1],
            &text[1..],
        ] {
            assert_eq!(BackupKey::parse(wrong).unwrap_err(), InvalidBackupKey);
        }
        assert!(!format!("{key:?}").contains(&text[30..40]));
    }
}
