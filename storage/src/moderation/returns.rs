//! Copies that come back when the ban that had removed them is gone.
//!
//! A removal by the service names the hash of the bank that it rests on
//! ([`Decision::copy_of`]), and is listed under it. When no removal asks for that
//! hash any more, the commit that takes it out of the bank marks it; from then on
//! its copies come back one by one, each in a commit of its own that ends its place
//! in the list. Cut short, what is still listed goes on.
//!
//! What has another ground stays as it is: another hash of the bank, a hold, a
//! decision since, its owner's deletion, its purge. Copies of what was banned as the
//! abuse of a child are shown to nobody before child safety has looked.

use serde_json::{Value, json};

use super::flag::stored;
use super::job_keys::{self, Stored};
use super::words::say_again;
use super::{
    Bank, BankHash, Decision, Job, Lane, Lookup, ModerationError, Policy, Queue, Reason, Status,
    Verdict,
};
use crate::audit::{self, Action, Actor, Subject};
use crate::complaints::outcome;
use crate::{Changes, ImageId, Keyspace, Record, State, StorageError};

/// Copies that are counted of one ban: more are "at least as many".
pub const COPIES_COUNTED_MAX: usize = 1_000;

/// Hashes looked at together.
const HASHES: usize = 64;

/// What came back in one go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Returned {
    /// Images that are as they were before their removal.
    pub images: Vec<ImageId>,
    /// Those that stay removed, for another reason.
    pub n_kept: usize,
    /// Whether nothing is left to come back.
    pub is_complete: bool,
}

/// What keeps a copy removed once its ban is gone.
enum Ground {
    /// Another hash of the bank.
    Bank(BankHash),
    /// Something else, by its name in the audit.
    Other(&'static str),
    /// There is nothing to bring back.
    Gone,
}

impl Queue {
    /// Brings back copies whose ban is gone, at most `limit` of them looked at.
    ///
    /// # Errors
    /// The store's; calling again goes on.
    pub fn return_copies(&self, now_ms: u64, limit: usize) -> Result<Returned, ModerationError> {
        let mut returned = Returned::default();
        let mut n_left = limit.max(1);
        let hashes = self.bank.left(HASHES)?;
        returned.is_complete = hashes.len() < HASHES;
        for hash in hashes {
            // Banned again, what is removed for it is removed for good reason.
            let is_banned = self.bank.entry(&hash)?.is_some();
            let limit = if is_banned { 0 } else { n_left };
            let listed = self.store.range(&hash.copies(), limit)?;
            for entry in &listed {
                let Some(image) = BankHash::copy_of_key(&entry.key) else {
                    continue;
                };
                if self.return_copy(&image, &hash, now_ms)? {
                    returned.images.push(image);
                } else {
                    returned.n_kept += 1;
                }
            }
            n_left -= listed.len();
            if n_left == 0 {
                returned.is_complete = false;
                return Ok(returned);
            }
            let _turn = self.turn();
            if is_banned || self.store.range(&hash.copies(), 1)?.is_empty() {
                self.bank.end_left(&hash)?;
            }
        }
        Ok(returned)
    }

    /// How many copies come back when the decision that stands is taken back or
    /// overturned, counted up to [`COPIES_COUNTED_MAX`]; fewer where something else
    /// keeps some of them.
    ///
    /// # Errors
    /// The store's.
    pub fn copies_to_return(&self, job: &Job) -> Result<usize, ModerationError> {
        let Some(decision) = &job.decision else {
            return Ok(0);
        };
        let mut n_copies = 0_usize;
        for hash in &decision.banked {
            if self.bank.rests_on_one(hash)? {
                n_copies += self.n_copies(hash)?;
            }
        }
        Ok(n_copies.min(COPIES_COUNTED_MAX))
    }

    /// How many copies are removed for a hash, counted up to [`COPIES_COUNTED_MAX`].
    ///
    /// # Errors
    /// The store's.
    pub fn n_copies(&self, hash: &BankHash) -> Result<usize, ModerationError> {
        Ok(self.store.range(&hash.copies(), COPIES_COUNTED_MAX)?.len())
    }

    /// True when the image is as it was before.
    fn return_copy(
        &self,
        image: &ImageId,
        hash: &BankHash,
        now_ms: u64,
    ) -> Result<bool, ModerationError> {
        let _taking_in = self.bank.taking_in();
        let _turn = self.turn();
        let mut foretold = None;
        let is_back = audit::commit(&*self.store, |changes| {
            let stored = stored(&*self.store, image)?;
            let decision = stored
                .as_ref()
                .and_then(|stored| stored.job.decision.as_ref());
            let removal = decision.filter(|decision| decision.copy_of == Some(*hash));
            let (Some(removal), Some(record)) = (removal.cloned(), self.store.find(image)?) else {
                changes.delete(hash.copy_key(image));
                return Ok(false);
            };
            let Some(stored) = stored else {
                return Ok(false);
            };
            match self.other_ground(&stored.job, &removal, &record)? {
                Some(ground) => {
                    self.plan_kept(changes, stored, hash, &ground, now_ms)?;
                    Ok(false)
                }
                None => {
                    told(
                        &*self.store,
                        changes,
                        image,
                        "copy-returned",
                        json!({
                            "state": removal.before.state, "hash": hash,
                        }),
                        now_ms,
                    )?;
                    let job = self.plan_returned(changes, stored, &removal, record)?;
                    foretold = Some(self.foretell(changes, State::Blocked, &job, now_ms)?);
                    Ok::<_, ModerationError>(true)
                }
            }
        });
        if let Some(foretold) = &foretold {
            self.fulfil(foretold, now_ms);
        }
        is_back
    }

