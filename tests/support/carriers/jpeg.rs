//! The places of JPEG.

use super::exif::{self, Place};
use super::{Fate, List, icc};
use crate::picture::{Jpeg, Picture};

/// Application segments that no list of names knows.
const UNNAMED: [(&str, u8); 9] = [
    ("APP3", 0xE3),
    ("APP4", 0xE4),
    ("APP5", 0xE5),
    ("APP6", 0xE6),
    ("APP7", 0xE7),
    ("APP8", 0xE8),
    ("APP9", 0xE9),
    ("APP10", 0xEA),
    ("APP15", 0xEF),
];

pub(super) fn plain(kind: Jpeg) -> Vec<u8> {
    Picture::scene(96, 64, 41).jpeg(kind)
}

/// One carrier a place.
pub(super) fn list(kind: Jpeg, list: &mut List) {
    let file = plain(kind);
    list_exif(&file, list);
    list_segments(&file, list);
    list_structure(&file, list);
    list_behind(&file, list);
    if kind == Jpeg::Progressive {
        list.stored("comment between scans", |marker| {
            let scan = position(&file, 0xDA, Which::Last);
            insert(&file, scan, &segment(0xFE, marker))
        });
        list.stored("bytes between scans", |marker| {
            insert(&file, position(&file, 0xDA, Which::Last), marker)
        });
        list.add(
            "unused symbols of a Huffman table",
            Fate::Refused("metadata-not-removable"),
            |marker| unused_symbols(&optimised(), marker),
        );
    }
}

fn list_exif(file: &[u8], list: &mut List) {
    let exif = |place, marker: &[u8]| {
        segment(
            0xE1,
            &[b"Exif\0\0", &exif::block(place, marker)[..]].concat(),
        )
    };
    for (name, place) in [
        ("Exif maker", Place::Maker),
        ("Exif position", Place::Position),
        ("Exif maker note", Place::MakerNote),
        ("Exif user comment", Place::UserComment),
        ("Exif thumbnail", Place::Thumbnail),
        ("Exif between directories", Place::Gap),
    ] {
        list.stored(name, |marker| early(file, &exif(place, marker)));
    }
    list.stored("second Exif segment", |marker| {
        let both = [exif(Place::Nowhere, b""), exif(Place::Maker, marker)].concat();
        early(file, &both)
    });
    list.stored("Exif that is damaged", |marker| {
        early(file, &segment(0xE1, &[b"Exif\0\0MM\0*", marker].concat()))
    });
}

fn list_segments(file: &[u8], list: &mut List) {
    let xmp = |marker: &[u8]| {
        let open = b"<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><a>";
        [open, marker, b"</a></x:xmpmeta>"].concat()
    };
    list.stored("XMP", |marker| {
        let name = b"http://ns.adobe.com/xap/1.0/\0";
        early(file, &segment(0xE1, &[name, &xmp(marker)[..]].concat()))
    });
    list.stored("extended XMP", |marker| {
        let name = b"http://ns.adobe.com/xmp/extension/\0";
        let head = [&name[..], &[b'0'; 32], &number(200), &number(0)].concat();
        early(file, &segment(0xE1, &[head, xmp(marker)].concat()))
    });
    list.stored("IPTC", |marker| {
        let text = [&b"\x1C\x02\x78\0\x10"[..], marker].concat();
        early(file, &segment(0xED, &resource(0x0404, &text)))
    });
    list.stored("Photoshop thumbnail", |marker| {
        early(file, &segment(0xED, &resource(0x040C, marker)))
    });
    for (name, kind, signature) in [
        ("C2PA", 0xEB, &b"JP\0\x01\0\0\0\x01\0\0\0\x20jumb"[..]),
        ("Ducky", 0xEC, b"Ducky\0\x02\0\0"),
        ("PictureInfo", 0xEC, b"[picture info]\r\nTimeDate="),
        ("JFXX thumbnail", 0xE0, b"JFXX\0\x10"),
        ("FlashPix", 0xE2, b"FPXR\0"),
        (
            "gain map parameters",
            0xE2,
            b"urn:iso:std:iso:ts:21496:-1\0",
        ),
        (
            "Adobe segment with more in it",
            0xEE,
            b"Adobe\0\x64\0\0\0\0\x01",
        ),
        ("APP14 that is not Adobe's", 0xEE, b"Other\0"),
        ("APP0 that is not JFIF", 0xE0, b"CIFF\0"),
        ("APP1 without a name", 0xE1, b""),
        ("comment before the frame", 0xFE, b""),
        ("JPG0 marker", 0xF0, b""),
        ("reserved marker", 0xBF, b""),
    ] {
        list.stored(name, |marker| {
            early(file, &segment(kind, &[signature, marker].concat()))
        });
    }
    for (name, kind) in UNNAMED {
        list.stored(name, |marker| early(file, &segment(kind, marker)));
    }
    list.stored("JFIF thumbnail", |marker| {
        let head = b"JFIF\0\x01\x02\x01\0\x48\0\x48\x02\x03";
        let end = 2 + 2 + 16;
        let jfif = segment(0xE0, &[&head[..], marker, b"!!"].concat());
        [&file[..2], &jfif, &file[end..]].concat()
    });
    for (name, place) in icc::PLACES {
        list.recoloured(name, |marker| {
            let chunk = [b"ICC_PROFILE\0\x01\x01", &icc::profile(place, marker)[..]].concat();
            early(file, &segment(0xE2, &chunk))
        });
    }
    list.stored("ICC that is damaged", |marker| {
        early(
            file,
            &segment(0xE2, &[b"ICC_PROFILE\0\x01\x01", marker].concat()),
        )
    });
    list.stored("ICC piece that belongs to none", |marker| {
        early(
            file,
            &segment(0xE2, &[b"ICC_PROFILE\0\x07\x02", marker].concat()),
        )
    });
}

