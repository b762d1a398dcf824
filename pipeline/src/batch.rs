//! How waiting frames become batches of the sizes a device has been warmed for.

/// Batch sizes, largest first, that together hold `n_frames` frames.
///
/// A remainder rides in the next larger bucket when it fills at least half of
/// it, else in smaller ones: padding never more than doubles the work, and a
/// device whose time grows with the batch does not pay for a nearly empty one.
/// `buckets` are ascending and not empty.
pub(crate) fn plan(n_frames: usize, buckets: &[usize]) -> Vec<usize> {
    let mut left = n_frames;
    let mut sizes = Vec::new();
    while left > 0 {
        let above = buckets.iter().copied().find(|&bucket| bucket >= left);
        let below = buckets.iter().copied().rfind(|&bucket| bucket <= left);
        let size = match (above, below) {
            (Some(above), _) if left * 2 >= above => above,
            (_, Some(below)) => below,
            (Some(above), None) => above,
            (None, None) => break,
        };
        sizes.push(size);
        left = left.saturating_sub(size);
    }
    sizes
}

/// One contiguous input for the device, reused from batch to batch.
#[derive(Debug, Default)]
pub(crate) struct Slab {
    samples: Vec<u16>,
}

impl Slab {
    /// Copies `slots` in and pads with black up to `bucket` frames.
    pub(crate) fn fill(&mut self, slots: &[Box<[u16]>], bucket: usize, slot_len: usize) -> &[u16] {
        self.samples.clear();
        for slot in slots {
            self.samples.extend_from_slice(slot);
        }
        self.samples.resize(bucket * slot_len, 0);
        &self.samples
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plans_follow_the_half_full_rule() {
        let gpu = [1, 4, 16, 64];
        assert_eq!(plan(0, &gpu), [0; 0]);
        assert_eq!(plan(1, &gpu), [1]);
        assert_eq!(plan(2, &gpu), [4]);
        assert_eq!(plan(5, &gpu), [4, 1]);
        assert_eq!(plan(20, &gpu), [16, 4]);
        assert_eq!(plan(40, &gpu), [64]);
        assert_eq!(plan(130, &gpu), [64, 64, 4]);
        assert_eq!(plan(3, &[8]), [8]);
        assert_eq!(plan(3, &[1, 8]), [1, 1, 1]);
    }

    #[test]
    fn a_slab_forgets_the_batch_before() {
        let mut slab = Slab::default();
        let slots: Vec<Box<[u16]>> = vec![Box::new([7; 3]), Box::new([9; 3])];
        assert_eq!(slab.fill(&slots, 2, 3), [7, 7, 7, 9, 9, 9]);
        assert_eq!(slab.fill(&slots[..1], 2, 3), [7, 7, 7, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn every_frame_has_a_place_and_padding_stays_below_the_frames(
            n_frames in 1_usize..500,
            sizes in proptest::collection::btree_set(1_usize..80, 0..5),
        ) {
            let mut buckets: Vec<usize> = sizes.into_iter().collect();
            if buckets.first() != Some(&1) {
                buckets.insert(0, 1);
            }
            let planned: usize = plan(n_frames, &buckets).iter().sum();
            prop_assert!(planned >= n_frames);
            prop_assert!(planned <= 2 * n_frames);
        }
    }
}
