use super::*;
use crate::item::{Format, Upload};
use crate::stage::sniff::sniff;
use crate::stage::testing::{
    AvifDraft, AvifItem, AvifKind, avif, avif_box, avif_coded, avif_of_kind, avif_unit,
};

fn sniffed(bytes: &[u8]) -> Result<(u32, u32), Reject> {
    let upload = Upload {
        bytes: bytes.into(),
    };
    sniff(upload, &Limits::default()).map(|sniffed| {
        assert_eq!((sniffed.format, sniffed.header.frames), (Format::Avif, 1));
        (sniffed.header.width, sniffed.header.height)
    })
}

fn code(bytes: &[u8]) -> &'static str {
    sniffed(bytes).expect_err("refused").code()
}

/// The plain picture after a change to its item.
fn changed(change: impl FnOnce(&mut AvifItem)) -> Vec<u8> {
    let mut draft = AvifDraft::plain();
    change(&mut draft.items[0]);
    draft.write()
}

fn with_alpha(width: u32, alpha: Vec<u8>) -> Vec<u8> {
    let mut draft = AvifDraft::plain();
    let name = b"\0\0\0\0urn:mpeg:hevc:2015:auxid:1\0";
    let mut item = AvifItem::picture(alpha, width, 24).with(b"auxC", name);
    item.references = vec![(*b"auxl", 1)];
    draft.items.push(item);
    draft.write()
}

/// A grid of the given size over tiles of 64 x 64 pixels.
fn grid([rows, columns]: [u8; 2], [width, height]: [u16; 2], n_tiles: u16) -> Vec<u8> {
    let tile = avif_coded(&avif_of_kind(AvifKind::Grid), false);
    let [w, h] = [width, height].map(u16::to_be_bytes);
    let data = [&[0, 0, rows - 1, columns - 1], &w[..], &h].concat();
    let mut picture = AvifItem::picture(data, width.into(), height.into());
    picture.item_type = *b"grid";
    picture.references = (0..n_tiles).map(|tile| (*b"dimg", tile + 2)).collect();
    let mut items = vec![picture];
    items.resize(usize::from(n_tiles) + 1, AvifItem::picture(tile, 64, 64));
    AvifDraft::of(items).write()
}

#[test]
fn sizes_are_those_of_the_turned_picture() {
    for kind in [
        AvifKind::EightBit420,
        AvifKind::Lossless,
        AvifKind::Premultiplied,
        AvifKind::Turned,
        AvifKind::Metadata,
        AvifKind::Pq,
        AvifKind::Grain,
    ] {
        assert_eq!(sniffed(&avif_of_kind(kind)), Ok((40, 24)), "{kind:?}");
    }
    assert_eq!(sniffed(&avif_of_kind(AvifKind::Grid)), Ok((128, 128)));
    assert_eq!(sniffed(&AvifDraft::plain().write()), Ok((40, 24)));
    let turned = changed(|item| item.properties.push((*b"irot", vec![3], true)));
    assert_eq!(sniffed(&turned), Ok((24, 40)));
}

#[test]
fn an_animation_is_refused_by_name() {
    let refused = sniffed(&avif_of_kind(AvifKind::Sequence));
    assert!(matches!(
        refused,
        Err(Reject::UnsupportedFormat { advice: Some(advice) }) if advice.contains("animated AVIF")
    ));
}

#[test]
fn what_a_still_does_not_need_is_unsupported() {
    let property = |name: &[u8; 4], data: &[u8], essential| {
        let (name, data) = (*name, data.to_vec());
        changed(move |item| item.properties.push((name, data, essential)))
    };
    let coded = avif_coded(&avif(), false);
    let frame = coded
        .windows(1)
        .position(|byte| byte == [0x32])
        .expect("a frame");
    let files = [
        ("a crop", property(b"clap", &[0; 32], true)),
        ("an unknown demand", property(b"what", &[], true)),
        ("another operating point", property(b"a1op", &[1], true)),
        ("one layer of several", property(b"lsel", &[0, 1], true)),
        ("another codec", changed(|item| item.item_type = *b"hvc1")),
        ("an overlay", changed(|item| item.item_type = *b"iovl")),
        (
            "two frames",
            changed(|item| item.data.extend_from_slice(&coded[frame..])),
        ),
        ("a frame header by itself", {
            let header = avif_unit(3, &[0x10, 0]);
            changed(|item| item.data.splice(frame..frame, header).for_each(drop))
        }),
        ("mirrored before it is turned", {
            changed(|item| {
                item.properties.push((*b"imir", vec![1], true));
                item.properties.push((*b"irot", vec![1], true));
            })
        }),
        ("an alpha in colour", with_alpha(40, coded.clone())),
        ("numbers of colours that do not exist", {
            property(b"colr", b"nclx\x01\0\0\x01\0\x01\x80", false)
        }),
    ];
    for (name, file) in files {
        assert_eq!(code(&file), "unsupported-format", "{name}");
    }
    let harmless = property(b"what", &[], false);
    assert_eq!(sniffed(&harmless), Ok((40, 24)));
    assert_eq!(sniffed(&property(b"lsel", &[0xFF; 2], true)), Ok((40, 24)));
}

