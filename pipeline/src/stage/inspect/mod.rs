//! Inspect: says what a file carries besides its picture, and whether it would
//! be stored byte for byte as it is.
//!
//! Two judges that share no code. A lister per format walks the file and names
//! every part that is not picture, by what it is, where it begins and how long
//! it is; never by what it says. And the path itself is taken, up to the bytes
//! that would be stored. A file is clean when the lister finds nothing and those
//! bytes are its own, or hold the same in other pieces.

mod avif;
mod content;
mod difference;
mod exif;
mod gif;
mod icc;
mod jpeg;
mod listing;
mod png;
mod trailer;
mod webp;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use self::difference::{Departure, Difference};
use self::listing::Listing;
pub use self::listing::{PARTS_MAX, Part};
use super::sniff;
use crate::error::{PipelineError, Reject};
use crate::item::{Format, Scrubbed};
use crate::limits::Limits;
use crate::path::prepare_alone;

/// The stages end with the classifier's input; its size does not matter here.
const SIDE: u32 = 32;

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The format by its magic bytes, if it is an accepted one.
    pub format: Option<Format>,
    /// What is not picture, in the order of the file; at most [`PARTS_MAX`].
    pub carried: Vec<Part>,
    /// How many more there are.
    pub omitted: u64,
    /// What would become of the file.
    pub fate: Fate,
    /// Its size in bytes.
    pub bytes: usize,
    /// The size of what would be stored, in bytes, if anything would.
    pub stored_bytes: Option<usize>,
}

/// What an upload of the file would lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It would be stored byte for byte as it is.
    StoredAsItIs,
    /// It would be stored with other bytes that hold the same: only where chunks
    /// or blocks are cut, or how a profile is compressed, would change.
    CutAnew,
    /// It would be stored with other bytes, which first differ there.
    Rewritten(Difference),
    /// It would not be stored.
    Refused(Reject),
    /// Something of ours broke, so nobody knows.
    Unknown(PipelineError),
}

impl Report {
    /// Whether the file carries nothing but its picture, as far as both judges see.
    /// Its fate may still be to be cut into other pieces.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.carried.is_empty() && matches!(self.fate, Fate::StoredAsItIs | Fate::CutAnew)
    }
}

/// Looks a file over. Nothing is kept of it.
#[must_use]
pub fn inspect(bytes: Arc<[u8]>, limits: &Limits) -> Report {
    let format = sniff::format(&bytes);
    let listing = format
        .map(|format| list(&bytes, format))
        .unwrap_or_default();
    let (carried, omitted) = listing.into_parts();
    let (fate, stored_bytes) = match prepare_alone(Arc::clone(&bytes), limits, SIDE) {
        Ok(prepared) => {
            let stored = prepared.scrubbed;
            (fate(&bytes, &stored), Some(stored.bytes().len()))
        }
        Err(PipelineError::Reject(reject)) => (Fate::Refused(reject), None),
        Err(ours) => (Fate::Unknown(ours), None),
    };
    Report {
        format,
        carried,
        omitted,
        fate,
        bytes: bytes.len(),
        stored_bytes,
    }
}

fn fate(bytes: &[u8], stored: &Scrubbed) -> Fate {
    if stored.bytes()[..] == *bytes {
        Fate::StoredAsItIs
    } else if content::is_same(bytes, stored.bytes(), stored.format()) {
        Fate::CutAnew
    } else {
        let (format, becomes) = (sniff::format(bytes), stored.format());
        let first = |format| difference::first(bytes, stored.bytes(), format, becomes);
        Fate::Rewritten(first(format.unwrap_or(becomes)))
    }
}

/// What the lister alone finds.
#[cfg(any(test, feature = "fixtures"))]
pub(super) fn carried(bytes: &[u8], format: Format) -> Vec<Part> {
    list(bytes, format).into_parts().0
}

fn list(bytes: &[u8], format: Format) -> Listing {
    let mut listing = Listing::default();
    match format {
        Format::Jpeg => jpeg::list(bytes, &mut listing),
        Format::Png => png::list(bytes, &mut listing),
        Format::Webp => webp::list(bytes, &mut listing),
        Format::Gif => gif::list(bytes, &mut listing),
        Format::Avif => avif::list(bytes, &mut listing),
    }
    listing
}
