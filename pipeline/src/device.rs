//! Runs batches on the one thread that owns the device.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use imgshare_models::classifier::Classifier;
use imgshare_models::manifest::ModelSpec;
use imgshare_models::scores::Scores;

use crate::batch::{self, Slab};
use crate::outcome::{Scored, Verdict};
use crate::stats::{Stats, count};
use crate::ticket::{Closed, Ticket, settle};
use crate::worker::Ready;

/// The classifier with its input slab and its counters.
pub(crate) struct Device {
    classifier: Box<dyn Classifier>,
    slab: Slab,
    stats: Arc<Stats>,
    name: Arc<Mutex<String>>,
}

/// An image among others in a run of batches.
struct Owner {
    ticket: Arc<Ticket>,
    n_frames: usize,
    /// Frames for a cascade's second classifier.
    second_slots: Vec<Box<[u16]>>,
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

    /// Classifies what waited and answers each of them: first all that the
    /// first classifier settles, then those that a second one has to.
    pub(crate) fn classify(&mut self, waiting: Vec<Ready>) {
        let started = Instant::now();
        let mut slots = Vec::new();
        let mut owners = Vec::with_capacity(waiting.len());
        for ready in waiting {
            owners.push(Owner {
                ticket: ready.ticket,
                n_frames: ready.slots.len(),
                second_slots: ready.second_slots,
            });
            slots.extend(ready.slots);
        }
        let mut scores = self.contained(Role::First, &slots).map(Vec::into_iter);
        drop(slots);

        let doubt = self.classifier.second().map(|second| second.doubt);
        let spec = self.classifier.spec();
        let mut doubtful = Vec::new();
        for owner in owners {
            let worst = scores
                .as_mut()
                .and_then(|scores| worst(scores.by_ref().take(owner.n_frames)));
            match worst {
                Some(scores) if doubt.is_some_and(|doubt| doubt.about(&scores)) => {
                    doubtful.push(owner);
                }
                worst => drop(self.answer(&owner.ticket, (spec, worst), started)),
            }
        }
        self.decide(doubtful, started);
    }

    /// Has the second classifier decide, as many images at a time as its
    /// largest batch holds, so that none waits for all.
    fn decide(&mut self, doubtful: Vec<Owner>, started: Instant) {
        let mut doubtful = doubtful.into_iter().peekable();
        while doubtful.peek().is_some() {
            let Some(second) = self.classifier.second() else {
                let spec = self.classifier.spec();
                for owner in doubtful {
                    self.answer(&owner.ticket, (spec, None), started);
                }
                return;
            };
            let spec = second.classifier.spec();
            let frames_max = second.classifier.buckets().last().copied().unwrap_or(1);
            let mut slots = Vec::new();
            let mut group = Vec::new();
            while slots.len() < frames_max {
                let Some(mut owner) = doubtful.next() else {
                    break;
                };
                if owner.ticket.is_departed() {
                    settle(&self.stats, &owner.ticket, owner.ticket.abandon());
                } else {
                    slots.append(&mut owner.second_slots);
                    group.push(owner);
                }
            }
            if group.is_empty() {
                return;
            }
            let mut scores = self.contained(Role::Second, &slots).map(Vec::into_iter);
            for owner in group {
                let worst = scores
                    .as_mut()
                    .and_then(|scores| worst(scores.by_ref().take(owner.n_frames)));
                let closed = self.answer(&owner.ticket, (spec, worst), started);
                if closed == Some(Closed::Scored) {
                    count(&self.stats.second_opinions);
                }
            }
        }
    }

    /// Answers one image with what a model said, or as pending if it said
    /// nothing.
    fn answer(
        &self,
        ticket: &Ticket,
        (spec, scores): (&'static ModelSpec, Option<Scores>),
        started: Instant,
    ) -> Option<Closed> {
        let verdict = scores.map_or(Verdict::Pending, |scores| {
            Verdict::Scored(Scored {
                model: spec.id,
                preprocessing: spec.preprocessing,
                scores,
            })
        });
        let closed = ticket.answer(verdict, Some(started), started.elapsed());
        settle(&self.stats, ticket, closed);
        closed
    }

    /// Scores of every slot, or nothing when the device failed on any or
    /// panicked.
    fn contained(&mut self, role: Role, slots: &[Box<[u16]>]) -> Option<Vec<Scores>> {
        // The classifier replaces a device that panicked; the slab is refilled
        // from scratch for every batch.
        let scores = catch_unwind(AssertUnwindSafe(|| {
            let second = match role {
                Role::First => None,
                Role::Second => Some(self.classifier.second()?.classifier),
            };
            match second {
                Some(second) => infer(second, &mut self.slab, &self.stats, slots),
                None => infer(self.classifier.as_mut(), &mut self.slab, &self.stats, slots),
            }
        }));
        let scores = scores.ok().flatten();
        self.note_outcome(scores.is_some());
        scores
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

/// Which classifier of a cascade.
#[derive(Clone, Copy)]
enum Role {
    First,
    Second,
}

/// Scores of every slot, or nothing when the device failed on any.
pub(crate) fn infer(
    classifier: &mut dyn Classifier,
    slab: &mut Slab,
    stats: &Stats,
    slots: &[Box<[u16]>],
) -> Option<Vec<Scores>> {
    let slot_len = slots.first()?.len();
    let mut scores = Vec::with_capacity(slots.len());
    let mut left = slots;
    for bucket in batch::plan(slots.len(), classifier.buckets()) {
        let (batch, rest) = left.split_at(bucket.min(left.len()));
        left = rest;
        let started = Instant::now();
        let answer = classifier.classify(slab.fill(batch, bucket, slot_len), bucket);
        stats.infer.record(started.elapsed());
        count(&stats.batches);
        let wide = |n_frames: usize| n_frames.try_into().unwrap_or(u64::MAX);
        stats.batch_frames.fetch_add(wide(batch.len()), Relaxed);
        stats
            .batch_padding
            .fetch_add(wide(bucket - batch.len()), Relaxed);
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

/// Of an animation's sampled frames the one with the highest nsfw mass speaks
/// for all.
pub(crate) fn worst(scores: impl Iterator<Item = Scores>) -> Option<Scores> {
    scores.max_by(|a, b| a.nsfw_mass().total_cmp(&b.nsfw_mass()))
}
