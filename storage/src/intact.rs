//! Whether an image's original is still what its record says.

use std::io::Read;

use sha2::{Digest, Sha256};

use crate::{Blobs, Record};

/// Bytes read at a time.
const PIECE_BYTES: usize = 64 << 10;

/// How closely an original is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Its size: for a start, which cannot wait for hours.
    Size,
    /// Every byte of it, by the hash that the record has.
    Bytes,
}

/// What was found of an original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Original {
    /// It is what the record says, as far as it was looked at.
    Intact,
    /// There is none, or it cannot be read.
    Missing,
    /// It has another size.
    WrongSize {
        /// Bytes as found.
        found: u64,
    },
    /// Its bytes are others.
    Damaged,
}

/// Looks at the original of a record, piece by piece: memory does not grow with it.
pub(crate) fn original(blobs: &dyn Blobs, record: &Record, look: Look) -> Original {
    let part = record.original().ok();
    let opened = part.and_then(|part| blobs.open(&record.id, &part).ok().flatten());
    let Some(mut reader) = opened else {
        return Original::Missing;
    };
    let found = reader.len();
    if found != record.bytes {
        return Original::WrongSize { found };
    }
    if look == Look::Size {
        return Original::Intact;
    }
    match sha256_of(&mut reader) {
        Ok(sha256) if sha256 == record.sha256 => Original::Intact,
        Ok(_) => Original::Damaged,
        Err(error) => {
            tracing::warn!(id = %record.id, %error, "an original cannot be read");
            Original::Missing
        }
    }
}

fn sha256_of(reader: &mut impl Read) -> std::io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(n_read) => hash.update(&piece[..n_read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
