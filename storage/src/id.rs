//! The name of an image, as it stands in its link.

use std::fmt;
use std::io;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bitcoin's base58: no 0, O, I or l, so that a link can be read aloud.
const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// 12 characters of base58 are 70 bits: links cannot be enumerated (P18).
const LEN: usize = 12;

/// The largest multiple of 58 that a byte can hold. Bytes from here on are
/// drawn again, otherwise the first 24 characters would come up more often.
const UNBIASED_BELOW: u8 = 232;

/// That many characters of base58 from the operating system's random source.
pub(crate) fn random_base58<const N: usize>() -> io::Result<[u8; N]> {
    let mut text = [0; N];
    let mut n_filled = 0;
    while n_filled < N {
        let mut drawn = [0; 2 * LEN];
        getrandom::fill(&mut drawn).map_err(|error| io::Error::other(error.to_string()))?;
        for byte in drawn.into_iter().filter(|byte| *byte < UNBIASED_BELOW) {
            if n_filled < N {
                text[n_filled] = ALPHABET[usize::from(byte) % ALPHABET.len()];
                n_filled += 1;
            }
        }
    }
    Ok(text)
}

/// Whether every byte is a character of base58.
pub(crate) fn is_base58(text: &[u8]) -> bool {
    text.iter().all(|byte| ALPHABET.contains(byte))
}

/// The id of one image: 12 base58 characters, uniformly random.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageId([u8; LEN]);

impl ImageId {
    /// The same characters from the last to the first: an id that in all likelihood
    /// nobody has.
    pub(crate) fn reversed(&self) -> Self {
        let Self(mut characters) = *self;
        characters.reverse();
        Self(characters)
    }

    /// Draws an id from the operating system's random source.
    ///
    /// # Errors
    /// When that source fails.
    pub fn random() -> io::Result<Self> {
        random_base58().map(Self)
    }

    /// The 12 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an id holds only characters of the base58 alphabet")
    }

    /// The 12 characters as ASCII bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; LEN] {
        &self.0
    }

    /// An id from its ASCII bytes; `None` unless they are exactly an id.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let id: [u8; LEN] = bytes.try_into().ok()?;
        is_base58(&id).then_some(Self(id))
    }
}

/// The text is not an image id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an image id: 12 base58 characters are")]
pub struct InvalidImageId;

impl FromStr for ImageId {
    type Err = InvalidImageId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_bytes(text.as_bytes()).ok_or(InvalidImageId)
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Debug for ImageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ImageId({self})")
    }
}

impl Serialize for ImageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ImageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn p18_ids_are_uniform_over_the_alphabet() {
        let mut counts = [0_u32; 128];
        let mut distinct = HashSet::new();
        for _ in 0..20_000 {
            let id = ImageId::random().unwrap();
            distinct.insert(id);
            for byte in id.as_bytes() {
                counts[usize::from(*byte)] += 1;
            }
        }
        assert_eq!(distinct.len(), 20_000);
        // 240,000 draws: 4,138 expected of each, standard deviation 64. A
        // modulo without rejection would put the first 24 at 4,687.
        for character in ALPHABET {
            let count = counts[usize::from(*character)];
            assert!(
                (3_700..4_580).contains(&count),
                "{} came {count} times",
                *character as char
            );
        }
    }

    #[test]
    fn parsing_is_strict() {
        let id = ImageId::random().unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in [
            "",
            "abc",
            "1234567890AB",
            "11111111111",
            "1111111111111",
            "../../../etc",
        ] {
            assert_eq!(wrong.parse::<ImageId>(), Err(InvalidImageId), "{wrong}");
        }
        assert_eq!(
            "ääääää".parse::<ImageId>(),
            Err(InvalidImageId),
            "12 bytes of other letters"
        );
    }

    #[test]
    fn serde_writes_the_plain_text() {
        let id: ImageId = "abcdefghijkm".parse().unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"abcdefghijkm\"");
        assert_eq!(
            serde_json::from_str::<ImageId>("\"abcdefghijkm\"").unwrap(),
            id
        );
        assert!(serde_json::from_str::<ImageId>("\"abcdefghijk0\"").is_err());
    }
}
