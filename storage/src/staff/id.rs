//! The pseudonym of a member of the staff: the only name that decisions, the
//! audit and colleagues see.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Kind to whoever bears them, and none is longer than seven letters.
const ADJECTIVES: [&str; 64] = [
    "agile", "amber", "ardent", "azure", "bold", "brave", "breezy", "bright", "brisk", "calm",
    "candid", "careful", "clear", "clever", "coastal", "cosmic", "crisp", "curious", "deft",
    "eager", "early", "earnest", "fair", "famous", "fleet", "frank", "gentle", "glad", "golden",
    "grand", "green", "happy", "hardy", "honest", "humble", "jolly", "keen", "kind", "lively",
    "loyal", "lucid", "lucky", "mellow", "merry", "mild", "modest", "neat", "noble", "patient",
    "placid", "polite", "prompt", "proud", "quick", "quiet", "serene", "silver", "steady", "sunny",
    "swift", "tidy", "true", "warm", "wise",
];

const ANIMALS: [&str; 64] = [
    "badger", "beaver", "bison", "bittern", "bunting", "camel", "condor", "crane", "curlew",
    "dipper", "dolphin", "dove", "eagle", "egret", "elk", "falcon", "ferret", "finch", "fox",
    "gannet", "gazelle", "gecko", "goshawk", "grouse", "hare", "heron", "hoopoe", "ibex", "ibis",
    "jackdaw", "jay", "kestrel", "kite", "lapwing", "lark", "linnet", "lynx", "marten", "merlin",
    "moose", "newt", "oriole", "osprey", "otter", "owl", "panda", "petrel", "pigeon", "plover",
    "puffin", "quail", "raven", "robin", "salmon", "seal", "siskin", "sparrow", "stork", "swan",
    "tern", "thrush", "turtle", "wagtail", "wren",
];

/// Numbers go from 1 up to this: 3.7 million names in all.
const NUMBER_MAX: u32 = 900;

/// A pseudonym such as `calm-heron-7`, drawn when somebody joins. It is never
/// given to anybody else, so it is the account's id as well.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StaffId(Arc<str>);

impl StaffId {
    /// Draws a pseudonym from the operating system's random source.
    ///
    /// # Errors
    /// When that source fails.
    pub fn random() -> io::Result<Self> {
        let mut drawn = [0; 8];
        getrandom::fill(&mut drawn).map_err(|error| io::Error::other(error.to_string()))?;
        let [adjective, animal, _, _, number @ ..] = drawn;
        // 64 divides 256, and 900 leaves of 2^32 a bias of less than a millionth.
        let adjective = ADJECTIVES[usize::from(adjective) % ADJECTIVES.len()];
        let animal = ANIMALS[usize::from(animal) % ANIMALS.len()];
        let number = u32::from_le_bytes(number) % NUMBER_MAX + 1;
        Ok(Self(format!("{adjective}-{animal}-{number}").into()))
    }

    /// The pseudonym.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is not a pseudonym.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a staff name: they look like calm-heron-7")]
pub struct InvalidStaffId;

impl FromStr for StaffId {
    type Err = InvalidStaffId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, '-');
        let (adjective, animal, number) = (parts.next(), parts.next(), parts.next());
        let is_number = |number: &str| {
            let canonical = number.parse().map(|number: u32| number.to_string());
            let is_in_range = number
                .parse()
                .is_ok_and(|number: u32| (1..=NUMBER_MAX).contains(&number));
            is_in_range && canonical.as_deref() == Ok(number)
        };
        let is_name = adjective.is_some_and(|word| ADJECTIVES.contains(&word))
            && animal.is_some_and(|word| ANIMALS.contains(&word))
            && number.is_some_and(is_number);
        is_name.then(|| Self(text.into())).ok_or(InvalidStaffId)
    }
}

impl fmt::Display for StaffId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl fmt::Debug for StaffId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StaffId({self})")
    }
}

impl Serialize for StaffId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for StaffId {
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
    fn a_drawn_name_is_read_back() {
        for _ in 0..1_000 {
            let id = StaffId::random().unwrap();
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn no_word_stands_twice() {
        for words in [ADJECTIVES, ANIMALS] {
            assert!(words.is_sorted());
            assert_eq!(HashSet::from(words).len(), words.len());
        }
    }

    #[test]
    fn reading_is_strict() {
        for wrong in [
            "",
            "calm-heron",
            "calm-heron-0",
            "calm-heron-07",
            "calm-heron-901",
            "calm-heron-+7",
            "calm-heron-7-8",
            "calm-Heron-7",
            "=cmd-heron-7",
            "heron-calm-7",
        ] {
            assert_eq!(wrong.parse::<StaffId>(), Err(InvalidStaffId), "{wrong}");
        }
    }
}
