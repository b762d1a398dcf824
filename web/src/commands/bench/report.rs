//! What `bench ingest` found, for people and as JSON.

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use imgshare_pipeline::path::STAGES;
use imgshare_pipeline::stats::Stats;
use serde::Serialize;

use super::alone::{self, Alone};
use super::device::DeviceName;
use super::ingest::{CLIENTS, Done};
use super::spread::Spread;

/// What `bench ingest` found.
#[derive(Debug, Serialize)]
pub(super) struct IngestReport {
    bench: &'static str,
    model: &'static str,
    images_per_second: f64,
    megabytes_per_second: f64,
    #[serde(flatten)]
    device: DeviceName,
    threads: usize,
    /// Mean number of frames that shared a batch.
    batch: f64,
    clients: usize,
    images: usize,
    seconds: f64,
    stages: Vec<StageRow>,
    inputs: Vec<Alone>,
}

/// What was measured, besides the images themselves.
pub(super) struct Conditions {
    /// The model's id.
    pub(super) model: &'static str,
    /// Where it ran.
    pub(super) device: DeviceName,
    /// Threads of the stages.
    pub(super) threads: usize,
    /// From the first image's start to the last one's end.
    pub(super) took: Duration,
}

/// One step of an image's way.
#[derive(Debug, Serialize)]
struct StageRow {
    stage: &'static str,
    #[serde(flatten)]
    spread: Spread,
    /// Part of all the work; `None` for waiting, which is no work.
    share: Option<f64>,
    /// Median over the inputs without any other load; `None` where there is no such thing.
    alone_ms: Option<f64>,
}

impl IngestReport {
    /// Sums up what `done` and the pipeline's counters say.
    pub(super) fn new(
        conditions: Conditions,
        done: &[Done],
        stats: &Stats,
        inputs: Vec<Alone>,
    ) -> Self {
        let seconds = conditions.took.as_secs_f64();
        let n_bytes: u64 = done.iter().map(|one| one.uploaded_bytes).sum();
        let (frames, batches) = (
            stats.batch_frames.load(Relaxed),
            stats.batches.load(Relaxed),
        );
        Self {
            bench: "ingest",
            model: conditions.model,
            images_per_second: done.len() as f64 / seconds,
            megabytes_per_second: n_bytes as f64 / 1e6 / seconds,
            device: conditions.device,
            threads: conditions.threads,
            batch: frames as f64 / batches.max(1) as f64,
            clients: CLIENTS,
            images: done.len(),
            seconds,
            stages: rows(done, stats, &inputs),
            inputs,
        }
    }
}

/// The way of an image from top to bottom, waiting included.
fn rows(done: &[Done], stats: &Stats, inputs: &[Alone]) -> Vec<StageRow> {
    // A batch's time is every one of its images' time, but was spent once.
    let infer_work = Duration::from_micros(stats.infer.snapshot().sum_us);
    let mut work: Vec<Option<Duration>> = vec![None];
    let mut rows = vec![row("wait for worker", done, |one| {
        one.timings.waited_for_worker
    })];
    for (stage_idx, stage) in STAGES.into_iter().enumerate() {
        let times = |one: &Done| one.timings.stages[stage_idx];
        let alone_ms = Some(alone::median_ms(inputs, stage_idx));
        work.push(Some(done.iter().map(times).sum()));
        rows.push(StageRow {
            alone_ms,
            ..row(stage, done, times)
        });
    }
    work.extend([
        None,
        Some(infer_work),
        Some(done.iter().map(|one| one.commit).sum()),
    ]);
    rows.push(row("wait for batch", done, |one| {
        one.timings.waited_for_batch
    }));
    rows.push(row("infer", done, |one| one.timings.infer));
    rows.push(row("commit", done, |one| one.commit));
    let total: Duration = work.iter().flatten().sum();
    for (row, work) in rows.iter_mut().zip(work) {
        row.share = work.map(|work| work.as_secs_f64() / total.as_secs_f64().max(f64::EPSILON));
    }
    rows
}

fn row(stage: &'static str, done: &[Done], time: impl Fn(&Done) -> Duration) -> StageRow {
    StageRow {
        stage,
        spread: Spread::of(done.iter().map(time)),
        share: None,
        alone_ms: None,
    }
}

impl fmt::Display for IngestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<16} {:>7} {:>10} {:>10} {:>7} {:>10}",
            "stage", "count", "median ms", "p95 ms", "share", "alone ms"
        )?;
        for StageRow {
            stage,
            spread,
            share,
            alone_ms,
        } in &self.stages
        {
            let Spread {
                count,
                median_ms,
                p95_ms,
            } = spread;
            let share = share.map_or_else(String::new, |share| format!("{:.1}%", share * 100.0));
            let alone = alone_ms.map_or_else(String::new, |alone_ms| format!("{alone_ms:.2}"));
            writeln!(
                f,
                "{stage:<16} {count:>7} {median_ms:>10.2} {p95_ms:>10.2} {share:>7} {alone:>10}"
            )?;
        }
        writeln!(
            f,
            "\n{:.1} images/s, {:.1} MB/s with {} on {}: {} images in {:.1} s, {} threads, \
             {} clients, {:.1} frames a batch",
            self.images_per_second,
            self.megabytes_per_second,
            self.model,
            self.device,
            self.images,
            self.seconds,
            self.threads,
            self.clients,
            self.batch,
        )
    }
}
