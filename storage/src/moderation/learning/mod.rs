//! What decisions teach: counters of score, decision and model, without a trace
//! of which image it was.
//!
//! They change in the commit of the decision itself, and an undo takes back
//! exactly what was counted: a decision keeps its [`Counted`].
//!
//! | key | counts |
//! |---|---|
//! | `ml` `a` outcome outcome | pairs of moderators who decided the same image, one after the other |
//! | `ml` `c` ... | what a candidate would have done: see [`Candidate`] |
//! | `ml` `d` source outcome explicit sexy model | decided images |
//! | `ml` `h` log2 | decisions by the milliseconds that their lease was held |
//! | `ml` `w` log2 | decisions by the milliseconds that their job had waited |
//! | `ml` `x` ... | what a candidate model said: see [`Opinion`] |
//!
//! An image that is decided again counts once, with its last decision.

mod figures;
mod opinion;
mod shadow;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use figures::{Cell, Figures};
pub use opinion::{Opinion, OpinionFigures, Seen, forget_opinions, opinion_figures};
pub(super) use shadow::Shadow;
pub use shadow::{Candidate, ShadowFigures, Standing, Standings, plan_shadow_end, shadow_figures};

use self::shadow::Shadowed;
use super::job::decode_json;
use super::{Decision, Job, Policy, ReasonKind, Verdict};
use crate::{Changes, Keyspace, Record, Space, StorageError};

/// The first byte of a counter's value; a JSON number follows.
const VERSION: u8 = 1;

/// Steps of a score: 0.02 each, so that the usual thresholds lie between two.
pub const SCORE_STEPS: u8 = 50;

/// Longest name of a model in a key, in bytes; what is longer is cut.
const MODEL_BYTES_MAX: usize = 96;

/// What a decision says about the classifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judged {
    /// It should be shown as it is.
    Safe,
    /// It should stand behind a warning.
    Nsfw,
    /// It may not stay, for what is sexual in it.
    RemovedAsSexual,
    /// It may not stay for a reason that no score tells.
    RemovedOtherwise,
    /// Other eyes have it now.
    Escalated,
}

impl Judged {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::Safe,
        Self::Nsfw,
        Self::RemovedAsSexual,
        Self::RemovedOtherwise,
        Self::Escalated,
    ];

    fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Safe => Self::Safe,
            Verdict::Nsfw => Self::Nsfw,
            Verdict::Escalate { .. } => Self::Escalated,
            Verdict::Remove { policy, .. } => match policy {
                Policy::ChildAbuse | Policy::IntimateImage => Self::RemovedAsSexual,
                _ => Self::RemovedOtherwise,
            },
        }
    }

    /// Whether the classifier should have said nsfw; `None` where the decision
    /// is about something else.
    #[must_use]
    pub fn is_nsfw(self) -> Option<bool> {
        match self {
            Self::Safe => Some(false),
            Self::Nsfw | Self::RemovedAsSexual => Some(true),
            Self::RemovedOtherwise | Self::Escalated => None,
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Safe => b's',
            Self::Nsfw => b'n',
            Self::RemovedAsSexual => b'x',
            Self::RemovedOtherwise => b'r',
            Self::Escalated => b'e',
        }
    }

    fn of_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|judged| judged.byte() == byte)
    }
}

/// How an image came to be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// It was queued for what is in it or said of it.
    Queued,
    /// It was drawn at random from what passed.
    Sampled,
}

impl Source {
    fn byte(self) -> u8 {
        match self {
            Self::Queued => b'q',
            Self::Sampled => b's',
        }
    }

    fn of_byte(byte: u8) -> Self {
        match byte {
            b's' => Self::Sampled,
            _ => Self::Queued,
        }
    }
}

/// What a decision added to the counters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// The image by its scores; `None` without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cell: Option<Cell>,
    /// How it came to be decided.
    source: Source,
    /// As what it was decided.
    judged: Judged,
    /// What somebody else had decided before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<Judged>,
    /// Logarithm of the time under its lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held: Option<u8>,
    /// Logarithm of the time it waited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waited: Option<u8>,
    /// What a candidate would have done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shadow: Option<Shadowed>,
    /// What a candidate model had said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    opinion: Option<Opinion>,
}

impl Counted {
    /// What a moderator's decision teaches. `job` is as it was before.
    pub(super) fn of(job: &Job, record: &Record, decision: &Decision, shadow: &Shadow) -> Self {
        let before = job.decision.as_ref();
        let known = before.and_then(|before| before.counted.as_ref());
        let is_sampled = job.reason_kinds().has(ReasonKind::Sample);
        let source = match known {
            Some(known) => known.source,
            None if is_sampled => Source::Sampled,
            None => Source::Queued,
        };
        // Who decides after oneself agrees with nobody but oneself.
        let after = before
            .filter(|before| before.by.is_some() && before.by != decision.by)
            .map(|before| Judged::of(&before.verdict))
            .filter(|judged| *judged != Judged::Escalated);
        let judged = Judged::of(&decision.verdict);
        let since = |at_ms: u64| logarithm(decision.at_ms.saturating_sub(at_ms));
        Self {
            cell: record.classification.as_ref().map(Cell::of),
            source,
            after: after.filter(|_| judged != Judged::Escalated),
            judged,
            held: job.lease().map(|lease| since(lease.since_ms)),
            waited: job.lease().map(|_| since(job.created_at_ms)),
            shadow: shadow.of(record),
            opinion: job
                .opinion
                .or(known.and_then(|known| known.opinion))
                .filter(|opinion| shadow.hears(opinion)),
        }
    }

