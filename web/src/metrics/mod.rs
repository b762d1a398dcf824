//! What the service counts, in Prometheus' text format.

mod abuse;
mod cdn;
mod pipeline;
mod retention;
mod safety;

use std::sync::Arc;
use std::time::Duration;

use imgshare_pipeline::Pipeline;
use imgshare_storage::StorageError;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use safety::Safety;

use crate::abuse::Abuse;

/// Media type of what [`Metrics::text`] writes.
pub const MIME: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Counters of the HTTP side; the pipeline's own are read when asked for.
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    seconds: Family<Route, Histogram>,
    problems: Family<Code, Counter>,
    decisions: Family<Decision, Counter>,
    store_errors: Family<Code, Counter>,
    cache_hits: Counter,
    cache_misses: Counter,
    variants_made: Family<Variant, Counter>,
    variant_bytes: Gauge,
    /// The end of what is kept.
    pub retention: retention::RetentionMetrics,
    /// The purging of copies.
    pub cdn: cdn::CdnMetrics,
    refused_clients: Family<Why, Counter>,
    log: LogCounters,
    safety: Safety,
}

/// What becomes of the request log's lines.
#[derive(Debug, Clone, Default)]
pub struct LogCounters {
    /// Lines that were written.
    pub written: Counter,
    /// Lines that found no place to wait in.
    pub lost_in_queue: Counter,
    /// Lines that the disk refused.
    pub lost_on_disk: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decision {
    state: &'static str,
    label: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Variant {
    variant: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    why: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CacheAnswer {
    answer: &'static str,
}

impl Metrics {
    /// Counters at zero, over a pipeline that counts for itself.
    #[must_use]
    pub fn new(pipeline: Pipeline, abuse: Arc<Abuse>) -> Self {
        let mut registry = Registry::with_prefix("imgshare");
        let seconds = Family::<Route, Histogram>::new_with_constructor(|| {
            // 0.5 ms to 16 s: cached images below, uploads of large ones above.
            Histogram::new(exponential_buckets(0.0005, 2.0, 16))
        });
        let (requests, problems) = (Family::default(), Family::default());
        let (decisions, store_errors) = (Family::default(), Family::default());
        let cache = Family::<CacheAnswer, Counter>::default();
        registry.register(
            "http_requests",
            "Requests answered",
            Family::clone(&requests),
        );
        registry.register(
            "http_request_seconds",
            "Time from a request's head to its answer's head",
            seconds.clone(),
        );
        registry.register(
            "problems",
            "Requests that failed, by code",
            Family::clone(&problems),
        );
        registry.register(
            "decisions",
            "Images stored or rescanned, by state and label",
            Family::clone(&decisions),
        );
        registry.register(
            "store_errors",
            "Failed store calls",
            Family::clone(&store_errors),
        );
        registry.register("image_cache", "Lookups in the image cache", cache.clone());
        let (variants_made, variant_bytes) = (Family::default(), Gauge::default());
        registry.register(
            "variants_made",
            "Variants made because they were asked for and not kept",
            Family::clone(&variants_made),
        );
        registry.register(
            "variant_bytes",
            "Room that kept variants take",
            variant_bytes.clone(),
        );
        let retention = retention::RetentionMetrics::registered(&mut registry);
        let cdn = cdn::CdnMetrics::registered(&mut registry);
        let safety = Safety::registered(&mut registry);
        registry.register_collector(Box::new(pipeline::PipelineCollector::new(pipeline)));
        registry.register_collector(Box::new(abuse::AbuseCollector::new(abuse)));
        let refused_clients = Family::default();
        registry.register(
            "refused_clients",
            "Requests refused for where they came from",
            Family::clone(&refused_clients),
        );
        let log = log_counters(&mut registry);
        let answered = |answer| cache.get_or_create_owned(&CacheAnswer { answer });
        let (cache_hits, cache_misses) = (answered("hit"), answered("miss"));
        Self {
            registry,
            requests,
            seconds,
            problems,
            decisions,
            store_errors,
            cache_hits,
            cache_misses,
            variants_made,
            variant_bytes,
            retention,
            cdn,
            refused_clients,
            log,
            safety,
        }
    }

    /// One request refused for where it came from.
    pub fn refused_client(&self, why: &'static str) {
        self.refused_clients.get_or_create(&Why { why }).inc();
    }

    /// The counters of the request log.
    #[must_use]
    pub fn log_counters(&self) -> &LogCounters {
        &self.log
    }

    /// One request, answered. `route` is the pattern, never the path.
    pub fn request(&self, route: &str, method: &'static str, status: u16, took: Duration) {
        let labels = Request {
            route: route.to_owned(),
            method,
            status,
        };
        self.requests.get_or_create(&labels).inc();
        let route = Route {
            route: labels.route,
        };
        self.seconds
            .get_or_create(&route)
            .observe(took.as_secs_f64());
    }

    /// One request that failed.
    pub fn problem(&self, code: &str) {
        self.problems
            .get_or_create(&Code {
                code: code.to_owned(),
            })
            .inc();
    }

    /// One image that came to a state.
    pub fn decision(&self, state: &'static str, label: Option<&'static str>) {
        self.decisions
            .get_or_create(&Decision {
                state,
                label: label.unwrap_or("none"),
            })
            .inc();
    }

    /// One store call that failed.
    pub fn store_error(&self, error: &StorageError) {
        self.store_errors
            .get_or_create(&Code {
                code: error.code().to_owned(),
            })
            .inc();
    }

    /// One lookup in the image cache.
    pub fn cache_lookup(&self, was_hit: bool) {
        if was_hit {
            &self.cache_hits
        } else {
            &self.cache_misses
        }
        .inc();
    }

    /// One variant made; kept variants now take `bytes_kept`.
    pub fn variant_made(&self, variant: &'static str, bytes_kept: u64) {
        self.variants_made.get_or_create(&Variant { variant }).inc();
        self.variant_bytes
            .set(i64::try_from(bytes_kept).unwrap_or(i64::MAX));
    }

    /// How many are there for child safety.
    pub fn child_safety_accounts(&self, n_accounts: usize) {
        let n_accounts = i64::try_from(n_accounts).unwrap_or(i64::MAX);
        self.safety.accounts.set(n_accounts);
    }

    /// How many reported images are overdue; whether that is more than before.
    pub fn cases_overdue(&self, n_overdue: usize) -> bool {
        let n_overdue = i64::try_from(n_overdue).unwrap_or(i64::MAX);
        self.safety.cases_overdue.set(n_overdue) < n_overdue
    }

    /// For how long the clock that is overdue longest has run out.
    pub fn case_overdue(&self, seconds: u64) {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        self.safety.case_overdue_seconds.set(seconds);
    }

    /// How many jobs wait in a lane.
    pub fn jobs_waiting(&self, lane: &'static str, n_jobs: usize) {
        let n_jobs = i64::try_from(n_jobs).unwrap_or(i64::MAX);
        let waiting = &self.safety.jobs_waiting;
        waiting.get_or_create(&safety::InLane { lane }).set(n_jobs);
    }

    /// How many privacy requests wait, and how many of them are overdue; whether
    /// that is more than before.
    pub fn requests(&self, n_open: usize, n_overdue: usize) -> bool {
        let narrow = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        self.safety.requests_open.set(narrow(n_open));
        let n_overdue = narrow(n_overdue);
        self.safety.requests_overdue.set(n_overdue) < n_overdue
    }

    /// One image hidden by a report; whether that raised an alarm.
    pub fn hidden_by_report(&self, is_alarm: bool) {
        self.safety.hidden_by_reports.inc();
        if is_alarm {
            self.safety.hiding_alarms.inc();
        }
    }

    /// Everything, as text.
    ///
    /// # Errors
    /// Writing to memory cannot fail; the encoder's interface says it could.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn log_counters(registry: &mut Registry) -> LogCounters {
    let lost = Family::<Why, Counter>::default();
    let counters = LogCounters {
        written: Counter::default(),
        lost_in_queue: lost.get_or_create_owned(&Why { why: "queue-full" }),
        lost_on_disk: lost.get_or_create_owned(&Why { why: "disk" }),
    };
    registry.register(
        "request_log_lines",
        "Lines written into the request log",
        counters.written.clone(),
    );
    registry.register(
        "request_log_lines_lost",
        "Lines of the request log that nobody waited for",
        lost,
    );
    counters
}
