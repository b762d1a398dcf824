//! HTTP/1.1 to one peer, over TLS or without: no redirects, no proxies, no
//! cookies, nothing that could lead elsewhere.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Request, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Longest time to reach a peer, and longest time for its answer.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// What of an answer is read so that the connection can be used again.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Longest head of an answer.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// Who is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    host: String,
    port: u16,
    is_tls: bool,
}

impl Peer {
    /// Of an address.
    #[must_use]
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let is_tls = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = uri.host()?.trim_matches(['[', ']']);
        let own = if is_tls { 443 } else { 80 };
        (!host.is_empty()).then(|| Self {
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(own),
            is_tls,
        })
    }

    /// Whether nobody on the way reads along.
    #[must_use]
    pub(super) fn is_private(&self) -> bool {
        let is_here = self
            .host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback());
        self.is_tls || is_here
    }

    pub(super) fn is_tls(&self) -> bool {
        self.is_tls
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

/// Why there was no answer. What is in a request is in none of them.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// No connection.
    #[error("cannot be reached: {0}")]
    Unreachable(io::Error),
    /// A connection without an answer.
    #[error("does not answer: {0}")]
    NoAnswer(#[from] hyper::Error),
    /// Nothing in time.
    #[error("does not answer in time")]
    Late,
}

/// Why nobody can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file cannot be read.
    #[error("{}: {source}; set cdn.ca_file", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: pem::Error,
    },
    /// There is none in it that can be used.
    #[error("{}: there is no certificate in it that can be used", .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// Opens connections.
#[derive(Clone, Default)]
pub(super) struct Client {
    tls: Option<TlsConnector>,
}

impl Client {
    /// One that trusts the authorities of a PEM file.
    ///
    /// # Errors
    /// When there is none in it.
    pub(super) fn trusting(path: &Path) -> Result<Self, TrustError> {
        let unreadable = |source| TrustError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
            // A bundle may have some of a kind that is not supported.
            let _ = roots.add(certificate.map_err(unreadable)?);
        }
        if roots.is_empty() {
            return Err(TrustError::Empty {
                path: path.to_owned(),
            });
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|_| TrustError::Empty {
                path: path.to_owned(),
            })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            tls: Some(TlsConnector::from(Arc::new(config))),
        })
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// When the peer is not reached, or not who it should be.
    pub(super) async fn connect(&self, peer: &Peer) -> Result<Wire, SendError> {
        let opened = timeout(CONNECT_TIME_MAX, self.open(peer));
        opened.await.map_err(|_| SendError::Late)?
    }

    async fn open(&self, peer: &Peer) -> Result<Wire, SendError> {
        let address = (peer.host.as_str(), peer.port);
        let stream = TcpStream::connect(address)
            .await
            .map_err(SendError::Unreachable)?;
        if !peer.is_tls {
            return Wire::over(stream).await;
        }
        let invalid = || SendError::Unreachable(io::ErrorKind::InvalidInput.into());
        let name = ServerName::try_from(peer.host.clone()).map_err(|_| invalid())?;
        let tls = self.tls.as_ref().ok_or_else(invalid)?;
        let stream = tls.connect(name, stream).await;
        Wire::over(stream.map_err(SendError::Unreachable)?).await
    }
}

/// An open connection.
pub(super) struct Wire {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Wire {
    async fn over(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Result<Self, SendError> {
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .handshake(TokioIo::new(stream))
            .await?;
        let driver = tokio::spawn(async move {
            // Whoever waits for an answer is told.
            let _ = connection.await;
        });
        Ok(Self { sender, driver })
    }

    /// Whether another request can be sent.
    pub(super) async fn is_open(&mut self) -> bool {
        let ready = timeout(CONNECT_TIME_MAX, self.sender.ready()).await;
        ready.is_ok_and(|ready| ready.is_ok())
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// When there is none.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<StatusCode, SendError> {
        let answered = async {
            let answer = self.sender.send_request(request).await?;
            let status = answer.status();
            // What it says is of no use; a long one ends the connection instead.
            let _ = Limited::new(answer.into_body(), ANSWER_BYTES_MAX)
                .collect()
                .await;
            Ok::<_, SendError>(status)
        };
        let answered = timeout(ANSWER_TIME_MAX, answered);
        answered.await.map_err(|_| SendError::Late)?
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
