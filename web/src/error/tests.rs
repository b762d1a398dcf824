use std::io;

use super::*;

fn of(error: impl Into<WebError>) -> (u16, &'static str) {
    let (status, code) = error.into().status_and_code();
    (status.as_u16(), code)
}

fn reject(reject: Reject) -> (u16, &'static str) {
    of(PipelineError::from(reject))
}

#[test]
fn refused_images_have_stable_answers() {
    assert_eq!(reject(Reject::Empty), (400, "empty-file"));
    let unsupported = Reject::UnsupportedFormat { advice: None };
    assert_eq!(reject(unsupported), (415, "unsupported-format"));
    assert_eq!(reject(Reject::Truncated), (422, "truncated-image"));
    let side = Reject::SideTooLong {
        width: 65_535,
        height: 1,
        side_max: 12_000,
    };
    assert_eq!(reject(side), (422, "side-too-long"));
    assert_eq!(
        reject(Reject::TooManyFrames { frames_max: 900 }),
        (422, "too-many-frames")
    );
}

#[test]
fn bodies_have_stable_answers() {
    let too_large = BodyError::TooLarge { bytes_max: 1 };
    for (problem, answer) in [
        (MultipartProblem::Body(too_large), (413, "body-too-large")),
        (
            MultipartProblem::Body(BodyError::Timeout),
            (408, "body-timeout"),
        ),
        (
            MultipartProblem::Body(BodyError::CutOff),
            (400, "body-cut-off"),
        ),
        (MultipartProblem::Malformed, (400, "malformed-multipart")),
        (MultipartProblem::FileMissing, (400, "file-missing")),
        (MultipartProblem::TooManyFiles, (400, "too-many-files")),
        (MultipartProblem::EmptyFile, (400, "empty-file")),
    ] {
        assert_eq!(of(problem), answer);
    }
}

#[test]
fn a_store_that_can_recover_is_no_fault() {
    let source = || io::Error::other("x");
    let full = StorageError::NoSpace {
        action: String::new(),
        source: source(),
    };
    assert_eq!(of(full), (507, "storage-full"));
    let read_only = StorageError::ReadOnly {
        action: String::new(),
        source: source(),
    };
    assert_eq!(of(read_only), (503, "storage-read-only"));
}

#[test]
fn load_is_answered_with_a_wait() {
    let overloaded = Overloaded {
        retry_after: Duration::from_secs(7),
    };
    let response = WebError::from(PipelineError::from(overloaded)).into_response();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()[header::RETRY_AFTER], "7");
    let stopping = WebError::from(PipelineError::from(Fault::ShuttingDown)).into_response();
    assert_eq!(stopping.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(stopping.headers().contains_key(header::RETRY_AFTER));
}

#[test]
fn a_decoder_that_is_lost_is_nobody_elses_fault() {
    let of = |fault: Fault| WebError::from(PipelineError::from(fault));
    let problem = of(Fault::DecoderLost).problem();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (500, "internal-error")
    );
    let problem = of(Fault::FormatUnavailable).problem();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (503, "format-unavailable")
    );
    assert!(problem.detail.contains("PNG"), "{}", problem.detail);
}

#[test]
fn a_fault_says_its_id_and_nothing_else() {
    let secret = "/var/data: disk on fire";
    let problem = WebError::Internal(secret.to_owned()).problem();
    let fault = problem.fault.clone().unwrap();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (500, "internal-error")
    );
    assert!(problem.detail.contains(&fault) && !problem.detail.contains("disk"));
}

#[test]
fn a_problem_is_a_problem_document() {
    let response = WebError::NotFound.into_response();
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "application/problem+json"
    );
    let problem = WebError::NotFound.problem();
    assert_eq!(problem.kind, "urn:imgshare:problem:not-found");
    assert_eq!(problem.title, "Not found");
}
