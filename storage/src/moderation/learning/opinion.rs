//! What a candidate model says of some uploads, counted beside what the acting
//! one said, without a trace of which image it was.
//!
//! | key | counts |
//! |---|---|
//! | `ml` `x` generation `u` standings explicit sexy | uploads |
//! | `ml` `x` generation `d` standings explicit sexy source outcome | decided images |
//!
//! An image's record never has the candidate's scores. Its job has them, in
//! steps, while it waits for people, because what they decide is counted with
//! them; then its decision has, so that an undo takes back what was counted.
//! They go with the job.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

use super::figures::step;
use super::{Judged, Shadow, Source, Standings, decode};
use crate::moderation::flag::stored;
use crate::moderation::{ModerationError, Queue, Status, job_keys};
use crate::{Changes, ImageId, KeyRange, Keyspace, Space, StorageError, audit};

/// Counters read or deleted at a time.
const PAGE: usize = 512;

/// Counters read at all, as of the figures of every model.
const COUNTERS_MAX: usize = 100_000;

/// Where an image lies by a candidate model's scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Where the acting model put it, and where the candidate would.
    pub standings: Standings,
    /// The candidate's P(hentai) + P(porn) in steps of 1 / `SCORE_STEPS`.
    pub explicit: u8,
    /// Its P(sexy) in the same steps.
    pub sexy: u8,
}

impl Seen {
    /// Of the candidate's probabilities, in the order of every model's classes.
    #[must_use]
    pub fn new(standings: Standings, probabilities: [f32; 5]) -> Self {
        let [_, hentai, _, porn, sexy] = probabilities;
        Self {
            standings,
            explicit: step(hentai + porn),
            sexy: step(sexy),
        }
    }
}

/// What a candidate model said of one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opinion {
    /// Tells the candidate from every one before it; from 1 on.
    pub generation: u32,
    /// What it said.
    pub seen: Seen,
}

impl Opinion {
    fn key(&self, kind: u8, rest: &[u8]) -> Vec<u8> {
        let Seen {
            standings,
            explicit,
            sexy,
        } = self.seen;
        let place = [
            kind,
            standings.live.byte(),
            standings.would.byte(),
            explicit,
            sexy,
        ];
        Space::Learning.key(&[b"x", &self.generation.to_be_bytes(), &place, rest])
    }

    pub(super) fn decided_key(&self, source: Source, judged: Judged) -> Vec<u8> {
        self.key(b'd', &[source.byte(), judged.byte()])
    }
}

/// The candidate model that is counted for, by its generation; 0 is none.
#[derive(Debug, Default)]
pub(super) struct Counting(AtomicU32);

impl Counting {
    pub(super) fn is_of(&self, generation: u32) -> bool {
        generation != 0 && self.0.load(Relaxed) == generation
    }
}

/// Everything that was ever counted for candidate models.
fn all() -> KeyRange {
    KeyRange::prefix(&Space::Learning.key(&[b"x"]))
}

/// Where those counters begin; they are the last of the space.
pub(super) fn first_key() -> Vec<u8> {
    Space::Learning.key(&[b"x"])
}

fn all_of(generation: u32) -> KeyRange {
    KeyRange::prefix(&Space::Learning.key(&[b"x", &generation.to_be_bytes()]))
}

/// A candidate model's counters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpinionFigures {
    /// Uploads that it looked at.
    pub uploads: BTreeMap<Seen, u64>,
    /// Those of them that people decided, by how they came to be.
    pub decided: BTreeMap<(Seen, Source, Judged), u64>,
}

impl OpinionFigures {
    fn take(&mut self, key: &[u8], count: u64) {
        let Some(&[kind, live, would, explicit, sexy, ref rest @ ..]) = key.get(7..) else {
            return;
        };
        let Some(standings) = Standings::of_bytes(live, would) else {
            return;
        };
        let seen = Seen {
            standings,
            explicit,
            sexy,
        };
        match (kind, rest) {
            (b'u', []) => {
                self.uploads.insert(seen, count);
            }
            (b'd', &[source, judged]) => {
                let judged = Judged::of_byte(judged);
                let decided = judged.map(|judged| (seen, Source::of_byte(source), judged));
                self.decided.extend(decided.map(|decided| (decided, count)));
            }
            _ => {}
        }
    }
}

