//! What people without accounts say about images: reports, copyright notices
//! and counter-notices, appeals; and what they are told: receipts, and the
//! statement of reasons for every restriction.
//!
//! Each of them is a reason to look at an image, so each goes through the
//! queue. What the queue decides settles them in the same commit
//! ([`outcome`]).
//!
//! | key | value |
//! |---|---|
//! | `mr` `c` id round | a case: the reports that are decided together |
//! | `mr` `d` due id | nothing: an open case, by its clock |
//! | `mr` `i` id round receipt | nothing: a report of that case |
//! | `mr` `k` category | how often its reports proved right |
//! | `mr` `r` receipt | the report |
//! | `mr` `x` end id round | nothing: a resolved case, by its end |
//! | `mn` `a` id number | an appeal |
//! | `mn` `c` receipt | a counter-notice |
//! | `mn` `e` end kind .. | nothing: an appeal, a counter-notice or statements, by their end |
//! | `mn` `f` id | the counter-notice after which the claimant went to court |
//! | `mn` `h` kind hash | upheld notices against what has this hash |
//! | `mn` `l` id | the decision that closed a counter-notice |
//! | `mn` `n` receipt | a copyright notice |
//! | `mn` `o` id | the counter-notice that is open: nothing is purged |
//! | `mn` `s` id | the statements of reasons; they outlive the image by a year |
//! | `mn` `t` day receipt | nothing: an image to be restored then |
//!
//! A decision changes one case, whatever the number of its reports: they are
//! not written again, they look their case up.
//!
//! Deliberately absent: addresses and anything else about who reports. What a
//! reporter's word counts is the caller's to say, and is not kept.

mod appeal;
mod business_days;
mod case;
mod category;
mod copyright;
mod due;
mod error;
mod expiry;
mod filing;
mod hold;
mod keys;
pub(crate) mod outcome;
mod overdue;
mod receipt;
mod ruled;
mod since;
mod statement;
mod text;
mod track;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

pub use appeal::{APPEAL_CHARS_MAX, Appeal, AppealOutcome};
pub use business_days::{Zone, end_of_business_day, is_business_day};
pub use case::{
    CONTACT_CHARS_MAX, Case, Outcome, REPORT_CHARS_MAX, REPORTS_OPEN_MAX, Report, Resolution,
};
pub use category::{Category, Consequence};
pub use copyright::{
    CounterForm, CounterNotice, CounterState, Flaw, FlawKind, IMAGES_PER_NOTICE_MAX, Notice,
    NoticeForm, Repeats, Restored,
};
pub use due::{DuePage, DuePlace};
pub use error::ComplaintError;
pub use expiry::Expired;
pub use filing::{Filed, Progress, Reach, ReportDraft};
pub use outcome::KEPT_MS;
pub use receipt::{InvalidReceipt, Receipt};
pub use ruled::{Judge, Ruled};

pub use since::Since;
pub use statement::{Found, Restriction, Statement};
pub use text::{Text, TextTooLong};
pub use track::Track;

use crate::moderation::{ModerationError, Queue};
use crate::{ImageId, Record};

/// The door to complaints about the images of a queue.
pub struct Complaints {
    queue: Arc<Queue>,
    judge: Option<Box<Judge>>,
    /// Up to where the statements of images that are gone were looked for.
    looked_up_to: Mutex<Option<Vec<u8>>>,
}

impl Complaints {
    /// The complaints that feed a queue.
    #[must_use]
    pub fn new(queue: Arc<Queue>) -> Self {
        Self {
            queue,
            judge: None,
            looked_up_to: Mutex::new(None),
        }
    }

    /// The same, with rules that are asked again with each report.
    #[must_use]
    pub fn asking(
        mut self,
        judge: impl Fn(&Record, u64, u64) -> Result<Option<Ruled>, ModerationError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.judge = Some(Box::new(judge));
        self
    }

    /// The queue that they feed.
    #[must_use]
    pub fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    fn looked_up_to(&self) -> Option<Vec<u8>> {
        let place = self.looked_up_to.lock();
        place.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn look_from(&self, place: Option<Vec<u8>>) {
        let kept = self.looked_up_to.lock();
        *kept.unwrap_or_else(PoisonError::into_inner) = place;
    }

    /// What restricts an image that is still there, and why; `None` when
    /// nothing does.
    ///
    /// # Errors
    /// The store's.
    pub fn statement(&self, record: &Record) -> Result<Option<Statement>, ComplaintError> {
        let said = statement::in_force(&**self.queue.store(), &record.id)?;
        if let Some((statement, _)) = said {
            return Ok(Some(statement));
        }
        let job = self.queue.job(&record.id)?;
        Ok(Statement::without_decision(record, job.as_ref()))
    }

    /// Why an image was removed, for whoever opens its link: also when it is
    /// purged. A rule that blocked it has removed it too. `None` for what was not
    /// removed by moderation.
    ///
    /// # Errors
    /// The store's.
    pub fn tombstone(&self, image: &ImageId) -> Result<Option<Statement>, ComplaintError> {
        let store = self.queue.store();
        let statement = match statement::in_force(&**store, image)? {
            Some((statement, _)) => Some(statement),
            None => store
                .find(image)?
                .and_then(|record| Statement::without_decision(&record, None)),
        };
        Ok(statement.filter(|statement| statement.restriction == Restriction::Removed))
    }
}
