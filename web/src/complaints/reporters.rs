//! How far a reporter's word goes, learned without knowing who it is.
//!
//! For a day, receipts are remembered under a keyed hash of the anonymised
//! address; the key is random, stays in memory, and is thrown away with all of
//! them when the day (UTC) ends. What became of those reports says what the next
//! one counts. Nothing of it is written anywhere.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use imgshare_storage::ImageId;
use imgshare_storage::calendar::MS_A_DAY;
use imgshare_storage::complaints::{Category, ComplaintError, Complaints, Progress, Receipt};
use sha2::{Digest, Sha256};

use crate::http::address::AnonymizedIp;

/// Reporters remembered a day; further ones are strangers.
const REPORTERS_MAX: usize = 10_000;

/// Receipts remembered of one reporter, the newest ones.
const RECEIPTS_MAX: usize = 16;

/// Images remembered a day with whose network has reported them as child abuse, some
/// 60 bytes each. Of more of them a second report is kept, as long as the image's case
/// takes any.
const IMAGES_MAX: usize = 50_000;

/// What a report can count: never nothing, and never as much as three people.
const TRUST: (f32, f32) = (0.25, 2.5);

/// The share of a category that proved right counts within these.
const BY_CATEGORY: (f32, f32) = (0.5, 1.5);

/// Reporters of the day.
#[derive(Debug, Default)]
pub(super) struct Reporters {
    today: Mutex<Today>,
}

#[derive(Debug, Default)]
struct Today {
    day: u64,
    key: Option<[u8; 32]>,
    receipts: HashMap<[u8; 16], VecDeque<Receipt>>,
    images: HashMap<([u8; 16], ImageId), Receipt>,
    /// Whose network has reported which image, as anything.
    seen: HashSet<([u8; 16], ImageId)>,
}

impl Reporters {
    /// What a report from here counts, 1 for an unknown reporter in a category
    /// that is right as often as not.
    ///
    /// # Errors
    /// The store's.
    pub(super) fn trust(
        &self,
        complaints: &Complaints,
        from: AnonymizedIp,
        category: Category,
        now_ms: u64,
    ) -> Result<f32, ComplaintError> {
        let (mut n_right, mut n_wrong) = (0_u16, 0_u16);
        for receipt in self.receipts(from, now_ms) {
            match complaints.progress(&receipt)? {
                Some(Progress::Decided {
                    is_upheld: true, ..
                }) => n_right += 1,
                Some(Progress::Decided { .. }) => n_wrong += 1,
                _ => {}
            }
        }
        let own = 2.0 * (f32::from(n_right) + 1.0) / (f32::from(n_right + n_wrong) + 2.0);
        let (category_min, category_max) = BY_CATEGORY;
        let track = complaints.track(category)?;
        let by_category = (2.0 * track.share_right()).clamp(category_min, category_max);
        let (trust_min, trust_max) = TRUST;
        Ok((own * by_category).clamp(trust_min, trust_max))
    }

    /// Whether a network reports an image for the first time today; it is remembered.
    pub(super) fn is_first(&self, from: AnonymizedIp, image: &ImageId, now_ms: u64) -> bool {
        let is_first = self.with(from, now_ms, |today, reporter| {
            let key = (reporter, *image);
            // Nobody is told apart beyond that: what is reported so often is seen.
            !today.seen.contains(&key) && today.seen.len() < IMAGES_MAX && today.seen.insert(key)
        });
        is_first.unwrap_or(true)
    }

    /// Remembers a receipt until the day ends.
    pub(super) fn remember(&self, from: AnonymizedIp, receipt: Receipt, now_ms: u64) {
        self.with(from, now_ms, |today, reporter| {
            if today.receipts.len() >= REPORTERS_MAX && !today.receipts.contains_key(&reporter) {
                return;
            }
            let receipts = today.receipts.entry(reporter).or_default();
            if receipts.len() == RECEIPTS_MAX {
                receipts.pop_front();
            }
            receipts.push_back(receipt);
        });
    }

    /// Remembers until the day ends that a network has reported an image as child
    /// abuse.
    pub(super) fn remember_image(
        &self,
        from: AnonymizedIp,
        image: &ImageId,
        receipt: Receipt,
        now_ms: u64,
    ) {
        self.with(from, now_ms, |today, reporter| {
            if today.images.len() < IMAGES_MAX {
                today.images.insert((reporter, *image), receipt);
            }
        });
    }

