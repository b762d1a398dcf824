//! How the purging of copies in a CDN goes (P21).

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

const MS_A_SECOND: u64 = 1_000;

/// Gauges and counters of the CDN.
#[derive(Default)]
pub struct CdnMetrics {
    pending: Family<At, Gauge>,
    age: Family<At, Gauge>,
    purges: Family<Of, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct At {
    target: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    target: String,
    outcome: &'static str,
}

impl CdnMetrics {
    /// Registered under their names.
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "cdn_purges_pending",
            "Images that are not public any more and whose copies in the CDN are to be purged, \
             by target",
            metrics.pending.clone(),
        );
        registry.register_with_unit(
            "cdn_purge_age",
            "Age of the oldest of them, by target",
            Unit::Seconds,
            metrics.age.clone(),
        );
        registry.register(
            "cdn_purges",
            "Requests to the CDN, by target and outcome",
            metrics.purges.clone(),
        );
        metrics
    }

    /// What waits at a target, and since when the oldest does.
    pub fn waiting(&self, target: &str, n_images: u64, oldest_ms: u64) {
        let at = At {
            target: target.to_owned(),
        };
        self.pending.get_or_create(&at).set(narrow(n_images));
        let seconds = narrow(oldest_ms / MS_A_SECOND);
        self.age.get_or_create(&at).set(seconds);
    }

    /// One request to a target, and what became of it.
    pub fn sent(&self, target: &str, outcome: &'static str) {
        let of = Of {
            target: target.to_owned(),
            outcome,
        };
        self.purges.get_or_create(&of).inc();
    }
}

fn narrow(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
