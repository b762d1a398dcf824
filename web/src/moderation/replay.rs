//! What other rules would change about the images that are stored.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use imgshare_models::scores::{Label, Scores};
use imgshare_pipeline::Scored;
use imgshare_storage::moderation::{Lookup, ModerationError, Queue};
use imgshare_storage::{ImageId, Record, RuledBy, State};

use super::gate::{Gate, Passed, Refused};
use super::rules::Outcome;
use crate::config::Moderation;
use crate::decision;

/// Records looked at together.
const PAGE: usize = 512;

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replay {
    /// Images that were judged again.
    pub n_images: u64,
    /// Images that staff decided: no rule changes them.
    pub n_decided: u64,
    /// Images without scores.
    pub n_unscored: u64,
    /// What would change, from what to what.
    pub changes: BTreeMap<(Outcome, Outcome), Change>,
    /// Whether every image was looked at.
    pub is_complete: bool,
}

/// Images with the same change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// How many.
    pub n_images: u64,
    /// The first of them.
    pub images: Vec<ImageId>,
}

impl Replay {
    /// Judges every stored image again with the gate's rules and thresholds,
    /// from the scores that are stored, for as long as that may take: without a
    /// bound to the end. Names up to `images_max` images a change.
    ///
    /// # Errors
    /// The store's.
    pub fn run(
        queue: &Queue,
        gate: &Gate<'_>,
        images_max: usize,
        time_max: Option<Duration>,
    ) -> Result<Self, ModerationError> {
        let begun = Instant::now();
        let moderation = Moderation {
            sample_rate: 0.0,
            ..gate.moderation.clone()
        };
        let gate = Gate {
            moderation: &moderation,
            ..*gate
        };
        let mut replay = Self::default();
        let store = queue.store();
        for state in [State::Public, State::Review, State::Blocked] {
            let mut after = None;
            loop {
                if time_max.is_some_and(|time_max| begun.elapsed() >= time_max) {
                    return Ok(replay);
                }
                let page = store.in_state(state, after.as_ref(), PAGE)?;
                for id in &page.ids {
                    if let Some(record) = store.find(id)? {
                        replay.judge(queue, &gate, &record, images_max)?;
                    }
                }
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        replay.is_complete = true;
        Ok(replay)
    }

    fn judge(
        &mut self,
        queue: &Queue,
        gate: &Gate<'_>,
        record: &Record,
        images_max: usize,
    ) -> Result<(), ModerationError> {
        let job = queue.job(&record.id)?;
        let is_ruled = record
            .ruling
            .is_some_and(|ruling| ruling.by == RuledBy::Staff);
        if is_ruled || job.as_ref().is_some_and(|job| job.decision.is_some()) {
            self.n_decided += 1;
            return Ok(());
        }
        let (Some(found), Some(from)) = (&record.classification, outcome_of(gate, record)) else {
            self.n_unscored += 1;
            return Ok(());
        };
        self.n_images += 1;
        // The gate wants names that live as long as the program: they say
        // nothing about the outcome.
        let scored = Scored {
            model: "stored",
            preprocessing: "stored",
            scores: Scores::from_array(found.probabilities),
        };
        let known = queue.bank().lookup(&Lookup {
            sha256: record.sha256,
            pdq: record.pdq,
        })?;
        let n_reports = job.map_or(0, |job| u64::from(job.n_networks));
        let to = match gate.scored(&scored, record, known.as_ref(), 0, n_reports) {
            Err(Refused(_)) => Outcome::Refused,
            Ok(passed) => passed_as(gate, record, &passed),
        };
        if from != to {
            let change = self.changes.entry((from, to)).or_default();
            change.n_images += 1;
            if change.images.len() < images_max {
                change.images.push(record.id);
            }
        }
        Ok(())
    }
}

fn passed_as(gate: &Gate<'_>, record: &Record, passed: &Passed) -> Outcome {
    let judged = Record {
        state: passed.state,
        ruling: passed.ruling,
        ..record.clone()
    };
    outcome_of(gate, &judged).unwrap_or(Outcome::Review)
}

/// What an image is to strangers now.
fn outcome_of(gate: &Gate<'_>, record: &Record) -> Option<Outcome> {
    match record.state {
        State::Public => match decision::label_of(gate.moderation, record)? {
            Label::Safe => Some(Outcome::Public),
            Label::Nsfw => Some(Outcome::Nsfw),
        },
        State::Review => Some(Outcome::Review),
        State::Blocked => Some(Outcome::Blocked),
        State::Pending | State::ScanFailed | State::Removed => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use imgshare_storage::Store;
    use imgshare_storage::contract::{SampleBytes, sample_record};
    use imgshare_storage::moderation::{Bank, QueueSettings};

    use super::*;

    #[test]
    fn a_replay_ends_with_its_time() {
        let store = Arc::new(Store::memory());
        let record = Record {
            state: State::Public,
            ..sample_record()
        };
        let bytes = SampleBytes(b"original".to_vec());
        store.commit(&record, &bytes).unwrap();
        let bank = Arc::new(Bank::new(Arc::clone(&store)));
        let queue = Queue::new(store, bank, QueueSettings::default());
        let moderation = Moderation::default();
        let gate = Gate {
            moderation: &moderation,
            rules: &[],
            now_ms: 7,
        };
        let whole = Replay::run(&queue, &gate, 9, None).unwrap();
        assert_eq!((whole.n_images, whole.is_complete), (1, true));
        let none = Replay::run(&queue, &gate, 9, Some(Duration::ZERO)).unwrap();
        assert_eq!((none.n_images, none.is_complete), (0, false));
    }
}
