//! `multipart/form-data` bodies, well-formed and otherwise.

/// What separates the parts. Nothing a picture contains by chance.
pub const BOUNDARY: &str = "imgshare-tests-7MA4YWxkTrZu0gW";

/// One part of a form.
#[derive(Debug, Clone, Copy)]
pub struct FormPart<'a> {
    /// The field's name; the API reads `file`.
    pub name: &'a str,
    /// The client's name for the file; none makes it a plain field.
    pub filename: Option<&'a str>,
    /// What the client claims the bytes are.
    pub content_type: &'a str,
    /// The bytes.
    pub bytes: &'a [u8],
}

impl<'a> FormPart<'a> {
    /// The part that an upload consists of.
    #[must_use]
    pub fn file(filename: &'a str, bytes: &'a [u8]) -> Self {
        Self {
            name: "file",
            filename: Some(filename),
            content_type: "application/octet-stream",
            bytes,
        }
    }
}

/// The `Content-Type` that goes with [`body`].
#[must_use]
pub fn content_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

/// A whole body of these parts.
#[must_use]
pub fn body(parts: &[FormPart<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for part in parts {
        let filename = part
            .filename
            .map(|name| format!("; filename=\"{name}\""))
            .unwrap_or_default();
        body.extend_from_slice(
            format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{}\"{filename}\r\nContent-Type: {}\r\n\r\n",
                part.name, part.content_type
            )
            .as_bytes(),
        );
        body.extend_from_slice(part.bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}
