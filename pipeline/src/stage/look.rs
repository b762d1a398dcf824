//! Hashes what will be stored and shown.

use imgshare_kernels::RgbView;
use imgshare_kernels::cpu::pdq::{Pdq, pdq};
use sha2::{Digest, Sha256};

use super::backdrop::{blend_with_black, turn_black_to_white};
use crate::item::{Clean, Looked, Pixels};

/// Takes the SHA-256 of the scrubbed bytes, so that the same picture with other
/// metadata is the same image, and the perceptual hash of the picture that is
/// shown first, so that the same picture in other bytes can be known again.
pub fn look(clean: Clean) -> Looked {
    let sha256 = Sha256::digest(clean.scrubbed.bytes()).into();
    let pdq = match &clean.shrunk {
        Some(shrunk) => shrunk.pdq,
        None => clean.frames.first().and_then(likeness),
    };
    Looked { clean, sha256, pdq }
}

/// The hash of a picture as a page shows it, on white.
fn likeness(frame: &Pixels) -> Option<Pdq> {
    let Some(alpha) = &frame.alpha else {
        return hash(&frame.rgb, frame);
    };
    let mut rgb = frame.rgb.clone();
    blend_with_black(&mut rgb, alpha);
    turn_black_to_white(&mut rgb, alpha);
    hash(&rgb, frame)
}

fn hash(rgb: &[u8], frame: &Pixels) -> Option<Pdq> {
    let view = RgbView::new(rgb, frame.width, frame.height)
        .expect("a decoded frame holds three bytes for each of its pixels");
    pdq(view)
}

#[cfg(test)]
mod tests {
    use jpeg_encoder::{ColorType, Encoder};

    use super::*;
    use crate::item::{Format, Header, Scrubbed, Upload};
    use crate::limits::Limits;
    use crate::stage::decode::{decode, decode_for};
    use crate::stage::sniff::sniff;

    /// Files, and what Meta's code says of the pixels that Pillow reads in them:
    /// see `kernels/src/cpu/pdq/reference.py`.
    #[rustfmt::skip]
    const EXPECTED: [(&[u8], &str, u8); 4] = [
        (include_bytes!("../../../tests/fixtures/pattern_scored_hentai.png"), "5475896f676d6f02292a2bc72eae1e2287ffb3d21e3b2af699d1014e01f23486", 100),
        (include_bytes!("../../../tests/fixtures/pattern_scored_porn.png"), "539051dc1afb1866d4dc3b24546255459b9c81f52d3822bac6b6e1b79fc96763", 100),
        (include_bytes!("../../../tests/fixtures/pattern_scored_sexy.png"), "1f6750f9dbf9f70513b40754b59501873ecfa70a0434791604e8f902feaade1a", 100),
        (include_bytes!("../../../tests/fixtures/scene.jpg"), "e22722b6ff34e00798f6df14e1c59876cf34718d1c58d90c75a932d8f388cc63", 100),
    ];

    /// Decoders of JPEG round differently; nothing else may.
    const DISTANCE_MAX: u32 = 2;

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
            shrunk: None,
        });
        // FIPS 180-2, appendix B.1.
        assert_eq!(looked.sha256[..4], [0xBA, 0x78, 0x16, 0xBF]);
        assert_eq!(looked.sha256[28..], [0xF2, 0x00, 0x15, 0xAD]);
        assert_eq!(looked.pdq, None);
    }

    #[test]
    fn files_have_the_perceptual_hashes_of_the_reference() {
        for (file, hash, quality) in EXPECTED {
            let found = likeness(&first_frame(file)).unwrap();
            assert!(distance(&found.hash, &bytes_of(hash)) <= DISTANCE_MAX);
            assert!(found.quality.abs_diff(quality) <= 1);
        }
    }

    #[test]
    fn a_photo_that_is_read_row_by_row_has_the_hash_of_the_reference() {
        let (file, hash, quality) = EXPECTED[3];
        let (bytes, limits) = (file.into(), Limits::default());
        let sniffed = sniff(Upload { bytes }, &limits).unwrap();
        let decoded = decode_for(sniffed, &limits, 8.into()).unwrap();
        let found = decoded.shrunk.unwrap().pdq.unwrap();
        assert!(distance(&found.hash, &bytes_of(hash)) <= DISTANCE_MAX);
        assert!(found.quality.abs_diff(quality) <= 1);
    }

    #[test]
    fn a_picture_is_known_again_after_another_compression() {
        let (_, scene) = EXPECTED.split_at(3);
        let original = first_frame(scene[0].0);
        let mut again = Vec::new();
        Encoder::new(&mut again, 40)
            .encode(&original.rgb, 640, 420, ColorType::Rgb)
            .unwrap();
        let [one, other] = [original, first_frame(&again)].map(|frame| likeness(&frame).unwrap());
        assert!(distance(&one.hash, &other.hash) < 16);
    }

    fn first_frame(file: &[u8]) -> Pixels {
        let (bytes, limits) = (file.into(), Limits::default());
        let sniffed = sniff(Upload { bytes }, &limits).unwrap();
        decode(sniffed, &limits).unwrap().frames.remove(0)
    }

    fn distance(one: &[u8; 32], other: &[u8; 32]) -> u32 {
        let bytes = one.iter().zip(other);
        bytes.map(|(one, other)| (one ^ other).count_ones()).sum()
    }

    fn bytes_of(hex: &str) -> [u8; 32] {
        std::array::from_fn(|idx| u8::from_str_radix(&hex[2 * idx..][..2], 16).unwrap())
    }
}
