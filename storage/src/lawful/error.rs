//! Why nothing was held, released or entered.

use crate::StorageError;

/// A refusal, or the store's failure.
#[derive(Debug, thiserror::Error)]
pub enum LawfulError {
    /// There is no such image.
    #[error("there is no such image")]
    UnknownImage,
    /// A hold is there already.
    #[error("the image is held already")]
    AlreadyHeld,
    /// No hold stands: there was none, or its time is over.
    #[error(
        "only what is held is handed over, and no hold of this image stands: set one with the \
         order's reference"
    )]
    NotHeld,
    /// A request would have arrived on a day to come.
    #[error("a request cannot have arrived on a day that is still to come")]
    ArrivalAhead,
    /// A request would have arrived too long ago for any clock.
    #[error(
        "that day is more than a year ago, long after the last day of an answer: enter the day on \
         which it arrived, or say in its words why it was found so late and enter today"
    )]
    ArrivalLongAgo,
    /// Something that must be said is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The hold would end too soon or too late.
    #[error("a hold lasts between a day and {} days", super::HOLD_DAYS_MAX)]
    Expiry,
    /// There is no such request, or it was answered.
    #[error("there is no such open request")]
    UnknownRequest,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl LawfulError {
    /// Stable, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownImage => "not-found",
            Self::AlreadyHeld => "already-held",
            Self::Missing(_) => "form-incomplete",
            Self::NotHeld => "not-held",
            Self::ArrivalAhead | Self::ArrivalLongAgo => "request-arrival-out-of-bounds",
            Self::Expiry => "hold-expiry-out-of-bounds",
            Self::UnknownRequest => "request-unknown",
            Self::Storage(error) => error.code(),
        }
    }
}
