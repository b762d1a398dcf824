//! Hashes of images that must not come back.

mod bans;
mod counts;
mod entry;
mod list;
mod refused;
mod transfer;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(super) use bans::Left;
pub use counts::BankCounts;
pub use entry::{BankEntry, BankHash, BankPolicy, InvalidBankHash};
pub use list::{BANK_CSV_HEADER, BadLine, ListDefaults, ListReader};

use super::{ModerationError, Note};
use crate::audit::{self, Action, Actor, Subject};
use crate::pdq_index::{self, PdqIndex, bits_of};
use crate::record::LIKENESS_QUALITY_MIN;
use crate::{
    Changes, KeyRange, Keyspace, PerceptualHash, Record, Space, StorageError, Store, Turning,
};
use entry::UNSEARCHED;

/// Bits of 256 that two likenesses may differ in: PDQ's own recommendation.
pub const BANK_DISTANCE_MAX: u32 = pdq_index::DISTANCE_MAX;

/// Quality from which a likeness says enough: PDQ's own recommendation. Below
/// it, plain pictures are alike that have nothing to do with each other.
pub const BANK_QUALITY_MIN: u8 = LIKENESS_QUALITY_MIN;

/// Entries read at a time.
const PAGE: usize = 512;

/// Likenesses of one image whose entries are compared; with more of them the
/// nearest is as good.
const MATCHES_MAX: usize = 32;

/// What is known of an image that is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lookup {
    /// SHA-256 of the bytes as they would be stored.
    pub sha256: [u8; 32],
    /// What it looks like.
    pub pdq: Option<PerceptualHash>,
}

/// An entry that an image matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankMatch {
    /// The entry: of several the strictest, of those the nearest.
    pub entry: BankEntry,
    /// Bits in which they differ; 0 for the same bytes.
    pub distance: u32,
    /// What was done to the picture of the entry to have this one.
    pub turning: Turning,
}

/// A likeness of the bank that is near one that was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BankLikeness {
    /// Its PDQ.
    pub hash: [u8; 32],
    /// Bits in which they differ.
    pub distance: u32,
    /// What was done to its picture to have the one that was looked for.
    pub turning: Turning,
}

/// What becomes of the copies that were removed for a hash when it is taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AfterRemoval {
    /// They stay removed.
    #[default]
    CopiesStay,
    /// Those that nothing else keeps removed come back.
    CopiesReturn,
}

/// How a hash is taken off.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TakenOff {
    /// What becomes of its copies.
    pub then: AfterRemoval,
    /// Why, for the audit.
    pub why: Note,
}

/// The bank: entries in the keyspace, likenesses in memory as well, read when
/// they are first asked for: 100 MB for a million of them.
pub struct Bank {
    store: Arc<Store>,
    likenesses: RwLock<Option<PdqIndex>>,
    /// Read by whoever looks up and stores, or adds and notes; written, for a
    /// moment, before what is stored is searched.
    under_way: RwLock<()>,
    /// Uploads refused since they were written down last.
    refused: Mutex<BTreeMap<BankHash, u64>>,
}

