//! TLS 1.2 and 1.3 on our own listener (P14), with a certificate that can be
//! renewed while the service runs.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig, version};

use crate::config::Tls;

/// How often the files are looked at. Whoever renews a certificate and cannot
/// send a signal waits no longer than this.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read, or is no PEM of what it should hold.
    #[error("{}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// A file without a certificate.
    #[error("{}: there is no certificate in it", .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Certificate and key do not fit, or are of a kind that is not supported.
    #[error("the certificate and its key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// The certificate in use.
pub struct Certificates {
    files: Tls,
    current: RwLock<(Stamp, TlsAcceptor)>,
}

/// What changes with the files: their inodes, sizes and times.
type Stamp = [Option<(u64, u64, i64, i64)>; 2];

impl Certificates {
    /// Reads the files.
    ///
    /// # Errors
    /// When they hold no certificate with its key.
    pub fn load(files: &Tls) -> Result<Self, TlsError> {
        // Before they are read: what changes meanwhile is read again.
        let stamp = stamp(files);
        Ok(Self {
            current: RwLock::new((stamp, acceptor(files)?)),
            files: files.clone(),
        })
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.1.clone()
    }

    /// Reads the files again if they changed. True when there is another
    /// certificate now.
    ///
    /// # Errors
    /// When they cannot be used; the certificate in use stays.
    pub fn refresh(&self) -> Result<bool, TlsError> {
        let stamp = stamp(&self.files);
        let known = self
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .0;
        if stamp == known {
            return Ok(false);
        }
        let acceptor = acceptor(&self.files)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = (stamp, acceptor);
        Ok(true)
    }

    /// Looks at the files at SIGHUP and every few seconds, until the service
    /// stops.
    pub async fn keep(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut hangup = match signal(SignalKind::hangup()) {
            Ok(hangup) => hangup,
            Err(error) => {
                tracing::error!(%error, "certificates will not be renewed without a restart");
                return;
            }
        };
        let mut is_bad = false;
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                _ = hangup.recv() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            match self.refresh() {
                Ok(is_renewed) => {
                    if is_renewed {
                        tracing::info!("the certificate was renewed");
                    }
                    is_bad = false;
                }
                // Files are replaced one after the other: for a moment they may
                // not fit. What stays wrong is said once.
                Err(error) => {
                    if !is_bad {
                        tracing::error!(%error, "the old certificate stays in use");
                    }
                    is_bad = true;
                }
            }
        }
    }
}

fn stamp(files: &Tls) -> Stamp {
    [&files.certificate, &files.key].map(|path| {
        let data = fs::metadata(path).ok()?;
        Some((data.ino(), data.len(), data.mtime(), data.mtime_nsec()))
    })
}

fn acceptor(files: &Tls) -> Result<TlsAcceptor, TlsError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Unreadable { path, source }
    };
    let certificates = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable(&files.certificate))?;
    if certificates.is_empty() {
        return Err(TlsError::Empty {
            path: files.certificate.clone(),
        });
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(unreadable(&files.key))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[cfg(test)]
mod tests;
