//! Judging stored images again, from the scores that are stored.

use super::flag::stored;
use super::job_keys;
use super::{Flag, Job, ModerationError, Queue, Reason, ReasonKind, Status};
use crate::{Classification, ImageId, Record, RuledBy, State, audit};

/// What becomes of an image that is judged again.
#[derive(Debug, Clone, PartialEq)]
pub struct Rescore {
    /// What is stored with its scores from now on.
    pub classification: Classification,
    /// Its place in the queue.
    pub place: ScorePlace,
}

/// What a score means for the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScorePlace {
    /// As it was.
    Stays,
    /// People are to look at it.
    Queue {
        /// And nobody else until then.
        hide: bool,
    },
    /// Nobody needs to look any more, if the score was all there was.
    Withdraw,
}

/// Whether people have had their word about an image, or a rule has: no score
/// changes that.
#[must_use]
pub fn is_settled(record: &Record, job: Option<&Job>) -> bool {
    let by = record.ruling.map(|ruling| ruling.by);
    matches!(by, Some(RuledBy::Staff | RuledBy::Rule))
        || job.is_some_and(|job| job.decision.is_some())
        || !matches!(record.state, State::Public | State::Review)
}

/// Whether a job waits for nothing but a score near a threshold.
#[must_use]
pub fn is_about_score(job: &Job) -> bool {
    let mut reasons = job.reasons.iter().map(Reason::kind);
    job.status == Status::Waiting && reasons.all(|kind| kind == ReasonKind::ReviewBand)
}

impl Queue {
    /// Judges one image again. `judge` says what becomes of it, and may run more
    /// than once; `None` changes nothing, and it is not asked about an image
    /// that is [settled](is_settled). Returns what was changed.
    ///
    /// # Errors
    /// The store's.
    pub fn rescore(
        &self,
        image: &ImageId,
        now_ms: u64,
        judge: impl Fn(&Record, Option<&Job>) -> Option<Rescore>,
    ) -> Result<Option<Rescore>, ModerationError> {
        let _turn = self.turn();
        let views = self.store.views(image)?;
        audit::commit(&*self.store, |changes| {
            let Some(mut record) = self.store.find(image)? else {
                return Ok(None);
            };
            let stored = stored(&*self.store, image)?;
            let job = stored.as_ref().map(|stored| &stored.job);
            if is_settled(&record, job) {
                return Ok(None);
            }
            let Some(rescore) = judge(&record, job) else {
                return Ok(None);
            };
            record.classification = Some(rescore.classification.clone());
            match (rescore.place, stored) {
                (ScorePlace::Queue { hide }, _) => {
                    let mut flag = Flag::new(Reason::ReviewBand);
                    flag.hide = hide;
                    flag.plan(&*self.store, changes, &mut record, &views, now_ms)?;
                }
                (ScorePlace::Withdraw, Some(stored)) if is_about_score(&stored.job) => {
                    job_keys::forget(changes, stored);
                    record.state = State::Public;
                }
                (ScorePlace::Stays | ScorePlace::Withdraw, _) => {}
            }
            changes.update_record(record);
            Ok(Some(rescore))
        })
    }
}
