//! AV1 by re_rav1d: dav1d ported to Rust, built here without its assembly.
//!
//! Why it serves as memory-safe. What reads the stranger's bits and follows what
//! they say (headers, entropy decoding, prediction, transforms) is bounds-checked
//! Rust. The `unsafe` that is left wraps pointers for the C interface, through
//! which its own safe one goes, and hands out parts of buffers whose bounds are
//! checked as well. What it is given is narrow: one key frame whose container and
//! sequence header were read and written anew by us, its size known and set as
//! the limit, on one thread. dav1d's releases are fuzzed without end, and a check
//! that the port adds can turn what would be a bug in C into a panic at worst.
//!
//! A panic is not harmless here, though: the functions of a C interface may not
//! unwind, so the process would abort where other decoders cost one image.
//! [`contained`] is there for that.
//!
//! It never frees 48 bytes of each picture, and of each call that finds none: a
//! million pictures, or a thousand of the finest grids, cost 48 MB until the next
//! start. So no call is made that is not needed.
//!
//! It writes a line to standard error for data it refuses, fixed words with a size
//! or a count and nothing else of the file; its Rust interface has no switch.

use std::cell::RefCell;
use std::panic;
use std::sync::Once;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use re_rav1d::{Decoder, Picture, PixelLayout, PlanarImageComponent, Plane, Settings};

use crate::error::Reject;
use crate::lost::{LOST_MAX, NoDecoder, decoders_lost};
use crate::stage::sniff::avif::{Coded, ColourConfig};

const BROKEN: Reject = Reject::Malformed {
    detail: "its compressed data is broken",
};

/// What the decoder keeps on its stack is well below one megabyte.
const STACK_BYTES: usize = 4 << 20;

/// The channels of a decoded picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    Luma,
    ChromaBlue,
    ChromaRed,
}

/// A decoded picture, its samples where the decoder put them.
pub(super) struct Frame {
    planes: Vec<Plane>,
    strides: Vec<usize>,
    wide: bool,
}

impl Frame {
    /// Copies the start of a row; false when it is not there.
    pub(super) fn read_row(&self, channel: Channel, row: usize, out: &mut [u16]) -> bool {
        let plane_idx = channel as usize;
        let (Some(plane), Some(stride)) = (self.planes.get(plane_idx), self.strides.get(plane_idx))
        else {
            return false;
        };
        let start = row.saturating_mul(*stride);
        let Some(row) = plane.get(start..start.saturating_add(*stride)) else {
            return false;
        };
        if self.wide {
            let (samples, _) = row.as_chunks::<2>();
            let Some(samples) = samples.get(..out.len()) else {
                return false;
            };
            for (out, sample) in out.iter_mut().zip(samples) {
                *out = u16::from_ne_bytes(*sample);
            }
        } else {
            let Some(samples) = row.get(..out.len()) else {
                return false;
            };
            for (out, sample) in out.iter_mut().zip(samples) {
                *out = u16::from(*sample);
            }
        }
        true
    }
}

/// Decodes one coded picture, film grain included.
pub(super) fn decode(coded: &Coded<'_>) -> Result<Frame, Reject> {
    let sequence = &coded.sequence;
    let pixels = u64::from(sequence.width) * u64::from(sequence.height);
    let pixels_max = u32::try_from(pixels).map_err(|_| BROKEN)?;
    let (bitstream, in_one_unit) = (coded.bitstream(), coded.is_in_one_unit());
    let picture = contained(move || run(bitstream, in_one_unit, pixels_max))?;
    let size = (picture.width(), picture.height());
    let layout = picture.pixel_layout();
    let depth = picture.bit_depth();
    if size != (sequence.width, sequence.height)
        || depth != usize::from(sequence.colours.depth)
        || layout != expected_layout(sequence.colours)
    {
        return Err(Reject::Malformed {
            detail: "the AVIF's sizes contradict each other",
        });
    }
    let components = match layout {
        PixelLayout::I400 => &[PlanarImageComponent::Y][..],
        _ => &[
            PlanarImageComponent::Y,
            PlanarImageComponent::U,
            PlanarImageComponent::V,
        ],
    };
    let stride = |component: &PlanarImageComponent| {
        usize::try_from(picture.stride(*component)).map_err(|_| BROKEN)
    };
    Ok(Frame {
        planes: components.iter().map(|c| picture.plane(*c)).collect(),
        strides: components.iter().map(stride).collect::<Result<_, _>>()?,
        wide: depth > 8,
    })
}

fn expected_layout(colours: ColourConfig) -> PixelLayout {
    match (
        colours.monochrome,
        colours.halved_across,
        colours.halved_down,
    ) {
        (true, _, _) => PixelLayout::I400,
        (false, true, true) => PixelLayout::I420,
        (false, true, false) => PixelLayout::I422,
        (false, false, _) => PixelLayout::I444,
    }
}

/// The only picture of the bitstream; data that is left over, or a second
/// picture, counts as damage. One unit is consumed as a whole or not at all.
fn run(bitstream: Vec<u8>, in_one_unit: bool, pixels_max: u32) -> Result<Picture, Reject> {
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_frame_size_limit(pixels_max);
    let mut decoder = Decoder::with_settings(&settings).map_err(|_| BROKEN)?;
    decoder
        .send_data(bitstream, None, None, None)
        .map_err(|_| BROKEN)?;
    let picture = decoder.get_picture().map_err(|_| BROKEN)?;
    if in_one_unit {
        return Ok(picture);
    }
    match decoder.get_picture() {
        Err(error) if error.is_again() => Ok(picture),
        _ => Err(BROKEN),
    }
}

type Answer = Result<Picture, Reject>;

thread_local! {
    /// Whoever waits for this thread's decoder, if it is one.
    static WAITING: RefCell<Option<SyncSender<Option<Answer>>>> = const { RefCell::new(None) };
}

/// Runs the decoder on a thread of its own. Should it panic there, the thread is
/// stopped for good before it unwinds into the C interface, and the caller unwinds
/// in its place: it costs one image.
fn contained(work: impl FnOnce() -> Answer + Send + 'static) -> Answer {
    if let Err(none_left) = NoDecoder::check() {
        none_left.unwind();
    }
    stop_instead_of_unwinding();
    let (answer, waiting) = sync_channel(1);
    let thread = thread::Builder::new()
        .name("av1".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            WAITING.set(Some(answer));
            let found = work();
            if let Some(waiting) = WAITING.take() {
                let _nobody_left = waiting.send(Some(found));
            }
        })
        .expect("the system has a thread for each image at work");
    match waiting.recv() {
        Ok(Some(answer)) => {
            // It has nothing left to do but to end.
            let _ended = thread.join();
            answer
        }
        Ok(None) | Err(_) => {
            tracing::warn!(
                lost = decoders_lost(),
                lost_max = LOST_MAX,
                "the AV1 decoder panicked; its thread and its memory are lost until the service \
                 is started again, and from the last one on no AVIF is read"
            );
            NoDecoder::Lost.unwind()
        }
    }
}

/// Adds to what happens at a panic: on a decoder's thread it tells the caller and
/// never returns. The thread and what it holds are lost; [`LOST_MAX`] bounds that.
/// It holds the hook as well: replacing the hook after that waits for good, so
/// whoever sets one does it at the start.
fn stop_instead_of_unwinding() {
    static ADDED: Once = Once::new();
    ADDED.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            usual(panic);
            if let Some(waiting) = WAITING.take() {
                NoDecoder::count();
                let _nobody_left = waiting.send(None);
                loop {
                    thread::park();
                }
            }
        }));
    });
}

#[cfg(test)]
mod tests;
