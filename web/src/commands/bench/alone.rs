//! Each input through the stages by itself, on this thread, before anything
//! else runs: proves that it is accepted, and shows what each stage costs
//! undisturbed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use imgshare_pipeline::path::{self, STAGE_COUNT, STAGES, StageClock};
use imgshare_pipeline::{DecodeMemory, Limits};
use serde::{Serialize, Serializer};

use super::BenchError;
use super::inputs::Input;
use super::spread::Spread;

/// Passes over an input; the median of them is reported.
const N_PASSES: usize = 5;

/// Time after which every further input gets one pass only.
const MANY_PASSES_TIME_MAX: Duration = Duration::from_secs(10);

/// One input alone.
#[derive(Debug, Serialize)]
pub(super) struct Alone {
    /// Size of the file.
    bytes: usize,
    /// Median time in each stage, in the order of [`STAGES`].
    #[serde(serialize_with = "by_stage")]
    alone_ms: [f64; STAGE_COUNT],
}

/// Measures every input.
///
/// # Errors
/// When an input is refused: a bench of refusals would be a fast one.
pub(super) fn measure(
    inputs: &[Input],
    limits: &Limits,
    side: u32,
) -> Result<Vec<Alone>, BenchError> {
    let started = Instant::now();
    let n_passes = || {
        if started.elapsed() < MANY_PASSES_TIME_MAX {
            N_PASSES
        } else {
            1
        }
    };
    inputs
        .iter()
        .map(|input| measure_one(input, limits, side, n_passes()))
        .collect()
}

/// Median over the inputs of what a stage takes alone, in milliseconds.
pub(super) fn median_ms(alone: &[Alone], stage_idx: usize) -> f64 {
    let times = alone
        .iter()
        .map(|one| Duration::from_secs_f64(one.alone_ms[stage_idx] / 1e3));
    Spread::of(times).median_ms
}

fn measure_one(
    input: &Input,
    limits: &Limits,
    side: u32,
    n_passes: usize,
) -> Result<Alone, BenchError> {
    // Alone there is nothing to share with, and nothing to wait for.
    let memory = DecodeMemory::new(u64::MAX);
    let mut passes = Vec::with_capacity(n_passes);
    for _ in 0..n_passes {
        let clock = StageClock::default();
        let reserve = |bytes| memory.reserve(bytes, Duration::ZERO);
        path::prepare(
            Arc::clone(&input.bytes),
            limits,
            side.into(),
            &clock,
            &reserve,
        )
        .map_err(|refusal| BenchError::Refused {
            name: input.name.clone(),
            refusal,
        })?;
        passes.push(clock.took());
    }
    let median = |stage_idx| Spread::of(passes.iter().map(|pass| pass[stage_idx])).median_ms;
    Ok(Alone {
        bytes: input.bytes.len(),
        alone_ms: std::array::from_fn(median),
    })
}

fn by_stage<S: Serializer>(times: &[f64; STAGE_COUNT], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(STAGES.iter().zip(times))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::bench::photo::Photo;

    #[test]
    fn a_photo_passes_every_stage_and_a_text_is_refused() {
        let photo = Photo::draw(1, 64, 48).jpeg().unwrap();
        let input = |bytes: Vec<u8>| Input {
            name: "test".to_owned(),
            bytes: bytes.into(),
        };
        let alone = measure(&[input(photo)], &Limits::default(), 224).unwrap();
        let json = serde_json::to_value(&alone).unwrap();
        assert!(
            STAGES
                .iter()
                .all(|stage| json[0]["alone_ms"][stage].is_f64()),
            "{json}"
        );
        let refused = measure(&[input(b"text".to_vec())], &Limits::default(), 224);
        assert!(matches!(refused, Err(BenchError::Refused { .. })));
    }
}
