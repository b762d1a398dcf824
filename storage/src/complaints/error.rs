//! Why a complaint could not be taken, or answered.

use crate::StorageError;
use crate::moderation::ModerationError;

/// Why a complaint could not be taken, or answered.
#[derive(Debug, thiserror::Error)]
pub enum ComplaintError {
    /// The queue or the store failed, or somebody else was first.
    #[error(transparent)]
    Moderation(#[from] ModerationError),
    /// The system's random source failed.
    #[error("the system's random source failed: {0}")]
    NoRandomness(#[from] std::io::Error),
    /// There is no such image, or none that anybody may know of.
    #[error("there is no such image")]
    UnknownImage,
    /// There is nothing under this receipt.
    #[error("there is no such receipt")]
    UnknownReceipt,
    /// There are so many reports on the image that another says nothing new.
    #[error("the image was reported often enough")]
    ReportedEnough,
    /// No restriction stands that could be objected to.
    #[error("nothing restricts this image")]
    NotRestricted,
    /// An objection is open already.
    #[error("an objection is open already")]
    OpenAlready,
    /// The decision was looked at again; it stands.
    #[error("this decision was looked at again and stands")]
    DecidedFinally,
    /// The image was not removed for a copyright notice.
    #[error("the image was not removed for a copyright notice")]
    NotForCopyright,
    /// The counter-notice is closed.
    #[error("the counter-notice is closed")]
    ClosedAlready,
}

impl From<StorageError> for ComplaintError {
    fn from(error: StorageError) -> Self {
        Self::Moderation(error.into())
    }
}

impl ComplaintError {
    /// The stable kebab-case code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Moderation(error) => error.code(),
            Self::NoRandomness(_) => "internal-error",
            Self::UnknownImage | Self::UnknownReceipt => "not-found",
            Self::ReportedEnough => "reported-enough",
            Self::NotRestricted => "not-restricted",
            Self::OpenAlready => "objection-open",
            Self::DecidedFinally => "decision-final",
            Self::NotForCopyright => "not-for-copyright",
            Self::ClosedAlready => "counter-notice-closed",
        }
    }
}