impl Shadow {
    /// Whether opinions of this candidate are counted at present.
    pub(super) fn hears(&self, opinion: &Opinion) -> bool {
        self.counting.is_of(opinion.generation)
    }
}

impl Queue {
    /// Counts opinions of this candidate model from now on, or of none.
    pub fn count_opinions_of(&self, generation: Option<u32>) {
        let counting = &self.shadow.counting.0;
        counting.store(generation.unwrap_or(0), Relaxed);
    }

    /// Counts what the candidate model said of an upload: the upload in memory,
    /// and what people decide of it with their decision. An opinion of a
    /// candidate that is gone is none.
    ///
    /// # Errors
    /// The store's; the upload is counted nevertheless.
    pub fn count_opinion(&self, image: &ImageId, opinion: Opinion) -> Result<(), ModerationError> {
        if !self.shadow.hears(&opinion) {
            return Ok(());
        }
        self.shadow.add_upload(opinion.key(b'u', &[]));
        let _turn = self.turn();
        audit::commit(&*self.store, |changes| {
            let Some(stored) = stored(&*self.store, image)? else {
                return Ok(());
            };
            let mut job = stored.job.clone();
            if job.status != Status::Decided {
                job.opinion = Some(opinion);
                job_keys::restamp(changes, stored, &job);
            }
            Ok(())
        })
    }
}

/// What was counted for a candidate model.
///
/// # Errors
/// When it cannot be read.
pub fn opinion_figures(
    keys: &dyn Keyspace,
    generation: u32,
) -> Result<OpinionFigures, StorageError> {
    let mut figures = OpinionFigures::default();
    let mut range = all_of(generation);
    for _ in 0..COUNTERS_MAX / PAGE {
        let entries = keys.range(&range, PAGE)?;
        let Some(last) = entries.last() else {
            break;
        };
        range = range.after(&last.key);
        for entry in &entries {
            figures.take(&entry.key, decode(&entry.value)?);
        }
    }
    Ok(figures)
}

