//! Looks for a text in bytes, in every guise it could have been kept in.

use std::io::Read;
use std::path::Path;

use flate2::read::{DeflateDecoder, ZlibDecoder};

use crate::data_dir;

/// What is inflated of one stream.
const INFLATED_BYTES_MAX: u64 = 1 << 20;

/// A text in its guises.
#[derive(Debug)]
pub struct Search {
    guises: Vec<(&'static str, Vec<u8>)>,
}

impl Search {
    /// The text as it is, as UTF-16 of either order, reversed, in hexadecimal,
    /// and in base64 whatever stands before it.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut guises = vec![
            ("as it is", bytes.to_vec()),
            ("reversed", bytes.iter().rev().copied().collect()),
            (
                "as UTF-16LE",
                text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            ),
            (
                "as UTF-16BE",
                text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            ),
            ("in hexadecimal", hex.to_uppercase().into_bytes()),
            ("in hexadecimal", hex.into_bytes()),
        ];
        guises.extend((0..3).map(|before| ("in base64", base64_core(bytes, before))));
        Self { guises }
    }

    /// How the bytes hold the text, if they do.
    #[must_use]
    pub fn find(&self, bytes: &[u8]) -> Option<&'static str> {
        self.find_in(&Haystack::of(bytes.to_vec()))
    }

    /// The same for bytes in which many texts are looked for.
    #[must_use]
    pub fn find_in(&self, haystack: &Haystack) -> Option<&'static str> {
        self.find_plain(&haystack.plain).or_else(|| {
            let mut inflated = haystack.inflated.iter();
            inflated
                .any(|inflated| self.find_plain(inflated).is_some())
                .then_some("compressed")
        })
    }

    fn find_plain(&self, bytes: &[u8]) -> Option<&'static str> {
        let (how, _) = self.guises.iter().find(|(_, guise)| {
            let first = guise[0];
            bytes
                .windows(guise.len())
                .any(|window| window[0] == first && window == guise.as_slice())
        })?;
        Some(how)
    }
}

/// Bytes, with what every zlib or deflate stream in them holds.
#[derive(Debug)]
pub struct Haystack {
    plain: Vec<u8>,
    inflated: Vec<Vec<u8>>,
}

impl Haystack {
    /// Inflates what can be.
    #[must_use]
    pub fn of(plain: Vec<u8>) -> Self {
        let inflated = streams(&plain);
        Self { plain, inflated }
    }

    /// Every file of a server's data folder, its own name included.
    #[must_use]
    pub fn of_folder(folder: &Path) -> Vec<(String, Self)> {
        let files = data_dir::files(folder).into_iter().map(|path| {
            let name = path.to_string_lossy().into_owned();
            // The database may drop a file of its own between listing and looking.
            let bytes = std::fs::read(&path).unwrap_or_default();
            let named = [name.as_bytes(), b"\0", &bytes].concat();
            (name, Self::of(named))
        });
        files.collect()
    }
}

/// The characters of base64 that hang on nothing but the text, when `before`
/// bytes stand before it in its group of three.
fn base64_core(text: &[u8], before: usize) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let padded = [&vec![0; before][..], text].concat();
    let (groups, _) = padded.as_chunks::<3>();
    let encoded: Vec<u8> = groups
        .iter()
        .flat_map(|&[a, b, c]| {
            let bits = u32::from_be_bytes([0, a, b, c]);
            [18, 12, 6, 0].map(|shift| ALPHABET[(bits >> shift & 63) as usize])
        })
        .collect();
    // The first group depends on what stands before.
    encoded[if before == 0 { 0 } else { 4 }..].to_vec()
}

/// What the zlib streams anywhere in the bytes hold, and the whole as deflate.
fn streams(bytes: &[u8]) -> Vec<Vec<u8>> {
    let is_zlib = |pair: &[u8]| {
        pair[0] & 0x8F == 8 && u16::from_be_bytes([pair[0], pair[1]]).is_multiple_of(31)
    };
    let mut found = Vec::new();
    for (at, _) in bytes
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| is_zlib(pair))
    {
        let mut inflated = Vec::new();
        // Damaged streams are looked at as far as they go.
        let _ = ZlibDecoder::new(&bytes[at..])
            .take(INFLATED_BYTES_MAX)
            .read_to_end(&mut inflated);
        if inflated.len() > 7 {
            found.push(inflated);
        }
    }
    let mut inflated = Vec::new();
    let _ = DeflateDecoder::new(bytes)
        .take(INFLATED_BYTES_MAX)
        .read_to_end(&mut inflated);
    found.push(inflated);
    found
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::Search;

    const TEXT: &str = "ThreeTimesFour";

    #[test]
    fn every_guise_is_seen_through() {
        let search = Search::of(TEXT);
        let mut encoder = ZlibEncoder::new(b"head".to_vec(), Compression::best());
        encoder.write_all(&TEXT.as_bytes().repeat(3)).unwrap();
        let wide: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [
            format!("a{TEXT}b").into_bytes(),
            b"ruoFsemiTeerhT".to_vec(),
            [&b"x"[..], &wide].concat(),
            encoder.finish().unwrap(),
            // base64 of "ThreeTimesFour", "xThreeTimesFour" and "xxThreeTimesFour".
            b"VGhyZWVUaW1lc0ZvdXI=".to_vec(),
            b"eFRocmVlVGltZXNGb3Vy".to_vec(),
            b"eHhUaHJlZVRpbWVzRm91cg==".to_vec(),
        ] {
            assert!(search.find(&bytes).is_some(), "{bytes:?}");
        }
        assert_eq!(search.find(b"ThreeTimesFive, and more of the same"), None);
    }
}
