//! The queue as its users see it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::audit::{self, Subject};
use crate::contract::{SampleBytes, sample_record_at};
use crate::staff::{Role, StaffId};
use crate::{ImageId, Keyspace, Record, RuledBy, Space, State, Store, StoredLabel};

mod bank;
mod claims;
mod copies;
mod crowd;
mod decided;
mod decisions;
mod evidence;
mod order;
mod overturns;
mod rescores;
mod returns;
mod turnings;

/// A minute past the time of the samples.
const NOW: u64 = 1_750_000_060_000;
const DAY: u64 = 24 * 60 * 60 * 1000;

pub(super) fn queue() -> Queue {
    queue_of(Store::memory())
}

pub(super) fn queue_of(store: Store) -> Queue {
    let store = Arc::new(store);
    let bank = Arc::new(Bank::new(Arc::clone(&store)));
    Queue::new(store, bank, QueueSettings::default())
}

pub(super) fn moderator() -> Moderator {
    Moderator {
        id: StaffId::random().unwrap(),
        role: Role::Moderator,
    }
}

/// Stores a public image of this explicit mass, unlike any other.
pub(super) fn stored_image(queue: &Queue, explicit: f32) -> Record {
    let mut record = Record {
        state: State::Public,
        ..sample_record_at(NOW - 60_000)
    };
    record.sha256[..12].copy_from_slice(record.id.as_bytes());
    if let Some(pdq) = &mut record.pdq {
        pdq.hash = record.sha256.map(|byte| byte.wrapping_mul(151));
        pdq.hash[20..].copy_from_slice(&record.id.as_bytes().map(|byte| byte.wrapping_mul(89)));
    }
    let found = record.classification.as_mut().unwrap();
    found.probabilities = [0.0, 0.0, 1.0 - explicit, explicit, 0.0];
    let bytes = SampleBytes(record.id.as_bytes().to_vec());
    queue.store.commit(&record, &bytes).unwrap();
    record
}

pub(super) fn queued_image(queue: &Queue, explicit: f32) -> Record {
    let record = stored_image(queue, explicit);
    let flag = Flag::new(Reason::ReviewBand);
    queue.flag(&record.id, &flag, NOW).unwrap();
    record
}

pub(super) fn claim_of(job: &Job) -> Claim {
    Claim {
        image: job.image,
        lease: job.lease().unwrap().token.clone(),
        version: job.version,
    }
}

fn removal() -> Verdict {
    Verdict::Remove {
        policy: Policy::Violence,
        reason: Note::new("cruel").unwrap(),
        bank: None,
    }
}

fn claimed(queue: &Queue, who: &Moderator, image: &ImageId) -> Claim {
    claim_of(&queue.claim(who, &Lane::ALL, image, NOW).unwrap())
}

fn state_of(queue: &Queue, image: &ImageId) -> State {
    queue.record(image).unwrap().state
}

fn kind_of<T: std::fmt::Debug>(result: Result<T, ModerationError>) -> ConflictKind {
    match result {
        Err(ModerationError::Conflict(conflict)) => conflict.kind,
        other => panic!("{other:?}"),
    }
}

fn all_waiting(queue: &Queue) -> Vec<ImageId> {
    let listing = queue.list(&Query::default(), None, 1_000).unwrap();
    assert_eq!(listing.next, None);
    listing.jobs.iter().map(|job| job.image).collect()
}

/// Every job is found under the keys that its status says, and nothing else is;
/// the audit's chain holds.
pub(super) fn assert_consistent(store: &Store) {
    let mut expected = BTreeSet::new();
    for entry in store.range(&Space::Jobs.all(), 1_000_000).unwrap() {
        let job = Job::decode(&entry.value).unwrap();
        expected.extend(job_keys::all_entries(&job));
    }
    let mut found = BTreeSet::new();
    for space in [Space::Queue, Space::Claims, Space::Purges] {
        let entries = store.range(&space.all(), 1_000_000).unwrap();
        found.extend(entries.into_iter().map(|entry| (entry.key, entry.value)));
    }
    assert_eq!(found, expected);
    let mut head = audit::Head::EMPTY;
    loop {
        let entries = audit::entries_after(store, head.seq, 500).unwrap();
        for sealed in &entries {
            sealed.check_behind(&head).unwrap();
            head = sealed.head();
        }
        if entries.is_empty() {
            break;
        }
    }
    assert_eq!(audit::head(store).unwrap(), head);
}

/// The actions that the audit tells of an image, the oldest first.
pub(super) fn told(store: &Store, image: &ImageId) -> Vec<String> {
    let entries = audit::entries_about(store, &Subject::image(image), u64::MAX, 100).unwrap();
    entries
        .iter()
        .rev()
        .map(|sealed| sealed.entry.action.as_str().to_owned())
        .collect()
}
