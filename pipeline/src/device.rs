//! Runs batches on the one thread that owns the device.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use imgshare_models::classifier::Classifier;
use imgshare_models::scores::Scores;

use crate::batch::{self, Slab};
use crate::outcome::{Scored, Verdict};
use crate::stats::{Stats, count};
use crate::ticket::settle;
use crate::worker::Ready;

/// The classifier with its input slab and its counters.
pub(crate) struct Device {
    classifier: Box<dyn Classifier>,
    slab: Slab,
    stats: Arc<Stats>,
    name: Arc<Mutex<String>>,
}

impl Device {
    pub(crate) fn new(
        classifier: Box<dyn Classifier>,
        stats: Arc<Stats>,
        name: Arc<Mutex<String>>,
    ) -> Self {
        Self {
            classifier,
            slab: Slab::default(),
            stats,
            name,
        }
    }

    /// Most frames one batch can hold.
    pub(crate) fn frames_max(&self) -> usize {
        self.classifier.buckets().last().copied().unwrap_or(1)
    }

    /// Classifies what waited and answers each of them.
    pub(crate) fn classify(&mut self, waiting: Vec<Ready>) {
        let started = Instant::now();
        let mut slots = Vec::new();
        let mut owners = Vec::with_capacity(waiting.len());
        for Ready { slots: own, ticket } in waiting {
            owners.push((ticket, own.len()));
            slots.extend(own);
        }
        // The classifier replaces a device that panicked; the slab is refilled
        // from scratch for every batch.
        let scores = catch_unwind(AssertUnwindSafe(|| self.infer(&slots)))
            .ok()
            .flatten();
        let infer = started.elapsed();
        self.note_outcome(scores.is_some());

        let mut scores = scores.map(Vec::into_iter);
        for (ticket, n_frames) in owners {
            let verdict = scores
                .as_mut()
                .and_then(|scores| worst(scores.by_ref().take(n_frames)))
                .map_or(Verdict::Pending, |scores| {
                    let spec = self.classifier.spec();
                    Verdict::Scored(Scored {
                        model: spec.id,
                        preprocessing: spec.preprocessing,
                        scores,
                    })
                });
            settle(
                &self.stats,
                &ticket,
                ticket.answer(verdict, Some(started), infer),
            );
        }
    }

    /// Scores of every slot, or nothing when the device failed on any.
    fn infer(&mut self, slots: &[Box<[u16]>]) -> Option<Vec<Scores>> {
        let slot_len = slots.first()?.len();
        let mut scores = Vec::with_capacity(slots.len());
        let mut left = slots;
        for bucket in batch::plan(slots.len(), self.classifier.buckets()) {
            let (batch, rest) = left.split_at(bucket.min(left.len()));
            left = rest;
            let started = Instant::now();
            let answer = self
                .classifier
                .classify(self.slab.fill(batch, bucket, slot_len), bucket);
            self.stats.infer.record(started.elapsed());
            count(&self.stats.batches);
            self.stats
                .batch_frames
                .fetch_add(batch.len().try_into().unwrap_or(u64::MAX), Relaxed);
            self.stats.batch_padding.fetch_add(
                (bucket - batch.len()).try_into().unwrap_or(u64::MAX),
                Relaxed,
            );
            match answer {
                Ok(answer) if answer.len() >= batch.len() => {
                    scores.extend(answer.into_iter().take(batch.len()));
                }
                Ok(_) => {
                    tracing::error!("the classifier answered fewer images than it was given");
                    return None;
                }
                Err(error) => {
                    tracing::error!(%error, "a batch failed; its images stay pending");
                    return None;
                }
            }
        }
        scores.iter().all(Scores::is_distribution).then_some(scores)
    }

    fn note_outcome(&self, ok: bool) {
        if ok {
            self.stats.batch_failures_in_a_row.store(0, Relaxed);
        } else {
            count(&self.stats.batch_failures);
            count(&self.stats.batch_failures_in_a_row);
        }
        let device = self.classifier.device();
        let mut known = self.name.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != device {
            tracing::warn!(from = %*known, to = %device, "the classifying device changed");
            *known = device;
        }
    }
}

/// Of an animation's sampled frames the one with the highest nsfw mass speaks
/// for all.
fn worst(scores: impl Iterator<Item = Scores>) -> Option<Scores> {
    scores.max_by(|a, b| a.nsfw_mass().total_cmp(&b.nsfw_mass()))
}
