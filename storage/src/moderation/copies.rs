//! Images that are stored already and match a hash of the bank.

use super::bank::{PdqIndex, bits_of};
use super::{
    BANK_DISTANCE_MAX, BANK_QUALITY_MIN, BankEntry, BankHash, BankPolicy, Job, Lane,
    ModerationError, Moderator, Policy, Queue, Status, Verdict,
};
use crate::{ImageId, State};

/// Records looked at together.
const PAGE: usize = 512;

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
    /// Finds what is stored and matches one of these hashes: exact ones through
    /// the index, likenesses by looking at every record, which takes seconds
    /// with a million of them.
    ///
    /// # Errors
    /// The store's.
    pub fn find_copies(&self, hashes: &[BankHash]) -> Result<Copies, ModerationError> {
        let mut copies = Copies::default();
        let mut pdqs = Vec::new();
        for hash in hashes {
            match hash {
                BankHash::Pdq(pdq) => pdqs.push(*pdq),
                BankHash::Sha256(sha256) => {
                    for id in self.store.with_sha256(sha256, COPIES_MAX)? {
                        let record = self.store.find(&id)?;
                        if record.is_some_and(|record| STATES.contains(&record.state)) {
                            copies.images.push((id, *hash));
                        }
                    }
                }
            }
        }
        copies.is_complete = true;
        if !pdqs.is_empty() {
            self.find_alike(&PdqIndex::build(pdqs), &mut copies)?;
        }
        copies.images.sort_unstable();
        copies.images.dedup_by_key(|(id, _)| *id);
        Ok(copies)
    }

    fn find_alike(&self, wanted: &PdqIndex, copies: &mut Copies) -> Result<(), ModerationError> {
        for state in STATES {
            let mut after = None;
            loop {
                let page = self.store.in_state(state, after.as_ref(), PAGE)?;
                for id in &page.ids {
                    let Some(pdq) = self.store.find(id)?.and_then(|record| record.pdq) else {
                        continue;
                    };
                    if pdq.quality < BANK_QUALITY_MIN {
                        continue;
                    }
                    let nearest = wanted.nearest(&bits_of(&pdq.hash), BANK_DISTANCE_MAX);
                    if let Some((hash, _)) = nearest {
                        copies.images.push((*id, BankHash::Pdq(hash)));
                    }
                }
                if copies.images.len() >= COPIES_MAX {
                    copies.is_complete = false;
                    return Ok(());
                }
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        Ok(())
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
