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
    pending: Gauge,
    age: Gauge,
    purges: Family<Of, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    outcome: &'static str,
}

impl CdnMetrics {
    /// Registered under their names.
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "cdn_purges_pending",
            "Images that are not public any more and whose copies in the CDN are to be purged",
            metrics.pending.clone(),
        );
        registry.register_with_unit(
            "cdn_purge_age",
            "Age of the oldest of them",
            Unit::Seconds,
            metrics.age.clone(),
        );
        registry.register(
            "cdn_purges",
            "Requests to the CDN, by outcome",
            metrics.purges.clone(),
        );
        metrics
    }

    /// What waits, and since when the oldest does.
    pub fn waiting(&self, n_images: u64, oldest_ms: u64) {
        self.pending.set(narrow(n_images));
        self.age.set(narrow(oldest_ms / MS_A_SECOND));
    }

    /// One request, and what became of it.
    pub fn sent(&self, outcome: &'static str) {
        self.purges.get_or_create(&Of { outcome }).inc();
    }
}

fn narrow(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
