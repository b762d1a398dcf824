use super::super::fixtures::{avif_carriers, has_marker};
use super::*;
use crate::item::Header;
use crate::stage::scrub::icc::Space;
use crate::stage::sniff::avif::Coded;
use crate::stage::testing::{
    AvifDraft, AvifItem, AvifKind, avif, avif_box, avif_coded, avif_of_kind,
};

const KINDS: [AvifKind; 13] = [
    AvifKind::EightBit420,
    AvifKind::TenBit444,
    AvifKind::TwelveBit422,
    AvifKind::Lossless,
    AvifKind::Alpha,
    AvifKind::Premultiplied,
    AvifKind::Grid,
    AvifKind::Grey,
    AvifKind::Turned,
    AvifKind::Metadata,
    AvifKind::Pq,
    AvifKind::Grain,
    AvifKind::Sequence,
];

fn clean(file: &[u8]) -> Vec<u8> {
    rebuild(file).expect("a clean file")
}

#[test]
fn p02_only_the_picture_passes_the_second_look() {
    for (name, file) in avif_carriers() {
        assert!(verify(&file).is_err(), "{name}");
        let clean = rebuild(&file).unwrap_or_else(|reject| panic!("{name}: {reject}"));
        assert!(verify(&clean).is_ok() && !has_marker(&clean), "{name}");
    }
}

#[test]
fn every_kind_is_rebuilt_and_stays_as_it_is_then() {
    for kind in KINDS {
        let (width, height) = match kind {
            AvifKind::Grid => (128, 128),
            _ => (40, 24),
        };
        let once = clean(&avif_of_kind(kind));
        let header = Header {
            width,
            height,
            frames: 1,
        };
        assert_eq!(verify(&once), Ok(header), "{kind:?}");
        assert!(clean(&once) == once, "{kind:?}");
    }
}

#[test]
fn coded_pixels_are_the_bytes_they_were() {
    for kind in KINDS {
        let file = avif_of_kind(kind);
        let once = clean(&file);
        let frame_of = |coded: &Coded<'_>| {
            let bitstream = coded.bitstream();
            let sequence = 2 + coded.sequence.payload.len();
            // Head and length of the frame: its size is below 2^14.
            let length_bytes = if bitstream[sequence + 1] < 0x80 { 1 } else { 2 };
            bitstream[sequence + 1 + length_bytes..].to_vec()
        };
        let before = Avif::parse(&file).expect("an AVIF");
        for layer in [Some(before.colour), before.alpha].into_iter().flatten() {
            for tile in &layer.tiles {
                let frame = frame_of(tile);
                let holds = |bytes: &[u8]| bytes.windows(frame.len()).any(|part| part == frame);
                assert!(holds(&file) && holds(&once), "{kind:?}");
            }
        }
    }
}

#[test]
fn what_the_picture_means_is_kept() {
    let meaning = |file: &[u8]| {
        let avif = Avif::parse(file).expect("an AVIF");
        let grid = avif.colour.grid;
        let turning = (avif.quarter_turns, avif.mirror);
        let space = match super::meaning(&avif) {
            Some((Meaning::Known(space), _)) => Some(space),
            _ => None,
        };
        (avif.nclx, space, turning, avif.premultiplied, grid)
    };
    for kind in KINDS {
        let file = avif_of_kind(kind);
        assert_eq!(meaning(&file), meaning(&clean(&file)), "{kind:?}");
    }
    assert_eq!(
        meaning(&avif_of_kind(AvifKind::Metadata)).1,
        Some(Space::AdobeRgb)
    );
    assert!(meaning(&avif_of_kind(AvifKind::Premultiplied)).3);
    assert_eq!(meaning(&avif_of_kind(AvifKind::Turned)).2, (1, Some(1)));
}

#[test]
fn equal_tiles_are_written_once() {
    let tile = avif_coded(&avif_of_kind(AvifKind::Grid), false);
    let mut picture = AvifItem::picture(vec![0, 0, 3, 3, 1, 0, 1, 0], 256, 256);
    picture.item_type = *b"grid";
    picture.references = (2..18).map(|id| (*b"dimg", id)).collect();
    let mut items = vec![picture];
    items.resize(17, AvifItem::picture(tile.clone(), 64, 64));
    let once = clean(&AvifDraft::of(items).write());
    let holds = once
        .windows(tile.len())
        .filter(|part| *part == tile)
        .count();
    assert_eq!(holds, 1);
    assert!(verify(&once).is_ok() && clean(&once) == once);
}

#[test]
fn a_second_picture_does_not_pass() {
    // As if the rebuild had kept an item that nothing shows.
    let once = clean(&avif());
    let hidden = clean(&avif_of_kind(AvifKind::Alpha));
    let without_reference = {
        let at = hidden
            .windows(4)
            .position(|name| name == b"auxl")
            .expect("a reference");
        let mut file = hidden.clone();
        file[at..at + 4].copy_from_slice(b"thmb");
        file
    };
    assert!(verify(&once).is_ok() && verify(&hidden).is_ok());
    assert!(verify(&without_reference).is_err());
    for tail in [&b"!"[..], &avif_box(b"free", b""), &once] {
        assert!(verify(&[&once[..], tail].concat()).is_err());
    }
}

#[test]
fn no_byte_of_a_clean_file_is_free() {
    // Whatever is changed is refused, or is picture, or says what colours mean.
    let once = clean(&avif_of_kind(AvifKind::Alpha));
    let start_of = |name: &[u8]| {
        let start = once.windows(4).position(|part| part == name);
        start.expect("it is there") + 4
    };
    let colours = start_of(b"nclx")..start_of(b"nclx") + 7;
    for at in 0..start_of(b"mdat") {
        for mask in [0x01, 0x10, 0x80, 0xFF] {
            let mut file = once.clone();
            file[at] ^= mask;
            if verify(&file).is_ok() {
                assert!(colours.contains(&at), "{mask:#X} at {at}");
            }
        }
    }
}
