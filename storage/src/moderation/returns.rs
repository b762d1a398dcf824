//! Copies that come back when the ban that had removed them is gone.
//!
//! A removal by the service names the hash of the bank that it rests on
//! ([`Decision::copy_of`]), and is listed under it. When no removal asks for that
//! hash any more, the commit that takes it out of the bank marks it; from then on
//! its copies come back one by one, each in a commit of its own that ends its place
//! in the list. Cut short, what is still listed goes on.
//!
//! What was decided since, deleted or purged stays as it is. What another hash of the
//! bank matches goes before people: its removal rested on the ban that is gone, and
//! nobody has judged it by the other. Copies of what was banned as the abuse of a child
//! are shown to nobody before child safety has looked.

use serde_json::{Value, json};

use super::bank::Left;
use super::flag::stored;
use super::job_keys::{self, Stored};
use super::words::say_again;
use super::{
    BankEntry, BankHash, Decision, Job, Lane, Lookup, ModerationError, Policy, Queue, Reason,
    Status, Verdict,
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
    /// Images that are as they were before their removal, or before people.
    pub images: Vec<ImageId>,
    /// Those that stay removed.
    pub n_kept: usize,
    /// Whether nothing is left to come back.
    pub is_complete: bool,
}

/// What becomes of a copy whose ban is gone.
enum Way {
    /// It is as it was.
    Back,
    /// It is hidden until people have looked: the bank knows it by another hash.
    BeforePeople(BankEntry),
    /// It stays removed, by its name in the audit.
    Kept(&'static str),
    /// It is banned again by the same hash, and stays its copy.
    BannedAgain,
    /// There is nothing to bring back.
    Gone,
}

/// What is known of a copy that is to come back.
struct Copy<'a> {
    hash: &'a BankHash,
    left: Left,
    removal: &'a Decision,
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
        for (hash, left) in hashes {
            let listed = self.store.range(&hash.copies(), n_left)?;
            for entry in &listed {
                let Some(image) = BankHash::copy_of_key(&entry.key) else {
                    continue;
                };
                if left != Left::Stay && self.bank.entry(&hash)?.is_some() {
                    // Banned again, what is removed for it is removed for good reason.
                    break;
                }
                if self.return_copy(&image, &hash, left, now_ms)? {
                    returned.images.push(image);
                } else {
                    returned.n_kept += 1;
                }
            }
            n_left = n_left.saturating_sub(listed.len());
            let _turn = self.turn();
            let is_banned = left != Left::Stay && self.bank.entry(&hash)?.is_some();
            if is_banned || self.store.range(&hash.copies(), 1)?.is_empty() {
                self.bank.end_left(&hash)?;
            } else {
                returned.is_complete = false;
            }
            if n_left == 0 {
                returned.is_complete = false;
                return Ok(returned);
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

    /// True when the image is not removed any more.
    fn return_copy(
        &self,
        image: &ImageId,
        hash: &BankHash,
        left: Left,
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
            let copy = Copy {
                hash,
                left,
                removal: &removal,
            };
            let known = match self.way(&stored.job, &copy, &record)? {
                Way::Back => None,
                Way::BeforePeople(entry) => Some(entry),
                Way::BannedAgain => return Ok(false),
                Way::Gone => {
                    Self::plan_kept(changes, stored, hash);
                    return Ok(false);
                }
                Way::Kept(why) => {
                    Self::plan_kept(changes, stored, hash);
                    let after = json!({"why": why, "hash": hash});
                    told(&*self.store, changes, image, "copy-kept", after, now_ms)?;
                    return Ok(false);
                }
            };
            let job = self.plan_returned(changes, stored, &copy, known.as_ref(), record)?;
            let (action, state) = match &known {
                Some(_) => ("copy-queued", State::Review),
                None => ("copy-returned", removal.before.state),
            };
            let after = json!({"state": state, "hash": hash});
            told(&*self.store, changes, image, action, after, now_ms)?;
            foretold = Some(self.foretell(changes, State::Blocked, &job, now_ms)?);
            Ok::<_, ModerationError>(true)
        });
        if let Some(foretold) = &foretold {
            self.fulfil(foretold, now_ms);
        }
        is_back
    }

    fn way(&self, job: &Job, copy: &Copy<'_>, record: &Record) -> Result<Way, ModerationError> {
        if record.state != State::Blocked || copy.removal.purged_at_ms.is_some() {
            return Ok(Way::Gone);
        }
        if copy.left == Left::Stay {
            return Ok(Way::Kept("as-staff-said"));
        }
        // Its owner objects, or there is something new: people decide.
        if job.status != Status::Decided {
            return Ok(Way::Kept("before-people"));
        }
        // It is evidence of something else than this removal; a court's hold is none.
        if record.legal_hold && !copy.removal.holds() {
            return Ok(Way::Kept("evidence"));
        }
        let known = self.bank.lookup(&Lookup {
            sha256: record.sha256,
            pdq: record.pdq,
        })?;
        Ok(match known {
            None => Way::Back,
            Some(known) if known.entry.hash == *copy.hash => Way::BannedAgain,
            Some(known) => Way::BeforePeople(known.entry),
        })
    }

    /// Plans that a copy stays removed, as one of nothing.
    fn plan_kept(changes: &mut Changes, stored: Stored, hash: &BankHash) {
        plan_listed(changes, &stored.job.image, Some(*hash), None);
        let mut job = stored.job.clone();
        if let Some(decision) = &mut job.decision {
            decision.copy_of = None;
        }
        job_keys::restamp(changes, stored, &job);
    }

    /// Plans that an image is as it was before its removal, but for what `known` says
    /// of it and for what child safety must see first.
    fn plan_returned(
        &self,
        changes: &mut Changes,
        stored: Stored,
        copy: &Copy<'_>,
        known: Option<&BankEntry>,
        mut record: Record,
    ) -> Result<Job, ModerationError> {
        let (image, removal) = (record.id, copy.removal);
        let before = &removal.before;
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
        let is_of_children = copy.left == Left::ReturnUnseen
            || is_about_children(removal)
            || known.is_some_and(|entry| entry.against == Policy::ChildAbuse);
        if is_of_children || known.is_some() {
            job.reasons.insert(Reason::HashMatch);
            super::decide::hide(&mut record);
        }
        if is_of_children {
            job.lane = Lane::ChildSafety;
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

    /// Plans the lists after a decision was taken back, and one before it stands
    /// again: a copy still of a ban that still is.
    pub(super) fn relisted(
        &self,
        changes: &mut Changes,
        image: &ImageId,
        undone: &Decision,
        mut again: Option<&mut Decision>,
    ) -> Result<(), ModerationError> {
        if let Some(again) = &mut again
            && let Some(hash) = again.copy_of
            && self.bank.entry(&hash)?.is_none()
        {
            // The ban went while another decision stood. People have it before them.
            again.copy_of = None;
        }
        plan_listed(
            changes,
            image,
            undone.copy_of,
            again.and_then(|it| it.copy_of),
        );
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
