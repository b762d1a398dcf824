use super::*;
use crate::item::Upload;
use crate::stage::scrub::fixtures::{carriers, webp_file};
use crate::stage::scrub::scrub_encoded;
use crate::stage::sniff::sniff;
use crate::stage::testing::{
    AvifKind, avif, avif_of_kind, every_kind, gif, jpeg, png, png_chunk, webp, webp_chunk,
    webp_lossy,
};

fn report(bytes: &[u8]) -> Report {
    inspect(bytes.into(), &Limits::default())
}

fn scrubbed(bytes: &[u8]) -> Vec<u8> {
    let sniffed = sniff(
        Upload {
            bytes: bytes.into(),
        },
        &Limits::default(),
    )
    .expect("a picture");
    let clean = scrub_encoded(sniffed.bytes, sniffed.format, sniffed.header);
    clean.expect("a clean file").bytes().to_vec()
}

/// The parts by name, as the lister finds them.
fn names(report: &Report) -> Vec<&'static str> {
    report.carried.iter().map(|part| part.what).collect()
}

#[test]
fn p02_what_is_stored_is_found_clean() {
    for (name, file) in [every_kind(), carriers()].concat() {
        let report = report(&scrubbed(&file));
        assert!(report.is_clean(), "{name}: {report:?}");
        assert_eq!(report.fate, Fate::StoredAsItIs, "{name}");
    }
}

#[test]
fn p02_no_carrier_is_found_clean() {
    // These lie inside the compressed picture, or inside a field of its tables,
    // where only the path tells them from it.
    let inside = [
        "jpeg behind its last block",
        "jpeg behind a restart interval",
        "jpeg behind a scan",
        "png inside the compressed picture",
        "png unused palette",
        "png unused colours",
        "webp second picture",
        "webp behind an uncompressed alpha plane",
        "webp behind a lossless picture",
        "webp behind a lossy picture",
        "webp behind a compressed alpha plane",
        "gif behind the picture's end code",
        "gif colours no pixel has",
        "avif brands",
        "avif before its data",
        "avif between its data",
        "avif shape of pixels",
        "avif behind depths",
        "avif behind numbers",
        "avif behind turning",
        "avif behind size",
        "avif configuration",
        "avif colours of an unknown kind",
        "avif behind alpha",
        "avif metadata unit",
        "avif metadata unit after",
        "avif padding unit",
        "avif delimiter",
        "avif repeated header",
        "avif tile list",
        "avif reserved unit",
        "avif behind its units",
        "avif behind the sequence header",
    ];
    let unlisted: Vec<&str> = carriers()
        .into_iter()
        .filter(|(name, file)| {
            let report = report(file);
            assert!(!report.is_clean(), "{name}");
            report.carried.is_empty()
        })
        .map(|(name, _)| name)
        .collect();
    assert_eq!(unlisted, inside);
}

#[test]
fn parts_are_named_with_their_place() {
    let file = jpeg(40, 24);
    let comment = [0xFF, 0xFE, 0, 5, b'a', b'b', b'c'];
    let carried = [&file[..2], &comment, &file[2..], b"tail"].concat();
    let report = report(&carried);
    let expected = [
        Part {
            what: "comment",
            offset: 2,
            bytes: 7,
        },
        Part {
            what: "bytes after the end of the image",
            offset: carried.len() - 4,
            bytes: 4,
        },
    ];
    assert_eq!(report.carried, expected);
    let comment_first = Difference {
        what: "a segment of an application",
        how: Departure::LeftOut,
        offset: 2,
        bytes: 7,
    };
    assert_eq!(report.fate, Fate::Rewritten(comment_first));
    assert_eq!(report.format, Some(Format::Jpeg));
}

#[test]
fn the_worst_of_an_exif_block_is_named() {
    let (_, file) = carriers().swap_remove(0);
    let names = names(&report(&file));
    for what in [
        "Exif",
        "Exif GPS position",
        "Exif maker note",
        "Exif thumbnail",
    ] {
        assert!(names.contains(&what), "{what}: {names:?}");
    }
}

#[test]
fn pictures_behind_the_picture_are_looked_into() {
    let (_, with_exif) = carriers().swap_remove(0);
    let plain = scrubbed(&jpeg(40, 24));
    let report = report(&[&plain[..], &with_exif].concat());
    assert_eq!(
        names(&report)[0],
        "further picture after the end of the image"
    );
    let gps = report
        .carried
        .iter()
        .find(|part| part.what == "Exif GPS position")
        .expect("the second picture's position");
    assert!(gps.offset > plain.len());
}

#[test]
fn a_refused_file_is_not_clean_and_still_listed() {
    let file = [b"\x89PNG\r\n\x1a\n", &png_chunk(b"tEXt", b"Comment\0x")[..]].concat();
    let report = report(&file);
    assert!(matches!(report.fate, Fate::Refused(_)));
    assert!(names(&report).contains(&"text"));
    assert!(!report.is_clean());
    let other = super::inspect(b"no picture"[..].into(), &Limits::default());
    assert_eq!((other.format, other.is_clean()), (None, false));
}

