//! What the steps of a plan take, counted and measured: the figures of a
//! roofline.

use std::time::Duration;

use super::super::isa::LANES;
use super::plan::{Plan, Scratch, Step, Work};
use super::shape::Shape;

/// What one step of a [`Plan`] has to do for one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepCost {
    /// Rows and columns of its result.
    pub sides: [usize; 2],
    /// Channels of its result.
    pub channels: usize,
    /// Multiplications with an addition each, as layers are defined: what does
    /// with fewer looks faster than the machine.
    pub multiply_adds: u64,
    /// Bytes that it cannot avoid to move: its input, its weights, its result.
    pub bytes: u64,
}

impl Plan {
    /// What each step has to do, in their order.
    pub fn costs(&self) -> Vec<StepCost> {
        self.steps().iter().map(Step::cost).collect()
    }

    /// Runs one image as [`Plan::run`] does and adds to `times` what each step
    /// took; the answer is thrown away.
    ///
    /// # Panics
    /// If `samples` has another length than the plan says.
    pub fn run_timed(&self, samples: &[u16], scratch: &mut Scratch, times: &mut [Duration]) {
        self.run_steps(samples, scratch, Some(times));
    }
}

impl Step {
    fn cost(&self) -> StepCost {
        let words = |shape: Shape| shape.positions() * shape.blocks() * LANES;
        let (to, multiply_adds, n_words) = match &self.work {
            Work::Conv(conv) => {
                let n_words = words(conv.from) + words(conv.to) + conv.n_weights();
                (conv.to, conv.multiply_adds(), n_words)
            }
            Work::Winograd(conv) => {
                let n_words = words(conv.from) + words(conv.to) + conv.n_weights();
                (conv.to, conv.multiply_adds(), n_words)
            }
            Work::Bottleneck(block) => {
                let n_words = words(block.expand.from) + words(block.to) + block.n_weights();
                (block.to, block.multiply_adds(), n_words)
            }
            &Work::Pool { from, to, .. } => (to, 0, words(from) + words(to)),
            &Work::Mean { from } => {
                let to = Shape {
                    height: 1,
                    width: 1,
                    ..from
                };
                (to, 0, words(from) + words(to))
            }
            &Work::Softmax { channels } => {
                let to = Shape {
                    height: 1,
                    width: 1,
                    channels,
                };
                (to, 0, 2 * words(to))
            }
        };
        StepCost {
            sides: [to.height, to.width],
            channels: to.channels,
            multiply_adds: wide(multiply_adds),
            bytes: wide(n_words * size_of::<f32>()),
        }
    }
}

fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
