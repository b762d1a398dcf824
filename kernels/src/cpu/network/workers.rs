//! A batch on several threads, each of which carries whole images through the
//! network in memory of its own.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::cores::{self, Kept};
use super::plan::{Plan, Scratch};

/// A plan and the memory of the threads that run it.
///
/// Threads share nothing but the plan and a counter from which each takes its
/// next image, so that one that is held up holds up no other.
pub struct Workers {
    plan: Plan,
    scratches: Vec<Scratch>,
    /// Cores that threads are kept on in turn; none if they run where they may.
    cores: Vec<usize>,
}

/// An image's place in its batch, and the answer to it.
type Answer = (usize, Vec<f32>);

impl Workers {
    /// Memory for `n_threads`; the threads themselves start with a batch, which
    /// costs a hundredth of one image.
    pub fn new(plan: Plan, n_threads: NonZero<usize>) -> Self {
        let scratches = (0..n_threads.get()).map(|_| plan.scratch()).collect();
        Self {
            plan,
            scratches,
            cores: Vec::new(),
        }
    }

    /// Keeps each thread on one of the cores that the process may use now, for
    /// as long as it works on a batch. Changes nothing where the system does not
    /// let itself be told: [`Workers::are_pinned`] says which it is.
    #[must_use]
    pub fn pinned(self) -> Self {
        Self {
            cores: cores::usable(),
            ..self
        }
    }

    /// Whether each thread stays on one core.
    pub fn are_pinned(&self) -> bool {
        !self.cores.is_empty()
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
        let mut answers = vec![0.0; n_images * plan.n_outputs()];
        let parts = on_threads(&mut self.scratches[..n_threads], &self.cores, &carry);
        for (image_idx, answer) in parts.into_iter().flatten() {
            answers[image_idx * answer.len()..][..answer.len()].copy_from_slice(&answer);
        }
        answers
    }
}

/// Does `work` with each of `scratches` on a thread of its own, of which the
/// first is the caller's, kept on `cores` if there are any.
fn on_threads<T: Send>(
    scratches: &mut [Scratch],
    cores: &[usize],
    work: &(impl Fn(&mut Scratch) -> T + Sync),
) -> Vec<T> {
    let kept = |thread_idx: usize, scratch: &mut Scratch| {
        let core = cores.get(thread_idx % cores.len().max(1));
        let _kept = core.map(|&core| Kept::on(core));
        work(scratch)
    };
    let mut scratches = scratches.iter_mut().enumerate();
    let own = scratches.next();
    thread::scope(|scope| {
        let others: Vec<_> = scratches
            .map(|(thread_idx, scratch)| scope.spawn(move || kept(thread_idx, scratch)))
            .collect();
        let own = own.map(|(thread_idx, scratch)| kept(thread_idx, scratch));
        let others = others
            .into_iter()
            .map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        own.into_iter().chain(others).collect()
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn each_thread_stays_on_a_core_of_its_own() {
        let usable = cores::usable();
        let n_threads = usable.len() + 1;
        let mut scratches: Vec<_> = (0..n_threads).map(|_| Scratch::default()).collect();
        // All are at work at once, so that none can be another's turn.
        let together = Barrier::new(n_threads);
        let seen = on_threads(&mut scratches, &usable, &|_| {
            together.wait();
            cores::usable()
        });
        let expected = usable.iter().cycle().take(n_threads);
        assert_eq!(seen, expected.map(|&core| vec![core]).collect::<Vec<_>>());
        assert_eq!(cores::usable(), usable, "the caller has its cores again");
        let free = on_threads(&mut scratches, &[], &|_| cores::usable());
        assert_eq!(free, vec![usable; n_threads]);
    }
}
