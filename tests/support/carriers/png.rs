//! The places of PNG and APNG.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::exif::{self, Place};
use super::{List, icc};
use crate::picture::{Picture, animated_png};

/// The end of the signature and of the header chunk.
const HEADER_END: usize = 8 + 25;
const END_CHUNK: usize = 12;

pub(super) fn plain() -> Vec<u8> {
    Picture::scene(96, 64, 43).png()
}

pub(super) fn plain_animation() -> Vec<u8> {
    animated_png(&[
        Picture::scene(96, 64, 44),
        Picture::scene(96, 64, 45),
        Picture::scene(96, 64, 46),
    ])
}

/// One carrier a place of a still.
pub(super) fn list(list: &mut List) {
    let file = plain();
    list_chunks(&file, list);
    list_profiles(&file, list);
    list_pictures(&file, list);
    list.refused("frame of no animation", |marker| {
        early(&file, &chunk(b"fdAT", &[&[0, 0, 0, 9], marker].concat()))
    });
    list.stored("late frame of no animation", |marker| {
        late(&file, &chunk(b"fdAT", &[&[0, 0, 0, 9], marker].concat()))
    });
    list.stored("bytes behind the zlib stream", |marker| {
        late(&file, &chunk(b"IDAT", marker))
    });
    list.stored("bytes behind the rows", |marker| {
        let rows = [&[0, 10, 20, 0, 30, 40], marker].concat();
        small([2, 2, 8, 0], &[chunk(b"IDAT", &deflated(&rows))])
    });
    list.stored("bytes behind the rows, stored plainly", |marker| {
        let rows = [&[0, 10, 20, 0, 30, 40], marker].concat();
        small([2, 2, 8, 0], &[chunk(b"IDAT", &undeflated(&rows))])
    });
    list.stored("unused palette entries", |marker| {
        let palette = [&[0, 0, 0, 255, 255, 255], marker, b"!!"].concat();
        let rows = [0, 0, 1, 0, 1, 0];
        let parts = [chunk(b"PLTE", &palette), chunk(b"IDAT", &deflated(&rows))];
        small([2, 2, 8, 3], &parts)
    });
    list.stored("alpha of unused palette entries", |marker| {
        let palette: Vec<u8> = (0..60).collect();
        let alphas = [&[255, 128], marker].concat();
        let rows = [0, 0, 1, 0, 1, 0];
        let parts = [
            chunk(b"PLTE", &palette),
            chunk(b"tRNS", &alphas),
            chunk(b"IDAT", &deflated(&rows)),
        ];
        small([2, 2, 8, 3], &parts)
    });
    list.stored("palette entries beyond what the depth can name", |marker| {
        let palette = [&[0, 0, 0, 255, 255, 255], marker, b"!!"].concat();
        let rows = [0, 0x40, 0, 0x80];
        let parts = [chunk(b"PLTE", &palette), chunk(b"IDAT", &deflated(&rows))];
        small([2, 2, 1, 3], &parts)
    });
}

/// One carrier a place of an animation.
pub(super) fn list_animation(list: &mut List) {
    let file = plain_animation();
    list_chunks(&file, list);
    list_profiles(&file, list);
    for (name, kind, head) in [
        ("text between frames", b"tEXt", &b"Comment\0"[..]),
        ("private chunk between frames", b"prVt", b""),
    ] {
        list.stored(name, |marker| {
            let frame = last_chunk(&file, b"fcTL");
            insert(&file, frame, &chunk(kind, &[head, marker].concat()))
        });
    }
    list.stored("bytes behind a frame's zlib stream", |marker| {
        let at = last_chunk(&file, b"fdAT");
        let sequence = u32::from_be_bytes(*file[at + 8..].first_chunk().expect("a chunk"));
        let data = [&(sequence + 1).to_be_bytes()[..], marker].concat();
        late(&file, &chunk(b"fdAT", &data))
    });
    list.refused("frame control with more in it", |marker| {
        longer(&file, last_chunk(&file, b"fcTL"), marker)
    });
}

