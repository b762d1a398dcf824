//! What a candidate for the thresholds would have done, counted beside what was
//! done, without a trace of which image it was.
//!
//! | key | counts |
//! |---|---|
//! | `ml` `c` generation `u` standings | uploads |
//! | `ml` `c` generation `d` standings outcome | decided images |
//!
//! Decisions are counted in their own commit. Uploads are counted in memory, so
//! that they need not wait for each other, and merged now and then: a crash
//! loses those since the last merge, and no image.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::opinion::Counting;
use super::{Judged, Steps, decode};
use crate::moderation::{ModerationError, Queue};
use crate::{Changes, KeyRange, Keyspace, Record, Space, StorageError, audit};

/// Counters of one generation at most: every pair of standings, as uploads and
/// with every outcome.
const COUNTERS_MAX: usize = 16 * 6;

/// Where thresholds put an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// Whether it is labelled nsfw.
    pub nsfw: bool,
    /// Whether people look at it for its score.
    pub queued: bool,
}

impl Standing {
    /// Every one.
    pub const ALL: [Self; 4] = [
        Self::new(false, false),
        Self::new(false, true),
        Self::new(true, false),
        Self::new(true, true),
    ];

    const fn new(nsfw: bool, queued: bool) -> Self {
        Self { nsfw, queued }
    }

    pub(super) fn byte(self) -> u8 {
        b'0' + u8::from(self.nsfw) * 2 + u8::from(self.queued)
    }

    fn of_byte(byte: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|standing| standing.byte() == byte)
    }
}

/// Where an image stands, and where it would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standings {
    /// By the thresholds in force.
    pub live: Standing,
    /// By the candidate.
    pub would: Standing,
}

impl Standings {
    pub(super) fn of_bytes(live: u8, would: u8) -> Option<Self> {
        Some(Self {
            live: Standing::of_byte(live)?,
            would: Standing::of_byte(would)?,
        })
    }
}

/// What only counts what it would have done.
pub trait Candidate: Send + Sync {
    /// Tells it from every candidate before it.
    fn generation(&self) -> u32;

    /// What it says of an image; `None` when it does not judge it.
    fn standings(&self, record: &Record) -> Option<Standings>;
}

/// What a decision added to a candidate's counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shadowed {
    generation: u32,
    standings: Standings,
}

impl Shadowed {
    pub(super) fn decided_key(&self, judged: Judged) -> Vec<u8> {
        key(self.generation, b'd', self.standings, &[judged.byte()])
    }
}

fn key(generation: u32, kind: u8, standings: Standings, rest: &[u8]) -> Vec<u8> {
    let Standings { live, would } = standings;
    let place = [kind, live.byte(), would.byte()];
    Space::Learning.key(&[b"c", &generation.to_be_bytes(), &place, rest])
}

fn all_of(generation: u32) -> KeyRange {
    KeyRange::prefix(&Space::Learning.key(&[b"c", &generation.to_be_bytes()]))
}

/// A candidate's counters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShadowFigures {
    /// Uploads since it began.
    pub uploads: BTreeMap<Standings, u64>,
    /// Images decided since then, by what people said.
    pub decided: BTreeMap<(Standings, Judged), u64>,
}

impl ShadowFigures {
    fn take(&mut self, key: &[u8], count: u64) {
        match key.get(7..) {
            Some(&[b'u', live, would]) => {
                let uploads = Standings::of_bytes(live, would);
                self.uploads
                    .extend(uploads.map(|standings| (standings, count)));
            }
            Some(&[b'd', live, would, judged]) => {
                let standings = Standings::of_bytes(live, would);
                let decided = standings.zip(Judged::of_byte(judged));
                self.decided.extend(decided.map(|decided| (decided, count)));
            }
            _ => {}
        }
    }
}

/// The candidates, and uploads that are not merged yet.
#[derive(Default)]
pub(in crate::moderation) struct Shadow {
    candidate: RwLock<Option<Arc<dyn Candidate>>>,
    pub(super) counting: Counting,
    uploads: Mutex<BTreeMap<Vec<u8>, i64>>,
}

impl Shadow {
    fn candidate(&self) -> Option<Arc<dyn Candidate>> {
        let candidate = self.candidate.read();
        candidate.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn add_upload(&self, key: Vec<u8>) {
        let uploads = self.uploads.lock();
        let mut uploads = uploads.unwrap_or_else(PoisonError::into_inner);
        *uploads.entry(key).or_default() += 1;
    }

    /// Whether a counter is of a candidate that is there.
    pub(super) fn is_current(&self, key: &[u8]) -> bool {
        let Some((kind, Some(generation))) = key.get(2).zip(key.get(3..).map(<[u8]>::first_chunk))
        else {
            return false;
        };
        let generation = u32::from_be_bytes(*generation);
        match kind {
            b'x' => self.counting.is_of(generation),
            _ => self
                .candidate()
                .is_some_and(|candidate| candidate.generation() == generation),
        }
    }

    pub(super) fn of(&self, record: &Record) -> Option<Shadowed> {
        let candidate = self.candidate()?;
        Some(Shadowed {
            generation: candidate.generation(),
            standings: candidate.standings(record)?,
        })
    }
}

impl Queue {
    /// Counts for this candidate from now on, or for none.
    pub fn set_candidate(&self, candidate: Option<Arc<dyn Candidate>>) {
        let place = self.shadow.candidate.write();
        *place.unwrap_or_else(PoisonError::into_inner) = candidate;
    }

    /// Counts an upload for the candidate, in memory.
    pub fn count_upload(&self, record: &Record) {
        let Some(Shadowed {
            generation,
            standings,
        }) = self.shadow.of(record)
        else {
            return;
        };
        self.shadow
            .add_upload(key(generation, b'u', standings, &[]));
    }

