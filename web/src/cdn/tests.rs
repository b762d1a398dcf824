//! Purges over loopback, with and without TLS.

use std::path::Path;
use std::sync::Mutex;

use axum::Router;
use axum::extract::State;
use axum::http::{Method, Uri};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::*;
use crate::config::{Purge, PurgeMethod, Tls};
use crate::http::server::tls::Certificates;
use crate::http::server::{ConnectionLimits, serve};

/// What a cache was told, and what it answers.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) status: Arc<Mutex<StatusCode>>,
    pub(crate) requests: Arc<Mutex<Vec<(Method, String)>>>,
}

async fn tell(
    State(told): State<Told>,
    method: Method,
    uri: Uri,
) -> (StatusCode, [(&'static str, &'static str); 1]) {
    let mut requests = told.requests.lock().unwrap();
    requests.push((method, uri.to_string()));
    let status = *told.status.lock().unwrap();
    // Where a redirect would lead, if it were followed.
    (status, [("location", "/elsewhere")])
}

/// A cache that answers so, with the port that it listens on.
pub(crate) async fn cache(
    status: StatusCode,
    certificates: Option<Arc<Certificates>>,
) -> (u16, Told, watch::Sender<bool>) {
    let told = Told {
        status: Arc::new(Mutex::new(status)),
        requests: Arc::default(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (stop, stopped) = watch::channel(false);
    let second = std::time::Duration::from_secs(1);
    let limits = ConnectionLimits {
        connections_max: 16,
        header_time_max: second * 20,
        send_stall_time_max: second * 20,
        drain_time_max: second,
    };
    let router = Router::new().fallback(tell).with_state(told.clone());
    tokio::spawn(serve(listener, router, limits, certificates, stopped));
    (port, told, stop)
}

pub(crate) fn settings(purge: Purge) -> Settings {
    let mut settings = Settings {
        base_url: "http://img.example".to_owned(),
        ..Settings::default()
    };
    settings.cdn.purge.push(purge);
    settings
}

async fn purged(settings: &Settings) -> (Outcome, usize) {
    let cdn = Cdn::load(settings).unwrap().unwrap();
    let image = "3kTMd8vXqz2P".parse().unwrap();
    let n_sent = Mutex::new(0);
    let sent = |_: &Outcome| *n_sent.lock().unwrap() += 1;
    let outcome = cdn.purge_at(&cdn.targets[0], &image, "jpg", sent).await;
    (outcome, n_sent.into_inner().unwrap())
}

#[tokio::test]
async fn p21_answers_are_taken_for_what_they_say() {
    for (status, method, outcome, n_expected) in [
        (200, PurgeMethod::Purge, "purged", 12),
        (204, PurgeMethod::Delete, "purged", 12),
        (404, PurgeMethod::Purge, "nothing-there", 12),
        (404, PurgeMethod::Post, "refused", 1),
        (405, PurgeMethod::Purge, "refused", 1),
        (403, PurgeMethod::Purge, "refused", 1),
        (302, PurgeMethod::Purge, "refused", 1),
        (429, PurgeMethod::Purge, "unwell", 1),
        (503, PurgeMethod::Purge, "unwell", 1),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        let (port, told, _stop) = cache(status, None).await;
        let settings = settings(Purge {
            method,
            address: format!("http://127.0.0.1:{port}{{path}}"),
            ..Purge::default()
        });
        let (last, n_sent) = purged(&settings).await;
        assert_eq!(last.as_str(), outcome, "{status} to {method:?}");
        assert_eq!(last.is_done(), n_expected > 1);
        let requests = told.requests.lock().unwrap();
        assert_eq!((n_sent, requests.len()), (n_expected, n_expected));
        let is_ours = |(sent, path): &(Method, String)| {
            sent.as_str() == method.as_str() && path.contains("3kTMd8vXqz2P")
        };
        assert!(requests.iter().all(is_ours), "{requests:?}");
    }
}

#[tokio::test]
async fn p21_nobody_there_is_no_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let settings = settings(Purge {
        address: format!("http://127.0.0.1:{port}{{path}}"),
        ..Purge::default()
    });
    let (last, n_sent) = purged(&settings).await;
    assert_eq!((last.as_str(), n_sent), ("unanswered", 1));
    assert!(last.is_trouble());
}

#[tokio::test]
async fn p21_a_target_proves_who_it_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tls");
    let certificates = Certificates::load(&Tls {
        certificate: folder.join("first.pem"),
        key: folder.join("first.key.pem"),
    });
    let certificates = Some(Arc::new(certificates.unwrap()));
    let (port, told, _stop) = cache(StatusCode::OK, certificates).await;
    let mut settings = settings(Purge {
        address: format!("https://localhost:{port}{{path}}"),
        ..Purge::default()
    });
    settings.cdn.ca_file = folder.join("second.pem");
    let (last, n_sent) = purged(&settings).await;
    assert_eq!((last.as_str(), n_sent), ("unanswered", 1));
    assert!(told.requests.lock().unwrap().is_empty());
    settings.cdn.ca_file = folder.join("first.pem");
    let (last, n_sent) = purged(&settings).await;
    assert_eq!((last.as_str(), n_sent), ("purged", 12), "{last:?}");

    settings.cdn.ca_file = folder.join("first.key.pem");
    assert!(matches!(Cdn::load(&settings), Err(CdnError::Trust(_))));
}
