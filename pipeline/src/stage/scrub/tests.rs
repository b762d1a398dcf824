//! What holds for every format.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::fixtures::{
    MARKER, carriers, exif_block, has_marker, segment, webp_file, with_chunks, with_segments,
};
use super::*;
use crate::item::{Decoded, Upload};
use crate::limits::Limits;
use crate::stage::decode::{decode, first_picture};
use crate::stage::sniff::sniff;
use crate::stage::testing::{every_kind, gif, jpeg, png, png_chunk, webp, webp_chunk};

fn scrubbed(bytes: &[u8]) -> Result<Scrubbed, Reject> {
    let sniffed = sniff(
        Upload {
            bytes: bytes.into(),
        },
        &Limits::default(),
    )?;
    scrub_encoded(sniffed.bytes, sniffed.format, sniffed.header)
}

fn decoded(bytes: &[u8]) -> Result<Decoded, Reject> {
    let limits = Limits::default();
    decode(
        sniff(
            Upload {
                bytes: bytes.into(),
            },
            &limits,
        )?,
        &limits,
    )
}

fn every_file() -> Vec<(&'static str, Vec<u8>)> {
    [every_kind(), carriers()].concat()
}

#[test]
fn p02_nothing_is_left_of_any_carrier() {
    for (name, file) in carriers() {
        assert!(has_marker(&file), "{name}: the fixture carries no marker");
        let clean = scrubbed(&file).unwrap_or_else(|reject| panic!("{name}: {reject}"));
        assert!(
            !has_marker(clean.bytes()),
            "{name}: the marker is still there"
        );
    }
}

#[test]
fn p02_gps_is_gone_from_every_format() {
    let exif = exif_block(1);
    let xmp = [b"\x21\xFF\x0BXMP DataXMP".as_slice(), &[17], MARKER, &[0]].concat();
    let plain_gif = gif(40, 24);
    let canvas = webp_chunk(b"VP8X", &[8, 0, 0, 0, 39, 0, 0, 23, 0, 0]);
    let files = [
        with_segments(
            &jpeg(40, 24),
            &segment(0xE1, &[b"Exif\0\0", &exif[..]].concat()),
        ),
        with_chunks(&png(40, 24), &png_chunk(b"eXIf", &exif)),
        webp_file(&[&canvas, &webp(40, 24)[12..], &webp_chunk(b"EXIF", &exif)].concat()),
        [&plain_gif[..13 + 768], &xmp, &plain_gif[13 + 768..]].concat(),
    ];
    for file in files {
        assert!(has_marker(&file));
        assert!(!has_marker(scrubbed(&file).expect("a clean file").bytes()));
    }
}

#[test]
fn scrubbing_twice_changes_nothing() {
    for (name, file) in every_file() {
        let once = scrubbed(&file).unwrap_or_else(|reject| panic!("{name}: {reject}"));
        let twice = scrubbed(once.bytes()).unwrap_or_else(|reject| panic!("{name}: {reject}"));
        assert!(once.bytes() == twice.bytes(), "{name}");
        assert_eq!(once.header(), twice.header(), "{name}");
    }
}

#[test]
fn pixels_and_alpha_stay_as_they_were() {
    let limits = Limits::default();
    for (name, file) in every_file() {
        let before = decoded(&file).unwrap_or_else(|reject| panic!("{name}: {reject}"));
        let clean = scrubbed(&file).unwrap_or_else(|reject| panic!("{name}: {reject}"));
        let after = decoded(clean.bytes()).unwrap_or_else(|reject| panic!("{name}: {reject}"));
        assert!(before.frames == after.frames, "{name}");
        let first = |bytes: &[u8]| first_picture(bytes, clean.format(), clean.header(), &limits);
        assert!(first(&file).expect(name).samples == first(clean.bytes()).expect(name).samples);
    }
}

#[test]
fn a_file_cut_anywhere_is_refused_or_complete() {
    for (name, file) in every_file() {
        for length in 0..file.len() {
            if let Ok(clean) = scrubbed(&file[..length]) {
                assert!(decoded(clean.bytes()).is_ok(), "{name} cut at {length}");
            }
        }
    }
}

#[test]
fn a_header_that_disagrees_is_refused() {
    let sniffed = sniff(
        Upload {
            bytes: png(40, 24).into(),
        },
        &Limits::default(),
    )
    .expect("a PNG");
    let header = Header {
        width: 24,
        height: 40,
        frames: 1,
    };
    let refused = scrub_encoded(sniffed.bytes, sniffed.format, header);
    assert!(matches!(refused, Err(Reject::MetadataNotRemovable { .. })));
}

#[test]
fn floods_of_parts_take_linear_time() {
    let comments = segment(0xFE, b"x").repeat(100_000);
    let profiles = segment(0xE2, b"ICC_PROFILE\0\x01\x01x").repeat(100_000);
    let tables = segment(0xDB, &[3; 65]).repeat(100_000);
    let sub_blocks = b"\x01x".repeat(1_000_000);
    let plain_gif = gif(40, 24);
    let floods: [(&str, Vec<u8>); 6] = [
        ("jpeg comments", with_segments(&jpeg(40, 24), &comments)),
        ("jpeg profiles", with_segments(&jpeg(40, 24), &profiles)),
        ("jpeg tables", with_segments(&jpeg(40, 24), &tables)),
        (
            "png chunks",
            with_chunks(&png(40, 24), &png_chunk(b"prVt", &[]).repeat(1_000_000)),
        ),
        (
            "webp chunks",
            webp_file(
                &[
                    &webp(40, 24)[12..],
                    &webp_chunk(b"what", &[]).repeat(1_000_000),
                ]
                .concat(),
            ),
        ),
        ("gif sub-blocks", {
            [
                &plain_gif[..781],
                &[0x21, 0xFE],
                &sub_blocks,
                &[0],
                &plain_gif[781..],
            ]
            .concat()
        }),
    ];
    for (name, file) in floods {
        let started = Instant::now();
        assert!(scrubbed(&file).is_ok(), "{name}");
        // Each takes some ten milliseconds; quadratic ones take minutes.
        assert!(started.elapsed() < Duration::from_secs(5), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        // The same damage on every run: new damage is the fuzzers' business.
        rng_seed: RngSeed::Fixed(2),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Damage anywhere: an answer, no panic; and what is accepted is stable and
    /// shows what the damaged file showed.
    #[test]
    fn damaged_files_get_an_answer(
        file_idx in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        thread_local! {
            static FILES: Vec<(&'static str, Vec<u8>)> = every_file();
        }
        let mut file = FILES.with(|files| file_idx.get(files).1.clone());
        for (at, value) in damage {
            let at = at.index(file.len());
            file[at] = value;
        }
        if let Ok(clean) = scrubbed(&file) {
            let twice = scrubbed(clean.bytes()).expect("a clean file stays acceptable");
            prop_assert!(clean.bytes() == twice.bytes());
            if let Ok(before) = decoded(&file) {
                let after = decoded(clean.bytes()).expect("a clean file decodes");
                prop_assert!(before.frames == after.frames);
            }
        }
    }
}
