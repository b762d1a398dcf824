//! What became of a reported image after the report was decided.

use super::case::{Case, Report, Resolution};
use super::statement::{self, Restriction};
use super::{ComplaintError, Complaints, Receipt, keys};
use crate::State;
use crate::staff::kept::Kept;

/// What is so now, where it is not what was decided about a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Since {
    /// It had been removed and is shown again: after an appeal, a counter-notice, or
    /// an undo.
    Restored,
    /// It had stayed, and another decision removed it.
    Removed,
}

impl Since {
    /// The stable kebab-case name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restored => "restored",
            Self::Removed => "removed",
        }
    }
}

impl Complaints {
    /// What is so now of an image whose report was decided; `None` where that still
    /// stands, or the image is gone.
    ///
    /// # Errors
    /// The store's.
    pub fn since_decided(&self, receipt: &Receipt) -> Result<Option<Since>, ComplaintError> {
        let store = &**self.queue.store();
        let Some(report) = Kept::<Report>::read(store, keys::report(receipt))? else {
            return Ok(None);
        };
        let (image, round) = (report.value.image, report.value.round);
        let case = Kept::<Case>::read(store, keys::case(&image, round))?;
        let outcome = case.and_then(|case| case.value.outcome);
        let record = store.find(&image)?;
        let (Some(outcome), Some(record)) = (outcome, record) else {
            return Ok(None);
        };
        let is_removed = || {
            let said = statement::in_force(store, &image)?;
            let is_it = said.is_some_and(|(said, _)| said.restriction == Restriction::Removed);
            Ok::<_, ComplaintError>(is_it && record.state == State::Blocked)
        };
        Ok(match outcome.resolution {
            Resolution::Removed if record.state == State::Public => Some(Since::Restored),
            Resolution::Warned | Resolution::Kept if is_removed()? => Some(Since::Removed),
            _ => None,
        })
    }
}