/// Chunks that no picture needs, and those that it may have with more in them.
fn list_chunks(file: &[u8], list: &mut List) {
    for (name, kind, head) in [
        ("text", b"tEXt", &b"Comment\0"[..]),
        ("prompt of a generator", b"tEXt", b"parameters\0"),
        (
            "international text",
            b"iTXt",
            b"Comment\0\0\0de\0Kommentar\0",
        ),
        ("XMP", b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0"),
        ("time", b"tIME", &[7, 0xE6, 5, 6, 7, 8, 9]),
        ("suggested palette", b"sPLT", b"name\0\x08"),
        ("histogram", b"hIST", b""),
        ("background", b"bKGD", b""),
        ("significant bits", b"sBIT", b""),
        ("calibration", b"pCAL", b"unit\0"),
        ("scale", b"sCAL", b"\x01"),
        ("offset", b"oFFs", &[0; 9]),
        ("stereo", b"sTER", b"\0"),
        ("signature", b"dSIG", b""),
        ("private chunk", b"prVt", b""),
        ("C2PA", b"caBX", b"\0\0\0\x20jumb"),
        ("Fireworks project", b"mkBF", b""),
        ("Apple's chunk", b"iDOT", b""),
        ("palette of a colour image", b"PLTE", b"!!"),
    ] {
        list.stored(name, |marker| {
            early(file, &chunk(kind, &[head, marker].concat()))
        });
    }
    list.stored("compressed text", |marker| {
        early(
            file,
            &chunk(b"zTXt", &[b"Comment\0\0", &deflated(marker)[..]].concat()),
        )
    });
    list.stored("compressed international text", |marker| {
        let head = b"Comment\0\x01\0de\0Kommentar\0";
        early(
            file,
            &chunk(b"iTXt", &[head, &deflated(marker)[..]].concat()),
        )
    });
    list.stored("raw profile", |marker| {
        let hex: String = marker.iter().map(|byte| format!("{byte:02x}")).collect();
        let text = format!("\nexif\n      16\n{hex}\n");
        let head = b"Raw profile type exif\0\0";
        early(
            file,
            &chunk(b"zTXt", &[head, &deflated(text.as_bytes())[..]].concat()),
        )
    });
    for (name, place) in [
        ("Exif maker", Place::Maker),
        ("Exif position", Place::Position),
        ("Exif thumbnail", Place::Thumbnail),
    ] {
        list.stored(name, |marker| {
            early(file, &chunk(b"eXIf", &exif::block(place, marker)))
        });
    }
    list.stored("late Exif", |marker| {
        late(file, &chunk(b"eXIf", &exif::block(Place::Maker, marker)))
    });
    list.stored("late text", |marker| {
        late(file, &chunk(b"tEXt", &[b"Comment\0", marker].concat()))
    });
    list.stored("bytes behind the end", |marker| [file, marker].concat());
    list.stored("chunk behind the end", |marker| {
        [file, &chunk(b"tEXt", &[b"Comment\0", marker].concat())].concat()
    });
    list.refused("unknown chunk that may not be skipped", |marker| {
        early(file, &chunk(b"PRVt", marker))
    });
}

/// How colours are to be read.
fn list_profiles(file: &[u8], list: &mut List) {
    let named = |name: &[u8], stream: &[u8]| chunk(b"iCCP", &[name, &[0, 0], stream].concat());
    for (name, place) in icc::PLACES {
        list.recoloured(name, |marker| {
            early(
                file,
                &named(b"ICC", &deflated(&icc::profile(place, marker))),
            )
        });
    }
    let profile = icc::profile(icc::Place::Copyright, b"Maker");
    list.recoloured("name of the ICC profile", |marker| {
        early(file, &named(marker, &deflated(&profile)))
    });
    list.recoloured("behind the ICC profile", |marker| {
        let stream = deflated(&[&profile[..], marker].concat());
        early(file, &named(b"ICC", &stream))
    });
    list.recoloured("behind the ICC profile's stream", |marker| {
        let stream = [deflated(&profile), marker.to_vec()].concat();
        early(file, &named(b"ICC", &stream))
    });
    list.stored("ICC that is damaged", |marker| {
        early(file, &named(b"ICC", marker))
    });
    list.recoloured("chromaticities", |marker| {
        early(file, &chunk(b"cHRM", &[marker, marker].concat()))
    });
    for (name, kind, head) in [
        ("gamma with more in it", b"gAMA", &[0, 0, 0xB1, 0x8F][..]),
        (
            "density with more in it",
            b"pHYs",
            &[0, 0, 1, 0, 0, 0, 1, 0, 1],
        ),
        ("intent with more in it", b"sRGB", &[0]),
        ("code points with more in them", b"cICP", &[1, 13, 0, 1]),
    ] {
        list.stored(name, |marker| {
            early(file, &chunk(kind, &[head, marker].concat()))
        });
    }
    list.stored("density of no screen", |marker| {
        early(file, &chunk(b"pHYs", &[&marker[..8], &[0]].concat()))
    });
    // Only half of a marker fits: it is looked for by halves.
    list.carriers
        .last_mut()
        .expect("just added")
        .marker
        .truncate(8);
}

/// Where the header is odd but the picture is right.
fn list_pictures(file: &[u8], list: &mut List) {
    list.stored("text between the pieces of a picture", |marker| {
        // Only decoders that are strict would mind it inside; it is put behind.
        late(
            file,
            &chunk(b"iTXt", &[b"Comment\0\0\0\0\0", marker].concat()),
        )
    });
    list.stored("transparent colour with bits to spare", |marker| {
        early(file, &chunk(b"tRNS", marker))
    });
}

/// A picture of these sides, depth and colour type, with more chunks.
fn small([width, height, depth, colour]: [u8; 4], chunks: &[Vec<u8>]) -> Vec<u8> {
    let header = [0, 0, 0, width, 0, 0, 0, height, depth, colour, 0, 0, 0];
    [
        &b"\x89PNG\r\n\x1a\n"[..],
        &chunk(b"IHDR", &header),
        &chunks.concat(),
        &chunk(b"IEND", &[]),
    ]
    .concat()
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let typed = [&kind[..], data].concat();
    let length = u32::try_from(data.len()).expect("small");
    let checksum = crc32fast::hash(&typed).to_be_bytes();
    [&length.to_be_bytes()[..], &typed, &checksum].concat()
}

fn deflated(data: &[u8]) -> Vec<u8> {
    zlib(data, Compression::best())
}

/// A zlib stream in which the data can be read as it is.
fn undeflated(data: &[u8]) -> Vec<u8> {
    zlib(data, Compression::none())
}

fn zlib(data: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), level);
    encoder.write_all(data).expect("a Vec takes it");
    encoder.finish().expect("a Vec takes it")
}

/// The file with more right after its header.
fn early(file: &[u8], more: &[u8]) -> Vec<u8> {
    insert(file, HEADER_END, more)
}

/// The file with more right before its end.
fn late(file: &[u8], more: &[u8]) -> Vec<u8> {
    insert(file, file.len() - END_CHUNK, more)
}

fn insert(file: &[u8], at: usize, more: &[u8]) -> Vec<u8> {
    [&file[..at], more, &file[at..]].concat()
}

/// Where the last chunk of a kind begins; the end of the file if there is none.
fn last_chunk(file: &[u8], kind: &[u8; 4]) -> usize {
    let name = file.windows(4).rposition(|four| four == kind);
    name.map_or(file.len(), |name| name - 4)
}

/// The file with more data in the chunk at `at`.
fn longer(file: &[u8], at: usize, more: &[u8]) -> Vec<u8> {
    let length = u32::from_be_bytes(*file[at..].first_chunk().expect("a chunk"));
    let end = at + 12 + usize::try_from(length).expect("small");
    let kind = file[at + 4..].first_chunk().expect("a chunk");
    let data = [&file[at + 8..end - 4], more].concat();
    [&file[..at], &chunk(kind, &data), &file[end..]].concat()
}