impl Bank {
    /// The bank of a store.
    #[must_use]
    pub fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            likenesses: RwLock::new(None),
            under_way: RwLock::new(()),
            refused: Mutex::default(),
        }
    }

    /// Held from looking an image up until it is stored, or changed by what was
    /// found. Without it a ban could come in between: the image would not be
    /// stored yet when its copies are looked for, and they are looked for once.
    /// To be taken before the queue's turn.
    pub fn taking_in(&self) -> RwLockReadGuard<'_, ()> {
        self.under_way
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for everything that may not know yet of what is in the bank now.
    pub(super) fn wait_for_uploads(&self) {
        let waited = self.under_way.write();
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Reads the likenesses now, so that no upload waits for it.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn load(&self) -> Result<usize, ModerationError> {
        self.with_likenesses(PdqIndex::len)
    }

    fn with_likenesses<T>(&self, look: impl Fn(&PdqIndex) -> T) -> Result<T, ModerationError> {
        {
            let likenesses = self
                .likenesses
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(likenesses) = &*likenesses {
                return Ok(look(likenesses));
            }
        }
        // What is added meanwhile waits for the lock, and is noted twice at most.
        let mut likenesses = self
            .likenesses
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let read = match likenesses.take() {
            Some(read) => read,
            None => PdqIndex::build(self.stored_likenesses()?),
        };
        Ok(look(likenesses.insert(read)))
    }

    fn stored_likenesses(&self) -> Result<Vec<[u8; 32]>, ModerationError> {
        let mut hashes = Vec::new();
        let mut range = KeyRange::prefix(&Space::Bank.key(&[b"p"]));
        loop {
            let entries = self.store.range(&range, PAGE)?;
            let found = entries
                .iter()
                .filter_map(|entry| BankHash::of_key(&entry.key));
            hashes.extend(found.filter_map(|hash| match hash {
                BankHash::Pdq(pdq) => Some(pdq),
                BankHash::Sha256(_) => None,
            }));
            match entries.last() {
                Some(last) => range = range.after(&last.key),
                None => return Ok(hashes),
            }
        }
    }

    /// The entry that an image matches, if there is one.
    ///
    /// # Errors
    /// When the bank cannot be read.
    pub fn lookup(&self, wanted: &Lookup) -> Result<Option<BankMatch>, ModerationError> {
        let exact = self.entry(&BankHash::Sha256(wanted.sha256))?;
        let mut best = exact.map(BankMatch::of_file);
        if let Some(pdq) = wanted.pdq
            && pdq.quality >= BANK_QUALITY_MIN
        {
            for found in self.alike(&pdq)? {
                let entry = self.entry(&BankHash::Pdq(found.hash))?;
                let found = entry.map(|entry| BankMatch {
                    entry,
                    distance: found.distance,
                    turning: found.turning,
                });
                best = stricter(best, found);
            }
        }
        Ok(best)
    }

    /// The same for an upload that was rewritten before it would be stored: the file
    /// as it came is looked for too, since that is what shared lists have hashes of.
    ///
    /// # Errors
    /// When the bank cannot be read.
    pub fn lookup_arrived(
        &self,
        wanted: &Lookup,
        arrived: &[u8; 32],
    ) -> Result<Option<BankMatch>, ModerationError> {
        let known = self.lookup(wanted)?;
        let as_it_came = self.entry(&BankHash::Sha256(*arrived))?;
        Ok(stricter(known, as_it_came.map(BankMatch::of_file)))
    }

    /// Likenesses within [`BANK_DISTANCE_MAX`] of a picture however it lies, each
    /// once, the nearest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn alike(&self, pdq: &PerceptualHash) -> Result<Vec<BankLikeness>, ModerationError> {
        let turnings = pdq.turnings();
        let mut alike = self.with_likenesses(|known| {
            let mut alike = Vec::new();
            for (turning, hash) in turnings {
                let near = known.within(&bits_of(&hash), BANK_DISTANCE_MAX, MATCHES_MAX);
                alike.extend(near.into_iter().map(|(hash, distance)| BankLikeness {
                    hash,
                    distance,
                    // What makes this one that one: its picture was turned back.
                    turning: turning.inverse(),
                }));
            }
            alike
        })?;
        alike.sort_unstable_by_key(|found| (found.distance, found.turning, found.hash));
        // A picture that is its own mirror image is near in several ways.
        let mut seen = HashSet::new();
        alike.retain(|found| seen.insert(found.hash));
        alike.truncate(MATCHES_MAX);
        Ok(alike)
    }

    /// The entry of a hash.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn entry(&self, hash: &BankHash) -> Result<Option<BankEntry>, ModerationError> {
        let encoded = self.store.get(&hash.key())?;
        Ok(encoded
            .map(|encoded| BankEntry::decode(&encoded))
            .transpose()?)
    }

    /// Up to `limit` entries behind `after`, in the order of their hashes.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn entries(
        &self,
        after: Option<&BankHash>,
        limit: usize,
    ) -> Result<Vec<BankEntry>, ModerationError> {
        let mut range = KeyRange {
            from: Space::Bank.key(&[b"p"]),
            ..Space::Bank.all()
        };
        if let Some(hash) = after {
            range = range.after(&hash.key());
        }
        let entries = self.store.range(&range, limit)?;
        let decoded = entries.iter().map(|entry| BankEntry::decode(&entry.value));
        Ok(decoded.collect::<Result<_, _>>()?)
    }

    /// Up to `limit` hashes that were added and not yet looked for among what is
    /// stored; they stay so over a restart.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn unsearched(&self, limit: usize) -> Result<Vec<BankHash>, ModerationError> {
        let range = KeyRange::prefix(&Space::Bank.key(&[UNSEARCHED]));
        let marks = self.store.range(&range, limit)?;
        let hashes = marks.iter().filter_map(|mark| BankHash::of_mark(&mark.key));
        Ok(hashes.collect())
    }

    /// Notes that copies of these were looked for and dealt with.
    ///
    /// # Errors
    /// The store's.
    pub fn searched(&self, hashes: &[BankHash]) -> Result<(), ModerationError> {
        let mut changes = Changes::new();
        for hash in hashes {
            changes.delete(hash.mark());
        }
        Ok(Keyspace::commit(&*self.store, changes)?)
    }

    /// Adds one entry, or makes the one that is there as strict as this. False
    /// when its hash is there already and as strict.
    ///
    /// # Errors
    /// The store's.
    pub fn add(
        &self,
        actor: &Actor,
        entry: &BankEntry,
        now_ms: u64,
    ) -> Result<bool, ModerationError> {
        let _taking_in = self.taking_in();
        let is_new = audit::commit(&*self.store, |changes| {
            let is_new = self.plan_add(changes, entry)?;
            if is_new {
                let told = audit::Entry::new(now_ms, actor.clone(), Action::new("bank-added"))
                    .about(Subject::named("hash", &entry.hash.to_string()))
                    .changed(Value::Null, json!(entry));
                audit::append(&*self.store, changes, told)?;
            }
            Ok::<_, ModerationError>(is_new)
        })?;
        if is_new {
            self.note(&[entry.hash]);
        }
        Ok(is_new)
    }

    /// Removes one entry. False when there is none.
    ///
    /// # Errors
    /// The store's.
    pub fn remove(
        &self,
        actor: &Actor,
        hash: &BankHash,
        taken_off: &TakenOff,
        now_ms: u64,
    ) -> Result<bool, ModerationError> {
        let was_there = audit::commit(&*self.store, |changes| {
            let entry = self.entry(hash)?;
            if let Some(entry) = &entry {
                let left = match taken_off.then {
                    AfterRemoval::CopiesReturn => Left::of(entry),
                    AfterRemoval::CopiesStay => Left::Stay,
                };
                self.plan_left(changes, hash, left)?;
            }
            let was_there = self.plan_remove(changes, hash)?;
            if was_there {
                let told = audit::Entry::new(now_ms, actor.clone(), Action::new("bank-removed"))
                    .about(Subject::named("hash", &hash.to_string()))
                    .changed(json!(entry), json!(taken_off));
                audit::append(&*self.store, changes, told)?;
            }
            Ok::<_, ModerationError>(was_there)
        })?;
        if was_there {
            self.forget(&[*hash]);
        }
        Ok(was_there)
    }

    /// Plans an entry, or that the one that is there becomes as strict; false when
    /// it is.
    pub(super) fn plan_add(
        &self,
        changes: &mut Changes,
        entry: &BankEntry,
    ) -> Result<bool, ModerationError> {
        let key = entry.hash.key();
        let stored = self.store.get(&key)?;
        let known = stored.as_deref().map(BankEntry::decode).transpose()?;
        let entry = match known {
            None => entry.clone(),
            Some(known) => match known.made_stricter(entry) {
                Some(stricter) => stricter,
                None => return Ok(false),
            },
        };
        changes.expect(key.clone(), stored);
        changes.put(key, entry.encode());
        changes.put(entry.hash.mark(), []);
        Ok(true)
    }

    /// Plans the removal of an entry; false when there is none.
    pub(super) fn plan_remove(
        &self,
        changes: &mut Changes,
        hash: &BankHash,
    ) -> Result<bool, ModerationError> {
        let key = hash.key();
        let stored = self.store.get(&key)?;
        let is_there = stored.is_some();
        if is_there {
            changes.expect(key.clone(), stored);
            changes.delete(key);
            changes.delete(hash.mark());
            changes.delete(hash.removals_key());
            changes.delete(hash.refused_key());
        }
        Ok(is_there)
    }

    /// Takes into memory what was committed.
    pub(super) fn note(&self, hashes: &[BankHash]) {
        self.change(hashes, PdqIndex::add);
    }

    /// Takes out of memory what was committed.
    pub(super) fn forget(&self, hashes: &[BankHash]) {
        self.change(hashes, PdqIndex::remove);
    }

    fn change(&self, hashes: &[BankHash], change: fn(&mut PdqIndex, [u8; 32])) {
        let mut likenesses = self
            .likenesses
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // Not read yet, they will be read as they are now.
        let Some(likenesses) = &mut *likenesses else {
            return;
        };
        for hash in hashes {
            if let BankHash::Pdq(pdq) = hash {
                change(likenesses, *pdq);
            }
        }
    }
}