    fn decided_key(&self) -> Option<Vec<u8>> {
        let cell = self.cell.as_ref()?;
        let fixed = [
            b'd',
            self.source.byte(),
            self.judged.byte(),
            cell.explicit,
            cell.sexy,
        ];
        Some(Space::Learning.key(&[&fixed, cell.model.as_bytes()]))
    }

    fn shadow_key(&self) -> Option<Vec<u8>> {
        let shadow = self.shadow.as_ref()?;
        Some(shadow.decided_key(self.judged))
    }

    fn opinion_key(&self) -> Option<Vec<u8>> {
        let opinion = self.opinion.as_ref()?;
        Some(opinion.decided_key(self.source, self.judged))
    }

    /// What a candidate model had said, for a job that waits once more.
    pub(super) fn opinion(&self) -> Option<Opinion> {
        self.opinion
    }

    /// The counters of the image itself, of which one decision at a time counts.
    fn image_keys(&self) -> impl Iterator<Item = Vec<u8>> {
        [self.decided_key(), self.shadow_key(), self.opinion_key()]
            .into_iter()
            .flatten()
    }

    fn keys(&self) -> Vec<Vec<u8>> {
        let pair = self
            .after
            .map(|after| Space::Learning.key(&[&[b'a', after.byte(), self.judged.byte()]]));
        let held = self.held.map(|held| Space::Learning.key(&[&[b'h', held]]));
        let waited = self
            .waited
            .map(|waited| Space::Learning.key(&[&[b'w', waited]]));
        let of_decision = [pair, held, waited].into_iter().flatten();
        self.image_keys().chain(of_decision).collect()
    }
}

/// Plans a decision's counters. Of `before`, the decision that it stands in the
/// place of, the image is counted no more.
pub(super) fn plan_decided(
    keys: &dyn Keyspace,
    changes: &mut Changes,
    before: Option<&Counted>,
    counted: &Counted,
) -> Result<(), StorageError> {
    let mut steps = Steps::default();
    for key in before.into_iter().flat_map(Counted::image_keys) {
        steps.add(key, -1);
    }
    for key in counted.keys() {
        steps.add(key, 1);
    }
    steps.plan(keys, changes)
}

/// Plans to take back what a decision counted. Of `again`, the decision that
/// stands once more, the image is counted again, for no candidate that is gone.
pub(super) fn plan_undone(
    keys: &dyn Keyspace,
    changes: &mut Changes,
    shadow: &Shadow,
    counted: &Counted,
    again: Option<&Counted>,
) -> Result<(), StorageError> {
    let mut steps = Steps::default();
    if let Some(again) = again {
        let of_candidates = [again.shadow_key(), again.opinion_key()];
        let current = of_candidates.into_iter().flatten();
        let current = current.filter(|key| shadow.is_current(key));
        for key in again.decided_key().into_iter().chain(current) {
            steps.add(key, 1);
        }
    }
    for key in counted.keys() {
        steps.add(key, -1);
    }
    steps.plan(keys, changes)
}

/// By how much counters change; each is read and written once.
#[derive(Default)]
struct Steps(BTreeMap<Vec<u8>, i64>);

impl Steps {
    fn add(&mut self, key: Vec<u8>, step: i64) {
        *self.0.entry(key).or_default() += step;
    }

    fn plan(self, keys: &dyn Keyspace, changes: &mut Changes) -> Result<(), StorageError> {
        for (key, step) in self.0 {
            if step == 0 {
                continue;
            }
            let stored = keys.get(&key)?;
            let known = stored.as_deref().map(decode).transpose()?.unwrap_or(0);
            changes.expect(key.clone(), stored);
            match known.saturating_add_signed(step) {
                0 => changes.delete(key),
                count => changes.put(key, encode(count)),
            }
        }
        Ok(())
    }
}

fn encode(count: u64) -> Vec<u8> {
    let mut encoded = vec![VERSION];
    encoded.extend_from_slice(count.to_string().as_bytes());
    encoded
}

fn decode(encoded: &[u8]) -> Result<u64, StorageError> {
    decode_json(encoded, VERSION, "a counter")
}

/// Times are counted by their doublings.
fn logarithm(ms: u64) -> u8 {
    u8::try_from(ms.max(1).ilog2()).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests;
