//! The end of backups.

use std::collections::BTreeSet;
use std::path::Path;

use super::set::{self, BlobName, Set, Snapshot};
use super::{BackupError, unreadable};
use crate::calendar::MS_A_DAY;
use crate::durable_fs;

/// Ends snapshots that are `days_max` old, and drops the files that no other one
/// needs. Returns how many of both.
pub(super) fn prune(set: &Set, now_ms: u64, days_max: u32) -> Result<(u64, u64), BackupError> {
    let (left, n_ended) = end_old(set.root(), now_ms, days_max)?;
    let mut needed = BTreeSet::new();
    for snapshot in &left {
        // One that cannot be read keeps everything: the error ends this.
        needed.extend(set.needed(snapshot)?);
    }
    Ok((n_ended, drop_unneeded(set.root(), &needed)?))
}

/// The same for whoever has no key; returns how many snapshots were ended. Where one
/// that is left does not say what it needs, the files stay until it ends.
pub(super) fn prune_without_key(
    root: &Path,
    now_ms: u64,
    days_max: u32,
) -> Result<u64, BackupError> {
    let _lock = set::lock(root)?;
    let (left, n_ended) = end_old(root, now_ms, days_max)?;
    let mut needed = BTreeSet::new();
    for snapshot in &left {
        let Some(needs) = set::needs(snapshot)? else {
            return Ok(n_ended);
        };
        needed.extend(needs);
    }
    drop_unneeded(root, &needed)?;
    Ok(n_ended)
}

fn end_old(root: &Path, now_ms: u64, days_max: u32) -> Result<(Vec<Snapshot>, u64), BackupError> {
    let kept_ms = u64::from(days_max).saturating_mul(MS_A_DAY);
    let (mut left, mut n_ended) = (Vec::new(), 0);
    for snapshot in set::snapshots_in(root)? {
        if snapshot.made_at_ms.saturating_add(kept_ms) <= now_ms {
            durable_fs::remove_any(&snapshot.path).map_err(unreadable(&snapshot.path))?;
            n_ended += 1;
        } else {
            left.push(snapshot);
        }
    }
    if n_ended > 0 {
        durable_fs::sync_dir(&root.join("snapshots"))?;
    }
    Ok((left, n_ended))
}

fn drop_unneeded(root: &Path, needed: &BTreeSet<BlobName>) -> Result<u64, BackupError> {
    let mut n_dropped = 0;
    for (name, path) in set::blobs_in(root)? {
        if !needed.contains(&name) {
            durable_fs::remove_any(&path).map_err(unreadable(&path))?;
            n_dropped += 1;
        }
    }
    Ok(n_dropped)
}
