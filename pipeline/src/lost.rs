//! Decoders that are lost: stopped for good on a thread that can be neither
//! unwound nor ended, with all the memory they have.
//!
//! A stage can only refuse an image, and this is nobody's fault but ours. So it
//! goes on as a panic does, up to [`crate::Reservation::spend`], where it becomes
//! a [`Fault`].

use std::panic;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::error::Fault;

/// Decoders that may be lost before no more are started. Each keeps its thread
/// and its memory, up to some 500 MB for the largest pictures.
pub(crate) const LOST_MAX: u64 = 4;

static LOST: AtomicU64 = AtomicU64::new(0);

/// Decoders lost since the process started, each with a thread and the memory
/// that was reserved for its image.
#[must_use]
pub fn decoders_lost() -> u64 {
    LOST.load(Relaxed)
}

/// Why a picture could not be decoded though it may well be whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoDecoder {
    /// Its own decoder was lost just now, in the memory of the image.
    Lost,
    /// So many were lost before that none was started for it.
    NoneLeft,
}

impl NoDecoder {
    /// Whether another decoder may be started.
    pub(crate) fn check() -> Result<(), Self> {
        if decoders_lost() < LOST_MAX {
            Ok(())
        } else {
            Err(Self::NoneLeft)
        }
    }

    /// One more is lost: called before anyone is told.
    pub(crate) fn count() {
        LOST.fetch_add(1, Relaxed);
    }

    /// Goes on in the caller as if it had panicked.
    pub(crate) fn unwind(self) -> ! {
        panic::resume_unwind(Box::new(self))
    }
}

impl From<NoDecoder> for Fault {
    fn from(reason: NoDecoder) -> Self {
        match reason {
            NoDecoder::Lost => Self::DecoderLost,
            NoDecoder::NoneLeft => Self::FormatUnavailable,
        }
    }
}
