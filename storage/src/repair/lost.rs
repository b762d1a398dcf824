//! What a rebuilt database says of itself: that a repair found entries lost which no
//! sidecar has. A restore then brings them back.

use serde::{Deserialize, Serialize};

use crate::staff::kept::{self, Kept};
use crate::{Changes, Keyspace, Space, StorageError};

/// That entries were lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lost {
    /// When the database was rebuilt, in milliseconds since 1970 UTC.
    pub(crate) at_ms: u64,
    /// The bytes of the spaces that lost some; none where it may have been any.
    spaces: Vec<u8>,
}

impl Lost {
    /// Whether entries of this space may have been lost.
    pub(crate) fn is_of(&self, space: Space) -> bool {
        let [_, space] = space.prefix();
        self.spaces.is_empty() || self.spaces.contains(&space)
    }
}

/// `me` `r`.
pub(crate) fn key() -> Vec<u8> {
    Space::Retention.key(&[b"r"])
}

/// Notes a loss in these spaces, or in any where none is named, beside an earlier one
/// that was not made good.
pub(super) fn note(keys: &dyn Keyspace, at_ms: u64, spaces: &[Space]) -> Result<(), StorageError> {
    let mut spaces: Vec<u8> = spaces.iter().map(|space| space.prefix()[1]).collect();
    let earlier = of(keys)?;
    if let Some(earlier) = &earlier {
        if earlier.spaces.is_empty() {
            spaces.clear();
        } else if !spaces.is_empty() {
            spaces.extend(&earlier.spaces);
            spaces.sort_unstable();
            spaces.dedup();
        }
    }
    let at_ms = earlier.map_or(at_ms, |earlier| earlier.at_ms.min(at_ms));
    let mut changes = Changes::new();
    changes.put(key(), kept::encode(&Lost { at_ms, spaces }));
    keys.commit(changes)
}

/// The loss that nothing has made good; `None` where there is none.
pub(crate) fn of(keys: &dyn Keyspace) -> Result<Option<Lost>, StorageError> {
    Ok(Kept::read(keys, key())?.map(|kept| kept.value))
}

/// Everything is back.
pub(crate) fn forget(keys: &dyn Keyspace) -> Result<(), StorageError> {
    let mut changes = Changes::new();
    changes.delete(key());
    keys.commit(changes)
}
