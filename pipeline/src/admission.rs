//! Who may enter: permits over images and bytes, taken before a body is read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{Fault, Overloaded, PipelineError};

/// Longest wait that a refused client is told, however long the queue.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
struct InUse {
    images: usize,
    bytes: u64,
    closed: bool,
}

/// Counts what is inside and refuses at once what would not fit.
#[derive(Debug)]
pub struct Admission {
    images_max: usize,
    bytes_max: u64,
    in_use: Mutex<InUse>,
}

impl Admission {
    /// Room for `images_max` images of together `bytes_max` bytes.
    #[must_use]
    pub fn new(images_max: usize, bytes_max: u64) -> Arc<Self> {
        Arc::new(Self {
            images_max,
            bytes_max,
            in_use: Mutex::default(),
        })
    }

    /// A permit for one image of at most `bytes` bytes. `per_image` is what an
    /// image takes at present; it sets the wait a refused client is told.
    ///
    /// # Errors
    /// [`Overloaded`] when an image or its bytes would not fit,
    /// [`Fault::ShuttingDown`] once [`Admission::close`] was called.
    pub fn admit(
        self: &Arc<Self>,
        bytes: u64,
        per_image: Duration,
    ) -> Result<Permit, PipelineError> {
        let mut in_use = self.lock();
        if in_use.closed {
            return Err(Fault::ShuttingDown.into());
        }
        let bytes_after = in_use.bytes.saturating_add(bytes);
        // One image larger than the whole budget may still pass alone: the
        // budget bounds what waits together, the body limit bounds one image.
        let fits = in_use.images < self.images_max
            && (bytes_after <= self.bytes_max || in_use.images == 0);
        if !fits {
            let queued = u32::try_from(in_use.images).unwrap_or(u32::MAX);
            let wait = per_image.saturating_mul(queued);
            let retry_after = wait.clamp(Duration::from_secs(1), RETRY_AFTER_MAX);
            return Err(Overloaded { retry_after }.into());
        }
        in_use.images += 1;
        in_use.bytes = bytes_after;
        Ok(Permit {
            admission: Arc::clone(self),
            bytes,
        })
    }

    /// Refuses everyone from now on; permits that are out stay valid.
    pub fn close(&self) {
        self.lock().closed = true;
    }

    /// Images and bytes inside at this moment.
    #[must_use]
    pub fn in_use(&self) -> (usize, u64) {
        let in_use = self.lock();
        (in_use.images, in_use.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, InUse> {
        // The counters are whole after every statement, so a panic elsewhere
        // while the lock was held leaves nothing half done.
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to have one image inside. Dropping it makes room.
#[derive(Debug)]
pub struct Permit {
    admission: Arc<Admission>,
    bytes: u64,
}

impl Permit {
    /// Bytes this permit reserves.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives back what the body turned out not to need. Never grows.
    pub fn shrink_to(&mut self, bytes: u64) {
        let surplus = self.bytes.saturating_sub(bytes);
        self.bytes -= surplus;
        self.admission.lock().bytes -= surplus;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut in_use = self.admission.lock();
        in_use.images -= 1;
        in_use.bytes -= self.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn images_are_bounded_and_room_comes_back() {
        let admission = Admission::new(2, 1_000);
        let first = admission.admit(10, MS).unwrap();
        let _second = admission.admit(10, MS).unwrap();
        assert!(matches!(
            admission.admit(10, MS),
            Err(PipelineError::Overloaded(_))
        ));
        drop(first);
        assert!(admission.admit(10, MS).is_ok());
    }

    #[test]
    fn bytes_are_bounded_and_shrinking_makes_room() {
        let admission = Admission::new(8, 100);
        let mut large = admission.admit(90, MS).unwrap();
        assert!(admission.admit(20, MS).is_err());
        large.shrink_to(50);
        large.shrink_to(70);
        assert_eq!(large.bytes(), 50);
        let small = admission.admit(20, MS).unwrap();
        drop((large, small));
        assert_eq!(admission.in_use(), (0, 0));
    }

    #[test]
    fn one_image_beyond_the_budget_passes_alone() {
        let admission = Admission::new(8, 100);
        let _alone = admission.admit(1_000, MS).unwrap();
        assert!(admission.admit(1, MS).is_err());
    }

    #[test]
    fn the_wait_grows_with_the_queue_and_is_bounded() {
        let admission = Admission::new(4, 100);
        let _held: Vec<_> = (0..4).map(|_| admission.admit(1, MS).unwrap()).collect();
        let wait = |per_image| match admission.admit(1, per_image) {
            Err(PipelineError::Overloaded(overloaded)) => overloaded.retry_after,
            other => panic!("expected a refusal, got {other:?}"),
        };
        assert_eq!(wait(MS), Duration::from_secs(1));
        assert_eq!(wait(Duration::from_secs(2)), Duration::from_secs(8));
        assert_eq!(wait(Duration::from_secs(3_600)), RETRY_AFTER_MAX);
    }

    #[test]
    fn closed_means_shutting_down() {
        let admission = Admission::new(4, 100);
        admission.close();
        assert_eq!(
            admission.admit(1, MS).unwrap_err(),
            Fault::ShuttingDown.into()
        );
    }
}
