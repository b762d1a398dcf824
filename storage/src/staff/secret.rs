//! Secrets that are handed out once and kept as hashes: session tokens and
//! codes of invitations.

use std::fmt;
use std::io;

use sha2::{Digest, Sha256};

/// 256 bits.
const SECRET_BYTES: usize = 32;

/// A random secret in its text form, 64 hexadecimal characters. It is never
/// stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Draws one from the operating system's random source.
    ///
    /// # Errors
    /// When that source fails.
    pub fn random() -> io::Result<Self> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self(hex::encode(secret)))
    }

    /// A secret that was presented; `None` unless it has the form of one.
    #[must_use]
    pub fn presented(text: &str) -> Option<Self> {
        let is_lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_secret = text.len() == 2 * SECRET_BYTES && text.bytes().all(is_lower_hex);
        is_secret.then(|| Self(text.to_owned()))
    }

    /// Its text, for the one answer that carries it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it. 256 random bits cannot be searched, so a plain hash
    /// does, and looking it up by hash tells nothing by its time.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// A secret derived from it for another purpose, from which it cannot be
    /// found.
    #[must_use]
    pub fn derived(&self, purpose: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(purpose);
        hash.update([0]);
        hash.update(&self.0);
        hex::encode(hash.finalize())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}
