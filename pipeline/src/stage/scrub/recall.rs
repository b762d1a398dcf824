//! Scrubbed bytes that come back from where they were stored.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::item::{Format, Header, Scrubbed};

/// Stored bytes as what they were when they were stored, or nothing when they
/// are not those. `sha256` is the hash that was taken of them after
/// [`scrub`](super::scrub()) had proved them clean: bytes of the same hash are
/// the same bytes, so the proof holds and is not repeated.
#[must_use]
pub fn recall(
    bytes: Arc<[u8]>,
    sha256: &[u8; 32],
    format: Format,
    header: Header,
) -> Option<Scrubbed> {
    let is_the_same = Sha256::digest(&bytes)[..] == sha256[..];
    is_the_same.then_some(Scrubbed {
        bytes,
        format,
        header,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_bytes_come_back() {
        let header = Header {
            width: 1,
            height: 1,
            frames: 1,
        };
        let hash = Sha256::digest(b"clean").into();
        let back = recall(b"clean"[..].into(), &hash, Format::Gif, header).unwrap();
        assert_eq!((&back.bytes()[..], back.header()), (&b"clean"[..], header));
        assert!(recall(b"cleaN"[..].into(), &hash, Format::Gif, header).is_none());
    }
}
