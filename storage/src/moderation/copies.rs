//! Images that are stored already and match a hash of the bank.

use std::collections::HashMap;
use std::ops::ControlFlow;

use serde_json::json;

use super::job_keys;
use super::{
    BANK_QUALITY_MIN, BankEntry, BankHash, BankPolicy, Job, Lane, ModerationError, Moderator,
    Policy, Queue, Status, Verdict,
};
use crate::audit::{self, Action, Actor, Subject};
use crate::{Alike, ImageId, Keyspace, PerceptualHash, State, StorageError};

/// Copies found in one search. Whoever has more goes on with the next one: what
/// was removed, or waits for people, is not found again.
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
    /// exact ones, and likenesses as [`Store::for_each_alike`] finds them, however
    /// they lie. Each image is found once, with the hash that it is nearest to; one about which
    /// there is nothing left to do is not found.
    ///
    /// [`Store::for_each_alike`]: crate::Store::for_each_alike
    ///
    /// # Errors
    /// The store's.
    pub fn find_copies(&self, hashes: &[BankHash]) -> Result<Copies, ModerationError> {
        self.bank.wait_for_uploads();
        let mut entries = HashMap::new();
        for hash in hashes {
            // What left the bank meanwhile is not looked for.
            if let Some(entry) = self.bank.entry(hash)? {
                entries.insert(*hash, entry);
            }
        }
        let mut found: HashMap<ImageId, (u32, BankHash)> = HashMap::new();
        let mut is_complete = self.find_same(&entries, &mut found)?;
        let mut turned: HashMap<[u8; 32], Vec<&BankEntry>> = HashMap::new();
        for entry in entries.values() {
            for (_, hash) in self
                .picture(entry)?
                .iter()
                .flat_map(PerceptualHash::turnings)
            {
                turned.entry(hash).or_default().push(entry);
            }
        }
        let mut visit = |alike: Alike| {
            for entry in turned.get(&alike.to).into_iter().flatten() {
                let known = found.get(&alike.id).map(|(distance, _)| *distance);
                let is_nearer = known.is_none_or(|known| alike.distance < known);
                if is_nearer && self.is_to_be_treated(&alike.id, entry)? {
                    found.insert(alike.id, (alike.distance, entry.hash));
                }
            }
            if found.len() < COPIES_MAX {
                return Ok(ControlFlow::Continue(()));
            }
            is_complete = false;
            Ok(ControlFlow::Break(()))
        };
        let wanted: Vec<[u8; 32]> = turned.keys().copied().collect();
        if !wanted.is_empty() {
            self.store.for_each_alike(&wanted, &mut visit)?;
        }
        let images = found.into_iter().map(|(id, (_, hash))| (id, hash));
        let mut images: Vec<_> = images.collect();
        images.sort_unstable();
        Ok(Copies {
            images,
            is_complete,
        })
    }

    /// What an entry knows of its picture, if it is about one: all that the image's
    /// record says while there is one, and nothing but the hash of a list's.
    fn picture(&self, entry: &BankEntry) -> Result<Option<PerceptualHash>, StorageError> {
        let BankHash::Pdq(hash) = entry.hash else {
            return Ok(None);
        };
        let record = match &entry.image {
            Some(image) => self.store.find(image)?,
            None => None,
        };
        let kept = record.and_then(|record| record.pdq);
        let kept = kept.filter(|pdq| pdq.hash == hash);
        Ok(kept.or_else(|| Some(PerceptualHash::bare(hash, BANK_QUALITY_MIN))))
    }

    /// Finds the very same files. False when there are more than one search gives.
    fn find_same(
        &self,
        entries: &HashMap<BankHash, BankEntry>,
        found: &mut HashMap<ImageId, (u32, BankHash)>,
    ) -> Result<bool, ModerationError> {
        for (hash, entry) in entries {
            let BankHash::Sha256(sha256) = hash else {
                continue;
            };
            // Ids alone, 12 MB for a million of them; most may be treated already.
            for id in self.store.with_sha256(sha256, usize::MAX)? {
                if self.is_to_be_treated(&id, entry)? {
                    found.insert(id, (0, *hash));
                }
                if found.len() >= COPIES_MAX {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Whether an entry of the bank says anything about an image that is not
    /// done, or before the eyes of people, already.
    fn is_to_be_treated(&self, id: &ImageId, entry: &BankEntry) -> Result<bool, StorageError> {
        let Some(record) = self.store.find(id)? else {
            return Ok(false);
        };
        if !STATES.contains(&record.state) {
            return Ok(false);
        }
        let Some(job) = self.store.get(&job_keys::job(id))? else {
            return Ok(true);
        };
        let job = Job::decode(&job)?;
        let is_of_people = entry.policy == BankPolicy::Queue || is_for_people(&job, entry);
        let lane = entry.flag().lane;
        let is_before_them = job.status != Status::Decided
            && record.state != State::Public
            && job.signals.hash_match
            && (lane == Lane::General || lane == job.lane);
        // They knew what the bank says, and let it stay.
        let is_known = job.status == Status::Decided
            && let_stay_at(&job).is_some_and(|at_ms| at_ms > entry.added_at_ms);
        Ok(!(is_of_people && (is_before_them || is_known)))
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

    fn treat(
        &self,
        who: Option<&Moderator>,
        image: &ImageId,
        entry: &BankEntry,
        now_ms: u64,
    ) -> Result<Job, ModerationError> {
        let job = self.job(image)?;
        let is_for_people = job.is_some_and(|job| is_for_people(&job, entry));
        if entry.policy == BankPolicy::Queue || is_for_people {
            return self.queue_copy(who, image, entry, now_ms);
        }
        let verdict = Verdict::Remove {
            policy: entry.against,
            reason: entry.reason.clone(),
            bank: None,
        };
        // What somebody removed is theirs to take back.
        let copy_of = who.is_none().then_some(entry.hash);
        self.take_down_for(who, copy_of, image, &verdict, now_ms)
    }

    /// Hides a copy until people have looked.
    fn queue_copy(
        &self,
        who: Option<&Moderator>,
        image: &ImageId,
        entry: &BankEntry,
        now_ms: u64,
    ) -> Result<Job, ModerationError> {
        let _turn = self.turn();
        let views = self.store.views(image)?;
        let queued = audit::commit(&*self.store, |changes| {
            let mut record = self.record(image)?;
            let before = record.state;
            let flag = entry.flag();
            let job = flag.plan(&*self.store, changes, &mut record, &views, now_ms)?;
            let actor = who.map_or(Actor::System, Moderator::actor);
            let told = audit::Entry::new(now_ms, actor, Action::new("copy-queued"))
                .about(Subject::image(image))
                .changed(
                    json!({"state": before}),
                    json!({"state": record.state, "lane": job.lane, "hash": entry.hash}),
                );
            audit::append(&*self.store, changes, told)?;
            Ok(job)
        });
        self.drop_variants_of_evidence(image);
        queued
    }
}

/// Whether people decide about a copy, whatever the bank says: what child safety
/// has not seen yet is not decided for them, and what staff let stay is not
/// removed without them.
fn is_for_people(job: &Job, entry: &BankEntry) -> bool {
    let waits_for_child_safety = job.lane == Lane::ChildSafety && job.status != Status::Decided;
    (waits_for_child_safety && entry.against != Policy::ChildAbuse) || let_stay_at(job).is_some()
}

/// When somebody of the staff let the image stay, if that was the last word.
fn let_stay_at(job: &Job) -> Option<u64> {
    let decision = job.decision.as_ref()?;
    let is_let_stay = matches!(decision.verdict, Verdict::Safe | Verdict::Nsfw);
    (is_let_stay && decision.by.is_some()).then_some(decision.at_ms)
}
