//! The end of backups.

use std::collections::BTreeSet;

use super::set::Set;
use super::{BackupError, unreadable};
use crate::calendar::MS_A_DAY;
use crate::durable_fs;

/// Ends snapshots that are `days_max` old, and drops the files that no other one
/// needs. Returns how many of both.
pub(super) fn prune(set: &Set, now_ms: u64, days_max: u32) -> Result<(u64, u64), BackupError> {
    let kept_ms = u64::from(days_max).saturating_mul(MS_A_DAY);
    let (mut n_ended, mut n_dropped) = (0, 0);
    let mut needed = BTreeSet::new();
    for snapshot in set.snapshots()? {
        if snapshot.made_at_ms.saturating_add(kept_ms) <= now_ms {
            durable_fs::remove_any(&snapshot.path).map_err(unreadable(&snapshot.path))?;
            n_ended += 1;
        } else {
            // One that cannot be read keeps everything: the error ends this.
            needed.extend(set.needed(&snapshot)?);
        }
    }
    for (name, path) in set.blobs()? {
        if !needed.contains(&name) {
            durable_fs::remove_any(&path).map_err(unreadable(&path))?;
            n_dropped += 1;
        }
    }
    if n_ended > 0 {
        durable_fs::sync_dir(&set.root().join("snapshots"))?;
    }
    Ok((n_ended, n_dropped))
}