#[test]
fn a_flood_of_parts_is_counted() {
    let plain = gif(40, 24);
    let comments = b"\x21\xFE\x01x\0".repeat(PARTS_MAX + 7);
    let flooded = [&plain[..781], &comments, &plain[781..]].concat();
    let report = report(&flooded);
    assert_eq!((report.carried.len(), report.omitted), (PARTS_MAX, 7));
}

#[test]
fn any_bytes_get_a_report() {
    let look = |bytes: &[u8]| {
        let format = sniff::format(bytes);
        for part in format.map_or(Vec::new(), |format| carried(bytes, format)) {
            assert!(part.offset + part.bytes <= bytes.len(), "{part:?}");
        }
    };
    for (_, mut file) in [every_kind(), carriers()].concat() {
        for length in (0..file.len()).step_by(3) {
            look(&file[..length]);
        }
        for at in 0..file.len() {
            file[at] ^= 0xFF;
            look(&file);
            file[at] ^= 0xFF;
        }
    }
}

#[test]
fn an_avifs_items_and_boxes_are_named() {
    let file = avif_of_kind(AvifKind::Metadata);
    let found = names(&report(&file));
    for what in ["Exif", "XMP"] {
        assert!(found.contains(&what), "{what}: {found:?}");
    }
    let trailing = [avif(), b"\0\0\0\x0Cfreetext".to_vec(), b"rest".to_vec()].concat();
    let found = names(&report(&trailing));
    assert!(found.contains(&"padding box"), "{found:?}");
    assert!(found.contains(&"bytes after the last box"), "{found:?}");
}

/// A PNG whose picture is cut into chunks of seven bytes.
fn png_in_pieces(plain: &[u8]) -> Vec<u8> {
    let at = plain.windows(4).position(|name| name == b"IDAT");
    let at = at.expect("a picture") - 4;
    let length = u32::from_be_bytes(*plain[at..].first_chunk().expect("a length"));
    let end = at + 8 + usize::try_from(length).expect("small");
    let pieces = plain[at + 8..end].chunks(7);
    let pieces = pieces.flat_map(|piece| png_chunk(b"IDAT", piece));
    [
        &plain[..at],
        &pieces.collect::<Vec<u8>>(),
        &plain[end + 4..],
    ]
    .concat()
}

/// A GIF whose picture is cut into blocks of seven bytes, as version 87a.
fn gif_in_pieces(plain: &[u8]) -> Vec<u8> {
    // Screen and colours, graphic control, descriptor, bits of a code.
    let control = if plain[781] == 0x21 { 8 } else { 0 };
    let at = 781 + control + 11;
    assert_eq!(plain[at - 11], 0x2C);
    let mut data = Vec::new();
    let mut rest = &plain[at..];
    while rest[0] > 0 {
        let (block, after) = rest[1..].split_at(rest[0].into());
        data.extend_from_slice(block);
        rest = after;
    }
    let mut file = [b"GIF87a", &plain[6..at]].concat();
    for block in data.chunks(7) {
        file.push(u8::try_from(block.len()).expect("seven at most"));
        file.extend_from_slice(block);
    }
    [&file, rest].concat()
}

/// A JPEG with two Huffman tables in one segment.
fn jpeg_in_pieces(plain: &[u8]) -> Vec<u8> {
    let at = plain.windows(2).position(|two| two == [0xFF, 0xC4]);
    let at = at.expect("tables");
    let length = |at: usize| u16::from_be_bytes([plain[at + 2], plain[at + 3]]);
    let next = at + 2 + usize::from(length(at));
    assert_eq!(plain[next..next + 2], [0xFF, 0xC4]);
    let both = length(at) + length(next) - 2;
    [
        &plain[..at + 2],
        &both.to_be_bytes(),
        &plain[at + 4..next],
        &plain[next + 4..],
    ]
    .concat()
}

#[test]
fn other_pieces_of_the_same_are_told_from_what_is_carried() {
    let [jpeg, png, gif] = [jpeg(40, 24), png(40, 24), gif(8, 8)].map(|file| scrubbed(&file));
    for (name, file) in [
        ("jpeg", jpeg_in_pieces(&jpeg)),
        ("png", png_in_pieces(&png)),
        ("gif", gif_in_pieces(&gif)),
    ] {
        let report = report(&file);
        assert_eq!(report.fate, Fate::CutAnew, "{name}: {report:?}");
        assert!(report.is_clean(), "{name}");
    }
    // A table that another takes the place of before a scan names it.
    let table = [&[0xFF, 0xDB, 0, 67, 0][..], &[b'x'; 64]].concat();
    let overwritten = [&jpeg[..2], &table, &jpeg[2..]].concat();
    assert!(matches!(report(&overwritten).fate, Fate::Rewritten(_)));
    let with_text = [
        &png[..33],
        &png_chunk(b"tEXt", b"Comment\0x"),
        &png_in_pieces(&png)[33..],
    ];
    let report = report(&with_text.concat());
    assert!(matches!(report.fate, Fate::Rewritten(_)));
    assert!(!report.is_clean());
}

