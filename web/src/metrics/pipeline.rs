//! The pipeline's counters, read at each scrape.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use imgshare_pipeline::path::STAGES;
use imgshare_pipeline::stats::{BUCKET_BOUNDS_US, Histogram};
use imgshare_pipeline::{Pipeline, decoders_lost};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

const MICROSECONDS_A_SECOND: f64 = 1e6;

/// Shows a pipeline to the registry.
pub(super) struct PipelineCollector(Pipeline);

impl PipelineCollector {
    pub(super) fn new(pipeline: Pipeline) -> Self {
        Self(pipeline)
    }
}

impl fmt::Debug for PipelineCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PipelineCollector")
    }
}

impl Collector for PipelineCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let stats = self.0.stats();
        let (n_images, n_bytes) = self.0.in_flight();
        let memory = self.0.decode_memory();
        let gauges = [
            (
                "pipeline_images_in_flight",
                "Images inside, from the door to durable",
                u64::try_from(n_images).unwrap_or(u64::MAX),
            ),
            (
                "pipeline_bytes_in_flight",
                "Bytes of uploads inside",
                n_bytes,
            ),
            (
                "pipeline_decode_memory_bytes",
                "Memory reserved for decoded pixels",
                memory.bytes,
            ),
            (
                "pipeline_decode_memory_bytes_peak",
                "The most that was reserved at once since the start",
                memory.bytes_peak,
            ),
            (
                "pipeline_decode_memory_waiting",
                "Images that wait for memory to be decoded in",
                u64::try_from(memory.waiting).unwrap_or(u64::MAX),
            ),
            (
                "pipeline_decoders_lost",
                "Decoders that panicked and keep their thread and memory since then",
                decoders_lost(),
            ),
            (
                "pipeline_batch_failures_in_a_row",
                "Failed batches since the last good one",
                stats.batch_failures_in_a_row.load(Relaxed),
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(gauge)?;
        }
        let device = self.0.device();
        let mut classifier = encoder.encode_descriptor(
            "pipeline_classifier",
            "1 for each model that classifies and the device with the way it computes",
            None,
            MetricType::Gauge,
        )?;
        for spec in self.0.models() {
            let labels = [("model", spec.id), ("device", device.as_str())];
            ConstGauge::new(1_u64).encode(classifier.encode_family(&labels)?)?;
        }
        self.encode_outcomes(&mut encoder)?;
        let counters = [
            (
                "pipeline_second_opinions",
                "Images that the second model of a cascade decided",
                &stats.second_opinions,
            ),
            ("pipeline_batches", "Batches run", &stats.batches),
            (
                "pipeline_batch_frames",
                "Frames classified",
                &stats.batch_frames,
            ),
            (
                "pipeline_batch_padding",
                "Frames of padding",
                &stats.batch_padding,
            ),
            (
                "pipeline_batch_failures",
                "Batches that failed",
                &stats.batch_failures,
            ),
        ];
        for (name, help, value) in counters {
            let counter = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(value.load(Relaxed)).encode(counter)?;
        }
        self.encode_shadow(&mut encoder)?;
        let mut stages = encoder.encode_descriptor(
            "pipeline_stage_seconds",
            "Time of one image in one stage",
            None,
            MetricType::Histogram,
        )?;
        for (name, histogram) in STAGES.iter().zip(&stats.stages) {
            encode_histogram(&mut stages.encode_family(&[("stage", *name)])?, histogram)?;
        }
        for (name, help, histogram) in [
            (
                "pipeline_batch_seconds",
                "Time of one batch on the device",
                &stats.infer,
            ),
            (
                "pipeline_image_seconds",
                "Time from the door to the answer",
                &stats.total,
            ),
        ] {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
            encode_histogram(&mut metric, histogram)?;
        }
        Ok(())
    }
}

impl PipelineCollector {
    fn encode_shadow(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let stats = self.0.stats();
        let outcomes = [
            ("scored", &stats.shadow_scored),
            ("no-room", &stats.shadow_no_room),
            ("dropped", &stats.shadow_dropped),
            ("failed", &stats.shadow_failed),
        ];
        let mut family = encoder.encode_descriptor(
            "pipeline_shadow_images",
            "Images drawn for a candidate model by what became of it",
            None,
            MetricType::Counter,
        )?;
        for (outcome, count) in outcomes {
            let labels = [("outcome", outcome)];
            ConstCounter::new(count.load(Relaxed)).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn encode_outcomes(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let stats = self.0.stats();
        let outcomes: [(&str, &AtomicU64); 6] = [
            ("scored", &stats.scored),
            ("pending", &stats.pending),
            ("rejected", &stats.rejected),
            ("overloaded", &stats.overloaded),
            ("fault", &stats.faults),
            ("departed", &stats.departed),
        ];
        let mut family = encoder.encode_descriptor(
            "pipeline_images",
            "Images by how they left the pipeline",
            None,
            MetricType::Counter,
        )?;
        for (outcome, count) in outcomes {
            let labels = [("outcome", outcome)];
            ConstCounter::new(count.load(Relaxed)).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

fn encode_histogram(metric: &mut MetricEncoder, histogram: &Histogram) -> fmt::Result {
    let snapshot = histogram.snapshot();
    let mut buckets: Vec<(f64, u64)> = BUCKET_BOUNDS_US
        .iter()
        .map(|&us| seconds(us))
        .zip(snapshot.buckets)
        .collect();
    // The encoder writes this bound as +Inf.
    let above = snapshot.count.saturating_sub(snapshot.buckets.iter().sum());
    buckets.push((f64::MAX, above));
    metric.encode_histogram::<NoLabelSet>(seconds(snapshot.sum_us), snapshot.count, &buckets, None)
}

/// Precise below 2^53 us, which is 285 years.
#[expect(
    clippy::cast_precision_loss,
    reason = "a sum of durations needs no last microsecond"
)]
fn seconds(us: u64) -> f64 {
    us as f64 / MICROSECONDS_A_SECOND
}
