//! Values of the keyspace: a version byte, then JSON; and what was read
//! with them, so that a commit can expect it unchanged.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Changes, Keyspace, StorageError};

const VERSION: u8 = 1;

/// A value as it was read.
#[derive(Debug, Clone)]
pub struct Kept<T> {
    /// The value.
    pub value: T,
    key: Vec<u8>,
    encoded: Vec<u8>,
}

impl<T: Serialize + DeserializeOwned> Kept<T> {
    /// Reads a key.
    pub(crate) fn read(keys: &dyn Keyspace, key: Vec<u8>) -> Result<Option<Self>, StorageError> {
        let encoded = keys.get(&key)?;
        encoded
            .map(|encoded| Self::decode(key, encoded))
            .transpose()
    }

    pub(crate) fn decode(key: Vec<u8>, encoded: Vec<u8>) -> Result<Self, StorageError> {
        let value = match encoded.split_first() {
            Some((&VERSION, json)) => serde_json::from_slice(json).ok(),
            Some((&version, _)) => {
                return Err(StorageError::UnsupportedVersion {
                    what: "an entry",
                    version,
                });
            }
            None => None,
        };
        let value = value.ok_or_else(|| StorageError::Corrupt {
            detail: format!("the value of {} cannot be read", key.escape_ascii()),
        })?;
        Ok(Self {
            value,
            key,
            encoded,
        })
    }

    /// Changes it, if nobody else does first.
    pub fn replace(&self, changes: &mut Changes, value: &T) {
        changes.expect(self.key.clone(), Some(self.encoded.clone()));
        changes.put(self.key.clone(), encode(value));
    }

    /// Removes it, if nobody else changes it first.
    pub fn remove(&self, changes: &mut Changes) {
        changes.expect(self.key.clone(), Some(self.encoded.clone()));
        changes.delete(self.key.clone());
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }
}

pub(crate) fn encode(value: &impl Serialize) -> Vec<u8> {
    let mut encoded = vec![VERSION];
    serde_json::to_writer(&mut encoded, value).expect("texts and numbers are written to memory");
    encoded
}

/// Puts a value where there is none yet.
pub(crate) fn insert(changes: &mut Changes, key: Vec<u8>, value: &impl Serialize) {
    changes.expect(key.clone(), None);
    changes.put(key, encode(value));
}
