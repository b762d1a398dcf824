//! Sends an image: whole, in part, or not at all because the client has it.

use std::io::{self, Read, Seek, SeekFrom};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use imgshare_storage::BlobReader;

use crate::cache::{ImageHeaders, Lifetime};
use crate::config::Http;
use crate::error::WebError;
use crate::http::conditional;
use crate::http::range::{self, Requested};

/// An image opened as a document can do nothing, whatever its bytes say.
const IMAGE_CSP: &str = "sandbox; default-src 'none'";

/// Read from a file at once; two of them are in memory for a slow client.
const CHUNK_BYTES: u64 = 256 << 10;

/// Where the bytes come from.
pub enum Content {
    /// All of them, here.
    Memory(Bytes),
    /// A file, read as the client takes it.
    File(BlobReader),
}

impl Content {
    fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::File(reader) => reader.len(),
        }
    }
}

/// The answer to a GET or HEAD of an image.
///
/// # Errors
/// [`WebError::RangeNotSatisfiable`] when the range asked for has no byte.
pub fn respond(
    http: &Http,
    method: &Method,
    request: &HeaderMap,
    image: ImageHeaders,
    content: Content,
) -> Result<Response, WebError> {
    let etag = image.etag.to_str().unwrap_or_default();
    let is_unchanged = conditional::is_unchanged(request, etag);
    let length = content.len();
    let requested = requested_range(method, request, etag, length);
    let mut response = match requested {
        _ if is_unchanged => StatusCode::NOT_MODIFIED.into_response(),
        Requested::Unsatisfiable => return Err(WebError::RangeNotSatisfiable { bytes: length }),
        Requested::Whole => body_response(StatusCode::OK, method, content, 0, length),
        Requested::Part { first, last } => {
            let n_bytes = last - first + 1;
            let mut response =
                body_response(StatusCode::PARTIAL_CONTENT, method, content, first, n_bytes);
            if let Ok(value) = HeaderValue::try_from(format!("bytes {first}-{last}/{length}")) {
                response.headers_mut().insert(header::CONTENT_RANGE, value);
            }
            response
        }
    };
    add_headers(response.headers_mut(), http, image, is_unchanged);
    Ok(response)
}

fn requested_range(method: &Method, request: &HeaderMap, etag: &str, length: u64) -> Requested {
    let value = request
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok());
    match value {
        // A range means something for GET alone.
        Some(value) if method == Method::GET && conditional::range_applies(request, etag) => {
            range::parse(value, length)
        }
        _ => Requested::Whole,
    }
}

fn add_headers(headers: &mut HeaderMap, http: &Http, image: ImageHeaders, is_unchanged: bool) {
    let ImageHeaders {
        mime,
        etag,
        disposition,
        extension: _,
        lifetime,
    } = image;
    let browser_seconds = http.image_max_age_seconds;
    let shared_seconds = match lifetime {
        Lifetime::OfAnImage => http.image_shared_max_age_seconds,
        Lifetime::OfALabel | Lifetime::OfAnotherName => {
            browser_seconds.min(http.image_shared_max_age_seconds)
        }
    };
    let lifetime = format!("public, max-age={browser_seconds}, s-maxage={shared_seconds}");
    headers.insert(header::ETAG, etag);
    if let Ok(lifetime) = HeaderValue::try_from(lifetime) {
        headers.insert(header::CACHE_CONTROL, lifetime);
    }
    if is_unchanged {
        return;
    }
    headers.insert(header::CONTENT_TYPE, mime);
    headers.insert(header::CONTENT_DISPOSITION, disposition);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(IMAGE_CSP),
    );
    // Hotlinks and forums are what an image host is for.
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
}

fn body_response(
    status: StatusCode,
    method: &Method,
    content: Content,
    first: u64,
    n_bytes: u64,
) -> Response {
    let body = match content {
        _ if method == Method::HEAD => Body::empty(),
        Content::Memory(bytes) => Body::from(slice(&bytes, first, n_bytes)),
        Content::File(reader) => stream_file(reader, first, n_bytes),
    };
    (
        [(header::CONTENT_LENGTH, HeaderValue::from(n_bytes))],
        (status, body),
    )
        .into_response()
}

fn slice(bytes: &Bytes, first: u64, n_bytes: u64) -> Bytes {
    // Both lie within the bytes, so they fit where the bytes do.
    let first = usize::try_from(first)
        .unwrap_or(bytes.len())
        .min(bytes.len());
    let n_bytes = usize::try_from(n_bytes)
        .unwrap_or(bytes.len())
        .min(bytes.len() - first);
    bytes.slice(first..first + n_bytes)
}

fn stream_file(reader: BlobReader, first: u64, n_bytes: u64) -> Body {
    let start = (reader, Some(first), n_bytes);
    Body::from_stream(stream::try_unfold(
        start,
        |(reader, seek_to, left)| async move {
            if left == 0 {
                return Ok::<_, io::Error>(None);
            }
            let read = tokio::task::spawn_blocking(move || read_chunk(reader, seek_to, left));
            let (reader, chunk) = read.await.map_err(io::Error::other)??;
            let left = left - u64::try_from(chunk.len()).unwrap_or(left).min(left);
            Ok(Some((Bytes::from(chunk), (reader, None, left))))
        },
    ))
}

fn read_chunk(
    mut reader: BlobReader,
    seek_to: Option<u64>,
    left: u64,
) -> io::Result<(BlobReader, Vec<u8>)> {
    if let Some(first) = seek_to.filter(|first| *first > 0) {
        reader.seek(SeekFrom::Start(first))?;
    }
    let n_wanted = left.min(CHUNK_BYTES);
    let mut chunk = Vec::with_capacity(usize::try_from(n_wanted).unwrap_or(0));
    reader.by_ref().take(n_wanted).read_to_end(&mut chunk)?;
    if chunk.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((reader, chunk))
}
