//! The scores that an entry tells of. They live exactly as long as their image
//! (P13c), and an entry for ever: so the chain holds a digest of them, and they lie
//! beside it, under the image's id, until the image is purged. Their salt goes with
//! them: nobody can find out by trying what the digest was made of.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Entry;
use super::canonical::{canonical, canonical_of_old};
use super::chain::{Sealed, damaged, unversioned, versioned};
use crate::{Changes, ImageId, KeyRange, Keyspace, Space, StorageError, hex_bytes};

/// Bytes of a salt: as many as nobody tries.
const SALT_BYTES: usize = 16;

/// Scores that are erased in one commit.
const ERASED_AT_ONCE: usize = 1_024;

/// Images looked at in one call of [`orphans`].
const LOOKED_AT_MAX: usize = 4_096;

/// SHA-256 of the text `SALT SCORES`: the salt in hex, a space, and the JSON of the
/// scores as RFC 8785 spells it (of old ones, as their entries are spelled).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScoresDigest(#[serde(with = "hex_bytes")] [u8; 32]);

/// The scores of an entry, with what its digest was salted with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    #[serde(with = "hex_bytes")]
    salt: [u8; SALT_BYTES],
    scores: Value,
}

impl Scores {
    /// The scores at the moment of the entry, with the model that gave them.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.scores
    }

    /// The digest that an entry has of them.
    #[must_use]
    pub fn digest(&self) -> ScoresDigest {
        self.digest_of(&canonical(&self.scores))
    }

    /// Whether an entry's digest is of these.
    #[must_use]
    pub fn are_of(&self, digest: &ScoresDigest) -> bool {
        self.digest() == *digest || self.digest_of(&canonical_of_old(&self.scores)) == *digest
    }

    fn digest_of(&self, text: &str) -> ScoresDigest {
        let text = format!("{} {text}", hex::encode(self.salt));
        ScoresDigest(Sha256::digest(text).into())
    }

    /// As they stand in an export.
    pub(super) fn spelling(&self, digest: Option<&ScoresDigest>) -> String {
        let old = canonical_of_old(&self.scores);
        let is_old = digest.is_some_and(|digest| self.digest_of(&old) == *digest);
        let scores = if is_old { old } else { canonical(&self.scores) };
        let salt = hex::encode(self.salt);
        format!("{{\"salt\":\"{salt}\",\"scores\":{scores}}}")
    }

    fn salted(scores: Value) -> Result<Self, StorageError> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|error| {
            let error = std::io::Error::other(error.to_string());
            StorageError::io("the system's random source", error)
        })?;
        Ok(Self { salt, scores })
    }

    fn encode(&self) -> Vec<u8> {
        versioned(&serde_json::to_vec(self).expect("texts and JSON are written to memory"))
    }

    pub(super) fn decode(value: &[u8]) -> Result<Self, StorageError> {
        serde_json::from_slice(unversioned(value)?).map_err(|_| damaged("scores of the audit"))
    }
}

/// An entry's scores; `None` where it has none, and where they went with its image.
///
/// # Errors
/// When they cannot be read.
pub fn scores_of(keys: &dyn Keyspace, sealed: &Sealed) -> Result<Option<Scores>, StorageError> {
    let Some((image, _)) = sealed.entry.bound_scores() else {
        return Ok(None);
    };
    scores_at(keys, &image, sealed.seq)
}

/// The scores of an image's entry by its number.
///
/// # Errors
/// When they cannot be read.
pub fn scores_at(
    keys: &dyn Keyspace,
    image: &ImageId,
    seq: u64,
) -> Result<Option<Scores>, StorageError> {
    let value = keys.get(&key(image, seq))?;
    value.as_deref().map(Scores::decode).transpose()
}

/// Takes the scores out of an entry about an image, which keeps their digest.
pub(super) fn detached(entry: &mut Entry) -> Result<Option<(ImageId, Scores)>, StorageError> {
    let image = entry.subject.as_ref().and_then(super::Subject::as_image);
    let Some(image) = image.filter(|_| !entry.scores.is_null()) else {
        return Ok(None);
    };
    let scores = Scores::salted(entry.scores.take())?;
    entry.scores_sha256 = Some(scores.digest());
    Ok(Some((image, scores)))
}

pub(super) fn put(changes: &mut Changes, image: &ImageId, seq: u64, scores: &Scores) {
    changes.put(key(image, seq), scores.encode());
}

/// Plans the end of the scores of an image. True when there are more of them than
/// one commit takes: commit, and plan again.
pub(crate) fn plan_erased(
    keys: &dyn Keyspace,
    changes: &mut Changes,
    image: &ImageId,
) -> Result<bool, StorageError> {
    let range = KeyRange::prefix(&Space::Audit.key(&[b"d", image.as_bytes()]));
    let entries = keys.range(&range, ERASED_AT_ONCE)?;
    let is_more = entries.len() >= ERASED_AT_ONCE;
    for entry in entries {
        changes.delete(entry.key);
    }
    Ok(is_more)
}

