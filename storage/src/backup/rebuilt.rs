//! What a repair could not save of a database, brought back into the one that it
//! made: accounts, holds, reports, requests and what else no sidecar has.
//!
//! View counters come back as well, and with them which logs of a CDN they hold.
//!
//! What hangs together comes back together, and only where the database has nothing
//! of it yet: two halves of a queue, or two counts of requests, are worse than none.

use serde::{Deserialize, Serialize};

use super::entries;
use super::restore::LOAD_BATCH;
use crate::repair::lost::{self, Lost};
use crate::retention::imports;
use crate::{
    Changes, ImageId, Keyspace, Records, SledRecords, Space, StorageError, Views, audit,
    record_keys as keys,
};

/// What was brought back into a database that a repair had made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RebuiltAgain {
    /// When the database was rebuilt, in milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// Entries brought back.
    pub n_entries: u64,
    /// What the database has newer entries of, which were left as they are.
    pub left: Vec<String>,
    /// The backup is younger than the loss, and has nothing of what was lost.
    pub is_backup_younger: bool,
}

/// Spaces that come back together, or not at all.
const TOGETHER: [(&str, &[Space]); 3] = [
    (
        "reports, notices and the queue",
        &[
            Space::Jobs,
            Space::Queue,
            Space::Claims,
            Space::Purges,
            Space::Reports,
            Space::Notices,
        ],
    ),
    ("requests about personal data", &[Space::Rights]),
    ("accounts of staff", &[Space::Staff]),
];

/// Entries on their way back.
pub(super) struct Returning<'a> {
    there: &'a SledRecords,
    lost: Lost,
    /// Spaces of [`TOGETHER`] that the database has nothing of.
    whole: Vec<Space>,
    /// Those of which it has newer entries.
    left: Vec<Space>,
    has_audit: bool,
    has_imports: bool,
    waiting: Vec<(Vec<u8>, Vec<u8>)>,
    views: Vec<(ImageId, Views)>,
    pub(super) done: RebuiltAgain,
}

impl<'a> Returning<'a> {
    /// `None` where the database says nothing of a loss.
    pub(super) fn into_rebuilt(
        there: &'a SledRecords,
        made_at_ms: u64,
    ) -> Result<Option<Self>, StorageError> {
        let Some(lost) = lost::of(there)? else {
            return Ok(None);
        };
        let (mut whole, mut left, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for (name, spaces) in TOGETHER {
            if !spaces.iter().any(|space| lost.is_of(*space)) {
                continue;
            }
            let mut is_empty = true;
            for space in spaces {
                is_empty &= there.range(&space.all(), 1)?.is_empty();
            }
            if is_empty {
                whole.extend(spaces);
            } else {
                left.extend(spaces);
                names.push(name.to_owned());
            }
        }
        Ok(Some(Self {
            there,
            whole,
            left,
            has_audit: audit::head(there)? != audit::Head::EMPTY,
            has_imports: false,
            waiting: Vec::with_capacity(LOAD_BATCH),
            views: Vec::new(),
            done: RebuiltAgain {
                at_ms: lost.at_ms,
                left: names,
                is_backup_younger: made_at_ms > lost.at_ms,
                ..RebuiltAgain::default()
            },
            lost,
        }))
    }

    /// Takes an entry of the backup, if it is one that was lost. `is_left_out` tells
    /// images that do not come back.
    pub(super) fn take(
        &mut self,
        key: Vec<u8>,
        value: Vec<u8>,
        is_left_out: impl Fn(&ImageId) -> bool,
    ) -> Result<(), StorageError> {
        let is_gone = entries::image_of(&key).is_some_and(|image| is_left_out(&image));
        if let Some(image) = keys::viewed_image(&key).filter(|_| !is_gone) {
            return self.take_views(image, &value);
        }
        if is_gone || !self.is_wanted(&key)? || self.there.get(&key)?.is_some() {
            return Ok(());
        }
        self.has_imports |= imports::is_about_import(&key);
        self.waiting.push((key, value));
        if self.waiting.len() >= LOAD_BATCH {
            self.load()?;
        }
        Ok(())
    }

    fn take_views(&mut self, image: ImageId, value: &[u8]) -> Result<(), StorageError> {
        if !self.lost.is_of_views() {
            return Ok(());
        }
        if let Some(views) = keys::decode_views(value) {
            self.views.push((image, views));
        }
        if self.views.len() >= LOAD_BATCH {
            self.there.raise_views(&self.views)?;
            self.views.clear();
        }
        Ok(())
    }

    fn is_wanted(&self, key: &[u8]) -> Result<bool, StorageError> {
        let space = Space::ALL
            .into_iter()
            .find(|space| key.starts_with(&space.prefix()));
        Ok(match space {
            None | Some(Space::Sessions) => false,
            Some(space) if !self.lost.is_of(space) => false,
            Some(Space::Audit) => match audit::image_of(key) {
                Some(image) => self.there.find(&image)?.is_some(),
                // The files have the rest of it, or had it already.
                None => !self.has_audit && !audit::is_mark(key),
            },
            // Folders of backups, logs that were counted, copies of a CDN. What else
            // is there is found out anew.
            Some(Space::Retention) => matches!(key.get(2), Some(b'b' | b'i' | b'u' | b'v')),
            Some(space) => {
                let is_of_many = TOGETHER.iter().any(|(_, spaces)| spaces.contains(&space));
                !is_of_many || self.whole.contains(&space)
            }
        })
    }

    fn load(&mut self) -> Result<(), StorageError> {
        self.there.load_entries(&self.waiting)?;
        let n_loaded = u64::try_from(self.waiting.len()).unwrap_or(u64::MAX);
        self.done.n_entries = self.done.n_entries.saturating_add(n_loaded);
        self.waiting.clear();
        Ok(())
    }

    /// Writes the rest. Of the loss that is noted still which is not made good.
    pub(super) fn finish(mut self) -> Result<RebuiltAgain, StorageError> {
        self.load()?;
        self.there.raise_views(&self.views)?;
        if self.has_imports {
            // How many there are is counted anew by the next import.
            let mut changes = Changes::new();
            changes.delete(imports::number_key());
            self.there.commit(changes)?;
        }
        lost::made_good(self.there, &self.left)?;
        Ok(self.done)
    }
}