#[test]
fn contradictions_are_damage() {
    let alpha = avif_coded(&avif_of_kind(AvifKind::Alpha), true);
    assert_eq!(sniffed(&with_alpha(40, alpha.clone())), Ok((40, 24)));
    let files = [
        ("another size", changed(|item| item.properties[0].1[7] = 41)),
        ("no size", changed(|item| drop(item.properties.remove(0)))),
        ("no frame", changed(|item| item.data.truncate(11))),
        ("an alpha of another size", with_alpha(41, alpha)),
        ("tiles too few", grid([2, 2], [128, 128], 3)),
        ("tiles too many", grid([1, 1], [64, 64], 2)),
        ("a row too many", grid([2, 1], [64, 64], 2)),
        (
            "ballast",
            changed(|item| item.data.extend(avif_unit(15, &[0; 100]).repeat(800))),
        ),
        (
            "a flood of units",
            changed(|item| item.data.extend([0x7A, 0].repeat(200))),
        ),
        ("a table twice", {
            let mut draft = AvifDraft::plain();
            draft.within = avif_box(b"pitm", &[0, 0, 0, 0, 0, 1]);
            draft.write()
        }),
        ("a flood of items", {
            let mut draft = AvifDraft::plain();
            draft
                .items
                .resize(1_025, AvifItem::other(*b"mime", Vec::new()));
            draft.write()
        }),
        ("a box of no length", {
            let mut draft = AvifDraft::plain();
            draft.before = vec![0, 0, 0, 7, b'f', b'r', b'e', b'e'];
            draft.write()
        }),
    ];
    for (name, file) in files {
        assert_eq!(code(&file), "malformed-image", "{name}");
    }
}

#[test]
fn a_grid_may_reach_beyond_its_picture() {
    assert_eq!(sniffed(&grid([2, 2], [100, 70], 4)), Ok((100, 70)));
    let tight = Limits {
        pixels_max: 100 * 70,
        ..Limits::default()
    };
    let refused = header(&grid([2, 2], [100, 70], 4), &tight);
    assert_eq!(
        refused,
        Err(Reject::TooManyPixels {
            pixels: 128 * 128,
            pixels_max: 7_000
        })
    );
}

#[test]
fn data_may_lie_in_parts_and_inside_the_tables() {
    let parts = changed(|item| item.gap = vec![7; 9]);
    assert_eq!(sniffed(&parts), Ok((40, 24)));
    let inside = changed(|item| item.inside = true);
    assert_eq!(sniffed(&inside), Ok((40, 24)));
}

#[test]
fn data_beyond_the_end_is_cut_off() {
    let file = AvifDraft::plain().write();
    assert_eq!(sniffed(&file[..file.len() - 1]), Err(Reject::Truncated));
    assert_eq!(sniffed(&file[..60]), Err(Reject::Truncated));
    let mut far = file.clone();
    let iloc = far
        .windows(4)
        .position(|name| name == b"iloc")
        .expect("places");
    far[iloc + 20..iloc + 24].fill(0xFF);
    assert_eq!(sniffed(&far), Err(Reject::Truncated));
}

#[test]
fn a_sequence_header_loses_what_a_still_does_not_need() {
    // An animation's header has operating points and tools for motion.
    let file = avif_of_kind(AvifKind::Sequence);
    let avif = Avif::parse(&file).expect("its first frame");
    let sequence = &avif.colour.tiles[0].sequence;
    assert!(!sequence.reduced);
    let again = Sequence::parse(&sequence.payload).expect("a sequence header");
    assert_eq!(&again, sequence);

    // As if timing had been written: 75 bits more after the third flag.
    let mut timed = bits::BitWriter::default();
    let mut old = bits::Bits::new(&sequence.payload);
    timed.number(old.number(5).expect("five bits"), 5);
    assert!(!old.flag().expect("a flag"));
    timed.flag(true);
    timed.number(0x4772_316E, 32);
    timed.number(0x7A49_6E67, 32);
    timed.flag(false);
    timed.flag(false);
    let rest = u32::try_from(sequence.payload.len() * 8 - 6).expect("small");
    for _ in 0..rest {
        timed.flag(old.flag().expect("a bit"));
    }
    let found = Sequence::parse(&timed.finish()).expect("a sequence header");
    assert_eq!(&found, sequence);
}

#[test]
fn tiles_hide_no_picture_of_their_own_beside_the_one_that_is_shown() {
    for (length, tile, n_tiles, is_covered) in [
        (1_000, 512, 2, true),
        (4_032, 512, 8, true),
        (1_025, 1_024, 2, false),
        (64, 64, 1, true),
        (60, 64, 1, true),
        (64, 7_000, 1, false),
        (64, 128, 1, false),
        (64, 0, 1, false),
    ] {
        assert_eq!(
            super::picture::is_covered(length, tile, n_tiles),
            is_covered,
            "{length} by {n_tiles} of {tile}"
        );
    }
}
