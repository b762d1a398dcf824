//! Exactly one file out of a `multipart/form-data` body.

use std::fmt;

use axum::body::HttpBody as _;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use sha2::{Digest, Sha256};

use crate::http::body::{self, BodyError, BodyLimits, BodyOutcome};
use crate::http::filename;

/// Room for boundaries and part headers around the file.
const FRAMING_BYTES_MAX: u64 = 64 << 10;

/// The part that carries the file.
const FILE_PART: &str = "file";

/// A file as the client sent it.
#[derive(Debug)]
pub struct UploadedFile {
    /// Its bytes; nothing is known about them.
    pub bytes: Vec<u8>,
    /// Its name, sanitised.
    pub filename: String,
    /// The hash of the bytes as they came.
    pub hash: ArrivedHash,
}

/// SHA-256 of a file as it came, before it was rewritten. Lists that others share
/// are of such files, so the hash bank is asked for it; it would say which file with
/// which metadata was uploaded, so it is neither stored nor written anywhere (P1, P2).
pub struct ArrivedHash([u8; 32]);

impl ArrivedHash {
    /// The hash of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// For the look-up alone.
    #[must_use]
    pub fn for_lookup(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ArrivedHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ArrivedHash(..)")
    }
}

/// Why a body holds no single file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MultipartProblem {
    /// The body itself did not arrive.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Not multipart, or broken as such.
    #[error("the body is not well-formed multipart/form-data")]
    Malformed,
    /// No part named `file`.
    #[error("there is no part named `file`")]
    FileMissing,
    /// More than one file.
    #[error("there is more than one file")]
    TooManyFiles,
    /// The part is there and holds nothing.
    #[error("the file is empty")]
    EmptyFile,
}

/// Reads the body into memory once, up to `file_bytes_max` bytes of file.
///
/// Parts that are no files are skipped: a form may have other fields.
///
/// # Errors
/// [`MultipartProblem`]; the rest of the body is then discarded.
pub async fn read_one_file(
    request: Request,
    file_bytes_max: u64,
    limits: BodyLimits,
) -> Result<UploadedFile, MultipartProblem> {
    let (parts, body) = request.into_parts();
    let length = body::announced_length(&parts.headers);
    let body_limits = BodyLimits {
        bytes_max: file_bytes_max.saturating_add(FRAMING_BYTES_MAX),
        ..limits
    };
    if body.is_end_stream() {
        return Err(MultipartProblem::FileMissing);
    }
    let (body, outcome) = body::guard(&parts.headers, body, body_limits)
        .map_err(|error| said_of_the_file(error, file_bytes_max))?;
    let mut request = Request::from_parts(parts, body);
    // The guard holds the limit; axum's own would answer in its own words.
    DefaultBodyLimit::disable().apply(&mut request);
    let multipart = Multipart::from_request(request, &())
        .await
        .map_err(|_| MultipartProblem::Malformed)?;
    let capacity = length.unwrap_or(0).min(file_bytes_max);
    find_file(multipart, file_bytes_max, capacity, &outcome).await
}

async fn find_file(
    mut multipart: Multipart,
    file_bytes_max: u64,
    capacity: u64,
    outcome: &BodyOutcome,
) -> Result<UploadedFile, MultipartProblem> {
    let explain = |_: MultipartError| {
        outcome
            .error()
            .map_or(MultipartProblem::Malformed, |error| {
                said_of_the_file(error, file_bytes_max)
            })
    };
    let mut found: Option<UploadedFile> = None;
    let mut n_files = 0_u32;
    while let Some(field) = multipart.next_field().await.map_err(explain)? {
        let named_file = field.name() == Some(FILE_PART);
        if !named_file && field.file_name().is_none() {
            continue;
        }
        n_files += 1;
        if n_files > 1 {
            return Err(MultipartProblem::TooManyFiles);
        }
        if named_file {
            let filename = field
                .file_name()
                .map(filename::sanitize)
                .unwrap_or_default();
            let is_unchosen = field.file_name() == Some("");
            let (bytes, hash) = read_field(field, file_bytes_max, capacity, &explain).await?;
            // A form sent without choosing a file carries an unnamed, empty one.
            if !(is_unchosen && bytes.is_empty()) {
                found = Some(UploadedFile {
                    bytes,
                    filename,
                    hash,
                });
            }
        }
    }
    let file = found.ok_or(MultipartProblem::FileMissing)?;
    if file.bytes.is_empty() {
        Err(MultipartProblem::EmptyFile)
    } else {
        Ok(file)
    }
}

