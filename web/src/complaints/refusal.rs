//! Why a complaint is refused, or an image is not there: status, stable code
//! and words.

use std::time::Duration;

use axum::http::StatusCode;
use imgshare_storage::complaints::{ComplaintError, Flaw, Statement};
use imgshare_storage::moderation::{ModerationError, Policy};

use super::wire;
use crate::error::WebError;

/// Why a complaint is refused, or an image is not there.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The form lacks something; the codes say what.
    #[error("the form lacks something")]
    Incomplete(Vec<Flaw>),
    /// The network has sent too many.
    #[error("too many complaints from this network")]
    TooMany {
        /// When it may send another.
        wait: Duration,
    },
    /// Moderation removed the image.
    #[error("removed by moderation")]
    Removed(Box<Statement>),
    /// Moderation removed the image, and the token that was shown is not its own, or
    /// the image is gone with its token.
    #[error("removed by moderation, and the token is not its own")]
    RemovedFromOthers(Box<Statement>),
    /// It was said before, or cannot be said of this image.
    #[error("{words}")]
    Unfit {
        /// The stable code.
        code: &'static str,
        /// For people.
        words: &'static str,
    },
}

impl Refusal {
    /// Status and code.
    #[must_use]
    pub fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Incomplete(_) => (StatusCode::UNPROCESSABLE_ENTITY, "form-incomplete"),
            Self::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "too-many-complaints"),
            Self::Removed(statement) | Self::RemovedFromOthers(statement)
                if is_by_order(statement) =>
            {
                (StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS, "legal-order")
            }
            Self::Removed(_) | Self::RemovedFromOthers(_) => (StatusCode::GONE, "image-removed"),
            Self::Unfit { code, .. } => (StatusCode::CONFLICT, code),
        }
    }

    /// For people.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Incomplete(flaws) => {
                let words: Vec<String> = flaws.iter().map(wire::flaw_words).collect();
                words.join(" ")
            }
            Self::TooMany { wait } => {
                let wait = wait.as_secs().div_ceil(60).max(1);
                let minutes = if wait == 1 { "minute" } else { "minutes" };
                format!(
                    "Much was sent from your network lately. You can send this in {wait} {minutes}."
                )
            }
            Self::Removed(statement) => wire::removal_words(statement),
            Self::RemovedFromOthers(statement) => format!(
                "{} This is not its deletion token, or the image is gone for good and nothing \
                 opens it any more.",
                wire::removal_words(statement)
            ),
            Self::Unfit { words, .. } => (*words).to_owned(),
        }
    }

    /// When the same may be tried again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany { wait } => Some(*wait),
            _ => None,
        }
    }

    /// Codes of what a form lacks.
    #[must_use]
    pub fn flaw_codes(&self) -> Vec<String> {
        match self {
            Self::Incomplete(flaws) => flaws.iter().map(Flaw::code).collect(),
            _ => Vec::new(),
        }
    }

    /// The statement of reasons, where it is one.
    #[must_use]
    pub fn statement(&self) -> Option<&Statement> {
        match self {
            Self::Removed(statement) | Self::RemovedFromOthers(statement) => Some(statement),
            _ => None,
        }
    }
}

fn is_by_order(statement: &Statement) -> bool {
    statement.policy == Some(Policy::LegalOrder)
}

impl From<ComplaintError> for WebError {
    fn from(error: ComplaintError) -> Self {
        let code = error.code();
        let unfit = |words| Refusal::Unfit { code, words }.into();
        match error {
            ComplaintError::UnknownImage | ComplaintError::UnknownReceipt => Self::NotFound,
            ComplaintError::Moderation(
                ModerationError::Gone { .. } | ModerationError::NotQueued { .. },
            ) => Self::NotFound,
            ComplaintError::Moderation(error) => error.into(),
            ComplaintError::NoRandomness(error) => Self::Internal(error.to_string()),
            ComplaintError::ReportedEnough => {
                unfit("This was reported often enough: somebody will look at it.")
            }
            ComplaintError::NotRestricted => unfit("Nothing restricts this image."),
            ComplaintError::OpenAlready => unfit("An objection is open already."),
            ComplaintError::DecidedFinally => {
                unfit("This decision was looked at again by somebody else, and stands.")
            }
            ComplaintError::NotForCopyright => {
                unfit("This image was not removed for a copyright notice.")
            }
            ComplaintError::ClosedAlready => unfit("This counter-notice is closed."),
        }
    }
}

impl From<Refusal> for WebError {
    fn from(refusal: Refusal) -> Self {
        Self::Complaint(Box::new(refusal))
    }
}