/// Forgets what was counted for every candidate model but this one. What a
/// crash leaves of it goes at the next time.
///
/// # Errors
/// When it cannot be read or written.
pub fn forget_opinions(keys: &dyn Keyspace, but: Option<u32>) -> Result<(), StorageError> {
    let kept = but.map(all_of);
    let mut range = all();
    loop {
        let entries = keys.range(&range, PAGE)?;
        let Some(last) = entries.last() else {
            return Ok(());
        };
        range = range.after(&last.key);
        let is_kept = |key: &Vec<u8>| {
            let kept = kept.as_ref();
            kept.is_some_and(|kept| kept.from <= *key && *key < kept.to)
        };
        let mut changes = Changes::new();
        for entry in entries {
            if !is_kept(&entry.key) {
                changes.delete(entry.key);
            }
        }
        if !changes.is_empty() {
            keys.commit(changes)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Record;
    use crate::moderation::learning::Standing;
    use crate::moderation::tests::{claim_of, moderator, queue, queued_image};
    use crate::moderation::{Flag, Job, Lane, Reason, Verdict};

    const NOW: u64 = 1_750_000_060_000;

    fn opinion(generation: u32) -> Opinion {
        let of = |nsfw| Standing {
            nsfw,
            queued: false,
        };
        let standings = Standings {
            live: of(false),
            would: of(true),
        };
        Opinion {
            generation,
            seen: Seen::new(standings, [0.0, 0.3, 0.2, 0.45, 0.05]),
        }
    }

    fn decide(queue: &Queue, record: &Record, verdict: &Verdict) -> Job {
        let who = moderator();
        let job = queue.claim(&who, &Lane::ALL, &record.id, NOW).unwrap();
        queue.decide(&who, &claim_of(&job), verdict, NOW).unwrap()
    }

    fn figures(queue: &Queue, generation: u32) -> OpinionFigures {
        queue.merge_uploads().unwrap();
        opinion_figures(&**queue.store(), generation).unwrap()
    }

    #[test]
    fn an_upload_is_counted_and_its_decision_with_it() {
        let queue = queue();
        let record = queued_image(&queue, 0.5);
        queue.count_opinions_of(Some(3));
        queue.count_opinion(&record.id, opinion(3)).unwrap();
        let seen = opinion(3).seen;
        assert_eq!((seen.explicit, seen.sexy), (37, 2));
        let expected = OpinionFigures {
            uploads: BTreeMap::from([(seen, 1)]),
            decided: BTreeMap::new(),
        };
        assert_eq!(figures(&queue, 3), expected);
        let waiting = queue.job(&record.id).unwrap().unwrap();
        assert_eq!(waiting.opinion, Some(opinion(3)));

        let decided = decide(&queue, &record, &Verdict::Nsfw);
        assert_eq!(decided.opinion, None);
        let as_nsfw = BTreeMap::from([((seen, Source::Queued, Judged::Nsfw), 1)]);
        assert_eq!(figures(&queue, 3).decided, as_nsfw);
        // Decided again, it counts once, as what stands.
        queue
            .flag(&record.id, &Flag::new(Reason::Appeal), NOW)
            .unwrap();
        let again = decide(&queue, &record, &Verdict::Safe);
        let as_safe = BTreeMap::from([((seen, Source::Queued, Judged::Safe), 1)]);
        assert_eq!(figures(&queue, 3).decided, as_safe);
        let who = moderator();
        let undone = queue.undo(&who, &record.id, again.version, NOW).unwrap();
        assert_eq!(figures(&queue, 3).decided, as_nsfw);
        let claim = claim_of(&undone);
        queue.decide(&who, &claim, &Verdict::Safe, NOW).unwrap();
        assert_eq!(figures(&queue, 3).decided, as_safe);
        // What the acting model taught is counted as ever, and without it.
        assert_eq!(queue.figures().unwrap().decided.values().sum::<u64>(), 1);
    }

    #[test]
    fn an_image_that_nobody_is_to_see_leaves_nothing_but_its_counter() {
        let queue = queue();
        let record = queued_image(&queue, 0.5);
        let decided = decide(&queue, &record, &Verdict::Safe);
        queue.count_opinions_of(Some(3));
        let n_before = queue.store().range(&KeyRange::prefix(b"m"), 1_000).unwrap();
        queue.count_opinion(&record.id, opinion(3)).unwrap();
        assert_eq!(queue.job(&record.id).unwrap(), Some(decided));
        queue
            .count_opinion(&ImageId::random().unwrap(), opinion(3))
            .unwrap();
        let n_after = queue.store().range(&KeyRange::prefix(b"m"), 1_000).unwrap();
        assert_eq!(n_before, n_after, "until they are merged");
        assert_eq!(figures(&queue, 3).uploads.values().sum::<u64>(), 2);
    }

    #[test]
    fn a_candidate_that_is_gone_is_counted_for_no_more() {
        let queue = queue();
        let records = [0.4, 0.5].map(|score| queued_image(&queue, score));
        queue.count_opinions_of(Some(3));
        for record in &records {
            queue.count_opinion(&record.id, opinion(3)).unwrap();
        }
        let decided = decide(&queue, &records[0], &Verdict::Nsfw);
        assert_eq!(figures(&queue, 3).decided.len(), 1);
        queue.count_opinions_of(Some(4));
        queue.count_opinion(&records[0].id, opinion(3)).unwrap();
        queue.count_opinion(&records[0].id, opinion(4)).unwrap();
        queue.merge_uploads().unwrap();
        let keys = &**queue.store();
        forget_opinions(keys, Some(4)).unwrap();
        // An opinion of before is none, in a decision and in its undo.
        decide(&queue, &records[1], &Verdict::Nsfw);
        let version = decided.version;
        queue
            .undo(&moderator(), &records[0].id, version, NOW)
            .unwrap();
        assert_eq!(figures(&queue, 3), OpinionFigures::default());
        assert_eq!(figures(&queue, 4).uploads.values().sum::<u64>(), 1);
        assert_eq!(figures(&queue, 4).decided, BTreeMap::new());
        queue.count_opinions_of(None);
        forget_opinions(keys, None).unwrap();
        assert_eq!(keys.range(&all(), 9).unwrap(), []);
    }
}
