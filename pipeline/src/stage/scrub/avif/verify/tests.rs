//! Files as the rebuild would write them if it were wrong.

use super::super::container::{Container, Item as Written, Property, boxed};
use super::super::rebuild;
use super::verify;
use crate::stage::testing::{AvifKind, avif, avif_coded, avif_of_kind};

const ALPHA: &[u8] = b"\0\0\0\0urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0";

/// `av1C` of the fixtures' coded data, colour and alpha.
const COLOUR_CODED: [u8; 4] = [0x81, 0, 0x0C, 0];
const ALPHA_CODED: [u8; 4] = [0x81, 0, 0x1C, 0];

fn property(name: &[u8; 4], data: &[u8]) -> Property {
    Property::from(boxed(*name, &[data]).expect("short"))
}

fn essential(name: &[u8; 4], data: &[u8]) -> Property {
    Property::essential(boxed(*name, &[data]).expect("short"))
}

fn size(width: u32, height: u32) -> Property {
    let [width, height] = [width, height].map(u32::to_be_bytes);
    property(b"ispe", &[&[0; 4], &width[..], &height].concat())
}

/// Coded data of 40 x 24 pixels, three channels of eight bits.
fn colour() -> Written {
    Written {
        item_type: *b"av01",
        hidden: false,
        properties: vec![
            size(40, 24),
            property(b"pixi", &[0, 0, 0, 0, 3, 8, 8, 8]),
            essential(b"av1C", &COLOUR_CODED),
        ],
        data: avif_coded(&avif(), false),
    }
}

/// Coded data of 40 x 24 pixels, one channel.
fn grey() -> Written {
    Written {
        item_type: *b"av01",
        hidden: false,
        properties: vec![
            size(40, 24),
            property(b"pixi", &[0, 0, 0, 0, 1, 8]),
            essential(b"av1C", &ALPHA_CODED),
        ],
        data: avif_coded(&avif_of_kind(AvifKind::Alpha), true),
    }
}

fn alpha() -> Written {
    let mut item = grey();
    item.properties.push(property(b"auxC", ALPHA));
    item
}

fn tile() -> Written {
    Written {
        hidden: true,
        ..colour()
    }
}

/// `columns` tiles of 40 x 24 pixels side by side.
fn grid(columns: u8) -> Written {
    let width = 40 * u16::from(columns);
    let [high, low] = width.to_be_bytes();
    Written {
        item_type: *b"grid",
        hidden: false,
        properties: vec![
            size(width.into(), 24),
            property(b"pixi", &[0, 0, 0, 0, 3, 8, 8, 8]),
        ],
        data: vec![0, 0, 0, columns - 1, high, low, 0, 24],
    }
}

type Reference<'a> = (&'a [u8; 4], u16, &'a [u16]);