/// Between and inside the parts that every JPEG has.
fn list_structure(file: &[u8], list: &mut List) {
    let frame =
        |file: &[u8]| position(file, 0xC0, Which::First).min(position(file, 0xC2, Which::First));
    list.stored("comment between frame and scan", |marker| {
        let scan = position(file, 0xDA, Which::First);
        insert(file, scan, &segment(0xFE, marker))
    });
    list.stored("comment behind the last scan", |marker| {
        insert(file, file.len() - 2, &segment(0xFE, marker))
    });
    list.refused("number of lines behind the scan", |marker| {
        insert(file, file.len() - 2, &segment(0xDC, marker))
    });
    list.stored("bytes between segments", |marker| {
        insert(file, frame(file), marker)
    });
    list.stored("bytes and fill bytes between segments", |marker| {
        insert(file, frame(file), &[marker, &[0xFF; 5]].concat())
    });
    list.stored("unused quantisation table", |marker| {
        let mut steps = marker.to_vec();
        steps.resize(64, 1);
        early(file, &segment(0xDB, &[&[3], &steps[..]].concat()))
    });
    list.stored("quantisation table that is defined again", |marker| {
        let mut steps = marker.to_vec();
        steps.resize(64, 1);
        let first = position(file, 0xDB, Which::First);
        insert(file, first, &segment(0xDB, &[&[0], &steps[..]].concat()))
    });
    list.stored("unused Huffman table", |marker| {
        let mut counts = [0; 16];
        counts[7] = u8::try_from(marker.len()).expect("short");
        early(
            file,
            &segment(0xC4, &[&[0x13], &counts[..], marker].concat()),
        )
    });
    list.stored("Huffman table that is defined again", |marker| {
        let mut counts = [0; 16];
        counts[7] = u8::try_from(marker.len()).expect("short");
        let first = position(file, 0xC4, Which::First);
        let table = segment(0xC4, &[&[0x10], &counts[..], marker].concat());
        insert(file, first, &table)
    });
    list.stored("bytes behind the last unit", |marker| {
        insert(file, file.len() - 2, marker)
    });
    list.refused("restart interval with more in it", |marker| {
        early(file, &segment(0xDD, &[&[0, 0][..], marker].concat()))
    });
    list.refused("frame header with more in it", |marker| {
        let at = frame(file);
        let length = usize::from(file[at + 3]);
        let payload = [&file[at + 4..at + 2 + length], marker].concat();
        let longer = segment(file[at + 1], &payload);
        [&file[..at], &longer, &file[at + 2 + length..]].concat()
    });
    list.refused("picture inside the picture", |marker| {
        let inner = early(file, &segment(0xFE, marker));
        early(file, &inner)
    });
}