async fn read_field(
    mut field: Field<'_>,
    file_bytes_max: u64,
    capacity: u64,
    explain: &impl Fn(MultipartError) -> MultipartProblem,
) -> Result<(Vec<u8>, ArrivedHash), MultipartProblem> {
    // Chunk by chunk, so that a long file holds nothing up at its end.
    let mut hash = Sha256::new();
    let mut bytes = Vec::with_capacity(usize::try_from(capacity).unwrap_or(0));
    while let Some(chunk) = field.chunk().await.map_err(explain)? {
        let length = bytes.len().saturating_add(chunk.len());
        if u64::try_from(length).unwrap_or(u64::MAX) > file_bytes_max {
            return Err(BodyError::TooLarge {
                bytes_max: file_bytes_max,
            }
            .into());
        }
        hash.update(&chunk);
        bytes.extend_from_slice(&chunk);
    }
    Ok((bytes, ArrivedHash(hash.finalize().into())))
}

/// The limit people know is the file's, without the framing around it.
fn said_of_the_file(error: BodyError, file_bytes_max: u64) -> MultipartProblem {
    match error {
        BodyError::TooLarge { .. } => BodyError::TooLarge {
            bytes_max: file_bytes_max,
        }
        .into(),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use axum::http::header;

    use super::*;

    const LIMITS: BodyLimits = BodyLimits {
        bytes_max: u64::MAX,
        time_max: Duration::from_secs(5),
        stall_time_max: Duration::from_millis(20),
        bytes_per_second_min: 1,
    };

    fn part(name: &str, filename: Option<&str>, content: &str) -> String {
        let filename = filename
            .map(|name| format!("; filename=\"{name}\""))
            .unwrap_or_default();
        format!(
            "--XX\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n\r\n{content}\r\n"
        )
    }

    async fn read(body: impl Into<Body>) -> Result<UploadedFile, MultipartProblem> {
        let request = Request::post("/")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=XX")
            .body(body.into())
            .unwrap();
        read_one_file(request, 1_000, LIMITS).await
    }

    #[tokio::test]
    async fn one_file_among_other_fields_is_found() {
        let body =
            part("theme", None, "dark") + &part("file", Some("a/cat.jpg"), "bytes") + "--XX--\r\n";
        let file = read(body).await.unwrap();
        assert_eq!(
            (file.bytes.as_slice(), file.filename.as_str()),
            (&b"bytes"[..], "cat.jpg")
        );
        let expected = ArrivedHash::of(b"bytes");
        assert_eq!(file.hash.for_lookup(), expected.for_lookup());
        // P1, P2: nothing writes it down by accident.
        assert!(!format!("{file:?}").contains(&hex::encode(expected.0)));
    }

    #[tokio::test]
    async fn every_other_number_of_files_is_refused() {
        let file = part("file", Some("a"), "x");
        for (body, problem) in [
            (String::new(), MultipartProblem::FileMissing),
            ("--XX--\r\n".to_owned(), MultipartProblem::FileMissing),
            (
                part("picture", Some("a"), "x") + "--XX--\r\n",
                MultipartProblem::FileMissing,
            ),
            (
                part("file", Some(""), "") + "--XX--\r\n",
                MultipartProblem::FileMissing,
            ),
            (
                part("file", Some("a"), "") + "--XX--\r\n",
                MultipartProblem::EmptyFile,
            ),
            (
                format!("{file}{file}--XX--\r\n"),
                MultipartProblem::TooManyFiles,
            ),
            (
                file.clone() + &part("more", Some("b"), "y") + "--XX--\r\n",
                MultipartProblem::TooManyFiles,
            ),
        ] {
            assert_eq!(read(body.clone()).await.unwrap_err(), problem, "{body}");
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_the_rules_is_malformed() {
        for body in [
            "no boundary at all",
            "--XX\r\nContent-Dispo",
            "--XX\r\n\r\n",
        ] {
            assert_eq!(
                read(body).await.unwrap_err(),
                MultipartProblem::Malformed,
                "{body}"
            );
        }
        let unending = part("file", Some("a"), "x");
        assert_eq!(
            read(unending).await.unwrap_err(),
            MultipartProblem::Malformed
        );
        let untyped = Request::post("/").body(Body::from("x")).unwrap();
        let problem = read_one_file(untyped, 1_000, LIMITS).await.unwrap_err();
        assert_eq!(problem, MultipartProblem::Malformed);
    }

    #[tokio::test]
    async fn a_file_may_have_its_limit_and_not_a_byte_more() {
        let with = |length| part("file", Some("a"), &"x".repeat(length)) + "--XX--\r\n";
        assert_eq!(read(with(1_000)).await.unwrap().bytes.len(), 1_000);
        let too_large = MultipartProblem::Body(BodyError::TooLarge { bytes_max: 1_000 });
        assert_eq!(read(with(1_001)).await.unwrap_err(), too_large);
        assert_eq!(read(with(100_000)).await.unwrap_err(), too_large);
    }
}
