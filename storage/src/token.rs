//! The secret that lets an uploader delete an image, and what is kept of it.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::hex_bytes;

/// 160 bits: more than the 128 the design asks for, and 40 characters in a link.
const SECRET_BYTES: usize = 20;

/// A delete token as it is shown to the uploader, once. It is never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct DeleteToken(String);

impl DeleteToken {
    /// Draws a token from the operating system's random source.
    ///
    /// # Errors
    /// When that source fails.
    pub fn random() -> io::Result<Self> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self(hex::encode(secret)))
    }

    /// The token's text, for the one answer that carries it: 40 hexadecimal
    /// characters.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of the token.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }
}

impl fmt::Debug for DeleteToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DeleteToken(..)")
    }
}

/// SHA-256 of a delete token's text. The token has 160 random bits, so a plain
/// hash cannot be searched and a slow one would add nothing.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenHash(#[serde(with = "hex_bytes")] [u8; 32]);

impl TokenHash {
    /// Whether `presented` is the token, in time that does not depend on how
    /// much of it is right.
    #[must_use]
    pub fn matches(&self, presented: &str) -> bool {
        *self == Self::of(presented)
    }

    fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p18_tokens_are_uniform_and_never_the_same() {
        const TOKENS: usize = 4_096;
        let mut seen = std::collections::HashSet::new();
        let mut counts = [[0_u32; 16]; 2 * SECRET_BYTES];
        for _ in 0..TOKENS {
            let token = DeleteToken::random().unwrap();
            for (place, digit) in token.expose().chars().enumerate() {
                let digit = digit.to_digit(16).expect("tokens are hexadecimal");
                counts[place][usize::try_from(digit).unwrap()] += 1;
            }
            assert!(seen.insert(token.expose().to_owned()));
        }
        // 256 are expected, with a deviation of 15.5: eight of them are chance
        // once in a quadrillion tries.
        for (place, counts) in counts.iter().enumerate() {
            for count in counts {
                assert!((132..=380).contains(count), "place {place}: {counts:?}");
            }
        }
    }

    #[test]
    fn only_the_token_itself_matches() {
        let token = DeleteToken::random().unwrap();
        let hash = token.hash();
        assert!(hash.matches(token.expose()));
        assert!(!hash.matches(""));
        assert!(!hash.matches(&token.expose()[1..]));
        assert!(
            !hash.matches(
                &token
                    .expose()
                    .to_uppercase()
                    .replace(|c: char| c.is_ascii_digit(), "0")
            )
        );
        assert!(!hash.matches(DeleteToken::random().unwrap().expose()));
    }

    #[test]
    fn neither_token_nor_hash_shows_in_debug_output() {
        let token = DeleteToken::random().unwrap();
        assert_eq!(token.expose().len(), 40);
        let shown = format!("{token:?} {:?}", token.hash());
        assert_eq!(shown, "DeleteToken(..) TokenHash(..)");
    }
}
