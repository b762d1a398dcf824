//! A batch on several threads, each of which carries whole images through the
//! network in memory of its own.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::plan::{Plan, Scratch};

/// A plan and the memory of the threads that run it.
///
/// Threads share nothing but the plan and a counter from which each takes its
/// next image, so that one that is held up holds up no other.
pub struct Workers {
    plan: Plan,
    scratches: Vec<Scratch>,
}

/// An image's place in its batch, and the answer to it.
type Answer = (usize, Vec<f32>);

impl Workers {
    /// Memory for `n_threads`; the threads themselves start with a batch, which
    /// costs a hundredth of one image.
    pub fn new(plan: Plan, n_threads: NonZero<usize>) -> Self {
        let scratches = (0..n_threads.get()).map(|_| plan.scratch()).collect();
        Self { plan, scratches }
    }

    /// What runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How many threads run it.
    pub fn n_threads(&self) -> usize {
        self.scratches.len()
    }

    /// The answers to the images in `samples`, one after the other.
    ///
    /// # Panics
    /// If `samples` does not hold whole images.
    pub fn run(&mut self, samples: &[u16]) -> Vec<f32> {
        let plan = &self.plan;
        let images = samples.chunks_exact(plan.n_samples());
        assert!(images.remainder().is_empty(), "samples of whole images");
        let n_images = images.len();
        let next = AtomicUsize::new(0);
        let carry = |scratch: &mut Scratch| -> Vec<Answer> {
            let mut answers = Vec::new();
            loop {
                let image_idx = next.fetch_add(1, Ordering::Relaxed);
                let Some(image) = images.clone().nth(image_idx) else {
                    return answers;
                };
                let mut answer = vec![0.0; plan.n_outputs()];
                plan.run(image, scratch, &mut answer);
                answers.push((image_idx, answer));
            }
        };
        let n_threads = self.scratches.len().min(n_images);
        let mut scratches = self.scratches[..n_threads].iter_mut();
        let own = scratches.next();
        let mut answers = vec![0.0; n_images * plan.n_outputs()];
        thread::scope(|scope| {
            let others: Vec<_> = scratches
                .map(|scratch| scope.spawn(|| carry(scratch)))
                .collect();
            let mut parts = vec![own.map(&carry).unwrap_or_default()];
            for other in others {
                parts.push(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
            for (image_idx, answer) in parts.into_iter().flatten() {
                answers[image_idx * answer.len()..][..answer.len()].copy_from_slice(&answer);
            }
        });
        answers
    }
}
