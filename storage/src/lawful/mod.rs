//! What the law and the people concerned may ask for: holds that stop every
//! purge (P11), and requests with a clock (P20, P25).
//!
//! A hold is its entry in the keyspace; while there is one, the store keeps the
//! record's `court_hold` set, whatever else would clear it. That an image is
//! evidence, which the queue finds and clears, is another fact of the record:
//! neither begins or ends with the other.

mod counts;
mod error;
mod hold;
mod request;
#[cfg(test)]
mod tests;

pub use counts::{YearOfHolds, counts, note_export};
pub use error::LawfulError;
pub(crate) use hold::keeps;
pub use hold::{HOLD_DAYS_MAX, Hold, NewHold, due, end_due, hold, hold_of, holds, release};
pub use request::{
    Answer, REQUEST_DAYS, REQUESTS_KEPT_DAYS, Request, RequestClocks, RequestDraft, RequestKind,
    URGENT_DAYS, answer, answered, clocks, enter, open, over, remove_answered,
};

/// A text as these entries keep it.
pub type Words = crate::complaints::Text<1000>;

/// A short text: a reference, a way to reach somebody.
pub type Line = crate::complaints::Text<200>;
