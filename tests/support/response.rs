//! Answers, read off a connection and checked.

use std::io::{self, BufRead, BufReader};
use std::net::TcpStream;

use serde_json::Value;

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// The body; empty for a HEAD.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// A header that has to be there.
    ///
    /// # Panics
    /// When it is not.
    #[must_use]
    pub fn expect_header(&self, name: &str) -> &str {
        self.header(name)
            .unwrap_or_else(|| panic!("no {name} in {:?}", self.headers))
    }

    /// All headers, in the order they came.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("status {}, {error}: {}", self.status, self.text()))
    }

    /// The path of the absolute link in this field of a JSON answer.
    ///
    /// # Panics
    /// When there is no such link.
    #[must_use]
    pub fn link(&self, field: &str) -> String {
        let json = self.json();
        let link = json[field]
            .as_str()
            .unwrap_or_else(|| panic!("no link {field} in {json}"));
        let after_scheme = link.strip_prefix("http://").expect("links are absolute");
        let path = after_scheme.find('/').expect("links have a path");
        after_scheme[path..].to_owned()
    }

    /// The text in this field of a JSON answer.
    ///
    /// # Panics
    /// When it is no text.
    #[must_use]
    pub fn field(&self, name: &str) -> String {
        let json = self.json();
        json[name]
            .as_str()
            .unwrap_or_else(|| panic!("no text {name} in {json}"))
            .to_owned()
    }

    /// Checks that this is an RFC 9457 problem of this status and code.
    ///
    /// # Panics
    /// When it is not.
    pub fn expect_problem(&self, status: u16, code: &str) {
        let text = self.text();
        assert_eq!(self.status, status, "{text}");
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{text}"
        );
        let problem = self.json();
        assert_eq!(problem["code"], code, "{text}");
        assert_eq!(problem["status"], status, "{text}");
        for member in ["type", "title", "detail"] {
            assert!(
                problem[member]
                    .as_str()
                    .is_some_and(|said| !said.is_empty()),
                "{member}: {text}"
            );
        }
    }

    /// The same answer, if its status is this one.
    ///
    /// # Panics
    /// When it is another.
    #[must_use]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

/// Reads one answer, body and all.
///
/// # Errors
/// When the connection breaks or ends before the answer does.
pub fn read_response(stream: &TcpStream, head_only: bool) -> io::Result<Response> {
    let mut reader = BufReader::new(stream);
    let status_line = line(&mut reader)?;
    let status = status_line
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .ok_or_else(|| broken(&format!("not a status line: {status_line:?}")))?;
    let mut headers = Vec::new();
    loop {
        let text = line(&mut reader)?;
        if text.is_empty() {
            break;
        }
        let (name, value) = text
            .split_once(':')
            .ok_or_else(|| broken("a header without a colon"))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut response = Response {
        status,
        headers,
        body: Vec::new(),
    };
    if !head_only && status != 204 && status != 304 {
        response.body = read_body(&mut reader, &response)?;
    }
    Ok(response)
}

fn read_body(reader: &mut impl BufRead, response: &Response) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if let Some(length) = response.header("content-length") {
        let length: usize = length
            .parse()
            .map_err(|_| broken("a length that is no number"))?;
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
    } else if response
        .header("transfer-encoding")
        .is_some_and(|value| value.contains("chunked"))
    {
        loop {
            let size = line(reader)?;
            let size = usize::from_str_radix(size.trim(), 16).map_err(|_| broken("a bad chunk"))?;
            let start = body.len();
            body.resize(start + size, 0);
            reader.read_exact(&mut body[start..])?;
            line(reader)?;
            if size == 0 {
                break;
            }
        }
    } else {
        reader.read_to_end(&mut body)?;
    }
    Ok(body)
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut text = String::new();
    if reader.read_line(&mut text)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}
