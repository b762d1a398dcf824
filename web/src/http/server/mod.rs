//! The accept loop: bounded connections, patience with limits, orderly stop.

mod stall;
pub mod tls;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt;

use stall::StallGuard;
use tls::Certificates;

use super::address::Peer;

/// Longest request head. URLs and cookies of ours are far below; hyper's own
/// bound is 400 kB a connection.
const HEAD_BYTES_MAX: usize = 32 << 10;

/// Pause after a failed accept: out of file descriptors, it would fail again
/// at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How connections are held.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Open at once; more wait to be accepted.
    pub connections_max: usize,
    /// For a request's head, and between requests.
    pub header_time_max: Duration,
    /// For a client to take some of what it is sent.
    pub send_stall_time_max: Duration,
    /// For requests in flight after the stop.
    pub drain_time_max: Duration,
}

/// Serves `router` on `listener`, over TLS where there are certificates, until
/// `stop` turns true; then accepts no more and lets what is in flight finish.
/// Returns how many connections were cut.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    certificates: Option<Arc<Certificates>>,
    mut stop: watch::Receiver<bool>,
) -> usize {
    let room = Arc::new(Semaphore::new(limits.connections_max));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = accept(&listener, &room) => accepted,
        };
        match accepted {
            Ok((stream, peer, place)) => {
                let acceptor = certificates.as_ref().map(|loaded| loaded.acceptor());
                let (router, stop) = (router.clone(), stop.clone());
                connections.spawn(async move {
                    let stream = StallGuard::new(stream, limits.send_stall_time_max);
                    match acceptor {
                        None => converse(stream, peer, router, limits, stop).await,
                        Some(acceptor) => {
                            let shaken = acceptor.accept(stream);
                            // Who fails here is no browser of today, or speaks
                            // no TLS at all: nobody is there to be told.
                            let shaken = tokio::time::timeout(limits.header_time_max, shaken);
                            if let Ok(Ok(stream)) = shaken.await {
                                converse(stream, peer, router, limits, stop).await;
                            }
                        }
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.drain_time_max, drained)
        .await
        .is_err()
    {
        let n_cut = connections.len();
        connections.shutdown().await;
        return n_cut;
    }
    0
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, Peer, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(room)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, Peer::new(peer), place))
}

/// One connection, from its first request to its end.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    peer: Peer,
    router: Router,
    limits: ConnectionLimits,
    mut stop: watch::Receiver<bool>,
) {
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_time_max)
            .max_header_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
    );
    // Errors are the client's leaving, its silence or its bad grammar: hyper
    // has answered what can be answered.
    let stopped = async {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stopped => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
