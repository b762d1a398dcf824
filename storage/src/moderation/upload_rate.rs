//! How busy the network of an upload was, while the image waits for the classifier.
//!
//! Rules may ask for it when the image is scored, which may be after a restart. It is
//! a number of two digits, kept beside the queue and not in the record, whose copies
//! live as long as the image; whatever ends the wait ends it.

use crate::staff::kept::{self, Kept};
use crate::{Changes, ImageId, Keyspace, Space, State, StorageError};

/// The largest number that is told apart.
const RATE_MAX: u64 = 99_000;

fn key(image: &ImageId) -> Vec<u8> {
    Space::Queue.key(&[b"u", image.as_bytes()])
}

/// The first two digits: every bound of a rule that has no more of them is met by
/// this number if it is by the exact one.
fn coarse(rate: u64) -> u64 {
    let rate = rate.min(RATE_MAX);
    let mut step = 1;
    while rate / step >= 100 {
        step *= 10;
    }
    rate / step * step
}

/// Plans that the rate of an upload is known until it is classified.
pub fn plan_upload_rate(changes: &mut Changes, image: &ImageId, uploads_per_minute: u64) {
    changes.put(key(image), kept::encode(&coarse(uploads_per_minute)));
}

/// The rate of an upload that waits; 0 where it is not known.
///
/// # Errors
/// When it cannot be read.
pub fn upload_rate(keys: &dyn Keyspace, image: &ImageId) -> Result<u64, StorageError> {
    let kept = Kept::<u64>::read(keys, key(image))?;
    Ok(kept.map_or(0, |kept| kept.value))
}

/// Plans its end with that of the wait.
pub(crate) fn plan_wait_ended(changes: &mut Changes, image: &ImageId, was: State, next: State) {
    if was == State::Pending && next != State::Pending {
        changes.delete(key(image));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::contract::{SAMPLE_MS, SampleBytes, sample_record};
    use crate::{Record, Store};

    proptest! {
        #[test]
        fn a_bound_of_two_digits_is_met_by_both(rate in 0..99_000_u64, digits in 1..100_u64, zeros in 0..3_u32) {
            let bound = digits * 10_u64.pow(zeros);
            prop_assert_eq!(rate >= bound, coarse(rate) >= bound);
            prop_assert!(coarse(rate) < 100 || coarse(rate).is_multiple_of(10));
        }
    }

    fn pending(store: &Store) -> ImageId {
        let record = Record {
            state: State::Pending,
            ..sample_record()
        };
        let mut changes = Changes::new();
        plan_upload_rate(&mut changes, &record.id, 1_234);
        let bytes = SampleBytes(b"original".to_vec());
        store.commit_with(&record, &bytes, changes).unwrap();
        assert_eq!(upload_rate(store, &record.id).unwrap(), 1_200);
        record.id
    }

    #[test]
    fn whatever_ends_the_wait_ends_the_number() {
        let store = Store::memory();
        for state in State::ALL {
            let [by_update, by_commit] = [pending(&store), pending(&store)];
            store
                .update(&by_update, |record| record.state = state)
                .unwrap();
            let mut record = store.find(&by_commit).unwrap().unwrap();
            record.state = state;
            let mut changes = Changes::new();
            changes.update_record(record);
            Keyspace::commit(&store, changes).unwrap();
            for image in [by_update, by_commit] {
                let is_kept = store.get(&key(&image)).unwrap().is_some();
                assert_eq!(is_kept, state == State::Pending, "{state:?}");
            }
        }
        let deleted = pending(&store);
        store.remove(&deleted, SAMPLE_MS).unwrap();
        assert_eq!(store.get(&key(&deleted)).unwrap(), None);
    }
}
