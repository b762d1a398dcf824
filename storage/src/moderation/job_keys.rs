//! Under which keys a job is found.

use super::{Job, Lane, ReasonSet, Sort, Status};
use crate::staff::StaffId;
use crate::{Changes, ImageId, KeyRange, Space};

/// The first byte of a queue entry's value.
const VERSION: u8 = 1;

/// Length of an image's id in a key.
const IMAGE_BYTES: usize = 12;

/// The key of an image's job.
pub(super) fn job(image: &ImageId) -> Vec<u8> {
    Space::Jobs.key(&[image.as_bytes()])
}

/// Everything that waits in a lane, in an order.
pub(super) fn lane(lane: Lane, sort: Sort) -> KeyRange {
    KeyRange::prefix(&Space::Queue.key(&[&[lane.byte(), sort.byte()]]))
}

/// Leases that ended at `now_ms` or before.
pub(super) fn claims_ended(now_ms: u64) -> KeyRange {
    Space::Claims.all().before(&due(Space::Claims, now_ms))
}

/// Leases that end later than `ms`.
pub(super) fn claims_behind(ms: u64) -> KeyRange {
    KeyRange {
        from: due(Space::Claims, ms),
        ..Space::Claims.all()
    }
}

/// Removed images that are to be purged at `now_ms` or before.
pub(super) fn purges_due(now_ms: u64) -> KeyRange {
    Space::Purges.all().before(&due(Space::Purges, now_ms))
}

fn due(space: Space, now_ms: u64) -> Vec<u8> {
    space.key(&[&now_ms.saturating_add(1).to_be_bytes()])
}

/// The image of a key of claims or purges.
pub(super) fn timed_image(key: &[u8]) -> Option<ImageId> {
    ImageId::from_bytes(key.get(10..)?)
}

fn timed(space: Space, at_ms: u64, image: &ImageId) -> Vec<u8> {
    space.key(&[&at_ms.to_be_bytes(), image.as_bytes()])
}

/// What was decided, by its time: all of it, or what one of the staff has.
pub(super) fn decided(by: Option<&StaffId>) -> KeyRange {
    KeyRange::prefix(&decided_prefix(by))
}

fn decided_prefix(by: Option<&StaffId>) -> Vec<u8> {
    match by {
        // No pseudonym has a zero byte, so none is the beginning of another.
        Some(by) => Space::Queue.key(&[b"ds", by.as_str().as_bytes(), &[0]]),
        None => Space::Queue.key(&[b"da"]),
    }
}

/// The image of a key of [`decided`].
pub(super) fn decided_image(key: &[u8]) -> Option<ImageId> {
    ImageId::from_bytes(key.get(key.len().checked_sub(IMAGE_BYTES)?..)?)
}

/// The entries by which a decision that stands is found.
fn decided_entries(job: &Job) -> Vec<(Vec<u8>, Vec<u8>)> {
    let standing = job.decision.as_ref();
    let Some(decision) = standing.filter(|decision| decision.purged_at_ms.is_none()) else {
        return Vec::new();
    };
    let key = |by: Option<&StaffId>| {
        let mut key = decided_prefix(by);
        key.extend_from_slice(&decision.at_ms.to_be_bytes());
        key.extend_from_slice(job.image.as_bytes());
        (key, vec![job.lane.byte()])
    };
    let own = decision.by.as_ref().map(|by| key(Some(by)));
    own.into_iter().chain([key(None)]).collect()
}

/// What a queue entry says without its job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) image: ImageId,
    pub(super) created_at_ms: u64,
    pub(super) reasons: ReasonSet,
    /// 0..=255 for 0..=1.
    pub(super) score: u8,
}

impl Place {
    pub(super) fn decode(key: &[u8], value: &[u8]) -> Option<Self> {
        let (created, image) = key.get(12..)?.split_first_chunk()?;
        let [VERSION, reasons, score] = *value else {
            return None;
        };
        Some(Self {
            image: ImageId::from_bytes(image)?,
            created_at_ms: u64::from_be_bytes(*created),
            reasons: ReasonSet::from_bits(reasons),
            score,
        })
    }
}

/// A score as a queue entry has it.
pub(super) fn score_step(score: f32) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it saturates; what is no number is 0"
    )]
    let step = (score * 255.0).round() as u8;
    step
}

/// The entries by which a job is found besides its own, but for a purge's.
fn entries(job: &Job) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut entries = of_status(job);
    entries.extend(decided_entries(job));
    entries
}

fn of_status(job: &Job) -> Vec<(Vec<u8>, Vec<u8>)> {
    match &job.status {
        Status::Waiting => Sort::ALL
            .into_iter()
            .map(|sort| {
                let order = sort.order(&job.signals, job.created_at_ms, job.due_at_ms);
                let key = Space::Queue.key(&[
                    &[job.lane.byte(), sort.byte()],
                    &order.to_be_bytes(),
                    &job.created_at_ms.to_be_bytes(),
                    job.image.as_bytes(),
                ]);
                let score = score_step(job.signals.score());
                (key, vec![VERSION, job.reason_kinds().bits(), score])
            })
            .collect(),
        Status::Claimed(lease) => vec![(
            timed(Space::Claims, lease.until_ms, &job.image),
            lease.holder.as_str().as_bytes().to_vec(),
        )],
        Status::Decided => Vec::new(),
    }
}

