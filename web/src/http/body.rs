//! A request body that must arrive whole, in time and within its bounds.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::time::{Instant, Sleep, timeout};

/// What is read and thrown away after an early answer. A client that is still
/// sending when the connection closes sees a reset instead of the answer.
const LINGER_BYTES_MAX: u64 = 64 << 20;

/// How long the rest of a refused body is read for.
const LINGER_TIME_MAX: Duration = Duration::from_secs(10);

/// How a body may arrive.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// Length in bytes.
    pub bytes_max: u64,
    /// From the first poll to the end.
    pub time_max: Duration,
    /// Without a single byte.
    pub stall_time_max: Duration,
    /// Mean rate once `stall_time_max` has passed.
    pub bytes_per_second_min: u64,
}

/// Why a body did not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Longer than allowed.
    #[error("the body is larger than {bytes_max} bytes")]
    TooLarge {
        /// The limit in force.
        bytes_max: u64,
    },
    /// It stopped, or came too slowly.
    #[error("the body did not arrive in time")]
    Timeout,
    /// The connection broke.
    #[error("the body was cut off")]
    CutOff,
}

/// Why the body ended early, for whoever reads it through a parser that knows
/// only its own errors.
#[derive(Debug, Clone, Default)]
pub struct BodyOutcome(Arc<OnceLock<BodyError>>);

impl BodyOutcome {
    /// The error, if the body had one.
    #[must_use]
    pub fn error(&self) -> Option<BodyError> {
        self.0.get().copied()
    }
}

/// Length that the header announces.
#[must_use]
pub fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// `body` held to `limits`. Dropped before its end, the rest is read and
/// thrown away in the background, so that the client gets to see its answer.
///
/// # Errors
/// [`BodyError::TooLarge`] at once when the announced length is.
pub fn guard(
    headers: &HeaderMap,
    body: Body,
    limits: BodyLimits,
) -> Result<(Body, BodyOutcome), BodyError> {
    let outcome = BodyOutcome::default();
    let guarded = GuardedBody {
        rest: Some(Rest::new(headers, body)),
        limits,
        started: Instant::now(),
        received: 0,
        timer: Box::pin(tokio::time::sleep(limits.stall_time_max)),
        outcome: outcome.clone(),
    };
    if announced_length(headers).is_some_and(|length| length > limits.bytes_max) {
        return Err(BodyError::TooLarge {
            bytes_max: limits.bytes_max,
        });
    }
    Ok((Body::from_stream(guarded), outcome))
}

/// Gives up on a request whose answer needs none of its body.
pub fn discard_rest(request: Request) {
    let (parts, body) = request.into_parts();
    drop(Rest::new(&parts.headers, body));
}

/// What is left of a body. Dropped, it is read to its end in the background.
struct Rest {
    stream: Option<BodyDataStream>,
    /// False while the client waits to be told to send: reading would tell it.
    is_coming: bool,
}

impl Rest {
    fn new(headers: &HeaderMap, body: Body) -> Self {
        Self {
            stream: Some(body.into_data_stream()),
            is_coming: !headers.contains_key(header::EXPECT),
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
        self.is_coming = true;
        match &mut self.stream {
            Some(stream) => stream.poll_next_unpin(context),
            None => Poll::Ready(None),
        }
    }

    /// Nothing more is worth reading.
    fn forget(mut self) {
        self.stream = None;
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        let Some(stream) = self.stream.take().filter(|_| self.is_coming) else {
            return;
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(timeout(LINGER_TIME_MAX, discard(stream)));
        }
    }
}

struct GuardedBody {
    /// `None` once there is nothing more to read.
    rest: Option<Rest>,
    limits: BodyLimits,
    started: Instant,
    received: u64,
    timer: Pin<Box<Sleep>>,
    outcome: BodyOutcome,
}

impl GuardedBody {
    fn fail(&mut self, error: BodyError) -> Poll<Option<Result<Bytes, BodyError>>> {
        // The first error is the one that counts; a second poll changes nothing.
        let _ = self.outcome.0.set(error);
        Poll::Ready(Some(Err(error)))
    }