/// After the end of the image.
fn list_behind(file: &[u8], list: &mut List) {
    let behind = |tail: &[&[u8]]| [file, &tail.concat()].concat();
    let second = |marker: &[u8]| {
        let block = exif::block(Place::Position, marker);
        early(file, &segment(0xE1, &[b"Exif\0\0", &block[..]].concat()))
    };
    list.stored("bytes behind the end", |marker| behind(&[marker]));
    list.stored("motion video behind the end", |marker| {
        behind(&[
            b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
            b"\0\0\0\x18udta",
            marker,
        ])
    });
    list.stored("archive behind the end", |marker| {
        behind(&[b"PK\x03\x04\x0a\0\0\0\0\0", marker])
    });
    list.stored("gain map behind the end", |marker| {
        behind(&[&second(marker)])
    });
    list.stored("second picture of an MPF index", |marker| {
        let index = segment(0xE2, b"MPF\0MM\0*\0\0\0\x08\0\0\0\0\0\0");
        [early(file, &index), second(marker)].concat()
    });
    list.stored("MPF index", |marker| {
        let index = segment(0xE2, &[b"MPF\0MM\0*\0\0\0\x08", marker].concat());
        early(file, &index)
    });
    list.stored("Samsung trailer", |marker| {
        behind(&[&[0, 0, 0x30, 0x0A], marker, b"SEFH\0\0\0\0SEFT"])
    });
}

fn resource(kind: u16, data: &[u8]) -> Vec<u8> {
    let kind = kind.to_be_bytes();
    let length = number(data.len());
    [b"Photoshop 3.0\08BIM", &kind[..], &[0, 0], &length, data].concat()
}

/// A segment of this marker.
fn segment(marker: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2).expect("a segment");
    [&[0xFF, marker], &length.to_be_bytes()[..], payload].concat()
}

/// The file with more right after its beginning.
fn early(file: &[u8], more: &[u8]) -> Vec<u8> {
    insert(file, 2, more)
}

fn insert(file: &[u8], at: usize, more: &[u8]) -> Vec<u8> {
    [&file[..at], more, &file[at..]].concat()
}

#[derive(Clone, Copy)]
enum Which {
    First,
    Last,
}

/// Where a marker stands; the end of the file if nowhere.
fn position(file: &[u8], marker: u8, which: Which) -> usize {
    let mut pairs = file.windows(2);
    let is_it = |pair: &[u8]| pair == [0xFF, marker];
    let found = match which {
        Which::First => pairs.position(is_it),
        Which::Last => pairs.rposition(is_it),
    };
    found.unwrap_or(file.len())
}

/// A progressive file whose Huffman tables hold no more symbols than its picture
/// needs.
fn optimised() -> Vec<u8> {
    let picture = Picture::scene(96, 64, 42);
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, 90);
    encoder.set_optimized_huffman_tables(true);
    encoder.set_progressive(true);
    encoder
        .encode(
            &picture.rgb,
            picture.width,
            picture.height,
            jpeg_encoder::ColorType::Rgb,
        )
        .expect("a picture of ours encodes");
    file
}

/// The first table with room for them gets the marker's bytes as symbols of 16
/// bits, which come behind all that are there.
fn unused_symbols(file: &[u8], marker: &[u8]) -> Vec<u8> {
    let mut at = 0;
    loop {
        at += 2 + position(&file[at + 2..], 0xC4, Which::First);
        let counts: [u8; 16] = *file[at + 5..].first_chunk().expect("a table");
        let n_symbols: usize = counts.iter().copied().map(usize::from).sum();
        let used: u32 = (1..=16_u32)
            .zip(counts)
            .map(|(bits, count)| u32::from(count) << (16 - bits))
            .sum();
        let is_alone = usize::from(file[at + 3]) == 2 + 17 + n_symbols;
        // The code of ones alone stays free.
        if is_alone && used as usize + marker.len() < 1 << 16 && file[at + 4] >= 0x10 {
            let mut longer = file[at + 4..at + 4 + 17 + n_symbols].to_vec();
            longer[16] += u8::try_from(marker.len()).expect("short");
            longer.extend_from_slice(marker);
            let end = at + 4 + 17 + n_symbols;
            return [&file[..at], &segment(0xC4, &longer), &file[end..]].concat();
        }
    }
}

fn number(value: usize) -> [u8; 4] {
    u32::try_from(value).expect("small").to_be_bytes()
}
