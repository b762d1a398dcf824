//! Challenges for whoever has no session yet. Nothing is kept of one that was
//! given out: it says until when it is good, and proves that it is ours. A flood
//! of pages leaves no trace.

use std::sync::{Mutex, OnceLock, PoisonError};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::recent::Recent;
use crate::error::WebError;

/// Time to look for a passkey; browsers are told less.
const GOOD_FOR_MS: u64 = 5 * 60 * 1000;

/// Challenges remembered as used. Each was answered with a passkey of the staff
/// within the time above.
const USED_MAX: usize = 10_000;

/// Bytes before the proof: the time, and what makes it unlike any other.
const SAID_BYTES: usize = 16;

/// Challenges of this process.
#[derive(Debug)]
pub(super) struct Challenges {
    key: OnceLock<[u8; 32]>,
    used: Mutex<Recent<[u8; 32], ()>>,
}

impl Default for Challenges {
    fn default() -> Self {
        Self {
            key: OnceLock::new(),
            used: Mutex::new(Recent::new(USED_MAX)),
        }
    }
}

impl Challenges {
    /// A new one.
    ///
    /// # Errors
    /// When there is no randomness.
    pub(super) fn draw(&self, now_ms: u64) -> Result<[u8; 32], WebError> {
        let mut said = [0; SAID_BYTES];
        fill(&mut said[8..])?;
        let ends_at_ms = now_ms.saturating_add(GOOD_FOR_MS);
        said[..8].copy_from_slice(&ends_at_ms.to_be_bytes());
        self.proved(&said)
    }

    /// Whether it is one of ours, still good, and not used.
    ///
    /// # Errors
    /// When there is no randomness.
    pub(super) fn is_good(&self, challenge: &[u8; 32], now_ms: u64) -> Result<bool, WebError> {
        let mut said = [0; SAID_BYTES];
        said.copy_from_slice(&challenge[..SAID_BYTES]);
        let is_ours = bool::from(self.proved(&said)?.ct_eq(challenge));
        let mut ends = [0; 8];
        ends.copy_from_slice(&said[..8]);
        let left_ms = u64::from_be_bytes(ends).checked_sub(now_ms);
        // One from beyond the longest time was made before the clock was set back.
        let is_in_time = left_ms.is_some_and(|left| (1..=GOOD_FOR_MS).contains(&left));
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(is_ours && is_in_time && used.seen(challenge).is_none())
    }

    /// Uses one up. False when somebody else was first.
    pub(super) fn spend(&self, challenge: &[u8; 32]) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = used.seen(challenge).is_none();
        used.used(challenge, || ());
        is_first
    }

    fn proved(&self, said: &[u8; SAID_BYTES]) -> Result<[u8; 32], WebError> {
        // What is hashed has one length, so that nothing can be added to it.
        let mut hash = Sha256::new();
        hash.update(self.key()?);
        hash.update("imgshare passkey challenge");
        hash.update(said);
        let mut challenge = [0; 32];
        challenge[..SAID_BYTES].copy_from_slice(said);
        challenge[SAID_BYTES..].copy_from_slice(&hash.finalize()[..SAID_BYTES]);
        Ok(challenge)
    }

    fn key(&self) -> Result<&[u8; 32], WebError> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let mut drawn = [0; 32];
        fill(&mut drawn)?;
        Ok(self.key.get_or_init(|| drawn))
    }
}

fn fill(bytes: &mut [u8]) -> Result<(), WebError> {
    getrandom::fill(bytes).map_err(|error| WebError::Internal(format!("no randomness: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_750_000_000_000;

    #[test]
    fn a_challenge_is_ours_for_a_while_and_once() {
        let challenges = Challenges::default();
        let drawn = challenges.draw(NOW).unwrap();
        let good = |challenge: &[u8; 32], now_ms| challenges.is_good(challenge, now_ms).unwrap();
        assert!(good(&drawn, NOW) && good(&drawn, NOW + GOOD_FOR_MS - 1));
        assert!(!good(&drawn, NOW + GOOD_FOR_MS) && !good(&drawn, NOW - 1));
        for idx in 0..32 {
            let mut changed = drawn;
            changed[idx] ^= 1;
            assert!(!good(&changed, NOW), "{idx}");
        }
        assert!(!good(&[0; 32], NOW));
        let other = Challenges::default();
        assert!(!other.is_good(&drawn, NOW).unwrap());
        assert_ne!(challenges.draw(NOW).unwrap(), drawn);
        assert!(challenges.spend(&drawn));
        assert!(!challenges.spend(&drawn) && !good(&drawn, NOW));
    }
}
