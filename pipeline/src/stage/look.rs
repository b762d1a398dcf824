//! Hashes what will be stored and shown.

use sha2::{Digest, Sha256};

use crate::item::{Clean, Looked};

/// Takes the SHA-256 of the scrubbed bytes, so that the same picture with other
/// metadata is the same image.
pub fn look(clean: Clean) -> Looked {
    let sha256 = Sha256::digest(clean.scrubbed.bytes()).into();
    Looked { clean, sha256 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::{Format, Header, Scrubbed};

    #[test]
    fn hashes_the_clean_bytes() {
        let header = Header {
            width: 1,
            height: 1,
            frames: 1,
        };
        let scrubbed = Scrubbed {
            bytes: (*b"abc").into(),
            format: Format::Png,
            header,
        };
        let looked = look(Clean {
            scrubbed,
            frames: Vec::new(),
        });
        // FIPS 180-2, appendix B.1.
        assert_eq!(looked.sha256[..4], [0xBA, 0x78, 0x16, 0xBF]);
        assert_eq!(looked.sha256[28..], [0xF2, 0x00, 0x15, 0xAD]);
    }
}