/// Where the file first differs from what would be stored of it.
fn difference(file: &[u8]) -> (&'static str, Departure, usize, usize) {
    match report(file).fate {
        Fate::Rewritten(Difference {
            what,
            how,
            offset,
            bytes,
        }) => (what, how, offset, bytes),
        other => panic!("{other:?}"),
    }
}

#[test]
fn padding_and_hidden_data_do_not_read_alike() {
    use Departure::{LeftOut, Replaced};
    let clean = scrubbed(&webp_lossy());
    let length = u32::from_le_bytes(*clean[16..].first_chunk().expect("a length"));
    let picture = &clean[20..20 + usize::try_from(length).expect("small")];
    let file = webp_file(&webp_chunk(b"VP8 ", &[picture, b"51.5N 0.1W"].concat()));
    let found = difference(&file);
    assert_eq!((found.0, found.1), ("a lossy picture", LeftOut));
    assert!(found.2 >= file.len() - 12 && found.3 >= 9, "{found:?}");

    let odd = odd_webp();
    let mut padded = odd.clone();
    *padded.last_mut().expect("a file") = 7;
    let at = odd.len() - 1;
    assert_eq!(difference(&padded), ("padding", Replaced, at, 1));
}

/// A clean file whose last byte is padding.
fn odd_webp() -> Vec<u8> {
    let odd = (1..200_u16).find_map(|width| {
        let file = scrubbed(&webp(width, 3));
        let length = u32::from_le_bytes(*file[16..].first_chunk().expect("a length"));
        (length % 2 == 1).then_some(file)
    });
    odd.expect("some picture has an odd length")
}

#[test]
fn the_first_difference_is_named_with_its_place() {
    use Departure::{LeftOut, Replaced};
    let clean = scrubbed(&png(40, 24));
    let idat = clean.windows(4).position(|name| name == b"IDAT");
    let idat = idat.expect("a picture");
    let end = clean.len() - 12 - 4;
    let data = [&clean[idat + 4..end], b"hidden"].concat();
    let file = [
        &clean[..idat - 4],
        &png_chunk(b"IDAT", &data),
        &png_chunk(b"IEND", b""),
    ]
    .concat();
    let expected = ("the data of a picture", LeftOut, end, 6);
    assert_eq!(difference(&file), expected);
    // The same in two pieces: only where it begins is known.
    let file = [
        &clean[..idat - 4],
        &png_chunk(b"IDAT", &data[..50]),
        &png_chunk(b"IDAT", &data[50..]),
        &png_chunk(b"IEND", b""),
    ]
    .concat();
    let expected = ("the data of a picture", LeftOut, idat + 4, 6);
    assert_eq!(difference(&file), expected);

    let clean = scrubbed(&jpeg(40, 24));
    let scan = clean.len() - 2;
    let file = [&clean[..scan], b"hidden", &clean[scan..]].concat();
    let found = ("the data of a scan or frame", LeftOut, scan, 6);
    assert_eq!(difference(&file), found);
    let table = clean.windows(2).position(|two| two == [0xFF, 0xDB]);
    let table = table.expect("tables");
    let filled = [&clean[..table], &[0xFF; 3], &clean[table..]].concat();
    let expected = ("bytes between segments", LeftOut, table, 3);
    assert_eq!(difference(&filled), expected);

    let mut gif = scrubbed(&gif(8, 8));
    // A colour that no pixel has.
    let colour = 13 + 3;
    gif[colour] ^= 0xFF;
    assert_eq!(difference(&gif), ("a table", Replaced, colour, 1));
}

#[test]
fn a_part_that_only_moves_is_not_called_left_out() {
    let clean = scrubbed(&png(40, 24));
    let density = png_chunk(b"pHYs", &[0, 0, 11, 19, 0, 0, 11, 19, 1]);
    let intent = png_chunk(b"sRGB", &[0]);
    let with = |parts: [&[u8]; 2]| [&clean[..33], &parts.concat(), &clean[33..]].concat();
    let file = with([&density, &intent]);
    assert_eq!(scrubbed(&file), with([&intent, &density]));
    assert_eq!(difference(&file).1, Departure::Moved);
}

#[test]
fn the_size_that_would_be_stored_is_told() {
    let clean = scrubbed(&png(40, 24));
    let with_text = [
        &clean[..33],
        &png_chunk(b"tEXt", b"Comment\0hello"),
        &clean[33..],
    ]
    .concat();
    let told = report(&with_text);
    assert_eq!(
        (told.bytes, told.stored_bytes),
        (with_text.len(), Some(clean.len()))
    );
    assert_eq!(report(b"no image").stored_bytes, None);
}
