//! The data path of one image, top to bottom.
//!
//! Admission comes before it ([`crate::admission`]), batching and inference
//! after it ([`crate::topology`]); the record is committed by whoever holds
//! the store.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{PipelineError, Reject};
use crate::item::{Prepared, Sides, Upload};
use crate::limits::Limits;
use crate::memory::{DecodeMemory, Reservation};
use crate::stage;

/// The steps of [`prepare`], in order.
pub const STAGES: [&str; STAGE_COUNT] = [
    "sniff", "decode", "upright", "colour", "scrub", "look", "resize",
];

/// How many steps [`prepare`] has.
pub const STAGE_COUNT: usize = 7;

/// Reserves memory to decode an image in, given the bytes it will take.
pub type Reserve<'a> = dyn Fn(u64) -> Result<Reservation, PipelineError> + 'a;

/// Takes one file through every step up to the classifier's input, squares of
/// `sides`. Its pixels live in what `reserve` gives.
///
/// # Errors
/// The first [`Reject`] of any step, what `reserve` says, or a fault of ours;
/// nothing of the file is kept then.
pub fn prepare(
    bytes: Arc<[u8]>,
    limits: &Limits,
    sides: Sides,
    clock: &StageClock,
    reserve: &Reserve<'_>,
) -> Result<Prepared, PipelineError> {
    let upload = Upload { bytes };
    let (sniffed, memory_bytes) = clock.time(0, || {
        let sniffed = stage::sniff::sniff(upload, limits)?;
        let memory_bytes = stage::need::memory_bytes(&sniffed)?;
        Ok::<_, PipelineError>((sniffed, memory_bytes))
    })?;
    // The last pixels are dropped by the last step.
    let prepared = reserve(memory_bytes)?.spend(|| {
        let decoded = clock.time(1, || stage::decode::decode_for(sniffed, limits, sides))?;
        let upright = clock.time(2, || stage::upright::upright(decoded))?;
        let coloured = clock.time(3, || stage::colour::colour(upright))?;
        let clean = clock.time(4, || stage::scrub::scrub(coloured))?;
        let looked = clock.time(5, || stage::look::look(clean));
        Ok::<_, Reject>(clock.time(6, || stage::resize::resize(looked, sides)))
    })?;
    Ok(prepared?)
}

/// [`prepare`] for one file by itself, in as much memory as its header asks for.
///
/// # Errors
/// The first [`Reject`] of any step, or a fault of ours.
pub fn prepare_alone(
    bytes: Arc<[u8]>,
    limits: &Limits,
    side: u32,
) -> Result<Prepared, PipelineError> {
    let memory = DecodeMemory::new(u64::MAX);
    let reserve = |bytes| memory.reserve(bytes, Duration::ZERO);
    prepare(bytes, limits, side.into(), &StageClock::default(), &reserve)
}

/// Remembers how long each step took, and which one runs: after a panic it
/// still tells where.
#[derive(Debug, Default)]
pub struct StageClock {
    running: Cell<usize>,
    took: Cell<[Duration; STAGE_COUNT]>,
}

impl StageClock {
    /// Time in each step so far, in the order of [`STAGES`].
    #[must_use]
    pub fn took(&self) -> [Duration; STAGE_COUNT] {
        self.took.get()
    }

    /// The step that runs or ran last.
    #[must_use]
    pub fn running(&self) -> &'static str {
        STAGES[self.running.get()]
    }

    fn time<T>(&self, stage_idx: usize, step: impl FnOnce() -> T) -> T {
        self.running.set(stage_idx);
        let started = Instant::now();
        let result = step();
        let mut took = self.took.get();
        took[stage_idx] = started.elapsed();
        self.took.set(took);
        result
    }
}