fn file(items: Vec<Written>, references: &[Reference<'_>]) -> Vec<u8> {
    let mut container = Container::default();
    for item in items {
        container.add(item).expect("few items");
    }
    for (name, from, to) in references {
        container.refer(**name, *from, to.to_vec());
    }
    container.write().expect("a small file")
}

fn passes(items: Vec<Written>, references: &[Reference<'_>]) -> bool {
    verify(&file(items, references)).is_ok()
}

/// The item after a change.
fn changed(mut item: Written, change: impl FnOnce(&mut Written)) -> Written {
    change(&mut item);
    item
}

#[test]
fn what_the_rebuild_writes_passes() {
    assert!(passes(vec![colour()], &[]));
    assert!(passes(vec![colour(), alpha()], &[(b"auxl", 2, &[1])]));
    let premultiplied: &[Reference<'_>] = &[(b"auxl", 2, &[1]), (b"prem", 1, &[2])];
    assert!(passes(vec![colour(), alpha()], premultiplied));
    let tiles: &[Reference<'_>] = &[(b"dimg", 1, &[2, 3])];
    assert!(passes(vec![grid(2), tile(), tile()], tiles));
}

#[test]
fn references_lead_to_tiles_once_and_never_back() {
    let refused: [(&str, Vec<Written>, &[Reference<'_>]); 11] = [
        ("itself", vec![grid(1)], &[(b"dimg", 1, &[1])]),
        (
            "in a circle",
            vec![grid(1), changed(grid(1), |grid| grid.hidden = true)],
            &[(b"dimg", 1, &[2]), (b"dimg", 2, &[1])],
        ),
        (
            "a grid of a grid",
            vec![grid(1), changed(grid(1), |grid| grid.hidden = true), tile()],
            &[(b"dimg", 1, &[2]), (b"dimg", 2, &[3])],
        ),
        (
            "a tile twice",
            vec![grid(2), tile()],
            &[(b"dimg", 1, &[2, 2])],
        ),
        (
            "tiles twice",
            vec![grid(1), tile(), tile()],
            &[(b"dimg", 1, &[2]), (b"dimg", 1, &[3])],
        ),
        (
            "more tiles than there are in the grid",
            vec![grid(1), tile(), tile()],
            &[(b"dimg", 1, &[2, 3])],
        ),
        ("a grid without tiles", vec![grid(1)], &[]),
        (
            "tiles of a picture that is no grid",
            vec![colour(), tile()],
            &[(b"dimg", 1, &[2])],
        ),
        (
            "an item that is not there",
            vec![grid(1)],
            &[(b"dimg", 1, &[2])],
        ),
        ("from nowhere", vec![colour()], &[(b"auxl", 2, &[1])]),
        (
            "a name of its own",
            vec![colour(), tile()],
            &[(b"thmb", 2, &[1])],
        ),
    ];
    for (name, items, references) in refused {
        assert!(!passes(items, references), "{name}");
    }
}

#[test]
fn alpha_is_one_and_says_so() {
    let auxl: Reference<'_> = (b"auxl", 2, &[1]);
    let refused: [(&str, Vec<Written>, &[Reference<'_>]); 10] = [
        ("not said", vec![colour(), grey()], &[auxl]),
        (
            "said of the picture",
            vec![changed(colour(), |item| {
                item.properties.push(property(b"auxC", ALPHA));
            })],
            &[],
        ),
        ("of nothing", vec![colour(), alpha()], &[]),
        ("of itself", vec![colour(), alpha()], &[(b"auxl", 2, &[2])]),
        (
            "twice",
            vec![colour(), alpha(), alpha()],
            &[auxl, (b"auxl", 3, &[1])],
        ),
        ("the picture", vec![alpha()], &[(b"auxl", 1, &[1])]),
        (
            "in colours",
            vec![
                colour(),
                changed(colour(), |item| {
                    item.properties.push(property(b"auxC", ALPHA));
                }),
            ],
            &[auxl],
        ),
        (
            "hidden",
            vec![colour(), changed(alpha(), |item| item.hidden = true)],
            &[auxl],
        ),
        (
            "multiplied by the picture",
            vec![colour(), alpha()],
            &[auxl, (b"prem", 1, &[1])],
        ),
        (
            "multiplied by nothing",
            vec![colour()],
            &[(b"prem", 1, &[2])],
        ),
    ];
    for (name, items, references) in refused {
        assert!(!passes(items, references), "{name}");
    }
}

#[test]
fn sizes_and_depths_are_those_of_the_coded_data() {
    let with = |item_idx: usize, property_idx: usize, property: Property| {
        let mut items = vec![colour(), alpha()];
        items[item_idx].properties[property_idx] = property;
        passes(items, &[(b"auxl", 2, &[1])])
    };
    assert!(with(0, 0, size(40, 24)) && with(1, 0, size(40, 24)));
    for item_idx in 0..2 {
        for other in [size(41, 24), size(40, 23), size(0, 0)] {
            assert!(!with(item_idx, 0, other));
        }
    }
    assert!(!with(0, 1, property(b"pixi", &[0, 0, 0, 0, 1, 8])));
    assert!(!with(0, 1, property(b"pixi", &[0, 0, 0, 0, 3, 10, 10, 10])));
    assert!(!with(0, 2, essential(b"av1C", &ALPHA_CODED)));
    assert!(!with(0, 2, essential(b"av1C", &[0x81, 0x1F, 0x0C, 0])));

    let of_grid = |grid: Written, tiles: Vec<Written>| {
        let ids: Vec<u16> = (2..).take(tiles.len()).collect();
        passes(
            [vec![grid], tiles].into_iter().flatten().collect(),
            &[(b"dimg", 1, &ids)],
        )
    };
    assert!(of_grid(grid(2), vec![tile(), tile()]));
    let wide = changed(grid(2), |grid| grid.properties[0] = size(79, 24));
    assert!(!of_grid(wide, vec![tile(), tile()]));
    let narrow = changed(grid(2), |grid| grid.data[5] = 40);
    let narrow = changed(narrow, |grid| grid.properties[0] = size(40, 24));
    assert!(!of_grid(narrow, vec![tile(), tile()]), "one would suffice");
    let odd = changed(tile(), |tile| tile.properties[0] = size(40, 25));
    assert!(!of_grid(grid(2), vec![tile(), odd]));
}

#[test]
fn an_item_has_the_properties_it_needs_and_no_others() {
    let refused = [
        changed(colour(), |item| item.properties.truncate(2)),
        changed(colour(), |item| item.properties.truncate(1)),
        changed(colour(), |item| {
            item.properties.remove(0);
        }),
        changed(colour(), |item| item.properties.push(size(40, 24))),
        changed(colour(), |item| {
            item.properties[2] = property(b"av1C", &COLOUR_CODED);
        }),
        changed(colour(), |item| {
            item.properties.push(property(b"irot", &[1]));
        }),
        changed(colour(), |item| item.hidden = true),
    ];
    for (idx, item) in refused.into_iter().enumerate() {
        assert!(!passes(vec![item], &[]), "{idx}");
    }
    let turned = changed(colour(), |item| {
        item.properties.push(essential(b"irot", &[1]));
    });
    let header = verify(&file(vec![turned], &[])).expect("turned");
    assert_eq!((header.width, header.height), (24, 40));
    for of_what_is_shown in [
        essential(b"irot", &[1]),
        property(b"colr", b"nclx\0\x01\0\x0D\0\x06\x80"),
    ] {
        let alpha = changed(alpha(), |item| item.properties.push(of_what_is_shown));
        assert!(!passes(vec![colour(), alpha], &[(b"auxl", 2, &[1])]));
    }
}

#[test]
fn a_frame_that_is_not_shown_does_not_pass() {
    // An animation's headers say what those of stills leave out.
    let once = rebuild(&avif_of_kind(AvifKind::Sequence)).expect("its first frame");
    assert!(verify(&once).is_ok());
    let data = once.windows(4).position(|name| name == b"mdat");
    let data = data.expect("data") + 4;
    let frame = data + 2 + usize::from(once[data + 1]);
    assert_eq!(once[frame], 0x32);
    let digits = once[frame + 1..].iter().position(|byte| *byte < 0x80);
    let first = frame + 2 + digits.expect("a length");
    // Not shown, no key frame, a frame again.
    for mask in [0x10, 0x20, 0x80] {
        let mut file = once.clone();
        file[first] ^= mask;
        assert!(verify(&file).is_err(), "{mask:#X}");
    }
}
