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
            Self::Expiry => "hold-expiry-out-of-bounds",
            Self::UnknownRequest => "request-unknown",
            Self::Storage(error) => error.code(),
        }
    }
}