    fn forget_rest(&mut self) {
        if let Some(rest) = self.rest.take() {
            rest.forget();
        }
    }

    /// When the next byte must have come.
    fn deadline(&self) -> Instant {
        let limits = &self.limits;
        let earned = Duration::from_secs(self.received / limits.bytes_per_second_min.max(1));
        let by_rate = self.started + limits.stall_time_max.saturating_add(earned);
        let by_stall = Instant::now() + limits.stall_time_max;
        by_rate.min(by_stall).min(self.started + limits.time_max)
    }

    fn accept(&mut self, chunk: Bytes) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.received = self
            .received
            .saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if self.received > self.limits.bytes_max {
            return self.fail(BodyError::TooLarge {
                bytes_max: self.limits.bytes_max,
            });
        }
        let deadline = self.deadline();
        self.timer.as_mut().reset(deadline);
        Poll::Ready(Some(Ok(chunk)))
    }
}

impl Stream for GuardedBody {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(error) = this.outcome.error() {
            return Poll::Ready(Some(Err(error)));
        }
        let Some(rest) = this.rest.as_mut() else {
            return Poll::Ready(None);
        };
        match rest.poll(context) {
            Poll::Ready(Some(Ok(chunk))) => this.accept(chunk),
            Poll::Ready(Some(Err(_))) => {
                this.forget_rest();
                this.fail(BodyError::CutOff)
            }
            Poll::Ready(None) => {
                this.forget_rest();
                Poll::Ready(None)
            }
            Poll::Pending if this.timer.as_mut().poll(context).is_ready() => {
                // It had its time: nothing more is read from it.
                this.forget_rest();
                this.fail(BodyError::Timeout)
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

async fn discard(mut rest: BodyDataStream) {
    let mut discarded = 0;
    while let Some(Ok(chunk)) = rest.next().await {
        discarded += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if discarded > LINGER_BYTES_MAX {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use futures_util::stream;

    use super::*;

    const LIMITS: BodyLimits = BodyLimits {
        bytes_max: 100,
        time_max: Duration::from_secs(5),
        stall_time_max: Duration::from_millis(20),
        bytes_per_second_min: 1,
    };

    fn chunks(sizes: &[usize]) -> Body {
        let chunks: Vec<_> = sizes
            .iter()
            .map(|&size| Bytes::from(vec![0; size]))
            .collect();
        Body::from_stream(stream::iter(chunks.into_iter().map(Ok::<_, BodyError>)))
    }

    async fn read(body: Body) -> (Option<usize>, Option<BodyError>) {
        let (guarded, outcome) = guard(&HeaderMap::new(), body, LIMITS).unwrap();
        let read = axum::body::to_bytes(guarded, usize::MAX)
            .await
            .ok()
            .map(|bytes| bytes.len());
        (read, outcome.error())
    }

    #[tokio::test]
    async fn a_body_within_its_limits_arrives_whole() {
        assert_eq!(read(chunks(&[60, 40])).await, (Some(100), None));
    }

    #[tokio::test]
    async fn a_body_that_grows_beyond_its_limit_is_too_large() {
        let too_large = Some(BodyError::TooLarge { bytes_max: 100 });
        assert_eq!(read(chunks(&[60, 41])).await, (None, too_large));
    }

    #[tokio::test]
    async fn a_body_that_stops_times_out() {
        let stalled = chunks(&[10])
            .into_data_stream()
            .chain(stream::pending().map(Ok));
        assert_eq!(
            read(Body::from_stream(stalled)).await,
            (None, Some(BodyError::Timeout))
        );
    }

    #[tokio::test]
    async fn a_broken_connection_is_told_apart() {
        let broken = stream::iter([Err::<Bytes, _>(std::io::Error::other("reset"))]);
        assert_eq!(
            read(Body::from_stream(broken)).await,
            (None, Some(BodyError::CutOff))
        );
    }

    #[tokio::test]
    async fn an_announced_length_is_believed_when_it_is_too_large() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("101"));
        let refused = guard(&headers, Body::empty(), LIMITS)
            .map(|_| ())
            .unwrap_err();
        assert_eq!(refused, BodyError::TooLarge { bytes_max: 100 });
    }
}
