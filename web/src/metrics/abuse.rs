//! What was noticed of abuse, read at each scrape.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::abuse::Abuse;
use crate::clock;

/// Shows what was noticed to the registry.
#[derive(Debug)]
pub(super) struct AbuseCollector(Arc<Abuse>);

impl AbuseCollector {
    pub(super) fn new(abuse: Arc<Abuse>) -> Self {
        Self(abuse)
    }
}

impl Collector for AbuseCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let mut patterns = encoder.encode_descriptor(
            "abuse_patterns",
            "Patterns of abuse that were noticed",
            None,
            MetricType::Counter,
        )?;
        for (pattern, count) in self.0.noticed() {
            let labels = [("pattern", pattern.as_str())];
            ConstCounter::new(count).encode(patterns.encode_family(&labels)?)?;
        }
        let n_alerts = self.0.alerts(clock::now_ms()).len();
        let alerts = encoder.encode_descriptor(
            "abuse_alerts",
            "Alerts that staff are shown",
            None,
            MetricType::Gauge,
        )?;
        ConstGauge::new(u64::try_from(n_alerts).unwrap_or(u64::MAX)).encode(alerts)
    }
}
