//! The links: each entry's hash covers the hash before it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::canonical::{canonical, canonical_of_old};
use super::{Entry, Scores};
use crate::{ImageId, StorageError, hex_bytes};

/// The first byte of every value, so that a later release can tell.
const VERSION: u8 = 1;

/// Where the chain ends: the last entry's number and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Number of the last entry; the first one is 1, 0 is before it.
    pub seq: u64,
    /// Its hash; zeros before the first.
    #[serde(with = "hex_bytes")]
    pub hash: [u8; 32],
}

impl Head {
    /// Before the first entry.
    pub const EMPTY: Self = Self {
        seq: 0,
        hash: [0; 32],
    };

    pub(super) fn encode(&self) -> Vec<u8> {
        versioned(&serde_json::to_vec(self).expect("a number and a text are written"))
    }

    pub(super) fn decode(value: &[u8]) -> Result<Self, StorageError> {
        serde_json::from_slice(unversioned(value)?).map_err(|_| damaged("the audit's head"))
    }
}

/// An entry in its place in the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// What happened.
    pub entry: Entry,
    /// SHA-256 of the text `PREVIOUS SEQ ENTRY`: the hash before it in hex, its
    /// number, and the JSON of the entry as RFC 8785 spells it, single spaces between.
    /// Old entries have it over another spelling of numbers: see [`Sealed::line`].
    #[serde(with = "hex_bytes")]
    pub hash: [u8; 32],
    /// The hash of the entry before.
    #[serde(with = "hex_bytes")]
    pub previous: [u8; 32],
    /// Its number.
    pub seq: u64,
}

/// Why an entry is not the next one of its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrokenLink {
    /// An entry is missing, or stands twice.
    #[error("its number is not the next one")]
    Number,
    /// It was made to follow another entry.
    #[error("it does not follow the entry before it")]
    Previous,
    /// It was changed afterwards.
    #[error("its content is not what its hash was made of")]
    Hash,
    /// It is no entry.
    #[error("it cannot be read")]
    Unreadable,
    /// Database and files tell different things.
    #[error("the database and the files differ in it")]
    Differs,
    /// The database ends before the files do.
    #[error("it is in the files and no longer in the database")]
    Missing,
    /// The files end before the database does, and once did not.
    #[error("it is in the database and no longer in the files: they have lost their last lines")]
    Lost,
    /// The scores beside it were changed afterwards.
    #[error("its scores are not what it was made of")]
    Scores,
    /// The scores beside it were taken away, and the image was not.
    #[error("its scores are missing, though its image is there")]
    ScoresMissing,
}

impl Sealed {
    /// Links an entry behind a head.
    ///
    /// # Errors
    /// When the chain is as long as can be counted.
    pub(super) fn behind(head: &Head, entry: Entry) -> Result<Self, StorageError> {
        let seq = head.seq.checked_add(1);
        let seq = seq.ok_or_else(|| damaged("the number of audit entries"))?;
        Ok(Self {
            hash: hash(&head.hash, seq, &canonical(&value(&entry))),
            previous: head.hash,
            entry,
            seq,
        })
    }

    /// The head that it makes.
    #[must_use]
    pub fn head(&self) -> Head {
        Head {
            seq: self.seq,
            hash: self.hash,
        }
    }

    /// Where its scores lie, if it tells of some: see [`scores_at`](super::scores_at).
    #[must_use]
    pub fn scores_place(&self) -> Option<(ImageId, u64)> {
        let (image, _) = self.entry.bound_scores()?;
        Some((image, self.seq))
    }

    /// Checks that it is what stands behind `head`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_behind(&self, head: &Head) -> Result<(), BrokenLink> {
        if head.seq.checked_add(1) != Some(self.seq) {
            return Err(BrokenLink::Number);
        }
        if self.previous != head.hash {
            return Err(BrokenLink::Previous);
        }
        if self.spelling().is_none() {
            return Err(BrokenLink::Hash);
        }
        Ok(())
    }

    /// The text of the entry that the hash was made of; `None` when it is not of this
    /// entry.
    fn spelling(&self) -> Option<String> {
        let entry = value(&self.entry);
        let is_hashed = |text: &String| self.hash == hash(&self.previous, self.seq, text);
        let spelled = Some(canonical(&entry)).filter(is_hashed);
        spelled.or_else(|| Some(canonical_of_old(&entry)).filter(is_hashed))
    }

    /// One line of JSON, as it is kept in files. The entry stands in it as its hash
    /// was made of it, so that an old one can be checked by its text.
    #[must_use]
    pub fn line(&self) -> String {
        self.line_with(None)
    }

    /// The line with the scores that belong to it, as it is exported. They stand
    /// beside the entry, which its hash is of.
    #[must_use]
    pub fn line_with(&self, scores: Option<&Scores>) -> String {
        let spelled = self.spelling();
        let entry = spelled.unwrap_or_else(|| canonical(&value(&self.entry)));
        let scores = scores.map(|scores| {
            let spelled = scores.spelling(self.entry.scores_sha256.as_ref());
            format!(",\"scores\":{spelled}")
        });
        format!(
            "{{\"entry\":{entry},\"hash\":\"{}\",\"previous\":\"{}\"{},\"seq\":{}}}",
            hex::encode(self.hash),
            hex::encode(self.previous),
            scores.unwrap_or_default(),
            self.seq
        )
    }

    /// Reads a line back.
    ///
    /// # Errors
    /// [`BrokenLink::Unreadable`].
    pub fn parse(line: &[u8]) -> Result<Self, BrokenLink> {
        serde_json::from_slice(line).map_err(|_| BrokenLink::Unreadable)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        versioned(self.line().as_bytes())
    }

    pub(super) fn decode(value: &[u8]) -> Result<Self, StorageError> {
        Self::parse(unversioned(value)?).map_err(|_| damaged("an audit entry"))
    }
}

