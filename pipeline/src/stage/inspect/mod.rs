//! Inspect: says what a file carries besides its picture, and whether it would
//! be stored byte for byte as it is.
//!
//! Two judges that share no code. A lister per format walks the file and names
//! every part that is not picture, by what it is, where it begins and how long
//! it is; never by what it says. And the path itself is taken, up to the bytes
//! that would be stored. A file is clean when the lister finds nothing and those
//! bytes are its own.

mod avif;
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

use self::listing::Listing;
pub use self::listing::{PARTS_MAX, Part};
use super::sniff;
use crate::error::{PipelineError, Reject};
use crate::item::Format;
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
}

/// What an upload of the file would lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It would be stored byte for byte as it is.
    StoredAsItIs,
    /// It would be stored with other bytes.
    Rewritten,
    /// It would not be stored.
    Refused(Reject),
    /// Something of ours broke, so nobody knows.
    Unknown(PipelineError),
}

impl Report {
    /// Whether the file carries nothing but its picture, as far as both judges see.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.carried.is_empty() && self.fate == Fate::StoredAsItIs
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
    let fate = match prepare_alone(Arc::clone(&bytes), limits, SIDE) {
        Ok(prepared) if prepared.scrubbed.bytes()[..] == bytes[..] => Fate::StoredAsItIs,
        Ok(_) => Fate::Rewritten,
        Err(PipelineError::Reject(reject)) => Fate::Refused(reject),
        Err(ours) => Fate::Unknown(ours),
    };
    Report {
        format,
        carried,
        omitted,
        fate,
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
