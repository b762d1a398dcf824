//! Which images a candidate model looks at, and the memory that their inputs
//! wait in.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Memory for inputs that wait for the candidate, over all images at once: a
/// hundred stills of 299 x 299, or seven of the longest animations.
pub(crate) const BYTES_MAX: u64 = 64 << 20;

/// What a candidate model needs of the images that it looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShadowDraw {
    /// Side of its input square, in pixels.
    pub side: u32,
    /// Share of the images, 0..=1.
    pub share: f32,
}

/// An image's inputs for the candidate. Dropping them gives their memory back.
#[derive(Debug)]
pub struct ShadowInput {
    pub(crate) slots: Vec<Box<[u16]>>,
    _room: Room,
}

/// Draws images at random and lends memory to what was drawn.
#[derive(Debug)]
pub(crate) struct Drawer {
    draw: ShadowDraw,
    /// Keyed anew at every start: nobody can tell what will be drawn.
    random: RandomState,
    n_asked: AtomicU64,
    room: Arc<AtomicU64>,
}

impl Drawer {
    pub(crate) fn new(draw: ShadowDraw) -> Self {
        Self::with_room(draw, BYTES_MAX)
    }

    fn with_room(draw: ShadowDraw, bytes: u64) -> Self {
        Self {
            draw,
            random: RandomState::new(),
            n_asked: AtomicU64::new(0),
            room: Arc::new(AtomicU64::new(bytes)),
        }
    }

    /// The side to reduce the next image to, if it is one of the drawn.
    pub(crate) fn side(&self) -> Option<u32> {
        let n_before = self.n_asked.fetch_add(1, Relaxed);
        // The upper 24 bits are exact in f32.
        let drawn = (self.random.hash_one(n_before) >> 40) as f32 / (1_u32 << 24) as f32;
        (drawn < self.draw.share).then_some(self.draw.side)
    }

    /// What was made of a drawn image, if there is room for it.
    pub(crate) fn keep(&self, slots: Vec<Box<[u16]>>) -> Option<ShadowInput> {
        let n_samples: usize = slots.iter().map(|slot| slot.len()).sum();
        let bytes = u64::try_from(n_samples).ok()?.checked_mul(2)?;
        let lend = |free: u64| free.checked_sub(bytes);
        let lent = self.room.fetch_update(Relaxed, Relaxed, lend);
        lent.ok().map(|_| ShadowInput {
            slots,
            _room: Room {
                free: Arc::clone(&self.room),
                bytes,
            },
        })
    }
}

#[derive(Debug)]
struct Room {
    free: Arc<AtomicU64>,
    bytes: u64,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.free.fetch_add(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawer(share: f32, bytes: u64) -> Drawer {
        Drawer::with_room(ShadowDraw { side: 5, share }, bytes)
    }

    #[test]
    fn about_the_share_is_drawn() {
        let n_drawn = |share| {
            let drawer = drawer(share, 0);
            (0..10_000).filter(|_| drawer.side() == Some(5)).count()
        };
        assert_eq!((n_drawn(0.0), n_drawn(1.0)), (0, 10_000));
        // Seven standard deviations either way.
        assert!((790..=1_210).contains(&n_drawn(0.1)));
    }

    #[test]
    fn what_finds_no_room_is_not_kept() {
        let drawer = drawer(1.0, 100);
        let slots = |n_samples: usize| vec![vec![0; n_samples].into_boxed_slice()];
        let first = drawer.keep(slots(30)).unwrap();
        assert!(drawer.keep(slots(30)).is_none());
        let second = drawer.keep(slots(20)).unwrap();
        drop((first, second));
        assert_eq!(drawer.room.load(Relaxed), 100);
    }
}
