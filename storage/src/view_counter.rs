//! Views counted in memory between two merges into the records.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{ImageId, ViewDelta, Views};

/// Distinct images counted before a merge is due. The database applies a batch
/// of so many in 0.1 s, during which no image can be stored.
const IMAGES_MAX: usize = 4096;

/// Counts views of a bounded number of images.
#[derive(Debug, Default)]
pub(crate) struct ViewCounter {
    counts: Mutex<HashMap<ImageId, Views>>,
}

/// There is no room for another image; its view was not counted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl ViewCounter {
    /// Adds views of one image.
    pub(crate) fn add(&self, delta: &ViewDelta) -> Result<(), Full> {
        let mut counts = self.counts();
        if counts.len() >= IMAGES_MAX && !counts.contains_key(&delta.id) {
            return Err(Full);
        }
        let views = counts.entry(delta.id).or_default();
        *views = views.add(delta);
        Ok(())
    }

    /// Takes out everything that was counted.
    pub(crate) fn take(&self) -> Vec<ViewDelta> {
        let counts = std::mem::take(&mut *self.counts());
        counts
            .into_iter()
            .map(|(id, views)| ViewDelta {
                id,
                n_views: views.total,
                day: views.last_day.unwrap_or_default(),
            })
            .collect()
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<ImageId, Views>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_add_up_until_taken() {
        let counter = ViewCounter::default();
        let id = ImageId::random().unwrap();
        for day in [20_000, 20_002, 20_001] {
            counter
                .add(&ViewDelta {
                    id,
                    n_views: 1,
                    day,
                })
                .unwrap();
        }
        assert_eq!(
            counter.take(),
            [ViewDelta {
                id,
                n_views: 3,
                day: 20_002
            }]
        );
        assert_eq!(counter.take(), []);
    }

    #[test]
    fn memory_is_bounded() {
        let counter = ViewCounter::default();
        let delta = || ViewDelta {
            id: ImageId::random().unwrap(),
            n_views: 1,
            day: 1,
        };
        let known = delta();
        counter.add(&known).unwrap();
        for _ in 1..IMAGES_MAX {
            counter.add(&delta()).unwrap();
        }
        assert_eq!(counter.add(&delta()), Err(Full));
        assert_eq!(counter.add(&known), Ok(()));
        assert_eq!(counter.take().len(), IMAGES_MAX);
    }
}
