//! The counters as they are read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Judged, MODEL_BYTES_MAX, SCORE_STEPS, Source, decode, opinion};
use crate::moderation::{ModerationError, Queue};
use crate::{Classification, Keyspace, Space};

/// Counters read at a time.
const PAGE: usize = 1_024;

/// Counters read at all: eight models with every cell of theirs.
const COUNTERS_MAX: usize = 100_000;

/// Where an image lies by its scores.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// The model that said so.
    pub model: String,
    /// P(hentai) + P(porn) in steps of 1 / [`SCORE_STEPS`], rounded down.
    pub explicit: u8,
    /// P(sexy) in the same steps.
    pub sexy: u8,
}

impl Cell {
    pub(super) fn of(found: &Classification) -> Self {
        let [_, hentai, _, porn, sexy] = found.probabilities;
        let model = found.model.chars().filter(char::is_ascii_graphic);
        Self {
            model: model.take(MODEL_BYTES_MAX).collect(),
            explicit: step(hentai + porn),
            sexy: step(sexy),
        }
    }
}

/// A score's step. What is no number is the worst that can be.
pub(super) fn step(score: f32) -> u8 {
    let last = SCORE_STEPS - 1;
    if score.is_nan() {
        return last;
    }
    // A threshold such as 0.58 is no binary fraction and lies a little below.
    let steps = f32::from(SCORE_STEPS) * score.clamp(0.0, 1.0) + 1e-4;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it lies within 0..=50"
    )]
    let step = steps as u8;
    step.min(last)
}

/// All counters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// Decided images.
    pub decided: BTreeMap<(Cell, Source, Judged), u64>,
    /// Images that two moderators decided, by what the first and the second one
    /// said.
    pub pairs: BTreeMap<(Judged, Judged), u64>,
    /// Decisions by the time under their lease, in doublings of a millisecond.
    pub held: BTreeMap<u8, u64>,
    /// Decisions by the time that the job waited.
    pub waited: BTreeMap<u8, u64>,
}

impl Queue {
    /// Reads what decisions have taught.
    ///
    /// # Errors
    /// The store's.
    pub fn figures(&self) -> Result<Figures, ModerationError> {
        let mut figures = Figures::default();
        let mut range = Space::Learning.all().before(&opinion::first_key());
        let mut n_read = 0;
        while n_read < COUNTERS_MAX {
            let entries = self.store.range(&range, PAGE)?;
            let Some(last) = entries.last() else {
                break;
            };
            range = range.after(&last.key);
            n_read += entries.len();
            for entry in &entries {
                figures.take(&entry.key, decode(&entry.value)?);
            }
        }
        Ok(figures)
    }
}

impl Figures {
    /// A key of another kind is of a version to come, and passed over.
    fn take(&mut self, key: &[u8], count: u64) {
        match key.get(2..) {
            Some(&[b'a', first, second]) => {
                if let (Some(first), Some(second)) =
                    (Judged::of_byte(first), Judged::of_byte(second))
                {
                    self.pairs.insert((first, second), count);
                }
            }
            Some(&[b'h', held]) => {
                self.held.insert(held, count);
            }
            Some(&[b'w', waited]) => {
                self.waited.insert(waited, count);
            }
            Some([b'd', source, judged, explicit, sexy, model @ ..]) => {
                let source = Source::of_byte(*source);
                let cell = Cell {
                    model: String::from_utf8_lossy(model).into_owned(),
                    explicit: *explicit,
                    sexy: *sexy,
                };
                if let Some(judged) = Judged::of_byte(*judged) {
                    self.decided.insert((cell, source, judged), count);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_lie_between_two_steps() {
        for hundredths in (0_u8..100).step_by(2) {
            let score = f32::from(hundredths) / 100.0;
            assert_eq!(step(score), hundredths / 2, "{score}");
        }
        assert_eq!((step(0.599), step(1.0), step(7.0)), (29, 49, 49));
        assert_eq!((step(f32::NAN), step(-1.0)), (49, 0));
    }
}
