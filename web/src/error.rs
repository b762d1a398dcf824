//! The one map from everything that can go wrong to a status and a code.
//!
//! Answers are RFC 9457 problems. Pages for browsers are made from the same
//! [`Problem`] by [`crate::http::negotiate`].

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use imgshare_pipeline::{Fault, Overloaded, PipelineError, Reject};
use imgshare_storage::StorageError;
use imgshare_storage::moderation::ModerationError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::abuse;
use crate::complaints;
use crate::http::body::BodyError;
use crate::http::multipart::MultipartProblem;
use crate::staff::{FOREIGN_LANE, Refusal, RefusedWith};

/// What a client that was refused for load or for our state may try after.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Every way a request can fail.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The pipeline refused the image, or broke.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The store refused, or broke.
    #[error(transparent)]
    Storage(StorageError),
    /// The bank or a rule does not let the image in.
    #[error("image refused")]
    ImageRefused,
    /// Rules that cannot be used.
    #[error("{0}")]
    RulesUnusable(String),
    /// Thresholds or a candidate that cannot be used.
    #[error("{0}")]
    ThresholdsUnusable(String),
    /// Something in the queue could not be done.
    #[error(transparent)]
    Moderation(#[from] ModerationError),
    /// The upload's body was not what it must be.
    #[error(transparent)]
    Upload(#[from] MultipartProblem),
    /// Unknown, deleted and hidden alike.
    #[error("not found")]
    NotFound,
    /// The path exists, the method does not.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// A deletion without its token.
    #[error("delete token missing")]
    DeleteTokenMissing,
    /// A deletion with another image's token, or none of ours.
    #[error("delete token wrong")]
    DeleteTokenWrong,
    /// A form that is not the one the page sent.
    #[error("malformed form")]
    MalformedForm,
    /// A complaint was refused, or the image was removed by moderation.
    #[error(transparent)]
    Complaint(#[from] Box<complaints::Refusal>),
    /// Something under `/staff` was refused.
    #[error(transparent)]
    Staff(#[from] Refusal),
    /// The client takes more than its share, or is blocked.
    #[error(transparent)]
    Abuse(#[from] abuse::Refusal),
    /// A byte range outside the image.
    #[error("range not satisfiable")]
    RangeNotSatisfiable {
        /// Length of the whole, in bytes.
        bytes: u64,
    },
    /// Something of ours broke outside pipeline and store.
    #[error("{0}")]
    Internal(String),
}

/// RFC 9457 problem details, as sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// A name for the kind of problem; the code as a URN.
    #[serde(rename = "type")]
    #[schema(example = "urn:imgshare:problem:unsupported-format")]
    pub kind: String,
    /// The same for every problem of this kind.
    #[schema(example = "Unsupported format")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 415)]
    pub status: u16,
    /// What happened this time, for people.
    pub detail: String,
    /// Stable, for programs.
    #[schema(example = "unsupported-format")]
    pub code: String,
    /// Names the log line of a fault of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Seconds after which the same request may succeed, as in `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// What a form lacks, as stable codes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flaws: Vec<String>,
    /// Why the image was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<Box<complaints::Statement>>,
}

impl WebError {
    /// Status and code, for the answer, the log and the metrics.
    #[must_use]
    pub fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Pipeline(PipelineError::Reject(reject)) => (reject_status(reject), reject.code()),
            Self::Pipeline(PipelineError::Overloaded(_)) => {
                (StatusCode::TOO_MANY_REQUESTS, "overloaded")
            }
            Self::Pipeline(PipelineError::Fault(fault)) => match fault {
                Fault::ShuttingDown | Fault::FormatUnavailable => {
                    (StatusCode::SERVICE_UNAVAILABLE, fault.code())
                }
                Fault::Panicked { .. } | Fault::DecoderLost => {
                    (StatusCode::INTERNAL_SERVER_ERROR, fault.code())
                }
            },
            Self::Storage(error) => storage_status_and_code(error),
            Self::ImageRefused => (StatusCode::UNPROCESSABLE_ENTITY, "image-refused"),
            Self::RulesUnusable(_) => (StatusCode::UNPROCESSABLE_ENTITY, "rules-unusable"),
            Self::ThresholdsUnusable(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "thresholds-unusable")
            }
            Self::Moderation(error) => moderation_status_and_code(error),
            Self::Upload(problem) => upload_status_and_code(problem),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"),
            Self::DeleteTokenMissing => (StatusCode::UNAUTHORIZED, "delete-token-missing"),
            Self::DeleteTokenWrong => (StatusCode::FORBIDDEN, "delete-token-wrong"),
            Self::MalformedForm => (StatusCode::BAD_REQUEST, "malformed-form"),
            Self::Complaint(refusal) => refusal.status_and_code(),
            Self::Staff(refusal) => refusal.status_and_code(),
            Self::Abuse(abuse::Refusal::TooMany { .. }) => {
                (StatusCode::TOO_MANY_REQUESTS, "too-many-requests")
            }
            Self::Abuse(abuse::Refusal::Blocked) => (StatusCode::FORBIDDEN, "network-blocked"),
            Self::RangeNotSatisfiable { .. } => {
                (StatusCode::RANGE_NOT_SATISFIABLE, "range-not-satisfiable")
            }
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal-error"),
        }
    }

    /// The answer's content. A fault of ours is logged here, and the answer
    /// carries nothing of it but the log line's id.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let (status, code) = self.status_and_code();
        let fault = (status == StatusCode::INTERNAL_SERVER_ERROR).then(|| {
            let fault = fault_id();
            tracing::error!(%fault, code, error = %self, "a request failed through our fault");
            fault
        });
        if matches!(self, Self::Storage(_)) && fault.is_none() {
            tracing::error!(code, error = %self, "the store refused a request");
        }
        Problem {
            kind: format!("urn:imgshare:problem:{code}"),
            title: title(code),
            status: status.as_u16(),
            detail: self.detail(fault.as_deref()),
            code: code.to_owned(),
            fault,
            retry_after: self.retry_after().map(|wait| wait.as_secs().max(1)),
            flaws: self
                .complaint()
                .map(|refusal| refusal.flaw_codes())
                .unwrap_or_default(),
            statement: self
                .complaint()
                .and_then(|refusal| refusal.statement())
                .map(|statement| Box::new(complaints::Statement::of(statement))),
        }
    }

    fn detail(&self, fault: Option<&str>) -> String {
        match (self, fault) {
            (_, Some(fault)) => {
                format!("Something broke on our side. If you report it, name fault {fault}.")
            }
            (Self::Pipeline(PipelineError::Reject(reject)), _) => reject.to_string(),
            (Self::Pipeline(PipelineError::Overloaded(overloaded)), _) => overloaded.to_string(),
            (Self::Pipeline(PipelineError::Fault(Fault::FormatUnavailable)), _) => {
                "The service cannot read images of this format until it is started again; PNG \
                 and JPEG still work."
                    .to_owned()
            }
            (Self::Pipeline(PipelineError::Fault(_)), _) => {
                "The service is restarting; try again in a moment.".to_owned()
            }
            (Self::Storage(_), _) => {
                "The service cannot store anything at the moment; try again later.".to_owned()
            }
            (Self::RulesUnusable(why) | Self::ThresholdsUnusable(why), _) => why.clone(),
            (Self::ImageRefused, _) => "This image is not accepted here.".to_owned(),
            (Self::Moderation(ModerationError::Storage(_)), _) => {
                "The service cannot store anything at the moment; try again later.".to_owned()
            }
            (Self::Moderation(error), _) => error.to_string(),
            (Self::Upload(problem), _) => upload_detail(problem),
            (Self::NotFound, _) => "There is nothing here, or not any more.".to_owned(),
            (Self::MethodNotAllowed, _) => "This address does not take that method.".to_owned(),
            (Self::DeleteTokenMissing, _) => {
                "This is for the uploader: it takes the delete token from the upload's answer, as \
                 `Authorization: Bearer TOKEN`."
                    .to_owned()
            }
            (Self::DeleteTokenWrong, _) => "This is not the delete token of this image.".to_owned(),
            (Self::MalformedForm, _) => "The form could not be read.".to_owned(),
            (Self::Complaint(refusal), _) => refusal.detail(),
            (Self::Staff(refusal), _) => refusal.to_string(),
            (Self::Abuse(refusal), _) => refusal.to_string(),
            (Self::RangeNotSatisfiable { bytes }, _) => {
                format!("The range lies outside the image's {bytes} bytes.")
            }
            (Self::Internal(_), None) => "Something broke on our side.".to_owned(),
        }
    }

    fn complaint(&self) -> Option<&complaints::Refusal> {
        match self {
            Self::Complaint(refusal) => Some(refusal),
            _ => None,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Complaint(refusal) => refusal.retry_after(),
            Self::Pipeline(PipelineError::Overloaded(Overloaded { retry_after })) => {
                Some(*retry_after)
            }
            Self::Staff(refusal) => refusal.retry_after(),
            Self::Abuse(abuse::Refusal::TooMany { wait }) => Some(*wait),
            _ if self.status_and_code().0 == StatusCode::SERVICE_UNAVAILABLE => Some(RETRY_AFTER),
            _ => None,
        }
    }
}

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        let mut response = self.problem().into_response();
        if let Self::Moderation(ModerationError::ForeignLane { .. }) = self {
            // The answer is that of an unknown image; the audit knows better.
            response.extensions_mut().insert(RefusedWith(FOREIGN_LANE));
        }
        let headers = response.headers_mut();
        match self {
            Self::DeleteTokenMissing => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Staff(Refusal::SessionMissing | Refusal::SecondFactorMissing) => {
                // No scheme of the registry: a session begins at /staff/login.
                let challenge = HeaderValue::from_static("Session realm=\"staff\"");
                headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
            Self::RangeNotSatisfiable { bytes } => {
                if let Ok(value) = HeaderValue::try_from(format!("bytes */{bytes}")) {
                    headers.insert(header::CONTENT_RANGE, value);
                }
            }
            _ => {}
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS {
            // RFC 7725, section 4: who it is that blocks.
            let blocker = HeaderValue::from_static("</>; rel=\"blocked-by\"");
            headers.insert(header::LINK, blocker);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// 413 is about the body's length alone; an image whose content exceeds a
/// limit was received whole and cannot be processed: 422.
fn reject_status(reject: &Reject) -> StatusCode {
    match reject {
        Reject::Empty => StatusCode::BAD_REQUEST,
        Reject::UnsupportedFormat { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Reject::Truncated
        | Reject::Malformed { .. }
        | Reject::SideTooLong { .. }
        | Reject::TooManyPixels { .. }
        | Reject::TooManyFrames { .. }
        | Reject::AnimationTooLarge { .. }
        | Reject::TurnedAnimationTooLarge { .. }
        | Reject::NeedsTooMuchMemory { .. }
        | Reject::MetadataNotRemovable { .. }
        | Reject::DeadlineExceeded { .. } => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn upload_status_and_code(problem: &MultipartProblem) -> (StatusCode, &'static str) {
    match problem {
        MultipartProblem::Body(BodyError::TooLarge { .. }) => {
            (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large")
        }
        MultipartProblem::Body(BodyError::Timeout) => (StatusCode::REQUEST_TIMEOUT, "body-timeout"),
        MultipartProblem::Body(BodyError::CutOff) => (StatusCode::BAD_REQUEST, "body-cut-off"),
        MultipartProblem::Malformed => (StatusCode::BAD_REQUEST, "malformed-multipart"),
        MultipartProblem::FileMissing => (StatusCode::BAD_REQUEST, "file-missing"),
        MultipartProblem::TooManyFiles => (StatusCode::BAD_REQUEST, "too-many-files"),
        MultipartProblem::EmptyFile => (StatusCode::BAD_REQUEST, "empty-file"),
    }
}

fn upload_detail(problem: &MultipartProblem) -> String {
    match problem {
        MultipartProblem::Body(BodyError::TooLarge { bytes_max }) => {
            format!("The file is too large; at most {bytes_max} bytes are accepted.")
        }
        MultipartProblem::Body(BodyError::Timeout) => {
            "The upload stopped or came too slowly.".to_owned()
        }
        MultipartProblem::Body(BodyError::CutOff) => "The upload was cut off.".to_owned(),
        MultipartProblem::Malformed => {
            "The body must be multipart/form-data with one part named `file`.".to_owned()
        }
        MultipartProblem::FileMissing => "There is no file in a part named `file`.".to_owned(),
        MultipartProblem::TooManyFiles => "Send one file a request.".to_owned(),
        MultipartProblem::EmptyFile => "The file is empty.".to_owned(),
    }
}

/// `unsupported-format` is titled "Unsupported format".
fn title(code: &str) -> String {
    let mut title = code.replace('-', " ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

/// 32 random bits: enough to find one line in a log.
fn fault_id() -> String {
    let mut id = [0; 4];
    match getrandom::fill(&mut id) {
        Ok(()) => hex::encode(id),
        Err(_) => "unnamed".to_owned(),
    }
}

/// An image that is gone answers like one that never was (P18), wherever that is
/// found out.
impl From<StorageError> for WebError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NotFound { .. } => Self::NotFound,
            error => Self::Storage(error),
        }
    }
}

fn moderation_status_and_code(error: &ModerationError) -> (StatusCode, &'static str) {
    let status = match error {
        ModerationError::Storage(error) => return storage_status_and_code(error),
        ModerationError::NoRandomness(_) => StatusCode::INTERNAL_SERVER_ERROR,
        ModerationError::NotQueued { .. } | ModerationError::ForeignLane { .. } => {
            StatusCode::NOT_FOUND
        }
        ModerationError::Gone { .. } => StatusCode::GONE,
        ModerationError::TooManyLeases => StatusCode::CONFLICT,
        ModerationError::Conflict(_) => StatusCode::CONFLICT,
    };
    (status, error.code())
}

/// The store's own codes; what the operator must mend is 507 or 503, because
/// the same request works afterwards.
fn storage_status_and_code(error: &StorageError) -> (StatusCode, &'static str) {
    let status = match error {
        StorageError::NoSpace { .. } => StatusCode::INSUFFICIENT_STORAGE,
        StorageError::ReadOnly { .. }
        | StorageError::Conflict { .. }
        | StorageError::Stale { .. } => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, error.code())
}

#[cfg(test)]
mod tests;