    /// The report of child abuse that a network has made of an image today.
    pub(super) fn reported(
        &self,
        from: AnonymizedIp,
        image: &ImageId,
        now_ms: u64,
    ) -> Option<Receipt> {
        self.with(from, now_ms, |today, reporter| {
            today.images.get(&(reporter, *image)).copied()
        })
        .flatten()
    }

    fn receipts(&self, from: AnonymizedIp, now_ms: u64) -> Vec<Receipt> {
        self.with(from, now_ms, |today, reporter| {
            let receipts = today.receipts.get(&reporter);
            receipts.into_iter().flatten().copied().collect()
        })
        .unwrap_or_default()
    }

    /// Without a random key nobody is remembered.
    fn with<T>(
        &self,
        from: AnonymizedIp,
        now_ms: u64,
        call: impl FnOnce(&mut Today, [u8; 16]) -> T,
    ) -> Option<T> {
        let mut today = self.today.lock().unwrap_or_else(PoisonError::into_inner);
        let day = now_ms / MS_A_DAY;
        if today.day != day || today.key.is_none() {
            let mut key = [0; 32];
            let drawn = getrandom::fill(&mut key).is_ok();
            *today = Today {
                day,
                key: drawn.then_some(key),
                receipts: HashMap::new(),
                images: HashMap::new(),
                seen: HashSet::new(),
            };
        }
        let hash = Sha256::new()
            .chain_update(today.key?)
            .chain_update(from.bytes())
            .finalize();
        let reporter = hash.first_chunk().copied()?;
        Some(call(&mut today, reporter))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use imgshare_storage::Store;
    use imgshare_storage::moderation::{Bank, Queue, QueueSettings};

    use super::*;

    const NOON: u64 = 1_750_032_000_000;

    fn complaints() -> Complaints {
        let store = Arc::new(Store::memory());
        let bank = Arc::new(Bank::new(Arc::clone(&store)));
        let queue = Queue::new(store, bank, QueueSettings::default());
        Complaints::new(Arc::new(queue))
    }

    fn network(n: u8) -> AnonymizedIp {
        AnonymizedIp::of([203, 0, n, 7].into())
    }

    #[test]
    fn strangers_count_one() {
        let reporters = Reporters::default();
        let trust = reporters.trust(&complaints(), network(1), Category::Spam, NOON);
        assert_eq!(trust.unwrap(), 1.0);
    }

    #[test]
    fn an_image_is_reported_once_a_day_by_a_network() {
        let reporters = Reporters::default();
        let [image, other] = [(); 2].map(|()| ImageId::random().unwrap());
        let receipt = Receipt::random().unwrap();
        reporters.remember_image(network(1), &image, receipt, NOON);
        let reported = |n, image, at_ms| reporters.reported(network(n), image, at_ms);
        assert_eq!(reported(1, &image, NOON), Some(receipt));
        assert_eq!(reported(1, &other, NOON), None);
        assert_eq!(reported(2, &image, NOON), None);
        assert_eq!(reported(1, &image, NOON + MS_A_DAY), None);
        assert!(reporters.today.lock().unwrap().images.is_empty());
        for _ in 0..IMAGES_MAX + 9 {
            let image = ImageId::random().unwrap();
            reporters.remember_image(network(1), &image, receipt, NOON);
        }
        assert_eq!(reporters.today.lock().unwrap().images.len(), IMAGES_MAX);
    }

    #[test]
    fn a_day_forgets_everybody() {
        let reporters = Reporters::default();
        for _ in 0..2 * RECEIPTS_MAX {
            let receipt = Receipt::random().unwrap();
            reporters.remember(network(1), receipt, NOON);
        }
        let key = reporters.today.lock().unwrap().key;
        assert_eq!(reporters.receipts(network(1), NOON).len(), RECEIPTS_MAX);
        assert!(reporters.receipts(network(2), NOON).is_empty());
        assert!(reporters.receipts(network(1), NOON + MS_A_DAY).is_empty());
        assert_ne!(reporters.today.lock().unwrap().key, key);
        assert!(reporters.today.lock().unwrap().receipts.is_empty());
    }
}
