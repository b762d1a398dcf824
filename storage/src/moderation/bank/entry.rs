//! What is kept about one hash.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::moderation::job::decode_json;
use crate::moderation::{Flag, Lane, Note, Policy, Reason};
use crate::{ImageId, KeyRange, Space, StorageError};

/// The first byte of every encoded entry.
const VERSION: u8 = 1;

/// What keys of hashes that were not looked for begin with; entries come behind.
pub(super) const UNSEARCHED: &[u8] = b"c";

/// What keys of how many removals ask for a hash begin with.
const REMOVALS: &[u8] = b"d";

/// What keys of copies that were removed for a hash begin with.
const COPIES: &[u8] = b"e";

/// What keys of hashes whose copies are to come back begin with.
pub(super) const LEFT: &[u8] = b"f";

/// What keys of how many uploads a hash has refused begin with.
const REFUSED: &[u8] = b"g";

/// A hash of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BankHash {
    /// SHA-256 of the bytes as they are stored: this very file.
    Sha256([u8; 32]),
    /// PDQ: this picture, in whatever file.
    Pdq([u8; 32]),
}

/// The text is no hash of the bank's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a hash: sha256: or pdq: and 64 hexadecimal characters are")]
pub struct InvalidBankHash;

impl BankHash {
    /// The key of its entry.
    pub(super) fn key(&self) -> Vec<u8> {
        match self {
            Self::Sha256(hash) => Space::Bank.key(&[b"s", hash]),
            Self::Pdq(hash) => Space::Bank.key(&[b"p", hash]),
        }
    }

    /// The key that says that copies of it were not looked for yet.
    pub(super) fn mark(&self) -> Vec<u8> {
        let key = self.key();
        Space::Bank.key(&[UNSEARCHED, &key[2..]])
    }

    /// The key of how many removals ask for it.
    pub(super) fn removals_key(&self) -> Vec<u8> {
        let key = self.key();
        Space::Bank.key(&[REMOVALS, &key[2..]])
    }

    /// The key that says that it left the bank, and that the copies it had removed
    /// are to come back.
    pub(super) fn left_key(&self) -> Vec<u8> {
        let key = self.key();
        Space::Bank.key(&[LEFT, &key[2..]])
    }

    /// The key of how many uploads were refused for it.
    pub(super) fn refused_key(&self) -> Vec<u8> {
        let key = self.key();
        Space::Bank.key(&[REFUSED, &key[2..]])
    }

    /// Where the copies are listed that were removed for it.
    pub(in crate::moderation) fn copies(&self) -> KeyRange {
        let key = self.key();
        KeyRange::prefix(&Space::Bank.key(&[COPIES, &key[2..]]))
    }

    /// The key that lists one of them.
    pub(in crate::moderation) fn copy_key(&self, image: &ImageId) -> Vec<u8> {
        let key = self.key();
        Space::Bank.key(&[COPIES, &key[2..], image.as_bytes()])
    }

    /// Reads the image back from such a key.
    pub(in crate::moderation) fn copy_of_key(key: &[u8]) -> Option<ImageId> {
        ImageId::from_bytes(key.get(36..)?)
    }

    /// Reads a hash back from its mark.
    pub(super) fn of_mark(key: &[u8]) -> Option<Self> {
        let (_, rest) = key.split_at_checked(3)?;
        Self::of_key(&[b"mb", rest].concat())
    }

    /// Reads a hash back from its key.
    pub(super) fn of_key(key: &[u8]) -> Option<Self> {
        let hash = key.get(3..)?.try_into().ok()?;
        match key.get(2)? {
            b's' => Some(Self::Sha256(hash)),
            b'p' => Some(Self::Pdq(hash)),
            _ => None,
        }
    }
}

impl fmt::Display for BankHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, hash) = match self {
            Self::Sha256(hash) => ("sha256", hash),
            Self::Pdq(hash) => ("pdq", hash),
        };
        write!(formatter, "{kind}:{}", hex::encode(hash))
    }
}

