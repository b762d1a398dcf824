//! Images that are stored already and match a hash of the bank.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::{
    BankEntry, BankHash, BankPolicy, Job, Lane, ModerationError, Moderator, Policy, Queue, Status,
    Verdict,
};
use crate::{Alike, ImageId, State, StorageError};

/// Copies found in one search. Whoever has more goes on with the next one: what
/// was removed is not found again.
const COPIES_MAX: usize = 10_000;

/// States in which an image can still come to be seen.
const STATES: [State; 4] = [
    State::Public,
    State::Review,
    State::Pending,
    State::ScanFailed,
];

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Copies {
    /// The images with the hash that each one matches.
    pub images: Vec<(ImageId, BankHash)>,
    /// Whether everything was looked at.
    pub is_complete: bool,
}

impl Queue {
    /// Finds what is stored and matches one of these hashes, through the indexes:
    /// exact ones, and likenesses as [`Store::for_each_alike`] finds them. Each
    /// image is found once, with the hash that it is nearest to.
    ///
    /// [`Store::for_each_alike`]: crate::Store::for_each_alike
    ///
    /// # Errors
    /// The store's.
    pub fn find_copies(&self, hashes: &[BankHash]) -> Result<Copies, ModerationError> {
        let mut found: HashMap<ImageId, (u32, BankHash)> = HashMap::new();
        let mut pdqs = Vec::new();
        for hash in hashes {
            match hash {
                BankHash::Pdq(pdq) => pdqs.push(*pdq),
                BankHash::Sha256(sha256) => {
                    for id in self.store.with_sha256(sha256, COPIES_MAX)? {
                        if self.can_be_seen(&id)? {
                            found.insert(id, (0, *hash));
                        }
                    }
                }
            }
        }
        let mut is_complete = true;
        let mut visit = |alike: Alike| {
            let known = found.get(&alike.id).map(|(distance, _)| *distance);
            if known.is_none_or(|known| alike.distance < known)
                && (known.is_some() || self.can_be_seen(&alike.id)?)
            {
                found.insert(alike.id, (alike.distance, BankHash::Pdq(alike.to)));
            }
            if found.len() < COPIES_MAX {
                return Ok(ControlFlow::Continue(()));
            }
            is_complete = false;
            Ok(ControlFlow::Break(()))
        };
        if !pdqs.is_empty() {
            self.store.for_each_alike(&pdqs, &mut visit)?;
        }
        let images = found.into_iter().map(|(id, (_, hash))| (id, hash));
        let mut images: Vec<_> = images.collect();
        images.sort_unstable();
        Ok(Copies {
            images,
            is_complete,
        })
    }

    fn can_be_seen(&self, id: &ImageId) -> Result<bool, StorageError> {
        let record = self.store.find(id)?;
        Ok(record.is_some_and(|record| STATES.contains(&record.state)))
    }

    /// Treats copies as their entries of the bank say: removed together, each
    /// with a row of its own in the audit, or hidden and queued. Returns the
    /// jobs; copies that are gone or decided so already are passed over.
    ///
    /// # Errors
    /// The store's.
    pub fn treat_copies(
        &self,
        who: Option<&Moderator>,
        copies: &Copies,
        now_ms: u64,
    ) -> Result<Vec<Job>, ModerationError> {
        let mut jobs = Vec::new();
        for (image, hash) in &copies.images {
            let Some(entry) = self.bank.entry(hash)? else {
                continue;
            };
            match self.treat(who, image, &entry, now_ms) {
                Ok(job) => jobs.push(job),
                Err(ModerationError::Gone { .. } | ModerationError::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(jobs)
    }

    fn waits_for_child_safety(
        &self,
        image: &ImageId,
        entry: &BankEntry,
    ) -> Result<bool, ModerationError> {
        let job = self.job(image)?;
        Ok(entry.against != Policy::ChildAbuse
            && job
                .is_some_and(|job| job.lane == Lane::ChildSafety && job.status != Status::Decided))
    }

    fn treat(
        &self,
        who: Option<&Moderator>,
        image: &ImageId,
        entry: &BankEntry,
        now_ms: u64,
    ) -> Result<Job, ModerationError> {
        match entry.policy {
            BankPolicy::Queue => self.flag(image, &entry.flag(), now_ms),
            // What child safety has not seen yet is not decided for them.
            BankPolicy::Refuse if self.waits_for_child_safety(image, entry)? => {
                self.flag(image, &entry.flag(), now_ms)
            }
            BankPolicy::Refuse => {
                let verdict = Verdict::Remove {
                    policy: entry.against,
                    reason: entry.reason.clone(),
                    bank: None,
                };
                self.take_down(who, image, &verdict, now_ms)
            }
        }
    }
}
