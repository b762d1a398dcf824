//! A listener with certificates of its own, and clients of several kinds.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::routing::get;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::{
    ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
};

use super::super::{ConnectionLimits, serve};
use super::*;

fn fixture(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tls");
    folder.join(name)
}

/// Puts certificate and key of a name where the service looks for them.
fn install(dir: &TempDir, name: &str) -> Tls {
    let files = Tls {
        certificate: dir.path().join("certificate.pem"),
        key: dir.path().join("key.pem"),
    };
    fs::copy(fixture(&format!("{name}.pem")), &files.certificate).unwrap();
    fs::copy(fixture(&format!("{name}.key.pem")), &files.key).unwrap();
    files
}

/// A service that says hello, until the sender is dropped or says stop.
async fn start(certificates: &Arc<Certificates>) -> (SocketAddr, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let limits = ConnectionLimits {
        connections_max: 16,
        header_time_max: Duration::from_secs(20),
        send_stall_time_max: Duration::from_secs(20),
        drain_time_max: Duration::from_secs(1),
    };
    let router = Router::new().route("/", get(|| async { "hello" }));
    let certificates = Some(Arc::clone(certificates));
    tokio::spawn(serve(listener, router, limits, certificates, stopped));
    (address, stop)
}

async fn connect(
    address: SocketAddr,
    trusted: &str,
    version: &'static SupportedProtocolVersion,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_file(fixture(&format!("{trusted}.pem"))).unwrap();
    roots.add(root).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    let name = "localhost".try_into().unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

async fn hello(stream: &mut TlsStream<TcpStream>) -> bool {
    let request = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") {
        if stream.read_buf(&mut answer).await.unwrap() == 0 {
            return false;
        }
    }
    answer.starts_with(b"HTTP/1.1 200")
}

#[tokio::test]
async fn p14_tls_1_2_and_1_3_are_spoken() {
    let dir = tempfile::tempdir().unwrap();
    let loaded = Arc::new(Certificates::load(&install(&dir, "first")).unwrap());
    let (address, _stop) = start(&loaded).await;
    for (version, spoken) in [
        (&version::TLS12, ProtocolVersion::TLSv1_2),
        (&version::TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let mut stream = connect(address, "first", version).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(spoken));
        assert!(hello(&mut stream).await, "{spoken:?}");
    }
}

#[tokio::test]
async fn p14_nothing_older_and_nothing_plain_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let loaded = Arc::new(Certificates::load(&install(&dir, "first")).unwrap());
    let (address, _stop) = start(&loaded).await;
    // A ClientHello of TLS 1.1 (RFC 4346, 7.4.1.2), one cipher suite, no
    // compression.
    let mut body = vec![3, 2];
    body.extend_from_slice(&[7; 32]);
    body.extend_from_slice(&[0, 0, 2, 0xC0, 0x13, 1, 0]);
    let n_body = u8::try_from(body.len()).unwrap();
    let mut old = vec![22, 3, 1, 0, n_body + 4, 1, 0, 0, n_body];
    old.extend_from_slice(&body);
    for sent in [old, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec()] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&sent).await.unwrap();
        let mut answer = Vec::new();
        // A reset says the same as an end.
        let _ = stream.read_to_end(&mut answer).await;
        // 21 is an alert; 22 would be a handshake that goes on.
        assert!(answer.is_empty() || answer[0] == 21, "{answer:?}");
    }
}

#[tokio::test]
async fn p14_a_certificate_is_renewed_while_connections_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let files = install(&dir, "first");
    let loaded = Arc::new(Certificates::load(&files).unwrap());
    let (address, _stop) = start(&loaded).await;
    let mut old = connect(address, "first", &version::TLS13).await.unwrap();
    assert!(hello(&mut old).await);
    assert!(!loaded.refresh().unwrap(), "nothing changed");

    fs::write(&files.key, "no key").unwrap();
    assert!(loaded.refresh().is_err());
    let mut same = connect(address, "first", &version::TLS13).await.unwrap();
    assert!(hello(&mut same).await, "the old certificate stays in use");

    install(&dir, "second");
    assert!(loaded.refresh().unwrap());
    assert!(connect(address, "first", &version::TLS13).await.is_err());
    let mut new = connect(address, "second", &version::TLS13).await.unwrap();
    assert!(hello(&mut new).await);
    assert!(hello(&mut old).await, "what was open goes on");
}

#[test]
fn what_is_no_certificate_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let files = install(&dir, "first");
    fs::copy(fixture("second.key.pem"), &files.key).unwrap();
    let mismatched = Certificates::load(&files).err();
    assert!(
        matches!(mismatched, Some(TlsError::Unusable(_))),
        "{mismatched:?}"
    );
    fs::write(&files.certificate, "").unwrap();
    let empty = Certificates::load(&files).err();
    assert!(matches!(empty, Some(TlsError::Empty { .. })), "{empty:?}");
    fs::remove_file(&files.certificate).unwrap();
    let missing = Certificates::load(&files).err().unwrap().to_string();
    assert!(missing.contains("certificate.pem"), "{missing}");
}