impl BankHash {
    /// The hashes under which an image goes into the bank. A likeness of little
    /// quality would match what has nothing to do with it.
    pub fn of(record: &Record) -> impl Iterator<Item = Self> {
        [
            Some(Self::Sha256(record.sha256)),
            record.likeness().map(Self::Pdq),
        ]
        .into_iter()
        .flatten()
    }
}

/// Plans that the bank forgets which image its hashes were taken from, in the commit
/// that ends the image. The hashes stay: the image must not come back.
pub(crate) fn plan_origin_forgotten(
    keys: &dyn Keyspace,
    changes: &mut Changes,
    record: &Record,
) -> Result<(), StorageError> {
    for hash in BankHash::of(record) {
        let stored = keys.get(&hash.key())?;
        let entry = stored.as_deref().map(BankEntry::decode).transpose();
        // What cannot be read is met, and reported, when it is used.
        let Some(entry) = entry.ok().flatten() else {
            continue;
        };
        if entry.image == Some(record.id) {
            let forgotten = BankEntry {
                image: None,
                ..entry
            };
            changes.expect(hash.key(), stored);
            changes.put(hash.key(), forgotten.encode());
        }
    }
    Ok(())
}

impl BankMatch {
    /// The very file that an entry is about.
    fn of_file(entry: BankEntry) -> Self {
        Self {
            entry,
            distance: 0,
            turning: Turning::Upright,
        }
    }
}

fn stricter(best: Option<BankMatch>, found: Option<BankMatch>) -> Option<BankMatch> {
    let rank = |found: &BankMatch| (found.entry.policy, found.distance, found.turning);
    best.into_iter().chain(found).min_by_key(rank)
}
