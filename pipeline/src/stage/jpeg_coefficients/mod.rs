//! JPEG below its pixels: quantised DCT coefficients are read from the coded
//! data, turned, and written again (ITU-T T.81).
//!
//! A turn moves whole blocks and changes signs, so nothing is compressed a second
//! time. The result is one sequential scan with Huffman tables made for it, also
//! where the source was progressive: the same coefficients in some more bytes (2 %
//! for a phone's photo), and decoders need a third of the time for them.
//!
//! The same decoder, without keeping coefficients, finds where a scan's last
//! block ends, and cuts off what hides behind it.

mod bits;
mod block;
mod codes;
mod drawn;
mod encode;
mod geometry;
mod intervals;
mod inverse;
mod optimal;
mod plane;
mod reduced;
mod rows;
mod scan;
mod source;
mod strip;
mod turn;
mod write;

#[cfg(test)]
mod tests;

pub(in crate::stage) use self::reduced::{Colours, Eighths, Reduced, Samples, reduced};
pub(in crate::stage) use self::rows::{has_rows, read_rows};
pub(in crate::stage) use self::turn::Turn;

use self::plane::{Kept, Marked};
use self::scan::{Follow, Unfollowed};
use self::source::Source;
use crate::error::Reject;
use crate::stage::scrub::jpeg::segments::{EOI, SOI, SOS, Segments};
use crate::stage::scrub::jpeg::write_segment;

const BROKEN: Reject = Reject::Malformed {
    detail: "its coded data is broken",
};
const TOO_LARGE: Reject = Reject::Malformed {
    detail: "it does not fit into memory",
};

/// An error that says no more than [`BROKEN`].
fn broken<E>(_: E) -> Reject {
    BROKEN
}

/// The file turned without loss, or `None` if a side that is reversed does not
/// end with a whole unit.
///
/// Of the segments those are kept that say how the picture is shown: density,
/// colour profile, colour transform.
///
/// # Errors
/// [`Reject::Malformed`] or [`Reject::Truncated`] for a file whose coefficients
/// cannot be read, or not be written as one sequential scan.
pub(in crate::stage) fn turned(file: &[u8], turn: Turn) -> Result<Option<Vec<u8>>, Reject> {
    let mut source = Source::<Kept>::new(turn);
    let mut segments = Segments::new(file)?;
    loop {
        let segment = segments.next()?;
        match segment.marker {
            SOS => {
                if !turn.is_possible(source.geometry()?) {
                    return Ok(None);
                }
                source.read_scan(segment.payload, &mut segments, &mut Unfollowed)?;
            }
            EOI => break,
            _ => source.read(&segment)?,
        }
    }
    write::turned(&source, file.len()).map(Some)
}

/// The file with every scan ending where its last block does: the bits that
/// fill its last byte are ones, and nothing follows them. The same holds before
/// each restart marker.
///
/// # Errors
/// [`Reject::Malformed`] or [`Reject::Truncated`] for a file whose coded data
/// cannot be followed.
pub(in crate::stage) fn without_tails(file: &[u8]) -> Result<Vec<u8>, Reject> {
    let mut source = Source::<Marked>::new(());
    let mut segments = Segments::new(file)?;
    let mut out = Vec::with_capacity(file.len());
    out.extend_from_slice(&[0xFF, SOI]);
    loop {
        let segment = segments.next()?;
        match segment.marker {
            EOI => break,
            marker => write_segment(marker, segment.payload, &mut out)?,
        }
        if segment.marker == SOS {
            let mut ends = Ends {
                restart: None,
                out: &mut out,
            };
            source.read_scan(segment.payload, &mut segments, &mut ends)?;
        } else {
            source.read(&segment)?;
        }
    }
    out.extend_from_slice(&[0xFF, EOI]);
    Ok(out)
}

/// Writes the intervals of a scan without what hides behind their ends.
struct Ends<'a> {
    /// Which of the eight restart markers comes next; `None` before the first
    /// interval.
    restart: Option<u8>,
    out: &'a mut Vec<u8>,
}

impl Follow<Marked> for Ends<'_> {
    fn interval_ended(&mut self, data: &[u8], n_bits: usize) {
        if let Some(restart) = self.restart {
            self.out.extend_from_slice(&[0xFF, 0xD0 | restart]);
        }
        self.restart = Some(self.restart.map_or(0, |restart| (restart + 1) & 7));
        intervals::stuff_until(data, n_bits, self.out);
    }
}

/// Bytes that [`turned`] takes besides the file before and after, by the frame
/// header; 0 for a file without one.
///
/// # Errors
/// As [`turned`].
pub(in crate::stage) fn bytes_needed(file: &[u8]) -> Result<u64, Reject> {
    let mut source = Source::<Kept>::new(Turn::NONE);
    let mut segments = Segments::new(file)?;
    loop {
        let segment = segments.next()?;
        match segment.marker {
            SOS => return source.bytes_needed(),
            EOI => return Ok(0),
            _ => source.read(&segment)?,
        }
    }
}
