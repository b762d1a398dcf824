//! What a rebuilt database says of itself: that a repair found entries lost which no
//! sidecar has. A restore then brings them back; what it leaves, because that was begun
//! anew, stays noted until no backup is old enough to have it.

use serde::{Deserialize, Serialize};

use crate::backup::DAYS_MAX;
use crate::calendar::MS_A_DAY;
use crate::staff::kept::{self, Kept};
use crate::{Changes, Keyspace, Space, StorageError};

/// Stands for the view counters among the bytes of spaces, of which it is none.
const VIEWS: u8 = b'v';

/// That entries were lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lost {
    /// When the database was rebuilt, in milliseconds since 1970 UTC.
    pub(crate) at_ms: u64,
    /// The bytes of the spaces that lost some; none where it may have been any.
    spaces: Vec<u8>,
}

/// What lost some entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    /// Spaces of the keyspace.
    pub(crate) spaces: &'a [Space],
    /// Whether view counters did.
    pub(crate) has_views: bool,
}

impl Parts<'_> {
    /// Any may have.
    pub(crate) const ANY: Self = Self {
        spaces: &[],
        has_views: false,
    };

    fn bytes(self) -> Vec<u8> {
        let spaces = self.spaces.iter().map(|space| space.prefix()[1]);
        spaces.chain(self.has_views.then_some(VIEWS)).collect()
    }
}

impl Lost {
    /// Whether view counters may have been lost.
    pub(crate) fn is_of_views(&self) -> bool {
        self.spaces.is_empty() || self.spaces.contains(&VIEWS)
    }

    /// Whether every backup that was made before has ended.
    fn is_over(&self, now_ms: u64) -> bool {
        let kept_ms = u64::from(DAYS_MAX).saturating_mul(MS_A_DAY);
        self.at_ms.saturating_add(kept_ms) <= now_ms
    }

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

/// Notes a loss, beside an earlier one that was not made good.
pub(super) fn note(keys: &dyn Keyspace, at_ms: u64, parts: Parts<'_>) -> Result<(), StorageError> {
    let mut spaces = parts.bytes();
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

/// Everything is back but what lies in these spaces: it alone is noted from now on, so
/// that what has come back and ends does not come back again.
pub(crate) fn made_good(keys: &dyn Keyspace, but: &[Space]) -> Result<(), StorageError> {
    let Some(kept) = Kept::<Lost>::read(keys, key())? else {
        return Ok(());
    };
    let mut changes = Changes::new();
    if but.is_empty() {
        kept.remove(&mut changes);
    } else {
        let left = Parts {
            spaces: but,
            has_views: false,
        };
        let lost = Lost {
            spaces: left.bytes(),
            ..kept.value
        };
        kept.replace(&mut changes, &lost);
    }
    keys.commit(changes)
}

/// When the loss was noted that no backup can make good any more; `None` where there is
/// none, or one still can.
pub(crate) fn over(keys: &dyn Keyspace, now_ms: u64) -> Result<Option<u64>, StorageError> {
    let lost = of(keys)?.filter(|lost| lost.is_over(now_ms));
    Ok(lost.map(|lost| lost.at_ms))
}

/// Forgets it. False where there was none.
pub(crate) fn end(keys: &dyn Keyspace, now_ms: u64) -> Result<bool, StorageError> {
    let kept = Kept::<Lost>::read(keys, key())?;
    let Some(kept) = kept.filter(|kept| kept.value.is_over(now_ms)) else {
        return Ok(false);
    };
    let mut changes = Changes::new();
    kept.remove(&mut changes);
    keys.commit(changes)?;
    Ok(true)
}