fn purge_key(job: &Job) -> Option<Vec<u8>> {
    let decision = job.decision.as_ref()?;
    match (decision.purge_at_ms, decision.purged_at_ms) {
        (Some(at_ms), None) => Some(timed(Space::Purges, at_ms, &job.image)),
        _ => None,
    }
}

/// Every entry by which a job must be found.
#[cfg(test)]
pub(super) fn all_entries(job: &Job) -> Vec<(Vec<u8>, Vec<u8>)> {
    let purge = purge_key(job).map(|key| (key, Vec::new()));
    entries(job).into_iter().chain(purge).collect()
}

/// A job as it is stored, to be changed.
pub(super) struct Stored {
    pub(super) job: Job,
    encoded: Vec<u8>,
}

impl Stored {
    pub(super) fn decode(encoded: Vec<u8>) -> Result<Self, crate::StorageError> {
        Ok(Self {
            job: Job::decode(&encoded)?,
            encoded,
        })
    }
}

/// Puts a job in place of what is stored, if that is still so: its version
/// counts on, its other entries follow.
pub(super) fn replace(changes: &mut Changes, stored: Option<Stored>, job: &mut Job) {
    let key = job_key_expecting(changes, stored, &job.image);
    job.version = job.version.saturating_add(1);
    put(changes, key, job);
}

fn put(changes: &mut Changes, key: Vec<u8>, job: &Job) {
    for (key, value) in entries(job) {
        changes.put(key, value);
    }
    if let Some(key) = purge_key(job) {
        changes.put(key, []);
    }
    changes.put(key, job.encode());
}

/// As [`replace`], with the version left as it is: nothing about the image is new.
pub(super) fn restamp(changes: &mut Changes, stored: Stored, job: &Job) {
    let key = job_key_expecting(changes, Some(stored), &job.image);
    put(changes, key, job);
}

/// Takes a job out whole.
pub(super) fn forget(changes: &mut Changes, stored: Stored) {
    let image = stored.job.image;
    let key = job_key_expecting(changes, Some(stored), &image);
    changes.delete(key);
}

fn job_key_expecting(changes: &mut Changes, stored: Option<Stored>, image: &ImageId) -> Vec<u8> {
    let key = job(image);
    let expected = stored.map(|stored| {
        for (key, _) in entries(&stored.job) {
            changes.delete(key);
        }
        if let Some(key) = purge_key(&stored.job) {
            changes.delete(key);
        }
        stored.encoded
    });
    changes.expect(key.clone(), expected);
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::moderation::Signals;

    fn job_at(created_at_ms: u64, signals: Signals) -> Job {
        Job {
            signals,
            ..Job::new(ImageId::random().unwrap(), created_at_ms)
        }
    }

    proptest! {
        #[test]
        fn keys_sort_as_their_jobs(a: (u64, f32, f32), b: (u64, f32, f32)) {
            let [a, b] = [a, b].map(|(at, explicit, uncertainty)| {
                job_at(at, Signals { explicit, uncertainty, ..Signals::default() })
            });
            for (sort, (a_entry, b_entry)) in Sort::ALL.into_iter().zip(entries(&a).into_iter().zip(entries(&b))) {
                let order = |job: &Job| {
                    (sort.order(&job.signals, job.created_at_ms, job.due_at_ms), job.created_at_ms, job.image)
                };
                prop_assert_eq!(a_entry.0.cmp(&b_entry.0), order(&a).cmp(&order(&b)));
                let place = Place::decode(&a_entry.0, &a_entry.1).unwrap();
                prop_assert_eq!((place.image, place.created_at_ms), (a.image, a.created_at_ms));
            }
        }

        #[test]
        fn strange_entries_are_none(key: Vec<u8>, value: Vec<u8>) {
            let key = [b"mqgh".as_slice(), &key].concat();
            let _ = Place::decode(&key, &value);
            let _ = timed_image(&key);
        }
    }

    #[test]
    fn lanes_and_orders_do_not_mix() {
        for lane_of_job in Lane::ALL {
            let mut job = job_at(7, Signals::default());
            job.lane = lane_of_job;
            for other in Lane::ALL {
                for (sort, (key, _)) in Sort::ALL.into_iter().zip(entries(&job)) {
                    let range = lane(other, sort);
                    assert_eq!(range.from <= key && key < range.to, other == lane_of_job);
                }
            }
        }
    }

    #[test]
    fn what_is_due_is_found_by_its_time() {
        let id = ImageId::random().unwrap();
        let key = timed(Space::Purges, 7, &id);
        assert_eq!(timed_image(&key), Some(id));
        assert!(key < purges_due(7).to && key >= purges_due(6).to);
    }
}
