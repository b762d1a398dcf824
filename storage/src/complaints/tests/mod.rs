//! Complaints as their users see them.

use std::sync::Arc;

use super::*;
use crate::contract::{SampleBytes, sample_record_at};
use crate::moderation::{
    Bank, Claim, ConflictKind, Flag, Job, Lane, ModerationError, Moderator, Note, Policy, Query,
    QueueSettings, Reason, Status, Verdict,
};
use crate::staff::{Role, StaffId};
use crate::{KeyRange, Keyspace, Space, State, Store, audit};

mod appeals;
mod copyrights;
mod counters;
mod expiries;
mod reports;
mod ruled;

/// 2025-06-15 15:07 UTC, a Sunday.
const NOW: u64 = 1_750_000_060_000;
const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

struct Desk {
    store: Arc<Store>,
    queue: Arc<Queue>,
    complaints: Complaints,
}

fn desk() -> Desk {
    desk_of(|complaints| complaints)
}

fn desk_of(with: impl Fn(Complaints) -> Complaints) -> Desk {
    let store = Arc::new(Store::memory());
    let bank = Arc::new(Bank::new(Arc::clone(&store)));
    let queue = Arc::new(Queue::new(
        Arc::clone(&store),
        bank,
        QueueSettings::default(),
    ));
    let complaints = with(Complaints::new(Arc::clone(&queue)));
    Desk {
        store,
        queue,
        complaints,
    }
}

fn person(role: Role) -> Moderator {
    Moderator {
        id: StaffId::random().unwrap(),
        role,
    }
}

fn removal(policy: Policy) -> Verdict {
    Verdict::Remove {
        policy,
        reason: Note::new("as it was reported").unwrap(),
        bank: None,
    }
}

impl Desk {
    fn image(&self) -> ImageId {
        self.image_like(None)
    }

    /// A public image, unlike any other or with these bytes.
    fn image_like(&self, sha256: Option<[u8; 32]>) -> ImageId {
        let mut record = Record {
            state: State::Public,
            ..sample_record_at(NOW - 60_000)
        };
        record.sha256[..12].copy_from_slice(record.id.as_bytes());
        record.sha256 = sha256.unwrap_or(record.sha256);
        if let Some(pdq) = &mut record.pdq {
            pdq.hash = record.sha256.map(|byte| byte.wrapping_mul(151));
            pdq.quality = 100;
        }
        let bytes = SampleBytes(record.id.as_bytes().to_vec());
        self.store.commit(&record, &bytes).unwrap();
        record.id
    }

    fn record(&self, image: &ImageId) -> Record {
        self.store.find(image).unwrap().unwrap()
    }

    fn report(&self, image: ImageId, category: Category, now_ms: u64) -> Filed {
        let draft = draft(image, category);
        self.complaints.report(&draft, 1.0, now_ms).unwrap()
    }

    fn claim(&self, who: &Moderator, image: &ImageId, now_ms: u64) -> Claim {
        let job = self.queue.claim(who, &Lane::ALL, image, now_ms).unwrap();
        Claim {
            image: *image,
            lease: job.lease().unwrap().token.clone(),
            version: job.version,
        }
    }

    fn decide(&self, who: &Moderator, image: &ImageId, verdict: &Verdict, now_ms: u64) -> Job {
        let claim = self.claim(who, image, now_ms);
        self.queue.decide(who, &claim, verdict, now_ms).unwrap()
    }

    fn progress(&self, filed: &Filed) -> Progress {
        self.complaints.progress(&filed.receipt).unwrap().unwrap()
    }

    /// The actions that the audit tells of an image, the oldest first; its chain
    /// holds.
    fn told(&self, image: &ImageId) -> Vec<String> {
        let mut head = audit::Head::EMPTY;
        for sealed in audit::entries_after(&*self.store, 0, 10_000).unwrap() {
            sealed.check_behind(&head).unwrap();
            head = sealed.head();
        }
        let subject = audit::Subject::image(image);
        let entries = audit::entries_about(&*self.store, &subject, u64::MAX, 100).unwrap();
        let actions = entries
            .iter()
            .rev()
            .map(|sealed| sealed.entry.action.as_str());
        actions.map(str::to_owned).collect()
    }

    fn n_entries(&self, range: &KeyRange) -> usize {
        self.store.range(range, 100_000).unwrap().len()
    }
}

fn draft(image: ImageId, category: Category) -> ReportDraft {
    ReportDraft {
        image,
        category,
        text: Text::new("look at this").unwrap(),
        contact: Text::default(),
    }
}
