//! Secrets that cannot be kept as hashes, because codes are computed from them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Length of an authenticator app's secret, in bytes.
pub const APP_SECRET_BYTES: usize = 20;

/// Longest sealed form, in bytes.
const SEALED_BYTES_MAX: usize = 128;

/// What a sealed secret's text begins with.
const SEALED: &str = "sealed:";

/// The secret of an authenticator app, as the database has it. Who answers
/// requests holds the key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum KeptSecret {
    /// As it is: from before secrets were sealed.
    Clear([u8; APP_SECRET_BYTES]),
    /// Sealed under a key that lies outside the database.
    Sealed(Vec<u8>),
}

/// The text is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the secret of an authenticator app")]
pub struct InvalidKeptSecret;

impl TryFrom<String> for KeptSecret {
    type Error = InvalidKeptSecret;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if let Some(sealed) = text.strip_prefix(SEALED) {
            let sealed = hex::decode(sealed).map_err(|_| InvalidKeptSecret)?;
            let is_short = sealed.len() <= SEALED_BYTES_MAX;
            return is_short
                .then_some(Self::Sealed(sealed))
                .ok_or(InvalidKeptSecret);
        }
        let mut secret = [0; APP_SECRET_BYTES];
        hex::decode_to_slice(text, &mut secret).map_err(|_| InvalidKeptSecret)?;
        Ok(Self::Clear(secret))
    }
}

impl From<KeptSecret> for String {
    fn from(kept: KeptSecret) -> Self {
        match kept {
            KeptSecret::Clear(secret) => hex::encode(secret),
            KeptSecret::Sealed(sealed) => format!("{SEALED}{}", hex::encode(sealed)),
        }
    }
}

impl fmt::Debug for KeptSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeptSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<KeptSecret, InvalidKeptSecret> {
        KeptSecret::try_from(text.to_owned())
    }

    #[test]
    fn both_forms_are_read_back() {
        for kept in [KeptSecret::Clear([7; 20]), KeptSecret::Sealed(vec![9; 65])] {
            assert_eq!(read(&String::from(kept.clone())), Ok(kept));
        }
        let clear = KeptSecret::Clear(*b"12345678901234567890");
        assert_eq!(
            serde_json::to_string(&clear).unwrap(),
            "\"3132333435363738393031323334353637383930\"",
            "as it was kept before"
        );
        assert_eq!(format!("{clear:?}"), "KeptSecret(..)");
    }

    #[test]
    fn anything_else_is_none() {
        let long = format!("sealed:{}", "00".repeat(SEALED_BYTES_MAX + 1));
        for wrong in ["", "31", "sealed:0", "sealed:xy", &"3".repeat(42), &long] {
            assert_eq!(read(wrong), Err(InvalidKeptSecret), "{wrong}");
        }
    }
}