/// Images behind `after` of which there are scores though `is_gone` says that they
/// are not there any more, as after a repair: at most `limit`. With them the image
/// to go on behind; `None` when all were looked at.
pub(crate) fn orphans(
    keys: &dyn Keyspace,
    after: Option<&ImageId>,
    limit: usize,
    is_gone: impl Fn(&ImageId) -> Result<bool, StorageError>,
) -> Result<(Vec<ImageId>, Option<ImageId>), StorageError> {
    let mut range = KeyRange::prefix(&Space::Audit.key(&[b"d"]));
    let mut last = after.copied();
    let mut gone = Vec::new();
    for _ in 0..LOOKED_AT_MAX {
        if let Some(image) = &last {
            range = range.after(&key(image, u64::MAX));
        }
        let next = keys.range(&range, 1)?;
        let image = next.first().map(|entry| image_of(&entry.key));
        let Some(image) = image else {
            return Ok((gone, None));
        };
        let image = image.ok_or_else(|| damaged("a key of the audit"))?;
        last = Some(image);
        if is_gone(&image)? {
            gone.push(image);
            if gone.len() >= limit {
                break;
            }
        }
    }
    Ok((gone, last))
}

/// The image of a key of scores.
pub(crate) fn image_of(key: &[u8]) -> Option<ImageId> {
    let id = key.strip_prefix(Space::Audit.key(&[b"d"]).as_slice())?;
    ImageId::from_bytes(id.get(..id.len().checked_sub(8)?)?)
}

fn key(image: &ImageId, seq: u64) -> Vec<u8> {
    Space::Audit.key(&[b"d", image.as_bytes(), &seq.to_be_bytes()])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::MemoryRecords;
    use crate::audit::{self, Action, Actor, Subject};

    /// An entry about an image, with scores.
    fn recorded(keys: &MemoryRecords, image: &ImageId) -> Sealed {
        let mut entry =
            Entry::new(7, Actor::System, Action::new("image-removed")).about(Subject::image(image));
        entry.scores = json!({"porn": 0.5, "model": "m"});
        let seq = audit::record(keys, &entry).unwrap();
        audit::entries_after(keys, seq - 1, 1).unwrap().remove(0)
    }

    /// What the documentation says can be checked with any SHA-256.
    #[test]
    fn p13c_the_chain_holds_a_salted_digest_of_scores_and_nothing_else() {
        let keys = MemoryRecords::default();
        let image = ImageId::random().unwrap();
        let sealed = recorded(&keys, &image);
        assert!(!sealed.line().contains("porn"), "{}", sealed.line());
        let scores = scores_of(&keys, &sealed).unwrap().unwrap();
        assert_eq!(scores.value()["porn"], 0.5);
        let salt = hex::encode(scores.salt);
        let text = format!("{salt} {{\"model\":\"m\",\"porn\":0.5}}");
        let digest = hex::encode(Sha256::digest(text));
        assert!(sealed.line().contains(&digest), "{}", sealed.line());
        // The same scores again have another digest.
        let again = recorded(&keys, &image);
        assert_ne!(again.entry.scores_sha256, sealed.entry.scores_sha256);
    }

    #[test]
    fn scores_of_one_image_go_and_no_others() {
        let keys = MemoryRecords::default();
        let [gone, kept] = [(); 2].map(|()| ImageId::random().unwrap());
        for _ in 0..3 {
            recorded(&keys, &gone);
        }
        let other = recorded(&keys, &kept);
        let is_gone = |image: &ImageId| Ok(*image == gone);
        let found = orphans(&keys, None, 9, is_gone).unwrap();
        assert_eq!(found, (vec![gone], None));
        let mut changes = Changes::new();
        assert!(!plan_erased(&keys, &mut changes, &gone).unwrap());
        keys.commit(changes).unwrap();
        assert_eq!(orphans(&keys, None, 9, is_gone).unwrap(), (vec![], None));
        assert!(scores_of(&keys, &other).unwrap().is_some());
        for sealed in audit::entries_after(&keys, 0, 3).unwrap() {
            assert_eq!(scores_of(&keys, &sealed).unwrap(), None);
        }
    }

    #[test]
    fn an_image_is_read_back_from_a_key() {
        let image = ImageId::random().unwrap();
        assert_eq!(image_of(&key(&image, 7)), Some(image));
        assert_eq!(image_of(b"mad"), None);
        assert_eq!(image_of(&key(&image, 7)[..14]), None);
    }
}