    /// Writes the uploads that were counted in memory.
    ///
    /// # Errors
    /// The store's; they are kept for the next time.
    pub fn merge_uploads(&self) -> Result<(), ModerationError> {
        let taken = {
            let uploads = self.shadow.uploads.lock();
            std::mem::take(&mut *uploads.unwrap_or_else(PoisonError::into_inner))
        };
        // Those of a candidate that is gone by now go with it.
        let taken: BTreeMap<_, _> = taken
            .into_iter()
            .filter(|(key, _)| self.shadow.is_current(key))
            .collect();
        let merged = audit::commit(&*self.store, |changes| {
            let mut steps = Steps::default();
            for (key, count) in &taken {
                steps.add(key.clone(), *count);
            }
            steps.plan(&*self.store, changes)?;
            Ok::<_, StorageError>(())
        });
        if let Err(error) = merged {
            let uploads = self.shadow.uploads.lock();
            let mut uploads = uploads.unwrap_or_else(PoisonError::into_inner);
            for (key, count) in taken {
                *uploads.entry(key).or_default() += count;
            }
            return Err(error.into());
        }
        Ok(())
    }
}

/// What was counted for a candidate.
///
/// # Errors
/// When it cannot be read.
pub fn shadow_figures(keys: &dyn Keyspace, generation: u32) -> Result<ShadowFigures, StorageError> {
    let mut figures = ShadowFigures::default();
    for entry in keys.range(&all_of(generation), COUNTERS_MAX)? {
        figures.take(&entry.key, decode(&entry.value)?);
    }
    Ok(figures)
}

/// Plans to forget what was counted for a candidate; returns it.
///
/// # Errors
/// When it cannot be read.
pub fn plan_shadow_end(
    keys: &dyn Keyspace,
    changes: &mut Changes,
    generation: u32,
) -> Result<ShadowFigures, StorageError> {
    let mut figures = ShadowFigures::default();
    for entry in keys.range(&all_of(generation), COUNTERS_MAX)? {
        figures.take(&entry.key, decode(&entry.value)?);
        changes.expect(entry.key.clone(), Some(entry.value));
        changes.delete(entry.key);
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moderation::tests::{claim_of, moderator, queue, queued_image};
    use crate::moderation::{Lane, Verdict};

    const NOW: u64 = 1_750_000_060_000;

    /// Nsfw from this on, where the thresholds in force say 0.6.
    struct From(u32, f32);

    impl Candidate for From {
        fn generation(&self) -> u32 {
            self.0
        }

        fn standings(&self, record: &Record) -> Option<Standings> {
            let [_, hentai, _, porn, _] = record.classification.as_ref()?.probabilities;
            let of = |min| Standing::new(hentai + porn >= min, false);
            Some(Standings {
                live: of(0.6),
                would: of(self.1),
            })
        }
    }

    fn standings(live: bool, would: bool) -> Standings {
        Standings {
            live: Standing::new(live, false),
            would: Standing::new(would, false),
        }
    }

    #[test]
    fn a_candidate_counts_what_it_would_have_done_and_nothing_else() {
        let queue = queue();
        let who = moderator();
        let before = queued_image(&queue, 0.5);
        queue.count_upload(&before);
        queue.set_candidate(Some(Arc::new(From(7, 0.4))));
        let records = [0.3, 0.5, 0.7].map(|score| queued_image(&queue, score));
        records.iter().for_each(|record| queue.count_upload(record));
        queue.merge_uploads().unwrap();
        queue.merge_uploads().unwrap();
        let decided = records.each_ref().map(|record| {
            let job = queue.claim(&who, &Lane::ALL, &record.id, NOW).unwrap();
            let decided = queue.decide(&who, &claim_of(&job), &Verdict::Nsfw, NOW);
            decided.unwrap()
        });
        let uploads = [
            (standings(false, false), 1),
            (standings(false, true), 1),
            (standings(true, true), 1),
        ];
        let of = |generation| shadow_figures(&**queue.store(), generation).unwrap();
        assert_eq!(of(7).uploads, BTreeMap::from(uploads));
        assert_eq!(of(7).decided.len(), 3);
        assert_eq!(of(8), ShadowFigures::default());
        let state = queue.store().find(&records[1].id).unwrap().unwrap().state;
        assert_eq!(state, crate::State::Public, "it only counts");

        // What is taken back is not counted any more, also after the next one
        // has begun.
        queue.set_candidate(Some(Arc::new(From(8, 0.4))));
        let undone = &decided[1];
        queue
            .undo(
                &who,
                &undone.image,
                undone.decision.as_ref().unwrap().version,
                NOW,
            )
            .unwrap();
        assert_eq!(of(7).decided.len(), 2);
        let mut changes = Changes::new();
        let ended = plan_shadow_end(&**queue.store(), &mut changes, 7).unwrap();
        assert_eq!(ended, of(7));
        Keyspace::commit(&**queue.store(), changes).unwrap();
        assert_eq!(of(7), ShadowFigures::default());
        let undone = &decided[0];
        queue
            .undo(
                &who,
                &undone.image,
                undone.decision.as_ref().unwrap().version,
                NOW,
            )
            .unwrap();
        assert_eq!(of(7), ShadowFigures::default());
        // Uploads of a candidate that is gone are forgotten.
        queue.count_upload(&records[0]);
        queue.set_candidate(None);
        queue.merge_uploads().unwrap();
        assert_eq!(of(8), ShadowFigures::default());
        // The live figures are none of its own.
        assert_eq!(queue.figures().unwrap().decided.values().sum::<u64>(), 1);
    }
}
