//! `imgshare bench infer`: classification alone, from memory, for each batch
//! size that is warm.

use std::fmt;
use std::time::{Duration, Instant};

use imgshare_models::classifier::Classifier;
use imgshare_models::golden;
use serde::Serialize;

use super::BenchError;
use super::device::DeviceName;
use super::spread::Spread;

/// Batches timed at least, however short the time.
const BATCHES_MIN: usize = 3;

/// What `bench infer` found.
#[derive(Debug, Serialize)]
pub(super) struct InferReport {
    bench: &'static str,
    model: &'static str,
    /// Of the best batch size.
    images_per_second: f64,
    #[serde(flatten)]
    device: DeviceName,
    threads: usize,
    /// The best batch size.
    batch: usize,
    /// Largest difference of any class from the golden vectors.
    worst_error: f32,
    buckets: Vec<Bucket>,
}

/// One batch size.
#[derive(Debug, Serialize)]
struct Bucket {
    batch: usize,
    images_per_second: f64,
    #[serde(flatten)]
    batches: Spread,
}

/// Checks the golden vectors on the device, then times every batch size for an
/// equal part of `time`.
///
/// # Errors
/// When an answer is wrong or the device fails.
pub(super) fn measure(
    classifier: &mut dyn Classifier,
    threads: usize,
    time: Duration,
) -> Result<InferReport, BenchError> {
    let tolerance = classifier.tolerance();
    let worst_error = golden::check(classifier, tolerance)?.worst_error();
    let sizes = classifier.buckets().to_vec();
    let part = time / u32::try_from(sizes.len().max(1)).unwrap_or(u32::MAX);
    let buckets = sizes
        .into_iter()
        .map(|batch| measure_bucket(classifier, batch, part))
        .collect::<Result<Vec<_>, _>>()?;
    let best = buckets
        .iter()
        .max_by(|left, right| left.images_per_second.total_cmp(&right.images_per_second))
        .expect("a classifier has at least one bucket");
    Ok(InferReport {
        bench: "infer",
        model: classifier.spec().id,
        images_per_second: best.images_per_second,
        device: DeviceName::parse(&classifier.device()),
        threads,
        batch: best.batch,
        worst_error,
        buckets,
    })
}

fn measure_bucket(
    classifier: &mut dyn Classifier,
    batch: usize,
    time: Duration,
) -> Result<Bucket, BenchError> {
    eprintln!("batches of {batch} for {:.1} s", time.as_secs_f64());
    let spec = classifier.spec();
    let side = spec
        .side
        .try_into()
        .expect("a model's side is a few hundred pixels");
    let pictures = spec.golden.iter().cycle().take(batch);
    let samples: Vec<u16> = pictures.flat_map(|golden| golden.samples(side)).collect();
    let mut batches = Vec::new();
    let started = Instant::now();
    while batches.len() < BATCHES_MIN || started.elapsed() < time {
        let batch_started = Instant::now();
        classifier.classify(&samples, batch)?;
        batches.push(batch_started.elapsed());
    }
    let n_images = u32::try_from(batches.len() * batch).unwrap_or(u32::MAX);
    Ok(Bucket {
        batch,
        images_per_second: f64::from(n_images) / started.elapsed().as_secs_f64(),
        batches: Spread::of(batches),
    })
}

impl fmt::Display for InferReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>7} {:>9} {:>12} {:>12}",
            "batch", "images/s", "median ms", "p95 ms"
        )?;
        for Bucket {
            batch,
            images_per_second,
            batches,
        } in &self.buckets
        {
            let Spread {
                median_ms, p95_ms, ..
            } = batches;
            writeln!(
                f,
                "{batch:>7} {images_per_second:>9.1} {median_ms:>12.2} {p95_ms:>12.2}"
            )?;
        }
        writeln!(
            f,
            "\n{:.1} images/s with {} on {}",
            self.images_per_second, self.model, self.device
        )
    }
}