fn hash(previous: &[u8; 32], seq: u64, entry: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(hex::encode(previous));
    hash.update(format!(" {seq} "));
    hash.update(entry);
    hash.finalize().into()
}

fn value(of: &impl Serialize) -> Value {
    serde_json::to_value(of).expect("an entry is texts, numbers and JSON")
}

pub(super) fn versioned(json: &[u8]) -> Vec<u8> {
    [&[VERSION], json].concat()
}

pub(super) fn unversioned(value: &[u8]) -> Result<&[u8], StorageError> {
    match value.split_first() {
        Some((&VERSION, json)) => Ok(json),
        Some((&version, _)) => Err(StorageError::UnsupportedVersion {
            what: "an audit entry",
            version,
        }),
        None => Err(damaged("an audit entry")),
    }
}

pub(super) fn damaged(what: &str) -> StorageError {
    StorageError::Corrupt {
        detail: format!("{what} cannot be read"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::audit::{Action, Actor};

    fn entry(n: u64) -> Entry {
        let entry = Entry::new(n, Actor::Operator, Action::new("tested"));
        entry.changed(Value::Null, json!({"n": n, "share": 0.1}))
    }

    #[test]
    fn a_chain_holds_and_every_change_breaks_it() {
        let first = Sealed::behind(&Head::EMPTY, entry(1)).unwrap();
        let second = Sealed::behind(&first.head(), entry(2)).unwrap();
        first.check_behind(&Head::EMPTY).unwrap();
        second.check_behind(&first.head()).unwrap();

        let mut changed = second.clone();
        changed.entry.after = json!({"n": 3, "share": 0.1});
        assert_eq!(changed.check_behind(&first.head()), Err(BrokenLink::Hash));
        assert_eq!(second.check_behind(&Head::EMPTY), Err(BrokenLink::Number));
        let mut other = first.clone();
        other.hash[0] ^= 1;
        assert_eq!(
            second.check_behind(&other.head()),
            Err(BrokenLink::Previous)
        );
        assert_eq!(other.check_behind(&Head::EMPTY), Err(BrokenLink::Hash));
    }

    #[test]
    fn a_line_and_a_value_are_read_back() {
        let sealed = Sealed::behind(&Head::EMPTY, entry(1)).unwrap();
        assert_eq!(Sealed::parse(sealed.line().as_bytes()), Ok(sealed.clone()));
        assert_eq!(Sealed::decode(&sealed.encode()).unwrap(), sealed);
        assert_eq!(
            Head::decode(&sealed.head().encode()).unwrap(),
            sealed.head()
        );
        let newer = Sealed::decode(b"\x02{}").unwrap_err();
        assert_eq!(newer.code(), "storage-unsupported-version");
        assert_eq!(Sealed::decode(b"").unwrap_err().code(), "storage-corrupt");
    }

    /// What the documentation says can be checked with any SHA-256.
    #[test]
    fn the_hash_is_over_the_documented_text() {
        let sealed = Sealed::behind(&Head::EMPTY, Entry::new(7, Actor::System, Action::new("x")));
        let text = format!(
            "{} 1 {}",
            "0".repeat(64),
            r#"{"action":"x","actor":{"kind":"system"},"at_ms":7}"#
        );
        let expected: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        assert_eq!(sealed.unwrap().hash, expected);
    }
    /// Numbers were spelled otherwise once: such entries hold, and are written again
    /// as they were.
    #[test]
    fn an_old_spelling_holds() {
        let mut old = Sealed::behind(&Head::EMPTY, entry(1)).unwrap();
        old.entry.after = json!({"share": 1.0, "tiny": 1e-6});
        assert_eq!(old.check_behind(&Head::EMPTY), Err(BrokenLink::Hash));
        let text = concat!(
            r#"{"action":"tested","actor":{"kind":"operator"},"#,
            r#""after":{"share":1.0,"tiny":1e-6},"at_ms":1}"#
        );
        old.hash = Sha256::digest(format!("{} 1 {text}", "0".repeat(64))).into();
        old.check_behind(&Head::EMPTY).unwrap();
        assert!(old.line().contains(text), "{}", old.line());
        let read = Sealed::decode(&old.encode()).unwrap();
        read.check_behind(&Head::EMPTY).unwrap();
        assert_eq!(read.line(), old.line());
        let new = Sealed::behind(&Head::EMPTY, read.entry).unwrap();
        assert!(new.line().contains(r#""share":1,"tiny":0.000001"#));
    }
}