    fn other_ground(
        &self,
        job: &Job,
        removal: &Decision,
        record: &Record,
    ) -> Result<Option<Ground>, ModerationError> {
        if record.state != State::Blocked || removal.purged_at_ms.is_some() {
            return Ok(Some(Ground::Gone));
        }
        // Its owner objects, or there is something new: people decide.
        if job.status != Status::Decided {
            return Ok(Some(Ground::Other("before-people")));
        }
        if record.court_hold || (record.legal_hold && !removal.holds()) {
            return Ok(Some(Ground::Other("held")));
        }
        let known = self.bank.lookup(&Lookup {
            sha256: record.sha256,
            pdq: record.pdq,
        })?;
        Ok(known.map(|known| Ground::Bank(known.entry.hash)))
    }

    /// Plans that a copy stays removed: for another hash it is listed under that.
    fn plan_kept(
        &self,
        changes: &mut Changes,
        stored: Stored,
        hash: &BankHash,
        ground: &Ground,
        now_ms: u64,
    ) -> Result<(), ModerationError> {
        let image = stored.job.image;
        let (other, why) = match ground {
            Ground::Bank(other) => (Some(*other), "another-hash"),
            Ground::Other(why) => (None, *why),
            Ground::Gone => (None, ""),
        };
        plan_listed(changes, &image, Some(*hash), other);
        let mut job = stored.job.clone();
        if let Some(decision) = &mut job.decision {
            decision.copy_of = other;
        }
        job_keys::restamp(changes, stored, &job);
        if !matches!(ground, Ground::Gone) {
            let after = json!({"why": why, "hash": hash});
            told(&*self.store, changes, &image, "copy-kept", after, now_ms)?;
        }
        Ok(())
    }

    /// Plans that an image is as it was before its removal.
    fn plan_returned(
        &self,
        changes: &mut Changes,
        stored: Stored,
        removal: &Decision,
        mut record: Record,
    ) -> Result<Job, ModerationError> {
        let (image, before) = (record.id, &removal.before);
        plan_listed(changes, &image, removal.copy_of, None);
        (record.state, record.ruling) = (before.state, before.ruling);
        record.legal_hold = before.held;
        outcome::plan_undone(&*self.store, changes, &mut record, removal)?;
        let mut earlier = before.earlier.clone().map(|earlier| *earlier);
        if let Some(earlier) = &mut earlier {
            say_again(&*self.store, &image, earlier)?;
            plan_listed(changes, &image, None, earlier.copy_of);
        }
        let mut job = stored.job.clone();
        (job.lane, job.decision) = (before.lane, earlier);
        job.not_by.clone_from(&before.not_by);
        if is_about_children(removal) {
            job.lane = Lane::ChildSafety;
            job.reasons.insert(Reason::HashMatch);
            super::decide::hide(&mut record);
            record.legal_hold = true;
        }
        // What was to be looked at before is so again.
        job.status = match job.reasons.is_empty() {
            true => Status::Decided,
            false => Status::Waiting,
        };
        job_keys::replace(changes, Some(stored), &mut job);
        changes.update_record(record);
        Ok(job)
    }

    /// Plans the lists after a decision was taken back, and one before it stands again.
    pub(super) fn relisted(
        &self,
        changes: &mut Changes,
        image: &ImageId,
        undone: &Decision,
        again: Option<&Decision>,
    ) -> Result<(), ModerationError> {
        let copy_of = again.and_then(|again| again.copy_of);
        plan_listed(changes, image, undone.copy_of, copy_of);
        if let Some(hash) = copy_of
            && self.bank.entry(&hash)?.is_none()
        {
            // The ban went while another decision stood.
            Bank::plan_marked(changes, &hash);
        }
        Ok(())
    }
}

/// Plans for which hash an image is listed as a copy.
pub(super) fn plan_listed(
    changes: &mut Changes,
    image: &ImageId,
    before: Option<BankHash>,
    after: Option<BankHash>,
) {
    if let Some(hash) = before {
        changes.delete(hash.copy_key(image));
    }
    if let Some(hash) = after {
        changes.put(hash.copy_key(image), []);
    }
}

fn is_about_children(removal: &Decision) -> bool {
    let policy = Policy::ChildAbuse;
    matches!(&removal.verdict, Verdict::Remove { policy: why, .. } if *why == policy)
}

fn told(
    keys: &dyn Keyspace,
    changes: &mut Changes,
    image: &ImageId,
    action: &'static str,
    after: Value,
    now_ms: u64,
) -> Result<(), StorageError> {
    let entry = audit::Entry::new(now_ms, Actor::System, Action::new(action))
        .about(Subject::image(image))
        .changed(json!({"state": State::Blocked}), after);
    audit::append(keys, changes, entry).map(drop)
}
