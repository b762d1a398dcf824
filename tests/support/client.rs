//! A blocking HTTP/1.1 client small enough to send what no real client would.

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::multipart::{self, FormPart};
use crate::response::{Response, read_response};

/// No answer takes longer, or the server hangs.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Talks to one server, a connection a request.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    address: SocketAddr,
    answer_within: Duration,
}

impl Client {
    /// A client of the server at this address.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            answer_within: ANSWER_WITHIN,
        }
    }

    /// The same client, which waits as long as this for an answer.
    #[must_use]
    pub fn patient(self, answer_within: Duration) -> Self {
        Self {
            answer_within,
            ..self
        }
    }

    /// GET.
    #[must_use]
    pub fn get(&self, path: &str) -> Response {
        self.request("GET", path, &[], &[])
    }

    /// GET, following one redirect: a variant lies at the address of its format.
    #[must_use]
    pub fn get_where_it_lies(&self, path: &str) -> Response {
        let answer = self.get(path);
        match answer.status {
            307 => self.get(answer.expect_header("location")),
            _ => answer,
        }
    }

    /// GET with extra headers.
    #[must_use]
    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.request("GET", path, headers, &[])
    }

    /// HEAD.
    #[must_use]
    pub fn head(&self, path: &str) -> Response {
        self.request("HEAD", path, &[], &[])
    }

    /// Asks the API to delete an image.
    #[must_use]
    pub fn delete(&self, id: &str, token: Option<&str>) -> Response {
        let path = format!("/api/v1/images/{id}");
        match token {
            Some(token) => {
                let bearer = format!("Bearer {token}");
                self.request("DELETE", &path, &[("Authorization", &bearer)], &[])
            }
            None => self.request("DELETE", &path, &[], &[]),
        }
    }

    /// Uploads one file through the API.
    #[must_use]
    pub fn upload(&self, filename: &str, bytes: &[u8]) -> Response {
        self.upload_parts(&[FormPart::file(filename, bytes)])
    }

    /// Uploads a form of these parts through the API.
    #[must_use]
    pub fn upload_parts(&self, parts: &[FormPart<'_>]) -> Response {
        self.post_form("/api/v1/images", &multipart::body(parts))
    }

    /// The public facts of an uploaded image, links without the server's
    /// address: it is another after a restart.
    #[must_use]
    pub fn facts(&self, uploaded: &Response) -> Value {
        let path = format!("/api/v1/images/{}", uploaded.field("id"));
        let mut facts = self.get(&path).expect(200).json();
        let address = format!("http://{}", self.address);
        for fact in facts.as_object_mut().into_iter().flatten() {
            if let (_, Value::String(text)) = fact
                && let Some(path) = text.strip_prefix(&address)
            {
                *text = path.to_owned();
            }
        }
        facts
    }

    /// Posts a multipart body, well-formed or not.
    #[must_use]
    pub fn post_form(&self, path: &str, body: &[u8]) -> Response {
        self.request(
            "POST",
            path,
            &[("Content-Type", &multipart::content_type())],
            body,
        )
    }

    /// Any request, which has to be answered.
    ///
    /// # Panics
    /// When the connection fails or the answer is not HTTP.
    #[must_use]
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        self.try_request(method, path, headers, body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Any request; the server may be gone.
    ///
    /// # Errors
    /// What the connection died of, or that the answer was cut short.
    pub fn try_request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Response> {
        let stream = self.connect()?;
        let mut head = self.request_head(method, path, headers);
        if !body.is_empty() || method == "POST" {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        // The answer is read while the body is still being sent: a server may
        // refuse a body it has not read, and close.
        std::thread::scope(|scope| {
            let sender = scope.spawn(|| -> io::Result<()> {
                (&stream).write_all(head.as_bytes())?;
                (&stream).write_all(body)
            });
            let response = read_response(&stream, method == "HEAD");
            // Ends a sender whose reader has left.
            let _ = stream.shutdown(Shutdown::Both);
            let sent = sender.join().expect("the sender does not panic");
            response.or_else(|error| sent.and(Err(error)))
        })
    }

    /// The head of a request, without `Content-Length` and the empty line.
    #[must_use]
    pub fn request_head(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.address
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head
    }

    /// A connection with deadlines set, for requests made by hand.
    ///
    /// # Errors
    /// What connecting failed with.
    pub fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.answer_within))?;
        stream.set_write_timeout(Some(self.answer_within))?;
        Ok(stream)
    }
}
