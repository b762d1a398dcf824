//! Recovery codes: ten, shown once, each good once, for whoever lost the device.

use imgshare_storage::staff::RecoveryHash;
use sha2::{Digest, Sha256};

use crate::error::WebError;

/// How many are given out.
pub(super) const CODES: usize = 10;

/// No letters that are taken for others; 32 of them, so a byte's low five bits
/// choose one without bias.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";

/// 80 bits: a plain hash of it cannot be searched.
const LETTERS: usize = 16;

/// New codes, and what is kept of them.
pub(super) fn draw() -> Result<(Vec<String>, Vec<RecoveryHash>), WebError> {
    let mut codes = Vec::with_capacity(CODES);
    for _ in 0..CODES {
        let mut drawn = [0; LETTERS];
        getrandom::fill(&mut drawn)
            .map_err(|error| WebError::Internal(format!("no randomness: {error}")))?;
        let letters = drawn.map(|byte| char::from(ALPHABET[usize::from(byte & 31)]));
        let groups: Vec<String> = letters
            .chunks(4)
            .map(|group| group.iter().collect())
            .collect();
        codes.push(groups.join("-"));
    }
    let hashes = codes.iter().map(|code| hash(code)).collect();
    Ok((codes, hashes))
}

/// The hashes that are left when a code is used; `None` when it is none of them.
pub(super) fn spend(kept: &[RecoveryHash], code: &str) -> Option<Vec<RecoveryHash>> {
    let spent = hash(code);
    let left: Vec<RecoveryHash> = kept.iter().copied().filter(|hash| *hash != spent).collect();
    (left.len() < kept.len()).then_some(left)
}

fn hash(code: &str) -> RecoveryHash {
    let letters: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    RecoveryHash(Sha256::digest(letters.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_once_however_it_is_typed() {
        let (codes, kept) = draw().unwrap();
        assert_eq!((codes.len(), kept.len()), (CODES, CODES));
        assert_eq!(codes[0].len(), 19);
        let typed = codes[3].to_uppercase().replace('-', " ");
        let left = spend(&kept, &typed).unwrap();
        assert_eq!(left.len(), 9);
        assert!(spend(&left, &codes[3]).is_none());
        assert!(spend(&left, &codes[4]).is_some());
        assert!(spend(&left, "").is_none());
    }
}