impl FromStr for BankHash {
    type Err = InvalidBankHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, hash) = text.split_once(':').ok_or(InvalidBankHash)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(hash, &mut bytes).map_err(|_| InvalidBankHash)?;
        match kind {
            "sha256" => Ok(Self::Sha256(bytes)),
            "pdq" => Ok(Self::Pdq(bytes)),
            _ => Err(InvalidBankHash),
        }
    }
}

impl Serialize for BankHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BankHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// What happens to a new upload that matches. The stricter one comes first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum BankPolicy {
    /// It is not taken in.
    Refuse,
    /// It is hidden until somebody has looked.
    #[default]
    Queue,
}

/// A hash in the bank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankEntry {
    /// The hash.
    pub hash: BankHash,
    /// What happens to what matches.
    #[serde(default)]
    pub policy: BankPolicy,
    /// Against which policy the image was.
    pub against: Policy,
    /// Why, in words.
    #[serde(default)]
    pub reason: Note,
    /// Who added it, by pseudonym.
    #[serde(default)]
    pub added_by: String,
    /// When, in milliseconds since 1970 UTC.
    #[serde(default)]
    pub added_at_ms: u64,
    /// The image it was taken from, if it was one of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageId>,
}

impl BankEntry {
    /// How an image that matches is queued: out of public, and before the eyes
    /// that are meant for it.
    #[must_use]
    pub fn flag(&self) -> Flag {
        let mut flag = Flag::new(Reason::HashMatch).hiding();
        if self.against == Policy::ChildAbuse {
            flag.lane = Lane::ChildSafety;
        }
        flag
    }

    /// This entry with what is stricter in another one; `None` when nothing is.
    pub(super) fn made_stricter(&self, other: &Self) -> Option<Self> {
        let mut stricter = self.clone();
        stricter.policy = self.policy.min(other.policy);
        if other.against == Policy::ChildAbuse {
            stricter.against = Policy::ChildAbuse;
        }
        (stricter != *self).then_some(stricter)
    }

    /// The entry as a decision keeps it, short.
    pub(in crate::moderation) fn without_words(&self) -> Self {
        Self {
            reason: Note::default(),
            ..self.clone()
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut encoded = vec![VERSION];
        serde_json::to_writer(&mut encoded, self)
            .expect("an entry has string keys and is written to memory");
        encoded
    }

    pub(super) fn decode(encoded: &[u8]) -> Result<Self, StorageError> {
        decode_json(encoded, VERSION, "an entry of the hash bank")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_hash_survives_its_text_and_its_key(hash: [u8; 32]) {
            for hash in [BankHash::Sha256(hash), BankHash::Pdq(hash)] {
                prop_assert_eq!(hash.to_string().parse(), Ok(hash));
                prop_assert_eq!(BankHash::of_key(&hash.key()), Some(hash));
                prop_assert_eq!(BankHash::of_mark(&hash.mark()), Some(hash));
                prop_assert!(hash.mark() < Space::Bank.key(&[b"p"]));
                prop_assert!(hash.removals_key() < Space::Bank.key(&[b"p"]));
                prop_assert_eq!(BankHash::of_mark(&hash.left_key()), Some(hash));
                prop_assert!(hash.left_key() < Space::Bank.key(&[b"p"]));
                prop_assert!(hash.copies().to < Space::Bank.key(&[b"p"]));
                let image = ImageId::random().unwrap();
                let copy = hash.copy_key(&image);
                prop_assert_eq!(BankHash::copy_of_key(&copy), Some(image));
                prop_assert_eq!(BankHash::of_key(&copy), None);
            }
        }

        #[test]
        fn any_text_is_a_hash_or_none(text: String, bytes: Vec<u8>) {
            let _ = text.parse::<BankHash>();
            let _ = BankHash::of_key(&bytes);
            let _ = BankEntry::decode(&bytes);
        }
    }
}
